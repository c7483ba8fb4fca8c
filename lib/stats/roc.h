/* How well a score tells cases from controls: the area under the receiver operating characteristic. A row
 * is one value of a score; a higher one points to a case. */
#ifndef SSFD_STATS_ROC_H
#define SSFD_STATS_ROC_H

#include "stats/bootstrap.h"

/* Chance that a case scores higher than a control, ties counting one half (Mann & Whitney 1947; Hanley &
 * McNeil 1982, Radiology 143:29): 0.5 for a constant score. NaN without a case, without a control and
 * where a score is NaN. O(cases * controls). */
double roc_area(const double *score, const int *is_case, size_t n);

/* The area with an interval that holds at 0 and 1, too, where each row is a scan of its own:
 * Newcombe 2006 (Stat. Med. 25:559), method 5, the areas A with |A - estimate| <= z sqrt(V(A)), m cases,
 * n controls, N = (m + n) / 2 - 1,
 *   V(A) = A (1 - A) / (m n) (1 + N (1 - A) / (2 - A) + N A / (1 + A)).
 * Errors: no case, no control, a score that is NaN, a confidence outside (0, 1). */
int roc_interval(const double *score, const int *is_case, size_t n, double confidence, interval *out);

/* The area of a, or area(a) - area(b) of the same rows where b is not NULL. A scan may have several rows
 * (images of it by several methods): scan s has the rows first[s] .. first[s + 1] - 1. BCa intervals over
 * scans (stats/bootstrap.h) whose replicates draw scans with all their rows; a scan is only
 * replaced by one of its kind, with cases, controls or both (plan->stratum is not used). Ends that would be the same
 * number are NaN: every replicate of two areas of 1 has the difference 0, which says nothing about how
 * certain it is. Errors: fewer than 2 scans with cases or with controls, a scan without rows, a score that
 * is NaN, and those of bootstrap_bca(). */
int roc_bootstrap(const double *a, const double *b, const int *is_case, const size_t *first,
                  const bootstrap_plan *plan, interval *out);

#endif
