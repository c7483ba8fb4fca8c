#include "train/slice_set.h"

#include "core/memory.h"
#include "core/checksum.h"
#include "core/error.h"
#include "core/rng.h"
#include <complex.h>
#include <math.h>
#include <stdlib.h>

static int allocate(slice_set *s, size_t n) {
    s->scan_of = mem_alloc(n * sizeof *s->scan_of);
    s->slice_of = mem_alloc(n * sizeof *s->slice_of);
    s->order = mem_alloc(n * sizeof *s->order);
    return s->scan_of && s->slice_of && s->order ? 0 : -1;
}

static void add(slice_set *s, int scan, int slice) {
    s->scan_of[s->count] = scan;
    s->slice_of[s->count++] = slice;
}

static void shuffle(size_t *order, size_t n, gsl_rng *rng) {
    for (size_t k = 0; k < n; k++)
        order[k] = k;
    for (size_t k = n - 1; k > 0; k--) {
        size_t other = gsl_rng_uniform_int(rng, k + 1), keep = order[k];
        order[k] = order[other];
        order[other] = keep;
    }
}

/* taken[scan] for the share of the scans that is kept. */
static int draw_scans(const slice_set *s, double fraction, char *taken) {
    size_t scans = (size_t)s->split->scans, kept = (size_t)fmax(1.0, ceil(fraction * (double)scans - 1e-9));
    size_t *order = mem_alloc(scans * sizeof *order);
    gsl_rng *rng = rng_stream(s->seed, RNG_SPLIT, 2, 0);
    int status = order && rng ? 0 : -1;
    if (status == 0) {
        shuffle(order, scans, rng);
        for (size_t k = 0; k < scans && k < kept; k++)
            taken[order[k]] = 1;
    }
    free(order);
    if (rng)
        gsl_rng_free(rng);
    return status;
}

int slice_set_open(slice_set *s, const char *cohort, const char *name, double fraction, uint64_t seed) {
    *s = (slice_set){.seed = seed, .epoch = -1};
    if (!(s->split = prepared_split_open(cohort, name, 0)) || allocate(s, (size_t)s->split->total_slices) < 0)
        return -1;
    char *taken = mem_calloc((size_t)s->split->scans, 1);
    int status = taken ? draw_scans(s, fraction, taken) : -1;
    for (int scan = 0; status == 0 && scan < s->split->scans; scan++)
        for (int slice = 0; taken[scan] && slice < s->split->slices[scan]; slice++)
            add(s, scan, slice);
    free(taken);
    return status;
}

int slice_set_open_in_turn(slice_set *s, const char *cohort, const char *name, int limit) {
    *s = (slice_set){.epoch = -1};
    if (!(s->split = prepared_split_open(cohort, name, 0)) || allocate(s, (size_t)s->split->total_slices) < 0)
        return -1;
    int wanted = limit < s->split->total_slices ? limit : s->split->total_slices;
    for (int slice = 0; s->count < wanted; slice++)
        for (int scan = 0; scan < s->split->scans && s->count < wanted; scan++)
            if (slice < s->split->slices[scan])
                add(s, scan, slice);
    return 0;
}

void slice_set_close(slice_set *s) {
    prepared_split_free(s->split);
    free(s->scan_of);
    free(s->slice_of);
    free(s->order);
}

static int draw_order(slice_set *s, int64_t epoch) {
    gsl_rng *rng = rng_stream(s->seed, RNG_SHUFFLE, (uint64_t)epoch, 0);
    if (!rng)
        return -1;
    shuffle(s->order, (size_t)s->count, rng);
    gsl_rng_free(rng);
    s->epoch = epoch;
    return 0;
}

int slice_set_at(slice_set *s, int64_t index, int *scan, int *slice) {
    if (index / s->count != s->epoch && draw_order(s, index / s->count) < 0)
        return -1;
    size_t at = s->order[index % s->count];
    *scan = s->scan_of[at];
    *slice = s->slice_of[at];
    return 0;
}

/* work: a complex image. */
static int add_slice(checksum *sum, const prepared_scan *scan, int slice, prepared_kind kind, void *work) {
    size_t pixels = (size_t)scan->rows * (size_t)scan->columns;
    if (kind < PREPARED_REFERENCE_COMPLEX)
        return prepared_read(scan, kind, slice, work) < 0 ? -1
                                                          : checksum_add(sum, work, pixels * sizeof(float));
    return prepared_read_complex(scan, kind, slice, work) < 0
               ? -1
               : checksum_add(sum, work, pixels * sizeof(float complex));
}

int slice_set_checksum(const slice_set *s, int kind_count, const prepared_kind *kinds, char *hex) {
    float complex *work = mem_alloc((size_t)s->split->rows * (size_t)s->split->columns * sizeof *work);
    checksum *sum = checksum_begin("sha256");
    prepared_scan *scan = NULL;
    int status = work && sum ? 0 : -1;
    for (int k = 0; status == 0 && k < s->count; k++) {
        if (k == 0 || s->scan_of[k] != s->scan_of[k - 1]) {
            prepared_close(scan);
            scan = prepared_open(s->split->paths[s->scan_of[k]]);
        }
        status = scan ? 0 : -1;
        for (int kind = 0; status == 0 && kind < kind_count; kind++)
            status = add_slice(sum, scan, s->slice_of[k], kinds[kind], work);
    }
    prepared_close(scan);
    free(work);
    if (status == 0)
        return checksum_end(sum, hex);
    checksum_discard(sum);
    return -1;
}
