/* How well scores find the acquisitions that something went wrong in: cases are rows with a fault, controls
 * those without. A row is a scan, or, where a table has several methods or accelerations, one of each. */
#ifndef SSFD_STUDY_DETECTION_H
#define SSFD_STUDY_DETECTION_H

#include "stats/bootstrap.h"
#include "study/score_table.h"

#define DETECTION_ANY_FAULT "any"
#define DETECTION_FEW 10 /* with fewer scans with or without a fault an area has no interval */

typedef struct {
    size_t n, cases;                         /* rows */
    size_t scans, case_scans, control_scans; /* scans with such rows; one may be among both */
    size_t *first; /* [scans + 1]: scan s has the rows first[s] .. first[s + 1] - 1 */
    int *is_case;  /* [n] */
    double *poor;  /* [metrics][n]: score times its sign, so that larger is poorer */
} detection;

/* means: of score_table_scan_means(). fault: cases are the rows with this one, other faults are left out;
 * DETECTION_ANY_FAULT: all. -1 when out of memory. */
int detection_make(detection *d, const score_table *means, const char *fault);
void detection_free(detection *d);

/* Area under the ROC curve of a metric (stats/roc.h), with Newcombe's interval where each scan has one row,
 * else with a BCa interval over scans. plan->scans is d->scans. *note says why a value or an interval is
 * missing (NaN): no cases, no controls, fewer than DETECTION_FEW scans with or without a fault, no resample
 * that differs; "" when nothing is. */
int detection_area(const detection *d, int metric, const bootstrap_plan *plan, interval *out,
                   const char **note);

/* Area of a metric minus that of another, on the same rows, with a BCa interval over scans; notes likewise.
 */
int detection_compare(const detection *d, int metric, int other, const bootstrap_plan *plan, interval *out,
                      const char **note);

#endif
