#include "study/layer_figure.h"

#include <gsl/gsl_fit.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define POOLED "pooled"
#define STYLES 6 /* of curves */

void layer_figure_add(layer_figure *l, const char *group, correlation_kind kind, const interval *r) {
    if ((strcmp(group, POOLED) != 0 && kind != CORRELATION_PEARSON) || l->curves == LAYER_FIGURE_CURVES)
        return;
    layer_curve *c = &l->curve[l->curves++];
    snprintf(c->group, sizeof c->group, "%s", group);
    c->kind = kind;
    for (int k = 0; k < l->layers; k++)
        c->r[k] = l->sign > 0 ? r[k] : interval_negate(r[k]);
}

/* What a point is: "slices", "scans"; several methods or accelerations make several points of a scan. */
static void points_text(const layer_figure *l, char *text, size_t size) {
    int is_scan = strcmp(l->unit, "scan") == 0;
    snprintf(text, size, is_scan && l->table->rows != l->table->scans ? "reconstructions" : "%ss", l->unit);
}

/* ---------------------------------------------------------------- scatters */

static void draw_scatter(const layer_figure *l, figure *f, int layer, interval r) {
    const score_table *t = l->table;
    const metric_label *label = &t->metric[l->metric[layer]];
    const double *x = t->values[l->outcome], *y = t->values[l->metric[layer]];
    double intercept, slope, cov[3], squares, low, high, from, to;
    char y_title[METRIC_NAME + 32], found[64], text[80];
    gsl_fit_linear(x, 1, y, 1, t->rows, &intercept, &slope, &cov[0], &cov[1], &cov[2], &squares);
    gsl_stats_minmax(&from, &to, x, 1, t->rows);
    gsl_stats_minmax(&low, &high, y, 1, t->rows);
    int power = figure_power(low, high, 0.25);
    double unit = pow(10.0, power);
    figure_in_units(y_title, sizeof y_title, label->roles & METRIC_LAYER ? "SSFD" : label->title, power);
    figure_number(found, sizeof found, r, 2);
    snprintf(text, sizeof text, "r = %s", found);
    int axes =
        figure_axes(f, label->title, t->metric[l->outcome].title, figure_range_around(from, to, 0.05, 5),
                    y_title, figure_range_around(low / unit, high / unit, 0.05, 3));
    int points = figure_series(f, axes, 1, ""), line = figure_series(f, axes, 2, text);
    for (size_t row = 0; row < t->rows; row++)
        figure_point(f, points, x[row], y[row] / unit);
    figure_point(f, line, from, (slope * from + intercept) / unit);
    figure_point(f, line, to, (slope * to + intercept) / unit);
}

static void draw_scatters(const layer_figure *l, figure *f) {
    int shown = 0;
    for (int k = 0; k < l->layers; k++)
        shown += l->is_shown[k];
    figure_note(f, "scatters", "%d", shown);
    for (int k = 0; k < l->layers; k++)
        if (l->is_shown[k]) {
            interval r = l->curve[0].r[k];
            draw_scatter(l, f, k, l->sign > 0 ? r : interval_negate(r));
        }
}

/* ---------------------------------------------------------------- correlation against depth */

/* Tenths around all that is drawn, zero included. */
static figure_range range_of_strength(const layer_figure *l) {
    double low = 0.0, high = 0.0;
    for (int c = 0; c < l->curves; c++)
        for (int k = 0; k < l->layers; k++) {
            const interval *r = &l->curve[c].r[k];
            low = fmin(low, fmin(r->estimate, r->low));
            high = fmax(high, fmax(r->estimate, r->high));
        }
    low = low < -0.9 ? -1.0 : low < 0.0 ? floor(low * 10.0 - 0.01) / 10.0 : 0.0;
    high = high > 0.9 ? 1.0 : ceil(high * 10.0 + 0.01) / 10.0;
    return (figure_range){low, high, figure_range_around(low, high, 0.0, 7).step};
}

/* Curve number k of `count` in one pair of axes: their points lie side by side. */
static void draw_curve(const layer_figure *l, figure *f, int axes, const layer_curve *c, int k, int count,
                       const char *label) {
    double spread = l->layers < 9 ? 0.06 * l->layers : 0.5;
    int series = figure_series(f, axes, 1 + k % STYLES, label);
    for (int layer = 0; layer < l->layers; layer++)
        figure_mark(f, series, layer + 1 + (k - 0.5 * (count - 1)) * spread / count, c->r[layer]);
}

static int begins_with(const char *group, const char *word) {
    return strncmp(group, word, strlen(word)) == 0 && group[strlen(word)] == ' ';
}

static int depth_axes(const layer_figure *l, figure *f, const char *title) {
    char strength[METRIC_NAME + 32];
    snprintf(strength, sizeof strength, "%scorrelation with %s", l->sign < 0 ? "−" : "",
             l->table->metric[l->outcome].title);
    return figure_axes(f, title, "", (figure_range){0.5, l->layers + 0.5, 0.0}, strength,
                       range_of_strength(l));
}

static void draw_pooled(const layer_figure *l, figure *f) {
    static const char *const names[CORRELATION_KINDS] = {"Pearson's r", "Spearman's ρ", "Kendall's τ"};
    char points[64], trend[64], title[256];
    points_text(l, points, sizeof points);
    figure_number(trend, sizeof trend, l->trend, 3);
    snprintf(title, sizeof title,
             isnan(l->trend.estimate) ? "All %s" : "All %s; slope of %sr per layer (Pearson): %s", points,
             l->sign < 0 ? "−" : "", trend);
    int axes = depth_axes(l, f, title);
    for (int k = 0; k < CORRELATION_KINDS && k < l->curves; k++)
        draw_curve(l, f, axes, &l->curve[k], k, CORRELATION_KINDS, names[l->curve[k].kind]);
}

/* Pearson's r of the groups whose name begins with `what`. */
static void draw_groups(const layer_figure *l, figure *f, const char *what) {
    char title[64];
    int count = 0, k = 0, axes = 0;
    for (int c = 0; c < l->curves; c++)
        count += begins_with(l->curve[c].group, what);
    snprintf(title, sizeof title, "By %s, Pearson's r", what);
    for (int c = 0; c < l->curves; c++)
        if (begins_with(l->curve[c].group, what)) {
            axes = axes ? axes : depth_axes(l, f, title);
            draw_curve(l, f, axes, &l->curve[c], k++, count, l->curve[c].group + strlen(what) + 1);
        }
}

int layer_figure_write(const layer_figure *l, const char *out) {
    char points[64];
    figure *f = figure_open(out, "layer_correlation");
    if (!f)
        return -1;
    points_text(l, points, sizeof points);
    figure_note(f, "points", "%zu", l->table->rows);
    figure_note(f, "caption",
                "points: %s (n = %zu of %zu scans); lines: least squares; r: Pearson's, with its interval",
                points, l->table->rows, l->table->scans);
    figure_note(f, "caption 2", "intervals: 95 %% BCa bootstrap over scans; cohort: %s", l->table->cohort);
    draw_scatters(l, f);
    draw_pooled(l, f);
    draw_groups(l, f, "acceleration");
    draw_groups(l, f, "method");
    for (int k = 0; k < l->layers; k++)
        figure_tick(f, 1, k + 1, l->table->metric[l->metric[k]].title, "");
    return figure_close(f, 0);
}
