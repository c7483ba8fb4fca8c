/* Statistics of the experiments, on GSL. The scan is the unit: callers average a scan's slices first. */
#ifndef SSFD_STATS_STATS_H
#define SSFD_STATS_STATS_H

#include "stats/interval.h"

/* Mean of n >= 2 finite values with its two-sided Student-t interval at `confidence` (0.95):
 * mean -/+ t(n-1) sd / sqrt(n). sd, with N-1, may be NULL. */
int stats_mean_t(const double *values, size_t n, double confidence, interval *mean, double *sd);

#endif
