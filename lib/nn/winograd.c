#include "nn/winograd.h"

#include <cblas.h>
#include <omp.h>
#include <string.h>

/* Slots that one matrix product of the weights' gradient runs over. */
#define GRADIENT_SLOTS 256
/* Floats between the points' matrices: without them the 36 streams of a transform would often lie a multiple
 * of 4096 bytes apart and fight for the same lines of the first-level cache. */
#define PAD 16

/* ---------------------------------------------------------------- weights */

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
            g[tap % 3][tap / 3][k] = w[(size_t)k * filter_stride + (turned ? 8 - tap : tap)];
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

void winograd_pack(const float *w, int out, int in, size_t out_stride, size_t in_stride, int turned,
                   float *to) {
    int size = conv_block_at(out, 0);
#pragma omp parallel for schedule(static) if (!omp_in_parallel())
    for (int o = 0; o < out; o += size) {
        int block = conv_block_at(out, o);
        for (int i = 0; i < in; i++)
            transform_filters(w + (size_t)o * out_stride + (size_t)i * in_stride, out_stride, turned, block,
                              to + (size_t)o * in + (size_t)i * block, (size_t)out * in);
    }
}

/* ---------------------------------------------------------------- tiles */

/* How an image is cut up. */
typedef struct {
    int across, period; /* tiles of a row; slots of a row */
    int slots, block;   /* of the image; worked on at a time */
} tiling;

static size_t round_up(size_t n) {
    return (n + 15) / 16 * 16;
}

static tiling tiling_of(const tensor *image) {
    int across = (image->columns + 3) / 4, period = across % 16 ? across + 1 : across;
    int slots = period * ((image->rows + 3) / 4 - 1) + across;
    return (tiling){across, period, slots,
                    slots < WINOGRAD_SLOTS ? (int)round_up((size_t)slots) : WINOGRAD_SLOTS};
}

/* The tiles in slots [first, first + count). */
static winograd_block block_at(const tiling *t, int first, int count) {
    int last = first + count < t->slots ? first + count : t->slots;
    winograd_block b = {.slots = (int)round_up((size_t)(last - first))};
    for (int slot = first; slot < last; slot += t->period - slot % t->period) {
        int column = slot % t->period, tiles = t->across - column;
        tiles = tiles < last - slot ? tiles : last - slot;
        for (int k = 0; k < tiles; k++)
            b.valid[slot - first + k] = 1.0f;
        if (tiles > 0)
            b.run[b.count++] = (winograd_run){slot - first, tiles, slot / t->period * 4, column * 4};
    }
    return b;
}

/* Floats from one point's matrix to the next. */
static size_t point_floats(int channels, size_t slots) {
    return (size_t)channels * slots + PAD;
}

/* ---------------------------------------------------------------- forward */

/* Output channels worked on at a time. Few: a block's transformed input and products stay in a 1 MB
 * second-level cache. With many input channels the input alone fills it, and weights are the larger part:
 * then all, so that each point's weights are read once a block. */
static int output_group(int out, int in) {
    int group = in <= 80 ? 2 * conv_block_at(out, 0) : out;
    return group < out ? group : out;
}

typedef struct {
    const tensor *x, *y;
    const conv_packed *w;
    const float *bias;
    int relu;
    tiling tiles;
    const float *gamma;    /* pooled: its sign says how */
    conv_moments *moments; /* [out][blocks]; NULL: not pooled */
} convolution;

/* Floats of v, then of m. */
static size_t input_floats(const tensor *x) {
    return WINOGRAD_POINTS * point_floats(x->channels, (size_t)tiling_of(x).block);
}

size_t winograd_scratch(const tensor *x, int out) {
    return input_floats(x) +
           WINOGRAD_POINTS * point_floats(output_group(out, x->channels), (size_t)tiling_of(x).block);
}

static int block_count(const tiling *t) {
    return (t->slots + t->block - 1) / t->block;
}

static void output_channel(const convolution *c, const winograd_block *b, int block, int o, const float *m,
                           size_t stride) {
    float bias = c->bias ? c->bias[o] : 0.0f;
    if (c->moments)
        kernels_best()->winograd_output_pooled(m, stride, b, bias, c->relu, c->gamma[o] < 0.0f ? -1.0f : 1.0f,
                                               c->y, o, c->moments + o * block_count(&c->tiles) + block);
    else
        kernels_best()->winograd_output(m, stride, b, bias, c->relu, c->y, o);
}

/* Output channels [o, end) of a block. v: [36][in][slots], m: [36][end - o][slots], both padded. */
static void output_channels(const convolution *c, const winograd_block *b, int block, int o, int end,
                            const float *v, float *m) {
    const kernel_set *kernels = kernels_best();
    size_t slots = (size_t)b->slots, in = (size_t)c->w->in, out = (size_t)c->w->out;
    size_t v_point = point_floats(c->w->in, slots), m_point = point_floats(end - o, slots);
    for (size_t f = 0; f < WINOGRAD_POINTS; f++)
        for (int k = o; k < end;) {
            int size = conv_block_at(c->w->out, k), groups = k + 2 * size <= end && size >= 4 ? 2 : 1;
            kernels->winograd_product(v + f * v_point, slots, slots, c->w->in,
                                      c->w->data + (f * out + (size_t)k) * in, groups, size,
                                      m + f * m_point + (size_t)(k - o) * slots);
            k += groups * size;
        }
    for (int k = o; k < end; k++)
        output_channel(c, b, block, k, m + (size_t)(k - o) * slots, m_point);
}

static void input_channel(const convolution *c, const winograd_block *b, int channel, float *v) {
    size_t slots = (size_t)b->slots;
    kernels_best()->winograd_input(c->x, channel, b, v + (size_t)channel * slots,
                                   point_floats(c->w->in, slots));
}

/* One block by one thread. */
static void whole_block(const convolution *c, int block, float *scratch) {
    winograd_block b = block_at(&c->tiles, block * c->tiles.block, c->tiles.block);
    int group = output_group(c->w->out, c->w->in);
    float *m = scratch + input_floats(c->x);
    for (int i = 0; i < c->w->in; i++)
        input_channel(c, &b, i, scratch);
    for (int o = 0; o < c->w->out; o += group)
        output_channels(c, &b, block, o, o + group < c->w->out ? o + group : c->w->out, scratch, m);
}

/* Few blocks (small images): the threads share a block's channels. */
static void shared_blocks(const convolution *c, int threads, float *scratch) {
    size_t stride = winograd_scratch(c->x, c->w->out);
    int out = c->w->out, size = conv_block_at(out, 0), group = output_group(out, c->w->in);
    int share = ((out + size - 1) / size + threads - 1) / threads * size;
    share = share < group ? share : group;
#pragma omp parallel num_threads(threads)
    for (int block = 0; block < block_count(&c->tiles); block++) {
        winograd_block b = block_at(&c->tiles, block * c->tiles.block, c->tiles.block);
        float *m = scratch + (size_t)omp_get_thread_num() * stride + input_floats(c->x);
#pragma omp for schedule(static)
        for (int i = 0; i < c->w->in; i++)
            input_channel(c, &b, i, scratch);
#pragma omp for schedule(static)
        for (int o = 0; o < out; o += share)
            output_channels(c, &b, block, o, o + share < out ? o + share : out, scratch, m);
    }
}

void winograd_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const float *gamma,
                      const tensor *y, int threads, float *scratch, conv_moments *moments) {
    convolution c = {x, y, w, bias, relu, tiling_of(x), gamma, moments};
    size_t stride = winograd_scratch(x, w->out);
    int blocks = block_count(&c.tiles);
    threads = omp_in_parallel() ? 1 : threads;
    if (threads > 1 && blocks < 4 * threads) {
        shared_blocks(&c, threads, scratch);
        return;
    }
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int b = 0; b < blocks; b++)
        whole_block(&c, b, scratch + (threads > 1 ? omp_get_thread_num() : 0) * stride);
}

int winograd_parts(const tensor *x) {
    tiling t = tiling_of(x);
    return block_count(&t);
}

/* ---------------------------------------------------------------- gradient of the weights */

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

static size_t gradient_slots(const tensor *x) {
    tiling t = tiling_of(x);
    return t.slots < GRADIENT_SLOTS ? round_up((size_t)t.slots) : GRADIENT_SLOTS;
}

size_t winograd_gradient_scratch(const tensor *x, int out) {
    size_t slots = gradient_slots(x), products = (size_t)x->channels * out;
    return WINOGRAD_POINTS * (point_floats(x->channels, slots) + point_floats(out, slots) + products) +
           FILTERS;
}

typedef void (*transform)(const tensor *t, int channel, const winograd_block *b, float *v, size_t stride);

/* All channels of slots [first, last) to v: [36][channels][chunk], padded. */
static void transform_channels(const tiling *tiles, const tensor *t, transform apply, int first, int last,
                               size_t chunk, float *v) {
    for (int slot = first; slot < last; slot += WINOGRAD_SLOTS) {
        winograd_block b = block_at(tiles, slot, last - slot < WINOGRAD_SLOTS ? last - slot : WINOGRAD_SLOTS);
        for (int k = 0; k < t->channels; k++)
            apply(t, k, &b, v + (size_t)k * chunk + (slot - first), point_floats(t->channels, chunk));
    }
}

void winograd_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch) {
    const kernel_set *kernels = kernels_best();
    tiling tiles = tiling_of(x);
    size_t in = (size_t)x->channels, out = (size_t)dy->channels, chunk = gradient_slots(x);
    size_t v_point = point_floats(x->channels, chunk), u_point = point_floats(dy->channels, chunk);
    float *v = scratch, *u = v + WINOGRAD_POINTS * v_point, *du = u + WINOGRAD_POINTS * u_point;
    for (int first = 0; first < tiles.slots; first += (int)chunk) {
        int last = first + (int)chunk < tiles.slots ? first + (int)chunk : tiles.slots;
        transform_channels(&tiles, x, kernels->winograd_input, first, last, chunk, v);
        transform_channels(&tiles, dy, kernels->winograd_gradient, first, last, chunk, u);
        for (size_t f = 0; f < WINOGRAD_POINTS; f++)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, dy->channels, x->channels, last - first,
                        1.0f, u + f * u_point, (blasint)chunk, v + f * v_point, (blasint)chunk,
                        first ? 1.0f : 0.0f, du + f * out * in, x->channels);
    }
    add_filter_gradients(du, out * in, dw);
}
