/* 3x3 convolution, stride 1, zero padding 1 (cross-correlation, as in PyTorch's Conv2d), on padded planes.
 *
 * Which algorithm runs:
 *   CONV_WINOGRAD_CHANNELS and more on both sides: Winograd's F(4x4, 3x3) (nn/winograd.h), forward, for the
 *     gradient of the input, which is a forward convolution with turned weights, and for that of the weights.
 *   fewer (the first layer of a network): direct (nn/direct.h).
 * The kernels of both are compiled three times (AVX-512, AVX2, baseline vectors) and chosen when the program
 * starts (nn/kernels.h).
 *
 * Threads: images are split over threads by the caller. Called outside a parallel region (one image), a
 * convolution splits itself over `threads`; results do not depend on their number. */
#ifndef SSFD_NN_CONV_H
#define SSFD_NN_CONV_H

#include "nn/kernels.h"

#define CONV_WINOGRAD_CHANNELS 16

size_t conv_packed_floats(int out, int in);
/* w is (out, in, 3, 3). packed->data is the caller's. */
void conv_pack(const float *w, int out, int in, conv_packed *packed);
/* Packs the transposed, turned kernel, with which the gradient of the input is a forward convolution. */
void conv_pack_transposed(const float *w, int out, int in, conv_packed *packed);

/* y = conv(x, w) + bias, then max(0, y) when relu is set. bias may be NULL. x and y are distinct. scratch
 * holds conv_scratch() floats for each of `threads`. */
void conv_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const tensor *y,
                  int threads, float *scratch);
size_t conv_scratch(const tensor *x, int out);

/* The same, then 2x2 max-pooling, stride 2, without ever writing the image that is pooled: y has half its
 * rows and columns. A normalisation between the two finds the moments of that image in moments[o][part], with
 * conv_pool_parts() parts, 0 where this cannot be done (few channels, tiles that reach over the border).
 * Where gamma[o], the normalisation's factor, is negative, the smallest pixels are taken: they will be the
 * largest after it. */
int conv_pool_parts(const tensor *x, int out);
void conv_pool_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const float *gamma,
                       const tensor *y, int threads, float *scratch, conv_moments *moments);

/* dw += gradient of the weights (out, in, 3, 3), from x and dy. scratch: conv_gradient_scratch() floats. */
void conv_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch);
size_t conv_gradient_scratch(const tensor *x, int out);

/* Everything that the last digits of a result depend on: the instruction set, "avx512", "avx2" or "generic",
 * and whether Winograd is kept out ("avx512 direct"). For tests and comparisons the environment chooses:
 * SSFD_ISA names an instruction set (ignored if the CPU lacks it), SSFD_CONV=direct keeps Winograd out. */
const char *conv_kernels_name(void);

#endif
