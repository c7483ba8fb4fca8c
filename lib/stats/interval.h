/* An estimate with its interval: what every statistic of the experiments is. */
#ifndef SSFD_STATS_INTERVAL_H
#define SSFD_STATS_INTERVAL_H

#include "core/csv.h"

#include <math.h>

typedef struct {
    double estimate, low, high;
} interval;

#define INTERVAL_UNDEFINED ((interval){NAN, NAN, NAN})

/* Of minus the quantity. */
interval interval_negate(interval i);

/* What an interval says about the claim that an effect lies below `value`: "reproduced" (all of it does), "not
 * reproduced" (all of it lies above), "undecided" (neither, or an end is NaN). */
const char *interval_verdict_below(interval i, double value);

/* Three fields of a row, in the columns estimate, ci_low and ci_high; a NaN is "nan". */
void interval_write(csv_writer *csv, interval i, int digits);
int interval_read(const csv_table *table, size_t row, interval *i);

#endif
