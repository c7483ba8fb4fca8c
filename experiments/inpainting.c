/* What the self-supervised network has learned of anatomy: its error inside the masked patches of test
 * images, compared with two ways to fill them that have learned nothing.
 *
 * Masks are drawn as in training, from the scan's name and the slice. Every method sees the masked image
 * only. A scan's slices are averaged; means, intervals and differences are over scans. */
#include "core/csv.h"
#include "core/error.h"
#include "core/file.h"
#include "core/image.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "core/rng.h"
#include "core/version.h"
#include "io/panel.h"
#include "io/prepared.h"
#include "io/slice_job.h"
#include "io/unfinished.h"
#include "models/ssl_unet.h"
#include "nn/conv.h"
#include "pretext/harmonic_fill.h"
#include "pretext/ssl_mask.h"
#include "program/groups.h"
#include "stats/interval.h"
#include "study/figure.h"
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRAM "inpainting"
#define PATH_LENGTH 4096
#define CONFIDENCE 0.95
#define METRIC "masked_mse_per_variance"
#define ERROR_FACTOR 4.0 /* of the error panels */

enum { NETWORK, HARMONIC, LOCAL_MEAN, METHODS };
enum { DOTS = 1, MEANS }; /* styles of the figure */
static const char *const method_names[METHODS] = {"network", "harmonic", "local_mean"};
static const char *const method_titles[METHODS] = {"Network", "Harmonic interpolation", "Local mean"};

typedef struct {
    cohort_options cohort;
    network_options network;
    run_options run;
    int slices;
    ssl_mask_config mask;
} options;

typedef struct {
    const options *o;
    prepared_split *split;
    net *n;
    size_t pixels;
    int measured;   /* slices of all scans together */
    double *errors; /* [METHODS][scans] */
    char weights_sha256[65], saved[PATH_LENGTH], settings[512];
    slice_job job;
    figure *figure; /* while tables are written */
} study;

static int slices_of(const study *s, int scan) {
    return slice_job_slices(&s->job, scan);
}

/* ---------------------------------------------------------------- one slice */

/* What one thread works with. Images are z-scored. */
typedef struct {
    net_state *state;
    gsl_rng *rng;
    unsigned char *mask;
    float *image, *masked, *filled[METHODS];
} worker;

static void worker_close(void *given) {
    worker *w = given;
    net_state_free(w->state);
    if (w->rng)
        gsl_rng_free(w->rng);
    free(w->mask);
    free(w->image);
}

static int worker_open(void *given, const void *self) {
    const study *s = self;
    worker *w = given;
    if (!(w->state =
              net_state_create(s->n, s->split->rows, s->split->columns, s->n->layer_count - 1, NET_INFER)) ||
        !(w->rng = rng_stream(s->o->run.seed, RNG_MASK, 0, 0)) || !(w->mask = mem_alloc(s->pixels)) ||
        !(w->image = mem_alloc((2 + METHODS) * s->pixels * sizeof(float))))
        return -1;
    w->masked = w->image + s->pixels;
    for (int m = 0; m < METHODS; m++)
        w->filled[m] = w->image + (size_t)(2 + m) * s->pixels;
    return 0;
}

/* Fills the masked image by every method. */
static int fill(const study *s, worker *w) {
    int rows = s->split->rows, columns = s->split->columns;
    if (harmonic_fill(w->mask, w->masked, rows, columns, w->filled[HARMONIC]) < 0 ||
        ssl_mask_fill_local_mean(w->mask, w->masked, rows, columns, SSL_MASK_LOCAL_MEAN_REACH,
                                 w->filled[LOCAL_MEAN]) < 0)
        return -1;
    net_forward(w->state, w->masked, NULL);
    tensor_store(net_output(w->state, s->n->layer_count - 1), w->filled[NETWORK]);
    return 0;
}

static int inpaint_slice(void *given, const void *self, int scan, int slice, double *errors) {
    const study *s = self;
    worker *w = given;
    int rows = s->split->rows, columns = s->split->columns;
    if (prepared_split_read(s->split, scan, PREPARED_REFERENCE, slice, w->image) < 0)
        return -1;
    rng_restart(w->rng, s->o->run.seed, RNG_MASK, rng_hash(s->split->scan_ids[scan]), (uint64_t)slice);
    if (image_zscore(w->image, rows, columns, w->image) < 0 ||
        ssl_mask_draw(&s->o->mask, rows, columns, w->rng, w->mask) < 0)
        return err_prefix("%s: slice %d", s->split->paths[scan], slice);
    ssl_mask_apply(w->mask, w->image, (int)s->pixels, w->masked);
    if (fill(s, w) < 0)
        return err_prefix("%s: slice %d", s->split->paths[scan], slice);
    for (int m = 0; m < METHODS; m++)
        errors[m] = ssl_mask_mse(w->mask, w->filled[m], w->image, (int)s->pixels);
    return 0;
}

/* ---------------------------------------------------------------- all scans */

static double *errors_of(const study *s, int method) {
    return s->errors + (size_t)method * (size_t)s->split->scans;
}

static int inpaint_scans(study *s) {
    int taken_over;
    double *errors = slice_job_run(&s->job, &taken_over);
    if (errors && taken_over)
        printf("%d of %d slices taken over from an interrupted run\n", taken_over, s->measured);
    for (int scan = 0, at = 0; errors && scan < s->split->scans; scan++)
        for (int slices = slices_of(s, scan), k = 0; k < slices; k++, at += METHODS)
            for (int m = 0; m < METHODS; m++)
                errors_of(s, m)[scan] += errors[at + m] / slices;
    free(errors);
    return errors ? 0 : -1;
}

/* ---------------------------------------------------------------- tables */

static void write_comments(const study *s, csv_writer *csv) {
    csv_writer_comment(csv, "cohort: %s", s->split->cohort);
    csv_writer_comment(csv, "split: %s, %d scans, %d slices", s->split->split, s->split->scans, s->measured);
    csv_writer_comment(csv, "network: weights sha256 %s", s->weights_sha256);
    csv_writer_comment(csv, "masks: patches of %d x %d pixels over %g %% of the image", s->o->mask.patch,
                       s->o->mask.patch, 100.0 * s->o->mask.coverage);
    csv_writer_comment(csv, METRIC ": mean squared error inside the patches / variance of the image");
    csv_writer_comment(csv, "seed: %llu", (unsigned long long)s->o->run.seed);
}

static csv_writer *open_table(const study *s, const char *name) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/%s", s->o->run.out, name);
    csv_writer *csv = csv_writer_open(path);
    if (csv)
        write_comments(s, csv);
    return csv;
}

static void put_error(const study *s, csv_writer *csv, int scan, int method) {
    csv_writer_text(csv, s->split->scan_ids[scan]);
    csv_writer_text(csv, method_names[method]);
    csv_writer_integer(csv, slices_of(s, scan));
    csv_writer_real(csv, errors_of(s, method)[scan]);
    csv_writer_end_row(csv);
}

static int write_scans(const study *s) {
    csv_writer *csv = open_table(s, "inpainting.csv");
    if (!csv)
        return -1;
    csv_writer_row(csv, "scan_id,method,slices," METRIC);
    for (int scan = 0; scan < s->split->scans; scan++)
        for (int m = 0; m < METHODS; m++)
            put_error(s, csv, scan, m);
    return csv_writer_close(csv);
}

/* A strip of dots for a method, spread over it by multiples of the golden ratio, and its mean. */
static void draw_method(const study *s, int method, interval mean) {
    int dots = figure_series(s->figure, 1, DOTS, ""), means = figure_series(s->figure, 1, MEANS, "");
    for (int scan = 0; scan < s->split->scans; scan++) {
        double turns = 0.618034 * (scan * METHODS + method);
        figure_point(s->figure, dots, method + 1 + 0.44 * (turns - floor(turns) - 0.5),
                     errors_of(s, method)[scan]);
    }
    figure_mark(s->figure, means, method + 1, mean);
    char value[64];
    snprintf(value, sizeof value, "%.3f [%.3f, %.3f]", mean.estimate, mean.low, mean.high);
    figure_tick(s->figure, 1, method + 1, method_titles[method], value);
}

static int figure_begin(study *s) {
    double most = 0.0;
    for (int k = 0; k < METHODS * s->split->scans; k++)
        most = fmax(most, s->errors[k]);
    if (!(s->figure = figure_open(s->o->run.out, PROGRAM)))
        return -1;
    figure_note(s->figure, "image rows", "%d", s->split->rows);
    figure_note(s->figure, "image columns", "%d", s->split->columns);
    figure_note(s->figure, "caption",
                "n = %d test scans (dots); points and bars: means with 95 %% Student-t intervals; cohort: %s",
                s->split->scans, s->split->cohort);
    figure_note(s->figure, "caption 2",
                "masks: patches of %d x %d pixels over %g %% of the image; scans with the network's median "
                "and largest "
                "error, their errors below",
                s->o->mask.patch, s->o->mask.patch, 100.0 * s->o->mask.coverage);
    figure_axes(s->figure, "", "mean squared error inside the patches / variance of the image",
                (figure_range){0.0, 1.03 * most, 0.0}, "", (figure_range){METHODS + 0.5, 0.5, 0.0});
    return 0;
}

/* differences has room for a value of each scan. */
static int write_method(const study *s, csv_writer *csv, int method, double *differences) {
    size_t scans = (size_t)s->split->scans;
    interval mean, difference = INTERVAL_UNDEFINED;
    double sd;
    for (size_t k = 0; k < scans; k++)
        differences[k] = errors_of(s, NETWORK)[k] - errors_of(s, method)[k];
    if (interval_of_mean(errors_of(s, method), scans, CONFIDENCE, &mean, &sd) < 0 ||
        (method != NETWORK && interval_of_mean(differences, scans, CONFIDENCE, &difference, NULL) < 0))
        return err_prefix("errors of method %s", method_names[method]);
    csv_writer_row(csv, "%s," METRIC ",%zu,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%s", method_names[method],
                   scans, mean.estimate, sd, mean.low, mean.high, difference.estimate, difference.low,
                   difference.high, method_titles[method]);
    draw_method(s, method, mean);
    return 0;
}

static int write_summary(const study *s) {
    double *differences = mem_alloc((size_t)s->split->scans * sizeof *differences);
    csv_writer *csv = differences ? open_table(s, "inpainting_summary.csv") : NULL;
    int status = csv ? 0 : -1;
    if (csv) {
        csv_writer_comment(csv, "ci: two-sided 95 %% Student-t interval of the mean over scans");
        csv_writer_comment(csv,
                           "network_minus_method: mean of the differences scan by scan, with its interval");
        csv_writer_row(csv, "method,metric,n_scans,mean,sd,ci_low,ci_high,network_minus_method,"
                            "difference_ci_low,difference_ci_high,title");
    }
    for (int m = 0; status == 0 && m < METHODS; m++)
        status = write_method(s, csv, m, differences);
    free(differences);
    return csv_writer_end(csv, status);
}

/* ---------------------------------------------------------------- example images */

typedef struct {
    const char *name; /* "median" */
    int row;          /* of the figure */
    int scan, slice;
    double black, white; /* grey window, that of the original for all */
} example;

/* column: of the figure, from 1; 0: not in it. */
static int write_panel(const study *s, csv_writer *csv, const example *e, int column, const char *kind,
                       const char *title, const float *image, double black, double white, double error) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/panels/inpainting_%s_%s.f32", s->o->run.out, e->name, kind);
    char panel[64], side[64], value[32] = "";
    snprintf(side, sizeof side, "%s%s", column == 1 ? e->name : "", column == 1 ? " scan" : "");
    if (column == 2 || column == 3)
        snprintf(value, sizeof value, "%.3f", error);
    snprintf(panel, sizeof panel, "inpainting_%s_%s", e->name, kind);
    csv_writer_text(csv, panel);
    csv_writer_text(csv, e->name);
    csv_writer_text(csv, kind);
    csv_writer_plain(csv, s->split->scan_ids[e->scan]);
    csv_writer_integer(csv, e->slice);
    csv_writer_real(csv, error);
    csv_writer_text(csv, title);
    csv_writer_end_row(csv);
    if (column)
        figure_image(s->figure, e->row, column, panel, e->row == 1 ? title : "", side, value);
    return panel_write(path, image, s->pixels, black, white);
}

/* In units of grey the error panel is ERROR_FACTOR times as bright as the images' differences. It overwrites
 * the masked image. */
static int write_error_panel(const study *s, worker *w, csv_writer *csv, const example *e, double error) {
    char title[64];
    snprintf(title, sizeof title, "|Network - original| x %g", ERROR_FACTOR);
    for (size_t k = 0; k < s->pixels; k++)
        w->masked[k] = fabsf(w->filled[NETWORK][k] - w->image[k]);
    return write_panel(s, csv, e, 5, "error", title, w->masked, 0.0, (e->white - e->black) / ERROR_FACTOR,
                       error);
}

static int write_example(const study *s, worker *w, csv_writer *csv, example *e) {
    double errors[METHODS];
    if (inpaint_slice(w, s, e->scan, e->slice, errors) < 0 || panel_white(w->image, s->pixels, &e->white) < 0)
        return -1;
    e->black = (double)w->image[0];
    for (size_t k = 1; k < s->pixels; k++)
        e->black = fmin(e->black, (double)w->image[k]);
    double masked = ssl_mask_mse(w->mask, w->masked, w->image, (int)s->pixels);
    if (write_panel(s, csv, e, 1, "masked", "Masked input", w->masked, e->black, e->white, masked) < 0)
        return -1;
    for (int m = 0; m < METHODS; m++)
        if (write_panel(s, csv, e, m == LOCAL_MEAN ? 0 : 2 + m, method_names[m], method_titles[m],
                        w->filled[m], e->black, e->white, errors[m]) < 0)
            return -1;
    if (write_panel(s, csv, e, 4, "original", "Original", w->image, e->black, e->white, 0.0) < 0)
        return -1;
    return write_error_panel(s, w, csv, e, errors[NETWORK]);
}

/* The scans that the network in-paints middling and worst: nobody picked them. */
static int choose_examples(const study *s, example *median, example *worst) {
    size_t scans = (size_t)s->split->scans, *order = mem_alloc(scans * sizeof *order);
    if (!order)
        return -1;
    gsl_sort_index(order, errors_of(s, NETWORK), 1, scans);
    *median = (example){.name = "median", .row = 1, .scan = (int)order[(scans - 1) / 2]};
    *worst = (example){.name = "worst", .row = 2, .scan = (int)order[scans - 1]};
    median->slice = slice_job_slice(&s->job, median->scan, slices_of(s, median->scan) / 2);
    worst->slice = slice_job_slice(&s->job, worst->scan, slices_of(s, worst->scan) / 2);
    free(order);
    return 0;
}

static int write_examples(const study *s) {
    worker w = {0};
    example examples[2];
    csv_writer *csv = choose_examples(s, &examples[0], &examples[1]) == 0 && worker_open(&w, s) == 0
                          ? open_table(s, "panels/inpainting_examples.csv")
                          : NULL;
    int status = csv ? 0 : -1;
    if (csv) {
        csv_writer_comment(csv, "image: %d x %d", s->split->rows, s->split->columns);
        csv_writer_comment(csv, "examples: the scans with the network's median and largest error");
        csv_writer_row(csv, "panel,example,image,scan_id,slice," METRIC ",title");
    }
    for (int k = 0; status == 0 && k < 2; k++)
        status = write_example(s, &w, csv, &examples[k]);
    worker_close(&w);
    return csv_writer_end(csv, status);
}

/* ---------------------------------------------------------------- set-up */

/* All that the errors depend on: what an interrupted run has saved is used only under the same settings. */
static int describe(study *s) {
    const options *o = s->o;
    uint64_t files;
    if (prepared_split_fingerprint(s->split, &files) < 0)
        return -1;
    snprintf(s->saved, sizeof s->saved, "%s/." PROGRAM ".unfinished.h5", o->run.out);
    snprintf(s->settings, sizeof s->settings,
             "slices=%d patch=%d coverage=%.9g seed=%llu weights=%s files=%llx kernels=%s version=%s",
             o->slices, o->mask.patch, o->mask.coverage, (unsigned long long)o->run.seed, s->weights_sha256,
             (unsigned long long)files, conv_kernels_name(), SSFD_VERSION);
    return 0;
}

static int study_open(study *s) {
    const options *o = s->o;
    if (!(s->split = prepared_split_open(o->cohort.folder, o->cohort.split, o->cohort.scans)))
        return -1;
    if (s->split->scans < 2)
        return err_set("%s: %s split has %d scan: intervals need at least 2", o->cohort.folder,
                       o->cohort.split, s->split->scans);
    if (!(s->n = model_load(o->network.weights, &model_ssl_unet)) ||
        file_checksum(o->network.weights, "sha256", s->weights_sha256) < 0 || describe(s) < 0)
        return -1;
    s->pixels = (size_t)s->split->rows * s->split->columns;
    s->job = (slice_job){.label = "in-painting (slices)",
                         .split = s->split,
                         .slices_per_scan = o->slices,
                         .numbers = METHODS,
                         .saved = s->saved,
                         .settings = s->settings,
                         .save_every = o->run.save_every,
                         .self = s,
                         .worker_size = sizeof(worker),
                         .open = worker_open,
                         .close = worker_close,
                         .compute = inpaint_slice};
    for (int scan = 0; scan < s->split->scans; scan++)
        s->measured += slices_of(s, scan);
    s->errors = mem_calloc(METHODS * (size_t)s->split->scans, sizeof *s->errors);
    return s->errors ? path_make_dirs(o->run.out) : -1;
}

static void study_close(void *given) {
    study *s = given;
    prepared_split_free(s->split);
    net_free(s->n);
    free(s->errors);
}

/* The table of scans comes last: when it is there, so is the rest. */
static int run(void *given, run_record *record) {
    study *s = given;
    char path[PATH_LENGTH];
    if (ranks_agree(study_open(s)) < 0 || inpaint_scans(s) < 0)
        return -1;
    if (ranks_me() > 0)
        return 0;
    if (figure_begin(s) < 0 || write_examples(s) < 0 || write_summary(s) < 0)
        return figure_close(s->figure, -1);
    if (figure_close(s->figure, 0) < 0 || write_scans(s) < 0)
        return -1;
    unfinished_remove(s->saved);
    record_text(record, "cohort", s->split->cohort);
    record_integer(record, "scans", s->split->scans);
    record_integer(record, "slices", s->measured);
    record_integer(record, "seed", (int64_t)s->o->run.seed);
    snprintf(path, sizeof path, "%s/inpainting.csv", s->o->run.out);
    return record_file(record, "weights", s->o->network.weights) < 0 ? -1
                                                                     : record_file(record, "result", path);
}

int main(int argc, char **argv) {
    static options o = {.cohort = COHORT_DEFAULTS,
                        .network = NETWORK_DEFAULTS,
                        .run = RUN_DEFAULTS,
                        .slices = 1,
                        .mask = {16, 0.25}};
    static const program_option table[] = {
        OPT_COHORT(&o.cohort),
        OPT_TEXT("weights", &o.network.weights, "FILE", "weights of the self-supervised network"),
        OPT_INT("slices", &o.slices, "N", 0, 1e9, "slices of each scan, evenly spread (0: all)"),
        OPT_INT("patch", &o.mask.patch, "PIXELS", 1, 256, "side of a masked patch"),
        OPT_REAL("coverage", &o.mask.coverage, "SHARE", 0.01, 0.95, "share of the image that is masked"),
        OPT_RUN(&o.run, "folder for the tables and example panels", "seed of the masks"),
        OPT_SAVE_EVERY(&o.run),
        OPT_END};
    study s = {.o = &o};
    const program p = {
        .command = {.name = PROGRAM,
                    .summary = "In-painting of test images: the error inside the masked patches, of the "
                               "self-supervised network, harmonic\ninterpolation and the local mean.",
                    .options = table},
        .options = &o.run,
        .self = &s,
        .run = run,
        .close = study_close};
    return program_main(&p, argc, argv);
}
