#include "nn/arena.h"

static size_t room(const arena_item *item) {
    return (item->floats + 15) / 16 * 16;
}

int arena_overlap(const arena_item *a, const arena_item *b) {
    return a->floats && b->floats && a->offset < b->offset + room(b) && b->offset < a->offset + room(a);
}

/* Larger first; of equal ones the first. */
static int comes_before(const arena_item *items, int a, int b) {
    return items[a].floats != items[b].floats ? items[a].floats > items[b].floats : a < b;
}

/* Whether an item that is already placed is in the way: in use at the same time, at the same place. */
static int is_obstructed(const arena_item *items, int count, int item) {
    for (int k = 0; k < count; k++)
        if (k != item && comes_before(items, k, item) && items[k].from <= items[item].until &&
            items[item].from <= items[k].until && arena_overlap(&items[k], &items[item]))
            return 1;
    return 0;
}

/* The largest of those that come after `last` (-1: of all). */
static int next_item(const arena_item *items, int count, int last) {
    int best = -1;
    for (int k = 0; k < count; k++)
        if (items[k].floats && (last < 0 || comes_before(items, last, k)) && k != last &&
            (best < 0 || comes_before(items, k, best)))
            best = k;
    return best;
}

/* The lowest free place is at the beginning or right after an item that is already placed. */
static void place(arena_item *items, int count, int item) {
    size_t best = 0;
    int found = 0;
    for (int end = -1; end < count; end++) {
        if (end >= 0 && (end == item || !items[end].floats || !comes_before(items, end, item)))
            continue;
        items[item].offset = end < 0 ? 0 : items[end].offset + room(&items[end]);
        if ((!found || items[item].offset < best) && !is_obstructed(items, count, item)) {
            best = items[item].offset;
            found = 1;
        }
    }
    items[item].offset = best;
}

size_t arena_place(arena_item *items, int count) {
    size_t floats = 0;
    for (int k = next_item(items, count, -1); k >= 0; k = next_item(items, count, k)) {
        place(items, count, k);
        size_t end = items[k].offset + room(&items[k]);
        floats = end > floats ? end : floats;
    }
    return floats;
}
