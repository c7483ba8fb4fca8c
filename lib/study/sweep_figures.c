#include "study/sweep_figures.h"

#include <math.h>
#include <stdio.h>

#define SHARES_TOP 1.08
#define SPARE_STYLE 8

interval *sweep_mean_at(const sweep_means *s, int perturbation, int level, int metric) {
    const sweep_curves *c = s->curves;
    return s->means + ((size_t)perturbation * c->levels + level) * c->metrics->count + metric;
}

static const metric_label *label_of(const sweep_means *s, int metric) {
    return &s->curves->metrics->entry[metric].label;
}

static double level_at(const sweep_means *s, int p, int level) {
    return s->level_max[p] * level / (s->curves->levels - 1);
}

/* The least low end and the largest high end of a metric's intervals. */
static interval ends_of(const sweep_means *s, int metric) {
    interval ends = {NAN, INFINITY, -INFINITY};
    for (int p = 0; p < s->curves->perturbations; p++)
        for (int level = 0; level < s->curves->levels; level++) {
            const interval *mean = sweep_mean_at(s, p, level, metric);
            ends.low = fmin(ends.low, mean->low);
            ends.high = fmax(ends.high, mean->high);
        }
    return ends;
}

/* ---------------------------------------------------------------- figure 1 */

static void draw_curve(figure *f, const sweep_means *s, int axes, int p, int metric) {
    int series = figure_series(f, axes, label_of(s, metric)->style, label_of(s, metric)->title);
    for (int level = 0; level < s->curves->levels; level++)
        figure_mark(f, series, level_at(s, p, level), *sweep_mean_at(s, p, level, metric));
}

void sweep_draw(figure *f, const sweep_means *s) {
    const sweep_curves *c = s->curves;
    double top = ends_of(s, c->ssfd).high, loss = 1.0 - ends_of(s, c->against).low;
    figure_note(f, "caption", "n = %d scans; bands: 95 %% Student-t intervals of the mean; cohort: %s",
                c->scans, s->cohort);
    figure_note(f, "right low", "%.9g", loss > 0.0 ? 1.0 - 1.05 * loss : 0.0);
    for (int p = 0; p < c->perturbations; p++) {
        char title[256];
        snprintf(title, sizeof title, "%s: %s", c->perturbation[p]->title, c->perturbation[p]->level_name);
        int axes = figure_axes(f, "", title, (figure_range){0.0, s->level_max[p], 0.0}, "",
                               (figure_range){0.0, top > 0.0 ? 1.05 * top : 1.0, 0.0});
        draw_curve(f, s, axes, p, c->ssfd);
        draw_curve(f, s, axes, p, c->against);
    }
}

/* ---------------------------------------------------------------- baselines */

/* What is drawn: SSFD, the metrics on request, the other distances, last the metric that SSFD is held against. */
typedef struct {
    int count, metric[METRICS_MAX], style[METRICS_MAX];
    double largest[METRICS_MAX]; /* distance */
} selection;

static interval distance_at(const sweep_means *s, int p, int level, int metric) {
    const interval *mean = sweep_mean_at(s, p, level, metric);
    const metric_label *label = label_of(s, metric);
    return (interval){metric_as_distance(label, mean->estimate), metric_as_distance(label, mean->low),
                      metric_as_distance(label, mean->high)};
}

static void select_metric(const sweep_means *s, selection *chosen, int metric) {
    double largest = 0.0;
    for (int p = 0; p < s->curves->perturbations; p++)
        for (int level = 0; level < s->curves->levels; level++)
            largest = fmax(largest, distance_at(s, p, level, metric).estimate);
    chosen->metric[chosen->count] = metric;
    chosen->style[chosen->count] = label_of(s, metric)->style;
    chosen->largest[chosen->count++] = largest > 0.0 ? largest : 1.0;
}

/* Metrics without a style of their own, or with that of another one, get those that are left for them in plots/style.gp:
 * the last two, in turn. */
static void choose_styles(selection *chosen) {
    int used[SPARE_STYLE] = {0}, spare = 0;
    used[chosen->style[chosen->count - 1] % SPARE_STYLE] = 1;
    for (int k = 0; k < chosen->count - 1; k++) {
        int style = chosen->style[k] % SPARE_STYLE;
        chosen->style[k] = style && !used[style] ? style : SPARE_STYLE + spare++ % 2;
        used[style] = 1;
    }
}

static selection select_metrics(const sweep_means *s) {
    const sweep_curves *c = s->curves;
    selection chosen = {0};
    select_metric(s, &chosen, c->ssfd);
    for (int m = 0; m < c->metrics->count; m++)
        if (c->metrics->entry[m].on_request)
            select_metric(s, &chosen, m);
    for (int m = 0; m < c->metrics->count; m++)
        if (!c->metrics->entry[m].on_request && m != c->ssfd && m != c->against &&
            label_of(s, m)->direction == METRIC_LOWER_IS_BETTER)
            select_metric(s, &chosen, m);
    select_metric(s, &chosen, c->against);
    choose_styles(&chosen);
    return chosen;
}

static double inside(double share) {
    return fmin(fmax(share, 0.0), SHARES_TOP);
}

static void draw_share(figure *f, const sweep_means *s, int axes, int p, const selection *chosen, int k) {
    char title[METRIC_NAME + 16];
    const metric_label *label = label_of(s, chosen->metric[k]);
    snprintf(title, sizeof title, label->direction == METRIC_HIGHER_IS_BETTER ? "1 − %s" : "%s",
             label->title);
    int series = figure_series(f, axes, chosen->style[k], title);
    for (int level = 0; level < s->curves->levels; level++) {
        interval d = distance_at(s, p, level, chosen->metric[k]);
        double unit = chosen->largest[k];
        if (!isnan(d.estimate))
            figure_mark(f, series, level_at(s, p, level),
                        (interval){d.estimate / unit, inside(d.low / unit), inside(d.high / unit)});
    }
}

static void draw_shares(figure *f, const sweep_means *s, const selection *chosen) {
    for (int p = 0; p < s->curves->perturbations; p++) {
        const perturbation *q = s->curves->perturbation[p];
        int axes = figure_axes(f, q->title, q->level_name, (figure_range){0.0, s->level_max[p], 0.0},
                               "share of the largest mean", (figure_range){0.0, SHARES_TOP, 0.0});
        for (int k = 0; k < chosen->count; k++)
            draw_share(f, s, axes, p, chosen, k);
    }
}

/* Ratios of one metric under a shift and perturbation `other`; those of several metrics lie side by side. */
static void draw_ratios_of(figure *f, int axes, const selection *chosen, int k, int other,
                           const sweep_ratio *ratios, int count) {
    int series = 0;
    for (int r = 0; r < count; r++)
        if (ratios[r].metric == chosen->metric[k] && ratios[r].other == other) {
            series = series ? series : figure_series(f, axes, chosen->style[k], "");
            figure_mark(f, series, ratios[r].at - 0.003 * (k + 1 - 0.5 * chosen->count), ratios[r].ratio);
        }
}

/* 1, where a shift counts as much as the other, is always in view. */
static figure_range range_of_ratios(const sweep_ratio *ratios, int count) {
    figure_range range = {INFINITY, 1.0, 0.0};
    for (int r = 0; r < count; r++) {
        range.low = fmin(range.low, ratios[r].ratio.low);
        range.high = fmax(range.high, ratios[r].ratio.high);
    }
    return (figure_range){range.low / 1.5, range.high * 1.5, 0.0};
}

static void draw_ratios(figure *f, const sweep_means *s, const selection *chosen, const sweep_ratio *ratios,
                        int count) {
    char title[256], at[METRIC_NAME + 16];
    figure_range range = range_of_ratios(ratios, count);
    snprintf(at, sizeof at, "both at an %s of", label_of(s, s->curves->against)->title);
    for (int p = 0; p < s->curves->perturbations; p++) {
        int found = 0;
        while (found < count && ratios[found].other != p)
            found++;
        if (found == count)
            continue;
        snprintf(title, sizeof title, "Pixel shift against %s", s->curves->perturbation[p]->title);
        int axes =
            figure_axes(f, title, at, (figure_range){0.985, 0.665, 0.0}, "ratio of the distances", range);
        for (int k = 0; k < chosen->count - 1; k++)
            draw_ratios_of(f, axes, chosen, k, p, ratios, count);
    }
}

int sweep_draw_baselines(const char *out, const sweep_means *s) {
    sweep_ratio ratios[SWEEP_RATIOS];
    int count = sweep_ratios(s->curves, ratios);
    figure *f = count < 0 ? NULL : figure_open(out, "perturbation_baselines");
    if (!f)
        return -1;
    selection chosen = select_metrics(s);
    int requested = 0;
    for (int scan = 0; scan < s->curves->scans; scan++)
        requested += s->curves->has_requested[scan] != 0;
    figure_note(f, "caption",
                "n = %d scans for metrics on request, %d for the others; bands and bars: 95 %% Student-t "
                "intervals; cohort: "
                "%s",
                requested, s->curves->scans, s->cohort);
    figure_note(f, "upper axes", "%d", s->curves->perturbations);
    figure_note(f, "curves", "%d", chosen.count);
    draw_shares(f, s, &chosen);
    draw_ratios(f, s, &chosen, ratios, count);
    return figure_close(f, 0);
}
