/* How well scores find the acquisitions that something went wrong in: cases are scans with a fault, controls
 * those without. */
#ifndef SSFD_STUDY_DETECTION_H
#define SSFD_STUDY_DETECTION_H

#include "stats/bootstrap.h"
#include "study/score_table.h"

#define DETECTION_ANY_FAULT "any"
#define DETECTION_FEW 10 /* with fewer cases an area has no interval */

/* +1 where a higher score means a poorer image (distances), -1 for names that begin with "ssim" or "psnr". */
double detection_sign(const char *metric);

typedef struct {
    size_t n, cases;
    int *is_case; /* [n] */
    double *poor; /* [metrics][n]: score times its sign, so that larger is poorer */
} detection;

/* means: rows are scans (score_table_scan_means()), or several of each where a table has several methods.
 * fault: cases are the rows with this one, other faults are left out; DETECTION_ANY_FAULT: all. -1 when out
 * of memory. */
int detection_make(detection *d, const score_table *means, const char *fault);
void detection_free(detection *d);

/* Area under the ROC curve of a metric with Newcombe's interval (stats/roc.h). *note says why a value or an
 * interval is missing (NaN): no cases, no controls, fewer than DETECTION_FEW cases; "" when nothing is. */
int detection_area(const detection *d, int metric, double confidence, stats_interval *out, const char **note);

/* Area of a metric minus that of another, on the same scans, with a BCa interval; notes likewise. */
int detection_compare(const detection *d, int metric, int other, const bootstrap_plan *plan,
                      stats_interval *out, const char **note);

#endif
