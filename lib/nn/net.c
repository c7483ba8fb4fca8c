#include "nn/net.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "nn/arena.h"
#include "nn/layers.h"
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- building */

net *net_create(void) {
    return mem_calloc(1, sizeof(net));
}

void net_free(net *n) {
    if (!n)
        return;
    free(n->values);
    free(n->derived);
    free(n->transposed);
    free(n);
}

/* deeper: levels below its input. */
static int add_layer(net *n, net_kind kind, int input, int channels, int deeper, const char *name) {
    if (n->layer_count == NET_MAX_LAYERS) {
        n->failed = 1;
        return 0;
    }
    net_layer *l = &n->layers[n->layer_count];
    *l = (net_layer){.kind = kind, .input = {input, -1}, .channels = channels, .weight = -1, .bias = -1};
    l->level = input < 0 ? 0 : n->layers[input].level + deeper;
    snprintf(l->name, sizeof l->name, "%s", name ? name : "");
    return n->layer_count++;
}

static int add_param(net *n, const char *prefix, const char *suffix, int rank, const int *dims, int fan_in) {
    if (n->param_count == NET_MAX_PARAMS) {
        n->failed = 1;
        return 0;
    }
    net_param *p = &n->params[n->param_count];
    *p = (net_param){.rank = rank, .offset = n->param_floats, .count = 1, .fan_in = fan_in};
    snprintf(p->name, sizeof p->name, "%s.%s", prefix, suffix);
    for (int k = 0; k < rank; k++) {
        p->dims[k] = dims[k];
        p->count *= (size_t)dims[k];
    }
    n->param_floats += p->count;
    return n->param_count++;
}

/* outputs: length of the bias; 0: none. */
static void add_weight_and_bias(net *n, int layer, const char *params, int rank, const int *dims, int outputs,
                                int fan_in) {
    n->layers[layer].weight = add_param(n, params, "weight", rank, dims, fan_in);
    if (outputs > 0)
        n->layers[layer].bias = add_param(n, params, "bias", 1, &outputs, fan_in);
}

int net_add_input(net *n, int channels) {
    return add_layer(n, NET_INPUT, -1, channels, 0, "input");
}

int net_add_conv3(net *n, int input, int channels, int flags, const char *params, const char *name) {
    int in = n->layers[input].channels, dims[4] = {channels, in, 3, 3};
    int layer = add_layer(n, NET_CONV3, input, channels, 0, name);
    net_layer *l = &n->layers[layer];
    l->relu = (flags & NET_RELU) != 0;
    l->standardize = (flags & NET_STANDARDIZE) != 0;
    add_weight_and_bias(n, layer, params, 4, dims, flags & NET_NO_BIAS ? 0 : channels, in * 9);
    l->packed = n->derived_floats;
    l->standardized = l->packed + conv_packed_floats(channels, in);
    l->packed_transposed = n->transposed_floats;
    n->transposed_floats += conv_packed_floats(in, channels);
    n->derived_floats = l->standardized + (l->standardize ? (size_t)channels * in * 9 : 0);
    return layer;
}

int net_add_conv1(net *n, int input, int channels, const char *params, const char *name) {
    int in = n->layers[input].channels, dims[4] = {channels, in, 1, 1};
    int layer = add_layer(n, NET_CONV1, input, channels, 0, name);
    add_weight_and_bias(n, layer, params, 4, dims, channels, in);
    return layer;
}

int net_add_up_conv(net *n, int input, int channels, int flags, const char *params) {
    int dims[4] = {n->layers[input].channels, channels, 2, 2};
    int layer = add_layer(n, NET_UP_CONV, input, channels, -1, NULL);
    n->layers[layer].relu = (flags & NET_RELU) != 0;
    add_weight_and_bias(n, layer, params, 4, dims, flags & NET_NO_BIAS ? 0 : channels, channels * 4);
    return layer;
}

int net_add_group_norm(net *n, int input, int groups, const char *params) {
    int channels = n->layers[input].channels;
    int layer = add_layer(n, NET_GROUP_NORM, input, channels, 0, NULL);
    n->layers[layer].groups = groups;
    n->layers[layer].slope = 1.0;
    add_weight_and_bias(n, layer, params, 1, &channels, channels, 0);
    return layer;
}

int net_add_instance_norm(net *n, int input, double slope) {
    int channels = n->layers[input].channels;
    int layer = add_layer(n, NET_INSTANCE_NORM, input, channels, 0, NULL);
    n->layers[layer].groups = channels;
    n->layers[layer].slope = slope;
    return layer;
}

int net_add_max_pool(net *n, int input) {
    return add_layer(n, NET_MAX_POOL, input, n->layers[input].channels, 1, NULL);
}

int net_add_avg_pool(net *n, int input) {
    return add_layer(n, NET_AVG_POOL, input, n->layers[input].channels, 1, NULL);
}

int net_add_dropout(net *n, int input, double p) {
    int layer = add_layer(n, NET_DROPOUT, input, n->layers[input].channels, 0, NULL);
    n->layers[layer].dropout = p;
    return layer;
}

int net_add_concat(net *n, int first, int second) {
    int layer =
        add_layer(n, NET_CONCAT, first, n->layers[first].channels + n->layers[second].channels, 0, NULL);
    n->layers[layer].input[1] = second;
    return layer;
}

int net_finish(net *n) {
    if (n->failed)
        return err_set("network has more than %d layers or %d parameters", NET_MAX_LAYERS, NET_MAX_PARAMS);
    n->values = mem_aligned(n->param_floats * sizeof(float));
    n->derived = mem_aligned(n->derived_floats * sizeof(float));
    return n->values && n->derived ? 0 : -1;
}

int net_enable_training(net *n) {
    if (n->inference_only)
        return err_set("a network kept for inference only cannot be trained");
    if (n->transposed)
        return 0;
    n->transposed = mem_aligned(n->transposed_floats * sizeof(float));
    if (!n->transposed)
        return -1;
    net_update(n);
    return 0;
}

int net_init(net *n, uint64_t seed) {
    gsl_rng *rng = rng_stream(seed, RNG_INIT_WEIGHTS, 0, 0);
    if (!rng)
        return -1;
    for (int k = 0; k < n->param_count; k++) {
        const net_param *p = &n->params[k];
        rng_restart(rng, seed, RNG_INIT_WEIGHTS, (uint64_t)k, 0);
        double bound = p->fan_in ? 1.0 / sqrt(p->fan_in) : 0.0;
        const char *suffix = strrchr(p->name, '.');
        float constant = strcmp(suffix, ".weight") == 0 ? 1.0f : 0.0f;
        for (size_t i = 0; i < p->count; i++)
            n->values[p->offset + i] =
                p->fan_in ? (float)((2.0 * gsl_rng_uniform(rng) - 1.0) * bound) : constant;
    }
    gsl_rng_free(rng);
    net_update(n);
    return 0;
}

/* A parameter in an array of all values or gradients; NULL for none. */
static float *param_at(const net *n, int param, float *all) {
    return param >= 0 ? all + n->params[param].offset : NULL;
}

void net_update(net *n) {
    if (n->inference_only)
        return;
    for (int k = 0; k < n->layer_count; k++) {
        const net_layer *l = &n->layers[k];
        if (l->kind != NET_CONV3)
            continue;
        int in = n->layers[l->input[0]].channels;
        const float *w = param_at(n, l->weight, n->values);
        if (l->standardize) {
            weight_standardize(w, l->channels, in * 9, n->derived + l->standardized);
            w = n->derived + l->standardized;
        }
        conv_pack(w, l->channels, in, &(conv_packed){.data = n->derived + l->packed});
        if (n->transposed)
            conv_pack_transposed(w, l->channels, in,
                                 &(conv_packed){.data = n->transposed + l->packed_transposed});
    }
}

static int is_conv3_weight(const net_param *p) {
    return p->rank == 4 && p->dims[2] == 3;
}

/* Keeps what the forward pass reads from `values`: everything but the 3x3 kernels, which it reads packed. */
static int keep_small_values(net *n) {
    size_t floats = 0;
    for (int k = 0; k < n->param_count; k++)
        floats += is_conv3_weight(&n->params[k]) ? 0 : n->params[k].count;
    float *kept = mem_aligned(floats * sizeof *kept);
    if (!kept)
        return -1;
    n->param_floats = 0;
    for (int k = 0; k < n->param_count; k++) {
        net_param *p = &n->params[k];
        p->count = is_conv3_weight(p) ? 0 : p->count;
        memcpy(kept + n->param_floats, n->values + p->offset, p->count * sizeof *kept);
        p->offset = n->param_floats;
        n->param_floats += p->count;
    }
    free(n->values);
    n->values = kept;
    return 0;
}

/* Layers come in the order in which they are added, and so do their parameters and packed kernels. */
int net_inference_only(net *n, int last) {
    int params = 0;
    size_t floats = 0;
    for (int k = 0; k <= last; k++) {
        const net_layer *l = &n->layers[k];
        params = l->weight >= params ? l->weight + 1 : params;
        params = l->bias >= params ? l->bias + 1 : params;
        if (l->kind == NET_CONV3)
            floats = l->packed + conv_packed_floats(l->channels, n->layers[l->input[0]].channels);
    }
    if (floats < n->derived_floats) {
        float *kept = mem_aligned(floats * sizeof *kept);
        if (!kept)
            return -1;
        memcpy(kept, n->derived, floats * sizeof *kept);
        free(n->derived);
        n->derived = kept;
        n->derived_floats = floats;
    }
    n->layer_count = last + 1;
    n->param_count = params;
    n->inference_only = 1;
    return keep_small_values(n);
}

int net_layer_find(const net *n, const char *name) {
    char known[ERR_MESSAGE_MAX / 2] = "";
    for (int k = 0; k < n->layer_count; k++) {
        const char *has = n->layers[k].name;
        if (has[0] && strcmp(has, name) == 0)
            return k;
        if (has[0] && strlen(known) + strlen(has) + 3 < sizeof known)
            strcat(strcat(known, known[0] ? ", " : ""), has);
    }
    return err_set("unknown layer '%s': the network has %s", name, known);
}

int net_levels(const net *n, int last) {
    int levels = 0;
    for (int k = 0; k <= last; k++)
        levels = n->layers[k].level > levels ? n->layers[k].level : levels;
    return levels;
}

/* ---------------------------------------------------------------- state */

struct net_state {
    const net *n;
    net_mode mode;
    int last;
    tensor out[NET_MAX_LAYERS];          /* outputs; data may be shared between layers when inferring */
    tensor gradient[NET_MAX_LAYERS];     /* NET_TRAIN only */
    int written[NET_MAX_LAYERS];         /* whether gradient[k] holds something in this backward pass */
    float *arena;                        /* of the outputs */
    int reshaped[NET_MAX_LAYERS];        /* whether its memory was that of another shape, padding included */
    int norm_of[NET_MAX_LAYERS];         /* pooling: the normalisation that it does as well, or 0 */
    int conv_of[NET_MAX_LAYERS];         /* pooling: the convolution that does it, or 0 */
    int pool_of[NET_MAX_LAYERS];         /* and the reverse */
    conv_moments *moments;               /* of such a convolution */
    float *saved[NET_MAX_LAYERS];        /* normalisations: mean and 1/std */
    unsigned char *mask[NET_MAX_LAYERS]; /* dropout */
    int dropped;                         /* whether the last forward pass drew dropout */
    int threads;                         /* that one image may be split over */
    float *scratch;
    float *weight_gradient; /* of standardised weights */
    size_t bytes;
};

/* Dropout that does nothing: its output is its input, and so are their gradients. */
static int is_alias(const net_state *s, int layer) {
    const net_layer *l = &s->n->layers[layer];
    return l->kind == NET_DROPOUT && (s->mode != NET_TRAIN || l->dropout == 0.0);
}

static int reads(const net_state *s, int reader, int layer) {
    const int *input = s->n->layers[reader].input;
    return input[0] == layer || input[1] == layer;
}

/* Last layer that reads the output of `layer`, through aliases. `last` is needed to the end and so, for
 * NET_FEATURES, are named layers. */
static int needed_until(const net_state *s, int layer) {
    int until = layer;
    if (layer == s->last || (s->mode == NET_FEATURES && s->n->layers[layer].name[0]))
        return NET_MAX_LAYERS;
    for (int k = layer + 1; k <= s->last; k++) {
        int reach = !reads(s, k, layer) ? 0 : is_alias(s, k) ? needed_until(s, k) : k;
        until = reach > until ? reach : until;
    }
    return until;
}

/* A normalisation may overwrite its input if nothing reads that afterwards. */
static int is_in_place(const net_state *s, int layer) {
    const net_layer *l = &s->n->layers[layer];
    return s->mode != NET_TRAIN && (l->kind == NET_GROUP_NORM || l->kind == NET_INSTANCE_NORM) &&
           !is_alias(s, l->input[0]) && needed_until(s, l->input[0]) == layer;
}

/* The only layer that reads the output of `layer`, through aliases; 0 if there is none, several, or the caller
 * reads it. */
static int only_reader(const net_state *s, int layer) {
    int reader = 0;
    if (needed_until(s, layer) == NET_MAX_LAYERS)
        return 0;
    for (int k = layer + 1; k <= s->last; k++)
        if (reads(s, k, layer)) {
            if (reader)
                return 0;
            reader = k;
        }
    return reader && is_alias(s, reader) ? only_reader(s, reader) : reader;
}

/* A group normalisation that only a max-pooling reads is done by the pooling, and that pooling by the
 * convolution before it where it can. */
static void fuse_norms(net_state *s) {
    for (int k = 0; k <= s->last; k++) {
        int reader = s->n->layers[k].kind == NET_GROUP_NORM && is_in_place(s, k) ? only_reader(s, k) : 0;
        if (!reader || s->n->layers[reader].kind != NET_MAX_POOL)
            continue;
        int from = s->n->layers[k].input[0], before = s->n->layers[from].input[0];
        s->norm_of[reader] = k;
        if (s->n->layers[from].kind == NET_CONV3 &&
            conv_pool_parts(&s->out[before], s->n->layers[from].channels)) {
            s->conv_of[reader] = from;
            s->pool_of[from] = reader;
        }
    }
}

static int is_left_to_pool(const net_state *s, int norm) {
    for (int k = norm + 1; k <= s->last; k++)
        if (s->norm_of[k] == norm)
            return 1;
    return 0;
}

/* Layer whose buffer holds the output of `layer`. */
static int owner(const net_state *s, int layer) {
    return is_alias(s, layer) || is_in_place(s, layer) ? owner(s, s->n->layers[layer].input[0]) : layer;
}

/* Outputs share memory where they are not needed at the same time; in training all are needed. */
static int place_outputs(net_state *s) {
    arena_item items[NET_MAX_LAYERS] = {{0}};
    for (int k = 0; k <= s->last; k++) {
        int at = owner(s, k), until = s->mode == NET_TRAIN ? NET_MAX_LAYERS : needed_until(s, k);
        if (at == k)
            items[k] = (arena_item){s->pool_of[k] ? 0 : tensor_floats(&s->out[k]),
                                    s->conv_of[k] ? s->conv_of[k] : k, until, 0};
        else if (until > items[at].until)
            items[at].until = until;
    }
    size_t floats = arena_place(items, s->last + 1);
    s->bytes += floats * sizeof(float);
    if (!(s->arena = mem_aligned(floats * sizeof(float))))
        return -1;
    for (int k = 0; k <= s->last; k++) {
        s->out[k].data = s->arena + items[owner(s, k)].offset;
        for (int other = 0; other <= s->last; other++)
            s->reshaped[k] |= other != k && arena_overlap(&items[k], &items[other]) &&
                              (items[k].offset != items[other].offset ||
                               s->n->layers[k].level != s->n->layers[other].level);
    }
    return 0;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t layer_scratch(const net_state *s, int layer) {
    const net_layer *l = &s->n->layers[layer];
    if (l->kind == NET_UP_CONV)
        return up_conv_scratch(&s->out[l->input[0]], l->channels);
    if (l->kind != NET_CONV3)
        return 0;
    int in = s->n->layers[l->input[0]].channels;
    size_t forward = conv_scratch(&s->out[l->input[0]], l->channels) * (size_t)s->threads;
    if (s->mode != NET_TRAIN)
        return forward;
    size_t backward = conv_scratch(&s->out[layer], in) * (size_t)s->threads;
    return larger(larger(forward, backward), conv_gradient_scratch(&s->out[l->input[0]], l->channels));
}

static int layer_extras(net_state *s, int layer) {
    const net_layer *l = &s->n->layers[layer];
    tensor *t = &s->out[layer];
    if (l->groups && !(s->saved[layer] = mem_calloc((size_t)l->groups * 2, sizeof(float))))
        return -1;
    if (s->mode != NET_TRAIN)
        return 0;
    if (is_alias(s, layer)) {
        s->gradient[layer] = s->gradient[l->input[0]];
        return 0;
    }
    if (l->kind == NET_DROPOUT) {
        s->mask[layer] = mem_alloc((size_t)t->channels * t->rows * t->columns);
        if (!s->mask[layer])
            return -1;
    }
    s->gradient[layer] = *t;
    s->bytes += tensor_floats(t) * sizeof(float);
    return tensor_alloc(&s->gradient[layer]);
}

static int state_allocate(net_state *s, int rows, int columns) {
    size_t scratch = 0, weights = 0, moments = 0;
    for (int k = 0; k <= s->last; k++)
        s->out[k] = tensor_shape(s->n->layers[k].channels, rows >> s->n->layers[k].level,
                                 columns >> s->n->layers[k].level);
    fuse_norms(s);
    if (place_outputs(s) < 0)
        return -1;
    for (int k = 0; k <= s->last; k++) {
        const net_layer *l = &s->n->layers[k];
        if (layer_extras(s, k) < 0)
            return -1;
        scratch = larger(scratch, layer_scratch(s, k));
        if (s->pool_of[k])
            moments =
                larger(moments, (size_t)l->channels * conv_pool_parts(&s->out[l->input[0]], l->channels));
        if (l->weight >= 0 && s->n->params[l->weight].count > weights)
            weights = s->n->params[l->weight].count;
    }
    s->scratch = mem_aligned(scratch * sizeof(float));
    s->moments = mem_aligned(moments * sizeof(conv_moments));
    s->bytes += scratch * sizeof(float);
    s->weight_gradient = mem_aligned((s->mode == NET_TRAIN ? weights : 0) * sizeof(float));
    return s->scratch && s->moments && s->weight_gradient ? 0 : -1;
}

net_state *net_state_create(const net *n, int rows, int columns, int last, net_mode mode) {
    if (mode == NET_TRAIN && !n->transposed)
        return err_set_null("net_enable_training() must be called before training");
    int divisor = 1 << net_levels(n, last);
    if (rows < divisor || columns < divisor || rows % divisor || columns % divisor)
        return err_set_null("image is %d x %d: this network needs rows and columns divisible by %d", rows,
                            columns, divisor);
    net_state *s = mem_alloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (net_state){.n = n, .mode = mode, .last = last};
    s->threads = omp_in_parallel() ? 1 : omp_get_max_threads();
    if (s->threads > (rows + 3) / 4) /* rows of Winograd tiles: scratch follows the work */
        s->threads = (rows + 3) / 4;
    if (state_allocate(s, rows, columns) < 0) {
        net_state_free(s);
        return NULL;
    }
    return s;
}

void net_state_free(net_state *s) {
    if (!s)
        return;
    for (int k = 0; k < NET_MAX_LAYERS; k++) {
        free(s->saved[k]);
        free(s->mask[k]);
        if (!is_alias(s, k))
            tensor_free(&s->gradient[k]);
    }
    free(s->arena);
    free(s->moments);
    free(s->scratch);
    free(s->weight_gradient);
    free(s);
}

size_t net_state_bytes(const net_state *s) {
    return s->bytes;
}

const tensor *net_output(const net_state *s, int layer) {
    return &s->out[layer];
}

/* ---------------------------------------------------------------- forward */

static void conv_forward_layer(net_state *s, int k) {
    const net *n = s->n;
    const net_layer *l = &n->layers[k];
    const tensor *x = &s->out[l->input[0]];
    const conv_packed w = {x->channels, l->channels, n->derived + l->packed};
    const float *bias = param_at(n, l->bias, n->values);
    int pool = s->pool_of[k];
    if (pool)
        conv_pool_forward(x, &w, bias, l->relu, param_at(n, n->layers[s->norm_of[pool]].weight, n->values),
                          &s->out[pool], s->threads, s->scratch, s->moments);
    else
        conv_forward(x, &w, bias, l->relu, &s->out[k], s->threads, s->scratch);
}

static void max_pool_layer(net_state *s, int k) {
    const net *n = s->n;
    const net_layer *norm = &n->layers[s->norm_of[k]];
    const tensor *x = &s->out[n->layers[k].input[0]], *y = &s->out[k];
    const float *gamma = param_at(n, norm->weight, n->values), *beta = param_at(n, norm->bias, n->values);
    if (s->conv_of[k])
        norm_by_moments(y, norm->groups, gamma, beta, s->moments,
                        conv_pool_parts(&s->out[n->layers[s->conv_of[k]].input[0]], y->channels));
    else if (s->norm_of[k])
        norm_max_pool_forward(x, norm->groups, gamma, beta, y);
    else
        max_pool_forward(x, y);
}

static void forward_layer(net_state *s, int k, gsl_rng *rng) {
    const net *n = s->n;
    const net_layer *l = &n->layers[k];
    const tensor *x = &s->out[l->input[0]], *y = &s->out[k];
    const float *w = param_at(n, l->weight, n->values), *b = param_at(n, l->bias, n->values);
    if (s->reshaped[k])
        tensor_clear_padding(y);
    switch (l->kind) {
    case NET_INPUT:
        break;
    case NET_CONV3:
        conv_forward_layer(s, k);
        break;
    case NET_CONV1:
        conv1_forward(x, w, b, y);
        break;
    case NET_UP_CONV:
        up_conv_forward(x, w, b, l->relu, y, s->scratch);
        break;
    case NET_GROUP_NORM:
    case NET_INSTANCE_NORM:
        if (!is_left_to_pool(s, k))
            norm_forward(x, l->groups, w, b, (float)l->slope, y, s->saved[k]);
        break;
    case NET_MAX_POOL:
        max_pool_layer(s, k);
        break;
    case NET_AVG_POOL:
        avg_pool_forward(x, y);
        break;
    case NET_DROPOUT:
        if (rng && !is_alias(s, k))
            dropout_forward(x, l->dropout, rng, y, s->mask[k]);
        else if (y->data != x->data)
            memcpy(y->data, x->data, tensor_floats(x) * sizeof(float));
        break;
    case NET_CONCAT:
        concat_forward(x, &s->out[l->input[1]], y);
        break;
    }
}

void net_forward(net_state *s, const float *image, gsl_rng *rng) {
    s->dropped = s->mode == NET_TRAIN && rng;
    if (s->reshaped[0])
        tensor_clear_padding(&s->out[0]);
    tensor_load(&s->out[0], image);
    for (int k = 1; k <= s->last; k++)
        forward_layer(s, k, s->dropped ? rng : NULL);
}

/* ---------------------------------------------------------------- backward */

static void conv_backward(net_state *s, int k, float *dw, float *db) {
    const net *n = s->n;
    const net_layer *l = &n->layers[k];
    int from = l->input[0];
    const tensor *x = &s->out[from], *dy = &s->gradient[k];
    relu_bias_backward(l->relu ? &s->out[k] : NULL, dy, db);
    if (l->standardize) {
        size_t count = n->params[l->weight].count;
        memset(s->weight_gradient, 0, count * sizeof(float));
        conv_weight_gradient(x, dy, s->weight_gradient, s->scratch);
        weight_standardize_backward(param_at(n, l->weight, n->values), l->channels, x->channels * 9,
                                    s->weight_gradient, s->weight_gradient);
        for (size_t i = 0; i < count; i++)
            dw[i] += s->weight_gradient[i];
    } else {
        conv_weight_gradient(x, dy, dw, s->scratch);
    }
    if (n->layers[from].kind != NET_INPUT)
        conv_forward(dy, &(conv_packed){l->channels, x->channels, n->transposed + l->packed_transposed}, NULL,
                     0, &s->gradient[from], s->threads, s->scratch);
}

static void pool_backward(net_state *s, int k) {
    int from = s->n->layers[k].input[0];
    const tensor *dx = &s->gradient[from];
    if (!s->written[from])
        memset(dx->data, 0, tensor_floats(dx) * sizeof(float));
    if (s->n->layers[k].kind == NET_MAX_POOL)
        max_pool_backward(&s->out[from], &s->gradient[k], dx);
    else
        avg_pool_backward(&s->gradient[k], dx);
}

static void backward_layer(net_state *s, int k, float *gradient) {
    const net *n = s->n;
    const net_layer *l = &n->layers[k];
    int from = l->input[0];
    const tensor *x = &s->out[from], *dy = &s->gradient[k], *dx = &s->gradient[from];
    const float *w = param_at(n, l->weight, n->values);
    float *dw = param_at(n, l->weight, gradient), *db = param_at(n, l->bias, gradient);
    switch (l->kind) {
    case NET_INPUT:
        return;
    case NET_CONV3:
        conv_backward(s, k, dw, db);
        break;
    case NET_CONV1:
        relu_bias_backward(NULL, dy, db);
        conv1_backward(x, w, dy, dx, dw);
        break;
    case NET_UP_CONV:
        relu_bias_backward(l->relu ? &s->out[k] : NULL, dy, db);
        up_conv_backward(x, w, dy, dx, dw, s->scratch);
        break;
    case NET_GROUP_NORM:
    case NET_INSTANCE_NORM:
        norm_backward(x, l->groups, w, (float)l->slope, s->saved[k], dy, dx, dw, db);
        break;
    case NET_MAX_POOL:
    case NET_AVG_POOL:
        pool_backward(s, k);
        break;
    case NET_DROPOUT:
        if (is_alias(s, k))
            break;
        if (s->dropped)
            dropout_backward(s->mask[k], l->dropout, dy, dx);
        else
            memcpy(dx->data, dy->data, tensor_floats(dx) * sizeof(float));
        break;
    case NET_CONCAT:
        concat_backward(dy, dx, &s->gradient[l->input[1]]);
        s->written[l->input[1]] = 1;
        break;
    }
    s->written[from] = 1;
}

const tensor *net_output_gradient(net_state *s) {
    return &s->gradient[s->last];
}

/* Only a pooling layer adds to a gradient that another layer wrote: its input also feeds the decoder's skip
 * connection, which is later in the list and so comes earlier here. Every other layer is the only reader of its
 * input, or comes first. */
void net_backward(net_state *s, float *gradient) {
    memset(s->written, 0, sizeof s->written);
    for (int k = s->last; k > 0; k--)
        backward_layer(s, k, gradient);
}
