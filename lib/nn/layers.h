/* All layers but the 3x3 convolution, each a pair of plain functions: forward and backward, on padded planes.
 *
 * Backward functions take dy, the gradient of the loss with respect to the output, and give dx (written,
 * unless a function ADDS to it) and the gradients of the parameters (always added: the caller starts them
 * from zero). All keep the padding of their outputs zero. */
#ifndef SSFD_NN_LAYERS_H
#define SSFD_NN_LAYERS_H

#include "nn/conv.h"
#include <gsl/gsl_rng.h>

/* Backward through a ReLU whose output was y, in place: dy = 0 where y <= 0; then through the bias before
 * it: db[o] += sum of dy over the pixels of plane o. y NULL: no ReLU; db NULL: no bias. */
void relu_bias_backward(const tensor *y, const tensor *dy, float *db);

/* Group normalisation (Wu & He 2018), then LeakyReLU:
 *   h = gamma (x - m) / sqrt(v + eps) + beta,   y = h where h > 0, else slope h,
 * with mean m and biased variance v of each of `groups` equal groups of channels, eps = 1e-5. gamma and beta
 * NULL: ones and zeros; with a group per channel that is instance normalisation (Ulyanov et al. 2016).
 * slope 1: no LeakyReLU; another slope is for gamma and beta NULL only. saved: 2 * groups floats,
 * (m, 1 / sqrt(v + eps)) per group. */
#define NORM_EPS 1e-5
void norm_forward(const tensor *x, int groups, const float *gamma, const float *beta, float slope,
                  const tensor *y, float *saved);
void norm_backward(const tensor *x, int groups, const float *gamma, float slope, const float *saved,
                   const tensor *dy, const tensor *dx, float *dgamma, float *dbeta);

/* 2x2 max-pooling, stride 2; rows and columns are even. The gradient goes to the first maximum in row-major
 * order, as in PyTorch. Backward ADDS to dx. */
void max_pool_forward(const tensor *x, const tensor *y);
void max_pool_backward(const tensor *x, const tensor *dy, const tensor *dx);

/* Group normalisation of y, in place, by the moments of another image: [channels][parts]. */
void norm_by_moments(const tensor *y, int groups, const float *gamma, const float *beta,
                     const conv_moments *moments, int parts);

/* Group normalisation, then max-pooling, where nothing else reads the normalised image: the same numbers, but
 * only the pixels that remain are normalised (where gamma is negative, the smallest). */
void norm_max_pool_forward(const tensor *x, int groups, const float *gamma, const float *beta,
                           const tensor *y);

/* 2x2 average pooling, stride 2; rows and columns are even. Backward ADDS to dx. */
void avg_pool_forward(const tensor *x, const tensor *y);
void avg_pool_backward(const tensor *dy, const tensor *dx);

/* Transposed 2x2 convolution, stride 2 (PyTorch's ConvTranspose2d):
 *   y[o][2r+a][2c+b] = bias[o] + sum_i w[i][o][a][b] x[i][r][c],
 * then max(0, y) when relu is set. bias may be NULL. w is (in, out, 2, 2). scratch: up_conv_scratch() floats.
 * Products by OpenBLAS, a band of rows at a time. */
size_t up_conv_scratch(const tensor *x, int out);
void up_conv_forward(const tensor *x, const float *w, const float *bias, int relu, const tensor *y,
                     float *scratch);
void up_conv_backward(const tensor *x, const float *w, const tensor *dy, const tensor *dx, float *dw,
                      float *scratch);

/* 1x1 convolution: y[o] = bias[o] + sum_i w[o][i] x[i]. */
void conv1_forward(const tensor *x, const float *w, const float *bias, const tensor *y);
void conv1_backward(const tensor *x, const float *w, const tensor *dy, const tensor *dx, float *dw);

/* Dropout with probability p, kept values scaled by 1/(1-p). The mask is drawn from rng in plane order; mask
 * holds one byte per pixel and channel, for the backward pass. dx may be dy. */
void dropout_forward(const tensor *x, double p, gsl_rng *rng, const tensor *y, unsigned char *mask);
void dropout_backward(const unsigned char *mask, double p, const tensor *dy, const tensor *dx);

/* y = channels of a, then channels of b. Backward writes da and db. */
void concat_forward(const tensor *a, const tensor *b, const tensor *y);
void concat_backward(const tensor *dy, const tensor *da, const tensor *db);

/* Weight standardisation (Qiao et al. 2019): each output filter of `taps` values becomes
 * (w - mean) / (std + 1e-5), std with N-1. Backward turns dv, the gradient of the standardised weights v, into
 * dw; the two may be the same array. */
void weight_standardize(const float *w, int filters, int taps, float *v);
void weight_standardize_backward(const float *w, int filters, int taps, const float *dv, float *dw);

#endif
