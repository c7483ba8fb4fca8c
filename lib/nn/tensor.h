/* The memory layout of every feature map: padded planes.
 *
 * A feature map of `channels` planes of rows x columns floats is stored with the zero border that a 3x3
 * convolution needs. A row takes columns + 1 floats: one zero, then the pixels. The zero at the head of the
 * next row is also the border on the right of this one, so one column of padding serves both sides:
 *
 *        0  0  0  0  0        ld = columns + 1
 *        0  a  b  c  d        pixel (y, x) of a plane is at (y + 1) * ld + 1 + x
 *        0  e  f  g  h        its neighbour (y + dy, x + dx) is dy * ld + dx further, borders included
 *        0  0  0  0  0
 *        0
 *
 * So a 3x3 convolution is nine shifted reads of one long vector: kernels run over the flat range of a plane
 * without knowing its rows, for any image size, and waste only one lane in columns + 1. The price: what they
 * leave in the padding column is garbage until tensor_clear_border() makes it zero again. Padding is zero
 * between operations. */
#ifndef SSFD_NN_TENSOR_H
#define SSFD_NN_TENSOR_H

#include <stddef.h>

/* Floats that a kernel may read past the end of the last plane. */
#define TENSOR_SLACK 128

typedef struct {
    int channels, rows, columns;
    size_t ld;    /* floats from a row to the next: columns + 1 */
    size_t plane; /* floats from a plane to the next, a multiple of 16 */
    float *data;  /* [channels][plane], then TENSOR_SLACK floats */
} tensor;

/* A shape without memory. */
tensor tensor_shape(int channels, int rows, int columns);
/* Floats to allocate for a tensor. */
size_t tensor_floats(const tensor *t);
/* Allocates zeroed memory for t->data: 0, or -1 with a message. Release with tensor_free(). */
int tensor_alloc(tensor *t);
void tensor_free(tensor *t);

/* First pixel of a plane, and the length of the flat range from the first pixel to the last. */
static inline size_t tensor_first(const tensor *t) {
    return t->ld + 1;
}
static inline size_t tensor_span(const tensor *t) {
    return (size_t)t->rows * t->ld - 1;
}
static inline float *tensor_plane(const tensor *t, int channel) {
    return t->data + (size_t)channel * t->plane;
}
static inline float *tensor_row(const tensor *t, int channel, int row) {
    return tensor_plane(t, channel) + tensor_first(t) + (size_t)row * t->ld;
}

/* Makes the padding column zero again after a flat kernel wrote over it. */
void tensor_clear_border(const tensor *t);
/* Makes all padding zero, whatever the memory held before. */
void tensor_clear_padding(const tensor *t);
/* Packed images (channels*rows*columns floats) in and out. */
void tensor_load(const tensor *t, const float *packed);
void tensor_store(const tensor *t, float *packed);

#endif
