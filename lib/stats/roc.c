#include "stats/roc.h"

#include "core/error.h"
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- the area */

/* Pairs won by the cases, ties by half. NaN compares as smaller: excluded by the callers. */
static double pair_share(double of_case, double of_control) {
    return of_case > of_control ? 1.0 : of_case == of_control ? 0.5 : 0.0;
}

double roc_area(const double *score, const int *is_case, size_t n) {
    double won = 0.0, pairs = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(score[i]))
            return NAN;
        for (size_t k = 0; is_case[i] && k < n; k++)
            if (!is_case[k]) {
                won += pair_share(score[i], score[k]);
                pairs += 1.0;
            }
    }
    return pairs > 0.0 ? won / pairs : NAN;
}

static int check(const char *what, const double *score, const int *is_case, size_t n, size_t least) {
    size_t cases = 0;
    for (size_t k = 0; k < n; k++) {
        cases += is_case[k] != 0;
        if (isnan(score[k]))
            return err_set("ROC: %s of scan %zu is not a number", what, k);
    }
    if (cases < least || n - cases < least)
        return err_set("ROC: %zu cases and %zu controls, expected at least %zu of each", cases, n - cases,
                       least);
    return 0;
}

/* ---------------------------------------------------------------- Newcombe's interval */

typedef struct {
    double area, cases, controls, z;
} wilson;

/* Above 0 where t is outside the interval. */
static double outside(const wilson *w, double t) {
    double more = 0.5 * (w->cases + w->controls) - 1.0;
    double variance =
        t * (1.0 - t) / (w->cases * w->controls) * (1.0 + more * ((1.0 - t) / (2.0 - t) + t / (1.0 + t)));
    return (t - w->area) * (t - w->area) - w->z * w->z * variance;
}

/* Bisection between the area, inside, and the limit (0 or 1), outside or at the end. */
static double wilson_end(const wilson *w, double limit) {
    double in = w->area, out = limit;
    for (int step = 0; step < 100; step++) {
        double middle = 0.5 * (in + out);
        if (outside(w, middle) > 0.0)
            out = middle;
        else
            in = middle;
    }
    return out;
}

int roc_interval(const double *score, const int *is_case, size_t n, double confidence, stats_interval *out) {
    if (!(confidence > 0.0 && confidence < 1.0))
        return err_set("ROC: confidence is %g, expected a number between 0 and 1", confidence);
    if (check("the score", score, is_case, n, 1) < 0)
        return -1;
    wilson w = {.area = roc_area(score, is_case, n), .z = gsl_cdf_ugaussian_Pinv(0.5 + 0.5 * confidence)};
    for (size_t k = 0; k < n; k++)
        *(is_case[k] ? &w.cases : &w.controls) += 1.0;
    *out = (stats_interval){w.area, wilson_end(&w, 0.0), wilson_end(&w, 1.0)};
    return 0;
}

/* ---------------------------------------------------------------- two scores */

typedef struct {
    const double *a, *b;
    const int *is_case;
} comparison;

static void difference(const void *self, void *work, const size_t *scan, size_t n, double *values) {
    const comparison *c = self;
    double won = 0.0, pairs = 0.0;
    (void)work;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; c->is_case[scan[i]] && k < n; k++)
            if (!c->is_case[scan[k]]) {
                won += pair_share(c->a[scan[i]], c->a[scan[k]]) - pair_share(c->b[scan[i]], c->b[scan[k]]);
                pairs += 1.0;
            }
    values[0] = won / pairs;
}

int roc_compare(const double *a, const double *b, const int *is_case, const bootstrap_plan *plan,
                stats_interval *out) {
    comparison c = {a, b, is_case};
    bootstrap_plan stratified = *plan;
    if (check("the first score", a, is_case, plan->scans, 2) < 0 ||
        check("the second score", b, is_case, plan->scans, 2) < 0)
        return -1;
    int *stratum = mem_alloc(plan->scans * sizeof *stratum);
    if (!stratum)
        return -1;
    for (size_t k = 0; k < plan->scans; k++)
        stratum[k] = is_case[k] != 0;
    stratified.stratum = stratum;
    int status = bootstrap_bca(&stratified, difference, &c, 0, 1, out);
    free(stratum);
    if (status == 0 && out->ci_low == out->ci_high)
        out->ci_low = out->ci_high = NAN;
    return status;
}
