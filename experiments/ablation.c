/* What the pretext task's patch size and coverage do to SSFD: networks that were trained alike but for these,
 * each judged by
 *   - the correlation of SSFD with SSIM, between reconstruction and reference, over slices of test scans;
 *   - how much a shift counts where a blur or a noise costs the same SSIM, as the sweep of that network says.
 *
 * A folder per network holds weights.h5 of train_ssl and perturbation_sweep_claims.csv of perturbation_sweep
 * (`make ablation` makes both). */
#include "experiment.h"

#include "core/atomic_file.h"
#include "core/checksum.h"
#include "core/csv.h"
#include "io/h5.h"
#include "io/unfinished.h"
#include "models/ssl_unet.h"
#include "stats/correlation.h"
#include "study/reconstruction_scores.h"
#include "study/sweep_claims.h"
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "ablation"
#define PATH_LENGTH 4096
#define CONFIDENCE 0.95
#define REPLICATES 5000
#define SAVE_EVERY 20.0 /* seconds */

typedef struct {
    const char *cohort, *out, *records, *layer;
    int scans, threads;
    uint64_t seed;
} options;

typedef struct {
    const options *o;
    char **folders; /* [count]: one of each network */
    int count;
    prepared_split *split;
    csv_writer *csv; /* of rank 0 */
} study;

/* A network of the comparison, as its weight file describes it. */
typedef struct {
    char weights[PATH_LENGTH], claims[PATH_LENGTH], saved[PATH_LENGTH];
    char name[256];
    int patch;
    double coverage;
    int64_t steps;
    score_set scores;
} candidate;

/* ---------------------------------------------------------------- networks */

/* The number behind "name=" among the words of `settings`. */
static int setting(const candidate *c, const char *settings, const char *name, double *value) {
    size_t length = strlen(name);
    for (const char *word = settings; word; word = strchr(word, ' ')) {
        word += *word == ' ';
        if (strncmp(word, name, length) == 0 && word[length] == '=') {
            *value = strtod(word + length + 1, NULL);
            return 0;
        }
    }
    return err_set("%s: training_settings: expected %s=, found '%s'", c->weights, name, settings);
}

static int read_training(candidate *c) {
    char *settings = NULL;
    double patch = 0.0;
    h5_file *f = h5_open(c->weights);
    int status = f && h5_attr_text(f, "training_settings", &settings) == 0 &&
                         h5_attr_integer(f, "training_steps", &c->steps) == 0 &&
                         setting(c, settings, "patch", &patch) == 0 &&
                         setting(c, settings, "coverage", &c->coverage) == 0
                     ? 0
                     : -1;
    c->patch = (int)patch;
    free(settings);
    h5_close(f);
    return status;
}

static int candidate_open(candidate *c, const options *o, const char *folder) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    snprintf(c->weights, sizeof c->weights, "%.*s/weights.h5", (int)length, folder);
    snprintf(c->claims, sizeof c->claims, "%.*s/perturbation_sweep_claims.csv", (int)length, folder);
    snprintf(c->name, sizeof c->name, "%.*s", (int)length, folder);
    if (strrchr(c->name, '/'))
        memmove(c->name, strrchr(c->name, '/') + 1, strlen(strrchr(c->name, '/')));
    snprintf(c->saved, sizeof c->saved, "%s/." PROGRAM "_%s.unfinished.h5", o->out, c->name);
    const baseline_files files = {.ssfd_weights = c->weights, .ssfd_layers = o->layer};
    return read_training(c) < 0 || score_set_open(&c->scores, "", &files) < 0 ? -1 : 0;
}

/* ---------------------------------------------------------------- table */

static void write_row(const study *s, const candidate *c, const char *measure, const char *title, size_t n,
                      double estimate, double ci_low, double ci_high) {
    csv_writer_row(s->csv, "%s,%d,%.9g,%lld,%s,%zu,%.9g,%.9g,%.9g,%s", c->name, c->patch, 100.0 * c->coverage,
                   (long long)c->steps, measure, n, estimate, ci_low, ci_high, title);
}

static int write_correlation(const study *s, const candidate *c, const score_table *t) {
    const bootstrap_plan plan = {t->scans, NULL, REPLICATES, CONFIDENCE, s->o->seed, 0};
    int ssfd = score_table_metric(t, "ssfd"), ssim = score_table_metric(t, "ssim");
    const double *scores[] = {t->values[ssfd]};
    stats_interval r;
    if (correlation_study(CORRELATION_PEARSON, 1, scores, t->values[ssim], t->first, &plan, &r, NULL, NULL) <
        0)
        return err_prefix("%s", c->name);
    write_row(s, c, "ssim_correlation", "Correlation of SSFD with SSIM", plan.scans, r.estimate, r.ci_low,
              r.ci_high);
    return 0;
}

/* A table of another run would go unnoticed: the sweep says whose features it used. */
static int check_claims(const candidate *c, const csv_table *t) {
    char expected[600];
    snprintf(expected, sizeof expected, "ssfd: %s", c->scores.ssfd_about);
    for (size_t k = 0; k < t->comment_count; k++)
        if (strcmp(t->comments[k], expected) == 0)
            return 0;
    return err_set("%s: sweep of other weights: expected the comment '%s'", c->claims, expected);
}

/* The sweep's ratio for a shift against `other`; NaN where too few scans reach that SSIM. */
static int write_shift(const study *s, const candidate *c, const csv_table *t, const char *other,
                       const char *title) {
    char wanted[160], measure[64];
    double values[4] = {0.0, NAN, NAN, NAN};
    static const char *const names[] = {"n", "estimate", "ci_low", "ci_high"};
    snprintf(wanted, sizeof wanted, "at equal SSIM (%.2f) SSFD reacts less to pixel_shift than to %s",
             SWEEP_PRIMARY_SSIM, other);
    snprintf(measure, sizeof measure, "shift_to_%s", other);
    int claim = csv_table_column(t, "claim");
    if (claim < 0)
        return -1;
    for (size_t row = 0; row < t->rows; row++)
        for (int k = 0; k < 4 && strcmp(csv_table_text(t, row, claim), wanted) == 0; k++) {
            int column = csv_table_column(t, names[k]);
            if (column < 0 || csv_table_real(t, row, column, &values[k]) < 0)
                return -1;
        }
    write_row(s, c, measure, title, (size_t)values[0], values[1], values[2], values[3]);
    return 0;
}

static int write_shifts(const study *s, const candidate *c) {
    csv_table *t = csv_table_read(c->claims);
    if (!t)
        return -1;
    int status = check_claims(c, t) == 0 && write_shift(s, c, t, "gaussian_blur", "Shift / blur") == 0 &&
                         write_shift(s, c, t, "gaussian_noise", "Shift / noise") == 0
                     ? 0
                     : -1;
    csv_table_free(t);
    return status;
}

/* A network that is compared with itself is a slip in the list of folders. */
static int check_distinct(char **folders, int count) {
    char path[PATH_LENGTH], (*sums)[CHECKSUM_HEX] = mem_alloc((size_t)count * sizeof *sums);
    int status = sums ? 0 : -1;
    for (int k = 0; status == 0 && k < count; k++) {
        snprintf(path, sizeof path, "%s/weights.h5", folders[k]);
        status = file_checksum(path, "sha256", sums[k]);
        for (int other = 0; status == 0 && other < k; other++)
            if (strcmp(sums[k], sums[other]) == 0)
                status = err_set("%s: the same weights as %s/weights.h5", path, folders[other]);
    }
    free(sums);
    return status;
}

/* By rank 0 alone. */
static int write_network(const study *s, const candidate *c, const score_table *t, run_record *record) {
    if (write_correlation(s, c, t) < 0 || write_shifts(s, c) < 0 ||
        record_file(record, "weights", c->weights) < 0)
        return -1;
    unfinished_remove(c->saved);
    return 0;
}

static int study_network(const study *s, const char *folder, run_record *record) {
    candidate c = {0};
    const reconstruction_plan plan = {
        .split = s->split, .scores = &c.scores, .saved = c.saved, .save_every = SAVE_EVERY};
    int taken_over, status = ranks_agree(candidate_open(&c, s->o, folder));
    score_table *t = status == 0 ? reconstruction_scores(&plan, &taken_over) : NULL;
    if (t && ranks_me() == 0)
        status = write_network(s, &c, t, record);
    status = ranks_agree(t ? status : -1);
    score_table_free(t);
    score_set_close(&c.scores);
    return status;
}

/* ---------------------------------------------------------------- all networks */

static int study_open(study *s) {
    const options *o = s->o;
    if (check_distinct(s->folders, s->count) < 0 ||
        !(s->split = prepared_split_open(o->cohort, "test", o->scans)))
        return -1;
    return path_make_dirs(o->out);
}

static int begin_table(study *s, const char *path) {
    if (!(s->csv = csv_writer_open(path)))
        return -1;
    csv_writer_comment(s->csv, "cohort: %s", s->split->cohort);
    csv_writer_comment(s->csv, "split: test, %d scans, %d slices", s->split->scans, s->split->total_slices);
    csv_writer_comment(s->csv, "ssfd: layer %s", s->o->layer);
    csv_writer_comment(s->csv,
                       "ssim_correlation: Pearson, reconstruction against reference, over slices; interval: "
                       "95 %% BCa bootstrap over scans, %d replicates",
                       REPLICATES);
    csv_writer_comment(s->csv,
                       "shift_to_*: SSFD of a shift / SSFD of the other where both cost the same SSIM, %.2f; "
                       "nan where fewer than half of the scans reach it; interval: 95 %% t on log ratio",
                       SWEEP_PRIMARY_SSIM);
    csv_writer_comment(s->csv, "seed: %llu", (unsigned long long)s->o->seed);
    csv_writer_row(s->csv, "network,patch_pixels,coverage_percent,training_steps,measure,n_scans,estimate,"
                           "ci_low,ci_high,title");
    return 0;
}

static void study_close(void *given) {
    study *s = given;
    prepared_split_free(s->split);
    csv_writer_discard(s->csv);
}

static int run(void *given, run_record *record) {
    study *s = given;
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/ablation.csv", s->o->out);
    if (ranks_agree(study_open(s)) < 0 || ranks_agree(ranks_me() == 0 ? begin_table(s, path) : 0) < 0)
        return -1;
    for (int k = 0; k < s->count; k++)
        if (study_network(s, s->folders[k], record) < 0)
            return -1;
    if (ranks_me() > 0)
        return 0;
    csv_writer *csv = s->csv;
    s->csv = NULL;
    if (csv_writer_close(csv) < 0)
        return -1;
    record_text(record, "cohort", s->split->cohort);
    record_integer(record, "scans", s->split->scans);
    return record_file(record, "result", path);
}

int main(int argc, char **argv) {
    options o = {.cohort = "build/cohort",
                 .out = "results",
                 .layer = SSFD_DEFAULT_LAYER,
                 .threads = omp_get_num_procs(),
                 .seed = 2022};
    const cli_option table[] = {
        {CLI_STRING, "cohort", &o.cohort, "DIR", "prepared scans with the split test and reconstructions", 0,
         0},
        {CLI_STRING, "out", &o.out, "DIR", "folder for ablation.csv", 0, 0},
        {CLI_STRING, "layer", &o.layer, "NAMES", "feature layers of SSFD", 0, 0},
        {CLI_INT, "scans", &o.scans, "N", "take the first N scans only (0: all)", 0, 1e9},
        {CLI_U64, "seed", &o.seed, "N", "seed of the bootstrap", 0, 0},
        {CLI_INT, "threads", &o.threads, "N", "threads", 1, 1024},
        {CLI_STRING, "records", &o.records, "DIR", "folder for the run record (default: OUT/records)", 0, 0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {PROGRAM,
                           "Compares networks trained with different patches and coverages of the pretext "
                           "task. Each NETWORK is a\n"
                           "folder with weights.h5 (train_ssl) and perturbation_sweep_claims.csv "
                           "(perturbation_sweep).",
                           "NETWORK...",
                           1,
                           1000,
                           table,
                           NULL};
    int first, code;
    if (experiment_begin(&spec, &argc, &argv, &first, &code) != CLI_RUN)
        return code;
    study s = {.o = &o, .folders = argv + first, .count = argc - first};
    const experiment e = {PROGRAM, o.out, o.records, o.threads, run, study_close};
    return experiment_run(&e, &s, argc, argv);
}
