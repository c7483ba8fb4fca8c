/* What the training programs have in common: their options, and a main() around a function that trains. */
#ifndef SSFD_DATA_PREP_TRAINING_H
#define SSFD_DATA_PREP_TRAINING_H

#include "core/cli.h"
#include "core/record.h"
#include "train/trainer.h"
#include <cblas.h>
#include <omp.h>
#include <stdint.h>

typedef struct {
    const char *cohort, *out, *records;
    int steps, batch, validate_every, checkpoint_every, validation_slices, threads, stop_after;
    int constant_rate;
    double rate, clip;
    uint64_t seed;
} training_options;

/* clang-format off */
#define TRAINING_OPTIONS(t) \
    {CLI_STRING, "cohort", &(t).cohort, "DIR", "prepared scans with the splits train and val", 0, 0}, \
    {CLI_STRING, "out", &(t).out, "DIR", "folder for weights.h5, training_loss.csv and checkpoint.h5", 0, 0}, \
    {CLI_INT, "steps", &(t).steps, "N", "updates", 1, 1e9}, \
    {CLI_INT, "batch", &(t).batch, "N", "images per update", 1, 256}, \
    {CLI_REAL, "rate", &(t).rate, "R", "learning rate of Adam", 1e-9, 10}, \
    {CLI_FLAG, "constant-rate", &(t).constant_rate, NULL, "keep the rate; without, it falls to 0 along a cosine", 0, 0}, \
    {CLI_REAL, "clip", &(t).clip, "NORM", "largest norm of the gradient, 0 for no limit", 0, 1e9}, \
    {CLI_INT, "validate-every", &(t).validate_every, "N", "steps between validations", 1, 1e9}, \
    {CLI_INT, "checkpoint-every", &(t).checkpoint_every, "N", "steps between checkpoints", 1, 1e9}, \
    {CLI_INT, "validation-slices", &(t).validation_slices, "N", "slices of the val split to validate on", 1, 1e6}, \
    {CLI_U64, "seed", &(t).seed, "N", "seed of weights, order and all else that is drawn", 0, 0}, \
    {CLI_INT, "threads", &(t).threads, "N", "threads", 1, 1024}, \
    {CLI_INT, "stop-after", &(t).stop_after, "STEP", "stop early with a checkpoint (0: run to the end)", 0, 1e9}, \
    {CLI_STRING, "records", &(t).records, "DIR", "folder for the run record", 0, 0}
/* clang-format on */

#define TRAINING_EPILOGUE                                                                                    \
    "A run that was interrupted goes on from <out>/checkpoint.h5 and ends with the same bytes."

static inline training_options training_defaults(const char *out) {
    return (training_options){.cohort = "build/cohort",
                              .out = out,
                              .records = "results/records",
                              .steps = 2000,
                              .batch = 4,
                              .validate_every = 200,
                              .checkpoint_every = 100,
                              .validation_slices = 48,
                              .threads = omp_get_num_procs(),
                              .rate = 1e-3,
                              .clip = 1.0,
                              .seed = 2022};
}

static inline int training_is_finished(const training_options *t) {
    return !(t->stop_after && t->stop_after < t->steps);
}

static inline trainer_config training_config(const training_options *t, trainer_loss loss,
                                             const char *settings) {
    return (trainer_config){.steps = t->steps,
                            .batch = t->batch,
                            .rate = t->rate,
                            .cosine = !t->constant_rate,
                            .clip = t->clip,
                            .loss = loss,
                            .seed = t->seed,
                            .validate_every = t->validate_every,
                            .checkpoint_every = t->checkpoint_every,
                            .folder = t->out,
                            .settings = settings,
                            .stop_after = t->stop_after};
}

/* Parses the command line, then trains with a run record. `options` is passed back, t is part of it. */
static inline int training_main(const cli_spec *spec, int argc, char **argv, const training_options *t,
                                const void *options, int (*train)(const void *options, run_record *record)) {
    int first;
    cli_result parsed = cli_parse(spec, argc, argv, &first, stdout, stderr);
    if (parsed != CLI_RUN)
        return parsed == CLI_DONE ? 0 : 2;
    omp_set_num_threads(t->threads);
    openblas_set_num_threads(1); /* threads work on different images */
    run_record *record = record_begin(spec->program, argc, argv);
    if (!record)
        return cli_fail(spec->program);
    if (train(options, record) < 0) {
        record_discard(record);
        return cli_fail(spec->program);
    }
    return record_end(record, t->records) < 0 ? cli_fail(spec->program) : 0;
}

#endif
