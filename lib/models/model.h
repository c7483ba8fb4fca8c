/* Networks of this project: what a weight file holds, and one way to load and write them all.
 *
 * To add one: lib/models/<name>.c defines `const model model_<name>`, and its name goes into the list in
 * model.c. It can then be loaded, written and trained (train/training.h). VGG-16 is none of these: it is
 * frozen, and its weights come in other people's files (models/vgg16.h).
 *
 * A weight file is HDF5 with one dataset per parameter, named as in the PyTorch state dict, float32 or
 * float16. Root attributes: `architecture` and those of the network's configuration. */
#ifndef SSFD_MODELS_MODEL_H
#define SSFD_MODELS_MODEL_H

#include "io/h5.h"
#include "nn/net.h"

typedef struct {
    const char *architecture;                              /* as in weight files: "ssfd-unet" */
    size_t config_size;                                    /* of the network's own struct, `config` below */
    int (*read_config)(const h5_file *file, void *config); /* fills every field */
    int (*write_config)(h5_file *file, const void *config);
    net *(*create)(const void *config); /* the network with zero weights; NULL with a message */
} model;

/* The network of a weight file, which must be of the architecture expected; NULL: any that is known. Further
 * datasets and attributes are ignored. Another architecture, an attribute that is missing or out of range, a
 * missing tensor, another shape or a value that is not finite is an error that names the file and what is
 * wrong. */
net *model_load(const char *path, const model *expected);

/* Writes architecture, configuration and parameters into an open file; the caller may add attributes, and
 * commits. */
int model_write(h5_file *file, const model *m, const void *config, const net *n, h5_float as);

/* For read_config: an integer attribute, which must lie in min..max. */
int model_read_integer(const h5_file *file, const char *name, int min, int max, int *value);

#endif
