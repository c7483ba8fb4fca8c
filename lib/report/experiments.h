/* The experiments that have a section on the page, in its order: the poster's first. */
#ifndef SSFD_REPORT_EXPERIMENTS_H
#define SSFD_REPORT_EXPERIMENTS_H

#include "report/study.h"
#include "report/template.h"

/* To add one: lib/report/<name>.c defines `const experiment_section experiment_<name>`, <name>.html next to it holds the
 * prose, and its name goes into the list of experiments.c. */
typedef struct {
    const char *name;    /* <name>.csv, <name>_claims.csv, figures/<name>.png and .pdf */
    const char *title;   /* of the section */
    const char *table;   /* that the section is written from */
    const char *columns; /* that it needs, comma-separated */
    table_status status;
    const char *prose; /* parts of a template: alt (for the figure), caption, and more, if anything follows */
    /* Data for the prose, into `item`. -1 with a message. */
    int (*describe)(const study *s, const csv_table *t, json_t *item);
} experiment_section;

const experiment_section *const *experiment_sections(void); /* ends with NULL */

#endif
