#include "train/training.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "core/version.h"
#include "program/groups.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_LENGTH 4096

/* ---------------------------------------------------------------- options */

#define FIELD(name) OPT_FIELD(training_options, name)

const program_option training_group[] = {
    OPT_TEXT("cohort", FIELD(cohort), "DIR", "prepared scans with the splits train and val"),
    OPT_INT("steps", FIELD(loop.steps), "N", 1, 1e9, "updates"),
    OPT_REAL("epochs", FIELD(epochs), "E", 0, 1e9,
             "passes through the training slices, in place of --steps (0: --steps)"),
    OPT_REAL("budget", FIELD(budget), "MINUTES", 0, 1e9,
             "pause with a checkpoint after this time (0: none); the same command resumes"),
    OPT_INT(
        "patience", FIELD(loop.patience), "N", 0, 1e9,
        "stop early after N validations without a lower loss, and keep the weights of the lowest (0: never)"),
    OPT_INT("batch", FIELD(loop.batch), "N", 1, 256, "images per update"),
    OPT_REAL("rate", FIELD(loop.rate), "R", 1e-9, 10, "learning rate of Adam"),
    OPT_TEXT("schedule", FIELD(schedule), "NAME",
             "of the rate: constant, cosine (to 0) or step (to a tenth halfway, to a hundredth after three "
             "quarters)"),
    OPT_INT("warmup", FIELD(loop.warmup), "STEPS", 0, 1e9, "steps over which the rate first rises from 0"),
    OPT_REAL("clip", FIELD(loop.clip), "NORM", 0, 1e9, "largest norm of the gradient (0: no limit)"),
    OPT_FLAG("augment", FIELD(augment), "flip training images at random, left-right and up-down"),
    OPT_REAL("fraction", FIELD(fraction), "SHARE", 1e-6, 1,
             "share of the training scans to use, drawn by the seed"),
    OPT_INT("validate-every", FIELD(loop.validate_every), "N", 1, 1e9, "steps between validations"),
    OPT_INT("checkpoint-every", FIELD(loop.checkpoint_every), "N", 1, 1e9, "steps between checkpoints"),
    OPT_INT("validation-slices", FIELD(validation_slices), "N", 1, 1e6,
            "slices of the val split to validate on"),
    OPT_RUN(FIELD(run), "folder for weights.h5, training_loss.csv and checkpoint.h5",
            "seed of weights, order and everything else that is drawn"),
    OPT_INT("stop-after", FIELD(loop.stop_after), "STEP", 0, 1e9,
            "pause with a checkpoint after this step (0: none)"),
    OPT_TEXT("evaluate", FIELD(evaluate), "WEIGHTS", "train nothing: validate these weights"),
    OPT_END};

/* Options that cannot change the weights, or that the record gives in other words (--epochs as steps). */
static const char *const not_settings[] = {"cohort",  "out",        "epochs",  "budget",   "checkpoint-every",
                                           "threads", "stop-after", "records", "evaluate", NULL};

static int check(void *self) {
    static const char *const names[] = {"constant", "cosine", "step"}; /* as trainer_schedule */
    training_options *o = ((training *)self)->options;
    for (int k = 0; k < 3; k++)
        if (strcmp(o->schedule, names[k]) == 0) {
            o->loop.schedule = (trainer_schedule)k;
            return 0;
        }
    return err_set("--schedule: '%s' is not constant, cosine or step", o->schedule);
}

/* What depends on the data: the number of steps and of validation slices. */
static int settle(const training *t) {
    training_options *o = t->options;
    trainer_config *c = &o->loop;
    double steps = ceil(o->epochs * t->train.count / c->batch);
    if (steps > 1e9)
        return err_set("--epochs %g: %g steps, expected at most 1e9", o->epochs, steps);
    if (o->epochs > 0.0)
        c->steps = (int)steps;
    if (c->warmup >= c->steps)
        return err_set("--warmup %d: expected fewer steps than the run has, %d", c->warmup, c->steps);
    o->validation_slices = t->val.count;
    return 0;
}

/* ---------------------------------------------------------------- examples */

gsl_rng *training_stream(const training *t, rng_domain domain, const training_example *e) {
    return rng_stream(t->options->run.seed, domain, (uint64_t)e->step, (uint64_t)e->position);
}

int training_augmentation(const training *t, const training_example *e, double max_degrees, augmentation *a) {
    gsl_rng *rng = training_stream(t, RNG_AUGMENT, e);
    if (!rng)
        return -1;
    *a = augment_draw(rng, t->options->augment, max_degrees);
    gsl_rng_free(rng);
    return 0;
}

static void *images_at(const training *t, int position) {
    return (char *)t->batch + (size_t)position * t->example_bytes;
}

static int load_example(void *self, int64_t step, int position) {
    training *t = self;
    slice_place place;
    if (slice_set_at(&t->train, step * t->options->loop.batch + position, &place) < 0)
        return -1;
    return slice_set_read(&t->train, place, &t->task->images, images_at(t, position));
}

static int make_example(void *self, int64_t step, int position, float *input, float *target) {
    const training *t = self;
    const training_example e = {step, position, images_at(t, position)};
    return t->task->make(t, &e, input, target);
}

/* The means over the validation slices, summed in their order. */
static int validate(void *self, const net *n, double *values) {
    const training *t = self;
    const training_task *task = t->task;
    const slice_job job = {.split = t->val.split,
                           .places = t->val.at,
                           .place_count = t->val.count,
                           .numbers = (size_t)task->value_count,
                           .self = t,
                           .worker_size = task->worker_size,
                           .open = task->open,
                           .close = task->close,
                           .compute = task->validate};
    double *numbers = slice_job_run(&job, NULL);
    (void)n; /* t->n */
    for (int v = 0; numbers && v < task->value_count; v++) {
        values[v] = 0.0;
        for (int k = 0; k < t->val.count; k++)
            values[v] += numbers[k * task->value_count + v] / t->val.count;
    }
    free(numbers);
    return numbers ? 0 : -1;
}

/* ---------------------------------------------------------------- record */

static int make_record(training *t) {
    const slice_images *images = &t->task->images;
    if (slice_set_checksum(&t->train, images, t->train_sha256) < 0 ||
        slice_set_checksum(&t->val, images, t->validation_sha256) < 0)
        return -1;
    char *arguments = options_values(t->task->options, not_settings, OPTIONS_AS_ARGUMENTS);
    char *settings = options_values(t->task->options, not_settings, OPTIONS_AS_SETTINGS);
    int made =
        arguments && settings && asprintf(&t->command, "%s %s", t->task->program, arguments) >= 0 &&
        asprintf(&t->settings, "%s cohort=%s train_slices=%d train_sha256=%s validation_sha256=%s", settings,
                 t->train.split->cohort, t->train.count, t->train_sha256, t->validation_sha256) >= 0;
    free(arguments);
    free(settings);
    return made ? 0 : err_set("out of memory");
}

/* So that a reader can judge the weights and repeat the training. */
static int write_record(const training *t, const trainer_result *result, h5_file *f) {
    char program[64];
    snprintf(program, sizeof program, "%s " SSFD_VERSION, t->task->program);
    if (h5_set_text(f, "training_program", program) < 0 ||
        h5_set_text(f, "training_command", t->command) < 0 ||
        h5_set_text(f, "training_settings", t->settings) < 0 ||
        h5_set_integer(f, "training_seed", (int64_t)t->options->run.seed) < 0 ||
        h5_set_text(f, "training_cohort", t->train.split->cohort) < 0 ||
        h5_set_integer(f, "training_slices", t->train.count) < 0 ||
        h5_set_text(f, "training_data_sha256", t->train_sha256) < 0 ||
        h5_set_text(f, "validation_data_sha256", t->validation_sha256) < 0 ||
        h5_set_integer(f, "training_steps", result->steps) < 0 ||
        h5_set_integer(f, "training_best_step", result->best_step) < 0 ||
        h5_set_real(f, "training_loss", result->train_loss) < 0 ||
        h5_set_real(f, "validation_loss_best", result->best_loss) < 0 ||
        h5_set_real(f, "validation_loss_last", result->last_loss) < 0)
        return -1;
    for (int k = 0; k < t->task->value_count; k++)
        if (h5_set_real(f, t->task->value_names[k], result->values[k]) < 0)
            return -1;
    return 0;
}

static int write_weights(const training *t, const trainer_result *result, const char *path) {
    h5_file *f = h5_create(path);
    if (!f)
        return -1;
    if (model_write(f, t->task->model, t->task->config, t->n, H5_F16) == 0 && write_record(t, result, f) == 0)
        return h5_commit(f);
    h5_close(f);
    return -1;
}

/* ---------------------------------------------------------------- the run */

static int open_data(training *t) {
    const training_options *o = t->options;
    if (slice_set_open(&t->train, o->cohort, "train", o->fraction, o->run.seed) < 0 ||
        slice_set_open_in_turn(&t->val, o->cohort, "val", o->validation_slices) < 0)
        return -1;
    const prepared_split *train = t->train.split, *val = t->val.split;
    if (val->rows != train->rows || val->columns != train->columns)
        return err_set("%s: val images are %d x %d, train images %d x %d", o->cohort, val->rows, val->columns,
                       train->rows, train->columns);
    t->rows = train->rows;
    t->columns = train->columns;
    t->pixels = (size_t)t->rows * t->columns;
    t->example_bytes = slice_set_bytes(&t->train, &t->task->images);
    return (t->batch = mem_alloc((size_t)o->loop.batch * t->example_bytes)) ? 0 : -1;
}

static int prepare(training *t) {
    if (open_data(t) < 0)
        return -1;
    if (t->options->evaluate)
        return (t->n = model_load(t->options->evaluate, t->task->model)) ? 0 : -1;
    if (settle(t) < 0 || !(t->n = t->task->model->create(t->task->config)) ||
        net_init(t->n, t->options->run.seed) < 0)
        return -1;
    return make_record(t);
}

/* Says how good the weights at `path` are. */
static void report(const training *t, const char *path, const double *values, run_record *record) {
    char text[512];
    for (int k = 0; k < t->task->value_count; k++)
        record_real(record, t->task->value_names[k], values[k]);
    t->task->describe(values, text, sizeof text);
    printf("%s: %s (%d validation slices)\n", path, text, t->val.count);
}

static int evaluate(training *t, run_record *record) {
    double values[TRAINER_MAX_VALUES];
    if (validate(t, t->n, values) < 0)
        return -1;
    report(t, t->options->evaluate, values, record);
    return record_file(record, "weights", t->options->evaluate);
}

static int finish(const training *t, const trainer_result *result, run_record *record) {
    const training_options *o = t->options;
    char path[PATH_LENGTH];
    if (!result->finished) {
        printf("%s/checkpoint.h5: paused after step %lld of %d; the same command resumes from there\n",
               o->run.out, (long long)result->steps, o->loop.steps);
        return 0;
    }
    snprintf(path, sizeof path, "%s/weights.h5", o->run.out);
    if (ranks_me() > 0)
        return 0;
    if (write_weights(t, result, path) < 0)
        return -1;
    record_text(record, "settings", t->settings);
    report(t, path, result->values, record);
    return 0;
}

static int run_trainer(training *t, trainer_result *result) {
    training_options *o = t->options;
    trainer_config *config = &o->loop;
    trainer_task task = {.self = t,
                         .rows = t->rows,
                         .columns = t->columns,
                         .input_channels = t->task->channels,
                         .output_channels = t->task->channels,
                         .examples = t->train.count,
                         .load = load_example,
                         .make = make_example,
                         .validate = validate,
                         .value_count = t->task->value_count};
    memcpy(task.value_names, t->task->value_names, sizeof task.value_names);
    config->loss = t->task->loss;
    config->seed = o->run.seed;
    config->folder = o->run.out;
    config->settings = t->settings;
    config->deadline = o->budget > 0.0 ? t->started + 60.0 * o->budget : 0.0;
    config->log = isatty(STDERR_FILENO) ? NULL : stdout;
    return trainer_run(t->n, &task, config, result);
}

static int run(void *self, run_record *record) {
    training *t = self;
    trainer_result result;
    if (ranks_agree(prepare(t)) < 0)
        return -1;
    if (t->options->evaluate)
        return evaluate(t, record);
    return run_trainer(t, &result) < 0 ? -1 : finish(t, &result, record);
}

static void close_all(void *self) {
    training *t = self;
    slice_set_close(&t->train);
    slice_set_close(&t->val);
    net_free(t->n);
    free(t->batch);
    free(t->command);
    free(t->settings);
}

int training_main(const training_task *task, training_options *options, int argc, char **argv) {
    training t = {.task = task, .options = options, .started = clock_seconds()};
    const program p = {.command = {.name = task->program,
                                   .summary = task->summary,
                                   .options = task->options,
                                   .epilogue = "A run that was interrupted or paused resumes from "
                                               "<out>/checkpoint.h5 and ends with the same bytes."},
                       .options = &options->run,
                       .self = &t,
                       .check = check,
                       .run = run,
                       .close = close_all};
    return program_main(&p, argc, argv);
}
