#include "metrics/feature_distance.h"

#include "core/error.h"
#include "core/image.h"
#include "core/list.h"
#include "core/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_EPS 1e-10

static int add_layer(feature_network *f, const char *name) {
    int layer = net_layer_find(f->n, name);
    if (layer < 0)
        return -1;
    if (f->count == FEATURE_MAX_LAYERS)
        return err_set("more than %d layers", FEATURE_MAX_LAYERS);
    f->layers[f->count++] = layer;
    f->last = layer > f->last ? layer : f->last;
    return 0;
}

int feature_network_layers(feature_network *f, const char *text) {
    name_list names;
    int status = name_list_split(&names, text, "layer");
    f->count = f->last = 0;
    for (size_t k = 0; status == 0 && k < names.count; k++)
        status = add_layer(f, names.items[k]);
    name_list_free(&names);
    return status < 0 || f->count ? status : err_set("no layer given");
}

void feature_network_close(feature_network *f) {
    net_free(f->n);
    for (int k = 0; k < FEATURE_MAX_LAYERS; k++)
        free(f->linear[k]);
    *f = (feature_network){.n = NULL};
}

/* ---------------------------------------------------------------- workspace */

struct feature_metric {
    const feature_network *f;
    net_state *state;
    int rows, columns;
    double low, high;                     /* range of the reference */
    float *input;                         /* [channels][rows][columns] */
    float *scale, *unit;                  /* one row of 1/(|g| + e), one of unit features */
    tensor reference[FEATURE_MAX_LAYERS]; /* features kept, unit vectors for FEATURE_UNIT */
};

void *feature_metric_create(const void *network, int rows, int columns) {
    const feature_network *f = network;
    feature_metric *m = mem_calloc(1, sizeof *m);
    if (!m)
        return NULL;
    size_t pixels = (size_t)rows * columns;
    m->f = f;
    m->rows = rows;
    m->columns = columns;
    m->state = net_state_create(f->n, rows, columns, f->last, f->count > 1 ? NET_FEATURES : NET_INFER);
    m->input = m->state ? mem_alloc((size_t)f->channels * pixels * sizeof(float)) : NULL;
    m->scale = m->input ? mem_alloc(2 * (size_t)columns * sizeof(float)) : NULL;
    int ok = m->scale != NULL;
    m->unit = ok ? m->scale + columns : NULL;
    for (int k = 0; ok && k < f->count; k++) {
        m->reference[k] = *net_output(m->state, f->layers[k]);
        m->reference[k].data = NULL;
        ok = tensor_alloc(&m->reference[k]) == 0;
    }
    if (ok)
        return m;
    feature_metric_free(m);
    return NULL;
}

void feature_metric_free(void *given) {
    feature_metric *m = given;
    if (!m)
        return;
    net_state_free(m->state);
    free(m->input);
    free(m->scale);
    for (int k = 0; k < m->f->count; k++)
        tensor_free(&m->reference[k]);
    free(m);
}

/* ---------------------------------------------------------------- normalisation */

/* s(v), into the first channel. */
static int scale_image(feature_metric *m, const float *image, int is_reference) {
    if (m->f->scaling == FEATURE_ZSCORE)
        return image_zscore(image, m->rows, m->columns, m->input);
    double low, high;
    size_t pixels = (size_t)m->rows * m->columns;
    if (image_range(image, m->rows, m->columns, &low, &high) < 0)
        return -1;
    if (m->f->scaling == FEATURE_RANGE_OF_REFERENCE && !is_reference) {
        low = m->low;
        high = m->high;
    }
    if (!(high > low))
        return err_set("min-max scaling: image is constant (%g everywhere)", low);
    for (size_t k = 0; k < pixels; k++)
        m->input[k] = (float)(((double)image[k] - low) / (high - low));
    m->low = is_reference ? low : m->low;
    m->high = is_reference ? high : m->high;
    return 0;
}

/* Features of an image, in the state. */
static int encode(feature_metric *m, const float *image, int is_reference) {
    const feature_network *f = m->f;
    size_t pixels = (size_t)m->rows * m->columns;
    if (scale_image(m, image, is_reference) < 0)
        return -1;
    for (int c = f->channels - 1; c >= 0; c--) { /* the first channel, which the others are made of, last */
        float *channel = m->input + (size_t)c * pixels, gain = f->gain[c], offset = f->offset[c];
        for (size_t k = 0; k < pixels; k++)
            channel[k] = gain * m->input[k] + offset;
    }
    net_forward(m->state, m->input, NULL);
    return 0;
}

/* ---------------------------------------------------------------- comparison */

static double mean_squared_difference(const tensor *a, const tensor *b) {
    double sum = 0.0;
    for (int c = 0; c < a->channels; c++)
        for (int row = 0; row < a->rows; row++) {
            const float *p = tensor_row(a, c, row), *q = tensor_row(b, c, row);
            float part = 0.0f;
            for (int k = 0; k < a->columns; k++)
                part += (p[k] - q[k]) * (p[k] - q[k]);
            sum += (double)part;
        }
    return sum / ((double)a->channels * a->rows * a->columns);
}

/* 1 / (|g| + e) of the pixels of a row. */
static void unit_scale(const tensor *t, int row, float *scale) {
    for (int k = 0; k < t->columns; k++)
        scale[k] = 0.0f;
    for (int c = 0; c < t->channels; c++) {
        const float *g = tensor_row(t, c, row);
        for (int k = 0; k < t->columns; k++)
            scale[k] += g[k] * g[k];
    }
    for (int k = 0; k < t->columns; k++)
        scale[k] = (float)(1.0 / (sqrt((double)scale[k]) + UNIT_EPS));
}

static void scale_row(const float *restrict g, const float *restrict scale, int columns,
                      float *restrict out) {
    for (int k = 0; k < columns; k++)
        out[k] = g[k] * scale[k];
}

static void make_unit(const tensor *t, float *scale) {
    for (int row = 0; row < t->rows; row++) {
        unit_scale(t, row, scale);
        for (int c = 0; c < t->channels; c++) {
            float *g = tensor_row(t, c, row);
            for (int k = 0; k < t->columns; k++)
                g[k] *= scale[k];
        }
    }
}

/* a holds unit vectors already. Rows of b are made so aside first: fused into the difference, the product
 * would not be rounded as that of a was, and equal images would differ. */
static double unit_difference(feature_metric *m, const tensor *a, const tensor *b, const float *linear) {
    double sum = 0.0;
    for (int row = 0; row < a->rows; row++) {
        unit_scale(b, row, m->scale);
        for (int c = 0; c < a->channels; c++) {
            const float *p = tensor_row(a, c, row), *q = m->unit;
            float part = 0.0f;
            scale_row(tensor_row(b, c, row), m->scale, a->columns, m->unit);
            for (int k = 0; k < a->columns; k++)
                part += (p[k] - q[k]) * (p[k] - q[k]);
            sum += (double)part * (linear ? (double)linear[c] : 1.0);
        }
    }
    return sum / ((double)a->rows * a->columns);
}

int feature_metric_reference(feature_metric *m, const float *reference) {
    if (encode(m, reference, 1) < 0)
        return -1;
    for (int k = 0; k < m->f->count; k++) {
        const tensor *features = net_output(m->state, m->f->layers[k]);
        memcpy(m->reference[k].data, features->data, tensor_floats(features) * sizeof(float));
        if (m->f->comparison == FEATURE_UNIT)
            make_unit(&m->reference[k], m->scale);
    }
    return 0;
}

int feature_metric_layers(feature_metric *m, const float *image, double *distances) {
    if (encode(m, image, 0) < 0)
        return -1;
    for (int k = 0; k < m->f->count; k++) {
        const tensor *a = &m->reference[k], *b = net_output(m->state, m->f->layers[k]);
        distances[k] = m->f->comparison == FEATURE_UNIT ? unit_difference(m, a, b, m->f->linear[k])
                                                        : mean_squared_difference(a, b);
    }
    return 0;
}

int feature_metric_distance(feature_metric *m, const float *image, double *distance) {
    double layers[FEATURE_MAX_LAYERS];
    if (feature_metric_layers(m, image, layers) < 0)
        return -1;
    *distance = 0.0;
    for (int k = 0; k < m->f->count; k++)
        *distance += layers[k];
    return 0;
}

/* ---------------------------------------------------------------- as the method of a metric */

feature_network *feature_network_create(void) {
    return mem_calloc(1, sizeof(feature_network));
}

void feature_network_free(void *network) {
    if (network)
        feature_network_close(network);
    free(network);
}

int feature_reference(void *workspace, const metric_reference *reference) {
    return feature_metric_reference(workspace, reference->image.pixels);
}

int feature_score(void *workspace, const metric_reference *reference, const float *compared, double *values) {
    feature_metric *m = workspace;
    (void)reference;
    if (feature_metric_layers(m, compared, values + 1) < 0)
        return -1;
    values[0] = 0.0;
    for (int k = 0; k < m->f->count; k++)
        values[0] += values[1 + k];
    return 0;
}
