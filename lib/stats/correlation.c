#include "stats/correlation.h"

#include "core/error.h"
#include "core/rng.h"
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const double *x, *y;
    const size_t *first;
    size_t scans;
    double *u, *v; /* [scans * largest scan]: the points of a replicate */
} points;

/* Puts scan s behind the `n` points there are; the new number of points. */
static size_t append_scan(const points *p, size_t s, size_t n) {
    size_t count = p->first[s + 1] - p->first[s];
    memcpy(p->u + n, p->x + p->first[s], count * sizeof *p->u);
    memcpy(p->v + n, p->y + p->first[s], count * sizeof *p->v);
    return n + count;
}

static int is_constant(const double *values, size_t n) {
    for (size_t k = 1; k < n; k++)
        if (values[k] != values[0])
            return 0;
    return 1;
}

/* NaN where there is no variance. */
static double correlation(const double *x, const double *y, size_t n) {
    return is_constant(x, n) || is_constant(y, n) ? NAN : gsl_stats_correlation(x, 1, y, 1, n);
}

static double replicate(const points *p, gsl_rng *rng) {
    double r;
    do {
        size_t n = 0;
        for (size_t k = 0; k < p->scans; k++)
            n = append_scan(p, gsl_rng_uniform_int(rng, p->scans), n);
        r = correlation(p->u, p->v, n);
    } while (isnan(r));
    return r;
}

/* a of the header; NaN when leaving out some scan leaves no variance. left_out: [scans]. */
static double acceleration(const points *p, double *left_out) {
    double mean = 0.0, squares = 0.0, cubes = 0.0;
    for (size_t s = 0; s < p->scans; s++) {
        size_t n = 0;
        for (size_t k = 0; k < p->scans; k++)
            n = k == s ? n : append_scan(p, k, n);
        left_out[s] = correlation(p->u, p->v, n);
        mean += left_out[s] / (double)p->scans;
    }
    for (size_t s = 0; s < p->scans; s++) {
        double d = mean - left_out[s];
        squares += d * d;
        cubes += d * d * d;
    }
    return squares > 0.0 ? cubes / (6.0 * pow(squares, 1.5)) : isnan(squares) ? NAN : 0.0;
}

/* Share of sorted values below r, equal ones by half; kept off 0 and 1, whose normal quantiles are infinite.
 */
static double share_below(const double *sorted, size_t n, double r) {
    double below = 0.0;
    for (size_t k = 0; k < n; k++)
        below += sorted[k] < r ? 1.0 : sorted[k] == r ? 0.5 : 0.0;
    return fmin(fmax(below, 0.5), (double)n - 0.5) / (double)n;
}

static double bca_end(const double *sorted, size_t n, double z0, double a, double z) {
    double at = gsl_cdf_ugaussian_P(z0 + (z0 + z) / (1.0 - a * (z0 + z)));
    return gsl_stats_quantile_from_sorted_data(sorted, 1, n, at);
}

static int interval(const points *p, double confidence, size_t replicates, uint64_t seed, uint64_t statistic,
                    double *values, stats_correlation *out) {
    double a = acceleration(p, values), z = gsl_cdf_ugaussian_Pinv(0.5 + 0.5 * confidence);
    if (isnan(a))
        return err_set("correlation: all points but one scan's are equal: no interval");
    gsl_rng *rng = rng_stream(seed, RNG_BOOTSTRAP, statistic, 0);
    if (!rng)
        return -1;
    for (size_t b = 0; b < replicates; b++) {
        rng_restart(rng, seed, RNG_BOOTSTRAP, statistic, b);
        values[b] = replicate(p, rng);
    }
    gsl_rng_free(rng);
    gsl_sort(values, 1, replicates);
    double z0 = gsl_cdf_ugaussian_Pinv(share_below(values, replicates, out->r));
    out->ci_low = bca_end(values, replicates, z0, a, -z);
    out->ci_high = bca_end(values, replicates, z0, a, z);
    return 0;
}

static int check(const double *x, const double *y, size_t n, size_t scans) {
    if (scans < 4)
        return err_set("correlation: %zu scans, expected at least 4", scans);
    for (size_t k = 0; k < n; k++)
        if (!isfinite(x[k]) || !isfinite(y[k]))
            return err_set("correlation: point %zu is (%g, %g), expected finite numbers", k, x[k], y[k]);
    if (is_constant(x, n) || is_constant(y, n))
        return err_set("correlation: all values are equal");
    return 0;
}

int stats_correlate(const double *x, const double *y, const size_t *first, size_t scans, double confidence,
                    size_t replicates, uint64_t seed, uint64_t statistic, stats_correlation *out) {
    size_t n = first[scans], largest = 0;
    if (check(x, y, n, scans) < 0)
        return -1;
    for (size_t s = 0; s < scans; s++)
        largest = first[s + 1] - first[s] > largest ? first[s + 1] - first[s] : largest;
    double *u = mem_alloc(2 * scans * largest * sizeof *u);
    double *values = mem_alloc((replicates > scans ? replicates : scans) * sizeof *values);
    points p = {x, y, first, scans, u, u ? u + scans * largest : NULL};
    *out = (stats_correlation){.n = n, .scans = scans, .r = correlation(x, y, n)};
    int status = u && values ? interval(&p, confidence, replicates, seed, statistic, values, out) : -1;
    free(u);
    free(values);
    return status;
}
