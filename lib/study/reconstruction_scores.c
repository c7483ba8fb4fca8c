#include "study/reconstruction_scores.h"

#include "core/cli.h" /* SSFD_VERSION */
#include "core/error.h"
#include "core/progress.h"
#include "core/ranks.h"
#include "core/rng.h"
#include "io/unfinished.h"
#include "nn/conv.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const reconstruction_plan *plan;
    score_table *table;
    int *scan;      /* [rows]: that it belongs to */
    double *values; /* [rows][metrics]; NaN: not computed */
    char settings[4096];
} computation;

/* The scores that stand in the table before SSFD, and those behind it. */
static const int before_ssfd[] = {SCORE_SSIM, SCORE_SSIM_FOREGROUND, SCORE_PSNR, SCORE_NRMSE};
enum { BEFORE_SSFD = sizeof before_ssfd / sizeof *before_ssfd };

static size_t ssfd_columns(const reconstruction_plan *p) {
    return p->layers_apart ? (size_t)p->scores->ssfd.count : 1;
}

static double *row_of(const computation *c, size_t row) {
    return c->values + row * c->table->metrics;
}

static int is_done(const computation *c, size_t row) {
    return !isnan(row_of(c, row)[0]);
}

/* ---------------------------------------------------------------- one slice */

/* What one thread works with. */
typedef struct {
    scorer *scorer;
    float *reference, *image;
    double *values; /* of the slice in hand, copied when whole */
} worker;

static void worker_free(worker *w) {
    scorer_free(w->scorer);
    free(w->reference);
    free(w->values);
}

static int worker_init(worker *w, const computation *c) {
    const prepared_split *split = c->plan->split;
    size_t pixels = (size_t)split->rows * (size_t)split->columns;
    *w = (worker){.scorer = scorer_create(c->plan->scores, split->rows, split->columns)};
    w->reference = w->scorer ? mem_alloc(2 * pixels * sizeof *w->reference) : NULL;
    w->values = w->reference ? mem_alloc(c->table->metrics * sizeof *w->values) : NULL;
    if (!w->values) {
        worker_free(w);
        return -1;
    }
    w->image = w->reference + pixels;
    return 0;
}

static void arrange(const reconstruction_plan *p, const double *scores, const double *layers, double *out) {
    for (int k = 0; k < BEFORE_SSFD; k++)
        *out++ = scores[before_ssfd[k]];
    memcpy(out, p->layers_apart ? layers : &scores[SCORE_SSFD], ssfd_columns(p) * sizeof *out);
    out += ssfd_columns(p);
    for (int k = SCORE_BASELINES; k < p->scores->count; k++)
        *out++ = scores[k];
}

static int score_slice(const computation *c, worker *w, size_t row) {
    const reconstruction_plan *p = c->plan;
    double scores[SCORES_MAX], layers[FEATURE_MAX_LAYERS];
    int scan = c->scan[row], slice = c->table->slice[row];
    if (prepared_split_read(p->split, scan, PREPARED_REFERENCE, slice, w->reference) < 0 ||
        prepared_split_read(p->split, scan, p->kind ? p->kind[scan] : PREPARED_RECONSTRUCTION, slice,
                            w->image) < 0)
        return -1;
    if (scorer_reference(w->scorer, w->reference, 1) < 0 ||
        scorer_score_layers(w->scorer, w->image, scores, layers) < 0)
        return err_prefix("%s: slice %d", p->split->paths[scan], slice);
    arrange(p, scores, layers, w->values);
    return 0;
}

/* ---------------------------------------------------------------- all slices */

static int save(const computation *c) {
    return unfinished_save(c->plan->saved, c->settings, c->values, c->table->rows * c->table->metrics);
}

static int keep(const computation *c, const worker *w, size_t row, double *saved_at) {
    int status = 0;
#pragma omp critical(hdf5)
    {
        memcpy(row_of(c, row), w->values, c->table->metrics * sizeof *w->values);
        if (clock_seconds() - *saved_at >= c->plan->save_every) {
            status = save(c);
            *saved_at = clock_seconds();
        }
    }
    return status;
}

/* Rows of this rank's scans. */
static int compute(computation *c) {
    err_box failure = {0};
    progress bar;
    double saved_at = clock_seconds();
    size_t rows = c->table->rows;
    progress_start(&bar, "scores of reconstructions (slices)", rows / (size_t)ranks_count());
#pragma omp parallel
    {
        worker w;
        int ready = worker_init(&w, c) == 0;
        if (!ready)
            err_box_take(&failure);
#pragma omp for schedule(dynamic, 1)
        for (size_t row = 0; row < rows; row++) {
            if (!ranks_is_mine(c->scan[row]))
                continue;
            if (ready && !err_box_failed(&failure) && !is_done(c, row) &&
                (score_slice(c, &w, row) < 0 || keep(c, &w, row, &saved_at) < 0))
                err_box_take(&failure);
            progress_step(&bar, 1);
        }
        if (ready)
            worker_free(&w);
    }
    progress_end(&bar);
    return err_box_raise(&failure);
}

/* Every rank gets every row. */
static void merge(computation *c) {
    for (size_t row = 0; row < c->table->rows; row++)
        if (!ranks_is_mine(c->scan[row]))
            memset(row_of(c, row), 0, c->table->metrics * sizeof(double));
    ranks_merge(c->values, c->table->rows * c->table->metrics * sizeof(double));
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
            c->scan[row] = scan;
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
    if (!(c->table = score_table_create(rows, (size_t)p->split->scans, metrics)) ||
        !(c->scan = mem_alloc(rows * sizeof *c->scan)) ||
        !(c->values = mem_alloc(rows * metrics * sizeof *c->values)))
        return -1;
    if (name_metrics(c->table, p) < 0 || name_rows(c) < 0 || describe(c) < 0)
        return -1;
    unfinished_load(p->saved, c->settings, c->values, rows * metrics);
    return 0;
}

static void fill_table(computation *c) {
    for (size_t m = 0; m < c->table->metrics; m++)
        for (size_t row = 0; row < c->table->rows; row++)
            c->table->values[m][row] = row_of(c, row)[m];
}

score_table *reconstruction_scores(const reconstruction_plan *plan, int *taken_over) {
    computation c;
    int ok = ranks_agree(computation_open(&c, plan)) == 0;
    *taken_over = 0;
    for (size_t row = 0; ok && row < c.table->rows; row++)
        *taken_over += is_done(&c, row);
    ok = ok && ranks_agree(compute(&c)) == 0;
    if (ok) {
        merge(&c);
        fill_table(&c);
        ok = ranks_agree(ranks_me() == 0 ? save(&c) : 0) == 0;
    }
    free(c.scan);
    free(c.values);
    if (ok)
        return c.table;
    score_table_free(c.table);
    return NULL;
}
