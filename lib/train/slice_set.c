#include "train/slice_set.h"

#include "core/error.h"
#include "core/rng.h"
#include <stdlib.h>

int slice_set_open(slice_set *s, const char *cohort, const char *name, uint64_t seed) {
    *s = (slice_set){.seed = seed, .epoch = -1};
    if (!(s->split = prepared_split_open(cohort, name, 0)))
        return -1;
    size_t n = (size_t)s->split->total_slices;
    s->scan_of = mem_alloc(n * sizeof *s->scan_of);
    s->slice_of = mem_alloc(n * sizeof *s->slice_of);
    s->order = mem_alloc(n * sizeof *s->order);
    if (!s->scan_of || !s->slice_of || !s->order)
        return -1;
    for (int scan = 0, at = 0; scan < s->split->scans; scan++)
        for (int slice = 0; slice < s->split->slices[scan]; slice++, at++) {
            s->scan_of[at] = scan;
            s->slice_of[at] = slice;
        }
    return 0;
}

void slice_set_close(slice_set *s) {
    prepared_split_free(s->split);
    free(s->scan_of);
    free(s->slice_of);
    free(s->order);
}

static int shuffle(slice_set *s, int64_t epoch) {
    size_t n = (size_t)s->split->total_slices;
    for (size_t k = 0; k < n; k++)
        s->order[k] = k;
    gsl_rng *rng = rng_stream(s->seed, RNG_SHUFFLE, (uint64_t)epoch, 0);
    if (!rng)
        return -1;
    for (size_t k = n - 1; k > 0; k--) {
        size_t other = gsl_rng_uniform_int(rng, k + 1), keep = s->order[k];
        s->order[k] = s->order[other];
        s->order[other] = keep;
    }
    gsl_rng_free(rng);
    s->epoch = epoch;
    return 0;
}

int slice_set_at(slice_set *s, int64_t index, int *scan, int *slice) {
    int64_t n = s->split->total_slices;
    if (index / n != s->epoch && shuffle(s, index / n) < 0)
        return -1;
    size_t at = s->order[index % n];
    *scan = s->scan_of[at];
    *slice = s->slice_of[at];
    return 0;
}

void slice_set_in_turn(const slice_set *s, int k, int *scan, int *slice) {
    for (*slice = 0;; (*slice)++)
        for (*scan = 0; *scan < s->split->scans; (*scan)++)
            if (*slice < s->split->slices[*scan] && k-- == 0)
                return;
}
