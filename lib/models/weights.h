/* Weight files: HDF5, the root attribute `architecture` and one dataset per parameter, under the parameter's
 * name in the PyTorch state dict, float32 or float16. Every network adds the attributes of its configuration
 * (models/ssl_unet.h, models/recon_unet.h). */
#ifndef SSFD_MODELS_WEIGHTS_H
#define SSFD_MODELS_WEIGHTS_H

#include "io/h5.h"
#include "nn/net.h"

/* An error that names both unless the file's attribute architecture is `expected`. */
int weights_check_architecture(const h5_file *file, const char *expected);

/* Reads every parameter of n, a finished network, and calls net_update(). A missing tensor, another shape or
 * a value that is not finite is an error that names file and tensor; n then holds a mixture. Further
 * tensors in the file are ignored. */
int weights_read(const h5_file *file, net *n);

/* Writes every parameter of n. */
int weights_write(h5_file *file, const net *n, h5_float as);

#endif
