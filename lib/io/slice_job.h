/* One computation for every slice of a split, or for some, as numbers: threads share the slices, ranks
 * (core/ranks.h) the scans, progress is shown, and an interrupted run resumes where it stopped
 * (io/unfinished.h). The numbers depend on none of these. */
#ifndef SSFD_IO_SLICE_JOB_H
#define SSFD_IO_SLICE_JOB_H

#include "io/prepared.h"
#include <stddef.h>

typedef struct {
    int scan, slice; /* slice: in the scan's file */
} slice_place;

typedef struct {
    const char *label; /* of the progress bar; NULL: none is shown */
    const prepared_split *split;
    size_t numbers;            /* per slice; where anything is saved the first one is never NaN */
    int slices_per_scan;       /* evenly spread; 0: all */
    const slice_place *places; /* [place_count], in place of these; NULL: none given */
    int place_count;
    const char *saved, *settings; /* of io/unfinished.h; saved NULL: nothing is kept */
    double save_every;            /* seconds */
    const void *self;             /* passed back */
    size_t worker_size;           /* what one thread works with: zeroed, then opened */
    int (*open)(void *worker, const void *self);
    void (*close)(void *worker); /* of a worker that did not open, too */
    int (*compute)(void *worker, const void *self, int scan, int slice, double *numbers);
} slice_job;

/* [slices][numbers], owned by the caller. Collective: every rank gets all of it, or NULL with a message where one
 * fails. *taken_over: slices that an interrupted run had computed; taken_over may be NULL. */
double *slice_job_run(const slice_job *job, int *taken_over);

int slice_job_slices(const slice_job *job, int scan);       /* how many of a scan are computed */
int slice_job_slice(const slice_job *job, int scan, int k); /* number k of them, in the scan's file */

#endif
