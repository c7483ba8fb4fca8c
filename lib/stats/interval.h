/* An estimate with its interval: what every statistic of the experiments is. */
#ifndef SSFD_STATS_INTERVAL_H
#define SSFD_STATS_INTERVAL_H

#include "core/csv.h"

#include <math.h>

typedef struct {
    double estimate, low, high;
} interval;

#define INTERVAL_UNDEFINED ((interval){NAN, NAN, NAN})

/* -1 with a message, which begins with `what`, for a confidence outside (0, 1). */
int interval_check_confidence(const char *what, double confidence);

/* Mean of n >= 2 finite values with its two-sided Student-t interval, mean -/+ t(n-1) sd / sqrt(n). sd,
 * with N-1, may be NULL. The scan is the unit: callers average a scan's slices first. */
int interval_of_mean(const double *values, size_t n, double confidence, interval *mean, double *sd);

/* The interval of minus the quantity. */
interval interval_negate(interval i);

/* What an interval says about the claim that an effect lies below `value`: "reproduced" (all of it does),
 * "not reproduced" (all of it lies above), "undecided" (neither, or an end is NaN). */
const char *interval_verdict_below(interval i, double value);

/* Three fields of a row, in the columns estimate, ci_low and ci_high; a NaN is "nan". */
void interval_write(csv_writer *csv, interval i, int digits);
int interval_read(const csv_table *table, size_t row, interval *i);

#endif
