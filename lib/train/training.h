/* A program that trains a network: what all of them share, around a task that says what is learned.
 *
 * The body opens the splits train and val of a cohort, reads the images, runs the training loop
 * (train/trainer.h), validates, and writes <out>/weights.h5 with a record of how it was made, or with
 * --evaluate only validates existing weights. A new network's program is a table of options, which
 * includes OPT_TRAINING, and a training_task. */
#ifndef SSFD_TRAIN_TRAINING_H
#define SSFD_TRAIN_TRAINING_H

#include "core/checksum.h"
#include "core/rng.h"
#include "models/model.h"
#include "program/program.h"
#include "train/augment.h"
#include "train/slice_set.h"
#include "train/trainer.h"

typedef struct {
    run_options run;
    trainer_config loop; /* the options among its fields; the others are filled in */
    const char *cohort, *schedule, *evaluate;
    int augment, validation_slices;
    double epochs, budget, fraction;
} training_options;

/* Defaults for a network whose results go to `folder`. */
#define TRAINING_DEFAULTS(folder, images_per_update)                                                         \
    {                                                                                                        \
        .run = {.out = folder, .seed = 2022},                                                                \
        .loop = {.steps = 2000,                                                                              \
                 .batch = images_per_update,                                                                 \
                 .validate_every = 200,                                                                      \
                 .checkpoint_every = 100,                                                                    \
                 .rate = 1e-3,                                                                               \
                 .clip = 1.0},                                                                               \
        .cohort = "build/cohort", .schedule = "cosine", .validation_slices = 48, .fraction = 1.0             \
    }
#define OPT_TRAINING(options) OPT_GROUP(training_group, OPT_TARGET(options, training_options *))
extern const program_option training_group[];

typedef struct training training;

/* One example of the training set, and what is random about it. */
typedef struct {
    int64_t step;
    int position; /* in the batch */
    void *images; /* the task's, as read; may be changed */
} training_example;

typedef struct {
    const char *program, *summary;
    const program_option *options; /* with OPT_TRAINING */
    const void *self;              /* the program's own options, for the functions below */
    const model *model;
    const void *config; /* of the model */
    int channels;       /* of input and target */
    trainer_loss loss;
    slice_images images; /* what an example, and a slice to validate on, is made from */
    /* Makes input and target (packed images). Called from any thread. */
    int (*make)(const training *t, const training_example *e, float *input, float *target);
    /* Validates one slice: `values` holds value_count numbers, of which the means over the slices are
     * reported; the first is the loss. A worker is a thread's workspace: zeroed, then opened; closed even if
     * that failed. */
    size_t worker_size;
    int (*open)(void *worker, const void *t); /* t: the training */
    void (*close)(void *worker);
    int (*validate)(void *worker, const void *t, int scan, int slice, double *values);
    int value_count;
    const char *value_names[TRAINER_MAX_VALUES]; /* in the loss curve and the weight file */
    /* The line for the user: "in-painting MSE 0.12, ...". */
    void (*describe)(const double *values, char *text, size_t size);
} training_task;

/* What a task's functions see. */
struct training {
    const training_task *task;
    training_options *options;
    int rows, columns;
    size_t pixels;
    slice_set train, val;
    net *n;
    void *batch; /* [options->loop.batch] images of an example */
    size_t example_bytes;
    char *command;  /* trains the same network; options that cannot change the weights are left out */
    char *settings; /* all that the weights depend on, as words: what a checkpoint is checked against */
    char train_sha256[CHECKSUM_HEX], validation_sha256[CHECKSUM_HEX];
    double started; /* clock_seconds() */
};

/* The stream (seed, domain, step, position) of an example. Release with gsl_rng_free(). */
gsl_rng *training_stream(const training *t, rng_domain domain, const training_example *e);
/* Its augmentation: flips with --augment, and rotations by up to max_degrees. */
int training_augmentation(const training *t, const training_example *e, double max_degrees, augmentation *a);

/* main() of a program that trains. */
int training_main(const training_task *task, training_options *options, int argc, char **argv);

#endif
