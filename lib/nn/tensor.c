#include "nn/tensor.h"

#include "core/error.h"
#include "core/memory.h"
#include <stdlib.h>
#include <string.h>

tensor tensor_shape(int channels, int rows, int columns) {
    tensor t = {.channels = channels, .rows = rows, .columns = columns, .ld = (size_t)columns + 1};
    t.plane = (((size_t)rows + 2) * t.ld + 1 + 15) / 16 * 16;
    return t;
}

size_t tensor_floats(const tensor *t) {
    return (size_t)t->channels * t->plane + TENSOR_SLACK;
}

int tensor_alloc(tensor *t) {
    t->data = mem_aligned(tensor_floats(t) * sizeof(float));
    return t->data ? 0 : -1;
}

void tensor_free(tensor *t) {
    free(t->data);
    t->data = NULL;
}

void tensor_clear_border(const tensor *t) {
    for (int c = 0; c < t->channels; c++) {
        float *border = tensor_plane(t, c) + t->ld;
        for (int y = 0; y <= t->rows; y++)
            border[(size_t)y * t->ld] = 0.0f;
    }
}

void tensor_clear_padding(const tensor *t) {
    size_t pixels = tensor_first(t) + tensor_span(t);
    for (int c = 0; c < t->channels; c++) {
        memset(tensor_plane(t, c), 0, tensor_first(t) * sizeof(float));
        memset(tensor_plane(t, c) + pixels, 0, (t->plane - pixels) * sizeof(float));
    }
    tensor_clear_border(t);
    memset(t->data + (size_t)t->channels * t->plane, 0, TENSOR_SLACK * sizeof(float));
}

void tensor_load(const tensor *t, const float *packed) {
    for (int c = 0; c < t->channels; c++)
        for (int y = 0; y < t->rows; y++, packed += t->columns)
            memcpy(tensor_row(t, c, y), packed, (size_t)t->columns * sizeof(float));
}

void tensor_store(const tensor *t, float *packed) {
    for (int c = 0; c < t->channels; c++)
        for (int y = 0; y < t->rows; y++, packed += t->columns)
            memcpy(packed, tensor_row(t, c, y), (size_t)t->columns * sizeof(float));
}
