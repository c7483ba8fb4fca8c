/* What experiments on scores of reconstructions share: the scores, computed of a cohort's reconstructions or
 * read from anyone's table, and the tables that are written about them. */
#ifndef SSFD_STUDY_SCORE_STUDY_H
#define SSFD_STUDY_SCORE_STUDY_H

#include "program/record.h"
#include "stats/bootstrap.h"
#include "study/reconstruction_scores.h"

/* Where scores come from and where results go. */
typedef struct {
    const char
        *program;    /* "quality_control": names results, the bootstrap's streams and what is unfinished */
    const char *out; /* folder of the tables; made here */
    /* Ready-made scores; table NULL: computed, as below. */
    const char *table;
    score_columns columns;
    /* Computed scores (study/reconstruction_scores.h). */
    const char *cohort, *split;
    int scans; /* the first ones only; 0: all */
    const char *baselines;
    metric_files files;
    int layers_apart; /* a metric for each of SSFD's layers in place of their sum */
    int with_faults;  /* of scans that have a faulty acquisition that one */
    double save_every;
    /* Of intervals. */
    int replicates;
    uint64_t seed;
} score_source;

typedef struct {
    score_source source;
    score_table *table;
    prepared_split *split; /* NULL with ready-made scores, and then there are no networks either */
    metric_set metrics;
    int taken_over;      /* slices that an interrupted run had computed */
    prepared_kind *kind; /* [scans] of the split: the image that is scored */
    char saved[4096];
} score_study;

/* Collective (core/ranks.h): every rank gets the whole table. -1 on every rank with a message for whatever
 * score_table_read(), prepared_split_open(), metric_set_open() and reconstruction_scores() refuse, and for a
 * split of fewer than SCORE_MIN_SCANS scans. Call score_study_close() even after a failure. */
int score_study_open(score_study *s, const score_source *source);
void score_study_close(score_study *s); /* zeroed is allowed */

/* Begins OUT/<name>.csv, with split, acceleration, networks and SSIM's settings as comments where they are
 * known. */
csv_writer *score_study_begin_table(const score_study *s, const char *name);
/* OUT/<program>.csv and the like: s->table as it is now (an experiment may have replaced it). */
int score_study_write_scores(const score_study *s, const char *name);

/* Bootstrap over `scans` scans; every group ("pooled", "method unet") has its own stream. */
bootstrap_plan score_study_plan(const score_study *s, size_t scans, const char *group);

/* When all results are written: OUT/<program>.csv and what it was made from into the record, and nothing is
 * unfinished any more. */
int score_study_end(const score_study *s, run_record *record);

/* Calls f for the rows of each value of `texts` (s->table->method, say), as a table of their own, where there
 * are several values: group is "method unet" (what = "method"), or "method not named". Stops at the first -1
 * and returns it. */
typedef int (*score_group_function)(void *given, const char *group, const score_table *part);
int score_study_each(const score_study *s, const char *what, const char *const *texts, score_group_function f,
                     void *given);

#endif
