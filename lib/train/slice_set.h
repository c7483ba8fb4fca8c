/* The slices of a split as training examples: every slice once per epoch, in an order of its own. */
#ifndef SSFD_TRAIN_SLICE_SET_H
#define SSFD_TRAIN_SLICE_SET_H

#include "io/prepared.h"
#include <stdint.h>

typedef struct {
    prepared_split *split;
    uint64_t seed;
    int *scan_of, *slice_of; /* [split->total_slices], slices in the order of the scans */
    size_t *order;           /* of epoch `epoch` */
    int64_t epoch;
} slice_set;

/* The split `name` of a cohort folder. -1 with a message where prepared_split_open() fails. Release with
 * slice_set_close() in either case. */
int slice_set_open(slice_set *s, const char *cohort, const char *name, uint64_t seed);
void slice_set_close(slice_set *s);

/* Where example `index` of the training is (0 on, epochs behind one another): scan and slice. Epoch e goes
 * through all slices in an order drawn from the stream (seed, RNG_SHUFFLE, e). One thread at a time. */
int slice_set_at(slice_set *s, int64_t index, int *scan, int *slice);

/* The k-th slice when scans take turns, first slices first: a few slices of as many scans as possible. */
void slice_set_in_turn(const slice_set *s, int k, int *scan, int *slice);

#endif
