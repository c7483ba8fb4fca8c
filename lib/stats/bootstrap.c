#include "stats/bootstrap.h"

#include "core/error.h"
#include "core/rng.h"
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SCANS 3
#define LEAST_REPLICATES 20

/* ---------------------------------------------------------------- strata */

/* Scans in the order of their strata, and where the stratum of each begins and how many are in it. */
typedef struct {
    size_t scan, begin, count;
    int stratum;
} member;

static int by_stratum(const void *a, const void *b) {
    const member *p = a, *q = b;
    if (p->stratum != q->stratum)
        return p->stratum < q->stratum ? -1 : 1;
    return p->scan < q->scan ? -1 : p->scan > q->scan;
}

static void find_strata(const bootstrap_plan *plan, member *members) {
    size_t n = plan->scans, begin = 0;
    for (size_t k = 0; k < n; k++)
        members[k] = (member){.scan = k, .stratum = plan->stratum ? plan->stratum[k] : 0};
    qsort(members, n, sizeof *members, by_stratum);
    for (size_t k = 1; k <= n; k++)
        if (k == n || members[k].stratum != members[begin].stratum) {
            for (size_t i = begin; i < k; i++) {
                members[i].begin = begin;
                members[i].count = k - begin;
            }
            begin = k;
        }
}

static int check_plan(const bootstrap_plan *plan) {
    if (plan->scans < LEAST_SCANS)
        return err_set("bootstrap: %zu scans, expected at least %d", plan->scans, LEAST_SCANS);
    if (plan->replicates < LEAST_REPLICATES)
        return err_set("bootstrap: %zu replicates, expected at least %d", plan->replicates, LEAST_REPLICATES);
    if (!(plan->confidence > 0.0 && plan->confidence < 1.0))
        return err_set("bootstrap: confidence is %g, expected a number between 0 and 1", plan->confidence);
    return 0;
}

static int check_strata(const member *members, size_t n) {
    for (size_t k = 0; k < n; k++)
        if (members[k].count < 2)
            return err_set("bootstrap: stratum %d has one scan, expected at least 2", members[k].stratum);
    return 0;
}

/* ---------------------------------------------------------------- samples */

/* Sample 0 is all scans, samples 1 .. scans leave out one each, the rest are the replicates. */
typedef struct {
    const bootstrap_plan *plan;
    const member *members; /* [scans] */
    bootstrap_statistic f;
    const void *self;
    size_t work_size, samples, count;
    double *values; /* [samples][count] */
} bootstrap;

typedef struct {
    gsl_rng *rng;
    size_t *scan, *copies; /* [scans] */
    void *work;
} worker;

static void worker_free(worker *w) {
    if (w->rng)
        gsl_rng_free(w->rng);
    free(w->scan);
    free(w->copies);
    free(w->work);
}

static int worker_init(worker *w, const bootstrap *b) {
    *w = (worker){.rng = rng_stream(b->plan->seed, RNG_BOOTSTRAP, b->plan->statistic, 0)};
    w->scan = w->rng ? mem_alloc(b->plan->scans * sizeof *w->scan) : NULL;
    w->copies = w->scan ? mem_alloc(b->plan->scans * sizeof *w->copies) : NULL;
    w->work = w->copies ? mem_alloc(b->work_size) : NULL;
    if (w->work)
        return 0;
    worker_free(w);
    return -1;
}

static void draw_replicate(const bootstrap *b, worker *w, size_t replicate) {
    size_t n = b->plan->scans;
    rng_restart(w->rng, b->plan->seed, RNG_BOOTSTRAP, b->plan->statistic, replicate);
    memset(w->copies, 0, n * sizeof *w->copies);
    for (size_t k = 0; k < n; k++) {
        const member *m = &b->members[k];
        w->copies[b->members[m->begin + gsl_rng_uniform_int(w->rng, m->count)].scan]++;
    }
}

/* Scans in ascending order: a replicate that happens to be the whole sample gives the estimate to the bit. */
static void run_sample(const bootstrap *b, worker *w, size_t sample) {
    size_t scans = b->plan->scans, n = 0;
    if (sample > scans)
        draw_replicate(b, w, sample - scans - 1);
    else
        for (size_t k = 0; k < scans; k++)
            w->copies[k] = k + 1 != sample;
    for (size_t k = 0; k < scans; k++)
        for (size_t copy = 0; copy < w->copies[k]; copy++)
            w->scan[n++] = k;
    b->f(b->self, w->work, w->scan, n, b->values + sample * b->count);
}

static int run_samples(const bootstrap *b) {
    err_box failure = {0};
#pragma omp parallel
    {
        worker w;
        int ready = worker_init(&w, b) == 0;
        if (!ready)
            err_box_take(&failure);
#pragma omp for schedule(dynamic, 8)
        for (size_t sample = 0; sample < b->samples; sample++)
            if (ready)
                run_sample(b, &w, sample);
        if (ready)
            worker_free(&w);
    }
    return err_box_raise(&failure);
}

/* ---------------------------------------------------------------- BCa */

/* The statistic of column `column` without scan `scan`. */
static double left_out(const bootstrap *b, size_t scan, size_t column) {
    return b->values[(scan + 1) * b->count + column];
}

/* a of the header; NaN where the statistic is undefined without some scan. */
static double acceleration(const bootstrap *b, size_t column) {
    double squares = 0.0, cubes = 0.0;
    for (size_t k = 0; k < b->plan->scans; k++) {
        const member *m = &b->members[k];
        double mean = 0.0, size = (double)m->count;
        for (size_t i = m->begin; i < m->begin + m->count; i++)
            mean += left_out(b, b->members[i].scan, column) / size;
        double u = (size - 1.0) / size * (mean - left_out(b, m->scan, column));
        squares += u * u;
        cubes += u * u * u;
    }
    return squares > 0.0 ? cubes / (6.0 * pow(squares, 1.5)) : isnan(squares) ? NAN : 0.0;
}

/* Kept off 0 and 1, whose normal quantiles are infinite. */
static double share_below(const double *sorted, size_t n, double estimate) {
    double below = 0.0;
    for (size_t k = 0; k < n; k++)
        below += sorted[k] < estimate ? 1.0 : sorted[k] == estimate ? 0.5 : 0.0;
    return fmin(fmax(below, 0.5), (double)n - 0.5) / (double)n;
}

/* The formula has a pole at a (z0 + z) = 1; beyond it, the end is the last replicate. */
static double bca_end(const double *sorted, size_t n, double z0, double a, double z) {
    double left = 1.0 - a * (z0 + z);
    double at = left > 0.0 ? gsl_cdf_ugaussian_P(z0 + (z0 + z) / left) : z0 + z > 0.0;
    return gsl_stats_quantile_from_sorted_data(sorted, 1, n, at);
}

/* sorted: room for the replicates. */
static stats_interval interval(const bootstrap *b, size_t column, double *sorted) {
    stats_interval out = {b->values[column], NAN, NAN};
    double a = acceleration(b, column), z = gsl_cdf_ugaussian_Pinv(0.5 + 0.5 * b->plan->confidence);
    size_t n = 0;
    for (size_t sample = b->plan->scans + 1; sample < b->samples; sample++) {
        double value = b->values[sample * b->count + column];
        if (!isnan(value))
            sorted[n++] = value;
    }
    if (isnan(out.estimate) || isnan(a) || 2 * n < b->plan->replicates)
        return out;
    gsl_sort(sorted, 1, n);
    double z0 = gsl_cdf_ugaussian_Pinv(share_below(sorted, n, out.estimate));
    out.ci_low = bca_end(sorted, n, z0, a, -z);
    out.ci_high = bca_end(sorted, n, z0, a, z);
    return out;
}

int bootstrap_bca(const bootstrap_plan *plan, bootstrap_statistic f, const void *self, size_t work_size,
                  size_t count, stats_interval *out) {
    if (check_plan(plan) < 0)
        return -1;
    bootstrap b = {.plan = plan, .f = f, .self = self, .work_size = work_size, .count = count};
    b.samples = 1 + plan->scans + plan->replicates;
    member *members = mem_alloc(plan->scans * sizeof *members);
    double *sorted = members ? mem_alloc(plan->replicates * sizeof *sorted) : NULL;
    b.members = members;
    b.values = sorted ? mem_alloc(b.samples * count * sizeof *b.values) : NULL;
    int status = b.values ? 0 : -1;
    if (status == 0) {
        find_strata(plan, members);
        status = check_strata(members, plan->scans);
    }
    if (status == 0)
        status = run_samples(&b);
    for (size_t column = 0; status == 0 && column < count; column++)
        out[column] = interval(&b, column, sorted);
    free(members);
    free(sorted);
    free(b.values);
    return status;
}
