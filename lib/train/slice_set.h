/* The slices of a split as training examples: every slice once per epoch, in an order of its own. */
#ifndef SSFD_TRAIN_SLICE_SET_H
#define SSFD_TRAIN_SLICE_SET_H

#include "io/prepared.h"
#include <stdint.h>

typedef struct {
    prepared_split *split;
    uint64_t seed;
    int count;               /* slices */
    int *scan_of, *slice_of; /* [count] */
    size_t *order;           /* of epoch `epoch` */
    int64_t epoch;
} slice_set;

/* The split `name` of a cohort folder, or a share of it: ceil(fraction * scans) whole scans, drawn from the
 * stream (seed, RNG_SPLIT, 2), so that a smaller share is part of a larger one. Slices stand in the order of
 * the scans. -1 with a message where prepared_split_open() fails. Release with slice_set_close() in either
 * case. */
int slice_set_open(slice_set *s, const char *cohort, const char *name, double fraction, uint64_t seed);

/* At most `limit` slices of a split, scans taking turns, first slices first: a few of as many scans as
 * possible. The rest as above. */
int slice_set_open_in_turn(slice_set *s, const char *cohort, const char *name, int limit);

void slice_set_close(slice_set *s);

/* Where example `index` of the training is (0 on, epochs behind one another): scan and slice. Epoch e goes
 * through all slices in an order drawn from the stream (seed, RNG_SHUFFLE, e). One thread at a time. */
int slice_set_at(slice_set *s, int64_t index, int *scan, int *slice);

/* SHA-256 of the pixels: of every slice, in the order of the set, the images `kinds` behind one another, as
 * float32 (complex64) of this machine. Reads, and so checks, all images. hex: CHECKSUM_HEX bytes. */
int slice_set_checksum(const slice_set *s, int kind_count, const prepared_kind *kinds, char *hex);

#endif
