/* What the training programs have in common: their options, and a main() around a function that trains. */
#ifndef SSFD_DATA_PREP_TRAINING_H
#define SSFD_DATA_PREP_TRAINING_H

#include "core/clock.h"
#include "core/cli.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/ranks.h"
#include "program/record.h"
#include "train/slice_set.h"
#include "train/trainer.h"
#include "train/training_record.h"
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *cohort, *out, *records, *schedule;
    int steps, batch, warmup, patience, validate_every, checkpoint_every, validation_slices, threads,
        stop_after;
    int augment;
    double epochs, budget, fraction, rate, clip;
    uint64_t seed;
    double started;       /* clock_seconds() */
    const cli_spec *spec; /* of the program; training_main() fills it in */
} training_options;

/* clang-format off */
#define TRAINING_OPTIONS(t) \
    {CLI_STRING, "cohort", &(t).cohort, "DIR", "prepared scans with the splits train and val", 0, 0}, \
    {CLI_STRING, "out", &(t).out, "DIR", "folder for weights.h5, training_loss.csv and checkpoint.h5", 0, 0}, \
    {CLI_INT, "steps", &(t).steps, "N", "updates", 1, 1e9}, \
    {CLI_REAL, "epochs", &(t).epochs, "E", "passes through the training slices, in place of --steps (0: --steps)", 0, 1e9}, \
    {CLI_REAL, "budget", &(t).budget, "MINUTES", "pause with a checkpoint after this time (0: none); the same command goes on", 0, 1e9}, \
    {CLI_INT, "patience", &(t).patience, "N", "stop early after N validations without a lower loss, and keep the weights of the lowest (0: never)", 0, 1e9}, \
    {CLI_INT, "batch", &(t).batch, "N", "images per update", 1, 256}, \
    {CLI_REAL, "rate", &(t).rate, "R", "learning rate of Adam", 1e-9, 10}, \
    {CLI_STRING, "schedule", &(t).schedule, "NAME", "of the rate: constant, cosine (to 0) or step (a tenth from half of the way on, a hundredth from three quarters)", 0, 0}, \
    {CLI_INT, "warmup", &(t).warmup, "STEPS", "steps over which the rate rises from 0 before that", 0, 1e9}, \
    {CLI_REAL, "clip", &(t).clip, "NORM", "largest norm of the gradient, 0 for no limit", 0, 1e9}, \
    {CLI_FLAG, "augment", &(t).augment, NULL, "flip training images at random, left-right and up-down", 0, 0}, \
    {CLI_REAL, "fraction", &(t).fraction, "SHARE", "share of the training scans to use, drawn by the seed", 1e-6, 1}, \
    {CLI_INT, "validate-every", &(t).validate_every, "N", "steps between validations", 1, 1e9}, \
    {CLI_INT, "checkpoint-every", &(t).checkpoint_every, "N", "steps between checkpoints", 1, 1e9}, \
    {CLI_INT, "validation-slices", &(t).validation_slices, "N", "slices of the val split to validate on", 1, 1e6}, \
    {CLI_U64, "seed", &(t).seed, "N", "seed of weights, order and all else that is drawn", 0, 0}, \
    {CLI_INT, "threads", &(t).threads, "N", "threads", 1, 1024}, \
    {CLI_INT, "stop-after", &(t).stop_after, "STEP", "pause with a checkpoint after this step (0: none)", 0, 1e9}, \
    {CLI_STRING, "records", &(t).records, "DIR", "folder for the run record (default: OUT/records)", 0, 0}
/* clang-format on */

#define TRAINING_EPILOGUE                                                                                    \
    "A run that was interrupted or paused goes on from <out>/checkpoint.h5 and ends with the same bytes."

/* Options that cannot change the weights, or that are said in other words (--epochs by the steps). */
static const char *const training_not_settings[] = {"cohort",           "out",     "epochs",     "budget",
                                                    "checkpoint-every", "threads", "stop-after", "records",
                                                    "evaluate",         NULL};

static const char *const training_schedules[] = {"constant", "cosine", "step"}; /* as trainer_schedule */
enum { TRAINING_SCHEDULES = sizeof training_schedules / sizeof *training_schedules };

static inline training_options training_defaults(const char *out) {
    return (training_options){.cohort = "build/cohort",
                              .out = out,
                              .schedule = "cosine",
                              .steps = 2000,
                              .batch = 4,
                              .validate_every = 200,
                              .checkpoint_every = 100,
                              .validation_slices = 48,
                              .threads = omp_get_num_procs(),
                              .fraction = 1.0,
                              .rate = 1e-3,
                              .clip = 1.0,
                              .seed = 2022,
                              .started = clock_seconds()};
}

/* The schedule's number, TRAINING_SCHEDULES when there is none of that name. */
static inline int training_schedule(const training_options *t) {
    int k = 0;
    while (k < TRAINING_SCHEDULES && strcmp(t->schedule, training_schedules[k]) != 0)
        k++;
    return k;
}

/* Settles what depends on the data: the number of steps and of validation slices. */
static inline int training_settle(training_options *t, const slice_set *train, const slice_set *validation) {
    double steps = ceil(t->epochs * train->count / t->batch);
    if (steps > 1e9)
        return err_set("--epochs %g: %g steps, expected at most 1e9", t->epochs, steps);
    if (t->epochs > 0.0)
        t->steps = (int)steps;
    if (t->warmup >= t->steps)
        return err_set("--warmup %d: expected fewer steps than the run has, %d", t->warmup, t->steps);
    t->validation_slices = validation->count;
    return 0;
}

static inline trainer_config training_config(const training_options *t, trainer_loss loss,
                                             const char *settings) {
    return (trainer_config){.steps = t->steps,
                            .batch = t->batch,
                            .rate = t->rate,
                            .schedule = (trainer_schedule)training_schedule(t),
                            .warmup = t->warmup,
                            .clip = t->clip,
                            .patience = t->patience,
                            .loss = loss,
                            .seed = t->seed,
                            .validate_every = t->validate_every,
                            .checkpoint_every = t->checkpoint_every,
                            .folder = t->out,
                            .settings = settings,
                            .deadline = t->budget > 0.0 ? t->started + 60.0 * t->budget : 0.0,
                            .stop_after = t->stop_after,
                            .log = isatty(STDERR_FILENO) ? NULL : stdout};
}

/* Says that a run has paused, and how it goes on. */
static inline void training_say_paused(const training_options *t, const trainer_result *result) {
    printf("%s/checkpoint.h5: paused after step %lld of %d; the same command goes on from there\n", t->out,
           (long long)result->steps, t->steps);
}

/* Parses the command line, then trains with a run record. `options` is passed back, t is part of it. */
static inline int training_main(const cli_spec *spec, int argc, char **argv, training_options *t,
                                void *options, int (*train)(void *options, run_record *record)) {
    int first;
    if (ranks_begin(&argc, &argv) < 0)
        return cli_fail(spec->program);
    cli_result parsed = cli_parse(spec, argc, argv, &first, stdout, stderr);
    if (parsed != CLI_RUN)
        return parsed == CLI_DONE ? 0 : 2;
    if (training_schedule(t) == TRAINING_SCHEDULES)
        return cli_usage(spec->program, "--schedule: '%s' is not constant, cosine or step", t->schedule);
    t->spec = spec;
    omp_set_num_threads(t->threads);
    openblas_set_num_threads(1); /* threads work on different images */
    run_record *record = record_begin(spec->program, argc, argv);
    int status = ranks_agree(record ? train(options, record) : -1);
    char records[4096];
    snprintf(records, sizeof records, "%s/records", t->out);
    if (status == 0 && ranks_me() == 0)
        status = record_end(record, t->records ? t->records : records);
    else
        record_discard(record);
    return status < 0 ? cli_fail(spec->program) : 0;
}

#endif
