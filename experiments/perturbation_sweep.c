/* Figure 1 of the poster: SSFD and SSIM of perturbed test images against the level of the perturbation.
 *
 * Every slice of every test scan, every perturbation, a linear grid of levels from none to the maximum. The
 * features of a slice's reference are computed once. Slices are averaged within their scan; means and intervals are over
 * scans. Metrics on request (--baseline) are computed for a seeded choice of scans. */
#include "core/clock.h"
#include "core/csv.h"
#include "core/error.h"
#include "core/file.h"
#include "core/list.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/ranks.h"
#include "core/rng.h"
#include "core/version.h"
#include "io/panel.h"
#include "io/prepared.h"
#include "io/slice_job.h"
#include "io/unfinished.h"
#include "metrics/metric_set.h"
#include "models/ssl_unet.h"
#include "perturb/perturb.h"
#include "program/groups.h"
#include "stats/interval.h"
#include "study/sweep_figures.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "perturbation_sweep"
#define PATH_LENGTH 4096
#define MAX_PERTURBATIONS 32
#define CONFIDENCE 0.95

typedef struct {
    cohort_options cohort;
    network_options network;
    baseline_options baselines;
    const char *perturbations, *maxima, *against;
    int levels, example, baseline_scans;
    run_options run;
} options;

typedef struct {
    const options *o;
    prepared_split *split;
    metric_set metrics;
    int ssfd, ssim, against; /* of these */
    int *has_requested;      /* [scans]: whether metrics on request are computed */
    int count;               /* perturbations */
    const perturbation *perturbations[MAX_PERTURBATIONS];
    double level_max[MAX_PERTURBATIONS];
    int *first_slice;    /* [scans + 1]: index of a scan's first slice in `values` */
    double *values;      /* [slices][perturbations][levels][scores]; NaN: not computed */
    sweep_curves curves; /* the same of scans, once all slices are computed */
    sweep_means means;   /* of the scans */
    figure *figure;      /* figure 1, while it is written */
    char settings[4096], saved[PATH_LENGTH];
} sweep;

static double level_at(const sweep *s, int p, int level) {
    return s->level_max[p] * level / (s->o->levels - 1);
}

/* Scores of one slice: [perturbations][levels][scores]. */
static size_t slice_count(const sweep *s) {
    return (size_t)s->count * s->o->levels * s->metrics.count;
}

static double *slice_value(const sweep *s, double *slice, int p, int level) {
    return slice + ((size_t)p * s->o->levels + level) * s->metrics.count;
}

static double *value_at(const sweep *s, int slice, int p, int level) {
    return slice_value(s, s->values + (size_t)slice * slice_count(s), p, level);
}

/* ---------------------------------------------------------------- one slice */

/* What one thread works with. */
typedef struct {
    scorer *scorer;
    gsl_rng *rng;
    float *reference, *image;
} worker;

static void worker_close(void *given) {
    worker *w = given;
    scorer_free(w->scorer);
    if (w->rng)
        gsl_rng_free(w->rng);
    free(w->reference);
    free(w->image);
}

static int worker_open(void *given, const void *self) {
    const sweep *s = self;
    worker *w = given;
    size_t bytes = (size_t)s->split->rows * (size_t)s->split->columns * sizeof(float);
    return (w->scorer = scorer_create(&s->metrics, s->split->rows, s->split->columns)) &&
                   (w->rng = rng_stream(s->o->run.seed, RNG_PERTURB, 0, 0)) &&
                   (w->reference = mem_alloc(bytes)) && (w->image = mem_alloc(bytes))
               ? 0
               : -1;
}

static int perturb_slice(const sweep *s, worker *w, int scan, int slice, int p, double level) {
    char stream[512];
    snprintf(stream, sizeof stream, "%s/%s", s->perturbations[p]->name, s->split->scan_ids[scan]);
    rng_restart(w->rng, s->o->run.seed, RNG_PERTURB, rng_hash(stream), (uint64_t)slice);
    return perturb_apply(s->perturbations[p], w->reference, w->image, s->split->rows, s->split->columns,
                         level, w->rng);
}

/* Level 0 is the same image for every perturbation: measured once. */
static int sweep_slice(void *given, const void *self, int scan, int slice, double *values) {
    const sweep *s = self;
    worker *w = given;
    if (prepared_split_read(s->split, scan, PREPARED_REFERENCE, slice, w->reference) < 0 ||
        scorer_reference(w->scorer, w->reference, s->has_requested[scan]) < 0)
        return -1;
    for (int p = 0; p < s->count; p++)
        for (int level = p > 0; level < s->o->levels; level++)
            if (perturb_slice(s, w, scan, slice, p, level_at(s, p, level)) < 0 ||
                scorer_score(w->scorer, w->image, slice_value(s, values, p, level)) < 0)
                return err_prefix("%s: slice %d: %s", s->split->paths[scan], slice,
                                  s->perturbations[p]->name);
    for (int p = 1; p < s->count; p++)
        memcpy(slice_value(s, values, p, 0), values, (size_t)s->metrics.count * sizeof(double));
    return 0;
}

static int run_sweep(sweep *s, int *taken_over) {
    const slice_job job = {.label = "perturbation sweep (slices)",
                           .split = s->split,
                           .numbers = slice_count(s),
                           .saved = s->saved,
                           .settings = s->settings,
                           .save_every = s->o->run.save_every,
                           .self = s,
                           .worker_size = sizeof(worker),
                           .open = worker_open,
                           .close = worker_close,
                           .compute = sweep_slice};
    return (s->values = slice_job_run(&job, taken_over)) ? 0 : -1;
}

/* ---------------------------------------------------------------- tables */

/* The sweep's slices, averaged within each scan; NaN for metrics that were not computed. */
static int average_scans(sweep *s) {
    sweep_curves *c = &s->curves;
    *c = (sweep_curves){.scans = s->split->scans,
                        .perturbations = s->count,
                        .levels = s->o->levels,
                        .perturbation = s->perturbations,
                        .metrics = &s->metrics,
                        .ssfd = s->ssfd,
                        .against = s->against,
                        .has_requested = s->has_requested};
    c->values = mem_calloc((size_t)c->scans * slice_count(s), sizeof *c->values);
    if (!c->values)
        return -1;
    for (int scan = 0; scan < c->scans; scan++) {
        double *mean = sweep_curve_at(c, scan, 0, 0);
        for (size_t k = 0; k < slice_count(s); k++) {
            for (int slice = s->first_slice[scan]; slice < s->first_slice[scan + 1]; slice++)
                mean[k] += value_at(s, slice, 0, 0)[k];
            mean[k] /= s->split->slices[scan];
        }
    }
    return 0;
}

static const metric_label *label_of(const sweep *s, int metric) {
    return &s->metrics.entry[metric].label;
}

static double scan_mean(const sweep *s, int scan, int p, int level, int metric) {
    return sweep_curve_at(&s->curves, scan, p, level)[metric];
}

static void write_comments(const sweep *s, csv_writer *csv) {
    csv_writer_comment(csv, "cohort: %s", s->split->cohort);
    prepared_split_comments(s->split, csv);
    metric_set_labels(&s->metrics, csv);
    metric_set_comments(&s->metrics, csv);
    csv_writer_comment(csv, "seed: %llu", (unsigned long long)s->o->run.seed);
}

/* Begins OUT/<name>.csv with the comments that all tables have. */
static csv_writer *begin_table(const sweep *s, const char *name) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/%s.csv", s->o->run.out, name);
    csv_writer *csv = csv_writer_open(path);
    if (csv)
        write_comments(s, csv);
    return csv;
}

static void put_value(const sweep *s, csv_writer *csv, int scan, int p, int level, int metric, double value) {
    csv_writer_text(csv, s->split->scan_ids[scan]);
    csv_writer_text(csv, s->perturbations[p]->name);
    csv_writer_real(csv, level_at(s, p, level));
    csv_writer_text(csv, label_of(s, metric)->key);
    csv_writer_integer(csv, s->split->slices[scan]);
    csv_writer_real(csv, value);
    csv_writer_text(csv, label_of(s, metric)->title);
    csv_writer_end_row(csv);
}

/* Without metrics that were not computed (NaN) and the PSNR of an image that the perturbation leaves as it is (infinite:
 * level 0, a blur far below a pixel). */
static int write_scans(const sweep *s) {
    csv_writer *csv = begin_table(s, PROGRAM "_scans");
    if (!csv)
        return -1;
    csv_writer_row(csv, "scan_id,perturbation,level,metric,slices,value,metric_title");
    for (int scan = 0; scan < s->split->scans; scan++)
        for (int p = 0; p < s->count; p++)
            for (int level = 0; level < s->o->levels; level++)
                for (int m = 0; m < s->metrics.count; m++) {
                    double value = scan_mean(s, scan, p, level, m);
                    if (isfinite(value))
                        put_value(s, csv, scan, p, level, m, value);
                }
    return csv_writer_close(csv);
}

/* Over the scans that the metric was computed for; no row where it is infinite for one of them. */
static int write_mean(const sweep *s, csv_writer *csv, int p, int level, int metric, double *scans) {
    const perturbation *q = s->perturbations[p];
    const metric_label *label = label_of(s, metric);
    interval mean, *kept = sweep_mean_at(&s->means, p, level, metric);
    double sd;
    *kept = INTERVAL_UNDEFINED;
    size_t n = 0;
    for (int scan = 0; scan < s->split->scans; scan++) {
        scans[n] = scan_mean(s, scan, p, level, metric);
        if (isinf(scans[n]))
            return 0;
        n += !isnan(scans[n]);
    }
    if (interval_of_mean(scans, n, CONFIDENCE, &mean, &sd) < 0)
        return err_prefix("%s of %s at level %g", label->key, q->name, level_at(s, p, level));
    *kept = mean;
    csv_writer_row(csv, "%s,%.9g,%s,%s,%zu,%.9g,%.9g,%.9g,%.9g,%s,%s,%s", q->name, level_at(s, p, level),
                   q->level_unit, label->key, n, mean.estimate, sd, mean.low, mean.high, q->title,
                   q->level_name, label->title);
    return 0;
}

static int draw_begin(sweep *s) {
    s->means = (sweep_means){&s->curves, s->level_max, NULL, s->split->cohort};
    s->means.means = mem_calloc((size_t)s->count * s->o->levels * s->metrics.count, sizeof *s->means.means);
    if (!s->means.means || !(s->figure = figure_open(s->o->run.out, PROGRAM)))
        return -1;
    figure_note(s->figure, "image rows", "%d", s->split->rows);
    figure_note(s->figure, "image columns", "%d", s->split->columns);
    return 0;
}

static int draw(sweep *s) {
    figure *f = s->figure;
    s->figure = NULL;
    sweep_draw(f, &s->means);
    if (figure_close(f, 0) < 0)
        return -1;
    return *s->o->baselines.names ? sweep_draw_baselines(s->o->run.out, &s->means) : 0;
}

static int write_means(sweep *s) {
    double *scans = mem_alloc((size_t)s->split->scans * sizeof *scans);
    csv_writer *csv = scans ? begin_table(s, PROGRAM) : NULL;
    int status = csv ? 0 : -1;
    if (csv) {
        csv_writer_comment(csv, "ci: two-sided 95 %% Student-t interval of the mean over scans");
        csv_writer_row(csv,
                       "perturbation,level,level_unit,metric,n_scans,mean,sd,ci_low,ci_high,title,level_name,"
                       "metric_title");
    }
    for (int p = 0; status == 0 && p < s->count; p++)
        for (int level = 0; status == 0 && level < s->o->levels; level++)
            for (int m = 0; status == 0 && m < s->metrics.count; m++)
                status = write_mean(s, csv, p, level, m, scans);
    free(scans);
    if (status == 0)
        status = draw(s);
    return csv_writer_end(csv, status);
}

static int write_claims(const sweep *s) {
    csv_writer *csv = begin_table(s, PROGRAM "_claims");
    return csv ? csv_writer_end(csv, sweep_write_claims(&s->curves, csv)) : -1;
}

static int write_baselines(const sweep *s) {
    csv_writer *csv = begin_table(s, "perturbation_baselines");
    return csv ? csv_writer_end(csv, sweep_write_baselines(&s->curves, csv)) : -1;
}

/* ---------------------------------------------------------------- example images */

/* What an example is, and its scores. */
static void draw_example(const sweep *s, const char *file, int p, double level, const double *scores) {
    char setting[256] = "", caption[256];
    if (p >= 0) {
        const char *name = s->perturbations[p]->level_name, *unit = s->perturbations[p]->level_unit;
        const char *end = strstr(name, " (");
        snprintf(setting, sizeof setting, strchr(unit, ' ') ? "%.*s = %g (%s)" : "%.*s = %g %s",
                 end ? (int)(end - name) : (int)strlen(name), name, level, unit);
    }
    snprintf(caption, sizeof caption, "SSFD %.3g, SSIM %.3f", scores[s->ssfd], scores[s->ssim]);
    figure_image(s->figure, 1, p + 2, file, p < 0 ? "Original" : s->perturbations[p]->title, setting,
                 caption);
}

static int write_example(const sweep *s, worker *w, csv_writer *csv, int scan, int slice, int p,
                         double white) {
    char path[PATH_LENGTH];
    double scores[METRICS_MAX], level = p < 0 ? 0.0 : 0.5 * s->level_max[p];
    const char *name = p < 0 ? "original" : s->perturbations[p]->name;
    const char *unit = p < 0 ? "" : s->perturbations[p]->level_unit;
    if (perturb_slice(s, w, scan, slice, p < 0 ? 0 : p, level) < 0 ||
        scorer_score(w->scorer, w->image, scores) < 0)
        return -1;
    csv_writer_text(csv, name);
    csv_writer_text(csv, p < 0 ? "none" : name);
    csv_writer_real(csv, level);
    csv_writer_text(csv, unit);
    csv_writer_plain(csv, s->split->scan_ids[scan]);
    csv_writer_integer(csv, slice);
    csv_writer_real(csv, scores[s->ssfd]);
    csv_writer_real(csv, scores[s->ssim]);
    csv_writer_end_row(csv);
    draw_example(s, name, p, level, scores);
    snprintf(path, sizeof path, "%s/panels/%s.f32", s->o->run.out, name);
    return panel_write(path, w->image, (size_t)s->split->rows * (size_t)s->split->columns, 0.0, white);
}

/* The original and each perturbation at the 50th percentile of its levels, of one slice. */
static int write_examples(const sweep *s) {
    char path[PATH_LENGTH];
    double white = 1.0;
    worker w = {0};
    int scan = s->o->example < s->split->scans ? s->o->example : 0, slice = s->split->slices[scan] / 2;
    if (worker_open(&w, s) < 0) {
        worker_close(&w);
        return -1;
    }
    snprintf(path, sizeof path, "%s/panels/perturbation_examples.csv", s->o->run.out);
    csv_writer *csv = csv_writer_open(path);
    int status = csv && prepared_split_read(s->split, scan, PREPARED_REFERENCE, slice, w.reference) == 0 &&
                         scorer_reference(w.scorer, w.reference, 0) == 0
                     ? panel_white(w.reference, (size_t)s->split->rows * (size_t)s->split->columns, &white)
                     : -1;
    if (status == 0) {
        csv_writer_comment(csv, "image: %d x %d", s->split->rows, s->split->columns);
        csv_writer_comment(csv, "cohort: %s", s->split->cohort);
        csv_writer_row(csv, "panel,perturbation,level,level_unit,scan_id,slice,ssfd,ssim");
    }
    for (int p = -1; status == 0 && p < s->count; p++)
        status = write_example(s, &w, csv, scan, slice, p, white);
    worker_close(&w);
    return csv_writer_end(csv, status);
}

/* ---------------------------------------------------------------- set-up */

static int choose_perturbations(sweep *s) {
    if ((s->count = perturb_parse(s->o->perturbations, s->perturbations, MAX_PERTURBATIONS)) < 0)
        return -1;
    for (int p = 0; p < s->count; p++)
        s->level_max[p] = s->perturbations[p]->level_max;
    return 0;
}

/* "gaussian_blur=3" */
static int choose_maximum(sweep *s, char *item) {
    char *value = strchr(item, '='), *end = NULL;
    if (value)
        *value++ = '\0';
    int p = perturb_index(s->perturbations, s->count, item);
    double maximum = value ? strtod(value, &end) : NAN;
    if (p < 0)
        return err_set("--max: '%s' is not among the perturbations of this sweep", item);
    if (!end || end == value || *end || !(maximum > 0.0) || !isfinite(maximum))
        return err_set("--max: expected %s=LEVEL with a level above 0", item);
    s->level_max[p] = maximum;
    return 0;
}

static int choose_maxima(sweep *s) {
    name_list items;
    int status = name_list_split(&items, s->o->maxima, "--max");
    for (size_t k = 0; status == 0 && k < items.count; k++)
        status = choose_maximum(s, items.items[k]);
    name_list_free(&items);
    return status;
}

/* What saved values belong to. */
static int describe(sweep *s) {
    char *to = s->settings, metrics[2048];
    size_t left = sizeof s->settings;
    uint64_t files;
    if (prepared_split_fingerprint(s->split, &files) < 0 ||
        metric_set_settings(&s->metrics, metrics, sizeof metrics) < 0)
        return -1;
    snprintf(to, left, "%s of %d scans levels=%d seed=%llu scans=%d files=%llx kernels=%s version=%s",
             metrics, *s->o->baselines.names ? s->o->baseline_scans : 0, s->o->levels,
             (unsigned long long)s->o->run.seed, s->split->scans, (unsigned long long)files,
             conv_kernels_name(), SSFD_VERSION);
    for (int p = 0; p < s->count; p++)
        snprintf(to + strlen(to), left - strlen(to), " %s=%.9g", s->perturbations[p]->name, s->level_max[p]);
    return 0;
}

static int open_metrics(sweep *s) {
    const options *o = s->o;
    const metric_files files = metric_files_of(&o->network, &o->baselines, o->run.seed);
    if (metric_set_open(&s->metrics, o->baselines.names, 0, &files) < 0 ||
        (s->ssfd = metric_set_find(&s->metrics, "ssfd")) < 0 ||
        (s->ssim = metric_set_find(&s->metrics, "ssim")) < 0)
        return -1;
    return (s->against = metric_set_find(&s->metrics, o->against)) < 0 ? -1 : 0;
}

static int sweep_open(sweep *s) {
    const options *o = s->o;
    if (!(s->split = prepared_split_open(o->cohort.folder, o->cohort.split, o->cohort.scans)))
        return -1;
    if (s->split->scans < 2)
        return err_set("%s: %s split has %d scan: intervals need at least 2", o->cohort.folder,
                       o->cohort.split, s->split->scans);
    if (open_metrics(s) < 0 || describe(s) < 0)
        return -1;
    /* Feature networks cost several times what SSFD does. */
    s->has_requested = mem_alloc((size_t)s->split->scans * sizeof *s->has_requested);
    if (!s->has_requested ||
        rng_choose(o->run.seed, RNG_SPLIT, 1, 0, s->split->scans, o->baseline_scans, s->has_requested) < 0)
        return -1;
    s->first_slice = mem_calloc((size_t)s->split->scans + 1, sizeof *s->first_slice);
    if (!s->first_slice)
        return -1;
    for (int scan = 0; scan < s->split->scans; scan++)
        s->first_slice[scan + 1] = s->first_slice[scan] + s->split->slices[scan];
    snprintf(s->saved, sizeof s->saved, "%s/.perturbation_sweep.unfinished.h5", o->run.out);
    return path_make_dirs(o->run.out);
}

static void sweep_close(void *given) {
    sweep *s = given;
    prepared_split_free(s->split);
    metric_set_close(&s->metrics);
    free(s->has_requested);
    free(s->first_slice);
    free(s->values);
    free(s->curves.values);
    free(s->means.means);
    if (s->figure)
        figure_close(s->figure, -1);
}

static int run(void *given, run_record *record) {
    sweep *s = given;
    char path[PATH_LENGTH];
    if (ranks_agree(sweep_open(s)) < 0)
        return -1;
    double started = clock_seconds();
    int taken_over;
    if (run_sweep(s, &taken_over) < 0)
        return -1;
    if (taken_over)
        printf("%d of %d slices taken over from an interrupted run\n", taken_over, s->split->total_slices);
    if (ranks_me() > 0)
        return 0;
    if (average_scans(s) < 0 || write_scans(s) < 0 || draw_begin(s) < 0 || write_examples(s) < 0 ||
        write_claims(s) < 0 || write_baselines(s) < 0 || write_means(s) < 0)
        return -1;
    unfinished_remove(s->saved);
    record_text(record, "cohort", s->split->cohort);
    record_text(record, "settings", s->settings);
    record_integer(record, "scans", s->split->scans);
    record_integer(record, "slices", s->split->total_slices);
    record_integer(record, "seed", (int64_t)s->o->run.seed);
    record_real(record, "slice_perturbations_per_second",
                (double)(s->split->total_slices - taken_over) * s->count * (s->o->levels - 1) /
                    (clock_seconds() - started));
    snprintf(path, sizeof path, "%s/perturbation_sweep.csv", s->o->run.out);
    const metric_files files = metric_files_of(&s->o->network, &s->o->baselines, s->o->run.seed);
    if (metric_files_record(&files, record) < 0)
        return -1;
    return record_file(record, "result", path);
}

static int check(void *given) {
    sweep *s = given;
    const options *o = s->o;
    if (choose_perturbations(s) < 0 || choose_maxima(s) < 0 || metric_list_check(o->baselines.names) < 0)
        return -1;
    const metric *against = metric_find(o->against);
    if (!against || sweep_check_against(against) < 0)
        return err_prefix("--against");
    return o->baseline_scans == 1 ? err_set("--baseline-scans: intervals need at least 2 scans") : 0;
}

static void describe_names(char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "Perturbations (default: all):\n");
    for (const perturbation *const *p = perturb_list(); *p && used < size; p++)
        used += (size_t)snprintf(text + used, size - used, "  %-16s %s, up to %g\n", (*p)->name,
                                 (*p)->level_name, (*p)->level_max);
    if (used < size)
        metric_help(text + used, size - used);
}

int main(int argc, char **argv) {
    static char names[4096];
    static options o = {.cohort = COHORT_DEFAULTS,
                        .network = NETWORK_DEFAULTS,
                        .baselines = BASELINE_DEFAULTS,
                        .perturbations = "all",
                        .maxima = "",
                        .against = "ssim",
                        .levels = 11,
                        .baseline_scans = 24,
                        .run = RUN_DEFAULTS};
    static const program_option table[] = {
        OPT_COHORT(&o.cohort),
        OPT_NETWORK(&o.network),
        OPT_TEXT("perturbations", &o.perturbations, "NAMES", "comma-separated, or all"),
        OPT_INT("levels", &o.levels, "N", 2, 1001,
                "points of each level grid, none and the maximum included"),
        OPT_TEXT("max", &o.maxima, "NAME=LEVEL,...", "ends of level grids other than the defaults"),
        OPT_TEXT("against", &o.against, "METRIC",
                 "similarity whose loss is held equal in the claims: ssim or ssim_foreground"),
        OPT_BASELINES(&o.baselines),
        OPT_INT("baseline-scans", &o.baseline_scans, "N", 0, 1e9,
                "compute baselines for N scans, a seeded choice (0: all)"),
        OPT_INT("example", &o.example, "N", 0, 1e9, "scan of the example images, counted from 0"),
        OPT_RUN(&o.run, "folder for the tables and example panels",
                "seed of random perturbations and weights"),
        OPT_SAVE_EVERY(&o.run),
        OPT_END};
    describe_names(names, sizeof names);
    sweep s = {.o = &o};
    const program p = {
        .command = {.name = PROGRAM,
                    .summary =
                        "SSFD, SSIM and other metrics of perturbed test images against the level (figure 1).",
                    .options = table,
                    .epilogue = names},
        .options = &o.run,
        .self = &s,
        .check = check,
        .run = run,
        .close = sweep_close};
    return program_main(&p, argc, argv);
}
