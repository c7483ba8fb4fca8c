/* What a perturbation sweep (figure 1) says about the poster's claims, from the curves of its scans: how much
 * a shift counts beside a blur and a noise, for SSFD and for what it is compared with.
 *
 * SSIM is that of the whole slice, or of its foreground alone (sweep_curves.ssim).
 *
 * At equal loss of SSIM: ratio of a score under a shift to that under a blur or a noise, each interpolated
 * where the SSIM of the scan has fallen to a given value (stats/matched.h).
 *
 * Robustness: of a metric and a scan,
 *   R = response(pixel_shift) / sqrt(response(gaussian_blur) * response(gaussian_noise)),
 * response: mean of the metric's distance over the levels of the grid, level 0 left out. R has no unit, so
 * that metrics can be compared: R of SSFD over R of another metric, below 1, says that SSFD reacts less to
 * shifts, for what it reacts to loss of detail and to noise. R depends on where the three grids end, which is
 * the same for all metrics, and on the distance as it is defined: the square of a distance has about the
 * square of its R. Distances: SSIM as 1 - SSIM; PSNR as NRMSE, of which it is a monotone function at a fixed
 * reference, and which is finite where nothing changes; feature distances as they are. */
#ifndef SSFD_STUDY_SWEEP_CLAIMS_H
#define SSFD_STUDY_SWEEP_CLAIMS_H

#include "core/csv.h"
#include "perturb/perturb.h"
#include "stats/matched.h"

#define SWEEP_PRIMARY_SSIM 0.80 /* where the poster's claim is judged: one value, and so one verdict */

/* Scores in the order of metrics/scores.h: SSFD, SSIM, PSNR, NRMSE, SSIM of the foreground, baselines. */
typedef struct {
    int scans, perturbations, levels, metrics;
    const perturbation *const *perturbation; /* [perturbations] */
    const char *const *key, *const *title;   /* [metrics]: in tables, in figures */
    const int *has_baselines;                /* [scans]: whether they were computed */
    int ssim;                                /* the one that is meant: SCORE_SSIM or SCORE_SSIM_FOREGROUND */
    double *values; /* [scans][perturbations][levels][metrics], level 0 first: means over the scan's slices;
                       NaN where not computed */
} sweep_curves;

double *sweep_curve_at(const sweep_curves *c, int scan, int perturbation, int level); /* [metrics] */

/* Ratio of a metric under a shift to that under perturbation `other`, both where the SSIM of a scan is
 * `target`: geometric mean over scans with a t interval. only_with_baselines leaves out the other scans. 1:
 * done; 0: fewer than half of the scans (or fewer than 3) get there under both, no statement; -1: error. */
int sweep_compare_at_ssim(const sweep_curves *c, int metric, int only_with_baselines, int shift, int other,
                          double target, interval *ratio, size_t *n);

/* R of every scan: ratio[scans]; NaN where a response is not known or is 0. -1: the sweep lacks one of the
 * three perturbations. */
int sweep_robustness(const sweep_curves *c, int metric, double *ratio);
/* R of SSFD over R of `metric`: geometric mean over scans with a t interval. 1, 0, -1 as above; 0 also where
 * the sweep lacks a perturbation. */
int sweep_compare_robustness(const sweep_curves *c, int metric, interval *ratio, size_t *n);

/* Comments, header and rows of two tables. Claims: shifts against blur and noise at SWEEP_PRIMARY_SSIM, all
 * scans; robustness against SSIM, PSNR and each baseline that is not SSFD's own network untrained. Baselines:
 * the ratios at equal SSIM for SSFD and every baseline at several values of SSIM, on the scans that baselines
 * were computed for. */
int sweep_write_claims(const sweep_curves *c, csv_writer *csv);
int sweep_write_baselines(const sweep_curves *c, csv_writer *csv);

#endif
