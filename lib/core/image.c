#include "core/image.h"

#include "core/error.h"
#include <math.h>
#include <stddef.h>

double image_max_abs(const float *image, int rows, int columns) {
    const size_t n = (size_t)rows * columns;
    float max = 0.0f;
    for (size_t i = 0; i < n; i++)
        max = fabsf(image[i]) > max ? fabsf(image[i]) : max;
    return max;
}

/* Finite everywhere; *is_constant: all pixels are equal. */
static int check(const float *image, int rows, int columns, int *is_constant) {
    const size_t n = (size_t)rows * columns;
    *is_constant = 1;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(image[i]))
            return err_set("image is not finite at row %zu, column %zu", i / columns, i % columns);
        *is_constant &= image[i] == image[0];
    }
    return 0;
}

int image_range(const float *image, int rows, int columns, double *low, double *high) {
    const size_t n = (size_t)rows * columns;
    float least = image[0], most = image[0];
    int is_constant;
    if (check(image, rows, columns, &is_constant) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        least = image[i] < least ? image[i] : least;
        most = image[i] > most ? image[i] : most;
    }
    *low = least;
    *high = most;
    return 0;
}

double image_mean(const float *image, int rows, int columns) {
    const size_t n = (size_t)rows * columns;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += image[i];
    return sum / (double)n;
}

int image_zscore(const float *image, int rows, int columns, float *out) {
    int is_constant;
    if (check(image, rows, columns, &is_constant) < 0)
        return err_prefix("z-score");
    if (is_constant)
        return err_set("z-score: image is constant (%g everywhere)", image[0]);
    const size_t n = (size_t)rows * columns;
    const double mean = image_mean(image, rows, columns);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (image[i] - mean) * (image[i] - mean);
    const double scale = 1.0 / sqrt(sum / (double)(n - 1));
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((image[i] - mean) * scale);
    return 0;
}

int image_check_pair(const float *reference, const float *compared, int rows, int columns) {
    if (rows < 1 || columns < 1)
        return err_set("image of %d x %d pixels: expected at least 1 x 1", rows, columns);
    const size_t n = (size_t)rows * columns;
    int constant = 1;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(reference[i]) || !isfinite(compared[i]))
            return err_set("%s image is not finite at row %zu, column %zu",
                           isfinite(reference[i]) ? "compared" : "reference", i / columns, i % columns);
        constant &= reference[i] == reference[0];
    }
    if (constant)
        return err_set("reference image is constant (%g everywhere)", reference[0]);
    return 0;
}
