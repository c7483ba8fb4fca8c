/* Figure 3 of the poster: SSFD as a tool for quality control. SSIM against a baseline (VGG-PL) and against
 * SSFD over the test set, and how well each score finds the acquisitions in which something went wrong.
 *
 * Scores are computed here, of the reconstructions of all test scans: of a scan that has a faulty acquisition
 * (mri/faults.h) that one, of all others the ordinary one. Or they are read from a table of anyone's
 * (--table). Correlations with SSIM are over slices and over the scans' means; areas under the ROC curve are
 * over scans, whose slices are averaged: cases are the scans with a fault, controls those without, and a scan
 * counts as poor by a low SSIM or PSNR or by a high distance (in a table of several methods a scan counts
 * once for each, and the unit is called row). All of it for all rows together, for those without a fault,
 * and by acceleration and method where there are several.
 *
 * Two examples, chosen by rule. Let p(score) be the share of points that are better by that score (ties by
 * half), so that 1 is the poorest image. Blue, what SSFD alone flags: the point with the largest
 *     p(SSFD) - max(p(SSIM), p(baseline)).
 * Orange, what all call good: the point with the smallest max(p(SSFD), p(SSIM), p(baseline)). Among equals
 * the stream (seed, RNG_SPLIT, 3, 0) decides. */
#include "experiment.h"

#include "core/atomic_file.h"
#include "core/rng.h"
#include "io/panel.h"
#include "models/ssl_unet.h"
#include "stats/correlation.h"
#include "stats/roc.h"
#include "study/reconstruction_scores.h"
#include "study/score_table.h"
#include <gsl/gsl_sort.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "quality_control"
#define PATH_LENGTH 4096
#define CONFIDENCE 0.95
#define FEW_CASES 10     /* with fewer an area has no interval */
#define ERROR_FACTOR 5.0 /* of the error panels */
#define ANY_FAULT "any"
#define POOLED "pooled"

typedef struct {
    const char *cohort, *split, *weights, *layers, *baselines, *vgg16_weights, *lpips_weights;
    const char *table, *columns, *metrics, *out, *records;
    int scans, threads, replicates;
    double save_every; /* seconds between two saves of what has been computed */
    uint64_t seed;
} options;

typedef struct {
    const options *o;
    prepared_split *split; /* NULL with a table */
    prepared_kind *kind;   /* [scans] of the split: the acquisition that is looked at */
    score_set scores;
    score_table *table;
    const char *unit; /* of its rows: "slice", "scan" where there is one of each, "row" if not known */
    int ssim, ssfd, baseline; /* metrics of the table; baseline -1: it has none */
    int faulty;               /* scans with a fault */
    char saved[PATH_LENGTH];
} study;

static const stats_interval undefined = {NAN, NAN, NAN};

/* ---------------------------------------------------------------- scores */

static int begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* SSIM and PSNR fall as an image gets poorer; everything else is a distance. */
static double poorer(const char *metric) {
    return begins(metric, "ssim") || begins(metric, "psnr") ? -1.0 : 1.0;
}

static int is_distance(const char *metric) {
    return poorer(metric) > 0.0 && !begins(metric, "nrmse") && strcmp(metric, "ssfd") != 0;
}

static int is_faulty(const score_table *t, size_t row) {
    return strcmp(t->fault[row], SCORE_NO_FAULT) != 0;
}

static bootstrap_plan plan_of(const study *s, size_t scans, const char *group) {
    char stream[256];
    snprintf(stream, sizeof stream, PROGRAM "/%s", group);
    return (bootstrap_plan){.scans = scans,
                            .replicates = (size_t)s->o->replicates,
                            .confidence = CONFIDENCE,
                            .seed = s->o->seed,
                            .statistic = rng_hash(stream)};
}

/* ---------------------------------------------------------------- tables */

static csv_writer *begin_table(const study *s, const char *name) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/%s.csv", s->o->out, name);
    csv_writer *csv = csv_writer_open(path);
    if (!csv)
        return NULL;
    if (s->split) {
        csv_writer_comment(csv, "split: %s, %d scans, %d slices", s->split->split, s->split->scans,
                           s->split->total_slices);
        csv_writer_comment(csv, "ssfd: %s", s->scores.ssfd_about);
        for (int k = SCORE_BASELINES; k < s->scores.count; k++)
            csv_writer_comment(csv, "%s: %s", score_key(&s->scores, k),
                               s->scores.baselines[k - SCORE_BASELINES].about);
    }
    return csv;
}

/* What tables of statistics say on top. */
static csv_writer *begin_statistics(const study *s, const char *name) {
    csv_writer *csv = begin_table(s, name);
    if (!csv)
        return NULL;
    csv_writer_comment(csv, "cohort: %s", s->table->cohort);
    csv_writer_comment(csv, "unit: %s", s->unit);
    csv_writer_comment(csv, "points: %zu of %zu scans", s->table->rows, s->table->scans);
    csv_writer_comment(csv, "faulty: %d scans", s->faulty);
    csv_writer_comment(csv, "baseline: %s", s->baseline < 0 ? "none" : s->table->names[s->baseline]);
    csv_writer_comment(csv,
                       "ci: 95 %%, BCa bootstrap over scans with %d replicates; of areas Newcombe's method 5",
                       s->o->replicates);
    csv_writer_comment(csv, "seed: %llu", (unsigned long long)s->o->seed);
    return csv;
}

static int end_table(csv_writer *csv, int status) {
    if (csv && status == 0)
        return csv_writer_close(csv);
    csv_writer_discard(csv);
    return -1;
}

/* A row of the summary. */
typedef struct {
    const char *statistic, *metric, *other, *group, *unit, *fault;
    size_t n, cases;
    stats_interval value;
    const char *title, *note; /* note: why a value or an interval is missing */
} finding;

static void put_finding(csv_writer *csv, const finding *f) {
    csv_writer_text(csv, f->statistic);
    csv_writer_text(csv, f->metric);
    csv_writer_text(csv, f->other);
    csv_writer_text(csv, f->group);
    csv_writer_text(csv, f->unit);
    csv_writer_text(csv, f->fault);
    csv_writer_integer(csv, (long long)f->n);
    csv_writer_integer(csv, (long long)f->cases);
    csv_writer_real(csv, f->value.estimate);
    csv_writer_real(csv, f->value.ci_low);
    csv_writer_real(csv, f->value.ci_high);
    csv_writer_text(csv, f->title);
    csv_writer_text(csv, f->note);
    csv_writer_end_row(csv);
}

/* ---------------------------------------------------------------- correlations with SSIM */

typedef enum { VARIES, CONSTANT, NOT_FINITE } spread;

static spread spread_of(const score_table *t, int metric) {
    const double *x = t->values[metric];
    spread found = CONSTANT;
    for (size_t row = 0; row < t->rows; row++) {
        if (!isfinite(x[row]))
            return NOT_FINITE;
        if (x[row] != x[0])
            found = VARIES;
    }
    return found;
}

/* Why a metric has no correlation with SSIM; "" when it has one. */
static const char *why_uncorrelated(const study *s, const score_table *t, int metric) {
    spread of_ssim = spread_of(t, s->ssim), of_metric = spread_of(t, metric);
    return t->scans < SCORE_MIN_SCANS                         ? "fewer than 3 scans"
           : of_ssim == NOT_FINITE || of_metric == NOT_FINITE ? "a value is not finite"
           : of_ssim == CONSTANT                              ? "ssim is constant"
           : of_metric == CONSTANT                            ? "the metric is constant"
                                                              : "";
}

/* t: the rows of a group, or its scans' means. */
static int write_correlations(const study *s, csv_writer *csv, const char *group, const char *unit,
                              const score_table *t) {
    const bootstrap_plan plan = plan_of(s, t->scans, group);
    for (int m = 0; m < (int)t->metrics; m++)
        for (int kind = 0; m != s->ssim && kind < CORRELATION_KINDS; kind++) {
            const double *x = t->values[m];
            finding f = {.statistic = correlation_name((correlation_kind)kind),
                         .metric = t->names[m],
                         .other = t->names[s->ssim],
                         .group = group,
                         .unit = unit,
                         .fault = "",
                         .n = t->rows,
                         .value = undefined,
                         .title = t->titles[m],
                         .note = why_uncorrelated(s, t, m)};
            for (size_t row = 0; row < t->rows; row++)
                f.cases += (size_t)is_faulty(t, row);
            if (!*f.note && correlation_study((correlation_kind)kind, 1, &x, t->values[s->ssim], t->first,
                                              &plan, &f.value, NULL, NULL) < 0)
                return err_prefix("%s of %s, %s, %ss", f.statistic, f.metric, group, unit);
            put_finding(csv, &f);
        }
    return 0;
}

/* ---------------------------------------------------------------- finding the faults */

/* Scans with a fault and those without, each with its scores: larger is poorer. */
typedef struct {
    size_t n, cases;
    int *is_case; /* [n] */
    double *poor; /* [metrics][n] */
    size_t metrics;
} detection;

static const double *poor_of(const detection *d, int metric) {
    return d->poor + (size_t)metric * d->n;
}

static void detection_free(detection *d) {
    free(d->is_case);
    free(d->poor);
}

/* A row of the means is a scan, unless there are several methods. */
static const char *unit_of_areas(const score_table *means) {
    return means->rows > means->scans ? "row" : "scan";
}

/* t: means of scans. fault: of the cases, ANY_FAULT for all. */
static int detection_make(detection *d, const score_table *t, const char *fault) {
    size_t *chosen = mem_alloc(t->rows * sizeof *chosen);
    *d = (detection){.is_case = mem_alloc(t->rows * sizeof *d->is_case),
                     .poor = mem_alloc(t->rows * t->metrics * sizeof *d->poor),
                     .metrics = t->metrics};
    if (!chosen || !d->is_case || !d->poor) {
        free(chosen);
        detection_free(d);
        return -1;
    }
    for (size_t row = 0; row < t->rows; row++) {
        int is_case = is_faulty(t, row);
        if (is_case && strcmp(fault, ANY_FAULT) != 0 && strcmp(fault, t->fault[row]) != 0)
            continue;
        d->is_case[d->n] = is_case;
        d->cases += (size_t)is_case;
        chosen[d->n++] = row;
    }
    for (size_t m = 0; m < t->metrics; m++)
        for (size_t k = 0; k < d->n; k++)
            d->poor[m * d->n + k] = poorer(t->names[m]) * t->values[m][chosen[k]];
    free(chosen);
    return 0;
}

static int write_area(csv_writer *csv, const detection *d, const char *group, const char *fault,
                      const score_table *t, int metric) {
    finding f = {.statistic = "roc_area",
                 .metric = t->names[metric],
                 .other = "",
                 .group = group,
                 .unit = unit_of_areas(t),
                 .fault = fault,
                 .n = d->n,
                 .cases = d->cases,
                 .value = undefined,
                 .title = t->titles[metric],
                 .note = ""};
    if (d->cases == 0 || d->cases == d->n)
        f.note = d->cases ? "no scan without a fault" : "no scan with a fault";
    else if (d->cases < FEW_CASES) {
        f.value.estimate = roc_area(poor_of(d, metric), d->is_case, d->n);
        f.note = "too few faults for an interval";
    } else if (roc_interval(poor_of(d, metric), d->is_case, d->n, CONFIDENCE, &f.value) < 0)
        return err_prefix("ROC area of %s, %s", f.metric, group);
    put_finding(csv, &f);
    return 0;
}

/* Area of SSFD minus that of another metric, on the same scans. */
static int compare_areas(const study *s, const detection *d, const char *group, int other,
                         stats_interval *out, const char **note) {
    const bootstrap_plan plan = plan_of(s, d->n, group);
    const double *a = poor_of(d, s->ssfd), *b = poor_of(d, other);
    *out = undefined;
    *note = "";
    if (d->cases < FEW_CASES || d->n - d->cases < FEW_CASES) {
        *note = "too few scans with or without a fault for an interval";
        out->estimate = roc_area(a, d->is_case, d->n) - roc_area(b, d->is_case, d->n);
        return 0;
    }
    if (roc_compare(a, b, d->is_case, &plan, out) < 0)
        return err_prefix("ROC areas of ssfd and %s, %s", s->table->names[other], group);
    if (isnan(out->ci_low))
        *note = "no resample differs: these scans cannot tell the two apart";
    return 0;
}

static int write_difference(const study *s, csv_writer *csv, const detection *d, const score_table *t,
                            const char *group, int other) {
    const char *note;
    stats_interval value;
    if (compare_areas(s, d, group, other, &value, &note) < 0)
        return -1;
    put_finding(csv,
                &(finding){"roc_area_difference", "ssfd", s->table->names[other], group, unit_of_areas(t),
                           ANY_FAULT, d->n, d->cases, value, s->table->titles[other], note});
    return 0;
}

/* All faults together, then each kind; t: means of scans. */
static int write_areas(const study *s, csv_writer *csv, const char *group, const score_table *t) {
    const char **kinds = mem_alloc((s->table->label_count + 1) * sizeof *kinds);
    size_t count = kinds ? 1 + score_table_distinct(t, t->fault, kinds + 1) : 0;
    int status = kinds ? 0 : -1;
    if (kinds)
        kinds[0] = ANY_FAULT;
    for (size_t k = 0; status == 0 && k < count; k++) {
        detection d;
        if (strcmp(kinds[k], SCORE_NO_FAULT) == 0)
            continue;
        if ((status = detection_make(&d, t, kinds[k])) < 0)
            break;
        for (int m = 0; status == 0 && m < (int)t->metrics; m++)
            status = write_area(csv, &d, group, kinds[k], t, m);
        for (int m = 0; status == 0 && k == 0 && m < (int)t->metrics; m++)
            if (m != s->ssfd)
                status = write_difference(s, csv, &d, t, group, m);
        detection_free(&d);
    }
    free(kinds);
    return status;
}

/* ---------------------------------------------------------------- groups */

/* Rows of a group, "method unet" say. */
static int write_group(const study *s, csv_writer *csv, const char *group, const score_table *t) {
    score_table *means = score_table_scan_means(t);
    int status = means ? 0 : -1;
    if (status == 0 && strcmp(s->unit, "scan") != 0)
        status = write_correlations(s, csv, group, s->unit, t);
    if (status == 0)
        status = write_correlations(s, csv, group, "scan", means);
    if (status == 0 && s->faulty && strcmp(group, "without faults") != 0)
        status = write_areas(s, csv, group, means);
    score_table_free(means);
    return status;
}

static int write_part(const study *s, csv_writer *csv, const char *group, const char *const *texts,
                      const char *value) {
    score_table *part = score_table_select(s->table, texts, value);
    int status = part ? write_group(s, csv, group, part) : -1;
    score_table_free(part);
    return status;
}

/* Every acceleration, say, on its own where there are several. */
static int write_parts(const study *s, csv_writer *csv, const char *what, const char *const *texts) {
    const char **values = mem_alloc(s->table->label_count * sizeof *values);
    size_t count = values ? score_table_distinct(s->table, texts, values) : 0;
    int status = values ? 0 : -1;
    for (size_t k = 0; status == 0 && count > 1 && k < count; k++) {
        char group[256];
        snprintf(group, sizeof group, "%s %s", what, *values[k] ? values[k] : "not named");
        status = write_part(s, csv, group, texts, values[k]);
    }
    free(values);
    return status;
}

static int write_summary(const study *s) {
    csv_writer *csv = begin_statistics(s, PROGRAM "_summary");
    if (!csv)
        return -1;
    csv_writer_comment(
        csv, "roc_area: of the scans with a fault against those without, by the scans' means; a low "
             "ssim or psnr_db and a high distance count as poor");
    csv_writer_comment(csv, "roc_area_difference: area of metric minus area of other, on the same scans");
    csv_writer_row(csv,
                   "statistic,metric,other,group,unit,fault,n,n_faulty,estimate,ci_low,ci_high,title,note");
    int status = write_group(s, csv, POOLED, s->table);
    if (status == 0 && s->faulty)
        status = write_part(s, csv, "without faults", s->table->fault, SCORE_NO_FAULT);
    if (status == 0)
        status = write_parts(s, csv, "acceleration", s->table->acceleration);
    if (status == 0)
        status = write_parts(s, csv, "method", s->table->method);
    return end_table(csv, status);
}

/* ---------------------------------------------------------------- claims */

static int write_claim(const study *s, csv_writer *csv, const detection *d, int other) {
    char text[640];
    const char *note, *title = s->table->titles[other];
    stats_interval v;
    if (compare_areas(s, d, POOLED, other, &v, &note) < 0)
        return -1;
    snprintf(text, sizeof text, "SSFD finds poor reconstructions that %s misses", title);
    csv_writer_text(csv, text);
    snprintf(text, sizeof text, "ROC area of SSFD minus that of %s (%zu faulty acquisitions among %zu scans)",
             title, d->cases, d->n);
    csv_writer_text(csv, text);
    csv_writer_real(csv, v.estimate);
    csv_writer_real(csv, v.ci_low);
    csv_writer_real(csv, v.ci_high);
    csv_writer_integer(csv, (long long)d->n);
    csv_writer_text(csv, *note ? note : "paired BCa bootstrap over scans; faulty and good ones apart");
    csv_writer_text(csv, v.ci_low > 0.0 ? "reproduced" : v.ci_high < 0.0 ? "not reproduced" : "undecided");
    csv_writer_end_row(csv);
    return 0;
}

/* Against SSIM, PSNR and every baseline. Where nothing is known to be faulty, nothing can be said. */
static int write_claims(const study *s) {
    score_table *means = score_table_scan_means(s->table);
    detection d;
    if (!means || detection_make(&d, means, ANY_FAULT) < 0) {
        score_table_free(means);
        return -1;
    }
    csv_writer *csv = begin_statistics(s, PROGRAM "_claims");
    int status = csv ? 0 : -1;
    if (csv)
        csv_writer_row(csv, "claim,effect,estimate,ci_low,ci_high,n,test,verdict");
    for (int m = 0; status == 0 && d.cases > 0 && m < (int)means->metrics; m++)
        if (m == s->ssim || begins(means->names[m], "psnr") || is_distance(means->names[m]))
            status = write_claim(s, csv, &d, m);
    detection_free(&d);
    score_table_free(means);
    return end_table(csv, status);
}

/* ---------------------------------------------------------------- examples: which */

enum { BLUE, ORANGE, EXAMPLES };
static const char *const example_names[EXAMPLES] = {"blue", "orange"};

/* poor[row]: the share of rows that are better by this metric, ties by half. */
static int rank_rows(const score_table *t, int metric, double *poor) {
    size_t *order = mem_alloc(t->rows * sizeof *order), end;
    const double *x = t->values[metric], sign = poorer(t->names[metric]);
    if (!order)
        return -1;
    for (size_t row = 0; row < t->rows; row++)
        poor[row] = sign * x[row];
    gsl_sort_index(order, poor, 1, t->rows);
    for (size_t k = 0; k < t->rows; k = end) {
        for (end = k + 1; end < t->rows && x[order[end]] == x[order[k]];)
            end++;
        double share = t->rows > 1 ? 0.5 * (double)(k + end - 1) / (double)(t->rows - 1) : 0.5;
        for (size_t i = k; i < end; i++)
            poor[order[i]] = share;
    }
    free(order);
    return 0;
}

/* The row with the largest value that is not `other`; among equals the one with the largest number drawn. */
static size_t largest(const double *value, const double *drawn, size_t rows, size_t other) {
    size_t best = other == 0 && rows > 1 ? 1 : 0;
    for (size_t row = 0; row < rows; row++)
        if (row != other &&
            (value[row] > value[best] || (value[row] == value[best] && drawn[row] > drawn[best])))
            best = row;
    return best;
}

/* poor: [metrics][rows], as rank_rows() fills it; room for three more is behind it. */
static int choose_examples(const study *s, const double *poor, double *work, size_t *examples) {
    size_t rows = s->table->rows;
    double *alone = work, *good = work + rows, *drawn = work + 2 * rows;
    gsl_rng *rng = rng_stream(s->o->seed, RNG_SPLIT, 3, 0);
    if (!rng)
        return -1;
    for (size_t row = 0; row < rows; row++) {
        double ssfd = poor[(size_t)s->ssfd * rows + row], others = poor[(size_t)s->ssim * rows + row];
        if (s->baseline >= 0)
            others = fmax(others, poor[(size_t)s->baseline * rows + row]);
        alone[row] = ssfd - others;
        good[row] = -fmax(ssfd, others);
        drawn[row] = gsl_rng_uniform(rng);
    }
    gsl_rng_free(rng);
    examples[BLUE] = largest(alone, drawn, rows, rows);
    examples[ORANGE] = largest(good, drawn, rows, examples[BLUE]);
    return 0;
}

/* ---------------------------------------------------------------- examples: images */

/* reference, image and their difference: [pixels] each, one behind the other. */
static int write_images(const study *s, const char *name, int scan, int slice, float *images) {
    static const char *const kinds[] = {"reference", "reconstruction", "error"};
    size_t pixels = (size_t)s->split->rows * (size_t)s->split->columns;
    float *reference = images, *image = images + pixels, *error = images + 2 * pixels;
    double white;
    if (prepared_split_read(s->split, scan, PREPARED_REFERENCE, slice, reference) < 0 ||
        prepared_split_read(s->split, scan, s->kind[scan], slice, image) < 0 ||
        panel_white(reference, pixels, &white) < 0)
        return -1;
    for (size_t k = 0; k < pixels; k++)
        error[k] = fabsf(image[k] - reference[k]);
    for (int k = 0; k < 3; k++) {
        char path[PATH_LENGTH];
        snprintf(path, sizeof path, "%s/panels/" PROGRAM "_%s_%s.f32", s->o->out, name, kinds[k]);
        if (panel_write(path, images + (size_t)k * pixels, pixels, 0.0,
                        k < 2 ? white : white / ERROR_FACTOR) < 0)
            return -1;
    }
    return 0;
}

/* With a table there are none. */
static int write_example_images(const study *s, const size_t *examples) {
    if (!s->split)
        return 0;
    float *images = mem_alloc(3 * (size_t)s->split->rows * (size_t)s->split->columns * sizeof *images);
    int status = images ? 0 : -1;
    for (int k = 0; status == 0 && k < EXAMPLES; k++) {
        size_t scan = 0;
        while (s->table->first[scan + 1] <= examples[k])
            scan++;
        status = write_images(s, example_names[k], (int)scan, s->table->slice[examples[k]], images);
    }
    free(images);
    return status;
}

static void put_example(const study *s, csv_writer *csv, const double *poor, int example, size_t row) {
    const score_table *t = s->table;
    size_t scan = 0;
    while (t->first[scan + 1] <= row)
        scan++;
    for (size_t m = 0; m < t->metrics; m++) {
        csv_writer_text(csv, example_names[example]);
        csv_writer_text(csv, t->scan_ids[scan]);
        csv_writer_integer(csv, t->slice[row]);
        csv_writer_text(csv, t->acceleration[row]);
        csv_writer_text(csv, t->method[row]);
        csv_writer_text(csv, t->fault[row]);
        csv_writer_text(csv, t->names[m]);
        csv_writer_text(csv, t->titles[m]);
        csv_writer_real(csv, t->values[m][row]);
        csv_writer_real(csv, poor[m * t->rows + row]);
        csv_writer_end_row(csv);
    }
}

static csv_writer *begin_examples(const study *s) {
    csv_writer *csv = begin_statistics(s, "panels/" PROGRAM "_examples");
    if (!csv)
        return NULL;
    if (s->split)
        csv_writer_comment(csv, "image: %d x %d", s->split->rows, s->split->columns);
    csv_writer_comment(csv, "error panels: |difference| × %g", ERROR_FACTOR);
    csv_writer_comment(csv, "poorer_than: share of the points that are better by this score");
    csv_writer_comment(
        csv, "blue: largest poorer_than by SSFD minus the larger of those by SSIM and the baseline");
    csv_writer_comment(csv, "orange: smallest of the largest poorer_than by SSFD and SSIM and the baseline");
    csv_writer_row(csv, "example,scan_id,slice,acceleration,method,fault,metric,title,value,poorer_than");
    return csv;
}

static int write_examples(const study *s) {
    const score_table *t = s->table;
    size_t examples[EXAMPLES];
    double *poor = mem_alloc((t->metrics + 3) * t->rows * sizeof *poor);
    int status = poor ? 0 : -1;
    for (size_t m = 0; status == 0 && m < t->metrics; m++)
        status = rank_rows(t, (int)m, poor + m * t->rows);
    if (status == 0)
        status = choose_examples(s, poor, poor + t->metrics * t->rows, examples);
    csv_writer *csv = status == 0 && write_example_images(s, examples) == 0 ? begin_examples(s) : NULL;
    for (int k = 0; csv && k < EXAMPLES; k++)
        put_example(s, csv, poor, k, examples[k]);
    free(poor);
    return end_table(csv, 0);
}

static int write_scores(const study *s) {
    csv_writer *csv = begin_table(s, PROGRAM);
    if (csv)
        score_table_write(s->table, csv);
    return end_table(csv, 0);
}

/* ---------------------------------------------------------------- where the scores come from */

static int open_cohort(study *s) {
    const options *o = s->o;
    const baseline_files files = {o->weights, o->layers, o->vgg16_weights, o->lpips_weights, o->seed};
    if (!(s->split = prepared_split_open(o->cohort, o->split, o->scans)))
        return -1;
    if (s->split->scans < SCORE_MIN_SCANS)
        return err_set("%s: %s split has %d scan%s, expected at least %d", o->cohort, o->split,
                       s->split->scans, s->split->scans == 1 ? "" : "s", SCORE_MIN_SCANS);
    if (!(s->kind = mem_alloc((size_t)s->split->scans * sizeof *s->kind)))
        return -1;
    for (int k = 0; k < s->split->scans; k++)
        s->kind[k] = strcmp(s->split->faults[k], PREPARED_NO_FAULT) == 0 ? PREPARED_RECONSTRUCTION
                                                                         : PREPARED_RECONSTRUCTION_FAULTY;
    snprintf(s->saved, sizeof s->saved, "%s/." PROGRAM ".unfinished.h5", o->out);
    return score_set_open(&s->scores, o->baselines, &files) < 0 ? -1 : path_make_dirs(o->out);
}

static int compute_scores(study *s) {
    int taken_over;
    if (ranks_agree(open_cohort(s)) < 0)
        return -1;
    const reconstruction_plan plan = {.split = s->split,
                                      .scores = &s->scores,
                                      .kind = s->kind,
                                      .fault = (const char *const *)s->split->faults,
                                      .saved = s->saved,
                                      .save_every = s->o->save_every};
    s->table = reconstruction_scores(&plan, &taken_over);
    if (s->table && taken_over)
        printf("%d of %d slices taken over from an interrupted run\n", taken_over, s->split->total_slices);
    return s->table ? 0 : -1;
}

#define USUAL_METRICS "psnr_db,nrmse,vgg_pl"

static score_columns table_columns(const options *o, const char *metrics) {
    return (score_columns){.columns = o->columns, .metrics = "ssim,ssfd", .optional = metrics};
}

/* Metrics of the table besides SSIM and SSFD: those asked for, else the usual ones and the baselines that
 * this program writes, by the names of their columns. */
static int list_metrics(const options *o, char *list, size_t size) {
    static const char *const baselines[] = {"vgg_pl_", "vgg16_", "lpips", "ssfd_random"};
    snprintf(list, size, "%s", o->metrics ? o->metrics : USUAL_METRICS);
    csv_table *csv = o->metrics ? NULL : csv_table_read(o->table);
    if (!csv)
        return o->metrics ? 0 : -1;
    for (size_t column = 0; column < csv->columns; column++)
        for (size_t k = 0; k < sizeof baselines / sizeof *baselines; k++)
            if (begins(csv->header[column], baselines[k])) {
                size_t used = strlen(list);
                snprintf(list + used, size - used, ",%s", csv->header[column]);
            }
    csv_table_free(csv);
    return 0;
}

static int read_scores(study *s) {
    char list[PATH_LENGTH];
    if (list_metrics(s->o, list, sizeof list) < 0)
        return -1;
    const score_columns columns = table_columns(s->o, list);
    s->table = score_table_read(s->o->table, &columns);
    return s->table ? path_make_dirs(s->o->out) : -1;
}

/* What is studied: metrics by name, the first distance as the baseline; what a row is. */
static int survey(study *s) {
    const score_table *t = s->table;
    score_table *means = score_table_scan_means(t);
    int has_slices = 0;
    if (!means)
        return -1;
    s->ssim = score_table_metric(t, "ssim");
    s->ssfd = score_table_metric(t, "ssfd");
    s->baseline = -1;
    for (int m = 0; s->baseline < 0 && m < (int)t->metrics; m++)
        if (is_distance(t->names[m]))
            s->baseline = m;
    for (size_t row = 0; row < t->rows; row++)
        has_slices |= t->slice[row] >= 0;
    for (size_t row = 0; row < means->rows; row++)
        s->faulty += is_faulty(means, row);
    s->unit = means->rows == t->rows ? "scan" : has_slices ? "slice" : "row";
    score_table_free(means);
    return 0;
}

/* ---------------------------------------------------------------- the program */

static void study_close(void *given) {
    study *s = given;
    prepared_split_free(s->split);
    score_set_close(&s->scores);
    score_table_free(s->table);
    free(s->kind);
}

static int note_record(const study *s, run_record *record) {
    const options *o = s->o;
    char path[PATH_LENGTH];
    record_text(record, "cohort", s->table->cohort);
    record_integer(record, "scans", (int64_t)s->table->scans);
    record_integer(record, "rows", (int64_t)s->table->rows);
    record_integer(record, "scans_with_a_fault", s->faulty);
    record_integer(record, "replicates", o->replicates);
    record_integer(record, "seed", (int64_t)o->seed);
    snprintf(path, sizeof path, "%s/" PROGRAM ".csv", o->out);
    if (o->table)
        return record_file(record, "table", o->table) < 0 ? -1 : record_file(record, "result", path);
    if (record_file(record, "weights", o->weights) < 0 ||
        (o->vgg16_weights && record_file(record, "vgg16_weights", o->vgg16_weights) < 0) ||
        (o->lpips_weights && record_file(record, "lpips_weights", o->lpips_weights) < 0))
        return -1;
    return record_file(record, "result", path);
}

/* The table of scores comes last: when it is there, so is the rest. */
static int run(void *given, run_record *record) {
    study *s = given;
    if ((s->o->table ? ranks_agree(read_scores(s)) : compute_scores(s)) < 0)
        return -1;
    if (ranks_me() > 0)
        return 0;
    if (survey(s) < 0 || write_examples(s) < 0 || write_summary(s) < 0 || write_claims(s) < 0 ||
        write_scores(s) < 0)
        return -1;
    unlink(s->saved);
    return note_record(s, record);
}

/* What can be said of the options before anything is opened. */
static int check_options(const options *o) {
    const score_columns columns = table_columns(o, o->metrics ? o->metrics : USUAL_METRICS);
    if (o->table)
        return score_columns_check(&columns);
    if (*o->columns || o->metrics)
        return err_set("--columns and --metrics belong to --table");
    return baseline_check(o->baselines);
}

int main(int argc, char **argv) {
    char names[2048] = "";
    options o = {.cohort = "build/cohort",
                 .split = "test",
                 .weights = "lib/models/weights/ssl_unet.h5",
                 .layers = SSFD_DEFAULT_LAYER,
                 .baselines = "vgg_pl",
                 .columns = "",
                 .out = "results",
                 .replicates = 4000,
                 .threads = omp_get_num_procs(),
                 .save_every = 20.0,
                 .seed = 2022};
    const cli_option table[] = {
        {CLI_STRING, "cohort", &o.cohort, "DIR", "prepared scans", 0, 0},
        {CLI_STRING, "split", &o.split, "NAME", "split of the cohort", 0, 0},
        {CLI_STRING, "weights", &o.weights, "FILE", "weights of the self-supervised network", 0, 0},
        {CLI_STRING, "layer", &o.layers, "NAMES",
         "feature layers of SSFD, comma-separated (their distances add)", 0, 0},
        {CLI_STRING, "baseline", &o.baselines, "NAMES",
         "distances to compare with, comma-separated, each NAME or NAME:LAYER (see below); the figure shows "
         "the "
         "first",
         0, 0},
        {CLI_STRING, "vgg16-weights", &o.vgg16_weights, "FILE",
         "weights of VGG-16: Keras HDF5 or torchvision safetensors (default: random, and called so)", 0, 0},
        {CLI_STRING, "lpips-weights", &o.lpips_weights, "FILE", "linear weights of LPIPS", 0, 0},
        {CLI_STRING, "table", &o.table, "FILE", "take the scores from a CSV file instead of a cohort", 0, 0},
        {CLI_STRING, "columns", &o.columns, "NAME=COLUMN,...",
         "what the table calls scan_id, slice, acceleration, method, fault or a score (ssim, ssfd, ...)", 0,
         0},
        {CLI_STRING, "metrics", &o.metrics, "NAMES",
         "scores of the table besides ssim and ssfd (default: " USUAL_METRICS
         " and the baselines below, those "
         "there are)",
         0, 0},
        {CLI_STRING, "out", &o.out, "DIR", "folder for the tables and example panels", 0, 0},
        {CLI_INT, "scans", &o.scans, "N", "take the first N scans of the cohort only (0: all)", 0, 1e9},
        {CLI_INT, "replicates", &o.replicates, "N", "of the bootstrap", 100, 1e7},
        {CLI_U64, "seed", &o.seed, "N", "seed of the bootstrap and of random weights", 0, 0},
        {CLI_REAL, "save-every", &o.save_every, "SECONDS",
         "time between saves that an interrupted run goes on from", 0, 1e6},
        {CLI_INT, "threads", &o.threads, "N", "threads", 1, 1024},
        {CLI_STRING, "records", &o.records, "DIR", "folder for the run record (default: OUT/records)", 0, 0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    baseline_help(names, sizeof names);
    const cli_spec spec = {
        PROGRAM,
        "SSIM against a baseline and against SSFD, of the reconstructions of a cohort or from a "
        "table of scores,\nand how well each finds faulty acquisitions (figure 3).",
        NULL,
        0,
        0,
        table,
        names};
    int first, code;
    if (experiment_begin(&spec, &argc, &argv, &first, &code) != CLI_RUN)
        return code;
    if (check_options(&o) < 0)
        return cli_usage(PROGRAM, "%s", err_message());
    study s = {.o = &o};
    const experiment e = {PROGRAM, o.out, o.records, o.threads, run, study_close};
    return experiment_run(&e, &s, argc, argv);
}
