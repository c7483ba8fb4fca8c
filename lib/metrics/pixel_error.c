#include "metrics/pixel_error.h"

#include "core/error.h"
#include "core/image.h"
#include "metrics/metric.h"
#include <math.h>
#include <stddef.h>

static double sum_squared_difference(const float *reference, const float *compared, size_t n) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)compared[i] - reference[i];
        sum += d * d;
    }
    return sum;
}

int image_psnr(const float *reference, const float *compared, int rows, int columns, double peak,
               double *psnr) {
    if (!isfinite(peak) || peak <= 0.0)
        return err_set("PSNR: peak is %g: expected a positive number", peak);
    if (image_check_pair(reference, compared, rows, columns) < 0)
        return err_prefix("PSNR");
    const size_t n = (size_t)rows * columns;
    const double rmse = sqrt(sum_squared_difference(reference, compared, n) / (double)n);
    *psnr = rmse > 0.0 ? 20.0 * log10(peak / rmse) : INFINITY;
    return 0;
}

int image_nrmse(const float *reference, const float *compared, int rows, int columns, double *nrmse) {
    if (image_check_pair(reference, compared, rows, columns) < 0)
        return err_prefix("NRMSE");
    const size_t n = (size_t)rows * columns;
    double energy = 0.0;
    for (size_t i = 0; i < n; i++)
        energy += (double)reference[i] * reference[i];
    *nrmse = sqrt(sum_squared_difference(reference, compared, n) / energy);
    return 0;
}

/* ---------------------------------------------------------------- the metrics */

static int score_psnr(void *workspace, const metric_reference *r, const float *compared, double *values) {
    (void)workspace;
    return image_psnr(r->image.pixels, compared, r->image.rows, r->image.columns, r->range, values);
}

static int score_nrmse(void *workspace, const metric_reference *r, const float *compared, double *values) {
    (void)workspace;
    return image_nrmse(r->image.pixels, compared, r->image.rows, r->image.columns, values);
}

static const metric_method method_psnr = {.values = 1, .score = score_psnr};
static const metric_method method_nrmse = {.values = 1, .score = score_nrmse};

const metric metric_nrmse = {
    .key = "nrmse",
    .title = "NRMSE",
    .help = "root mean squared error, relative to the reference",
    .direction = METRIC_LOWER_IS_BETTER,
    .roles = METRIC_ALWAYS,
    .style = 7,
    .method = &method_nrmse,
};

/* NRMSE stands for it as a distance: at a fixed reference PSNR is a monotone function of it, and it is finite
 * where nothing changes. */
const metric metric_psnr = {
    .key = "psnr_db",
    .title = "PSNR (dB)",
    .help = "peak signal-to-noise ratio, peak = maximum of the reference slice",
    .direction = METRIC_HIGHER_IS_BETTER,
    .roles = METRIC_ALWAYS | METRIC_CLAIMED | METRIC_UNBOUNDED,
    .style = 3,
    .distance = &metric_nrmse,
    .method = &method_psnr,
};
