/* The figures of a perturbation sweep, as tables that are ready to draw (study/figure.h). */
#ifndef SSFD_STUDY_SWEEP_FIGURES_H
#define SSFD_STUDY_SWEEP_FIGURES_H

#include "study/figure.h"
#include "study/sweep_claims.h"

/* What is drawn of a sweep. */
typedef struct {
    const sweep_curves *curves;
    const double *level_max; /* [perturbations]: ends of their grids */
    interval *means;         /* [perturbations][levels][metrics], over scans; NaN: not known */
    const char *cohort;
} sweep_means;

interval *sweep_mean_at(const sweep_means *s, int perturbation, int level, int metric);

/* Figure 1, whose images the caller adds: axes for each perturbation, with SSFD and the metric it is held against. The
 * range of the latter, on the right, is in the notes. */
void sweep_draw(figure *f, const sweep_means *s);

/* SSFD next to the metrics on request, in OUT/panels/perturbation_baselines_*.tsv. Axes for each perturbation: distances
 * as shares of their largest mean. Then axes for each perturbation that shifts are compared with, where there are ratios:
 * these at several values of the metric that is held equal. */
int sweep_draw_baselines(const char *out, const sweep_means *s);

#endif
