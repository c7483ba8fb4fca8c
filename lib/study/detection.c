#include "study/detection.h"

#include "core/error.h"
#include "core/memory.h"
#include "stats/roc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 1: a case, 0: a control, -1: neither. */
static int role_of(const char *fault, const char *wanted) {
    if (strcmp(fault, SCORE_NO_FAULT) == 0)
        return 0;
    return strcmp(wanted, DETECTION_ANY_FAULT) == 0 || strcmp(wanted, fault) == 0 ? 1 : -1;
}

/* The rows that are cases or controls, scan by scan; chosen: room for their numbers in `means`. */
static void choose(detection *d, const score_table *means, const char *fault, size_t *chosen) {
    for (size_t s = 0; s < means->scans; s++) {
        size_t before = d->n, cases = 0;
        for (size_t row = means->first[s]; row < means->first[s + 1]; row++) {
            int role = role_of(means->fault[row], fault);
            if (role < 0)
                continue;
            d->is_case[d->n] = role;
            cases += (size_t)role;
            chosen[d->n++] = row;
        }
        d->cases += cases;
        d->case_scans += cases > 0;
        d->control_scans += cases < d->n - before;
        if (d->n > before)
            d->first[++d->scans] = d->n;
    }
}

int detection_make(detection *d, const score_table *means, const char *fault) {
    size_t *chosen = mem_alloc(means->rows * sizeof *chosen);
    *d = (detection){.first = mem_calloc(means->scans + 1, sizeof *d->first),
                     .is_case = mem_alloc(means->rows * sizeof *d->is_case),
                     .poor = mem_alloc(means->rows * means->metrics * sizeof *d->poor)};
    if (!chosen || !d->first || !d->is_case || !d->poor) {
        free(chosen);
        detection_free(d);
        return -1;
    }
    choose(d, means, fault, chosen);
    for (size_t m = 0; m < means->metrics; m++)
        for (size_t k = 0; k < d->n; k++)
            d->poor[m * d->n + k] = metric_poor_sign(&means->metric[m]) * means->values[m][chosen[k]];
    free(chosen);
    return 0;
}

void detection_free(detection *d) {
    free(d->first);
    free(d->is_case);
    free(d->poor);
    *d = (detection){0};
}

static const double *poor_of(const detection *d, int metric) {
    return d->poor + (size_t)metric * d->n;
}

static int are_few(const detection *d) {
    return d->case_scans < DETECTION_FEW || d->control_scans < DETECTION_FEW;
}

static const char too_few[] = "too few scans with or without a fault for an interval";

static const char *note_on(const interval *interval, const char *missing) {
    return isnan(interval->low) ? missing : "";
}

int detection_area(const detection *d, int metric, const bootstrap_plan *plan, interval *out,
                   const char **note) {
    const double *poor = poor_of(d, metric);
    *out = INTERVAL_UNDEFINED;
    *note = "";
    if (d->cases == 0 || d->cases == d->n) {
        *note = d->cases ? "no scan without a fault" : "no scan with a fault";
        return 0;
    }
    if (are_few(d)) {
        *note = too_few;
        out->estimate = roc_area(poor, d->is_case, d->n);
        return 0;
    }
    if (d->n == d->scans)
        return roc_interval(poor, d->is_case, d->n, plan->confidence, out);
    int status = roc_bootstrap(poor, NULL, d->is_case, d->first, plan, out);
    *note = note_on(out, "no resample differs");
    return status;
}

int detection_compare(const detection *d, int metric, int other, const bootstrap_plan *plan, interval *out,
                      const char **note) {
    const double *a = poor_of(d, metric), *b = poor_of(d, other);
    *out = INTERVAL_UNDEFINED;
    *note = "";
    if (are_few(d)) {
        *note = too_few;
        out->estimate = roc_area(a, d->is_case, d->n) - roc_area(b, d->is_case, d->n);
        return 0;
    }
    int status = roc_bootstrap(a, b, d->is_case, d->first, plan, out);
    *note = note_on(out, "no resample differs: these scans cannot tell the two apart");
    return status;
}
