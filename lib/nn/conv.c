#include "nn/conv.h"

#include "nn/conv_kernel.h"
#include "nn/winograd.h"
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Floats of input that a tile may touch: half of a typical 1 MB second-level cache, weights and output take
 * the rest. */
#define TILE_FLOATS (128 * 1024)
/* Pixels over which the weight gradient of a block of channels is summed before it moves to the next block.
 */
#define GRADIENT_CHUNK 2048

static const conv_kernels *kernels_supported(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    if (avx512 && (!name || !strcmp(name, "avx512")))
        return &conv_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && (!name || !strcmp(name, "avx2")))
        return &conv_kernels_avx2;
#endif
    return !name || !strcmp(name, "generic") ? &conv_kernels_generic : NULL;
}

static const conv_kernels *kernels; /* set before main() */
static int direct_only;
static char kernels_name[32];

__attribute__((constructor)) static void kernels_choose(void) {
    const char *wanted = getenv("SSFD_ISA");
    kernels = wanted ? kernels_supported(wanted) : NULL;
    if (!kernels)
        kernels = kernels_supported(NULL);
    const char *algorithm = getenv("SSFD_CONV");
    direct_only = algorithm && strcmp(algorithm, "direct") == 0;
    snprintf(kernels_name, sizeof kernels_name, "%s%s", kernels->name, direct_only ? " direct" : "");
}

const conv_kernels *conv_kernels_best(void) {
    return kernels;
}

const char *conv_isa(void) {
    return kernels->name;
}

const char *conv_kernels_name(void) {
    return kernels_name;
}

static void pack(const float *w, int out, int in, size_t out_stride, size_t in_stride, int turned,
                 float *to) {
    for (int o = 0; o < out; o += conv_block_at(out, o))
        for (int i = 0; i < in; i++)
            for (int tap = 0; tap < 9; tap++)
                for (int k = 0; k < conv_block_at(out, o); k++)
                    *to++ =
                        w[(size_t)(o + k) * out_stride + (size_t)i * in_stride + (turned ? 8 - tap : tap)];
}

/* ---------------------------------------------------------------- weights */

static int is_winograd(int out, int in) {
    return !direct_only && out >= CONV_WINOGRAD_CHANNELS && in >= CONV_WINOGRAD_CHANNELS;
}

size_t conv3_packed_floats(int out, int in) {
    return (size_t)out * (size_t)in * (is_winograd(out, in) ? WINOGRAD_POINTS : 9);
}

void conv3_pack(const float *w, int out, int in, conv_packed *packed) {
    packed->in = in;
    packed->out = out;
    (is_winograd(out, in) ? winograd_pack : pack)(w, out, in, (size_t)in * 9, 9, 0, packed->data);
}

void conv3_pack_transposed(const float *w, int out, int in, conv_packed *packed) {
    packed->in = out;
    packed->out = in;
    (is_winograd(out, in) ? winograd_pack : pack)(w, in, out, 9, (size_t)in * 9, 1, packed->data);
}

/* ---------------------------------------------------------------- forward */

static void direct_forward(const tensor *x, const conv_packed *w, const float *bias, int relu,
                           const tensor *y) {
    size_t span = tensor_span(x), first = tensor_first(x);
    size_t tile = TILE_FLOATS / (size_t)w->in;
    tile = tile > 2 * x->ld + 256 ? (tile - 2 * x->ld) / 64 * 64 : 256;
#pragma omp parallel for schedule(static) if (!omp_in_parallel())
    for (size_t p = 0; p < span; p += tile) {
        size_t n = span - p < tile ? span - p : tile;
        const float *weights = w->data;
        for (int o = 0; o < w->out;) {
            int block = conv_block_at(w->out, o);
            kernels->forward(x->data + first + p, x->plane, w->in, weights, bias ? bias + o : NULL, relu,
                             block, tensor_plane(y, o) + first + p, y->plane, n, (ptrdiff_t)x->ld);
            weights += (size_t)w->in * 9 * (size_t)block;
            o += block;
        }
    }
    tensor_clear_border(y, 0, w->out);
}

void conv3_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const tensor *y,
                   int threads, float *scratch) {
    if (is_winograd(w->out, w->in))
        winograd_forward(x, w, bias, relu, y, threads, scratch);
    else
        direct_forward(x, w, bias, relu, y);
}

int conv3_pool_parts(const tensor *x, int out) {
    return is_winograd(out, x->channels) && x->rows % 4 == 0 && x->columns % 4 == 0 ? winograd_parts(x) : 0;
}

void conv3_pool_forward(const tensor *x, const conv_packed *w, const float *bias, int relu,
                        const float *gamma, const tensor *y, int threads, float *scratch,
                        conv_moments *moments) {
    winograd_pool_forward(x, w, bias, relu, gamma, y, threads, scratch, moments);
}

size_t conv3_scratch(const tensor *x, int out) {
    return is_winograd(out, x->channels) ? winograd_scratch(x, out) : 0;
}

/* ---------------------------------------------------------------- gradient of the weights */

static void gradient_direct(const tensor *x, const tensor *dy, float *dw) {
    size_t span = tensor_span(x), first = tensor_first(x), in = (size_t)x->channels;
    for (size_t p = 0; p < span; p += GRADIENT_CHUNK) {
        size_t n = span - p < GRADIENT_CHUNK ? span - p : GRADIENT_CHUNK;
        for (int o = 0; o < dy->channels; o += conv_block_at(dy->channels, o))
            for (size_t i = 0; i < in; i++)
                kernels->gradient(tensor_plane(x, (int)i) + first + p, tensor_plane(dy, o) + first + p,
                                  dy->plane, conv_block_at(dy->channels, o), n, (ptrdiff_t)x->ld,
                                  dw + ((size_t)o * in + i) * 9, in * 9);
    }
}

size_t conv3_gradient_scratch(const tensor *x, int out) {
    return is_winograd(out, x->channels) ? winograd_gradient_scratch(x, out) : 0;
}

void conv3_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch) {
    if (is_winograd(dy->channels, x->channels))
        winograd_weight_gradient(x, dy, dw, scratch);
    else
        gradient_direct(x, dy, dw);
}
