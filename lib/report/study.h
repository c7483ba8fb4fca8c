/* What a page is made from: the tables, claims, figures, weights and run records of one study. */
#ifndef SSFD_REPORT_STUDY_H
#define SSFD_REPORT_STUDY_H

#include "core/csv.h"
#include "core/list.h"
#include "study/claim.h"
#include <jansson.h>

#define STUDY_PATH 4096
#define STUDY_TABLES 16
#define STUDY_VIRTUAL_COHORT "colin27-virtual"

typedef struct {
    const char *results;                 /* folder */
    const char *weights, *recon_weights; /* files */
    char cohort[128];                    /* that the sweep is about */
    csv_table *tables[STUDY_TABLES];
    size_t table_count;
    claim_list claims;
    json_t *records; /* an array, by name */
} study;

/* Reads the run records. Release with study_close() in either case. */
int study_open(study *s, const char *results, const char *weights, const char *recon_weights);
void study_close(study *s);

/* Paths and files of the results. */
void study_path(const study *s, const char *name, char path[STUDY_PATH]);
int study_has(const study *s, const char *name);
/* name_list_folder() of one of its folders. */
int study_list_files(const study *s, const char *folder, const char *ending, name_list *list);
/* Writes a file that appears whole or not at all. */
int study_write(const study *s, const char *name, int (*write)(FILE *f, const json_t *data),
                const json_t *data);

typedef enum {
    TABLE_EXPECTED, /* without it the page says how to make it */
    TABLE_NEEDED,   /* without it there is no page */
    TABLE_OPTIONAL  /* without it the page does not mention it; it may have no rows */
} table_status;

/* Reads a table that must have these columns, comma-separated, and rows. */
int study_read_table(study *s, const char *name, const char *columns, table_status status);
/* A table that was read; NULL: it was not there. */
const csv_table *study_table(const study *s, const char *name);

/* The first row from `from` on that has all these texts; -1: there is none, or t is NULL.
 * STUDY_ROW(t, 0, {"metric", "ssfd"}, {"unit", "scan"}) */
int study_find_row(const csv_table *t, int from, const char *const (*wanted)[2], size_t count);
#define STUDY_ROW(t, from, ...)                                                                              \
    study_find_row(t, from, (const char *const[][2]){__VA_ARGS__},                                           \
                   sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))
/* A field, "not recorded" for row -1; a number, NaN for row -1 and where it is none. */
const char *study_text(const csv_table *t, int row, const char *column);
double study_number(const csv_table *t, int row, const char *column);
/* A comment of a table (csv_table_comment()), or what stands for it where it is missing. */
const char *study_comment(const csv_table *t, const char *key, const char *otherwise);

#endif
