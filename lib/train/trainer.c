#include "train/trainer.h"

#include "core/clock.h"
#include "core/csv.h"
#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/ranks.h"
#include "core/rng.h"
#include "io/h5.h"
#include "nn/adam.h"
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_LENGTH 4096

/* Columns of a row of the loss curve; the task's values are the last ones, their first the loss. */
enum { STEP, EPOCH, RATE, TRAIN_LOSS, VALUES, HISTORY_COLUMNS = VALUES + TRAINER_MAX_VALUES };

/* What one thread works with. */
typedef struct {
    net_state *state;
    gsl_rng *rng;
    float *input, *target; /* packed images */
} lane;

typedef struct {
    net *n;
    const trainer_task *task;
    const trainer_config *config;
    adam optimiser;
    int threads;
    lane *lanes;        /* [threads] */
    float *gradients;   /* [batch][param_floats]; the sum ends in the first */
    double *losses;     /* [batch] */
    double *history;    /* [rows][HISTORY_COLUMNS] */
    int64_t rows, best; /* best: the row of the lowest validation loss */
    float *best_values; /* [param_floats], the weights of that row; NULL without patience */
    int has_checkpoint;
    double loss_sum; /* of the steps since the last row */
    int64_t loss_steps;
    char checkpoint[PATH_LENGTH], curve[PATH_LENGTH];
} trainer;

/* ---------------------------------------------------------------- memory */

static size_t pixels(const trainer_task *task, int channels) {
    return (size_t)channels * task->rows * task->columns;
}

static int lane_open(lane *l, const trainer *t) {
    l->state = net_state_create(t->n, t->task->rows, t->task->columns, t->n->layer_count - 1, NET_TRAIN);
    l->rng = rng_stream(t->config->seed, RNG_DROPOUT, 0, 0);
    l->input = mem_alloc(pixels(t->task, t->task->input_channels) * sizeof(float));
    l->target = mem_alloc(pixels(t->task, t->task->output_channels) * sizeof(float));
    return l->state && l->rng && l->input && l->target ? 0 : -1;
}

static void lane_close(lane *l) {
    net_state_free(l->state);
    if (l->rng)
        gsl_rng_free(l->rng);
    free(l->input);
    free(l->target);
}

static void trainer_free(trainer *t) {
    for (int k = 0; t->lanes && k < t->threads; k++)
        lane_close(&t->lanes[k]);
    free(t->lanes);
    free(t->gradients);
    free(t->losses);
    free(t->history);
    free(t->best_values);
    adam_free(&t->optimiser);
}

static int trainer_init(trainer *t, net *n, const trainer_task *task, const trainer_config *config) {
    int mine = (config->batch + ranks_count() - 1) / ranks_count(); /* images of a batch, at most */
    int threads = omp_get_max_threads() < mine ? omp_get_max_threads() : mine;
    *t = (trainer){.n = n, .task = task, .config = config, .threads = threads};
    snprintf(t->checkpoint, sizeof t->checkpoint, "%s/checkpoint.h5", config->folder);
    snprintf(t->curve, sizeof t->curve, "%s/training_loss.csv", config->folder);
    t->lanes = mem_calloc((size_t)threads, sizeof *t->lanes);
    t->gradients = mem_aligned((size_t)config->batch * n->param_floats * sizeof(float));
    t->losses = mem_calloc((size_t)config->batch, sizeof *t->losses);
    t->best_values = config->patience ? mem_aligned(n->param_floats * sizeof(float)) : NULL;
    if (!t->lanes || !t->gradients || !t->losses || (config->patience && !t->best_values) ||
        adam_init(&t->optimiser, n->param_floats) < 0 || net_enable_training(n) < 0)
        return -1;
    for (int k = 0; k < threads; k++)
        if (lane_open(&t->lanes[k], t) < 0)
            return -1;
    return path_make_dirs(config->folder);
}

/* ---------------------------------------------------------------- one step */

/* Loss of one image and its gradient with respect to the output, scaled for the mean over the batch. */
static double loss_and_gradient(const trainer *t, net_state *s, const float *target) {
    const tensor *y = net_output(s, t->n->layer_count - 1), *dy = net_output_gradient(s);
    double n = (double)pixels(t->task, t->task->output_channels), sum = 0.0;
    float scale = (float)(1.0 / (n * t->config->batch));
    for (int c = 0; c < y->channels; c++)
        for (int row = 0; row < y->rows; row++, target += y->columns) {
            const float *value = tensor_row(y, c, row);
            float *g = tensor_row(dy, c, row);
            for (int k = 0; k < y->columns; k++) {
                float e = value[k] - target[k];
                if (t->config->loss == TRAINER_MSE) {
                    sum += (double)(e * e);
                    g[k] = 2.0f * e * scale;
                } else {
                    sum += (double)fabsf(e);
                    g[k] = e > 0.0f ? scale : e < 0.0f ? -scale : 0.0f;
                }
            }
        }
    return sum / n;
}

static int run_example(trainer *t, int64_t step, int position) {
    const lane *l = &t->lanes[omp_get_thread_num()];
    float *gradient = t->gradients + (size_t)position * t->n->param_floats;
    if (t->task->make(t->task->self, step, position, l->input, l->target) < 0)
        return -1;
    rng_restart(l->rng, t->config->seed, RNG_DROPOUT, (uint64_t)step, (uint64_t)position);
    net_forward(l->state, l->input, l->rng);
    t->losses[position] = loss_and_gradient(t, l->state, l->target);
    memset(gradient, 0, t->n->param_floats * sizeof(float));
    net_backward(l->state, gradient);
    return 0;
}

/* Sums the gradients of the batch into the first, in order; returns the norm of the sum. */
static double sum_gradients(trainer *t) {
    ranks_sum_batch(t->gradients, t->config->batch, t->n->param_floats);
    double square = 0.0;
    for (size_t k = 0; k < t->n->param_floats; k++)
        square += (double)t->gradients[k] * (double)t->gradients[k];
    return sqrt(square);
}

double trainer_rate(const trainer_config *c, int64_t step) {
    if (step < c->warmup)
        return c->rate * (double)(step + 1) / (double)c->warmup;
    double done = (double)(step - c->warmup) / (double)(c->steps - c->warmup);
    switch (c->schedule) {
    case TRAINER_COSINE:
        return 0.5 * c->rate * (1.0 + cos(M_PI * done));
    case TRAINER_STEP:
        return c->rate * (done < 0.5 ? 1.0 : done < 0.75 ? 0.1 : 0.01);
    case TRAINER_CONSTANT:
        break;
    }
    return c->rate;
}

static int not_finite(const trainer *t, const char *what, int64_t step) {
    return err_set("%s is not finite at step %lld, learning rate %g; %s%s", what, (long long)step,
                   trainer_rate(t->config, step),
                   t->has_checkpoint ? "the last good checkpoint is " : "there is no checkpoint yet in ",
                   t->has_checkpoint ? t->checkpoint : t->config->folder);
}

/* Losses and gradients of the images that are this rank's. */
static int run_batch(trainer *t, int64_t step) {
    int batch = t->config->batch;
    err_box failure = {0};
    memset(t->losses, 0, (size_t)batch * sizeof *t->losses);
    for (int b = ranks_me(); b < batch; b += ranks_count())
        if (t->task->load(t->task->self, step, b) < 0)
            return -1;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int b = ranks_me(); b < batch; b += ranks_count())
        if (run_example(t, step, b) < 0)
            err_box_take(&failure);
    return err_box_raise(&failure);
}

static int run_step(trainer *t, int64_t step) {
    const trainer_config *c = t->config;
    if (ranks_agree(run_batch(t, step)) < 0)
        return -1;
    ranks_merge(t->losses, (size_t)c->batch * sizeof *t->losses);
    double loss = 0.0, norm = sum_gradients(t), rate = trainer_rate(c, step);
    for (int b = 0; b < c->batch; b++)
        loss += t->losses[b] / c->batch;
    if (!isfinite(loss) || !isfinite(norm))
        return not_finite(t, "loss", step);
    if (c->clip > 0.0 && norm > c->clip)
        for (size_t k = 0; k < t->n->param_floats; k++)
            t->gradients[k] *= (float)(c->clip / norm);
    adam_update(&t->optimiser, t->n->values, t->gradients, rate);
    net_update(t->n);
    t->loss_sum += loss;
    t->loss_steps++;
    return 0;
}

/* ---------------------------------------------------------------- loss curve */

static int write_curve(const trainer *t) {
    static const char *const names[] = {"step", "epoch", "learning_rate", "train_loss"};
    csv_writer *csv = csv_writer_open(t->curve);
    if (!csv)
        return -1;
    csv_writer_comment(csv, "settings: %s", t->config->settings);
    for (int k = 0; k < VALUES + t->task->value_count; k++)
        csv_writer_text(csv, k < VALUES ? names[k] : t->task->value_names[k - VALUES]);
    csv_writer_end_row(csv);
    for (int64_t r = 0; r < t->rows; r++) {
        for (int k = 0; k < VALUES + t->task->value_count; k++)
            csv_writer_real(csv, t->history[r * HISTORY_COLUMNS + k]);
        csv_writer_end_row(csv);
    }
    return csv_writer_close(csv);
}

static const double *row_at(const trainer *t, int64_t row) {
    return t->history + row * HISTORY_COLUMNS;
}

/* Validates and adds a row to the curve. */
static int add_row(trainer *t, int64_t step) {
    double *grown = realloc(t->history, (size_t)(t->rows + 1) * HISTORY_COLUMNS * sizeof *grown);
    if (!grown)
        return err_set("out of memory for the loss curve");
    t->history = grown;
    double *row = grown + t->rows * HISTORY_COLUMNS;
    memset(row, 0, HISTORY_COLUMNS * sizeof(double));
    row[STEP] = (double)step;
    row[EPOCH] = (double)(step * t->config->batch) / (double)t->task->examples;
    row[RATE] = trainer_rate(t->config, step);
    row[TRAIN_LOSS] = t->loss_steps ? t->loss_sum / (double)t->loss_steps : NAN;
    if (t->task->validate(t->task->self, t->n, row + VALUES) < 0)
        return -1;
    if (!isfinite(row[VALUES]))
        return not_finite(t, "validation loss", step);
    if (t->rows == 0 || row[VALUES] < row_at(t, t->best)[VALUES]) {
        t->best = t->rows;
        if (t->best_values)
            memcpy(t->best_values, t->n->values, t->n->param_floats * sizeof(float));
    }
    t->rows++;
    t->loss_sum = 0.0;
    t->loss_steps = 0;
    return ranks_agree(ranks_me() == 0 ? write_curve(t) : 0);
}

/* ---------------------------------------------------------------- checkpoints */

static int write_checkpoint(const trainer *t, int64_t step) {
    h5_file *f = h5_create(t->checkpoint);
    if (!f)
        return -1;
    hsize_t count[1] = {t->n->param_floats}, history[2] = {(hsize_t)t->rows, HISTORY_COLUMNS};
    double pending[2] = {t->loss_sum, (double)t->loss_steps};
    hsize_t two[1] = {2};
    if (h5_set_text(f, "format", "ssfd-checkpoint") < 0 ||
        h5_set_text(f, "settings", t->config->settings) < 0 || h5_set_integer(f, "step", step) < 0 ||
        h5_set_integer(f, "adam_step", t->optimiser.step) < 0 ||
        h5_write_f32(f, "values", 1, count, t->n->values, H5_F32) < 0 ||
        h5_write_f32(f, "adam_m", 1, count, t->optimiser.m, H5_F32) < 0 ||
        h5_write_f32(f, "adam_v", 1, count, t->optimiser.v, H5_F32) < 0 ||
        (t->best_values && h5_write_f32(f, "best_values", 1, count, t->best_values, H5_F32) < 0) ||
        h5_write_f64(f, "pending_loss", 1, two, pending) < 0 ||
        h5_write_f64(f, "history", 2, history, t->history) < 0) {
        h5_close(f);
        return -1;
    }
    return h5_commit(f);
}

static int save_checkpoint(trainer *t, int64_t step) {
    if (ranks_agree(ranks_me() == 0 ? write_checkpoint(t, step) : 0) < 0)
        return -1;
    t->has_checkpoint = 1;
    return 0;
}

static int has_word(const char *text, const char *word, size_t length) {
    for (size_t n; *text; text += n + (text[n] == ' ')) {
        n = strcspn(text, " ");
        if (n == length && strncmp(text, word, n) == 0)
            return 1;
    }
    return 0;
}

/* The words of `text` that `other` does not have. */
static void words_beyond(const char *text, const char *other, char *out, size_t size) {
    out[0] = '\0';
    for (size_t n, used = 0; *text && used < size; text += n + (text[n] == ' ')) {
        n = strcspn(text, " ");
        if (!has_word(other, text, n))
            used += (size_t)snprintf(out + used, size - used, "%s%.*s", used ? " " : "", (int)n, text);
    }
}

static int check_settings(const trainer *t, const h5_file *f) {
    char *settings = NULL, found[ERR_MESSAGE_MAX / 4], expected[ERR_MESSAGE_MAX / 4];
    if (h5_attr_text(f, "settings", &settings) < 0)
        return -1;
    int same = strcmp(settings, t->config->settings) == 0;
    if (!same) {
        words_beyond(settings, t->config->settings, found, sizeof found);
        words_beyond(t->config->settings, settings, expected, sizeof expected);
        err_set("%s: checkpoint of another run (%s), expected (%s); remove it or choose another folder",
                t->checkpoint, found, expected);
    }
    free(settings);
    return same ? 0 : -1;
}

static int read_history(trainer *t, const h5_file *f) {
    int rank;
    hsize_t dims[H5_MAX_RANK], two[1] = {2};
    double pending[2];
    if (h5_shape(f, "history", &rank, dims) < 0)
        return -1;
    if (rank != 2 || dims[0] < 1 || dims[1] != HISTORY_COLUMNS)
        return err_set("%s: history: expected rows of %d columns", t->checkpoint, HISTORY_COLUMNS);
    t->rows = (int64_t)dims[0];
    t->history = mem_alloc((size_t)(dims[0] * dims[1]) * sizeof(double));
    if (!t->history || h5_read_f64(f, "history", 2, dims, t->history) < 0 ||
        h5_read_f64(f, "pending_loss", 1, two, pending) < 0)
        return -1;
    for (int64_t row = 1; row < t->rows; row++)
        if (row_at(t, row)[VALUES] < row_at(t, t->best)[VALUES])
            t->best = row;
    t->loss_sum = pending[0];
    t->loss_steps = (int64_t)pending[1];
    return 0;
}

/* Step to resume from: 0 without a checkpoint. */
static int load_checkpoint(trainer *t, int64_t *step) {
    struct stat info;
    *step = 0;
    if (stat(t->checkpoint, &info) != 0)
        return 0;
    h5_file *f = h5_open(t->checkpoint);
    if (!f)
        return -1;
    hsize_t count[1] = {t->n->param_floats};
    int failed = check_settings(t, f) < 0 || h5_attr_integer(f, "step", step) < 0 ||
                 h5_attr_integer(f, "adam_step", &t->optimiser.step) < 0 ||
                 h5_read_f32(f, "values", 1, count, t->n->values) < 0 ||
                 h5_read_f32(f, "adam_m", 1, count, t->optimiser.m) < 0 ||
                 h5_read_f32(f, "adam_v", 1, count, t->optimiser.v) < 0 ||
                 (t->best_values && h5_read_f32(f, "best_values", 1, count, t->best_values) < 0) ||
                 read_history(t, f) < 0;
    h5_close(f);
    if (failed)
        return -1;
    t->has_checkpoint = 1;
    net_update(t->n);
    return 0;
}

/* ---------------------------------------------------------------- the run */

/* All steps taken, or too many validations in a row without a lower loss. */
static int is_over(const trainer *t, int64_t step) {
    const trainer_config *c = t->config;
    return step >= c->steps || (c->patience && t->rows - 1 - t->best >= c->patience);
}

/* Clocks differ: rank 0 decides. */
static int wants_pause(const trainer_config *c, int64_t step) {
    int late = ranks_me() == 0 && c->deadline > 0.0 && clock_seconds() >= c->deadline;
    ranks_merge(&late, sizeof late);
    return late || (c->stop_after && step >= c->stop_after);
}

/* Training loss since the last validation, and that validation's; a line in the log when it is a new one. */
static void show_losses(const trainer *t, progress *bar, int validated) {
    const double *row = row_at(t, t->rows - 1);
    char line[PROGRESS_LINE];
    progress_note(bar, "loss %.5f, validation %.5f",
                  validated ? row[TRAIN_LOSS] : t->loss_sum / (double)t->loss_steps, row[VALUES]);
    if (!validated || !t->config->log)
        return;
    progress_line(bar, line, sizeof line);
    fprintf(t->config->log, "%s\n", line);
    fflush(t->config->log);
}

/* A step and what is due after it; *paused: a later call is to resume. */
static int advance(trainer *t, int64_t *step, progress *bar, int *paused) {
    const trainer_config *c = t->config;
    if (run_step(t, (*step)++) < 0)
        return -1;
    int validates = *step % c->validate_every == 0 || *step == c->steps;
    if (validates && add_row(t, *step) < 0)
        return -1;
    progress_step(bar, (size_t)c->batch);
    show_losses(t, bar, validates);
    *paused = wants_pause(c, *step);
    if (*step % c->checkpoint_every == 0 || *paused || is_over(t, *step))
        return save_checkpoint(t, *step);
    return 0;
}

static void fill_result(const trainer *t, int64_t step, trainer_result *r) {
    const double *last = row_at(t, t->rows - 1), *best = row_at(t, t->best);
    *r = (trainer_result){.finished = is_over(t, step),
                          .steps = step,
                          .best_step = (int64_t)best[STEP],
                          .best_loss = best[VALUES],
                          .train_loss = last[TRAIN_LOSS],
                          .last_loss = last[VALUES]};
    memcpy(r->values, (r->finished && t->best_values ? best : last) + VALUES, sizeof r->values);
}

static int run(trainer *t, trainer_result *result) {
    const trainer_config *c = t->config;
    int64_t step;
    if (ranks_agree(load_checkpoint(t, &step)) < 0 || ranks_check_same(step, t->checkpoint) < 0 ||
        (t->rows == 0 && add_row(t, 0) < 0))
        return -1;
    progress bar;
    progress_start(&bar, "training", (size_t)c->steps * c->batch);
    bar.unit = " images";
    progress_skip(&bar, (size_t)(step * c->batch));
    int status = 0, paused = c->stop_after && step >= c->stop_after;
    while (status == 0 && !paused && !is_over(t, step))
        status = advance(t, &step, &bar, &paused);
    progress_end(&bar);
    if (status < 0)
        return -1;
    if (t->best_values && is_over(t, step)) {
        memcpy(t->n->values, t->best_values, t->n->param_floats * sizeof(float));
        net_update(t->n);
    }
    if (result)
        fill_result(t, step, result);
    return 0;
}

int trainer_run(net *n, const trainer_task *task, const trainer_config *config, trainer_result *result) {
    trainer t;
    int status = trainer_init(&t, n, task, config);
    if (status == 0)
        status = run(&t, result);
    trainer_free(&t);
    return status;
}
