#include "nn/conv.h"

#include "nn/conv_kernel.h"
#include <cblas.h>
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

__attribute__((constructor)) static void kernels_choose(void) {
    const char *wanted = getenv("SSFD_ISA");
    kernels = wanted ? kernels_supported(wanted) : NULL;
    if (!kernels)
        kernels = kernels_supported(NULL);
}

const char *conv_isa(void) {
    return kernels->name;
}

/* Output channels are cut into blocks of 5 where that divides them (20, 40, 80, 160, 320), else of 4. */
static int block_of(int out, int first) {
    int size = out % CONV_BLOCK == 0 ? CONV_BLOCK : 4;
    return out - first < size ? out - first : size;
}

static void pack(const float *w, int out, int in, size_t out_stride, size_t in_stride, int turned,
                 float *to) {
    for (int o = 0; o < out; o += block_of(out, o))
        for (int i = 0; i < in; i++)
            for (int tap = 0; tap < 9; tap++)
                for (int k = 0; k < block_of(out, o); k++)
                    *to++ =
                        w[(size_t)(o + k) * out_stride + (size_t)i * in_stride + (turned ? 8 - tap : tap)];
}

void conv3_pack(const float *w, int out, int in, conv_packed *packed) {
    packed->in = in;
    packed->out = out;
    pack(w, out, in, (size_t)in * 9, 9, 0, packed->data);
}

void conv3_pack_transposed(const float *w, int out, int in, conv_packed *packed) {
    packed->in = out;
    packed->out = in;
    pack(w, in, out, 9, (size_t)in * 9, 1, packed->data);
}

void conv3_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const tensor *y) {
    size_t span = tensor_span(x), first = tensor_first(x);
    size_t tile = TILE_FLOATS / (size_t)w->in;
    tile = tile > 2 * x->ld + 256 ? (tile - 2 * x->ld) / 64 * 64 : 256;
    for (size_t p = 0; p < span; p += tile) {
        size_t n = span - p < tile ? span - p : tile;
        const float *weights = w->data;
        for (int o = 0; o < w->out;) {
            int block = block_of(w->out, o);
            kernels->forward(x->data + first + p, x->plane, w->in, weights, bias ? bias + o : NULL, relu,
                             block, tensor_plane(y, o) + first + p, y->plane, n, (ptrdiff_t)x->ld);
            weights += (size_t)w->in * 9 * (size_t)block;
            o += block;
        }
    }
    tensor_clear_border(y, 0, w->out);
}

/* The nine taps as nine products dY X_shifted^T of (out x pixels) and (pixels x in) matrices: in this layout
 * a shifted image is the same matrix at another address, so nothing is copied. */
static void gradient_gemm(const tensor *x, const tensor *dy, float *dw, float *scratch) {
    int out = dy->channels, in = x->channels;
    for (int tap = 0; tap < 9; tap++) {
        ptrdiff_t shift = (tap / 3 - 1) * (ptrdiff_t)x->ld + tap % 3 - 1;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, out, in, (blasint)tensor_span(x), 1.0f,
                    dy->data + tensor_first(dy), (blasint)dy->plane, x->data + tensor_first(x) + shift,
                    (blasint)x->plane, 0.0f, scratch, in);
        for (size_t k = 0; k < (size_t)out * (size_t)in; k++)
            dw[k * 9 + (size_t)tap] += scratch[k];
    }
}

static void gradient_direct(const tensor *x, const tensor *dy, float *dw) {
    size_t span = tensor_span(x), first = tensor_first(x), in = (size_t)x->channels;
    for (size_t p = 0; p < span; p += GRADIENT_CHUNK) {
        size_t n = span - p < GRADIENT_CHUNK ? span - p : GRADIENT_CHUNK;
        for (int o = 0; o < dy->channels; o += block_of(dy->channels, o))
            for (size_t i = 0; i < in; i++)
                kernels->gradient(tensor_plane(x, (int)i) + first + p, tensor_plane(dy, o) + first + p,
                                  dy->plane, block_of(dy->channels, o), n, (ptrdiff_t)x->ld,
                                  dw + ((size_t)o * in + i) * 9, in * 9);
    }
}

size_t conv3_gradient_scratch(int out, int in) {
    return out >= CONV_GEMM_CHANNELS && in >= CONV_GEMM_CHANNELS ? (size_t)out * (size_t)in : 0;
}

void conv3_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch) {
    if (conv3_gradient_scratch(dy->channels, x->channels))
        gradient_gemm(x, dy, dw, scratch);
    else
        gradient_direct(x, dy, dw);
}
