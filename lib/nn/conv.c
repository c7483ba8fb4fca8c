#include "nn/conv.h"

#include "nn/conv_kernel.h"
#include <cblas.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Floats of input that a tile may touch: half of a typical 1 MB second-level cache, weights and output take
 * the rest. */
#define TILE_FLOATS (128 * 1024)
/* Pixels over which the weight gradient of a block of channels is summed before it moves to the next block.
 */
#define GRADIENT_CHUNK 2048
/* Tiles that one matrix product of the weights' gradient runs over. */
#define WINOGRAD_GRADIENT_TILES 1024

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

__attribute__((constructor)) static void kernels_choose(void) {
    const char *wanted = getenv("SSFD_ISA");
    kernels = wanted ? kernels_supported(wanted) : NULL;
    if (!kernels)
        kernels = kernels_supported(NULL);
    const char *algorithm = getenv("SSFD_CONV");
    direct_only = algorithm && strcmp(algorithm, "direct") == 0;
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

/* ---------------------------------------------------------------- Winograd: weights */

static int is_winograd(int out, int in) {
    return !direct_only && out >= CONV_WINOGRAD_CHANNELS && in >= CONV_WINOGRAD_CHANNELS;
}

/* u = G g for CONV_BLOCK columns g of three taps side by side. */
static void transform_columns(float g[3][CONV_BLOCK], float u[6][CONV_BLOCK]) {
    for (int k = 0; k < CONV_BLOCK; k++) {
        float a = g[0][k], b = g[1][k], c = g[2][k];
        float sum = (a + c) * (1.0f / 6.0f), middle = b * (1.0f / 6.0f);
        float outer = a * (1.0f / 24.0f) + c * (1.0f / 6.0f), half = b * (1.0f / 12.0f);
        u[0][k] = a * 0.25f;
        u[1][k] = -(sum + middle);
        u[2][k] = middle - sum;
        u[3][k] = outer + half;
        u[4][k] = outer - half;
        u[5][k] = c;
    }
}

/* G g G^T of `block` filters, the first one's taps at w, to[f * stride + k]. */
static void transform_filters(const float *w, size_t filter_stride, int turned, int block, float *to,
                              size_t stride) {
    float g[3][3][CONV_BLOCK] = {{{0}}}, left[3][6][CONV_BLOCK], row[3][CONV_BLOCK], u[6][CONV_BLOCK];
    for (int k = 0; k < block; k++)
        for (int tap = 0; tap < 9; tap++) /* g[column][row] */
            g[tap % 3][tap / 3][k] = w[(size_t)k * filter_stride + (size_t)(turned ? 8 - tap : tap)];
    for (int x = 0; x < 3; x++)
        transform_columns(g[x], left[x]);
    for (int y = 0; y < 6; y++) {
        for (int x = 0; x < 3; x++)
            memcpy(row[x], left[x][y], sizeof row[x]);
        transform_columns(row, u);
        for (int f = 0; f < 6; f++)
            memcpy(to + (size_t)(6 * y + f) * stride, u[f], (size_t)block * sizeof(float));
    }
}

static void winograd_pack(const float *w, int out, int in, size_t out_stride, size_t in_stride, int turned,
                          float *to) {
    int size = block_of(out, 0);
#pragma omp parallel for schedule(static) if (!omp_in_parallel())
    for (int o = 0; o < out; o += size) {
        int block = block_of(out, o);
        float *block_to = to + (size_t)WINOGRAD_POINTS * (size_t)in * (size_t)o;
        for (int i = 0; i < in; i++)
            transform_filters(w + (size_t)o * out_stride + (size_t)i * in_stride, out_stride, turned, block,
                              block_to + (size_t)i * (size_t)block, (size_t)in * (size_t)block);
    }
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

/* ---------------------------------------------------------------- Winograd: one block of tiles */

/* Tiles worked on at a time: their transformed input stays within three quarters of a 1 MB second-level
 * cache. */
static size_t tile_block(int in) {
    return in <= 80 ? 64 : in <= 160 ? 32 : 16;
}

typedef struct {
    const tensor *x, *y;
    const conv_packed *w;
    const float *bias;
    int relu;
    size_t across, tiles, block; /* tiles in a row, in the image, worked on at a time */
} winograd;

/* A run of tiles of one row of tiles within a block. */
typedef struct {
    size_t at, count; /* place in the block */
    int row, column;  /* pixel of the first tile */
} tile_run;

static int next_run(const winograd *job, size_t first, size_t last, tile_run *run) {
    size_t tile = first + run->at + run->count;
    if (tile >= last)
        return 0;
    size_t left = job->across - tile % job->across;
    run->at += run->count;
    run->count = left < last - tile ? left : last - tile;
    run->row = (int)(tile / job->across) * 4;
    run->column = (int)(tile % job->across) * 4;
    return 1;
}

/* Floats from one point's matrix to the next. */
static size_t point_floats(int channels, size_t tiles) {
    return (size_t)channels * tiles + WINOGRAD_PAD;
}

/* v: [36][in][block], padded */
static void input_channel(const winograd *job, size_t first, size_t last, int channel, float *v) {
    const tensor *x = job->x;
    tile_run run = {0};
    while (next_run(job, first, last, &run)) {
        int rows = x->rows + 1 - (run.row - 1); /* the row of padding below is there, nothing beyond it */
        const float *from = tensor_row(x, channel, run.row) - x->ld + run.column - 1;
        kernels->winograd_input(from, (ptrdiff_t)x->ld, rows < 6 ? rows : 6, run.count, job->block - run.at,
                                v + (size_t)channel * job->block + run.at,
                                point_floats(x->channels, job->block));
    }
}

/* Output channels o to o + size. m: [36][size][block] and LANES more. */
static void output_channels(const winograd *job, size_t first, size_t last, int o, int size, const float *v,
                            float *m) {
    const tensor *y = job->y;
    size_t in = (size_t)job->w->in;
    size_t tiles = (last - first + 15) / 16 * 16;
    tile_run run = {0};
    kernels->winograd_product(v, job->block, tiles, job->w->in,
                              job->w->data + (size_t)WINOGRAD_POINTS * in * (size_t)o, size, m);
    while (next_run(job, first, last, &run)) {
        int rows = y->rows - run.row;
        size_t columns = (size_t)(y->columns - run.column);
        for (int k = 0; k < size; k++)
            kernels->winograd_output(m + (size_t)k * tiles + run.at, point_floats(size, tiles), run.count,
                                     job->bias ? job->bias[o + k] : 0.0f, job->relu,
                                     tensor_row(y, o + k, run.row) + run.column, (ptrdiff_t)y->ld,
                                     rows < 4 ? rows : 4, columns < 4 * run.count ? columns : 4 * run.count);
    }
}

/* Floats of v, then of m. */
static size_t input_floats(int in) {
    return WINOGRAD_POINTS * point_floats(in, tile_block(in));
}

size_t conv3_scratch(int out, int in) {
    return is_winograd(out, in)
               ? input_floats(in) + WINOGRAD_POINTS * point_floats(CONV_BLOCK, tile_block(in)) + 64
               : 0;
}

static void winograd_block(const winograd *job, size_t first, float *v, float *m) {
    size_t last = first + job->block < job->tiles ? first + job->block : job->tiles;
    for (int i = 0; i < job->w->in; i++)
        input_channel(job, first, last, i, v);
    for (int o = 0; o < job->w->out; o += block_of(job->w->out, o))
        output_channels(job, first, last, o, block_of(job->w->out, o), v, m);
}

/* Few blocks (small images): the threads share a block's channels. */
static void winograd_inside(const winograd *job, int threads, float *scratch) {
    size_t stride = conv3_scratch(job->w->out, job->w->in);
    int size = block_of(job->w->out, 0), blocks = (job->w->out + size - 1) / size;
#pragma omp parallel num_threads(threads)
    for (size_t first = 0; first < job->tiles; first += job->block) {
        size_t last = first + job->block < job->tiles ? first + job->block : job->tiles;
        float *m = scratch + (size_t)omp_get_thread_num() * stride + input_floats(job->w->in);
#pragma omp for schedule(static)
        for (int i = 0; i < job->w->in; i++)
            input_channel(job, first, last, i, scratch);
#pragma omp for schedule(static)
        for (int b = 0; b < blocks; b++)
            output_channels(job, first, last, b * size, block_of(job->w->out, b * size), scratch, m);
    }
}

static void winograd_forward(const winograd *job, int threads, float *scratch) {
    size_t stride = conv3_scratch(job->w->out, job->w->in),
           blocks = (job->tiles + job->block - 1) / job->block;
    threads = omp_in_parallel() ? 1 : threads;
    if (threads > 1 && blocks < 4 * (size_t)threads) {
        winograd_inside(job, threads, scratch);
        return;
    }
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t b = 0; b < blocks; b++) {
        float *v = scratch + (size_t)(threads > 1 ? omp_get_thread_num() : 0) * stride;
        winograd_block(job, b * job->block, v, v + input_floats(job->w->in));
    }
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
            int block = block_of(w->out, o);
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
    if (!is_winograd(w->out, w->in)) {
        direct_forward(x, w, bias, relu, y);
        return;
    }
    size_t across = ((size_t)x->columns + 3) / 4, down = ((size_t)x->rows + 3) / 4;
    const winograd job = {x, y, w, bias, relu, across, across * down, tile_block(w->in)};
    winograd_forward(&job, threads, scratch);
}

/* ---------------------------------------------------------------- gradient of the weights */

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

/* Winograd's way: y = A^T [u * v] A is linear in u = G w G^T, so the gradient of u is the sum over tiles of
 * (A dy A^T) * (B^T d B), and that of w is G^T du G. The sums over tiles are 36 products (out x tiles)(tiles
 * x in). */

static size_t gradient_tiles(const tensor *t) {
    size_t tiles = (size_t)((t->rows + 3) / 4) * (size_t)((t->columns + 3) / 4);
    return tiles < WINOGRAD_GRADIENT_TILES ? (tiles + 15) / 16 * 16 : WINOGRAD_GRADIENT_TILES;
}

/* Tiles that reach over the right border would have to be masked: such images take another way. */
static int is_winograd_gradient(const tensor *x, int out) {
    return is_winograd(out, x->channels) && x->columns % 4 == 0;
}

static void gradient_channel(const winograd *job, size_t first, size_t last, int channel, float *v) {
    const tensor *dy = job->y;
    tile_run run = {0};
    while (next_run(job, first, last, &run)) {
        int rows = dy->rows - run.row;
        kernels->winograd_gradient(tensor_row(dy, channel, run.row) + run.column, (ptrdiff_t)dy->ld,
                                   rows < 4 ? rows : 4, run.count, job->block - run.at,
                                   v + (size_t)channel * job->block + run.at,
                                   point_floats(dy->channels, job->block));
    }
}

enum { FILTERS = 16 }; /* done side by side */

/* y = G^T u for columns of six points. */
static void transform_back(const float *u[6], float y[3][FILTERS]) {
    for (int k = 0; k < FILTERS; k++) {
        float sum = u[1][k] + u[2][k], difference = u[2][k] - u[1][k], far = u[3][k] + u[4][k];
        y[0][k] = u[0][k] * 0.25f - sum * (1.0f / 6.0f) + far * (1.0f / 24.0f);
        y[1][k] = difference * (1.0f / 6.0f) + (u[3][k] - u[4][k]) * (1.0f / 12.0f);
        y[2][k] = (far - sum) * (1.0f / 6.0f) + u[5][k];
    }
}

/* dw += G^T du G; du: [36][filters] and FILTERS more, which are read. */
static void add_filter_gradients(const float *du, size_t filters, float *dw) {
    for (size_t first = 0; first < filters; first += FILTERS) {
        float left[6][3][FILTERS], taps[3][3][FILTERS]; /* left: G^T du, [column][row] */
        const float *u[6];
        for (int b = 0; b < 6; b++) {
            for (int a = 0; a < 6; a++)
                u[a] = du + (size_t)(6 * a + b) * filters + first;
            transform_back(u, left[b]);
        }
        for (int y = 0; y < 3; y++) {
            for (int b = 0; b < 6; b++)
                u[b] = left[b][y];
            transform_back(u, taps[y]);
        }
        for (size_t k = 0; k < FILTERS && first + k < filters; k++)
            for (int tap = 0; tap < 9; tap++)
                dw[(first + k) * 9 + (size_t)tap] += taps[tap / 3][tap % 3][k];
    }
}

static void winograd_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch) {
    size_t across = (size_t)x->columns / 4, down = ((size_t)x->rows + 3) / 4, chunk = gradient_tiles(x);
    size_t in = (size_t)x->channels, out = (size_t)dy->channels;
    conv_packed shape = {x->channels, dy->channels, NULL};
    const winograd job = {x, dy, &shape, NULL, 0, across, across * down, chunk};
    size_t v_point = point_floats(x->channels, chunk), u_point = point_floats(dy->channels, chunk);
    float *v = scratch, *u = v + WINOGRAD_POINTS * v_point, *du = u + WINOGRAD_POINTS * u_point;
    for (size_t first = 0; first < job.tiles; first += chunk) {
        size_t last = first + chunk < job.tiles ? first + chunk : job.tiles;
        for (int i = 0; i < x->channels; i++)
            input_channel(&job, first, last, i, v);
        for (int o = 0; o < dy->channels; o++)
            gradient_channel(&job, first, last, o, u);
        for (size_t f = 0; f < WINOGRAD_POINTS; f++)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, dy->channels, x->channels,
                        (blasint)(last - first), 1.0f, u + f * u_point, (blasint)chunk, v + f * v_point,
                        (blasint)chunk, first ? 1.0f : 0.0f, du + f * out * in, x->channels);
    }
    add_filter_gradients(du, out * in, dw);
}

size_t conv3_gradient_scratch(const tensor *x, int out) {
    size_t in = (size_t)x->channels, products = in * (size_t)out;
    if (is_winograd_gradient(x, out))
        return WINOGRAD_POINTS *
                   (point_floats(x->channels + out, gradient_tiles(x)) + WINOGRAD_PAD + products) +
               FILTERS;
    return out >= CONV_GEMM_CHANNELS && x->channels >= CONV_GEMM_CHANNELS ? products : 0;
}

void conv3_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch) {
    if (is_winograd_gradient(x, dy->channels))
        winograd_weight_gradient(x, dy, dw, scratch);
    else if (conv3_gradient_scratch(x, dy->channels))
        gradient_gemm(x, dy, dw, scratch);
    else
        gradient_direct(x, dy, dw);
}
