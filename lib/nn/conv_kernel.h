/* The direct kernels of one instruction set: see conv_kernel.inc. Private to lib/nn. */
#ifndef SSFD_NN_CONV_KERNEL_H
#define SSFD_NN_CONV_KERNEL_H

#include "nn/conv.h"

#define WINOGRAD_POINTS 36
/* Floats between the points' matrices: without them the 36 streams of a transform would often lie a multiple
 * of 4096 bytes apart and fight for the same lines of the first-level cache. */
#define WINOGRAD_PAD 16

typedef struct {
    const char *name;
    /* y[o][p] = sum_i sum_taps w[i][tap][o] x[i][p + tap] (+ bias[o]), p in [0, n), o in [0, block) */
    void (*forward)(const float *x, size_t x_plane, int in, const float *w, const float *bias, int relu,
                    int block, float *y, size_t y_plane, size_t n, ptrdiff_t ld);
    /* dw[o * dw_stride + tap] += sum_p dy[o][p] x[p + tap], p in [0, n): n is rounded up to whole vectors, so
     * dy must be zero behind its end (it is: padding) */
    void (*gradient)(const float *x, const float *dy, size_t dy_plane, int block, size_t n, ptrdiff_t ld,
                     float *dw, size_t dw_stride);
    /* Winograd's F(4x4, 3x3), see conv.h: transform of the input, products, transform back. */
    void (*winograd_input)(const float *x, ptrdiff_t ld, int rows, size_t count, size_t room, float *v,
                           size_t stride);
    void (*winograd_gradient)(const float *dy, ptrdiff_t ld, int rows, size_t count, size_t room, float *v,
                              size_t stride);
    void (*winograd_product)(const float *v, size_t stride, size_t tiles, int in, const float *w, int block,
                             float *m);
    void (*winograd_output)(const float *m, size_t stride, size_t count, float bias, int relu, float *y,
                            ptrdiff_t ld, int rows, size_t columns);
} conv_kernels;

extern const conv_kernels conv_kernels_generic;
#if defined(__x86_64__)
extern const conv_kernels conv_kernels_avx2, conv_kernels_avx512;
#endif

#endif
