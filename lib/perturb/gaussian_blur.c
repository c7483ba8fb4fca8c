/* Gaussian blur: separable, sigma in pixels, cut off at 4 sigma and normalised to sum 1, the image continued
 * by half-sample symmetric reflection (d c b a | a b c d | d c b a). These are the conventions of
 * scipy.ndimage.gaussian_filter. Below sigma = 1/8 the kernel is a single pixel and the image unchanged. */
#include "core/error.h"
#include "core/memory.h"
#include "perturb/perturb.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRUNCATE 4.0
#define SIGMA_MAX 1000.0 /* far beyond any image; keeps the kernel's length an int */

/* Index of pixel i of a line of n that is reflected without end. */
static int reflect(int i, int n) {
    i %= 2 * n;
    i += i < 0 ? 2 * n : 0;
    return i < n ? i : 2 * n - 1 - i;
}

static double *kernel_make(double sigma, int radius) {
    double *kernel = mem_alloc((2 * (size_t)radius + 1) * sizeof *kernel);
    if (!kernel)
        return NULL;
    double sum = 0.0;
    for (int k = -radius; k <= radius; k++) {
        kernel[k + radius] = exp(-0.5 * (k / sigma) * (k / sigma));
        sum += kernel[k + radius];
    }
    for (int k = 0; k <= 2 * radius; k++)
        kernel[k] /= sum;
    return kernel;
}

/* line[c] = image blurred down the columns, at row r. */
static void blur_down(const float *image, int rows, int columns, int r, const double *kernel, int radius,
                      double *restrict line) {
    memset(line, 0, (size_t)columns * sizeof *line);
    for (int k = -radius; k <= radius; k++) {
        const float *restrict row = image + (size_t)reflect(r + k, rows) * columns;
        const double weight = kernel[k + radius];
        for (int c = 0; c < columns; c++)
            line[c] += weight * row[c];
    }
}

/* sum[c] = line blurred along the row; padded has columns + 2 radius elements, the line from `radius` on. */
static void blur_along(double *restrict padded, int columns, const double *kernel, int radius,
                       double *restrict sum) {
    for (int k = 1; k <= radius; k++) {
        padded[radius - k] = padded[radius + reflect(-k, columns)];
        padded[radius + columns - 1 + k] = padded[radius + reflect(columns - 1 + k, columns)];
    }
    memset(sum, 0, (size_t)columns * sizeof *sum);
    for (int k = 0; k <= 2 * radius; k++)
        for (int c = 0; c < columns; c++)
            sum[c] += kernel[k] * padded[c + k];
}

static int blur(const float *image, float *out, int rows, int columns, double sigma, gsl_rng *rng) {
    (void)rng;
    if (sigma > SIGMA_MAX)
        return err_set("gaussian_blur: sigma is %g pixels: expected at most %g", sigma, SIGMA_MAX);
    const int radius = (int)(TRUNCATE * sigma + 0.5);
    double *kernel = kernel_make(sigma, radius);
    double *padded = mem_alloc(((size_t)columns + 2 * (size_t)radius) * sizeof *padded);
    double *sum = mem_alloc((size_t)columns * sizeof *sum);
    const int failed = !kernel || !padded || !sum;
    for (int r = 0; r < rows && !failed; r++) {
        blur_down(image, rows, columns, r, kernel, radius, padded + radius);
        blur_along(padded, columns, kernel, radius, sum);
        for (int c = 0; c < columns; c++)
            out[(size_t)r * columns + c] = (float)sum[c];
    }
    free(kernel);
    free(padded);
    free(sum);
    return failed ? -1 : 0;
}

const perturbation perturbation_gaussian_blur = {
    .name = "gaussian_blur",
    .title = "Gaussian blur",
    .level_name = "sigma (pixels)",
    .level_unit = "pixels",
    .level_max = 5.0,
    .apply = blur,
};
