/* Correlations of scores with an outcome, with intervals that know that slices of a scan are alike. */
#ifndef SSFD_STATS_CORRELATION_H
#define SSFD_STATS_CORRELATION_H

#include "stats/bootstrap.h"

typedef enum {
    CORRELATION_PEARSON,
    CORRELATION_SPEARMAN, /* Pearson's of the ranks; ties get the mean of theirs */
    CORRELATION_KENDALL,  /* tau-b: (C - D) / sqrt((N - Nx) (N - Ny)), with C concordant, D discordant and N all
                             pairs of points, Nx, Ny those tied in x, in y (Kendall 1945) */
    CORRELATION_KINDS
} correlation_kind;

const char *correlation_name(correlation_kind kind);  /* "pearson" */
const char *correlation_title(correlation_kind kind); /* "Pearson's r" */

/* Correlations r[m] of m scores x[k] with one outcome y. The n points belong to scans: those of scan s are
 * first[s] .. first[s + 1] - 1, first[plan->scans] = n. Intervals are BCa over scans (stats/bootstrap.h): a
 * replicate draws scans with replacement, each with all its points, the same ones for all scores and kinds.
 * From these replicates also, for m >= 2 and where not NULL:
 *   trend  least-squares slope of r[k] over the number 1 .. m of the score (per layer, where the scores
 *          are layers in the order of depth),
 *   drop   r[m - 1] - r[0].
 * A replicate in which x or y is constant has no correlation. Time: O(n log n) per score and replicate for
 * Kendall's, O(n) for the others.
 * Errors: fewer than 3 scans, a scan without points, numbers that are not finite, a constant score or outcome
 * (each said by its number), trend or drop of a single score, and those of bootstrap_bca(). */
int correlation_study(correlation_kind kind, size_t m, const double *const *x, const double *y,
                      const size_t *first, const bootstrap_plan *plan, stats_interval *r,
                      stats_interval *trend, stats_interval *drop);

#endif
