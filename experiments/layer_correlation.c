/* Figure 2 of the poster: SSFD at every layer of the encoder against SSIM, of the accelerated reconstructions
 * of all test scans, and whether the correlation falls with depth.
 *
 * Scores are computed here, or read from a table of anyone's (--table): then "layers" are its columns of
 * scores in order of depth, whatever they are. Correlations are Pearson's, Spearman's and Kendall's, over
 * slices and over the scans' means, of all rows together and by acceleration and method where there are
 * several; their intervals, and those of the trend over depth, come from a bootstrap over scans
 * (stats/correlation.h). Rows with a fault are left out. */
#include "experiment.h"

#include "core/file.h"
#include "core/list.h"
#include "metrics/ssfd.h"
#include "models/ssl_unet.h"
#include "stats/correlation.h"
#include "study/claim.h"
#include "study/score_study.h"
#include <gsl/gsl_fit.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "layer_correlation"
#define PATH_LENGTH 4096
#define MAX_LAYERS FEATURE_MAX_LAYERS
#define ALL_LAYERS                                                                                           \
    "block1_relu1,block1_relu2,block2_relu1,block2_relu2,block3_relu1,block3_relu2,"                         \
    "block4_relu1,block4_relu2,block5_relu1,block5_relu2"
#define POSTER_LAYERS "block1_relu2,block2_relu2,block3_relu2,block4_relu2"

typedef struct {
    const char *cohort, *split, *weights, *table, *columns, *against, *higher, *lower, *layers, *panels, *out,
        *records;
    int scans, threads, replicates;
    double save_every; /* seconds between two saves of what has been computed */
    uint64_t seed;
} options;

typedef struct {
    const options *o;
    score_study scores;
    const score_table *table; /* of the scores, without faults */
    size_t left_out;          /* rows */
    int against;              /* metric that the layers are correlated with */
    int layers;               /* how many */
    int metric[MAX_LAYERS];   /* their metrics in the table, in order of depth */
    int is_panel[MAX_LAYERS];
    const char *unit; /* of the table's rows (score_table_unit()) */
    double
        sign; /* of the correlation where score and outcome agree: -1 for distances against SSIM. sign * r is the
                       * strength of a layer */
} study;

/* ---------------------------------------------------------------- correlations of one set of points */

/* Rows of one group ("pooled", "method unet"), as slices or scan means. */
typedef struct {
    const char *group, *unit;
    const score_table *t;
} points;

enum { ALL, PANELS, SELECTIONS };
static const char *const selection_names[SELECTIONS] = {"all", "panels"};

/* NaN where a score is constant, and all of it where the outcome is or scans are too few. */
typedef struct {
    interval r[MAX_LAYERS];
    interval trend[SELECTIONS], drop[SELECTIONS];
} correlations;

static int is_constant(const score_table *t, int metric) {
    for (size_t row = 1; row < t->rows; row++)
        if (t->values[metric][row] != t->values[metric][0])
            return 0;
    return 1;
}

static int is_defined(const study *s, const points *p) {
    return p->t->scans >= SCORE_MIN_SCANS && !is_constant(p->t, s->against);
}

/* Of layers number layer[0 .. m - 1]; trend and drop where there are two or more. */
static int correlate_layers(const study *s, const points *p, correlation_kind kind, const int *layer,
                            size_t m, interval *r, interval *trend, interval *drop) {
    const double *x[MAX_LAYERS];
    const bootstrap_plan plan = score_study_plan(&s->scores, p->t->scans, p->group);
    for (size_t k = 0; k < m; k++)
        x[k] = p->t->values[s->metric[layer[k]]];
    if (correlation_study(kind, m, x, p->t->values[s->against], p->t->first, &plan, r, m > 1 ? trend : NULL,
                          m > 1 ? drop : NULL) < 0)
        return err_prefix("%s of %s, %ss", correlation_name(kind), p->group, p->unit);
    return 0;
}

/* Layers of a selection that are not constant here, by number. */
static size_t usable_layers(const study *s, const points *p, int selection, int *layer) {
    size_t m = 0;
    for (int k = 0; k < s->layers; k++)
        if ((selection == ALL || s->is_panel[k]) && !is_constant(p->t, s->metric[k]))
            layer[m++] = k;
    return m;
}

static size_t count_layers(const study *s, int selection) {
    size_t m = 0;
    for (int k = 0; k < s->layers; k++)
        m += selection == ALL || s->is_panel[k];
    return m;
}

static int correlate(const study *s, const points *p, correlation_kind kind, correlations *c) {
    int layer[MAX_LAYERS];
    for (int k = 0; k < MAX_LAYERS; k++)
        c->r[k] = INTERVAL_UNDEFINED;
    for (int selection = 0; selection < SELECTIONS; selection++) {
        interval r[MAX_LAYERS], trend = INTERVAL_UNDEFINED, drop = INTERVAL_UNDEFINED;
        size_t m = is_defined(s, p) ? usable_layers(s, p, selection, layer) : 0;
        if (m > 0 && correlate_layers(s, p, kind, layer, m, r, &trend, &drop) < 0)
            return -1;
        for (size_t k = 0; k < m; k++)
            c->r[layer[k]] = r[k];
        int is_whole = m == count_layers(s, selection);
        c->trend[selection] = is_whole ? trend : INTERVAL_UNDEFINED;
        c->drop[selection] = is_whole ? drop : INTERVAL_UNDEFINED;
    }
    return 0;
}

/* Times the sign of the study: how strong, not which way. */
static interval strength(const study *s, interval r) {
    return s->sign > 0 ? r : interval_negate(r);
}

/* ---------------------------------------------------------------- tables */

/* What tables of statistics say on top. */
static csv_writer *begin_statistics(const study *s, const char *name) {
    csv_writer *csv = score_study_begin_table(&s->scores, name);
    if (!csv)
        return NULL;
    csv_writer_comment(csv, "cohort: %s", s->table->cohort);
    score_table_labels(s->table, csv);
    csv_writer_comment(csv, "outcome: %s", s->table->metric[s->against].title);
    csv_writer_comment(csv, "unit: %s", s->unit);
    csv_writer_comment(csv, "points: %zu of %zu scans", s->table->rows, s->table->scans);
    if (s->left_out)
        csv_writer_comment(csv, "left out: %zu rows with a fault", s->left_out);
    csv_writer_comment(csv, "sign: %g", s->sign);
    csv_writer_comment(csv, "ci: 95 %% BCa bootstrap over scans, %d replicates", s->o->replicates);
    csv_writer_comment(csv, "seed: %llu", (unsigned long long)s->o->seed);
    return csv;
}

/* Six digits: as many as scores that are read from a table of nine determine. */
#define DIGITS 6

static void put_number(csv_writer *csv, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.*g", DIGITS, value);
    csv_writer_text(csv, isnan(value) ? "nan" : text);
}

static void put_correlations(const study *s, csv_writer *csv, const points *p, correlation_kind kind,
                             const correlations *c) {
    for (int k = 0; k < s->layers; k++) {
        csv_writer_text(csv, s->table->metric[s->metric[k]].key);
        csv_writer_integer(csv, k + 1);
        csv_writer_plain(csv, p->group);
        csv_writer_text(csv, p->unit);
        csv_writer_text(csv, correlation_name(kind));
        csv_writer_integer(csv, (long long)p->t->rows);
        csv_writer_integer(csv, (long long)p->t->scans);
        interval_write(csv, c->r[k], DIGITS);
        csv_writer_plain(csv, s->table->metric[s->metric[k]].title);
        csv_writer_end_row(csv);
    }
}

static void put_trend(const study *s, csv_writer *csv, const points *p, correlation_kind kind, int selection,
                      const char *effect, interval i) {
    char text[64];
    snprintf(text, sizeof text, "%s%s", s->sign > 0 ? "" : "-", effect);
    csv_writer_text(csv, selection_names[selection]);
    csv_writer_integer(csv, (long long)count_layers(s, selection));
    csv_writer_plain(csv, p->group);
    csv_writer_text(csv, p->unit);
    csv_writer_text(csv, correlation_name(kind));
    csv_writer_text(csv, text);
    csv_writer_integer(csv, (long long)p->t->rows);
    csv_writer_integer(csv, (long long)p->t->scans);
    interval_write(csv, strength(s, i), DIGITS);
    csv_writer_end_row(csv);
}

static void put_trends(const study *s, csv_writer *csv, const points *p, correlation_kind kind,
                       const correlations *c) {
    for (int k = 0; k < SELECTIONS; k++)
        if (count_layers(s, k) > 1) {
            put_trend(s, csv, p, kind, k, "r: slope per layer", c->trend[k]);
            put_trend(s, csv, p, kind, k, "r: last layer minus first", c->drop[k]);
        }
}

/* That the earlier layer correlates more, as the poster says: over all layers, by Pearson's r. */
static int write_claim(const study *s, const points *p, const correlations *c) {
    char text[512], effect[128];
    csv_writer *csv = begin_statistics(s, PROGRAM "_claims");
    if (!csv)
        return -1;
    claim_write_header(csv);
    if (s->layers > 1) {
        const interval trend = strength(s, c->trend[ALL]);
        snprintf(text, sizeof text,
                 "the earlier the encoder layer the higher the correlation of SSFD with %s",
                 s->table->metric[s->against].title);
        snprintf(effect, sizeof effect, "slope of %sr (Pearson; %ss) per layer over %d layers",
                 s->sign > 0 ? "" : "-", p->unit, s->layers);
        const claim found = {.key = "layer_trend",
                             .text = text,
                             .effect = effect,
                             .value = trend,
                             .n = p->t->scans,
                             .test = "BCa bootstrap over scans",
                             .verdict = interval_verdict_below(trend, 0.0)};
        claim_write(csv, &found, DIGITS);
    }
    return csv_writer_end(csv, 0);
}

/* ---------------------------------------------------------------- the figure's panels */

static void put_panel(const study *s, csv_writer *csv, const points *p, int layer, interval r) {
    const score_table *t = p->t;
    const double *x = t->values[s->against], *y = t->values[s->metric[layer]];
    const metric_label *label = &t->metric[s->metric[layer]];
    double intercept, slope, cov[3], squares, low, high;
    gsl_fit_linear(x, 1, y, 1, t->rows, &intercept, &slope, &cov[0], &cov[1], &cov[2], &squares);
    csv_writer_text(csv, label->key);
    csv_writer_plain(csv, label->title);
    csv_writer_plain(csv, label->roles & METRIC_LAYER ? metric_ssfd.title : label->title);
    interval_write(csv, r, DIGITS);
    put_number(csv, slope);
    put_number(csv, intercept);
    gsl_stats_minmax(&low, &high, x, 1, t->rows);
    put_number(csv, low);
    put_number(csv, high);
    gsl_stats_minmax(&low, &high, y, 1, t->rows);
    put_number(csv, low);
    put_number(csv, high);
    csv_writer_end_row(csv);
}

/* Points are those of the table of scores; here is what is drawn besides. */
static int write_panels(const study *s, const points *p, const correlations *c) {
    csv_writer *csv = begin_statistics(s, "panels/" PROGRAM);
    if (!csv)
        return -1;
    csv_writer_comment(csv, "outcome column: %s", s->table->metric[s->against].key);
    csv_writer_comment(csv, "fit: score = slope * outcome + intercept by least squares");
    csv_writer_row(csv, "layer,title,axis,pearson,ci_low,ci_high,slope,intercept,"
                        "outcome_low,outcome_high,score_low,score_high");
    for (int k = 0; k < s->layers; k++)
        if (s->is_panel[k])
            put_panel(s, csv, p, k, c->r[k]);
    return csv_writer_end(csv, 0);
}

/* ---------------------------------------------------------------- groups and units */

typedef struct {
    csv_writer *correlations, *trends;
} writers;

/* Rows go to both tables. */
static int study_points(const study *s, const writers *to, const points *p) {
    for (int kind = 0; kind < CORRELATION_KINDS; kind++) {
        correlations c;
        if (correlate(s, p, kind, &c) < 0)
            return -1;
        put_correlations(s, to->correlations, p, kind, &c);
        put_trends(s, to->trends, p, kind, &c);
    }
    return 0;
}

/* A group, its rows first, then its scans' means. */
static int study_group(const study *s, const writers *to, const char *group, const score_table *t) {
    int status = study_points(s, to, &(points){group, s->unit, t});
    if (status < 0 || strcmp(s->unit, "scan") == 0)
        return status;
    score_table *means = score_table_scan_means(t);
    status = means ? study_points(s, to, &(points){group, "scan", means}) : -1;
    score_table_free(means);
    return status;
}

typedef struct {
    const study *s;
    const writers *to;
} group_task;

static int study_part(void *given, const char *group, const score_table *part) {
    const group_task *task = given;
    return study_group(task->s, task->to, group, part);
}

static int write_statistics(const study *s) {
    const score_table *t = s->table;
    writers to = {begin_statistics(s, PROGRAM), begin_statistics(s, PROGRAM "_trend")};
    int status = to.correlations && to.trends ? 0 : -1;
    if (status == 0) {
        csv_writer_row(to.correlations,
                       "layer,depth,group,unit,coefficient,n,n_scans,estimate,ci_low,ci_high,title");
        csv_writer_row(to.trends,
                       "layers,n_layers,group,unit,coefficient,effect,n,n_scans,estimate,ci_low,ci_high");
        group_task task = {s, &to};
        int failed = study_group(s, &to, "pooled", t) < 0 ||
                     score_study_each(&s->scores, "acceleration", t->acceleration, study_part, &task) < 0 ||
                     score_study_each(&s->scores, "method", t->method, study_part, &task) < 0;
        status = failed ? -1 : 0;
    }
    status = csv_writer_end(to.trends, status); /* the other one last: when it is there, so is the rest */
    return csv_writer_end(to.correlations, status);
}

/* The figure and the claim rest on Pearson's r of all rows. A score or an outcome that is constant among
 * them has no correlation: that is an error, as the study is of nothing else. */
static int write_results(study *s) {
    const points all = {"pooled", s->unit, s->table};
    correlations c;
    for (int k = -1; k < s->layers; k++) {
        int metric = k < 0 ? s->against : s->metric[k];
        if (is_constant(s->table, metric))
            return err_set("%s: '%s' is %g in all %zu rows: a constant score has no correlation",
                           s->o->table ? s->o->table : s->o->cohort, s->table->metric[metric].key,
                           s->table->values[metric][0], s->table->rows);
    }
    if (correlate(s, &all, CORRELATION_PEARSON, &c) < 0)
        return -1;
    return score_study_write_scores(&s->scores, PROGRAM "_scores") < 0 || write_panels(s, &all, &c) < 0 ||
                   write_claim(s, &all, &c) < 0 || write_statistics(s) < 0
               ? -1
               : 0;
}

/* ---------------------------------------------------------------- where the scores come from */

/* Metrics that a table has to have: the outcome and the layers asked for. */
static int list_required(const options *o, char *list) {
    int length =
        snprintf(list, PATH_LENGTH, "%s%s%s", o->against, o->layers ? "," : "", o->layers ? o->layers : "");
    return length < PATH_LENGTH
               ? 0
               : err_set("--against and --layers: longer than %d characters", PATH_LENGTH - 2);
}

static score_columns table_columns(const options *o, const char *required) {
    return (score_columns){.columns = o->columns,
                           .metrics = required,
                           .optional = o->layers ? "" : ALL_LAYERS,
                           .higher = o->higher,
                           .lower = o->lower};
}

static int open_scores(study *s) {
    const options *o = s->o;
    char required[PATH_LENGTH];
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
        .baselines = "",
        .files = {.ssfd_weights = o->weights, .ssfd_layers = o->layers ? o->layers : ALL_LAYERS},
        .layers_apart = 1,
        .save_every = o->save_every,
        .replicates = o->replicates,
        .seed = o->seed};
    if (score_study_open(&s->scores, &source) < 0)
        return -1;
    if (s->scores.table->metrics < 2)
        return err_set("%s: has none of the columns " ALL_LAYERS ": name those of scores with --layers",
                       o->table);
    return 0;
}

/* ---------------------------------------------------------------- what is studied */

static int leave_out_faults(study *s) {
    const char *from = s->o->table ? s->o->table : s->o->cohort;
    score_table *all = s->scores.table;
    score_table *good = score_table_select(all, all->fault, SCORE_NO_FAULT);
    if (!good)
        return -1;
    s->left_out = all->rows - good->rows;
    score_table_free(all);
    s->table = s->scores.table = good;
    return good->scans < SCORE_MIN_SCANS ? err_set("%s: %zu scans without a fault, expected at least %d",
                                                   from, good->scans, SCORE_MIN_SCANS)
                                         : 0;
}

/* Those asked for, in that order; else those there are, from the first to the deepest. */
static int choose_layers(study *s, const name_list *names) {
    for (size_t k = 0; k < names->count; k++) {
        int metric = score_table_metric(s->table, names->items[k]);
        if (metric < 0 && s->o->layers)
            return -1;
        if (metric >= 0 && s->layers == MAX_LAYERS)
            return err_set("more than %d layers", MAX_LAYERS);
        if (metric >= 0)
            s->metric[s->layers++] = metric;
    }
    return 0;
}

/* Scores and outcome agree where a poorer image moves both: the layers have to do it in the same way. */
static int find_sign(study *s) {
    const metric_label *label = s->table->metric;
    for (int k = 1; k < s->layers; k++)
        if (label[s->metric[k]].direction != label[s->metric[0]].direction)
            return err_set("'%s' and '%s' differ in whether a higher value is better",
                           label[s->metric[0]].key, label[s->metric[k]].key);
    s->sign = metric_poor_sign(&label[s->metric[0]]) * metric_poor_sign(&label[s->against]);
    return 0;
}

static int find_layers(study *s) {
    name_list names;
    if ((s->against = score_table_metric(s->table, s->o->against)) < 0)
        return -1;
    int status = name_list_split(&names, s->o->layers ? s->o->layers : ALL_LAYERS, "layer");
    if (status == 0)
        status = choose_layers(s, &names);
    name_list_free(&names);
    return status < 0 ? -1 : find_sign(s);
}

static int find_panel(study *s, const char *name) {
    for (int k = 0; k < s->layers; k++)
        if (strcmp(s->table->metric[s->metric[k]].key, name) == 0)
            return s->is_panel[k] = 1;
    return 0;
}

/* Without a choice the poster's layers; where none of them is there, the first four. */
static int find_panels(study *s) {
    name_list names;
    int found = 0, status = name_list_split(&names, s->o->panels ? s->o->panels : POSTER_LAYERS, "--panels:");
    for (size_t k = 0; status == 0 && k < names.count; k++) {
        int is_there = find_panel(s, names.items[k]);
        if (!is_there && s->o->panels)
            status = err_set("--panels: '%s' is not among the layers", names.items[k]);
        found += is_there;
    }
    for (int k = 0; !found && k < s->layers && k < 4; k++)
        s->is_panel[k] = 1;
    name_list_free(&names);
    return status;
}

static void study_close(void *given) {
    study *s = given;
    score_study_close(&s->scores);
}

static int run(void *given, run_record *record) {
    study *s = given;
    if (open_scores(s) < 0)
        return -1;
    if (ranks_me() > 0)
        return 0;
    if (s->scores.taken_over)
        printf("%d of %d slices taken over from an interrupted run\n", s->scores.taken_over,
               s->scores.split->total_slices);
    if (leave_out_faults(s) < 0 || find_layers(s) < 0 || find_panels(s) < 0 ||
        !(s->unit = score_table_unit(s->table)) || write_results(s) < 0)
        return -1;
    return score_study_end(&s->scores, record);
}

/* What can be checked before anything is opened. */
static int check_options(const options *o) {
    char required[PATH_LENGTH];
    if (!o->table && (*o->columns || *o->higher || *o->lower))
        return err_set("--columns, --higher-is-better and --lower-is-better belong to --table");
    if (list_required(o, required) < 0 || (!o->table && !metric_find(o->against)))
        return -1;
    const score_columns columns = table_columns(o, required);
    return score_columns_check(&columns);
}

int main(int argc, char **argv) {
    options o = {.cohort = "build/cohort",
                 .split = "test",
                 .weights = "lib/models/weights/ssl_unet.h5",
                 .columns = "",
                 .against = "ssim",
                 .higher = "",
                 .lower = "",
                 .out = "results",
                 .replicates = 4000,
                 .threads = omp_get_num_procs(),
                 .save_every = 20.0,
                 .seed = 2022};
    const cli_option table[] = {
        {CLI_STRING, "cohort", &o.cohort, "DIR", "prepared scans", 0, 0},
        {CLI_STRING, "split", &o.split, "NAME", "split of the cohort", 0, 0},
        {CLI_STRING, "weights", &o.weights, "FILE", "weights of the self-supervised network", 0, 0},
        {CLI_STRING, "layers", &o.layers, "NAMES",
         "layers in order of depth, comma-separated; with --table, its columns of scores (default: all ten)",
         0, 0},
        {CLI_STRING, "panels", &o.panels, "NAMES",
         "layers that the figure shows points of (default: " POSTER_LAYERS ")", 0, 0},
        {CLI_STRING, "table", &o.table, "FILE", "take the scores from a CSV file instead of a cohort", 0, 0},
        {CLI_STRING, "columns", &o.columns, "NAME=COLUMN,...",
         "what the table calls scan_id, slice, acceleration, method, fault or a score", 0, 0},
        {CLI_STRING, "higher-is-better", &o.higher, "NAMES",
         "columns of the table that no metric is known for, of which a higher value is better", 0, 0},
        {CLI_STRING, "lower-is-better", &o.lower, "NAMES", "the same where a lower value is better", 0, 0},
        {CLI_STRING, "against", &o.against, "METRIC", "metric that the layers are correlated with", 0, 0},
        {CLI_STRING, "outcome", &o.against, "METRIC", "the same as --against", 0, 0},
        {CLI_STRING, "out", &o.out, "DIR", "folder for the tables", 0, 0},
        {CLI_INT, "scans", &o.scans, "N", "take the first N scans of the cohort only (0: all)", 0, 1e9},
        {CLI_INT, "replicates", &o.replicates, "N", "of the bootstrap", 100, 1e7},
        {CLI_U64, "seed", &o.seed, "N", "seed of the bootstrap", 0, 0},
        {CLI_REAL, "save-every", &o.save_every, "SECONDS",
         "time between saves that an interrupted run goes on from", 0, 1e6},
        {CLI_INT, "threads", &o.threads, "N", "threads", 1, 1024},
        {CLI_STRING, "records", &o.records, "DIR", "folder for the run record (default: OUT/records)", 0, 0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {
        PROGRAM,
        "SSFD at each layer of the encoder against SSIM, of the reconstructions of a cohort "
        "or from a table of scores (figure 2).",
        NULL,
        0,
        0,
        table,
        NULL};
    int first, code;
    if (experiment_begin(&spec, &argc, &argv, &first, &code) != CLI_RUN)
        return code;
    if (check_options(&o) < 0)
        return cli_usage(PROGRAM, "%s", err_message());
    study s = {.o = &o};
    const experiment e = {PROGRAM, o.out, o.records, o.threads, run, study_close};
    return experiment_run(&e, &s, argc, argv);
}
