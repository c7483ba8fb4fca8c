#include "study/detection.h"

#include "core/error.h"
#include "stats/roc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const stats_interval undefined = {NAN, NAN, NAN};

double detection_sign(const char *metric) {
    return strncmp(metric, "ssim", 4) == 0 || strncmp(metric, "psnr", 4) == 0 ? -1.0 : 1.0;
}

/* 1: a case, 0: a control, -1: neither. */
static int role_of(const char *fault, const char *wanted) {
    if (strcmp(fault, SCORE_NO_FAULT) == 0)
        return 0;
    return strcmp(wanted, DETECTION_ANY_FAULT) == 0 || strcmp(wanted, fault) == 0 ? 1 : -1;
}

int detection_make(detection *d, const score_table *means, const char *fault) {
    size_t *chosen = mem_alloc(means->rows * sizeof *chosen);
    *d = (detection){.is_case = mem_alloc(means->rows * sizeof *d->is_case),
                     .poor = mem_alloc(means->rows * means->metrics * sizeof *d->poor)};
    if (!chosen || !d->is_case || !d->poor) {
        free(chosen);
        detection_free(d);
        return -1;
    }
    for (size_t row = 0; row < means->rows; row++) {
        int role = role_of(means->fault[row], fault);
        if (role < 0)
            continue;
        d->is_case[d->n] = role;
        d->cases += (size_t)role;
        chosen[d->n++] = row;
    }
    for (size_t m = 0; m < means->metrics; m++)
        for (size_t k = 0; k < d->n; k++)
            d->poor[m * d->n + k] = detection_sign(means->names[m]) * means->values[m][chosen[k]];
    free(chosen);
    return 0;
}

void detection_free(detection *d) {
    free(d->is_case);
    free(d->poor);
    *d = (detection){0};
}

static const double *poor_of(const detection *d, int metric) {
    return d->poor + (size_t)metric * d->n;
}

int detection_area(const detection *d, int metric, double confidence, stats_interval *out,
                   const char **note) {
    *out = undefined;
    *note = "";
    if (d->cases == 0 || d->cases == d->n) {
        *note = d->cases ? "no scan without a fault" : "no scan with a fault";
        return 0;
    }
    if (d->cases < DETECTION_FEW) {
        *note = "too few faults for an interval";
        out->estimate = roc_area(poor_of(d, metric), d->is_case, d->n);
        return 0;
    }
    return roc_interval(poor_of(d, metric), d->is_case, d->n, confidence, out);
}

int detection_compare(const detection *d, int metric, int other, const bootstrap_plan *plan,
                      stats_interval *out, const char **note) {
    const double *a = poor_of(d, metric), *b = poor_of(d, other);
    *out = undefined;
    *note = "";
    if (d->cases < DETECTION_FEW || d->n - d->cases < DETECTION_FEW) {
        *note = "too few scans with or without a fault for an interval";
        out->estimate = roc_area(a, d->is_case, d->n) - roc_area(b, d->is_case, d->n);
        return 0;
    }
    if (roc_compare(a, b, d->is_case, plan, out) < 0)
        return -1;
    if (isnan(out->ci_low))
        *note = "no resample differs: these scans cannot tell the two apart";
    return 0;
}
