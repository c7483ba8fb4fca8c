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

double roc_area(const double *score, const int *is_case, size_t n) {
    double pairs_won = 0.0, pairs = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(score[i]))
            return NAN;
        for (size_t k = 0; is_case[i] && k < n; k++) {
            pairs_won += is_case[k] ? 0.0 : score[i] > score[k] ? 1.0 : score[i] == score[k] ? 0.5 : 0.0;
            pairs += !is_case[k];
        }
    }
    return pairs > 0.0 ? pairs_won / pairs : NAN;
}

/* `what` names the score in the message, `least` is how many there must be of each kind. */
static int check(const char *what, const double *score, const int *is_case, size_t n, size_t least) {
    size_t cases = 0;
    for (size_t k = 0; k < n; k++) {
        if (isnan(score[k]))
            return err_set("ROC: %s of scan %zu is not a number", what, k);
        cases += is_case[k] != 0;
    }
    if (cases < least || n - cases < least)
        return err_set("ROC: %zu cases and %zu controls, expected at least %zu of each", cases, n - cases,
                       least);
    return 0;
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
    if (!(confidence > 0.0 && confidence < 1.0))
        return err_set("ROC: confidence %g, expected a number between 0 and 1", confidence);
    if (check("the score", score, is_case, n, 1) < 0)
        return -1;
    wilson w = {.area = roc_area(score, is_case, n), .z = gsl_cdf_ugaussian_Pinv(0.5 + 0.5 * confidence)};
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
    if (check("the first score", a, is_case, plan->scans, 2) < 0 ||
        check("the second score", b, is_case, plan->scans, 2) < 0)
        return -1;
    comparison c = {.is_case = is_case};
    bootstrap_plan apart = *plan;
    int *stratum = mem_alloc(plan->scans * sizeof *stratum);
    for (size_t k = 0; stratum && k < plan->scans; k++)
        stratum[k] = is_case[k] != 0;
    apart.stratum = stratum;
    int status = stratum && sorted_init(&c.a, a, plan->scans) == 0 &&
                         sorted_init(&c.b, b, plan->scans) == 0 &&
                         bootstrap_bca(&apart, compare_sample, &c, plan->scans * sizeof(double), 1, out) == 0
                     ? 0
                     : -1;
    if (status == 0 && out->ci_low == out->ci_high)
        out->ci_low = out->ci_high = NAN;
    sorted_free(&c.a);
    sorted_free(&c.b);
    free(stratum);
    return status;
}
