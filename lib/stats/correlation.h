/* Correlations of scores with each other, with intervals that know that slices of a scan are alike. */
#ifndef SSFD_STATS_CORRELATION_H
#define SSFD_STATS_CORRELATION_H

#include "stats/bootstrap.h"

typedef enum {
    CORRELATION_PEARSON,  /* of the values */
    CORRELATION_SPEARMAN, /* Pearson's of the ranks, ties sharing their mean rank */
    CORRELATION_KENDALL,  /* tau-b: (concordant - discordant) / sqrt((pairs - ties in x) (pairs - ties in y))
                           */
    CORRELATION_KINDS
} correlation_kind;
const char *correlation_name(correlation_kind kind); /* "pearson", "spearman", "kendall" */

/* Of n points; Kendall's in O(n log n) (Knight 1966, JASA 61:436). NaN when x or y is constant. -1: fewer
 * than 2 points, numbers that are not finite, no memory. */
int correlation(correlation_kind kind, const double *x, const double *y, size_t n, double *r);

/* m scores x[0..m-1] against one outcome y: the points of scan s are first[s] .. first[s + 1] - 1, scans as
 * many as plan->scans. r[m] with BCa intervals over scans (stats/bootstrap.h), all from the same resamples,
 * and so
 *   trend  least-squares slope of r over the score's number 1 .. m: change of the correlation per score
 *   drop   r[m-1] - r[0]
 * either may be NULL; both are NaN for m = 1. Errors: those of bootstrap_bca(), a scan without points,
 * numbers that are not finite, a score or an outcome that is constant; they name the score by its number,
 * from 0 on. */
int correlation_study(correlation_kind kind, size_t m, const double *const *x, const double *y,
                      const size_t *first, const bootstrap_plan *plan, interval *r, interval *trend,
                      interval *drop);

#endif
