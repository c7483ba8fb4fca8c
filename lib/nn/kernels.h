/* The inner loops of the 3x3 convolutions, once for each instruction set, and what everything that calls them
 * shares: the order of packed weights, the blocks of output channels, the tiles. Only conv_packed and
 * conv_moments are used outside lib/nn, through nn/conv.h. */
#ifndef SSFD_NN_KERNELS_H
#define SSFD_NN_KERNELS_H

#include "nn/tensor.h"

#define CONV_BLOCK 5

/* Weights in the order in which the kernels read them: direct_pack(), winograd_pack(). */
typedef struct {
    int in, out;
    float *data; /* conv_packed_floats(out, in) */
} conv_packed;

/* Some pixels of a channel: their number, mean and sum of squared deviations from it. */
typedef struct {
    double n, mean, squares;
} conv_moments;

/* Channels of the block of output channels that begins with `first`: blocks of 5 where that divides them (20,
 * 40, 80, 160, 320), else of 4. */
static inline int conv_block_at(int out, int first) {
    int size = out % CONV_BLOCK == 0 ? CONV_BLOCK : 4;
    return out - first < size ? out - first : size;
}

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
    void (*direct_forward)(const float *x, size_t x_plane, int in, const float *w, const float *bias,
                           int relu, int block, float *y, size_t y_plane, size_t n, ptrdiff_t ld);
    /* dw[o * dw_stride + tap] += sum_p dy[o][p] x[p + tap], p in [0, n). n is rounded up to whole vectors, so
     * dy must be zero after its end (it is: padding). */
    void (*direct_gradient)(const float *x, const float *dy, size_t dy_plane, int block, size_t n,
                            ptrdiff_t ld, float *dw, size_t dw_stride);
    /* v[point * stride + slot]: B^T d B of a channel of the input, A dy A^T of one of dy. */
    void (*winograd_input)(const tensor *x, int channel, const winograd_block *b, float *v, size_t stride);
    void (*winograd_gradient)(const tensor *dy, int channel, const winograd_block *b, float *v,
                              size_t stride);
    /* One point: m[o][t] = sum_i w[i][o] v[i][t], o in [0, groups * block), groups 1 or 2, t in [0, slots),
     * slots a multiple of 16; a row of v takes `stride`. */
    void (*winograd_product)(const float *v, size_t stride, size_t slots, int in, const float *w, int groups,
                             int block, float *m);
    /* y = A^T m A (+ bias, through a ReLU) of a channel of the output; m: the block's slots, `stride` floats
     * from a point to the next. */
    void (*winograd_output)(const float *m, size_t stride, const winograd_block *b, float bias, int relu,
                            const tensor *y, int channel);
    /* The same, pooled: see conv_pool_forward(). sign -1 takes the smallest pixels. Tiles are whole. */
    void (*winograd_output_pooled)(const float *m, size_t stride, const winograd_block *b, float bias,
                                   int relu, float sign, const tensor *y, int channel, conv_moments *moments);
} kernel_set;

extern const kernel_set kernels_generic;
#if defined(__x86_64__)
extern const kernel_set kernels_avx2, kernels_avx512;
#endif

/* The best set for this CPU, or the one that SSFD_ISA in the environment names. */
const kernel_set *kernels_best(void);

#endif
