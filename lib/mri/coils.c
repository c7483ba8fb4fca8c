#include "mri/coils.h"

#include "core/error.h"
#include "core/memory.h"
#include "mri/cubic.h"
#include <gsl/gsl_complex_math.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 8, SEGMENTS = 64 };

/* ---------------------------------------------------------------- sensitivities */

static void cross(const double a[3], const double b[3], double out[3]) {
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static double length_of(const double a[3]) {
    return sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);
}

static void divide(double a[3], double by) {
    for (int k = 0; k < 3; k++)
        a[k] /= by;
}

/* Two unit vectors that span the plane of the loop. */
static void loop_axes(const coil_loop *loop, double u[3], double v[3]) {
    const double *n = loop->normal;
    double seed[3] = {0.0, 0.0, 0.0};
    seed[fabs(n[2]) < 0.9 ? 2 : 0] = 1.0;
    cross(n, seed, u);
    divide(u, length_of(u));
    cross(n, u, v);
    divide(v, length_of(n));
}

/* Positions and steps dl of the loop's segments. */
static void loop_segments(const coil_loop *loop, double at[SEGMENTS][3], double dl[SEGMENTS][3]) {
    double u[3], v[3];
    loop_axes(loop, u, v);
    for (int s = 0; s < SEGMENTS; s++) {
        double angle = 2.0 * M_PI * s / SEGMENTS, c = cos(angle), d = sin(angle);
        double length = 2.0 * M_PI * loop->radius / SEGMENTS;
        for (int k = 0; k < 3; k++) {
            at[s][k] = loop->centre[k] + loop->radius * (c * u[k] + d * v[k]);
            dl[s][k] = length * (c * v[k] - d * u[k]);
        }
    }
}

static double complex field(const double at[SEGMENTS][3], const double dl[SEGMENTS][3], double x, double y,
                            double z) {
    double bx = 0.0, by = 0.0;
    for (int s = 0; s < SEGMENTS; s++) {
        double r[3] = {x - at[s][0], y - at[s][1], z - at[s][2]};
        double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2], scale = 1.0 / (square * sqrt(square));
        bx += (dl[s][1] * r[2] - dl[s][2] * r[1]) * scale;
        by += (dl[s][2] * r[0] - dl[s][0] * r[2]) * scale;
    }
    return bx - I * by;
}

/* Weights of the four coarse points around each fine one. Coarse point k is on pixel (k - 1) STEP, so that there
 * is always another one on either side. */
static void coarse_weights(int fine, int *first, double w[4]) {
    *first = fine / STEP;
    cubic_weights((double)(fine % STEP) / STEP, w);
}

static int coarse_size(int size) {
    return (size - 1) / STEP + 4;
}

static void coarse_map(const coil_loop *loop, double z, double pixel_mm, int size, double complex *coarse) {
    double at[SEGMENTS][3], dl[SEGMENTS][3], half = 0.5 * (size - 1);
    int n = coarse_size(size);
    loop_segments(loop, at, dl);
    for (int row = 0; row < n; row++)
        for (int column = 0; column < n; column++)
            coarse[row * n + column] = field(at, dl, ((column - 1) * STEP - half) * pixel_mm,
                                             ((row - 1) * STEP - half) * pixel_mm, z);
}

/* line: [coarse_size] scratch for one row interpolated along the rows' axis. */
static void interpolate(const double complex *coarse, int size, double complex *line, float complex *map) {
    int n = coarse_size(size), first;
    double w[4];
    for (int row = 0; row < size; row++) {
        coarse_weights(row, &first, w);
        for (int k = 0; k < n; k++) {
            line[k] = 0.0;
            for (int q = 0; q < 4; q++)
                line[k] += w[q] * coarse[(first + q) * n + k];
        }
        for (int column = 0; column < size; column++) {
            coarse_weights(column, &first, w);
            map[(size_t)row * size + column] =
                (float complex)(w[0] * line[first] + w[1] * line[first + 1] + w[2] * line[first + 2] +
                                w[3] * line[first + 3]);
        }
    }
}

/* Divides by the root-sum-of-squares at the centre. */
static void scale_to_centre(float complex *maps, int coils, int size) {
    size_t pixels = (size_t)size * size, centre = (size_t)(size / 2) * size + (size / 2);
    double sum = 0.0;
    for (int c = 0; c < coils; c++) {
        double complex s = maps[(size_t)c * pixels + centre];
        sum += creal(s) * creal(s) + cimag(s) * cimag(s);
    }
    float scale = (float)(1.0 / sqrt(sum));
    for (size_t k = 0; k < (size_t)coils * pixels; k++)
        maps[k] *= scale;
}

int coil_sensitivities(const coil_loop *loops, int coils, double z, double pixel_mm, int size,
                       float complex *maps) {
    int n = coarse_size(size);
    double complex *coarse = mem_alloc(((size_t)n * n + n) * sizeof *coarse);
    if (!coarse)
        return -1;
    for (int c = 0; c < coils; c++) {
        coarse_map(&loops[c], z, pixel_mm, size, coarse);
        interpolate(coarse, size, coarse + n * n, maps + (size_t)c * size * size);
    }
    free(coarse);
    scale_to_centre(maps, coils, size);
    return 0;
}

/* ---------------------------------------------------------------- noise */

static double complex overlap(const float complex *a, const float complex *b, int pixels) {
    double complex sum = 0.0;
    for (int k = 0; k < pixels; k++)
        sum += (double complex)a[k] * conj((double complex)b[k]);
    return sum;
}

/* norms: [coils] scratch. */
static void fill_covariance(const float complex *maps, int coils, int pixels, double share, double *norms,
                            gsl_matrix_complex *psi) {
    size_t n = (size_t)pixels;
    for (int c = 0; c < coils; c++)
        norms[c] = sqrt(creal(overlap(maps + (size_t)c * n, maps + (size_t)c * n, pixels)));
    for (int c = 0; c < coils; c++)
        for (int d = 0; d <= c; d++) {
            double complex g = c == d ? 1.0
                                      : share / (norms[c] * norms[d]) *
                                            overlap(maps + (size_t)c * n, maps + (size_t)d * n, pixels);
            gsl_matrix_complex_set(psi, c, d, gsl_complex_rect(creal(g), cimag(g)));
        }
}

int coil_noise_factor(const float complex *maps, int coils, int pixels, double share,
                      double complex *factor) {
    gsl_matrix_complex *psi = gsl_matrix_complex_calloc(coils, coils);
    double *norms = mem_alloc((size_t)coils * sizeof *norms);
    if (!psi || !norms) {
        gsl_matrix_complex_free(psi);
        free(norms);
        return err_set("out of memory");
    }
    fill_covariance(maps, coils, pixels, share, norms, psi);
    gsl_linalg_complex_cholesky_decomp(psi); /* share < 1: always positive definite */
    for (int c = 0; c < coils; c++)
        for (int d = 0; d < coils; d++) {
            gsl_complex l = gsl_matrix_complex_get(psi, c, d);
            factor[c * coils + d] = d <= c ? GSL_REAL(l) + I * GSL_IMAG(l) : 0.0;
        }
    gsl_matrix_complex_free(psi);
    free(norms);
    return 0;
}
