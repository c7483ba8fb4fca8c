#include "stats/roc.h"

#include "core/error.h"
#include "stats/sorted.h"
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    sorted a, b;
    const int *is_case;
} comparison;

/* Each run of equal scores: its cases are above all controls so far, and tie with those of the run. */
static double weighted_area(const sorted *s, const int *is_case, const double *weight) {
    double pairs_won = 0.0, cases = 0.0, controls = 0.0;
    for (size_t k = 0, end; k < s->n; k = end) {
        double run[2] = {0.0, 0.0};
        end = sorted_run_end(s, k);
        for (size_t j = k; j < end; j++)
            run[is_case[s->order[j]] != 0] += weight[s->order[j]];
        pairs_won += run[1] * (controls + 0.5 * run[0]);
        controls += run[0];
        cases += run[1];
    }
    return pairs_won / (cases * controls);
}

static int check(const double *score, const int *is_case, size_t n) {
    size_t cases = 0;
    for (size_t k = 0; k < n; k++) {
        if (!isfinite(score[k]))
            return err_set("ROC: score %zu is %g, expected a finite number", k, score[k]);
        cases += is_case[k] != 0;
    }
    if (cases == 0 || cases == n)
        return err_set("ROC: %zu of %zu scans are cases, expected cases and controls", cases, n);
    return 0;
}

int roc_area(const double *score, const int *is_case, size_t n, double *area) {
    if (check(score, is_case, n) < 0)
        return -1;
    sorted s = {0};
    double *ones = mem_alloc(n * sizeof *ones);
    int status = ones && sorted_init(&s, score, n) == 0 ? 0 : -1;
    if (status == 0) {
        for (size_t k = 0; k < n; k++)
            ones[k] = 1.0;
        *area = weighted_area(&s, is_case, ones);
    }
    sorted_free(&s);
    free(ones);
    return status;
}

/* ---------------------------------------------------------------- interval */

typedef struct {
    double area, cases, controls, z;
} wilson;

/* Positive where A is outside of the interval. */
static double outside(const wilson *w, double A) {
    double N = 0.5 * (w->cases + w->controls) - 1.0, d = A - w->area;
    double variance =
        A * (1.0 - A) / (w->cases * w->controls) * (1.0 + N * (1.0 - A) / (2.0 - A) + N * A / (1.0 + A));
    return d * d - w->z * w->z * variance;
}

/* Between `out`, which lies outside, and the estimate: by halves. At an estimate of 0 or 1 the variance is 0,
 * too, but next to it the interval begins. */
static double limit(const wilson *w, double out) {
    double in = w->area;
    if (in == out)
        return out;
    for (int k = 0; k < 100; k++) {
        double middle = 0.5 * (in + out);
        if (outside(w, middle) > 0.0)
            out = middle;
        else
            in = middle;
    }
    return in;
}

int roc_interval(const double *score, const int *is_case, size_t n, double confidence, stats_interval *out) {
    wilson w = {.z = gsl_cdf_ugaussian_Pinv(0.5 + 0.5 * confidence)};
    if (roc_area(score, is_case, n, &w.area) < 0)
        return -1;
    for (size_t k = 0; k < n; k++)
        *(is_case[k] ? &w.cases : &w.controls) += 1.0;
    *out = (stats_interval){w.area, limit(&w, 0.0), limit(&w, 1.0)};
    return 0;
}

/* ---------------------------------------------------------------- comparison */

static void compare_sample(const void *self, void *work, const size_t *scan, size_t n, double *values) {
    const comparison *c = self;
    double *weight = work;
    memset(weight, 0, c->a.n * sizeof *weight);
    for (size_t k = 0; k < n; k++)
        weight[scan[k]] += 1.0;
    *values = weighted_area(&c->a, c->is_case, weight) - weighted_area(&c->b, c->is_case, weight);
}

int roc_compare(const double *a, const double *b, const int *is_case, const bootstrap_plan *plan,
                stats_interval *out) {
    if (check(a, is_case, plan->scans) < 0 || check(b, is_case, plan->scans) < 0)
        return -1;
    comparison c = {.is_case = is_case};
    bootstrap_plan apart = *plan;
    apart.stratum = is_case;
    int status = sorted_init(&c.a, a, plan->scans) == 0 && sorted_init(&c.b, b, plan->scans) == 0 &&
                         bootstrap_bca(&apart, compare_sample, &c, plan->scans * sizeof(double), 1, out) == 0
                     ? 0
                     : -1;
    sorted_free(&c.a);
    sorted_free(&c.b);
    return status;
}
