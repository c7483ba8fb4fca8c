#include "pretext/harmonic_fill.h"

#include "core/error.h"
#include "core/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A u = b with one unknown per masked pixel: A u at k is degree u[k] - the sum of u over the neighbours. */
typedef struct {
    int pixel;   /* where in the image */
    int degree;  /* neighbours inside the image */
    int next[4]; /* masked neighbours; in unused places `count`, where vectors hold a 0 */
    double b;    /* sum of the visible neighbours */
} unknown;

typedef struct {
    int count;
    unknown *at;  /* [count] */
    double start; /* mean of the visible neighbours of all unknowns */
} laplace;

/* number[pixel] is the unknown of a masked pixel, -1 for a visible one. */
static void laplace_set_up(laplace *a, const int *number, const float *image, int rows, int columns) {
    static const int dy[4] = {-1, 0, 0, 1}, dx[4] = {0, -1, 1, 0};
    double sum = 0.0;
    long visible = 0;
    for (unknown *u = a->at; u < a->at + a->count; u++) {
        int y = u->pixel / columns, x = u->pixel % columns, masked = 0;
        for (int d = 0; d < 4; d++) {
            int row = y + dy[d], column = x + dx[d], q = row * columns + column;
            if (row < 0 || column < 0 || row >= rows || column >= columns)
                continue;
            u->degree++;
            if (number[q] >= 0) {
                u->next[masked++] = number[q];
            } else {
                u->b += (double)image[q];
                visible++;
            }
        }
        while (masked < 4)
            u->next[masked++] = a->count;
        sum += u->b;
    }
    a->start = sum / (double)visible;
}

static int laplace_create(laplace *a, const unsigned char *mask, const float *image, int rows, int columns) {
    int pixels = rows * columns, *number = mem_alloc((size_t)pixels * sizeof *number);
    *a = (laplace){0};
    for (int q = 0; number && q < pixels; q++)
        number[q] = mask[q] ? a->count++ : -1;
    a->at = number ? mem_calloc((size_t)a->count, sizeof *a->at) : NULL;
    for (int q = 0; a->at && q < pixels; q++)
        if (number[q] >= 0)
            a->at[number[q]].pixel = q;
    if (a->at)
        laplace_set_up(a, number, image, rows, columns);
    free(number);
    return a->at ? 0 : -1;
}

/* out = A u; returns u . A u. */
static double laplace_apply(const laplace *a, const double *u, double *out) {
    double product = 0.0;
    for (int k = 0; k < a->count; k++) {
        const int *q = a->at[k].next;
        out[k] = a->at[k].degree * u[k] - (u[q[0]] + u[q[1]] + u[q[2]] + u[q[3]]);
        product += u[k] * out[k];
    }
    return product;
}

/* r -= step q; returns r . r. */
static double descend(int n, double step, const double *q, double *r) {
    double norm = 0.0;
    for (int k = 0; k < n; k++) {
        r[k] -= step * q[k];
        norm += r[k] * r[k];
    }
    return norm;
}

/* Each of u, r, p, q has count + 1 elements, the last of which stays 0. */
static int conjugate_gradients(const laplace *a, double *u, double *r, double *p, double *q) {
    int n = a->count;
    for (int k = 0; k < n; k++) {
        u[k] = a->start;
        r[k] = a->at[k].b;
    }
    laplace_apply(a, u, q);
    double norm = descend(n, 1.0, q, r), enough = HARMONIC_FILL_TOLERANCE * HARMONIC_FILL_TOLERANCE * norm;
    if (!isfinite(norm))
        return err_set("harmonic interpolation: pixels next to the mask are not finite");
    memcpy(p, r, (size_t)n * sizeof *p);
    for (long step = 0; norm > enough; step++) {
        if (step == 4L * n)
            return err_set("harmonic interpolation of %d pixels: no convergence in %ld steps", n, step);
        double length = norm / laplace_apply(a, p, q), before = norm;
        for (int k = 0; k < n; k++)
            u[k] += length * p[k];
        norm = descend(n, length, q, r);
        for (int k = 0; k < n; k++)
            p[k] = r[k] + norm / before * p[k];
    }
    return 0;
}

int harmonic_fill(const unsigned char *mask, const float *image, int rows, int columns, float *out) {
    laplace a;
    if (!memchr(mask, 0, (size_t)rows * columns))
        return err_set("harmonic interpolation: all of the %d x %d pixels are masked", rows, columns);
    if (laplace_create(&a, mask, image, rows, columns) < 0)
        return -1;
    size_t stride = (size_t)a.count + 1;
    double *u = mem_calloc(4 * stride, sizeof *u);
    int status = u ? 0 : -1;
    if (u && a.count > 0)
        status = conjugate_gradients(&a, u, u + stride, u + 2 * stride, u + 3 * stride);
    if (status == 0) {
        memmove(out, image, (size_t)rows * columns * sizeof *out);
        for (int k = 0; k < a.count; k++)
            out[a.at[k].pixel] = (float)u[k];
    }
    free(u);
    free(a.at);
    return status;
}
