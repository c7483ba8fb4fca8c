/* The slices of a split as training examples: every slice once per epoch, in an order of its own. */
#ifndef SSFD_TRAIN_SLICE_SET_H
#define SSFD_TRAIN_SLICE_SET_H

#include "io/slice_job.h"
#include <stdint.h>

typedef struct {
    prepared_split *split;
    uint64_t seed;
    int count;       /* slices */
    slice_place *at; /* [count] */
    size_t *order;   /* of epoch `epoch` */
    int64_t epoch;
} slice_set;

/* The split `name` of a cohort folder, or a share of it: ceil(fraction * scans) whole scans, drawn from the
 * stream (seed, RNG_SPLIT, 2), so that a smaller share is part of a larger one. Slices stand in the order of
 * the scans. -1 with a message where prepared_split_open() fails. Release with slice_set_close() in either
 * case. */
int slice_set_open(slice_set *s, const char *cohort, const char *name, double fraction, uint64_t seed);

/* At most `limit` slices of a split, scans in turn, first slices first: a few of as many scans as possible. The
 * rest as above. */
int slice_set_open_in_turn(slice_set *s, const char *cohort, const char *name, int limit);

void slice_set_close(slice_set *s);

/* The place of example `index` of the training (from 0, one epoch after another). Epoch e goes through all
 * slices in an order drawn from the stream (seed, RNG_SHUFFLE, e). One thread at a time. */
int slice_set_at(slice_set *s, int64_t index, slice_place *place);

/* The images `kinds` of a slice, one after another. */
typedef struct {
    int count;
    prepared_kind kinds[2];
} slice_images;
/* Their bytes: float32, or complex64. */
size_t slice_set_bytes(const slice_set *s, const slice_images *of);
/* Reads them, from any thread. */
int slice_set_read(const slice_set *s, slice_place place, const slice_images *of, void *images);

/* SHA-256 of the bytes of all slices, in the order of the set. Reads, and so checks, all images. hex:
 * CHECKSUM_HEX bytes. */
int slice_set_checksum(const slice_set *s, const slice_images *of, char *hex);

#endif
