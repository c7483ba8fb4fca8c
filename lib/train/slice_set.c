#include "train/slice_set.h"

#include "core/checksum.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include <complex.h>
#include <math.h>
#include <stdlib.h>

static int open_split(slice_set *s, const char *cohort, const char *name, uint64_t seed) {
    *s = (slice_set){.seed = seed, .epoch = -1};
    if (!(s->split = prepared_split_open(cohort, name, 0)))
        return -1;
    s->at = mem_alloc((size_t)s->split->total_slices * sizeof *s->at);
    s->order = mem_alloc((size_t)s->split->total_slices * sizeof *s->order);
    return s->at && s->order ? 0 : -1;
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
    if (open_split(s, cohort, name, seed) < 0)
        return -1;
    char *taken = mem_calloc((size_t)s->split->scans, 1);
    int status = taken ? draw_scans(s, fraction, taken) : -1;
    for (int scan = 0; status == 0 && scan < s->split->scans; scan++)
        for (int slice = 0; taken[scan] && slice < s->split->slices[scan]; slice++)
            s->at[s->count++] = (slice_place){scan, slice};
    free(taken);
    return status;
}

int slice_set_open_in_turn(slice_set *s, const char *cohort, const char *name, int limit) {
    if (open_split(s, cohort, name, 0) < 0)
        return -1;
    int wanted = limit < s->split->total_slices ? limit : s->split->total_slices;
    for (int slice = 0; s->count < wanted; slice++)
        for (int scan = 0; scan < s->split->scans && s->count < wanted; scan++)
            if (slice < s->split->slices[scan])
                s->at[s->count++] = (slice_place){scan, slice};
    return 0;
}

void slice_set_close(slice_set *s) {
    prepared_split_free(s->split);
    free(s->at);
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

int slice_set_at(slice_set *s, int64_t index, slice_place *place) {
    if (index / s->count != s->epoch && draw_order(s, index / s->count) < 0)
        return -1;
    *place = s->at[s->order[index % s->count]];
    return 0;
}

/* ---------------------------------------------------------------- images */

static int is_complex(prepared_kind kind) {
    return kind >= PREPARED_REFERENCE_COMPLEX;
}

static size_t image_bytes(const slice_set *s, prepared_kind kind) {
    size_t pixel = is_complex(kind) ? sizeof(float complex) : sizeof(float);
    return (size_t)s->split->rows * s->split->columns * pixel;
}

size_t slice_set_bytes(const slice_set *s, const slice_images *of) {
    size_t bytes = 0;
    for (int k = 0; k < of->count; k++)
        bytes += image_bytes(s, of->kinds[k]);
    return bytes;
}

static int read_image(const prepared_scan *scan, int slice, prepared_kind kind, void *image) {
    if (!scan->has[kind])
        return err_set("%s: dataset '%s' is missing: expected a scan made with prepare_scans%s",
                       scan->file->path, prepared_kind_name(kind), is_complex(kind) ? " --complex" : "");
    return is_complex(kind) ? prepared_read_complex(scan, kind, slice, image)
                            : prepared_read(scan, kind, slice, image);
}

static int read_images(const slice_set *s, const prepared_scan *scan, int slice, const slice_images *of,
                       void *images) {
    char *at = images;
    for (int k = 0; k < of->count; at += image_bytes(s, of->kinds[k++]))
        if (read_image(scan, slice, of->kinds[k], at) < 0)
            return -1;
    return 0;
}

int slice_set_read(const slice_set *s, slice_place place, const slice_images *of, void *images) {
    int status;
#pragma omp critical(hdf5)
    {
        prepared_scan *scan = prepared_open(s->split->paths[place.scan]);
        status = scan ? read_images(s, scan, place.slice, of, images) : -1;
        prepared_close(scan);
    }
    return status;
}

static int add_slices(const slice_set *s, const slice_images *of, void *images, checksum *sum) {
    prepared_scan *scan = NULL;
    int status = 0;
    for (int k = 0; status == 0 && k < s->count; k++) {
        if (k == 0 || s->at[k].scan != s->at[k - 1].scan) {
            prepared_close(scan);
            scan = prepared_open(s->split->paths[s->at[k].scan]);
        }
        status = scan ? read_images(s, scan, s->at[k].slice, of, images) : -1;
        if (status == 0)
            status = checksum_add(sum, images, slice_set_bytes(s, of));
    }
    prepared_close(scan);
    return status;
}

int slice_set_checksum(const slice_set *s, const slice_images *of, char *hex) {
    void *images = mem_alloc(slice_set_bytes(s, of));
    checksum *sum = checksum_begin("sha256");
    int status = images && sum ? add_slices(s, of, images, sum) : -1;
    free(images);
    if (status == 0)
        return checksum_end(sum, hex);
    checksum_discard(sum);
    return -1;
}
