#include "study/reconstruction_scores.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "core/version.h"
#include "io/slice_job.h"
#include "nn/conv.h"
#include <stdlib.h>

typedef struct {
    const reconstruction_plan *plan;
    score_table *table;
    double *values; /* [rows][metrics] */
    char settings[8192];
} computation;

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
    size_t bytes = (size_t)p->split->rows * p->split->columns * sizeof(float);
    if (!(w->scorer = scorer_create(p->metrics, p->split->rows, p->split->columns)) ||
        !(w->reference = mem_alloc(bytes)) || !(w->image = mem_alloc(bytes)))
        return -1;
    return 0;
}

static int score_slice(void *given, const void *self, int scan, int slice, double *scores) {
    const reconstruction_plan *p = self;
    worker *w = given;
    prepared_kind kind = p->kind ? p->kind[scan] : PREPARED_RECONSTRUCTION;
    if (prepared_split_read(p->split, scan, PREPARED_REFERENCE, slice, w->reference) < 0 ||
        prepared_split_read(p->split, scan, kind, slice, w->image) < 0)
        return -1;
    if (scorer_reference(w->scorer, w->reference, 1) < 0 || scorer_score(w->scorer, w->image, scores) < 0)
        return err_prefix("%s: slice %d", p->split->paths[scan], slice);
    return 0;
}

/* ---------------------------------------------------------------- the table */

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
    int used =
        snprintf(c->settings, sizeof c->settings, "files=%llx kinds=%llx kernels=%s version=%s ",
                 (unsigned long long)files, (unsigned long long)kinds, conv_kernels_name(), SSFD_VERSION);
    return metric_set_settings(p->metrics, c->settings + used, sizeof c->settings - (size_t)used);
}

static int computation_open(computation *c) {
    const reconstruction_plan *p = c->plan;
    size_t metrics = (size_t)p->metrics->count;
    c->table = score_table_create((size_t)p->split->total_slices, (size_t)p->split->scans, metrics);
    if (!c->table || name_rows(c) < 0)
        return -1;
    for (size_t m = 0; m < metrics; m++)
        c->table->metric[m] = p->metrics->entry[m].label;
    return describe(c);
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
    computation c = {.plan = plan};
    int ok = ranks_agree(computation_open(&c)) == 0 && compute(&c, taken_over) == 0;
    if (ok)
        fill_table(&c);
    free(c.values);
    if (ok)
        return c.table;
    score_table_free(c.table);
    return NULL;
}
