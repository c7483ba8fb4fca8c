/* Several buffers in one piece of memory: buffers that are never in use at the same time may share it. */
#ifndef SSFD_NN_ARENA_H
#define SSFD_NN_ARENA_H

#include <stddef.h>

typedef struct {
    size_t floats;   /* 0: not a buffer, ignored */
    int from, until; /* first and last step at which it is in use */
    size_t offset;   /* set by arena_place(): floats from the beginning, a multiple of 16 */
} arena_item;

/* Gives every item an offset, the largest items first, each at the lowest place that is free while it is in
 * use. Returns the floats to allocate. */
size_t arena_place(arena_item *items, int count);

/* Whether two items share memory. */
int arena_overlap(const arena_item *a, const arena_item *b);

#endif
