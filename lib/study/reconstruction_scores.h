/* Scores of the reconstructions of a cohort: every slice of every scan of a split against its reference. */
#ifndef SSFD_STUDY_RECONSTRUCTION_SCORES_H
#define SSFD_STUDY_RECONSTRUCTION_SCORES_H

#include "io/prepared.h"
#include "metrics/metric_set.h"
#include "study/score_table.h"

typedef struct {
    const prepared_split *split;
    const metric_set *metrics;
    const prepared_kind *kind; /* [scans]: the image that is scored; NULL: PREPARED_RECONSTRUCTION */
    const char *const *fault;  /* [scans]: what is wrong with it; NULL: nothing */
    const char *saved;         /* what an interrupted run resumes from: io/unfinished.h */
    double save_every;         /* seconds between two saves */
} reconstruction_plan;

/* A table with a row per slice (its index in the prepared file) and the metrics of the set; acceleration is that of
 * the split. PSNR is infinite where image and reference are equal. *taken_over: slices that an interrupted run had
 * computed. What was saved stays; the caller removes it when its own results are written.
 *
 * Collective (core/ranks.h): scans are dealt out in turn, every rank gets the whole table. Threads share the slices.
 * The result depends on neither. NULL on every rank, with a message that names file and slice, where an image is
 * missing or cannot be scored. */
score_table *reconstruction_scores(const reconstruction_plan *plan, int *taken_over);

#endif
