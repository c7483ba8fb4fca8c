/* Scores of the reconstructions of a cohort: every slice of every scan of a split against its reference. */
#ifndef SSFD_STUDY_RECONSTRUCTION_SCORES_H
#define SSFD_STUDY_RECONSTRUCTION_SCORES_H

#include "io/prepared.h"
#include "metrics/scores.h"
#include "study/score_table.h"

typedef struct {
    const prepared_split *split;
    const score_set *scores;
    int layers_apart; /* a metric for each of SSFD's layers, in the order given, in place of their sum */
    const prepared_kind *kind; /* [scans]: the image that is scored; NULL: PREPARED_RECONSTRUCTION */
    const char *const *fault;  /* [scans]: what is wrong with it; NULL: nothing */
    const char *saved;         /* what an interrupted run goes on from: io/unfinished.h */
    double save_every;         /* seconds between two saves */
} reconstruction_plan;

/* A table with a row per slice (its index in the prepared file) and the metrics "ssim", "psnr_db", "nrmse",
 * "ssfd" (or the names of its layers, "block1_relu1"), then the baselines' keys; acceleration is that of the
 * split. PSNR is infinite where image
 * and reference are equal. *taken_over: slices that an interrupted run had computed. What was saved stays,
 * for the caller to remove when its own results are written.
 *
 * Collective (core/ranks.h): scans are dealt out in turn, every rank gets the whole table. Threads share the
 * slices. The result depends on neither. NULL on every rank, with a message that names file and slice, where
 * an image is missing or cannot be scored. */
score_table *reconstruction_scores(const reconstruction_plan *plan, int *taken_over);

#endif
