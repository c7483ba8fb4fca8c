/* Correlations of scores with an outcome, with intervals that allow for slices of a scan being alike. */
#ifndef SSFD_STATS_CORRELATION_H
#define SSFD_STATS_CORRELATION_H

#include "stats/bootstrap.h"

typedef enum {
    CORRELATION_PEARSON,  /* of the values */
    CORRELATION_SPEARMAN, /* Pearson's of the ranks, ties sharing their mean rank */
    CORRELATION_KENDALL,  /* tau-b: (concordant - discordant) / sqrt((pairs - ties in x) (pairs - ties in y)),
                             in O(n log n) (Knight 1966, JASA 61:436) */
    CORRELATION_KINDS
} correlation_kind;
const char *correlation_name(correlation_kind kind); /* "pearson", "spearman", "kendall" */

/* m scores x[0..m-1] against one outcome y: the points of scan s are first[s] .. first[s + 1] - 1. r[m]
 * with BCa intervals over scans (stats/bootstrap.h), all from the same resamples, as are
 *   trend  least-squares slope of r over the score's number 1 .. m: change of the correlation per score
 *   drop   r[m-1] - r[0]
 * either of which may be NULL; both are NaN for m = 1. Errors: those of bootstrap_bca(), a scan without
 * points, numbers that are not finite, a score or an outcome that is constant; they name the score by its
 * number, from 0. */
int correlation_study(correlation_kind kind, size_t m, const double *const *x, const double *y,
                      const size_t *first, const bootstrap_plan *plan, interval *r, interval *trend,
                      interval *drop);

#endif
