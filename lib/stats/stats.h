/* Statistics of the experiments, on GSL. The scan is the unit: callers average a scan's slices first. */
#ifndef SSFD_STATS_STATS_H
#define SSFD_STATS_STATS_H

#include <stddef.h>

typedef struct {
    size_t n;
    double mean, sd;        /* sd with N-1 */
    double ci_low, ci_high; /* two-sided Student-t interval of the mean */
} stats_mean;

/* Mean of n >= 2 finite values with its Student-t interval at `confidence` (0.95): mean -/+ t(n-1) sd /
 * sqrt(n). */
int stats_mean_t(const double *values, size_t n, double confidence, stats_mean *out);

/* What an interval says of the claim that an effect lies below `value`: "reproduced" (it does wholly), "not
 * reproduced" (wholly above), "undecided" (neither, or an end is NaN). */
const char *stats_verdict_below(double ci_low, double ci_high, double value);

#endif
