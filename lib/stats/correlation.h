/* Correlations of distances with each other, with an interval that knows that slices of a scan are alike. */
#ifndef SSFD_STATS_CORRELATION_H
#define SSFD_STATS_CORRELATION_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t n, scans;        /* points and scans */
    double r;               /* Pearson's */
    double ci_low, ci_high; /* its interval */
} stats_correlation;

/* Pearson's correlation of n points (x, y) that belong to scans: those of scan s are first[s] ..
 * first[s + 1] - 1, first[scans] = n. The interval is the BCa bootstrap's (Efron 1987, JASA 82:171) over
 * scans: a replicate draws `scans` scans with replacement, each with all its points. With z0 the normal
 * quantile of the share of replicates below r, and a = sum d^3 / (6 (sum d^2)^1.5), d the mean of the
 * leave-one-scan-out correlations minus each, its ends are the replicates' quantiles at
 *   Phi(z0 + (z0 +- z) / (1 - a (z0 +- z))),  z the normal quantile of (1 + confidence) / 2.
 * Replicate b draws from the stream (seed, RNG_BOOTSTRAP, statistic, b); one without any variance is drawn
 * again. Errors: fewer than 4 scans, numbers that are not finite, x or y constant, also without some one
 * scan, no memory. */
int stats_correlate(const double *x, const double *y, const size_t *first, size_t scans, double confidence,
                    size_t replicates, uint64_t seed, uint64_t statistic, stats_correlation *out);

#endif
