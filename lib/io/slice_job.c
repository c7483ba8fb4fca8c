#include "io/slice_job.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/ranks.h"
#include "io/unfinished.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int scan, slice;
} place;

typedef struct {
    const slice_job *job;
    int count;
    place *at;       /* [count] */
    double *numbers; /* [count][job->numbers]; NaN: not computed */
    double saved_at;
} run;

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

/* What one thread does: a worker, and its share of the slices. */
static void work(run *r, progress *bar, err_box *failure) {
    const slice_job *job = r->job;
    void *worker = mem_calloc(1, job->worker_size);
    double *numbers = mem_alloc(job->numbers * sizeof *numbers);
    int ready = worker && numbers && job->open(worker, job->self) == 0;
    if (!ready)
        err_box_take(failure);
#pragma omp for schedule(dynamic, 1)
    for (int k = 0; k < r->count; k++) {
        if (!ranks_is_mine(r->at[k].scan))
            continue;
        if (ready && !err_box_failed(failure) && !is_done(r, k) &&
            (job->compute(worker, job->self, r->at[k].scan, r->at[k].slice, numbers) < 0 ||
             keep(r, k, numbers) < 0))
            err_box_take(failure);
        progress_step(bar, 1);
    }
    if (worker)
        job->close(worker);
    free(worker);
    free(numbers);
}

static int compute(run *r) {
    err_box failure = {0};
    progress bar;
    progress_start(&bar, r->job->label, (size_t)(r->count / ranks_count()));
#pragma omp parallel
    work(r, &bar, &failure);
    progress_end(&bar);
    return err_box_raise(&failure);
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
    for (int scan = 0; scan < job->split->scans; scan++)
        r->count += slice_job_slices(job, scan);
    r->at = mem_alloc((size_t)r->count * sizeof *r->at);
    r->numbers = mem_alloc((size_t)r->count * job->numbers * sizeof *r->numbers);
    if (!r->at || !r->numbers)
        return -1;
    place *at = r->at;
    for (int scan = 0; scan < job->split->scans; scan++)
        for (int k = 0; k < slice_job_slices(job, scan); k++)
            *at++ = (place){scan, slice_job_slice(job, scan, k)};
    unfinished_load(job->saved ? job->saved : "", job->settings ? job->settings : "", r->numbers,
                    (size_t)r->count * job->numbers);
    return 0;
}

double *slice_job_run(const slice_job *job, int *taken_over) {
    run r = {.job = job, .saved_at = clock_seconds()};
    int ok = ranks_agree(prepare(&r)) == 0;
    *taken_over = 0;
    for (int k = 0; ok && k < r.count; k++)
        *taken_over += is_done(&r, k);
    ok = ok && ranks_agree(compute(&r)) == 0;
    if (ok) {
        merge(&r);
        ok = ranks_agree(job->saved && ranks_me() == 0 ? save(&r) : 0) == 0;
    }
    free(r.at);
    if (ok)
        return r.numbers;
    free(r.numbers);
    return NULL;
}
