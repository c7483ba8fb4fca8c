/* 3x3 convolution, stride 1, zero padding 1 (cross-correlation, as in PyTorch's Conv2d), on padded planes.
 *
 * Which kernel runs:
 *   forward, gradient of the input  direct, register-blocked: CONV_BLOCK output channels x 4 vectors of
 * pixels gradient of the weights         direct where channels are few; nine shifted sgemm (OpenBLAS) from
 *                                   CONV_GEMM_CHANNELS on, where the matrices are large enough to run near
 * peak The direct kernels are compiled three times (AVX-512, AVX2, baseline vectors) and chosen when the
 * program starts. All functions here run on the calling thread: parallelism is over images, outside. */
#ifndef SSFD_NN_CONV_H
#define SSFD_NN_CONV_H

#include "nn/tensor.h"

#define CONV_BLOCK 5
#define CONV_GEMM_CHANNELS 40

/* Weights in the order in which the kernel reads them: blocks of up to CONV_BLOCK output channels, each
 * [in][3][3][block]. */
typedef struct {
    int in, out;
    float *data; /* in*out*9 */
} conv_packed;

/* w is (out, in, 3, 3). packed->data is the caller's, in*out*9 floats. */
void conv3_pack(const float *w, int out, int in, conv_packed *packed);
/* Packs the transposed, turned kernel, with which the gradient of the input is a forward convolution. */
void conv3_pack_transposed(const float *w, int out, int in, conv_packed *packed);

/* y = conv(x, w) + bias, then max(0, y) when relu is set. bias may be NULL. x and y are distinct. */
void conv3_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const tensor *y);

/* dw += gradient of the weights (out, in, 3, 3), from x and dy. scratch holds conv3_gradient_scratch()
 * floats. */
void conv3_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch);
size_t conv3_gradient_scratch(int out, int in);

/* Name of the instruction set in use: "avx512", "avx2" or "generic". The environment variable SSFD_ISA picks
 * one of them, for tests and for comparison; one that the CPU lacks is ignored. */
const char *conv_isa(void);

#endif
