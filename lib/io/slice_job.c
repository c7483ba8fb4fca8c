#include "io/slice_job.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "io/unfinished.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const slice_job *job;
    int count;
    slice_place *at; /* [count] */
    double *numbers; /* [count][job->numbers]; NaN: not computed */
    int *left;       /* [left_count] slices of this rank that are still to be computed */
    int left_count;
    double saved_at;
} run;

typedef struct {
    void *inner; /* the job's worker */
    double *numbers;
} worker;

int slice_job_slices(const slice_job *job, int scan) {
    int there = job->split->slices[scan], wanted = job->slices_per_scan;
    return wanted > 0 && wanted < there ? wanted : there;
}

int slice_job_slice(const slice_job *job, int scan, int k) {
    return (2 * k + 1) * job->split->slices[scan] / (2 * slice_job_slices(job, scan));
}

static double *numbers_of(const run *r, int k) {
    return r->numbers + (size_t)k * r->job->numbers;
}

static int is_done(const run *r, int k) {
    return !isnan(numbers_of(r, k)[0]);
}

static int save(const run *r) {
    return unfinished_save(r->job->saved, r->job->settings, r->numbers, (size_t)r->count * r->job->numbers);
}

/* A slice is computed aside and copied when whole, so that a save never holds half a slice. */
static int keep(run *r, int k, const double *numbers) {
    int status = 0;
#pragma omp critical(hdf5)
    {
        memcpy(numbers_of(r, k), numbers, r->job->numbers * sizeof *numbers);
        if (r->job->saved && clock_seconds() - r->saved_at >= r->job->save_every) {
            status = save(r);
            r->saved_at = clock_seconds();
        }
    }
    return status;
}

static int open_worker(void *opened, void *self) {
    worker *w = opened;
    const slice_job *job = ((run *)self)->job;
    w->inner = mem_calloc(1, job->worker_size);
    w->numbers = mem_alloc(job->numbers * sizeof *w->numbers);
    return w->inner && w->numbers ? job->open(w->inner, job->self) : -1;
}

static void close_worker(void *opened, void *self) {
    worker *w = opened;
    if (w->inner)
        ((run *)self)->job->close(w->inner);
    free(w->inner);
    free(w->numbers);
}

static int compute_slice(void *opened, void *self, int item) {
    worker *w = opened;
    run *r = self;
    int k = r->left[item];
    if (r->job->compute(w->inner, r->job->self, r->at[k].scan, r->at[k].slice, w->numbers) < 0)
        return -1;
    return keep(r, k, w->numbers);
}

static int compute(run *r) {
    for (int k = 0; k < r->count; k++)
        if (ranks_is_mine(r->at[k].scan) && !is_done(r, k))
            r->left[r->left_count++] = k;
    const work_loop loop = {.label = r->job->label,
                            .count = r->left_count,
                            .self = r,
                            .worker_size = sizeof(worker),
                            .open = open_worker,
                            .close = close_worker,
                            .run = compute_slice};
    return work_loop_run(&loop);
}

/* Every rank gets what the others have: their slices have to be 0 here. */
static void merge(run *r) {
    for (int k = 0; k < r->count; k++)
        if (!ranks_is_mine(r->at[k].scan))
            memset(numbers_of(r, k), 0, r->job->numbers * sizeof(double));
    ranks_merge(r->numbers, (size_t)r->count * r->job->numbers * sizeof(double));
}

static int prepare(run *r) {
    const slice_job *job = r->job;
    r->count = job->place_count;
    for (int scan = 0; !job->places && scan < job->split->scans; scan++)
        r->count += slice_job_slices(job, scan);
    r->at = mem_alloc((size_t)r->count * sizeof *r->at);
    r->left = mem_alloc((size_t)r->count * sizeof *r->left);
    r->numbers = mem_alloc((size_t)r->count * job->numbers * sizeof *r->numbers);
    if (!r->at || !r->left || !r->numbers)
        return -1;
    slice_place *at = r->at;
    if (job->places)
        memcpy(at, job->places, (size_t)r->count * sizeof *at);
    for (int scan = 0; !job->places && scan < job->split->scans; scan++)
        for (int k = 0; k < slice_job_slices(job, scan); k++)
            *at++ = (slice_place){scan, slice_job_slice(job, scan, k)};
    for (size_t k = 0; k < (size_t)r->count * job->numbers; k++)
        r->numbers[k] = NAN;
    if (job->saved)
        unfinished_load(job->saved, job->settings, r->numbers, (size_t)r->count * job->numbers);
    return 0;
}

double *slice_job_run(const slice_job *job, int *taken_over) {
    run r = {.job = job, .saved_at = clock_seconds()};
    int ok = ranks_agree(prepare(&r)) == 0;
    int done = 0;
    for (int k = 0; ok && k < r.count; k++)
        done += is_done(&r, k);
    if (taken_over)
        *taken_over = done;
    ok = ok && ranks_agree(compute(&r)) == 0;
    if (ok) {
        merge(&r);
        ok = ranks_agree(job->saved && ranks_me() == 0 ? save(&r) : 0) == 0;
    }
    free(r.at);
    free(r.left);
    if (ok)
        return r.numbers;
    free(r.numbers);
    return NULL;
}
