#include "stats/bootstrap.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Scans ordered by stratum: `member` of those of a stratum stand together. */
typedef struct {
    const bootstrap_plan *plan;
    bootstrap_statistic f;
    const void *self;
    size_t count;
    size_t *member; /* [scans] */
    size_t *from;   /* [scans]: where the stratum of member[k] begins */
    size_t *size;   /* [scans]: and how many it has */
    double
        *values; /* [replicates][count], [scans][count] of those that leave one out, [count] of all scans */
} bootstrap;

static int stratum_of(const bootstrap_plan *plan, size_t scan) {
    return plan->stratum ? plan->stratum[scan] : 0;
}

/* Strata in the order of their first scan. */
static void order_strata(bootstrap *b) {
    size_t n = b->plan->scans, at = 0;
    for (size_t first = 0; first < n; first++) {
        int stratum = stratum_of(b->plan, first), seen = 0;
        for (size_t k = 0; k < first && !seen; k++)
            seen = stratum_of(b->plan, k) == stratum;
        if (seen)
            continue;
        size_t from = at;
        for (size_t k = first; k < n; k++)
            if (stratum_of(b->plan, k) == stratum)
                b->member[at++] = k;
        for (size_t k = from; k < at; k++) {
            b->from[k] = from;
            b->size[k] = at - from;
        }
    }
}

static void draw(const bootstrap *b, gsl_rng *rng, size_t *scan) {
    for (size_t k = 0; k < b->plan->scans; k++)
        scan[k] = b->member[b->from[k] + gsl_rng_uniform_int(rng, b->size[k])];
}

/* All scans but one; all where left_out is none of them. */
static size_t leave_out(size_t scans, size_t left_out, size_t *scan) {
    size_t n = 0;
    for (size_t k = 0; k < scans; k++)
        if (k != left_out)
            scan[n++] = k;
    return n;
}

/* All samples: the replicates, those without one scan, and the scans as they are. */
static int run_samples(bootstrap *b, size_t work_size) {
    const bootstrap_plan *plan = b->plan;
    err_box failure = {0};
#pragma omp parallel
    {
        gsl_rng *rng = rng_stream(plan->seed, RNG_BOOTSTRAP, plan->statistic, 0);
        size_t *scan = mem_alloc(plan->scans * sizeof *scan);
        void *work = mem_alloc(work_size ? work_size : 1);
        int ready = rng && scan && work;
        if (!ready)
            err_box_take(&failure);
#pragma omp for schedule(static)
        for (size_t k = 0; k <= plan->replicates + plan->scans; k++) {
            size_t n = plan->scans;
            if (!ready)
                continue;
            if (k < plan->replicates) {
                rng_restart(rng, plan->seed, RNG_BOOTSTRAP, plan->statistic, k);
                draw(b, rng, scan);
            } else {
                n = leave_out(plan->scans, k - plan->replicates, scan);
            }
            b->f(b->self, work, scan, n, b->values + k * b->count);
        }
        if (rng)
            gsl_rng_free(rng);
        free(scan);
        free(work);
    }
    return err_box_raise(&failure);
}

/* a of the header; NaN when some value is. left_out: [scans][stride], in the order of scans. */
static double acceleration(const bootstrap *b, const double *left_out, size_t stride) {
    double squares = 0.0, cubes = 0.0;
    for (size_t k = 0; k < b->plan->scans; k += b->size[k]) {
        double mean = 0.0, n = (double)b->size[k];
        for (size_t j = k; j < k + b->size[k]; j++)
            mean += left_out[b->member[j] * stride] / n;
        for (size_t j = k; j < k + b->size[k]; j++) {
            double d = (n - 1.0) / n * (mean - left_out[b->member[j] * stride]);
            squares += d * d;
            cubes += d * d * d;
        }
    }
    return squares > 0.0 ? cubes / (6.0 * pow(squares, 1.5)) : isnan(squares) ? NAN : 0.0;
}

/* Share of sorted values below the estimate; kept off 0 and 1, whose normal quantiles are infinite. */
static double share_below(const double *sorted, size_t n, double estimate) {
    double below = 0.0;
    for (size_t k = 0; k < n; k++)
        below += sorted[k] < estimate ? 1.0 : sorted[k] == estimate ? 0.5 : 0.0;
    return fmin(fmax(below, 0.5), (double)n - 0.5) / (double)n;
}

/* The formula has a pole where a (z0 + z) = 1: from there on the end is the last replicate. */
static double bca_end(const double *sorted, size_t n, double z0, double a, double z) {
    double left = 1.0 - a * (z0 + z);
    double at = left > 0.0 ? gsl_cdf_ugaussian_P(z0 + (z0 + z) / left) : z0 + z > 0.0;
    return gsl_stats_quantile_from_sorted_data(sorted, 1, n, at);
}

/* sorted: [replicates], scratch. */
static void find_interval(const bootstrap *b, size_t which, double *sorted, interval *out) {
    const bootstrap_plan *plan = b->plan;
    size_t n = 0;
    for (size_t k = 0; k < plan->replicates; k++)
        if (!isnan(b->values[k * b->count + which]))
            sorted[n++] = b->values[k * b->count + which];
    double a = acceleration(b, b->values + plan->replicates * b->count + which, b->count);
    *out = (interval){b->values[(plan->replicates + plan->scans) * b->count + which], NAN, NAN};
    if (isnan(out->estimate) || isnan(a) || 2 * n <= plan->replicates)
        return;
    gsl_sort(sorted, 1, n);
    double z = gsl_cdf_ugaussian_Pinv(0.5 + 0.5 * plan->confidence);
    double z0 = gsl_cdf_ugaussian_Pinv(share_below(sorted, n, out->estimate));
    out->low = fmin(bca_end(sorted, n, z0, a, -z), out->estimate);
    out->high = fmax(bca_end(sorted, n, z0, a, z), out->estimate);
}

static int check(const bootstrap_plan *plan) {
    if (plan->scans < 3)
        return err_set("bootstrap: %zu scans, expected at least 3", plan->scans);
    if (plan->replicates < 100)
        return err_set("bootstrap: %zu replicates, expected at least 100", plan->replicates);
    return interval_check_confidence("bootstrap", plan->confidence);
}

int bootstrap_bca(const bootstrap_plan *plan, bootstrap_statistic f, const void *self, size_t work_size,
                  size_t count, interval *out) {
    if (check(plan) < 0)
        return -1;
    size_t *places = mem_alloc(3 * plan->scans * sizeof *places);
    double *values = mem_alloc((plan->replicates + plan->scans + 1) * count * sizeof *values);
    double *sorted = mem_alloc(plan->replicates * sizeof *sorted);
    int status = places && values && sorted ? 0 : -1;
    if (status == 0) {
        bootstrap b = {plan, f, self, count, places, places + plan->scans, places + 2 * plan->scans, values};
        order_strata(&b);
        status = run_samples(&b, work_size);
        for (size_t k = 0; status == 0 && k < count; k++)
            find_interval(&b, k, sorted, &out[k]);
    }
    free(places);
    free(values);
    free(sorted);
    return status;
}
