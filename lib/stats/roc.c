#include "stats/roc.h"

#include "core/error.h"
#include "core/memory.h"
#include "stats/sorted.h"
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of scans; b.n is 0 where a is not compared with anything. */
typedef struct {
    sorted a, b;
    const int *is_case;
    const size_t *first;
} areas;

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

/* `what` names the score in the message. */
static int check_score(const char *what, const double *score, size_t n) {
    for (size_t k = 0; k < n; k++)
        if (isnan(score[k]))
            return err_set("ROC: %s of row %zu is not a number", what, k);
    return 0;
}

static int check_counts(const char *of, size_t cases, size_t controls, size_t least) {
    if (cases >= least && controls >= least)
        return 0;
    return err_set("ROC: %zu %scases and %zu %scontrols, expected at least %zu of each", cases, of, controls,
                   of, least);
}

/* ---------------------------------------------------------------- interval */

typedef struct {
    double area, cases, controls, z;
} wilson;

/* Positive where A is outside the interval. */
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

int roc_interval(const double *score, const int *is_case, size_t n, double confidence, interval *out) {
    if (interval_check_confidence("ROC", confidence) < 0)
        return -1;
    size_t cases = 0;
    for (size_t k = 0; k < n; k++)
        cases += is_case[k] != 0;
    if (check_score("the score", score, n) < 0 || check_counts("", cases, n - cases, 1) < 0)
        return -1;
    const wilson w = {roc_area(score, is_case, n), (double)cases, (double)(n - cases),
                      gsl_cdf_ugaussian_Pinv(0.5 + 0.5 * confidence)};
    *out = (interval){w.area, limit(&w, 0.0), limit(&w, 1.0)};
    return 0;
}

/* ---------------------------------------------------------------- over scans */

static void sample_areas(const void *self, void *work, const size_t *scan, size_t n, double *values) {
    const areas *of = self;
    double *weight = work;
    memset(weight, 0, of->a.n * sizeof *weight);
    for (size_t k = 0; k < n; k++)
        for (size_t row = of->first[scan[k]]; row < of->first[scan[k] + 1]; row++)
            weight[row] += 1.0;
    *values = weighted_area(&of->a, of->is_case, weight);
    if (of->b.n)
        *values -= weighted_area(&of->b, of->is_case, weight);
}

/* What the rows of a scan are: the strata of the bootstrap. */
enum { HAS_CONTROL = 1, HAS_CASE = 2 };

/* Errors: a scan without rows, fewer than 2 scans with a case or with a control. */
static int find_strata(const int *is_case, const size_t *first, size_t scans, int *stratum) {
    size_t cases = 0, controls = 0;
    for (size_t s = 0; s < scans; s++) {
        if (first[s + 1] <= first[s])
            return err_set("ROC: scan %zu has no rows", s);
        stratum[s] = 0;
        for (size_t row = first[s]; row < first[s + 1]; row++)
            stratum[s] |= is_case[row] ? HAS_CASE : HAS_CONTROL;
        cases += (stratum[s] & HAS_CASE) != 0;
        controls += (stratum[s] & HAS_CONTROL) != 0;
    }
    return check_counts("scans with ", cases, controls, 2);
}

int roc_bootstrap(const double *a, const double *b, const int *is_case, const size_t *first,
                  const bootstrap_plan *plan, interval *out) {
    size_t scans = plan->scans, n = first[scans];
    if (check_score(b ? "the first score" : "the score", a, n) < 0 ||
        (b && check_score("the second score", b, n) < 0))
        return -1;
    areas of = {.is_case = is_case, .first = first};
    bootstrap_plan apart = *plan;
    int *stratum = mem_alloc(scans * sizeof *stratum);
    int status = stratum ? find_strata(is_case, first, scans, stratum) : -1;
    if (status == 0)
        status = sorted_init(&of.a, a, n);
    if (status == 0 && b)
        status = sorted_init(&of.b, b, n);
    apart.stratum = stratum;
    if (status == 0)
        status = bootstrap_bca(&apart, sample_areas, &of, n * sizeof(double), 1, out);
    if (status == 0 && out->low == out->high)
        out->low = out->high = NAN;
    sorted_free(&of.a);
    sorted_free(&of.b);
    free(stratum);
    return status;
}
