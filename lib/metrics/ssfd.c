#include "metrics/ssfd.h"

#include "core/error.h"
#include "metrics/image_metrics.h"
#include <stdlib.h>
#include <string.h>

int ssfd_layers_parse(const net *n, const char *names, ssfd_layers *out) {
    char copy[256], *rest = NULL;
    *out = (ssfd_layers){.last = 0};
    if (strlen(names) >= sizeof copy)
        return err_set("list of layers is longer than %zu characters", sizeof copy - 1);
    strcpy(copy, names);
    for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        int layer = net_layer(n, name);
        if (layer < 0)
            return -1;
        if (out->count == SSFD_MAX_LAYERS)
            return err_set("more than %d layers", SSFD_MAX_LAYERS);
        out->layers[out->count++] = layer;
        out->last = layer > out->last ? layer : out->last;
    }
    return out->count ? 0 : err_set("no layer given");
}

struct ssfd_metric {
    ssfd_layers layers;
    net_state *state;
    int rows, columns;
    float *normalised;
    tensor reference[SSFD_MAX_LAYERS]; /* features kept */
};

ssfd_metric *ssfd_metric_create(const net *n, const ssfd_layers *layers, int rows, int columns) {
    ssfd_metric *m = mem_calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->layers = *layers;
    m->rows = rows;
    m->columns = columns;
    m->state = net_state_create(n, rows, columns, layers->last, layers->count > 1 ? NET_FEATURES : NET_INFER);
    m->normalised = m->state ? mem_alloc((size_t)rows * (size_t)columns * sizeof(float)) : NULL;
    int ok = m->normalised != NULL;
    for (int k = 0; ok && k < layers->count; k++) {
        m->reference[k] = *net_output(m->state, layers->layers[k]);
        m->reference[k].data = NULL;
        ok = tensor_alloc(&m->reference[k]) == 0;
    }
    if (ok)
        return m;
    ssfd_metric_free(m);
    return NULL;
}

void ssfd_metric_free(ssfd_metric *m) {
    if (!m)
        return;
    net_state_free(m->state);
    free(m->normalised);
    for (int k = 0; k < m->layers.count; k++)
        tensor_free(&m->reference[k]);
    free(m);
}

static int encode(ssfd_metric *m, const float *image) {
    if (image_zscore(image, m->rows, m->columns, m->normalised) < 0)
        return -1;
    net_forward(m->state, m->normalised, NULL);
    return 0;
}

int ssfd_metric_reference(ssfd_metric *m, const float *reference) {
    if (encode(m, reference) < 0)
        return -1;
    for (int k = 0; k < m->layers.count; k++) {
        const tensor *features = net_output(m->state, m->layers.layers[k]);
        memcpy(m->reference[k].data, features->data, tensor_floats(features) * sizeof(float));
    }
    return 0;
}

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

int ssfd_metric_distance(ssfd_metric *m, const float *image, double *distances) {
    if (encode(m, image) < 0)
        return -1;
    for (int k = 0; k < m->layers.count; k++)
        distances[k] = mean_squared_difference(&m->reference[k], net_output(m->state, m->layers.layers[k]));
    return 0;
}
