/* What a perturbation sweep (figure 1) says about the poster's claims, from the curves of its scans: how much a shift
 * counts compared with a blur and a noise, for SSFD and for the metrics it is compared with.
 *
 * At equal loss of SSIM (of the whole slice, or of its foreground: sweep_curves.against): ratio of a score under a shift
 * to that under a blur or a noise, each interpolated where the SSIM of the scan has fallen to a given value
 * (stats/matched.h).
 *
 * Robustness: of a metric and a scan,
 *   R = response(pixel_shift) / sqrt(response(gaussian_blur) * response(gaussian_noise)),
 * response: mean of the metric's distance over the levels of the grid except level 0. R has no unit, so metrics can be
 * compared: R of SSFD over R of another metric, below 1, says that SSFD responds less to shifts, relative to its response
 * to loss of detail and to noise. R depends on where the three grids end, which is the same for all metrics, and on the
 * definition of the distance: the square of a distance has about the square of its R. Distances are those of
 * metric.distance: 1 - SSIM, NRMSE for PSNR, feature distances as they are. */
#ifndef SSFD_STUDY_SWEEP_CLAIMS_H
#define SSFD_STUDY_SWEEP_CLAIMS_H

#include "core/csv.h"
#include "metrics/metric_set.h"
#include "perturb/perturb.h"
#include "stats/matched.h"

#define SWEEP_PRIMARY_SSIM 0.80 /* where the poster's claim is judged: one value, and so one verdict */

typedef struct {
    int scans, perturbations, levels;
    const perturbation *const *perturbation; /* [perturbations] */
    const metric_set *metrics;
    int ssfd, against;        /* metrics: the subject, and the similarity (SSIM) whose loss is held equal */
    const int *has_requested; /* [scans]: whether the metrics on request were computed */
    double *values;           /* [scans][perturbations][levels][metrics], level 0 first: means over the scan's
                               * slices; NaN where not computed */
} sweep_curves;

/* 0 where a metric can be held equal: a similarity, 1 for equal images; else -1 with a message. */
int sweep_check_against(const metric *m);

double *sweep_curve_at(const sweep_curves *c, int scan, int perturbation, int level); /* [metrics] */

/* Ratio of a metric under a shift to that under perturbation `other`, both where the SSIM of a scan is
 * `target`: geometric mean over scans with a t interval. only_requested excludes
 * scans without the metrics on request. 1: done; 0: fewer than half of the scans (or fewer than 3) get there under both, no statement; -1: error. */
int sweep_compare_at_ssim(const sweep_curves *c, int metric, int only_requested, int shift, int other,
                          double target, interval *ratio, size_t *n);

/* R of every scan: ratio[scans]; NaN where a response is not known or is 0. -1: the sweep lacks one of the
 * three perturbations. */
int sweep_robustness(const sweep_curves *c, int metric, double *ratio);
/* R of SSFD over R of `metric`: geometric mean over scans with a t interval. 1, 0, -1 as above; 0 also where
 * the sweep lacks a perturbation. */
int sweep_compare_robustness(const sweep_curves *c, int metric, interval *ratio, size_t *n);

/* A ratio at equal SSIM: of a metric under a shift to that under perturbation `other`. */
typedef struct {
    int metric, other;
    double at; /* SSIM */
    interval ratio;
    size_t n; /* scans */
} sweep_ratio;

/* Those of SSFD and every metric on request at several values of SSIM, on the scans that these were computed for.
 * ratios has room for SWEEP_RATIOS. How many; -1 with a message. */
#define SWEEP_RATIOS (8 * METRICS_MAX)
int sweep_ratios(const sweep_curves *c, sweep_ratio *ratios);

/* Comments, header and rows of two tables. Claims: shifts compared with blur and noise at SWEEP_PRIMARY_SSIM, all
 * scans; robustness compared with that of `against` and every claimed metric. Baselines: the ratios above. */
int sweep_write_claims(const sweep_curves *c, csv_writer *csv);
int sweep_write_baselines(const sweep_curves *c, csv_writer *csv);

#endif
