/* Named tensors of a foreign weight file, HDF5 or safetensors; the first bytes tell which. */
#ifndef SSFD_IO_TENSOR_FILE_H
#define SSFD_IO_TENSOR_FILE_H

#include "io/h5.h"
#include "io/safetensors.h"

typedef struct {
    const char *path;   /* borrowed */
    h5_file *h5;        /* one of the two */
    safetensors *other; /* NULL for HDF5 */
} tensor_file;

/* Both fields are NULL after a failure. */
int tensor_file_open(tensor_file *f, const char *path);
void tensor_file_close(tensor_file *f);

int tensor_file_exists(const tensor_file *f, const char *name);
/* Reads a tensor of shape `dims` (at most 4 axes). Missing, of another shape, damaged, or with a value that
 * is not finite: an error that names file and tensor. */
int tensor_file_read(const tensor_file *f, const char *name, int rank, const size_t *dims, float *out);

#endif
