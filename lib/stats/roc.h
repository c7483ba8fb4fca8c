/* How well a score tells cases from controls: the area under the receiver operating characteristic. One value
 * per scan, a higher one speaks for a case. */
#ifndef SSFD_STATS_ROC_H
#define SSFD_STATS_ROC_H

#include "stats/bootstrap.h"

/* Chance that a case scores higher than a control, ties counted by half (Mann & Whitney 1947; Hanley & McNeil
 * 1982, Radiology 143:29): 0.5 for a constant score. -1: no case or no control, numbers that are not finite,
 * no memory. */
int roc_area(const double *score, const int *is_case, size_t n, double *area);

/* The area with an interval that is one also at 0 and 1: Newcombe 2006 (Stat. Med. 25:559), method 5, the
 * areas A with |A - estimate| <= z sqrt(V(A)), m cases, n controls, N = (m + n) / 2 - 1,
 *   V(A) = A (1 - A) / (m n) (1 + N (1 - A) / (2 - A) + N A / (1 + A)). */
int roc_interval(const double *score, const int *is_case, size_t n, double confidence, stats_interval *out);

/* area(a) - area(b) of the same scans, with a BCa interval (stats/bootstrap.h; plan->stratum is set here:
 * cases replace cases, controls controls). */
int roc_compare(const double *a, const double *b, const int *is_case, const bootstrap_plan *plan,
                stats_interval *out);

#endif
