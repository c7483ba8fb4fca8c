/* Comparing perturbations at equal loss of SSIM: what SSFD is where the SSIM of a scan has fallen to a given
 * value, and how two perturbations differ there, scan by scan. */
#ifndef SSFD_STATS_MATCHED_H
#define SSFD_STATS_MATCHED_H

#include "stats/interval.h"

/* SSFD at SSIM = target on the curve of one scan and one perturbation. ssim[] and ssfd[] are ordered by
 * level, level 0 (none) first; between two levels both are taken as linear. With i the first level whose
 * ssim[i] <= target (the first crossing: SSIM need not fall all the way),
 *   *value = ssfd[i-1] + (ssim[i-1] - target) / (ssim[i-1] - ssim[i]) * (ssfd[i] - ssfd[i-1]),
 * ssfd[0] when i = 0, and NaN when the curve never reaches the target: that is an answer, not an error.
 * Fewer than 2 levels or numbers that are not finite are errors. */
int matched_value(const double *ssim, const double *ssfd, size_t levels, double target, double *value);

/* Geometric mean over scans of a[i]/b[i] with a Student-t interval on the logarithms,
 *   l_i = log(a[i]/b[i]),  ratio = exp(mean l),  interval = exp(mean l -/+ t(n-1) sd(l) / sqrt(n)).
 * Scans where a or b is NaN (never reached, see matched_value()) are left out; *used counts the others.
 * Values that are infinite or <= 0, and fewer than 2 scans left, are errors. An interval wholly below 1
 * says that a reacts less than b. */
int matched_log_ratio(const double *a, const double *b, size_t n, double confidence, interval *ratio,
                      size_t *used);

#endif
