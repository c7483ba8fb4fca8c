/* Direct 3x3 convolution, for few channels: blocks of up to CONV_BLOCK output channels x a few vectors of
 * pixels stay in registers. Private to lib/nn; see conv.h for when it runs and for what the functions do. */
#ifndef SSFD_NN_DIRECT_H
#define SSFD_NN_DIRECT_H

#include "nn/kernels.h"

/* Packed weights: for each block of output channels [in][3][3][block]. `turned` turns each kernel by 180
 * degrees; strides are those of w, in floats. */
void direct_pack(const float *w, int out, int in, size_t out_stride, size_t in_stride, int turned, float *to);

void direct_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const tensor *y);

void direct_weight_gradient(const tensor *x, const tensor *dy, float *dw);

#endif
