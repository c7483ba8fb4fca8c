/* 3x3 convolution, stride 1, zero padding 1 (cross-correlation, as in PyTorch's Conv2d), on padded planes.
 *
 * Which kernel runs:
 *   CONV_WINOGRAD_CHANNELS and more on both sides: Winograd's F(4x4, 3x3) (nn/winograd.h), forward, for the
 *     gradient of the input, which is a forward convolution with turned weights, and for that of the weights.
 *   fewer (the first layer of a network): direct, in blocks of CONV_BLOCK output channels x 4 vectors of
 *     pixels that stay in registers.
 * The kernels are compiled three times (AVX-512, AVX2, baseline vectors) and chosen when the program starts.
 *
 * Threads: work is split over images outside. Called outside of a parallel region (one image), a convolution
 * splits itself over `threads`; results do not depend on their number. */
#ifndef SSFD_NN_CONV_H
#define SSFD_NN_CONV_H

#include "nn/tensor.h"

#define CONV_BLOCK 5
#define CONV_WINOGRAD_CHANNELS 16

/* Weights in the order in which the kernel reads them: blocks of up to CONV_BLOCK output channels, each
 * [in][3][3][block]; for Winograd see winograd_pack(). */
typedef struct {
    int in, out;
    float *data; /* conv3_packed_floats(out, in) */
} conv_packed;

size_t conv3_packed_floats(int out, int in);

/* w is (out, in, 3, 3). packed->data is the caller's. */
void conv3_pack(const float *w, int out, int in, conv_packed *packed);
/* Packs the transposed, turned kernel, with which the gradient of the input is a forward convolution. */
void conv3_pack_transposed(const float *w, int out, int in, conv_packed *packed);

/* y = conv(x, w) + bias, then max(0, y) when relu is set. bias may be NULL. x and y are distinct. scratch
 * holds conv3_scratch() floats for each of `threads`. */
void conv3_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const tensor *y,
                   int threads, float *scratch);
size_t conv3_scratch(const tensor *x, int out);

/* Some pixels of a channel: their number, mean and sum of squared deviations from it. */
typedef struct {
    double n, mean, squares;
} conv_moments;

/* The same, then 2x2 max-pooling, stride 2, without ever writing the image that is pooled: y has half its
 * rows and columns. A normalisation between the two finds the moments of that image in moments[o][part], with
 * conv3_pool_parts() parts, 0 where this cannot be done (few channels, tiles that reach over the border).
 * Where gamma[o], the normalisation's factor, is negative, the smallest pixels are taken, which will be the
 * largest behind it. */
int conv3_pool_parts(const tensor *x, int out);
void conv3_pool_forward(const tensor *x, const conv_packed *w, const float *bias, int relu,
                        const float *gamma, const tensor *y, int threads, float *scratch,
                        conv_moments *moments);

/* dw += gradient of the weights (out, in, 3, 3), from x and dy. scratch holds conv3_gradient_scratch()
 * floats. */
void conv3_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch);
size_t conv3_gradient_scratch(const tensor *x, int out);

/* Name of the instruction set in use: "avx512", "avx2" or "generic". The environment variable SSFD_ISA picks
 * one of them, for tests and for comparison; one that the CPU lacks is ignored. */
const char *conv_isa(void);
/* All that the last digits of a result depend on: the instruction set, and "avx512 direct" where
 * SSFD_CONV=direct in the environment keeps Winograd out, for comparison. */
const char *conv_kernels_name(void);

#endif
