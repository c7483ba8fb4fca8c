/* Figure 2, as tables that are ready to draw (study/figure.h): a scatter of each layer shown with its least-squares line,
 * and curves of the correlations of all layers against depth. */
#ifndef SSFD_STUDY_LAYER_FIGURE_H
#define SSFD_STUDY_LAYER_FIGURE_H

#include "stats/correlation.h"
#include "study/figure.h"
#include "study/score_table.h"

#define LAYER_FIGURE_LAYERS 16 /* FEATURE_MAX_LAYERS */
#define LAYER_FIGURE_CURVES 64

/* Correlations of all layers with the outcome, over the rows of a group: "pooled", "method unet". */
typedef struct {
    char group[256];
    correlation_kind kind;
    interval r[LAYER_FIGURE_LAYERS];
} layer_curve;

typedef struct {
    const score_table *table;
    const char *unit;    /* of its rows (score_table_unit()) */
    int outcome, layers; /* metric of the table; how many layers */
    const int *metric;   /* [layers], in order of depth */
    const int *is_shown; /* [layers]: with a scatter of its own */
    double sign;         /* -1: the scores fall as the outcome rises, and minus r is drawn */
    interval trend;      /* slope of sign * r per layer, of all rows; NaN: none */
    int curves;
    layer_curve curve[LAYER_FIGURE_CURVES]; /* the pooled ones, a curve for each kind, come first */
} layer_figure;

/* Keeps Pearson's r of every group and all coefficients of the pooled rows; others, and more than there is room for, are
 * left out. */
void layer_figure_add(layer_figure *l, const char *group, correlation_kind kind, const interval *r);

/* OUT/panels/layer_correlation_*.tsv; -1 with a message. */
int layer_figure_write(const layer_figure *l, const char *out);

#endif
