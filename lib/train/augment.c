#include "train/augment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

augmentation augment_draw(gsl_rng *rng, int flips, double max_degrees) {
    augmentation a;
    a.left_right = gsl_rng_uniform(rng) < 0.5 && flips;
    a.up_down = gsl_rng_uniform(rng) < 0.5 && flips;
    int rotates = gsl_rng_uniform(rng) < 0.5;
    double degrees = (2.0 * gsl_rng_uniform(rng) - 1.0) * max_degrees;
    a.degrees = rotates ? degrees : 0.0;
    return a;
}

/* ---------------------------------------------------------------- flips */

static void swap_pixels(char *a, char *b, size_t size) {
    char keep[sizeof(float complex)];
    memcpy(keep, a, size);
    memcpy(a, b, size);
    memcpy(b, keep, size);
}

void augment_flip(const augmentation *a, void *image, int rows, int columns, size_t size) {
    char *first = image;
    size_t row = (size_t)columns * size;
    for (int y = 0; a->left_right && y < rows; y++)
        for (int x = 0; x < columns / 2; x++)
            swap_pixels(first + y * row + x * size, first + y * row + (columns - 1 - x) * size, size);
    for (int y = 0; a->up_down && y < rows / 2; y++)
        for (int x = 0; x < columns; x++)
            swap_pixels(first + y * row + x * size, first + (rows - 1 - y) * row + x * size, size);
}

/* ---------------------------------------------------------------- rotation */

/* From samples to B-spline coefficients along one line, in place: the inverse of the filter (1, 4, 1) / 6 as
 * a causal and an anti-causal recursion with the pole z = sqrt(3) - 2, mirrored at both ends. */
static void spline_coefficients(float *line, int n, size_t stride) {
    const double z = sqrt(3.0) - 2.0;
    double first = (double)line[0], power = z;
    for (int k = 1; k < n && fabs(power) > 1e-9; k++, power *= z) /* z^16 < 1e-9: the rest is rounding */
        first += power * (double)line[(size_t)k * stride];
    double previous = first;
    line[0] = (float)previous;
    for (int k = 1; k < n; k++) {
        previous = (double)line[(size_t)k * stride] + z * previous;
        line[(size_t)k * stride] = (float)previous;
    }
    float *last = line + (size_t)(n - 1) * stride;
    previous = z / (z * z - 1.0) * (previous + z * (double)*(last - stride));
    *last = (float)(6.0 * previous);
    for (int k = n - 2; k >= 0; k--) {
        previous = z * (previous - (double)line[(size_t)k * stride]);
        line[(size_t)k * stride] = (float)(6.0 * previous);
    }
}

/* Values of the cubic B-spline at t + 1, t, 1 - t, 2 - t. */
static void spline_weights(double t, double w[4]) {
    double s = 1.0 - t;
    w[0] = s * s * s / 6.0;
    w[1] = 2.0 / 3.0 - t * t * (2.0 - t) / 2.0;
    w[2] = 2.0 / 3.0 - s * s * (2.0 - s) / 2.0;
    w[3] = t * t * t / 6.0;
}

/* Index of a pixel beyond the edges, in the mirror image about the outermost pixels. */
static int mirrored(int k, int n) {
    int period = 2 * (n - 1);
    k = abs(k) % period;
    return k < n ? k : period - k;
}

static float spline_value(const float *c, int rows, int columns, double y, double x) {
    int y0 = (int)floor(y), x0 = (int)floor(x), at[4];
    double wy[4], wx[4], sum = 0.0;
    spline_weights(y - y0, wy);
    spline_weights(x - x0, wx);
    for (int i = 0; i < 4; i++)
        at[i] = mirrored(x0 - 1 + i, columns);
    for (int i = 0; i < 4; i++) {
        const float *row = c + (size_t)mirrored(y0 - 1 + i, rows) * columns;
        sum += wy[i] * (wx[0] * (double)row[at[0]] + wx[1] * (double)row[at[1]] + wx[2] * (double)row[at[2]] +
                        wx[3] * (double)row[at[3]]);
    }
    return (float)sum;
}

void augment_rotate(const float *image, int rows, int columns, double degrees, float *work, float *out) {
    double c = cos(degrees * M_PI / 180.0), s = sin(degrees * M_PI / 180.0);
    double middle_y = 0.5 * (rows - 1), middle_x = 0.5 * (columns - 1);
    if (work != image)
        memcpy(work, image, (size_t)rows * columns * sizeof *work);
    for (int y = 0; y < rows; y++)
        spline_coefficients(work + (size_t)y * columns, columns, 1);
    for (int x = 0; x < columns; x++)
        spline_coefficients(work + x, rows, (size_t)columns);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            double dy = y - middle_y, dx = x - middle_x;
            *out++ =
                spline_value(work, rows, columns, middle_y + c * dy - s * dx, middle_x + s * dy + c * dx);
        }
}
