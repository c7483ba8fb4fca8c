/* How well a score tells cases from controls: the area under the ROC curve. */
#ifndef SSFD_STATS_ROC_H
#define SSFD_STATS_ROC_H

#include "stats/bootstrap.h"

/* The share of pairs (case, control) in which the case has the higher score, ties by half: the Mann-Whitney
 * statistic over its maximum. 0.5 for a constant score; NaN where a score is NaN and without cases or without
 * controls. O(cases * controls). */
double roc_area(const double *score, const int *is_case, size_t n);

/* The area A of n scans with an interval that does not collapse at A = 1: Newcombe 2006 (Stat. Med. 25:559),
 * method 5, of Wilson's type. With m cases and k controls, its ends are the solutions t of
 *   (t - A)^2 = z^2 V(t),  V(t) = t (1 - t) / (m k) * (1 + N ((1 - t) / (2 - t) + t / (1 + t))),
 *   N = (m + k) / 2 - 1,   z the normal quantile of (1 + confidence) / 2.
 * Each score stands for a scan. Errors: no cases, no controls, a score that is NaN, a confidence not between
 * 0 and 1. */
int roc_interval(const double *score, const int *is_case, size_t n, double confidence, stats_interval *out);

/* area(a) - area(b) on the same scans [plan->scans], with a BCa interval (stats/bootstrap.h); cases and
 * controls are resampled apart, plan->stratum is not looked at. Where no replicate differs from another (both
 * areas are 1, say) the ends are NaN: such scans cannot tell a from b.
 * Errors: fewer than 2 cases or 2 controls, a score that is NaN, and those of bootstrap_bca(). */
int roc_compare(const double *a, const double *b, const int *is_case, const bootstrap_plan *plan,
                stats_interval *out);

#endif
