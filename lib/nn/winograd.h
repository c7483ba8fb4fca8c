/* Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray 2016, arXiv:1509.09308) for convolutions of many
 * channels: 36 multiplications for 16 outputs instead of 144. Private to lib/nn; see conv.h for when it runs.
 *
 * Tiles of 4x4 outputs see 6x6 inputs d. Per tile y = A^T [sum_i (G g_i G^T) * (B^T d_i B)] A, * meaning
 * element by element: each of the 36 points is a matrix product (out x in)(in x tiles). The gradient of the
 * input is such a convolution, too. As y is linear in u = G g G^T, the gradient of u is the sum over tiles of
 * (A dy A^T) * (B^T d B) and that of g is G^T du G.
 *
 * Order of work: tiles are numbered along the rows of the image and worked on in blocks, whose transformed
 * input stays in the second-level cache. Slots are places for tiles: where a row of tiles does not fill whole
 * vectors, one empty slot keeps it apart from the next, so that a vector may extend past the end of a row. */
#ifndef SSFD_NN_WINOGRAD_H
#define SSFD_NN_WINOGRAD_H

#include "nn/kernels.h"

/* Packed weights: [36], for each block of output channels [in][block]. `turned` turns each kernel by 180
 * degrees; strides are those of w, in floats. */
void winograd_pack(const float *w, int out, int in, size_t out_stride, size_t in_stride, int turned,
                   float *to);

/* conv_forward(), or conv_pool_forward() where moments are asked for, in winograd_parts() parts; else gamma and
 * moments are NULL. */
void winograd_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const float *gamma,
                      const tensor *y, int threads, float *scratch, conv_moments *moments);
int winograd_parts(const tensor *x);
/* Floats of scratch for each thread. */
size_t winograd_scratch(const tensor *x, int out);

void winograd_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch);
size_t winograd_gradient_scratch(const tensor *x, int out);

#endif
