#include "study/quality_figure.h"

#include "core/memory.h"
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Symbols of the kinds of faults, as many as can be told apart; the last one stands for all kinds from there on. */
static const int symbols[] = {4, 8, 6, 12, 10, 14, 2, 1, 3};
enum { MOST_KINDS = sizeof symbols / sizeof *symbols };

int quality_figure_open(quality_figure *q, const score_table *table) {
    *q = (quality_figure){.table = table, .pearson = mem_alloc(table->metrics * sizeof *q->pearson)};
    for (size_t m = 0; q->pearson && m < table->metrics; m++)
        q->pearson[m] = INTERVAL_UNDEFINED;
    return q->pearson ? 0 : -1;
}

void quality_figure_close(quality_figure *q) {
    for (size_t k = 0; k < q->count; k++)
        free(q->areas[k].metric);
    free(q->areas);
    free(q->pearson);
    examples_free(&q->choice);
}

interval *quality_figure_areas(quality_figure *q, const char *fault, size_t cases) {
    quality_areas *more = realloc(q->areas, (q->count + 1) * sizeof *more);
    if (!more)
        return NULL;
    q->areas = more;
    more[q->count] =
        (quality_areas){.cases = cases, .metric = mem_alloc(q->table->metrics * sizeof(interval))};
    snprintf(more[q->count].fault, sizeof more->fault, "%s", fault);
    return more[q->count].metric ? more[q->count++].metric : NULL;
}

/* ---------------------------------------------------------------- kinds of faults */

/* Kinds that are told apart in the figure. */
static int kinds_of(const quality_figure *q) {
    return q->count == 0 ? 0 : q->count - 1 < MOST_KINDS ? (int)q->count - 1 : MOST_KINDS;
}

/* 0: no fault; else the number of its symbol. */
static int kind_of(const quality_figure *q, const char *fault) {
    for (size_t k = 1; k < q->count; k++)
        if (strcmp(q->areas[k].fault, fault) == 0)
            return k < MOST_KINDS ? (int)k : MOST_KINDS;
    return 0;
}

/* "lost_coil" as "lost coil" */
static void spoken(char *text, size_t size, const char *fault) {
    snprintf(text, size, "%s", strcmp(fault, "low_snr") == 0 ? "low SNR" : fault);
    for (char *p = text; (p = strchr(p, '_'));)
        *p = ' ';
}

static void kind_label(const quality_figure *q, int kind, char *text, size_t size) {
    char name[256] = "other kinds";
    size_t cases = 0;
    for (size_t k = kind; k < q->count && (k == (size_t)kind || kind == MOST_KINDS); k++)
        cases += q->areas[k].cases;
    if (kind < MOST_KINDS || q->count == MOST_KINDS + 1)
        spoken(name, sizeof name, q->areas[kind].fault);
    snprintf(text, size, "%s (%zu)", name, cases);
}

/* ---------------------------------------------------------------- scatters */

static int style_of(const quality_figure *q, int metric) {
    return q->table->metric[metric].style ? q->table->metric[metric].style : 8;
}

/* Series: rows without a fault, then each kind, then the examples. */
static void draw_scatter(const quality_figure *q, figure *f, int metric) {
    const score_table *t = q->table;
    const metric_label *x_label = &t->metric[q->against], *y_label = &t->metric[metric];
    const double *x = t->values[q->against], *y = t->values[metric];
    double from, to, low, high;
    char title[2 * METRIC_NAME + 128], y_title[METRIC_NAME + 32], r[64];
    gsl_stats_minmax(&from, &to, x, 1, t->rows);
    gsl_stats_minmax(&low, &high, y, 1, t->rows);
    int power = figure_power(low, high, 0.05);
    double unit = pow(10.0, power);
    figure_in_units(y_title, sizeof y_title, y_label->title, power);
    figure_number(r, sizeof r, q->pearson[metric], 2);
    snprintf(title, sizeof title,
             isnan(q->pearson[metric].estimate) ? "%s against %s: r not defined" : "%s against %s: r = %s",
             x_label->title, strlen(y_label->title) > 20 ? "the baseline" : y_label->title, r);
    int axes = figure_axes(f, title, x_label->title, figure_range_around(from, to, 0.05, 5), y_title,
                           figure_range_around(low / unit, high / unit, 0.06, 4));
    for (int kind = 0; kind <= kinds_of(q); kind++) {
        char label[300] = "";
        if (kind)
            kind_label(q, kind, label, sizeof label);
        int series = figure_series(f, axes, kind ? symbols[kind - 1] : style_of(q, metric), label);
        for (size_t row = 0; row < t->rows; row++)
            if (kind_of(q, t->fault[row]) == kind)
                figure_point(f, series, x[row], y[row] / unit);
    }
    for (int e = 0; e < QUALITY_EXAMPLES; e++) {
        size_t row = q->example[e].row;
        figure_point(f, figure_series(f, axes, e + 1, q->example[e].name), x[row], y[row] / unit);
    }
}

/* ---------------------------------------------------------------- areas */

/* Series: a metric each with its interval, then a kind of fault each. Lines of the figure are positions from 1. */
static void draw_areas(const quality_figure *q, figure *f) {
    const score_table *t = q->table;
    double least = 0.5, line = 0.0;
    char value[64];
    for (size_t k = 0; k < q->count; k++)
        for (size_t m = 0; m < t->metrics; m++)
            least = fmin(least, fmin(q->areas[k].metric[m].estimate, q->areas[k].metric[m].low));
    int axes = figure_axes(
        f, "", "area under the ROC curve for finding the faulty acquisitions (0.5: chance)",
        (figure_range){floor(least * 10.0 - 0.5) / 10.0, 1.02, 0.1}, "", (figure_range){0.0, 0.0, 0.0});
    for (size_t m = 0; m < t->metrics; m++) {
        interval area = q->areas[0].metric[m];
        if (isnan(area.estimate))
            continue;
        figure_mark(f, figure_series(f, axes, style_of(q, (int)m), t->metric[m].title), ++line - 0.08, area);
        figure_number(value, sizeof value, area, 2);
        figure_tick(f, axes, line, t->metric[m].title, value);
    }
    for (int kind = 1; kind <= kinds_of(q); kind++) {
        int series = figure_series(f, axes, symbols[kind - 1], "");
        for (size_t k = kind; k < q->count && (k == (size_t)kind || kind == MOST_KINDS); k++) {
            line = 0.0;
            for (size_t m = 0; m < t->metrics; m++)
                if (!isnan(q->areas[0].metric[m].estimate))
                    figure_point(f, series, ++line + 0.2, q->areas[k].metric[m].estimate);
        }
    }
}

static int has_areas(const quality_figure *q) {
    for (size_t m = 0; q->count > 0 && m < q->table->metrics; m++)
        if (!isnan(q->areas[0].metric[m].estimate))
            return 1;
    return 0;
}

/* ---------------------------------------------------------------- examples */

static double share_of(const quality_figure *q, int metric, size_t row) {
    return metric < 0 ? 0.0 : q->choice.poorer_than[(size_t)metric * q->table->rows + row];
}

static const char *verdict_of(const quality_figure *q, int e) {
    size_t row = q->example[e].row;
    double ssfd = share_of(q, q->ssfd, row),
           others = fmax(share_of(q, q->against, row), share_of(q, q->baseline, row));
    return e == 1                          ? "best by all"
           : ssfd >= 0.75 && others <= 0.5 ? "poor by SSFD alone"
           : ssfd > others                 ? "poorer by SSFD than by the others"
                                           : "nothing is poorer by SSFD than by the others";
}

/* "scan, slice 3, motion" */
static void place_of(const quality_figure *q, const quality_example *e, char *text, size_t size) {
    const score_table *t = q->table;
    char slice[32] = "", fault[256] = "";
    if (t->slice[e->row] >= 0)
        snprintf(slice, sizeof slice, ", slice %d", t->slice[e->row]);
    if (strcmp(t->fault[e->row], SCORE_NO_FAULT) != 0)
        spoken(fault, sizeof fault, t->fault[e->row]);
    snprintf(text, size, "%s%s%s%s", t->scan_ids[e->scan], slice, *fault ? ", " : "", fault);
}

static void scores_of(const quality_figure *q, size_t row, char *text, size_t size) {
    size_t used = 0;
    for (int m = 0; m < (int)q->table->metrics && used < size; m++)
        if (m == q->against || m == q->ssfd || m == q->baseline)
            used += (size_t)snprintf(text + used, size - used, "%s%s %.3g (%.0f %%)", used ? "    " : "",
                                     q->table->metric[m].title, q->table->values[m][row],
                                     100.0 * share_of(q, m, row));
}

static void draw_examples(const quality_figure *q, figure *f) {
    static const char *const kinds[] = {"reference", "reconstruction", "error"};
    const char *const titles[] = {"Reference", "Reconstruction", q->error_title};
    figure_note(f, "image rows", "%d", q->image_rows);
    figure_note(f, "image columns", "%d", q->image_columns);
    for (int e = 0; q->image_rows && e < QUALITY_EXAMPLES; e++) {
        char file[128], place[512], scores[1024], about[640];
        place_of(q, &q->example[e], place, sizeof place);
        scores_of(q, q->example[e].row, scores, sizeof scores);
        snprintf(about, sizeof about, "%s: %s", verdict_of(q, e), place);
        for (int k = 0; k < 3; k++) {
            snprintf(file, sizeof file, "quality_control_%s_%s", q->example[e].name, kinds[k]);
            figure_image(f, e + 1, k + 1, file, titles[k], k ? "" : scores, k ? "" : about);
        }
    }
}

/* ---------------------------------------------------------------- all of it */

static void write_captions(const quality_figure *q, figure *f) {
    const score_table *t = q->table;
    int is_scan = strcmp(q->unit, "scan") == 0;
    char points[64], faulty[64] = "";
    snprintf(points, sizeof points, is_scan && t->rows != t->scans ? "reconstructions" : "%ss", q->unit);
    if (has_areas(q))
        snprintf(faulty, sizeof faulty, ", %zu of them faulty", q->faulty);
    figure_note(f, "caption",
                "points: %s (n = %zu of %zu scans%s); r: Pearson's, all points; intervals: 95 %%, over scans",
                points, t->rows, t->scans, faulty);
    if (q->image_rows)
        figure_note(f, "caption 2", "examples: in brackets, the share of %s that are better by that score%s",
                    points, has_areas(q) ? "" : "; no faults: no ROC areas");
    else
        figure_note(f, "caption 2",
                    "blue, orange: see panels/quality_control_examples.csv; scores from a table: no images%s",
                    has_areas(q) ? "" : "; no faults: no ROC areas");
    figure_note(f, "caption 3", "cohort: %s", t->cohort);
}

int quality_figure_write(const quality_figure *q, const char *out) {
    figure *f = figure_open(out, "quality_control");
    if (!f)
        return -1;
    write_captions(q, f);
    figure_note(f, "scatters", "%d", q->baseline < 0 ? 1 : 2);
    figure_note(f, "kinds", "%d", kinds_of(q));
    if (has_areas(q))
        figure_note(f, "all faults", "all faults (%zu%s)", q->areas[0].cases,
                    strcmp(q->unit_of_areas, "scan") == 0 ? "" : " reconstructions");
    draw_examples(q, f);
    if (q->baseline >= 0)
        draw_scatter(q, f, q->baseline);
    draw_scatter(q, f, q->ssfd);
    if (has_areas(q))
        draw_areas(q, f);
    return figure_close(f, 0);
}
