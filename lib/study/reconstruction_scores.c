#include "study/reconstruction_scores.h"

#include "core/cli.h" /* SSFD_VERSION */
#include "core/error.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "core/rng.h"
#include "core/version.h"
#include "io/slice_job.h"
#include "nn/conv.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    const reconstruction_plan *plan;
    score_table *table;
    double *values; /* [rows][metrics] */
    char settings[4096];
} computation;

/* The scores that stand in the table before SSFD, and those behind it. */
static const int before_ssfd[] = {SCORE_SSIM, SCORE_SSIM_FOREGROUND, SCORE_PSNR, SCORE_NRMSE};
enum { BEFORE_SSFD = sizeof before_ssfd / sizeof *before_ssfd };

static size_t ssfd_columns(const reconstruction_plan *p) {
    return p->layers_apart ? (size_t)p->scores->ssfd.count : 1;
}

/* ---------------------------------------------------------------- one slice */

/* What one thread works with. */
typedef struct {
    scorer *scorer;
    float *reference, *image;
} worker;

static void worker_close(void *given) {
    worker *w = given;
    scorer_free(w->scorer);
    free(w->reference);
    free(w->image);
}

static int worker_open(void *given, const void *self) {
    const reconstruction_plan *p = self;
    worker *w = given;
    size_t bytes = (size_t)p->split->rows * (size_t)p->split->columns * sizeof(float);
    return (w->scorer = scorer_create(p->scores, p->split->rows, p->split->columns)) &&
                   (w->reference = mem_alloc(bytes)) && (w->image = mem_alloc(bytes))
               ? 0
               : -1;
}

static void arrange(const reconstruction_plan *p, const double *scores, const double *layers, double *out) {
    for (int k = 0; k < BEFORE_SSFD; k++)
        *out++ = scores[before_ssfd[k]];
    memcpy(out, p->layers_apart ? layers : &scores[SCORE_SSFD], ssfd_columns(p) * sizeof *out);
    out += ssfd_columns(p);
    for (int k = SCORE_BASELINES; k < p->scores->count; k++)
        *out++ = scores[k];
}

static int score_slice(void *given, const void *self, int scan, int slice, double *out) {
    const reconstruction_plan *p = self;
    worker *w = given;
    double scores[SCORES_MAX], layers[FEATURE_MAX_LAYERS];
    if (prepared_split_read(p->split, scan, PREPARED_REFERENCE, slice, w->reference) < 0 ||
        prepared_split_read(p->split, scan, p->kind ? p->kind[scan] : PREPARED_RECONSTRUCTION, slice,
                            w->image) < 0)
        return -1;
    if (scorer_reference(w->scorer, w->reference, 1) < 0 ||
        scorer_score_layers(w->scorer, w->image, scores, layers) < 0)
        return err_prefix("%s: slice %d", p->split->paths[scan], slice);
    arrange(p, scores, layers, out);
    return 0;
}

/* ---------------------------------------------------------------- the table */

static int name_metrics(score_table *t, const reconstruction_plan *p) {
    const feature_network *f = &p->scores->ssfd;
    size_t m = 0;
    int status = 0;
    for (int k = 0; status == 0 && k < BEFORE_SSFD; k++, m++)
        status = score_table_set_metric(t, m, score_key(p->scores, before_ssfd[k]),
                                        score_title(p->scores, before_ssfd[k]));
    for (int k = 0; status == 0 && p->layers_apart && k < f->count; k++, m++)
        status =
            score_table_set_metric(t, m, f->n->layers[f->layers[k]].name, f->n->layers[f->layers[k]].name);
    if (status == 0 && !p->layers_apart)
        status = score_table_set_metric(t, m++, score_key(p->scores, SCORE_SSFD),
                                        score_title(p->scores, SCORE_SSFD));
    for (int k = SCORE_BASELINES; status == 0 && k < p->scores->count; k++, m++)
        status = score_table_set_metric(t, m, score_key(p->scores, k), score_title(p->scores, k));
    return status;
}

static int name_rows(computation *c) {
    const reconstruction_plan *p = c->plan;
    score_table *t = c->table;
    char acceleration[32] = "";
    size_t row = 0;
    if (p->split->acceleration > 0.0)
        snprintf(acceleration, sizeof acceleration, "%g", p->split->acceleration);
    const char *label = score_table_label(t, acceleration);
    if (!label)
        return -1;
    for (int scan = 0; scan < p->split->scans; scan++) {
        const char *fault = score_table_label(t, p->fault ? p->fault[scan] : SCORE_NO_FAULT);
        if (!fault || score_table_set_scan(t, (size_t)scan, p->split->scan_ids[scan]) < 0)
            return -1;
        for (int slice = 0; slice < p->split->slices[scan]; slice++, row++) {
            t->slice[row] = slice;
            t->acceleration[row] = label;
            t->fault[row] = fault;
        }
        t->first[scan + 1] = row;
    }
    snprintf(t->cohort, sizeof t->cohort, "%s", p->split->cohort);
    return 0;
}

/* What saved values belong to. */
static int describe(computation *c) {
    const reconstruction_plan *p = c->plan;
    uint64_t files, kinds = 0;
    if (prepared_split_fingerprint(p->split, &files) < 0)
        return -1;
    for (int scan = 0; p->kind && scan < p->split->scans; scan++)
        kinds = 31 * kinds + (uint64_t)p->kind[scan] + 1;
    snprintf(c->settings, sizeof c->settings, "ssfd=%s files=%llx kinds=%llx kernels=%s version=%s",
             p->scores->ssfd_about, (unsigned long long)files, (unsigned long long)kinds, conv_kernels_name(),
             SSFD_VERSION);
    for (int k = SCORE_BASELINES; k < p->scores->count; k++) {
        size_t used = strlen(c->settings);
        snprintf(c->settings + used, sizeof c->settings - used, " %s=%llx", score_key(p->scores, k),
                 (unsigned long long)rng_hash(p->scores->baselines[k - SCORE_BASELINES].about));
    }
    return 0;
}

static int computation_open(computation *c, const reconstruction_plan *p) {
    size_t rows = (size_t)p->split->total_slices;
    size_t metrics = BEFORE_SSFD + ssfd_columns(p) + (size_t)(p->scores->count - SCORE_BASELINES);
    *c = (computation){.plan = p};
    if (!(c->table = score_table_create(rows, (size_t)p->split->scans, metrics)))
        return -1;
    return name_metrics(c->table, p) < 0 || name_rows(c) < 0 ? -1 : describe(c);
}

static int compute(computation *c, int *taken_over) {
    const reconstruction_plan *p = c->plan;
    const slice_job job = {.label = "scores of reconstructions (slices)",
                           .split = p->split,
                           .numbers = c->table->metrics,
                           .saved = p->saved,
                           .settings = c->settings,
                           .save_every = p->save_every,
                           .self = p,
                           .worker_size = sizeof(worker),
                           .open = worker_open,
                           .close = worker_close,
                           .compute = score_slice};
    return (c->values = slice_job_run(&job, taken_over)) ? 0 : -1;
}

static void fill_table(computation *c) {
    for (size_t m = 0; m < c->table->metrics; m++)
        for (size_t row = 0; row < c->table->rows; row++)
            c->table->values[m][row] = c->values[row * c->table->metrics + m];
}

score_table *reconstruction_scores(const reconstruction_plan *plan, int *taken_over) {
    computation c;
    int ok = ranks_agree(computation_open(&c, plan)) == 0 && compute(&c, taken_over) == 0;
    if (ok)
        fill_table(&c);
    free(c.values);
    if (ok)
        return c.table;
    score_table_free(c.table);
    return NULL;
}
