/* The results page and what it is put together from: tables, weights and run records of one study. */
#ifndef SSFD_REPORT_REPORT_H
#define SSFD_REPORT_REPORT_H

#include "core/csv.h"
#include <jansson.h>
#include <stdio.h>

#define REPORT_PATH 4096
#define REPORT_VIRTUAL_COHORT "colin27-virtual"
#define REPORT_FOREGROUND "foreground/" /* of the results: what was made with SSIM over the foreground */

typedef struct {
    char **names; /* sorted */
    int count;
} name_list;

typedef struct {
    const char *results, *weights, *recon_weights;
    FILE *page;
    csv_table *sweep, *claims;
    csv_table *inpainting, *layers, *quality, *ablation; /* NULL: that experiment has not been run */
    csv_table *foreground_layers, *foreground_quality, *foreground_claims; /* with SSIM over the foreground */
    name_list tables, foreground_tables;
    json_t **records; /* [record_count] */
    int record_count;
    char cohort[128];
} report;

/* Reads the sweep's table, which has to be there, those of the other experiments and the run records. Release
 * with report_free() in either case. */
int report_open(report *r);
void report_free(report *r);

/* Puts all <experiment>_claims.csv together as claims.csv and reads that; those in foreground/ likewise.
 * Then tables and foreground_tables are all that there are. */
int report_write_claims(report *r);
int report_write_manifest(const report *r);
/* The page, index.html. */
int report_write_page(report *r);

/* --- for the sections --- */

int report_has(const report *r, const char *file);      /* among the results */
char *report_read_file(const char *path, size_t *size); /* with a 0 behind it; the caller's */
int report_list_files(const char *folder, const char *ending, name_list *list);
void report_free_names(name_list *list);
/* Text behind "name: " among a table's comments; NULL when there is none. */
const char *report_comment(const csv_table *t, const char *name);
int report_ends_with(const char *name, const char *ending);
/* A file that appears whole or not at all: `temporary` is the caller's until report_finish(), which drops the
 * file unless status is 0. */
FILE *report_begin(const char *path, char **temporary);
int report_finish(FILE *f, char *temporary, const char *path, int status);

#endif
