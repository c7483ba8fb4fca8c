/* What the pretext task's patch size and coverage do to SSFD: networks that were trained alike but for these,
 * each judged by
 *   - the correlation of SSFD with SSIM, between reconstruction and reference, over slices of test scans;
 *   - how much a shift counts where a blur or a noise costs the same SSIM, as the sweep of that network says.
 *
 * A folder per network holds weights.h5 of train_ssl and perturbation_sweep_claims.csv of perturbation_sweep
 * (`make ablation` makes both). */
#include "core/checksum.h"
#include "core/csv.h"
#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "io/h5.h"
#include "io/unfinished.h"
#include "program/groups.h"
#include "stats/correlation.h"
#include "study/claim.h"
#include "study/reconstruction_scores.h"
#include "study/sweep_claims.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "ablation"
#define PATH_LENGTH 4096
#define CONFIDENCE 0.95
#define REPLICATES 5000

typedef struct {
    cohort_options cohort;
    const char *layers;
    run_options run;
} options;

/* A network of the comparison, as its weight file describes it. */
typedef struct {
    char weights[PATH_LENGTH], claims[PATH_LENGTH], saved[PATH_LENGTH];
    char name[256], sha256[CHECKSUM_HEX];
    int patch;
    double coverage;
    int64_t steps;
} candidate;

typedef struct {
    const options *o;
    operand_list folders;  /* one of each network */
    candidate *candidates; /* [count] */
    prepared_split *split;
    csv_writer *csv; /* of rank 0 */
} study;

/* ---------------------------------------------------------------- networks */

/* The number after "name=" among the words of `settings`. */
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

/* The folder's last name; 0 characters for "" and "/". */
static int name_of(const char *folder, const char **name) {
    const char *end = folder + strlen(folder);
    while (end > folder && end[-1] == '/')
        end--;
    *name = end;
    while (*name > folder && (*name)[-1] != '/')
        --*name;
    return (int)(end - *name);
}

static int candidate_open(candidate *c, const options *o, const char *folder) {
    const char *name;
    int length = name_of(folder, &name);
    if (!length || length >= (int)sizeof c->name || strlen(folder) + strlen(o->run.out) > PATH_LENGTH - 512)
        return err_set("%s: expected the path of a folder with a name", folder);
    snprintf(c->name, sizeof c->name, "%.*s", length, name);
    length += (int)(name - folder);
    snprintf(c->weights, sizeof c->weights, "%.*s/weights.h5", length, folder);
    snprintf(c->claims, sizeof c->claims, "%.*s/perturbation_sweep_claims.csv", length, folder);
    snprintf(c->saved, sizeof c->saved, "%s/." PROGRAM "_%s.unfinished.h5", o->run.out, c->name);
    return file_checksum(c->weights, "sha256", c->sha256) < 0 ? -1 : read_training(c);
}

/* A network that is compared with itself is a slip in the list of folders; two of one name cannot be told
 * apart in the table. */
static int check_distinct(const candidate *all, int k) {
    for (int other = 0; other < k; other++) {
        if (strcmp(all[k].sha256, all[other].sha256) == 0)
            return err_set("%s: the same weights as %s", all[k].weights, all[other].weights);
        if (strcmp(all[k].name, all[other].name) == 0)
            return err_set("%s: the folder has the same name as that of %s", all[k].weights,
                           all[other].weights);
    }
    return 0;
}

static int candidates_open(study *s) {
    int status = (s->candidates = mem_calloc((size_t)s->folders.count, sizeof *s->candidates)) ? 0 : -1;
    for (int k = 0; status == 0 && k < s->folders.count; k++)
        status = candidate_open(&s->candidates[k], s->o, s->folders.at[k]) < 0
                     ? -1
                     : check_distinct(s->candidates, k);
    return status;
}

/* ---------------------------------------------------------------- table */

static void write_row(const study *s, const candidate *c, const char *measure, const char *title, size_t n,
                      interval value) {
    csv_writer_plain(s->csv, c->name);
    csv_writer_integer(s->csv, c->patch);
    csv_writer_real(s->csv, 100.0 * c->coverage);
    csv_writer_integer(s->csv, c->steps);
    csv_writer_text(s->csv, measure);
    csv_writer_integer(s->csv, (long long)n);
    interval_write(s->csv, value, 9);
    csv_writer_text(s->csv, title);
    csv_writer_end_row(s->csv);
}

static int write_correlation(const study *s, const candidate *c, const score_table *t) {
    const bootstrap_plan plan = {t->scans, NULL, REPLICATES, CONFIDENCE, s->o->run.seed, 0};
    int ssfd = score_table_metric(t, "ssfd"), ssim = score_table_metric(t, "ssim");
    const double *scores[] = {t->values[ssfd]};
    interval r;
    if (correlation_study(CORRELATION_PEARSON, 1, scores, t->values[ssim], t->first, &plan, &r, NULL, NULL) <
        0)
        return err_prefix("%s", c->name);
    write_row(s, c, "ssim_correlation", "Correlation of SSFD with SSIM", plan.scans, r);
    return 0;
}

static int has_comment(const csv_table *t, const char *wanted) {
    for (size_t k = 0; k < t->comment_count; k++)
        if (strcmp(t->comments[k], wanted) == 0)
            return 1;
    return 0;
}

/* A table of another run would go unnoticed: the sweep says whose features it used, and of which images. */
static int check_claims(const study *s, const candidate *c, const metric_set *metrics, const csv_table *t) {
    char weights[600], cohort[PATH_LENGTH], images[PATH_LENGTH];
    snprintf(weights, sizeof weights, "ssfd: %s", metric_set_about(metrics, "ssfd"));
    snprintf(cohort, sizeof cohort, "cohort: %s", s->split->cohort);
    snprintf(images, sizeof images, "images: %s", s->split->settings);
    for (char *at = images; (at = strpbrk(at, "\r\n")); at++) /* as in comments */
        *at = ' ';
    if (!has_comment(t, weights))
        return err_set("%s: sweep of other weights: expected the comment '%s'", c->claims, weights);
    if (!has_comment(t, cohort))
        return err_set("%s: sweep of another cohort: expected the comment '%s'", c->claims, cohort);
    if (*s->split->settings && !has_comment(t, images))
        return err_set("%s: sweep of other images: expected the comment '%s'", c->claims, images);
    return 0;
}

/* The sweep's ratio for a shift against `other`; NaN where too few scans reach that SSIM. */
static void write_shift(const study *s, const candidate *c, const claim_list *claims, const char *other,
                        const char *title) {
    char key[64];
    snprintf(key, sizeof key, "shift_to_%s", other);
    const claim *found = claim_list_find(claims, key);
    write_row(s, c, key, title, found ? found->n : 0, found ? found->value : INTERVAL_UNDEFINED);
}

static int write_shifts(const study *s, const candidate *c, const metric_set *metrics) {
    claim_list claims;
    int status = claim_list_read(&claims, c->claims);
    if (status == 0)
        status = check_claims(s, c, metrics, claims.table);
    if (status == 0) {
        write_shift(s, c, &claims, "gaussian_blur", "Shift / blur");
        write_shift(s, c, &claims, "gaussian_noise", "Shift / noise");
    }
    claim_list_free(&claims);
    return status;
}

/* What has been computed stays in c->saved until the whole table is written. */
static int study_network(const study *s, const candidate *c) {
    const metric_files files = {.ssfd_weights = c->weights, .ssfd_layers = s->o->layers};
    metric_set metrics = {.count = 0};
    const reconstruction_plan plan = {
        .split = s->split, .metrics = &metrics, .saved = c->saved, .save_every = s->o->run.save_every};
    int taken_over, status = ranks_agree(metric_set_open(&metrics, "", 0, &files));
    score_table *t = status == 0 ? reconstruction_scores(&plan, &taken_over) : NULL;
    if (t && ranks_me() == 0)
        status = write_correlation(s, c, t) < 0 ? -1 : write_shifts(s, c, &metrics);
    status = ranks_agree(t ? status : -1);
    score_table_free(t);
    metric_set_close(&metrics);
    return status;
}

/* ---------------------------------------------------------------- all networks */

static int study_open(study *s) {
    const options *o = s->o;
    if (candidates_open(s) < 0 ||
        !(s->split = prepared_split_open(o->cohort.folder, o->cohort.split, o->cohort.scans)))
        return -1;
    return path_make_dirs(o->run.out);
}

static int begin_table(study *s, const char *path) {
    if (!(s->csv = csv_writer_open(path)))
        return -1;
    csv_writer_comment(s->csv, "cohort: %s", s->split->cohort);
    prepared_split_comments(s->split, s->csv);
    csv_writer_comment(s->csv, "ssfd: layer %s", s->o->layers);
    csv_writer_comment(s->csv,
                       "ssim_correlation: Pearson, reconstruction against reference, over slices; interval: "
                       "95 %% BCa bootstrap over scans, %d replicates",
                       REPLICATES);
    csv_writer_comment(s->csv,
                       "shift_to_*: SSFD of a shift / SSFD of the other where both cost the same SSIM, %.2f; "
                       "nan where fewer than half of the scans reach it; interval: 95 %% t on log ratio",
                       SWEEP_PRIMARY_SSIM);
    csv_writer_comment(s->csv, "seed: %llu", (unsigned long long)s->o->run.seed);
    csv_writer_row(s->csv, "network,patch_pixels,coverage_percent,training_steps,measure,n_scans,estimate,"
                           "ci_low,ci_high,title");
    return 0;
}

static void study_close(void *given) {
    study *s = given;
    prepared_split_free(s->split);
    free(s->candidates);
    csv_writer_discard(s->csv);
}

static int run(void *given, run_record *record) {
    study *s = given;
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/ablation.csv", s->o->run.out);
    if (ranks_agree(study_open(s)) < 0 || ranks_agree(ranks_me() == 0 ? begin_table(s, path) : 0) < 0)
        return -1;
    for (int k = 0; k < s->folders.count; k++)
        if (study_network(s, &s->candidates[k]) < 0)
            return -1;
    if (ranks_me() > 0)
        return 0;
    csv_writer *csv = s->csv;
    s->csv = NULL;
    if (csv_writer_close(csv) < 0)
        return -1;
    for (int k = 0; k < s->folders.count; k++) {
        unfinished_remove(s->candidates[k].saved);
        if (record_file(record, "weights", s->candidates[k].weights) < 0)
            return -1;
    }
    record_text(record, "cohort", s->split->cohort);
    record_integer(record, "scans", s->split->scans);
    return record_file(record, "result", path);
}

int main(int argc, char **argv) {
    static options o = {.cohort = COHORT_DEFAULTS, .layers = SSFD_DEFAULT_LAYER, .run = RUN_DEFAULTS};
    static const program_option table[] = {
        OPT_COHORT(&o.cohort), OPT_TEXT("layer", &o.layers, "NAMES", "feature layers of SSFD"),
        OPT_RUN(&o.run, "folder for ablation.csv", "seed of the bootstrap"), OPT_SAVE_EVERY(&o.run), OPT_END};
    study s = {.o = &o};
    const program p = {
        .command =
            {.name = PROGRAM,
             .summary =
                 "Compares networks trained with different patches and coverages of the pretext task. Each "
                 "NETWORK is a\nfolder with weights.h5 (train_ssl) and perturbation_sweep_claims.csv "
                 "(perturbation_sweep).",
             .operands = "NETWORK...",
             .operands_min = 1,
             .operands_max = 1000,
             .options = table},
        .operands = &s.folders,
        .options = &o.run,
        .self = &s,
        .run = run,
        .close = study_close};
    return program_main(&p, argc, argv);
}
