/* The convolution kernels of one instruction set: see conv_kernel.inc and winograd_kernel.inc. Private to
 * lib/nn. */
#ifndef SSFD_NN_CONV_KERNEL_H
#define SSFD_NN_CONV_KERNEL_H

#include "nn/conv.h"

#define WINOGRAD_POINTS 36
/* Most slots worked on at a time. */
#define WINOGRAD_SLOTS 64

/* Neighbouring tiles of one row of tiles. */
typedef struct {
    int slot, tiles; /* place of the first, number */
    int row, column; /* pixel at the top left of the first */
} winograd_run;

typedef struct {
    int slots; /* a multiple of 16 */
    int count;
    winograd_run run[WINOGRAD_SLOTS];
    float valid[WINOGRAD_SLOTS]; /* 1 where there is a tile, else 0 */
} winograd_block;

typedef struct {
    const char *name;
    /* y[o][p] = sum_i sum_taps w[i][tap][o] x[i][p + tap] (+ bias[o]), p in [0, n), o in [0, block) */
    void (*forward)(const float *x, size_t x_plane, int in, const float *w, const float *bias, int relu,
                    int block, float *y, size_t y_plane, size_t n, ptrdiff_t ld);
    /* dw[o * dw_stride + tap] += sum_p dy[o][p] x[p + tap], p in [0, n): n is rounded up to whole vectors, so
     * dy must be zero behind its end (it is: padding) */
    void (*gradient)(const float *x, const float *dy, size_t dy_plane, int block, size_t n, ptrdiff_t ld,
                     float *dw, size_t dw_stride);
    /* v[point * stride + slot]: B^T d B of a channel of the input, A dy A^T of one of dy. */
    void (*winograd_input)(const tensor *x, int channel, const winograd_block *b, float *v, size_t stride);
    void (*winograd_gradient)(const tensor *dy, int channel, const winograd_block *b, float *v,
                              size_t stride);
    /* One point: m[o][t] = sum_i w[i][o] v[i][t], o in [0, groups * block), t in [0, slots). */
    void (*winograd_product)(const float *v, size_t stride, size_t slots, int in, const float *w, int groups,
                             int block, float *m);
    /* y = A^T m A (+ bias, through a ReLU) of a channel of the output. */
    void (*winograd_output)(const float *m, size_t stride, const winograd_block *b, float bias, int relu,
                            const tensor *y, int channel);
    /* The same, pooled: see conv3_pool_forward(). */
    void (*winograd_output_pooled)(const float *m, size_t stride, const winograd_block *b, float bias,
                                   int relu, float sign, const tensor *y, int channel, conv_moments *moments);
} conv_kernels;

extern const conv_kernels conv_kernels_generic;
#if defined(__x86_64__)
extern const conv_kernels conv_kernels_avx2, conv_kernels_avx512;
#endif

/* Those of this CPU. */
const conv_kernels *conv_kernels_best(void);

/* Channels of the block of output channels that begins with `first`: blocks of 5 where that divides them (20,
 * 40, 80, 160, 320), else of 4. */
static inline int conv_block_at(int out, int first) {
    int size = out % CONV_BLOCK == 0 ? CONV_BLOCK : 4;
    return out - first < size ? out - first : size;
}

#endif
