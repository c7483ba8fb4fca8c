/* Figure 3 of the poster: SSFD as a tool for quality control. SSIM against a baseline (VGG-PL) and against SSFD over the
 * test set, and how well each score finds the acquisitions in which something went wrong.
 *
 * Scores are computed here, for the reconstructions of all test scans: for a scan that has a faulty acquisition
 * (mri/faults.h) that one, for all others the ordinary one. Or they are read from anybody's table (--table).
 * Correlations with SSIM are over slices and over the scans' means; areas under the ROC curve are over scans, whose
 * slices are averaged: cases are the scans with a fault, controls those without, and a scan counts as poor according to
 * the direction of the metric. In a table of several methods or accelerations a scan has a row for each; intervals and
 * counts of scans take into account that these belong together. All of this for all rows together, for those without a
 * fault, and by acceleration and method where there are several.
 *
 * Two examples, chosen by rule (study/examples.h): blue, which SSFD flags and SSIM and the baseline do not, and orange,
 * which all three call good. */
#include "core/error.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "io/panel.h"
#include "stats/correlation.h"
#include "study/claim.h"
#include "study/detection.h"
#include "study/quality_figure.h"
#include "study/score_study.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "quality_control"
#define PATH_LENGTH 4096
#define DIGITS 9
#define ERROR_FACTOR 5.0 /* of the error panels */
#define ERROR_TITLE "|difference| × 5"
#define POOLED "pooled"
#define WITHOUT_FAULTS "without faults"

typedef struct {
    cohort_options cohort;
    network_options network;
    baseline_options baselines;
    score_options scores;
    const char *metrics;
    char required[8192]; /* required in a table: SSFD and --metrics */
    run_options run;
} options;

typedef struct {
    options *o;
    score_study scores;
    const score_table *table; /* the same's */
    int ssfd, baseline;       /* metrics of the table; baseline -1: it has none */
    size_t faulty;            /* scans with a fault */
    csv_writer *summary;      /* while it is written */
    quality_figure *figure;   /* filled in on the way */
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

static csv_writer *begin_statistics(const study *s, const char *name) {
    csv_writer *csv = score_study_begin_statistics(&s->scores, name);
    if (!csv)
        return NULL;
    csv_writer_comment(csv, "faulty: %zu scans", s->faulty);
    csv_writer_comment(csv, "baseline: %s", s->baseline < 0 ? "none" : s->table->metric[s->baseline].key);
    csv_writer_comment(
        csv,
        "ci: 95 %%, BCa bootstrap over scans with %d replicates; of areas, where each scan has one row, "
        "Newcombe's method 5",
        s->o->scores.replicates);
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
    spread of_against = spread_of(t, s->scores.against), of_metric = spread_of(t, metric);
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
        for (int kind = 0; m != s->scores.against && kind < CORRELATION_KINDS; kind++) {
            const double *x = t->values[m];
            finding f = {.statistic = correlation_name((correlation_kind)kind),
                         .metric = t->metric[m].key,
                         .other = t->metric[s->scores.against].key,
                         .group = group,
                         .unit = unit,
                         .fault = "",
                         .n = t->rows,
                         .cases = count_faults(t),
                         .value = INTERVAL_UNDEFINED,
                         .title = t->metric[m].title,
                         .note = why_uncorrelated(s, t, m)};
            if (!*f.note && correlation_study((correlation_kind)kind, 1, &x, t->values[s->scores.against],
                                              t->first, &plan, &f.value, NULL, NULL) < 0)
                return err_prefix("%s of %s, %s, %ss", f.statistic, f.metric, group, unit);
            put_finding(s, &f);
            if (kind == CORRELATION_PEARSON && strcmp(group, POOLED) == 0 &&
                strcmp(unit, s->scores.unit) == 0)
                s->figure->pearson[m] = f.value;
        }
    return 0;
}

/* ---------------------------------------------------------------- finding the faults */

/* A row of the means is a scan, unless there are several methods. */
static const char *unit_of_areas(const score_table *means) {
    return means->rows > means->scans ? "row" : "scan";
}

/* The areas of a kind of fault in a group of rows, the scans' means. */
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

/* kept: where the area goes besides; NULL: nowhere. */
static int write_area(const area_study *a, int metric, interval *kept) {
    finding f = finding_of_area(a, "roc_area", metric);
    if (detection_area(&a->d, metric, &a->plan, &f.value, &f.note) < 0)
        return err_prefix("ROC area of %s, %s", f.metric, a->group);
    put_finding(a->s, &f);
    if (kept)
        kept[metric] = f.value;
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
    interval *kept = NULL;
    int status = area_study_open(&a, s, t, group, fault);
    if (status == 0 && strcmp(group, POOLED) == 0) {
        kept = quality_figure_areas(s->figure, fault, a.d.cases);
        s->figure->unit_of_areas = unit_of_areas(t);
        status = kept ? 0 : -1;
    }
    for (int m = 0; status == 0 && m < (int)t->metrics; m++)
        status = write_area(&a, m, kept);
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
    if (status == 0 && strcmp(s->scores.unit, "scan") != 0)
        status = write_correlations(s, group, s->scores.unit, t);
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
    if (!(s->summary = begin_statistics(s, PROGRAM "_summary")))
        return -1;
    csv_writer_comment(
        s->summary,
        "roc_area: of the rows with a fault against those without; a row is the mean of a scan's "
        "slices, of each method and acceleration; what counts as poor follows from each metric's direction");
    csv_writer_comment(s->summary,
                       "roc_area_difference: area of metric minus area of other, on the same rows");
    csv_writer_row(s->summary,
                   "statistic,metric,other,group,unit,fault,n,n_faulty,estimate,ci_low,ci_high,title,note");
    int failed = write_group(s, POOLED, s->table) < 0 || write_without_faults(s) < 0 ||
                 score_study_each(&s->scores, write_group, s) < 0;
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

/* Compared with `against` and every claimed metric. Without a scan that is known to be faulty there is no claim. */
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
        if (m == s->scores.against || (means->metric[m].roles & METRIC_CLAIMED))
            status = write_claim(&a, csv, m);
    detection_free(&a.d);
    score_table_free(means);
    return csv_writer_end(csv, status);
}

/* ---------------------------------------------------------------- examples */

/* images: room for reference, image and their difference. */
static int write_images(const study *s, const quality_example *e, float *images) {
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
        snprintf(path, sizeof path, "%s/panels/" PROGRAM "_%s_%s.f32", s->o->run.out, e->name, kinds[k]);
        if (panel_write(path, images + (size_t)k * pixels, pixels, 0.0,
                        k < 2 ? white : white / ERROR_FACTOR) < 0)
            return -1;
    }
    return 0;
}

/* With a table there are none. */
static int write_example_images(const study *s, const quality_example *examples) {
    const prepared_split *split = s->scores.split;
    if (!split)
        return 0;
    float *images = mem_alloc(3 * (size_t)split->rows * (size_t)split->columns * sizeof *images);
    int status = images ? 0 : -1;
    for (int k = 0; status == 0 && k < QUALITY_EXAMPLES; k++)
        status = write_images(s, &examples[k], images);
    free(images);
    return status;
}

static void put_example(const study *s, csv_writer *csv, const double *poorer_than,
                        const quality_example *e) {
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
    csv_writer_comment(csv, "error panels: " ERROR_TITLE);
    csv_writer_comment(csv, "poorer_than: share of the points that are better by this score");
    csv_writer_comment(
        csv, "blue: largest poorer_than by SSFD minus the larger of those by SSIM and the baseline");
    csv_writer_comment(csv, "orange: smallest of the largest poorer_than by SSFD and SSIM and the baseline");
    csv_writer_row(csv, "example,scan_id,slice,acceleration,method,fault,metric,title,value,poorer_than");
    return csv;
}

static int write_examples(const study *s) {
    const int others[] = {s->scores.against, s->baseline};
    quality_figure *q = s->figure;
    if (examples_choose(&q->choice, s->table, s->ssfd, others, s->baseline < 0 ? 1 : 2, s->o->run.seed) < 0)
        return -1;
    q->example[0] = (quality_example){"blue", q->choice.alone, 0};
    q->example[1] = (quality_example){"orange", q->choice.good, 0};
    for (int k = 0; k < QUALITY_EXAMPLES; k++)
        while (s->table->first[q->example[k].scan + 1] <= q->example[k].row)
            q->example[k].scan++;
    csv_writer *csv = write_example_images(s, q->example) == 0 ? begin_examples(s) : NULL;
    for (int k = 0; csv && k < QUALITY_EXAMPLES; k++)
        put_example(s, csv, q->choice.poorer_than, &q->example[k]);
    return csv_writer_end(csv, 0);
}

/* The figure's frame; its numbers are filled in as the tables are written. */
static int begin_figure(study *s) {
    quality_figure *q = s->figure;
    if (quality_figure_open(q, s->table) < 0)
        return -1;
    q->unit = s->scores.unit;
    q->against = s->scores.against;
    q->ssfd = s->ssfd;
    q->baseline = s->baseline;
    q->faulty = s->faulty;
    q->image_rows = s->scores.split ? s->scores.split->rows : 0;
    q->image_columns = s->scores.split ? s->scores.split->columns : 0;
    q->error_title = ERROR_TITLE;
    return 0;
}

/* ---------------------------------------------------------------- what is studied */

/* The metrics that matter, the first baseline among them. */
static int survey(study *s) {
    const score_table *t = s->table;
    for (size_t row = 0; row < t->rows; row++)
        if (strcmp(t->fault[row], DETECTION_ANY_FAULT) == 0)
            return err_set("%s: a fault is called '" DETECTION_ANY_FAULT
                           "', which stands for all faults here",
                           score_study_from(&s->scores));
    s->faulty = count_faulty_scans(t);
    if (count_faults(t) == t->rows)
        return err_set("%s: no row without a fault: expected some with '" SCORE_NO_FAULT
                       "' in the column of faults",
                       score_study_from(&s->scores));
    s->ssfd = score_table_metric(t, "ssfd");
    s->baseline = -1;
    for (int m = 0; s->baseline < 0 && m < (int)t->metrics; m++)
        if (m != s->scores.against && m != s->ssfd && (t->metric[m].roles & METRIC_BASELINE))
            s->baseline = m;
    return 0;
}

/* ---------------------------------------------------------------- the program */

static score_source source_of(const options *o) {
    return (score_source){.program = PROGRAM,
                          .run = &o->run,
                          .scores = &o->scores,
                          .cohort = &o->cohort,
                          .network = &o->network,
                          .baselines = &o->baselines,
                          .required = o->required,
                          .optional = o->metrics ? "" : NULL,
                          .with_faults = 1};
}

static int check(void *given) {
    options *o = ((study *)given)->o;
    const score_source source = source_of(o);
    int length = snprintf(o->required, sizeof o->required, "ssfd%s%s", o->metrics ? "," : "",
                          o->metrics ? o->metrics : "");
    if (length >= (int)sizeof o->required)
        return err_set("--metrics: longer than %zu characters", sizeof o->required - 6);
    if (o->metrics && !o->scores.table)
        return err_set("--metrics belongs to --table");
    return score_source_check(&source);
}

/* The table of scores comes last: when it is there, so is the rest. */
static int run(void *given, run_record *record) {
    study *s = given;
    const score_source source = source_of(s->o);
    if (score_study_open(&s->scores, &source) < 0)
        return -1;
    s->table = s->scores.table;
    if (ranks_me() > 0)
        return 0;
    if (*s->table->unused)
        printf("not used, as no metric has such a name: %s (see --metrics and --lower-is-better)\n",
               s->table->unused);
    if (survey(s) < 0 || begin_figure(s) < 0 || write_examples(s) < 0 || write_summary(s) < 0 ||
        write_claims(s) < 0 || quality_figure_write(s->figure, s->o->run.out) < 0 ||
        score_study_write_scores(&s->scores, PROGRAM) < 0)
        return -1;
    record_integer(record, "scans_with_a_fault", (int64_t)s->faulty);
    return score_study_end(&s->scores, record);
}

static void study_close(void *given) {
    study *s = given;
    quality_figure_close(s->figure);
    score_study_close(&s->scores);
}

int main(int argc, char **argv) {
    static char names[2048];
    static options o = {.cohort = COHORT_DEFAULTS,
                        .network = NETWORK_DEFAULTS,
                        .baselines = {.names = "vgg_pl"},
                        .scores = SCORE_DEFAULTS,
                        .run = RUN_DEFAULTS};
    static const program_option table[] = {
        OPT_COHORT(&o.cohort),
        OPT_NETWORK(&o.network),
        OPT_BASELINES(&o.baselines),
        OPT_SCORES(&o.scores),
        OPT_TEXT("metrics", &o.metrics, "NAMES",
                 "metrics that the table has to have besides ssim and ssfd (default: all that it has)"),
        OPT_RUN(&o.run, "folder for the tables and example panels",
                "seed of the bootstrap and of random weights"),
        OPT_SAVE_EVERY(&o.run),
        OPT_END};
    metric_help(names, sizeof names);
    quality_figure figure = {0};
    study s = {.o = &o, .figure = &figure};
    const program p = {
        .command =
            {.name = PROGRAM,
             .summary =
                 "SSIM against a baseline and against SSFD, for the reconstructions of a cohort or from a "
                 "table of scores,\nand how well each finds faulty acquisitions (figure 3). The figure shows "
                 "the first baseline.",
             .options = table,
             .epilogue = names},
        .options = &o.run,
        .self = &s,
        .check = check,
        .run = run,
        .close = study_close};
    return program_main(&p, argc, argv);
}
