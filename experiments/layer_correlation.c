/* Figure 2 of the poster: SSFD at every layer of the encoder against SSIM, for the accelerated reconstructions of all
 * test scans, and whether the correlation falls with depth.
 *
 * Scores are computed here, or read from anybody's table (--table): then the "layers" are its columns of scores in order
 * of depth, whatever they are. Correlations are Pearson's, Spearman's and Kendall's, over slices and over the scans'
 * means, for all rows together and by acceleration and method where there are several; their intervals, and those of the
 * trend over depth, come from a bootstrap over scans (stats/correlation.h). Rows with a fault are excluded. */
#include "core/error.h"
#include "core/list.h"
#include "core/ranks.h"
#include "metrics/ssfd.h"
#include "models/ssl_unet.h"
#include "stats/correlation.h"
#include "study/claim.h"
#include "study/layer_figure.h"
#include "study/score_study.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "layer_correlation"
#define MAX_LAYERS FEATURE_MAX_LAYERS
#define ALL_LAYERS                                                                                           \
    "block1_relu1,block1_relu2,block2_relu1,block2_relu2,block3_relu1,block3_relu2,"                         \
    "block4_relu1,block4_relu2,block5_relu1,block5_relu2"
#define POSTER_LAYERS "block1_relu2,block2_relu2,block3_relu2,block4_relu2"

typedef struct {
    cohort_options cohort;
    network_options network;
    const char *layers; /* NULL: all */
    const char *panels;
    score_options scores;
    run_options run;
} options;

typedef struct {
    options *o;
    score_study scores;       /* its table without faults */
    const score_table *table; /* the same */
    int excluded;             /* rows with a fault */
    int layers;               /* how many */
    int metric[MAX_LAYERS];   /* their metrics in the table, in order of depth */
    int is_panel[MAX_LAYERS];
    /* Of the correlation of a good score with the outcome: -1 for distances against SSIM. sign * r is the strength. */
    double sign;
    layer_figure *figure; /* while statistics are computed */
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
    return p->t->scans >= SCORE_MIN_SCANS && !is_constant(p->t, s->scores.against);
}

/* Of layers number layer[0 .. m - 1]; trend and drop where there are two or more. */
static int correlate_layers(const study *s, const points *p, correlation_kind kind, const int *layer,
                            size_t m, interval *r, interval *trend, interval *drop) {
    const double *x[MAX_LAYERS];
    const bootstrap_plan plan = score_study_plan(&s->scores, p->t->scans, p->group);
    for (size_t k = 0; k < m; k++)
        x[k] = p->t->values[s->metric[layer[k]]];
    if (correlation_study(kind, m, x, p->t->values[s->scores.against], p->t->first, &plan, r,
                          m > 1 ? trend : NULL, m > 1 ? drop : NULL) < 0)
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

static csv_writer *begin_statistics(const study *s, const char *name) {
    csv_writer *csv = score_study_begin_statistics(&s->scores, name);
    if (!csv)
        return NULL;
    if (s->excluded)
        csv_writer_comment(csv, "excluded: %d rows with a fault", s->excluded);
    csv_writer_comment(csv, "sign: %g", s->sign);
    csv_writer_comment(csv, "ci: 95 %% BCa bootstrap over scans, %d replicates", s->o->scores.replicates);
    return csv;
}

/* Six digits: as many as scores that are read from a table of nine determine. */
#define DIGITS 6

/* effect: of a trend; NULL: none */
static void put_points(csv_writer *csv, const points *p, correlation_kind kind, const char *effect) {
    csv_writer_plain(csv, p->group);
    csv_writer_text(csv, p->unit);
    csv_writer_text(csv, correlation_name(kind));
    if (effect)
        csv_writer_text(csv, effect);
    csv_writer_integer(csv, (long long)p->t->rows);
    csv_writer_integer(csv, (long long)p->t->scans);
}

static void put_correlations(const study *s, csv_writer *csv, const points *p, correlation_kind kind,
                             const correlations *c) {
    for (int k = 0; k < s->layers; k++) {
        csv_writer_text(csv, s->table->metric[s->metric[k]].key);
        csv_writer_integer(csv, k + 1);
        put_points(csv, p, kind, NULL);
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
    put_points(csv, p, kind, text);
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
                 s->table->metric[s->scores.against].title);
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

/* ---------------------------------------------------------------- groups and units */

typedef struct {
    const study *s;
    csv_writer *correlations, *trends;
} writers;

/* Rows go to both tables. */
static int study_points(const writers *to, const points *p) {
    const study *s = to->s;
    for (int kind = 0; kind < CORRELATION_KINDS; kind++) {
        correlations c;
        if (correlate(s, p, kind, &c) < 0)
            return -1;
        put_correlations(s, to->correlations, p, kind, &c);
        put_trends(s, to->trends, p, kind, &c);
        if (strcmp(p->unit, s->scores.unit) == 0)
            layer_figure_add(s->figure, p->group, kind, c.r);
    }
    return 0;
}

/* A group (a score_group_function): its rows first, then its scans' means. */
static int study_group(void *given, const char *group, const score_table *t) {
    const writers *to = given;
    const char *unit = to->s->scores.unit;
    int status = study_points(to, &(points){group, unit, t});
    if (status < 0 || strcmp(unit, "scan") == 0)
        return status;
    score_table *means = score_table_scan_means(t);
    status = means ? study_points(to, &(points){group, "scan", means}) : -1;
    score_table_free(means);
    return status;
}

/* The table of correlations is written last: when it is there, so is the rest. */
static int write_statistics(const study *s) {
    writers to = {s, begin_statistics(s, PROGRAM), begin_statistics(s, PROGRAM "_trend")};
    int status = to.correlations && to.trends ? 0 : -1;
    if (status == 0) {
        csv_writer_row(to.correlations,
                       "layer,depth,group,unit,coefficient,n,n_scans,estimate,ci_low,ci_high,title");
        csv_writer_row(to.trends,
                       "layers,n_layers,group,unit,coefficient,effect,n,n_scans,estimate,ci_low,ci_high");
        status = study_group(&to, "pooled", s->table);
    }
    if (status == 0)
        status = score_study_each(&s->scores, study_group, &to);
    if (status == 0)
        status = layer_figure_write(s->figure, s->scores.source.run->out);
    status = csv_writer_end(to.trends, status);
    return csv_writer_end(to.correlations, status);
}

/* The figure and the claim rest on Pearson's r of all rows. A score or an outcome that is constant among
 * them has no correlation: that is an error, as the study is of nothing else. */
static int write_results(study *s) {
    const points all = {"pooled", s->scores.unit, s->table};
    correlations c;
    for (int k = -1; k < s->layers; k++) {
        int metric = k < 0 ? s->scores.against : s->metric[k];
        if (is_constant(s->table, metric))
            return err_set("%s: '%s' is %g in all %zu rows: a constant score has no correlation",
                           score_study_from(&s->scores), s->table->metric[metric].key,
                           s->table->values[metric][0], s->table->rows);
    }
    if (correlate(s, &all, CORRELATION_PEARSON, &c) < 0)
        return -1;
    layer_figure figure = {.table = s->table,
                           .unit = s->scores.unit,
                           .outcome = s->scores.against,
                           .layers = s->layers,
                           .metric = s->metric,
                           .is_shown = s->is_panel,
                           .sign = s->sign,
                           .trend = strength(s, c.trend[ALL])};
    s->figure = &figure;
    if (score_study_write_scores(&s->scores, PROGRAM "_scores") < 0 || write_claim(s, &all, &c) < 0)
        return -1;
    return write_statistics(s);
}

/* ---------------------------------------------------------------- what is studied */

/* The layers requested, in that order; without a request those of the table, from the first to the deepest. */
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
    s->sign = metric_poor_sign(&label[s->metric[0]]) * metric_poor_sign(&label[s->scores.against]);
    return 0;
}

static int find_layers(study *s) {
    name_list names;
    int status = name_list_split(&names, s->o->layers ? s->o->layers : ALL_LAYERS, "layer");
    if (status == 0)
        status = choose_layers(s, &names);
    name_list_free(&names);
    if (status == 0 && !s->layers)
        status = err_set("%s: has none of the columns " ALL_LAYERS ": name those of scores with --layers",
                         score_study_from(&s->scores));
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

/* ---------------------------------------------------------------- the program */

static score_source source_of(const options *o) {
    return (score_source){.program = PROGRAM,
                          .run = &o->run,
                          .scores = &o->scores,
                          .cohort = &o->cohort,
                          .network = &o->network,
                          .required = o->layers ? o->layers : "",
                          .optional = o->layers ? "" : ALL_LAYERS,
                          .layers_apart = 1};
}

static int check(void *given) {
    const study *s = given;
    s->o->network.layers = s->o->layers ? s->o->layers : ALL_LAYERS;
    const score_source source = source_of(s->o);
    return score_source_check(&source);
}

static int run(void *given, run_record *record) {
    study *s = given;
    const score_source source = source_of(s->o);
    if (score_study_open(&s->scores, &source) < 0)
        return -1;
    if (ranks_me() > 0)
        return 0;
    if ((s->excluded = score_study_exclude_faults(&s->scores)) < 0)
        return -1;
    s->table = s->scores.table;
    if (find_layers(s) < 0 || find_panels(s) < 0 || write_results(s) < 0)
        return -1;
    return score_study_end(&s->scores, record);
}

static void study_close(void *given) {
    study *s = given;
    score_study_close(&s->scores);
}

int main(int argc, char **argv) {
    static options o = {.cohort = COHORT_DEFAULTS,
                        .network = NETWORK_DEFAULTS,
                        .scores = SCORE_DEFAULTS,
                        .run = RUN_DEFAULTS};
    static const program_option table[] = {
        OPT_COHORT(&o.cohort),
        OPT_TEXT("weights", &o.network.weights, "FILE", "weights of the self-supervised network"),
        OPT_TEXT("layers", &o.layers, "NAMES",
                 "layers in order of depth, comma-separated; with --table, its columns of scores (default: "
                 "all ten)"),
        OPT_TEXT("panels", &o.panels, "NAMES",
                 "layers that the figure shows points of (default: " POSTER_LAYERS ")"),
        OPT_SCORES(&o.scores),
        OPT_TEXT("outcome", &o.scores.against, "METRIC", "the same as --against"),
        OPT_RUN(&o.run, "folder for the tables", "seed of the bootstrap"),
        OPT_SAVE_EVERY(&o.run),
        OPT_END};
    study s = {.o = &o};
    const program p = {
        .command =
            {.name = PROGRAM,
             .summary =
                 "SSFD at each layer of the encoder against SSIM, for the reconstructions of a cohort or "
                 "from a table of scores\n(figure 2).",
             .options = table},
        .options = &o.run,
        .self = &s,
        .check = check,
        .run = run,
        .close = study_close};
    return program_main(&p, argc, argv);
}
