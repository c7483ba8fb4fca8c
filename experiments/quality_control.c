/* Figure 3 of the poster: SSFD as a tool for quality control. SSIM against a baseline (VGG-PL) and against
 * SSFD over the test set, and how well each score finds the acquisitions in which something went wrong.
 *
 * Scores are computed here, of the reconstructions of all test scans: of a scan that has a faulty acquisition
 * (mri/faults.h) that one, of all others the ordinary one. Or they are read from a table of anyone's
 * (--table). Correlations with SSIM are over slices and over the scans' means; areas under the ROC curve are
 * over scans, whose slices are averaged: cases are the scans with a fault, controls those without, and a scan
 * counts as poor by a low SSIM or PSNR or by a high distance. In a table of several methods or accelerations
 * a scan has a row for each; intervals and counts of scans know that these belong together. All of it for all
 * rows together, for those without a fault, and by acceleration and method where there are several.
 *
 * Two examples, chosen by rule (study/examples.h): blue, what SSFD flags and SSIM and the baseline do not,
 * and orange, what all three call good. */
#include "experiment.h"

#include "core/file.h"
#include "core/memory.h"
#include "io/panel.h"
#include "models/ssl_unet.h"
#include "stats/correlation.h"
#include "study/claim.h"
#include "study/detection.h"
#include "study/examples.h"
#include "study/score_study.h"
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "quality_control"
#define PATH_LENGTH 4096
#define CONFIDENCE 0.95
#define DIGITS 9
#define ERROR_FACTOR 5.0 /* of the error panels */
#define POOLED "pooled"
#define WITHOUT_FAULTS "without faults"

typedef struct {
    const char *cohort, *split, *weights, *layers, *baselines, *vgg16_weights, *lpips_weights;
    const char *table, *columns, *metrics, *higher, *lower, *against, *out, *records;
    int scans, threads, replicates;
    double save_every; /* seconds between two saves of what has been computed */
    uint64_t seed;
} options;

typedef struct {
    const options *o;
    score_study scores;
    const score_table *table;    /* of the scores */
    const char *unit;            /* of its rows (score_table_unit()) */
    int against, ssfd, baseline; /* metrics of the table; baseline -1: it has none */
    size_t faulty;               /* scans with a fault */
    csv_writer *summary;         /* while it is written */
} study;

/* Rows of a scan that have a fault. */
static size_t count_faults_of(const score_table *t, size_t scan) {
    size_t count = 0;
    for (size_t row = t->first[scan]; row < t->first[scan + 1]; row++)
        count += strcmp(t->fault[row], SCORE_NO_FAULT) != 0;
    return count;
}

static size_t count_faults(const score_table *t) {
    size_t count = 0;
    for (size_t scan = 0; scan < t->scans; scan++)
        count += count_faults_of(t, scan);
    return count;
}

static size_t count_faulty_scans(const score_table *t) {
    size_t count = 0;
    for (size_t scan = 0; scan < t->scans; scan++)
        count += count_faults_of(t, scan) > 0;
    return count;
}

/* ---------------------------------------------------------------- tables */

/* What tables of statistics say on top. */
static csv_writer *begin_statistics(const study *s, const char *name) {
    csv_writer *csv = score_study_begin_table(&s->scores, name);
    if (!csv)
        return NULL;
    csv_writer_comment(csv, "cohort: %s", s->table->cohort);
    score_table_labels(s->table, csv);
    csv_writer_comment(csv, "against: %s", s->table->metric[s->against].key);
    csv_writer_comment(csv, "unit: %s", s->unit);
    csv_writer_comment(csv, "points: %zu of %zu scans", s->table->rows, s->table->scans);
    csv_writer_comment(csv, "faulty: %zu scans", s->faulty);
    csv_writer_comment(csv, "baseline: %s", s->baseline < 0 ? "none" : s->table->metric[s->baseline].key);
    csv_writer_comment(
        csv,
        "ci: 95 %%, BCa bootstrap over scans with %d replicates; of areas, where each scan has "
        "one row, Newcombe's method 5",
        s->o->replicates);
    csv_writer_comment(csv, "seed: %llu", (unsigned long long)s->o->seed);
    return csv;
}

/* A row of the summary. */
typedef struct {
    const char *statistic, *metric, *other, *group, *unit, *fault;
    size_t n, cases;
    interval value;
    const char *title, *note; /* note: why a value or an interval is missing */
} finding;

static void put_finding(const study *s, const finding *f) {
    csv_writer *csv = s->summary;
    csv_writer_text(csv, f->statistic);
    csv_writer_text(csv, f->metric);
    csv_writer_text(csv, f->other);
    csv_writer_plain(csv, f->group);
    csv_writer_text(csv, f->unit);
    csv_writer_plain(csv, f->fault);
    csv_writer_integer(csv, (long long)f->n);
    csv_writer_integer(csv, (long long)f->cases);
    interval_write(csv, f->value, DIGITS);
    csv_writer_plain(csv, f->title);
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
    spread of_against = spread_of(t, s->against), of_metric = spread_of(t, metric);
    return t->scans < SCORE_MIN_SCANS                            ? "fewer than 3 scans"
           : of_against == NOT_FINITE || of_metric == NOT_FINITE ? "a value is not finite"
           : of_against == CONSTANT                              ? "the outcome is constant"
           : of_metric == CONSTANT                               ? "the metric is constant"
                                                                 : "";
}

/* t: the rows of a group, or its scans' means. */
static int write_correlations(const study *s, const char *group, const char *unit, const score_table *t) {
    const bootstrap_plan plan = score_study_plan(&s->scores, t->scans, group);
    for (int m = 0; m < (int)t->metrics; m++)
        for (int kind = 0; m != s->against && kind < CORRELATION_KINDS; kind++) {
            const double *x = t->values[m];
            finding f = {.statistic = correlation_name((correlation_kind)kind),
                         .metric = t->metric[m].key,
                         .other = t->metric[s->against].key,
                         .group = group,
                         .unit = unit,
                         .fault = "",
                         .n = t->rows,
                         .cases = count_faults(t),
                         .value = INTERVAL_UNDEFINED,
                         .title = t->metric[m].title,
                         .note = why_uncorrelated(s, t, m)};
            if (!*f.note && correlation_study((correlation_kind)kind, 1, &x, t->values[s->against], t->first,
                                              &plan, &f.value, NULL, NULL) < 0)
                return err_prefix("%s of %s, %s, %ss", f.statistic, f.metric, group, unit);
            put_finding(s, &f);
        }
    return 0;
}

/* ---------------------------------------------------------------- finding the faults */

/* A row of the means is a scan, unless there are several methods. */
static const char *unit_of_areas(const score_table *means) {
    return means->rows > means->scans ? "row" : "scan";
}

/* What is said of areas: of a kind of fault in a group of rows, the scans' means. */
typedef struct {
    const study *s;
    const score_table *means;
    const char *group, *fault;
    detection d;
    bootstrap_plan plan;
} area_study;

static int area_study_open(area_study *a, const study *s, const score_table *means, const char *group,
                           const char *fault) {
    *a = (area_study){.s = s, .means = means, .group = group, .fault = fault};
    if (detection_make(&a->d, means, fault) < 0)
        return -1;
    a->plan = score_study_plan(&s->scores, a->d.scans, group);
    return 0;
}

static finding finding_of_area(const area_study *a, const char *statistic, int metric) {
    return (finding){.statistic = statistic,
                     .metric = a->means->metric[metric].key,
                     .other = "",
                     .group = a->group,
                     .unit = unit_of_areas(a->means),
                     .fault = a->fault,
                     .n = a->d.n,
                     .cases = a->d.cases,
                     .title = a->means->metric[metric].title};
}

static int write_area(const area_study *a, int metric) {
    finding f = finding_of_area(a, "roc_area", metric);
    if (detection_area(&a->d, metric, &a->plan, &f.value, &f.note) < 0)
        return err_prefix("ROC area of %s, %s", f.metric, a->group);
    put_finding(a->s, &f);
    return 0;
}

/* SSFD against another metric. */
static int compare_areas(const area_study *a, int other, interval *out, const char **note) {
    if (detection_compare(&a->d, a->s->ssfd, other, &a->plan, out, note) < 0)
        return err_prefix("ROC areas of ssfd and %s, %s", a->means->metric[other].key, a->group);
    return 0;
}

static int write_difference(const area_study *a, int other) {
    finding f = finding_of_area(a, "roc_area_difference", other);
    f.other = f.metric;
    f.metric = "ssfd";
    if (compare_areas(a, other, &f.value, &f.note) < 0)
        return -1;
    put_finding(a->s, &f);
    return 0;
}

/* Of one kind of fault, or of all. */
static int write_areas_of(const study *s, const char *group, const char *fault, const score_table *t) {
    int is_any = strcmp(fault, DETECTION_ANY_FAULT) == 0;
    area_study a;
    int status = area_study_open(&a, s, t, group, fault);
    for (int m = 0; status == 0 && m < (int)t->metrics; m++)
        status = write_area(&a, m);
    for (int m = 0; status == 0 && is_any && m < (int)t->metrics; m++)
        if (m != s->ssfd)
            status = write_difference(&a, m);
    detection_free(&a.d);
    return status;
}

/* All faults together, then each kind. */
static int write_areas(const study *s, const char *group, const score_table *t) {
    const char **kinds = mem_alloc((t->label_count + 1) * sizeof *kinds);
    size_t count = kinds ? score_table_distinct(t, t->fault, kinds) : 0;
    int status = kinds ? write_areas_of(s, group, DETECTION_ANY_FAULT, t) : -1;
    for (size_t k = 0; status == 0 && k < count; k++)
        if (strcmp(kinds[k], SCORE_NO_FAULT) != 0)
            status = write_areas_of(s, group, kinds[k], t);
    free(kinds);
    return status;
}

/* ---------------------------------------------------------------- groups */

/* Rows of a group, "method unet" say; a score_group_function. */
static int write_group(void *given, const char *group, const score_table *t) {
    const study *s = given;
    score_table *means = score_table_scan_means(t);
    int status = means ? 0 : -1;
    if (status == 0 && strcmp(s->unit, "scan") != 0)
        status = write_correlations(s, group, s->unit, t);
    if (status == 0)
        status = write_correlations(s, group, "scan", means);
    if (status == 0 && s->faulty && strcmp(group, WITHOUT_FAULTS) != 0)
        status = write_areas(s, group, means);
    score_table_free(means);
    return status;
}

static int write_without_faults(study *s) {
    score_table *good = s->faulty ? score_table_select(s->table, s->table->fault, SCORE_NO_FAULT) : NULL;
    int status = !s->faulty ? 0 : good ? write_group(s, WITHOUT_FAULTS, good) : -1;
    score_table_free(good);
    return status;
}

static int write_summary(study *s) {
    const score_table *t = s->table;
    if (!(s->summary = begin_statistics(s, PROGRAM "_summary")))
        return -1;
    csv_writer_comment(
        s->summary,
        "roc_area: of the rows with a fault against those without; a row is the mean of a scan's "
        "slices, of each method and acceleration; a low ssim or psnr_db and a high distance count as poor");
    csv_writer_comment(s->summary,
                       "roc_area_difference: area of metric minus area of other, on the same rows");
    csv_writer_row(s->summary,
                   "statistic,metric,other,group,unit,fault,n,n_faulty,estimate,ci_low,ci_high,title,note");
    int failed = write_group(s, POOLED, t) < 0 || write_without_faults(s) < 0 ||
                 score_study_each(&s->scores, "acceleration", t->acceleration, write_group, s) < 0 ||
                 score_study_each(&s->scores, "method", t->method, write_group, s) < 0;
    return csv_writer_end(s->summary, failed ? -1 : 0);
}

/* ---------------------------------------------------------------- claims */

static int write_claim(const area_study *a, csv_writer *csv, int other) {
    char key[256], text[640], effect[640];
    const char *note, *title = a->means->metric[other].title;
    claim c = {.key = key, .text = text, .effect = effect, .n = a->d.scans};
    if (compare_areas(a, other, &c.value, &note) < 0)
        return -1;
    snprintf(key, sizeof key, "detection_%s", a->means->metric[other].key);
    snprintf(text, sizeof text, "SSFD finds poor reconstructions that %s misses", title);
    snprintf(effect, sizeof effect,
             "ROC area of SSFD minus that of %s (%zu of %zu scans with a faulty acquisition)", title,
             a->d.case_scans, a->d.scans);
    c.test = *note ? note : "paired BCa bootstrap over scans; faulty and good ones apart";
    c.verdict = interval_verdict_below(interval_negate(c.value), 0.0);
    claim_write(csv, &c, DIGITS);
    return 0;
}

/* Against SSIM, PSNR and every baseline but SSFD's own network untrained, of which the poster does not speak.
 * Where nothing is known to be faulty, nothing can be said. */
static int write_claims(const study *s) {
    score_table *means = score_table_scan_means(s->table);
    area_study a;
    if (!means || area_study_open(&a, s, means, POOLED, DETECTION_ANY_FAULT) < 0) {
        score_table_free(means);
        return -1;
    }
    csv_writer *csv = begin_statistics(s, PROGRAM "_claims");
    int status = csv ? 0 : -1;
    if (csv)
        claim_write_header(csv);
    for (int m = 0; status == 0 && a.d.cases > 0 && m < (int)means->metrics; m++)
        if (m == s->against || (means->metric[m].roles & METRIC_CLAIMED))
            status = write_claim(&a, csv, m);
    detection_free(&a.d);
    score_table_free(means);
    return csv_writer_end(csv, status);
}

/* ---------------------------------------------------------------- examples */

/* A row of the table that is shown. */
typedef struct {
    const char *name; /* "blue" */
    size_t row, scan;
} example;

enum { EXAMPLES = 2 };

/* images: room for reference, image and their difference. */
static int write_images(const study *s, const example *e, float *images) {
    static const char *const kinds[] = {"reference", "reconstruction", "error"};
    const prepared_split *split = s->scores.split;
    size_t pixels = (size_t)split->rows * (size_t)split->columns;
    int scan = (int)e->scan, slice = s->table->slice[e->row];
    float *reference = images, *image = images + pixels, *error = images + 2 * pixels;
    double white;
    if (prepared_split_read(split, scan, PREPARED_REFERENCE, slice, reference) < 0 ||
        prepared_split_read(split, scan, s->scores.kind[scan], slice, image) < 0 ||
        panel_white(reference, pixels, &white) < 0)
        return -1;
    for (size_t k = 0; k < pixels; k++)
        error[k] = fabsf(image[k] - reference[k]);
    for (int k = 0; k < 3; k++) {
        char path[PATH_LENGTH];
        snprintf(path, sizeof path, "%s/panels/" PROGRAM "_%s_%s.f32", s->o->out, e->name, kinds[k]);
        if (panel_write(path, images + (size_t)k * pixels, pixels, 0.0,
                        k < 2 ? white : white / ERROR_FACTOR) < 0)
            return -1;
    }
    return 0;
}

/* With a table there are none. */
static int write_example_images(const study *s, const example *examples) {
    const prepared_split *split = s->scores.split;
    if (!split)
        return 0;
    float *images = mem_alloc(3 * (size_t)split->rows * (size_t)split->columns * sizeof *images);
    int status = images ? 0 : -1;
    for (int k = 0; status == 0 && k < EXAMPLES; k++)
        status = write_images(s, &examples[k], images);
    free(images);
    return status;
}

static void put_example(const study *s, csv_writer *csv, const double *poorer_than, const example *e) {
    const score_table *t = s->table;
    for (size_t m = 0; m < t->metrics; m++) {
        csv_writer_text(csv, e->name);
        csv_writer_plain(csv, t->scan_ids[e->scan]);
        csv_writer_integer(csv, t->slice[e->row]);
        csv_writer_plain(csv, t->acceleration[e->row]);
        csv_writer_plain(csv, t->method[e->row]);
        csv_writer_plain(csv, t->fault[e->row]);
        csv_writer_text(csv, t->metric[m].key);
        csv_writer_plain(csv, t->metric[m].title);
        csv_writer_real(csv, t->values[m][e->row]);
        csv_writer_real(csv, poorer_than[m * t->rows + e->row]);
        csv_writer_end_row(csv);
    }
}

static csv_writer *begin_examples(const study *s) {
    csv_writer *csv = begin_statistics(s, "panels/" PROGRAM "_examples");
    if (!csv)
        return NULL;
    if (s->scores.split)
        csv_writer_comment(csv, "image: %d x %d", s->scores.split->rows, s->scores.split->columns);
    csv_writer_comment(csv, "error panels: |difference| × %g", ERROR_FACTOR);
    csv_writer_comment(csv, "poorer_than: share of the points that are better by this score");
    csv_writer_comment(
        csv, "blue: largest poorer_than by SSFD minus the larger of those by SSIM and the baseline");
    csv_writer_comment(csv, "orange: smallest of the largest poorer_than by SSFD and SSIM and the baseline");
    csv_writer_row(csv, "example,scan_id,slice,acceleration,method,fault,metric,title,value,poorer_than");
    return csv;
}

static int write_examples(const study *s) {
    const int others[] = {s->against, s->baseline};
    example_choice choice;
    if (examples_choose(&choice, s->table, s->ssfd, others, s->baseline < 0 ? 1 : 2, s->o->seed) < 0)
        return -1;
    example examples[EXAMPLES] = {{"blue", choice.alone, 0}, {"orange", choice.good, 0}};
    for (int k = 0; k < EXAMPLES; k++)
        while (s->table->first[examples[k].scan + 1] <= examples[k].row)
            examples[k].scan++;
    csv_writer *csv = write_example_images(s, examples) == 0 ? begin_examples(s) : NULL;
    for (int k = 0; csv && k < EXAMPLES; k++)
        put_example(s, csv, choice.poorer_than, &examples[k]);
    examples_free(&choice);
    return csv_writer_end(csv, 0);
}

/* ---------------------------------------------------------------- what is studied */

#define LIST_LENGTH 8192

/* Metrics that a table has to have: SSIM (or what --against says), SSFD and those asked for. */
static int list_required(const options *o, char *list) {
    int length = snprintf(list, LIST_LENGTH, "%s,ssfd%s%s", o->against, o->metrics ? "," : "",
                          o->metrics ? o->metrics : "");
    return length < LIST_LENGTH ? 0 : err_set("--metrics: longer than %d characters", LIST_LENGTH - 256);
}

/* Without a choice, all metrics that the table has. */
static score_columns table_columns(const options *o, const char *required) {
    return (score_columns){.columns = o->columns,
                           .metrics = required,
                           .optional = o->metrics ? "" : NULL,
                           .higher = o->higher,
                           .lower = o->lower};
}

static int open_scores(study *s) {
    const options *o = s->o;
    char required[LIST_LENGTH];
    if (list_required(o, required) < 0)
        return -1;
    const score_source source = {
        .program = PROGRAM,
        .out = o->out,
        .table = o->table,
        .columns = table_columns(o, required),
        .cohort = o->cohort,
        .split = o->split,
        .scans = o->scans,
        .baselines = o->baselines,
        .files = {o->weights, o->layers, o->vgg16_weights, o->lpips_weights, o->seed},
        .with_faults = 1,
        .save_every = o->save_every,
        .replicates = o->replicates,
        .seed = o->seed};
    int status = score_study_open(&s->scores, &source);
    s->table = s->scores.table;
    return status;
}

/* The metrics that matter, the first baseline among them; what a row is. */
static int survey(study *s) {
    const score_table *t = s->table;
    for (size_t row = 0; row < t->rows; row++)
        if (strcmp(t->fault[row], DETECTION_ANY_FAULT) == 0)
            return err_set("%s: a fault is called '" DETECTION_ANY_FAULT
                           "', which stands for all faults here",
                           s->o->table ? s->o->table : s->o->cohort);
    if (!(s->unit = score_table_unit(t)))
        return -1;
    s->faulty = count_faulty_scans(t);
    s->against = score_table_metric(t, s->o->against);
    s->ssfd = score_table_metric(t, "ssfd");
    s->baseline = -1;
    for (int m = 0; s->baseline < 0 && m < (int)t->metrics; m++)
        if (m != s->against && m != s->ssfd && (t->metric[m].roles & METRIC_BASELINE))
            s->baseline = m;
    return 0;
}

/* ---------------------------------------------------------------- the program */

static void study_close(void *given) {
    study *s = given;
    score_study_close(&s->scores);
}

/* The table of scores comes last: when it is there, so is the rest. */
static int run(void *given, run_record *record) {
    study *s = given;
    if (open_scores(s) < 0)
        return -1;
    if (ranks_me() > 0)
        return 0;
    if (s->scores.taken_over)
        printf("%d of %d slices taken over from an interrupted run\n", s->scores.taken_over,
               s->scores.split->total_slices);
    if (survey(s) < 0 || write_examples(s) < 0 || write_summary(s) < 0 || write_claims(s) < 0 ||
        score_study_write_scores(&s->scores, PROGRAM) < 0)
        return -1;
    record_integer(record, "scans_with_a_fault", (int64_t)s->faulty);
    return score_study_end(&s->scores, record);
}

/* What can be checked before anything is opened. */
static int check_options(const options *o) {
    char required[LIST_LENGTH];
    if (!o->table && (*o->columns || o->metrics || *o->higher || *o->lower))
        return err_set("--columns, --metrics, --higher-is-better and --lower-is-better belong to --table");
    if (list_required(o, required) < 0 || (!o->table && !metric_find(o->against)))
        return -1;
    const score_columns columns = table_columns(o, required);
    return score_columns_check(&columns) < 0 ? -1 : metric_list_check(o->baselines);
}

int main(int argc, char **argv) {
    char names[2048] = "";
    options o = {.cohort = "build/cohort",
                 .split = "test",
                 .weights = "lib/models/weights/ssl_unet.h5",
                 .layers = SSFD_DEFAULT_LAYER,
                 .baselines = "vgg_pl",
                 .columns = "",
                 .higher = "",
                 .lower = "",
                 .against = "ssim",
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
         "metrics that the table has to have besides ssim and ssfd (default: all that it has)", 0, 0},
        {CLI_STRING, "higher-is-better", &o.higher, "NAMES",
         "columns of the table that no metric is known for, of which a higher value is better", 0, 0},
        {CLI_STRING, "lower-is-better", &o.lower, "NAMES", "the same where a lower value is better", 0, 0},
        {CLI_STRING, "against", &o.against, "METRIC", "metric that SSFD and the baseline are held against", 0,
         0},
        {CLI_STRING, "out", &o.out, "DIR", "folder for the tables and example panels", 0, 0},
        {CLI_INT, "scans", &o.scans, "N", "take the first N scans of the cohort only (0: all)", 0, 1e9},
        {CLI_INT, "replicates", &o.replicates, "N", "of the bootstrap", 100, 1e7},
        {CLI_U64, "seed", &o.seed, "N", "seed of the bootstrap and of random weights", 0, 0},
        {CLI_REAL, "save-every", &o.save_every, "SECONDS",
         "time between saves that an interrupted run goes on from", 0, 1e6},
        {CLI_INT, "threads", &o.threads, "N", "threads", 1, 1024},
        {CLI_STRING, "records", &o.records, "DIR", "folder for the run record (default: OUT/records)", 0, 0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    metric_help(names, sizeof names);
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
