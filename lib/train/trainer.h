/* The training loop that every network shares: batches, Adam, learning-rate schedule, validation, early
 * stopping, loss curve, checkpoints, resume.
 *
 * Determinism: everything random comes from streams named by (seed, step, position in the batch); each image of
 * a batch has its own gradient, and gradients are summed in the order of the batch. So the weights after N steps
 * are the same bytes for any number of threads and ranks (core/ranks.h: the images of a batch are dealt out in
 * turn), interrupted or not. */
#ifndef SSFD_TRAIN_TRAINER_H
#define SSFD_TRAIN_TRAINER_H

#include "core/clock.h"
#include "nn/net.h"
#include <stdint.h>
#include <stdio.h>

#define TRAINER_MAX_VALUES 8

typedef enum {
    TRAINER_MSE, /* mean over pixels of (y - t)^2 */
    TRAINER_L1   /* mean over pixels of |y - t| */
} trainer_loss;

/* What the network is trained on. `self` is passed to the functions. */
typedef struct {
    void *self;
    int rows, columns, input_channels, output_channels;
    int64_t examples; /* in the training set: an epoch */
    /* Reads what this position of the step's batch needs. Called on one thread, in order, for the positions of
     * this rank. */
    int (*load)(void *self, int64_t step, int position);
    /* Turns it into input and target (packed images). Called from any thread. */
    int (*make)(void *self, int64_t step, int position, float *input, float *target);
    /* Fills `values` with the results of validation on every rank; the first is the loss. May use threads and
     * share the work among the ranks; it fails on all of them or on none. */
    int (*validate)(void *self, const net *n, double *values);
    int value_count;
    const char *value_names[TRAINER_MAX_VALUES];
} trainer_task;

typedef enum {
    TRAINER_CONSTANT,
    TRAINER_COSINE, /* to 0 along half a cosine (Loshchilov & Hutter 2017, without restarts) */
    TRAINER_STEP    /* a tenth after half of the steps, a hundredth after three quarters (He et al. 2016) */
} trainer_schedule;

typedef struct {
    int steps, batch;
    double rate;               /* Adam's learning rate, the largest one */
    trainer_schedule schedule; /* how it falls between warm-up and end */
    int warmup;                /* steps over which it first rises to `rate` linearly; fewer than steps */
    double clip;               /* largest 2-norm of the gradient; 0: no clipping */
    int patience;              /* stops early after so many validations without a new lowest loss; 0: never */
    trainer_loss loss;
    uint64_t seed;
    int validate_every, checkpoint_every; /* steps */
    const char *folder;                   /* checkpoint.h5 and training_loss.csv go there */
    /* All settings that the result depends on, as words: a checkpoint of other settings is refused. */
    const char *settings;
    /* Pauses: the run ends with a checkpoint, unfinished, for a later call to resume. */
    double deadline; /* at the first step that ends after this clock_seconds(); 0: none */
    int stop_after;  /* after this step; 0: none */
    FILE *log;       /* a line per validation: steps, loss, images per second, time left; NULL: none */
} trainer_config;

typedef struct {
    int finished;      /* 0: it paused */
    int64_t steps;     /* taken in all */
    int64_t best_step; /* of the lowest validation loss */
    double best_loss;
    double train_loss;                 /* mean over the steps between the last two validations */
    double values[TRAINER_MAX_VALUES]; /* validation of what n holds now */
    double last_loss;                  /* validation loss of the last step's weights */
} trainer_result;

/* Learning rate of a step, counted from 0. */
double trainer_rate(const trainer_config *config, int64_t step);

/* Trains n from its present values, or resumes from the folder's checkpoint if it has one. In the end n holds the
 * weights of the last step, or with patience those of the best validation, wherever and however often the run
 * paused.
 *
 * <folder>/training_loss.csv is the loss curve: step, epoch, learning_rate, train_loss (mean since the row
 * before), then the task's values; its first row, step 0, is the untrained network. A loss that is not finite
 * ends the run with an error that names step and learning rate; the last good checkpoint stays. result may be
 * NULL. */
int trainer_run(net *n, const trainer_task *task, const trainer_config *config, trainer_result *result);

#endif
