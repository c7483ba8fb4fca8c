/* Figure 3, as tables that are ready to draw (study/figure.h): scatters of the baseline and of SSFD against the metric
 * that they are held against, with faults and two examples marked; the examples' images; the area under the ROC curve of
 * every metric for finding the faults. */
#ifndef SSFD_STUDY_QUALITY_FIGURE_H
#define SSFD_STUDY_QUALITY_FIGURE_H

#include "study/examples.h"
#include "study/figure.h"
#include "study/score_table.h"

#define QUALITY_EXAMPLES 2

/* Areas under the ROC curve of one kind of fault. */
typedef struct {
    char fault[256];
    size_t cases;     /* rows with it */
    interval *metric; /* [metrics], owned */
} quality_areas;

/* A row of the table that is shown. */
typedef struct {
    const char
        *name; /* "blue": images are called quality_control_<name>_reference, _reconstruction and _error */
    size_t row, scan;
} quality_example;

typedef struct {
    const score_table *table;
    const char *unit;            /* of its rows (score_table_unit()) */
    const char *unit_of_areas;   /* "scan", or "row": a scan has several */
    int against, ssfd, baseline; /* metrics of the table; baseline -1: none */
    size_t faulty;               /* scans with a fault */
    quality_example example[QUALITY_EXAMPLES];
    example_choice choice;
    int image_rows, image_columns; /* 0: there are no images */
    const char *error_title;       /* of the image of errors */
    interval *pearson;             /* [metrics], correlation with `against` over all rows */
    size_t count;                  /* kinds of faults, all together first; 0: no areas */
    quality_areas *areas;          /* [count] */
} quality_figure;

/* Room for the numbers of a table; -1 when out of memory. Call quality_figure_close() then, too. */
int quality_figure_open(quality_figure *q, const score_table *table);
void quality_figure_close(quality_figure *q); /* zeroed is allowed */
/* The areas of one more kind of fault, for the caller to fill in; NULL when out of memory. */
interval *quality_figure_areas(quality_figure *q, const char *fault, size_t cases);

/* OUT/panels/quality_control_*.tsv; -1 with a message. */
int quality_figure_write(const quality_figure *q, const char *out);

#endif
