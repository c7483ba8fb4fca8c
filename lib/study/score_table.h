/* Tables of scores: metrics of reconstructions, a row per slice (or per scan), whether computed here
 * (study/reconstruction_scores.h) or read from a CSV file of anybody's.
 *
 * As CSV, a column each: scan_id, slice, acceleration, method, fault, then the metrics. All but scan_id and one
 * metric may be missing. Comments: "cohort: NAME", and what each metric is (metric_label_write()). */
#ifndef SSFD_STUDY_SCORE_TABLE_H
#define SSFD_STUDY_SCORE_TABLE_H

#include "core/csv.h"
#include "metrics/metric.h"
#include <stddef.h>

#define SCORE_NO_FAULT "none"
#define SCORE_MIN_SCANS 3

typedef struct {
    size_t rows, scans, metrics;
    char **scan_ids;                     /* [scans] */
    size_t *first;                       /* [scans + 1]: scan s has the rows first[s] .. first[s + 1] - 1 */
    int *slice;                          /* [rows]: 0-based; -1: a whole scan, or not known */
    const char **acceleration, **method; /* [rows]: "" where the table has no such column */
    const char **fault;                  /* [rows]: SCORE_NO_FAULT, or what is wrong: "motion" */
    metric_label *metric;                /* [metrics]: key is the column's name */
    double **values; /* [metrics][rows]: finite, except the PSNR of an image that equals its
                                          * reference, which is infinite */
    char **labels;   /* [label_count]: the distinct texts of accelerations, ... */
    size_t label_count;
    void *label_tree; /* of <search.h>, over labels */
    char cohort[128];
    char unused
        [512]; /* columns of numbers that nothing describes and nobody requested, comma-separated; "": none */
} score_table;

/* ---------------------------------------------------------------- making */

/* An empty table for its maker to fill: values and first are 0, slices -1, texts "" and SCORE_NO_FAULT; scan
 * ids are NULL and metrics empty until set. All that it points to is the table's own. NULL when out of memory. */
score_table *score_table_create(size_t rows, size_t scans, size_t metrics);
void score_table_free(score_table *t); /* NULL is allowed */

/* Copies; -1 when out of memory. */
int score_table_set_scan(score_table *t, size_t scan, const char *id);
/* The table's copy of a text, for acceleration, method and fault; the same address for the same text. */
const char *score_table_label(score_table *t, const char *text);

/* ---------------------------------------------------------------- files */

/* Comments "metric", one for each. */
void score_table_labels(const score_table *t, csv_writer *csv);
/* Comments "cohort" and "metric", then header and rows, into an open file after the caller's comments. In
 * accelerations, methods and faults a comma becomes a semicolon (csv_writer_plain()). */
void score_table_write(const score_table *t, csv_writer *csv);

/* Which columns to read. Names are those above: scan_id, slice, acceleration, method, fault and metrics. */
typedef struct {
    const char
        *columns; /* "scan_id=case,ssim=SSIM (full)": names whose column is called otherwise; "": none */
    const char *metrics; /* "ssim,ssfd": required, in this order; at least one */
    const char *
        optional; /* "psnr_db,nrmse": then those that are there. NULL: all columns with a number in them that a
                           * comment of the table or a metric of the registry describes, except layers of SSFD; others are named in score_table.unused */
    const char *higher,
        *lower; /* metrics of which a higher or a lower value is better: needed for those that neither a
                                 * comment of the table nor the registry knows; "": none */
} score_columns;

/* Whether such columns can be read at all: -1 with a message for no metric, one with the name of another column such
 * as "slice", an item without '=', a name that is not requested, one that is given twice or holds a quote. */
int score_columns_check(const score_columns *c);

/* Reads a CSV file. Rows of a scan may be anywhere; they are put together, scans in the order they first appear. NULL
 * with a message that names file, row and column for: a missing column (with those there are), a metric of unknown
 * direction, a value that is no number (PSNR may be infinite), a slice that is no whole number, a scan without a name, a name of over
 * 200 bytes or with a control character, fewer than SCORE_MIN_SCANS scans, and a slice of a method and
 * acceleration that is there twice. "No fault" may be written in the usual ways ("none", "no", "0", "good", ...; case does
 * not matter). The cohort is that of the comment, else
 * "table FILE". */
score_table *score_table_read(const char *path, const score_columns *c);

/* ---------------------------------------------------------------- parts and means */

/* Index of a metric; -1 with a message that lists those there are. */
int score_table_metric(const score_table *t, const char *key);

/* The different values of acceleration, method or fault (texts of t, one per row), in the order they appear;
 * values has room for t->label_count. Returns how many. */
size_t score_table_distinct(const score_table *t, const char *const *texts, const char **values);

/* The rows whose texts (t->method, say) are `value`, as a table of its own: it may have no rows at all. */
score_table *score_table_select(const score_table *t, const char *const *texts, const char *value);

/* Means over slices: a row per scan, acceleration, method and fault, slice -1. */
score_table *score_table_scan_means(const score_table *t);

/* What its rows are: "slice", "scan" where there is one row of each (and of its methods, ...), "row" where
 * that is not known. NULL when out of memory. */
const char *score_table_unit(const score_table *t);

#endif
