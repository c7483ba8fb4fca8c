/* Bootstrap intervals of anything that can be computed from a sample of scans. */
#ifndef SSFD_STATS_BOOTSTRAP_H
#define SSFD_STATS_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    double estimate, ci_low, ci_high;
} stats_interval;

/* Statistics of a sample: scan[0 .. n - 1] are the numbers of the scans drawn, ascending, repetitions
 * included. Fills values[count] of bootstrap_bca(); NaN where the sample leaves a statistic undefined. Called by
 * several threads at once: `self` is shared and read only, `work` is the thread's own, work_size bytes of
 * no particular content. */
typedef void (*bootstrap_statistic)(const void *self, void *work, const size_t *scan, size_t n,
                                    double *values);

typedef struct {
    size_t scans;
    const int *stratum; /* [scans], or NULL: scans of the same number are resampled among themselves */
    size_t replicates;
    double confidence;        /* 0.95 */
    uint64_t seed, statistic; /* replicate b draws from the stream (seed, RNG_BOOTSTRAP, statistic, b) */
} bootstrap_plan;

/* BCa intervals (Efron 1987, JASA 82:171; with strata Davison & Hinkley 1997, 5.3.2) of `count` statistics of
 * the same resamples; out[count]. With G the standard normal distribution, z0 = G^-1 of the share of replicates below
 * the estimate (equal ones by half), t(-i) the statistic without scan i and
 *   u_i = (n_j - 1) / n_j * (mean of t(-k) over the n_j scans k of i's stratum j - t(-i)),
 *   a = sum u^3 / (6 (sum u^2)^1.5),
 * the ends are the replicates' quantiles (linear between them) at
 *   G(z0 + (z0 -+ z) / (1 - a (z0 -+ z))),  z = G^-1((1 + confidence) / 2).
 * Replicates that leave a statistic undefined do not count. Its ends are NaN when more than half of them do,
 * when it is undefined without some one scan, or for all scans. Where all replicates are equal, so are the
 * ends: a sample without spread says nothing about spread.
 * The result does not depend on the number of threads.
 * Errors: fewer than 3 scans, a stratum of one scan, fewer than 20 replicates, a confidence not between 0 and
 * 1, no memory. */
int bootstrap_bca(const bootstrap_plan *plan, bootstrap_statistic f, const void *self, size_t work_size,
                  size_t count, stats_interval *out);

#endif
