#include "pretext/harmonic_fill.h"

#include "core/error.h"
#include "core/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A u = b with one unknown per masked pixel: A u at k is degree[k] u[k] - the sum of u over next[k]. */
typedef struct {
    int count;      /* unknowns */
    int *pixel;     /* [count]: where in the image */
    int (*next)[4]; /* [count]: masked neighbours; behind the last one: count, where vectors hold a 0 */
    int *degree;    /* [count]: neighbours inside the image */
    double *b;      /* [count]: sum of the visible neighbours */
    double start;   /* mean of the visible neighbours of all unknowns */
} laplace;

static void laplace_free(laplace *a) {
    free(a->pixel);
    free(a->next);
    free(a->degree);
    free(a->b);
}

static int laplace_allocate(laplace *a, int count) {
    size_t n = (size_t)count;
    *a = (laplace){.count = count};
    a->pixel = mem_alloc(n * sizeof *a->pixel);
    a->next = mem_alloc(n * sizeof *a->next);
    a->degree = mem_calloc(n, sizeof *a->degree);
    a->b = mem_calloc(n, sizeof *a->b);
    if (a->pixel && a->next && a->degree && a->b)
        return 0;
    laplace_free(a);
    return -1;
}

/* number[pixel] is the unknown of a masked pixel, -1 for a visible one. */
static void laplace_set_up(laplace *a, const int *number, const float *image, int rows, int columns) {
    static const int dy[4] = {-1, 0, 0, 1}, dx[4] = {0, -1, 1, 0};
    double sum = 0.0;
    long visible = 0;
    for (int k = 0; k < a->count; k++) {
        int y = a->pixel[k] / columns, x = a->pixel[k] % columns, masked = 0;
        for (int d = 0; d < 4; d++) {
            int row = y + dy[d], column = x + dx[d], q = row * columns + column;
            if (row < 0 || column < 0 || row >= rows || column >= columns)
                continue;
            a->degree[k]++;
            if (number[q] >= 0) {
                a->next[k][masked++] = number[q];
            } else {
                a->b[k] += (double)image[q];
                visible++;
            }
        }
        while (masked < 4)
            a->next[k][masked++] = a->count;
        sum += a->b[k];
    }
    a->start = sum / (double)visible;
}

static int number_masked(const unsigned char *mask, int pixels, int *number) {
    int count = 0;
    for (int q = 0; q < pixels; q++)
        number[q] = mask[q] ? count++ : -1;
    return count;
}

static int laplace_create(laplace *a, const unsigned char *mask, const float *image, int rows, int columns) {
    int pixels = rows * columns, *number = mem_alloc((size_t)pixels * sizeof *number);
    if (!number)
        return -1;
    int status = laplace_allocate(a, number_masked(mask, pixels, number));
    for (int q = 0; status == 0 && q < pixels; q++)
        if (number[q] >= 0)
            a->pixel[number[q]] = q;
    if (status == 0)
        laplace_set_up(a, number, image, rows, columns);
    free(number);
    return status;
}

/* out = A u; returns u . A u. */
static double laplace_apply(const laplace *a, const double *u, double *out) {
    double product = 0.0;
    for (int k = 0; k < a->count; k++) {
        const int *q = a->next[k];
        out[k] = a->degree[k] * u[k] - (u[q[0]] + u[q[1]] + u[q[2]] + u[q[3]]);
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
    for (int k = 0; k < n; k++)
        u[k] = a->start;
    memcpy(r, a->b, (size_t)n * sizeof *r);
    laplace_apply(a, u, q);
    double norm = descend(n, 1.0, q, r), enough = HARMONIC_FILL_TOLERANCE * HARMONIC_FILL_TOLERANCE * norm;
    if (!isfinite(norm))
        return err_set("harmonic interpolation: pixels beside the mask are not finite");
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
    if (!memchr(mask, 0, (size_t)rows * (size_t)columns))
        return err_set("harmonic interpolation: all of the %d x %d pixels are masked", rows, columns);
    if (laplace_create(&a, mask, image, rows, columns) < 0)
        return -1;
    size_t n = (size_t)a.count, stride = n + 1;
    double *u = mem_calloc(4 * stride, sizeof *u);
    int status = -1;
    if (u && n)
        status = conjugate_gradients(&a, u, u + stride, u + 2 * stride, u + 3 * stride);
    else if (u)
        status = 0;
    if (status == 0) {
        memmove(out, image, (size_t)rows * (size_t)columns * sizeof *out);
        for (size_t k = 0; k < n; k++)
            out[a.pixel[k]] = (float)u[k];
    }
    free(u);
    laplace_free(&a);
    return status;
}
