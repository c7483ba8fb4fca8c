/* What experiments on scores of reconstructions share: their options, the scores, computed from a cohort's
 * reconstructions or read from anybody's table, and the tables that are written about them. */
#ifndef SSFD_STUDY_SCORE_STUDY_H
#define SSFD_STUDY_SCORE_STUDY_H

#include "program/groups.h"
#include "stats/bootstrap.h"
#include "study/reconstruction_scores.h"

/* --table, --columns, --higher-is-better, --lower-is-better, --against, --replicates */
typedef struct {
    const char *table; /* NULL: scores are computed */
    const char *columns, *higher, *lower;
    const char *against;
    int replicates;
} score_options;
#define SCORE_DEFAULTS                                                                                       \
    { .columns = "", .higher = "", .lower = "", .against = "ssim", .replicates = 4000 }
#define OPT_SCORES(scores) OPT_GROUP(score_group, OPT_TARGET(scores, score_options *))
extern const program_option score_group[];

/* Where scores come from and where results go. All but the last three belong to the caller's options. */
typedef struct {
    const char *program; /* "quality_control": names results, the bootstrap's streams and unfinished work */
    const run_options *run;
    const score_options *scores;
    const cohort_options *cohort;
    const network_options *network;
    const baseline_options *baselines; /* NULL: none */
    const char *required; /* metrics that a table has to have besides `against`, comma-separated */
    const char *optional; /* as in score_columns */
    int layers_apart;     /* a metric for each of SSFD's layers in place of their sum */
    int with_faults;      /* scores the faulty acquisition of the scans that have one */
} score_source;

/* Checks the options without opening anything: -1 with a message for wrong usage. */
int score_source_check(const score_source *source);

typedef struct {
    score_source source;
    score_table *table;
    int against;           /* metric of the table */
    const char *unit;      /* of its rows (score_table_unit()) */
    prepared_split *split; /* NULL with a table of one's own, and then there are no networks either */
    metric_set metrics;
    prepared_kind *kind; /* [scans] of the split: the image that is scored */
    char saved[4096];
} score_study;

/* Collective (core/ranks.h): every rank gets the whole table. -1 on every rank with a message for whatever
 * score_table_read(), prepared_split_open(), metric_set_open() and reconstruction_scores() refuse, and for a split of
 * fewer than SCORE_MIN_SCANS scans. Call score_study_close() even after a failure. */
int score_study_open(score_study *s, const score_source *source);
void score_study_close(score_study *s); /* zeroed is allowed */

/* The file or folder that the scores come from, for messages. */
const char *score_study_from(const score_study *s);
/* Excludes the rows with a fault from the table; returns how many, -1 with a message when fewer than SCORE_MIN_SCANS
 * scans are left. */
int score_study_exclude_faults(score_study *s);

/* Begins OUT/<name>.csv, with split, acceleration and networks as comments where they are known. */
csv_writer *score_study_begin_table(const score_study *s, const char *name);
/* The same for a table of statistics: with cohort, metrics, the outcome, the unit, the number of points and the seed. */
csv_writer *score_study_begin_statistics(const score_study *s, const char *name);
/* Writes OUT/<name>.csv, the table of scores. */
int score_study_write_scores(const score_study *s, const char *name);

/* Bootstrap over `scans` scans; every group ("pooled", "method unet") has its own stream. */
bootstrap_plan score_study_plan(const score_study *s, size_t scans, const char *group);

/* When all results are written: notes OUT/<program>.csv and what it was made from in the record, and removes what was
 * kept of unfinished work. */
int score_study_end(const score_study *s, run_record *record);

/* Calls f for the rows of each acceleration, then of each method, as a table of their own, where there are several:
 * group is "method unet", or "method not named". Stops at the first -1 and returns it. */
typedef int (*score_group_function)(void *given, const char *group, const score_table *part);
int score_study_each(const score_study *s, score_group_function f, void *given);

#endif
