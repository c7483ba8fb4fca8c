/* Bootstrap over scans: intervals that allow for slices of a scan being alike. */
#ifndef SSFD_STATS_BOOTSTRAP_H
#define SSFD_STATS_BOOTSTRAP_H

#include "stats/interval.h"

#include <stdint.h>

/* Statistics of a sample of scans: scan[0..n-1] are the numbers of the scans drawn, each as often as it
 * was drawn. values[count]: NaN where a statistic is undefined for this sample (no variance, say). work
 * belongs to the calling thread. */
typedef void (*bootstrap_statistic)(const void *self, void *work, const size_t *scan, size_t n,
                                    double *values);

typedef struct {
    size_t scans;       /* at least 3 */
    const int *stratum; /* [scans], or NULL: only scans of one stratum replace each other */
    size_t replicates;
    double confidence;        /* 0.95 */
    uint64_t seed, statistic; /* replicate b draws from the stream (seed, RNG_BOOTSTRAP, statistic, b) */
} bootstrap_plan;

/* BCa intervals (Efron 1987, JASA 82:171) of `count` statistics of the same resamples. A replicate draws as
 * many scans as there are, with replacement. With z0 the normal quantile of the share of replicates below the
 * estimate (equal ones by half), and a = sum d^3 / (6 (sum d^2)^1.5), d = (n - 1) / n times the mean of the
 * leave-one-scan-out values of a stratum of n scans minus each, the ends are the replicates' quantiles at
 *   Phi(z0 + (z0 +- z) / (1 - a (z0 +- z))),  z the normal quantile of (1 + confidence) / 2,
 * and where the estimate lies outside of them, one end is the estimate.
 * Replicates for which a statistic is undefined are left out for that statistic; its ends are NaN when these
 * are half or more, or when the estimate or a leave-one-out value is undefined. work_size: bytes
 * that f needs. Runs on OpenMP's threads; the result does not depend on their number. Errors:
 * fewer than 3 scans, fewer than 100 replicates, a confidence outside (0, 1), no memory. */
int bootstrap_bca(const bootstrap_plan *plan, bootstrap_statistic f, const void *self, size_t work_size,
                  size_t count, interval *out);

#endif
