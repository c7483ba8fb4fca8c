#include "nn/direct.h"

#include <omp.h>

/* Floats of input that a tile may touch: half of a typical 1 MB second-level cache, weights and output take
 * the rest. */
#define TILE_FLOATS (128 * 1024)
/* Pixels over which the weight gradient of a block of channels is summed before it moves to the next block. */
#define GRADIENT_CHUNK 2048

void direct_pack(const float *w, int out, int in, size_t out_stride, size_t in_stride, int turned,
                 float *to) {
    for (int o = 0; o < out; o += conv_block_at(out, o))
        for (int i = 0; i < in; i++)
            for (int tap = 0; tap < 9; tap++)
                for (int k = 0; k < conv_block_at(out, o); k++)
                    *to++ = w[(o + k) * out_stride + i * in_stride + (turned ? 8 - tap : tap)];
}

void direct_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const tensor *y) {
    size_t span = tensor_span(x), first = tensor_first(x);
    size_t tile = TILE_FLOATS / (size_t)w->in;
    tile = tile > 2 * x->ld + 256 ? (tile - 2 * x->ld) / 64 * 64 : 256;
#pragma omp parallel for schedule(static) if (!omp_in_parallel())
    for (size_t p = 0; p < span; p += tile) {
        size_t n = span - p < tile ? span - p : tile;
        const float *weights = w->data;
        for (int o = 0; o < w->out;) {
            int block = conv_block_at(w->out, o);
            kernels_best()->direct_forward(x->data + first + p, x->plane, w->in, weights,
                                           bias ? bias + o : NULL, relu, block,
                                           tensor_plane(y, o) + first + p, y->plane, n, (ptrdiff_t)x->ld);
            weights += (size_t)w->in * 9 * block;
            o += block;
        }
    }
    tensor_clear_border(y);
}

void direct_weight_gradient(const tensor *x, const tensor *dy, float *dw) {
    size_t span = tensor_span(x), first = tensor_first(x), in = (size_t)x->channels;
    for (size_t p = 0; p < span; p += GRADIENT_CHUNK) {
        size_t n = span - p < GRADIENT_CHUNK ? span - p : GRADIENT_CHUNK;
        for (int o = 0; o < dy->channels; o += conv_block_at(dy->channels, o))
            for (size_t i = 0; i < in; i++)
                kernels_best()->direct_gradient(
                    tensor_plane(x, (int)i) + first + p, tensor_plane(dy, o) + first + p, dy->plane,
                    conv_block_at(dy->channels, o), n, (ptrdiff_t)x->ld, dw + (o * in + i) * 9, in * 9);
    }
}
