/* Values sorted once, for statistics of many weighted samples of them: a resample is a weight per point,
 * how often it was drawn, and costs one walk through the points by rising value. */
#ifndef SSFD_STATS_SORTED_H
#define SSFD_STATS_SORTED_H

#include <stddef.h>

typedef struct {
    size_t n;
    const double *value; /* borrowed */
    size_t *order;       /* [n]: points by rising value */
    size_t *dense;       /* [n]: number of a point's value among the different ones, from 0 */
} sorted;

/* n >= 1 finite values. Release with sorted_free() in either case. */
int sorted_init(sorted *s, const double *value, size_t n);
void sorted_free(sorted *s);

int sorted_is_constant(const sorted *s);
/* Position after the run of equal values that begins at position k. */
size_t sorted_run_end(const sorted *s, size_t k);
/* Weight of the points at positions k .. end - 1. */
double sorted_run_weight(const sorted *s, const double *weight, size_t k, size_t end);

#endif
