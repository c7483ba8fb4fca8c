/* The training loop that every network shares: batches, Adam, learning-rate schedule, validation, early
 * stopping, loss curve, checkpoints, resume.
 *
 * Determinism: everything random comes from streams named by (seed, step, position in the batch); each image
 * of a batch has its own gradient, and gradients are summed in the order of the batch. So the weights after N
 * steps are the same bytes for any number of threads and of ranks (core/ranks.h: the images of a batch are
 * dealt out in turn), and a run that was interrupted ends as if it had not been. */
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

/* What is trained on. `self` is passed back. */
typedef struct {
    void *self;
    int rows, columns, input_channels, output_channels;
    int64_t examples; /* in the training set: an epoch */
    /* Reads what position `position` of the batch of step `step` needs. Called on one thread, in order, for
     * the positions of this rank. */
    int (*load)(void *self, int64_t step, int position);
    /* Turns it into input and target (packed images). Called from any thread. rng: the stream of this
     * example. */
    int (*make)(void *self, int64_t step, int position, float *input, float *target);
    /* Fills `values` with the validation results, the first being the loss, on every rank. Uses threads of
     * its own and may share the work among the ranks; if so it fails on all of them or on none. */
    int (*validate)(void *self, const net *n, double *values);
    int value_count;
    const char *value_names[TRAINER_MAX_VALUES];
} trainer_task;

typedef enum {
    TRAINER_CONSTANT,
    TRAINER_COSINE, /* to 0 along half a cosine (Loshchilov & Hutter 2017, without restarts) */
    TRAINER_STEP    /* a tenth from half of the way on, a hundredth from three quarters (He et al. 2016) */
} trainer_schedule;

typedef struct {
    int64_t steps;
    int batch;
    double rate;               /* Adam's learning rate, the largest one */
    trainer_schedule schedule; /* how it falls between warm-up and end */
    int64_t warmup;            /* steps over which it first rises to `rate` along a line; fewer than steps */
    double clip;               /* largest 2-norm of the gradient; 0: no clipping */
    int64_t patience; /* early stopping: ends after so many validations without a new lowest loss; 0: never */
    trainer_loss loss;
    uint64_t seed;
    int64_t validate_every, checkpoint_every; /* steps */
    const char *folder;                       /* checkpoint.h5 and training_loss.csv go there */
    /* Every setting that the result depends on, as words: a checkpoint of other settings is refused. */
    const char *settings;
    /* Pauses: the run ends with a checkpoint, unfinished, for a later call to go on. */
    double deadline;    /* at the first step that ends behind this clock_seconds(); 0: none */
    int64_t stop_after; /* after this step; 0: none */
    FILE *log;          /* a line per validation: steps, loss, images per second, time left; NULL: none */
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

/* Learning rate of a step, the first being 0. */
double trainer_rate(const trainer_config *config, int64_t step);

/* Trains n from its present values, or from the checkpoint in the folder when there is one. When it has
 * finished, n holds the weights of the last step, or with patience those of the best validation; where and
 * how often it paused makes no difference.
 *
 * The loss curve is in <folder>/training_loss.csv: step, epoch, learning_rate, train_loss (mean since the row
 * before), then the task's values; its first row, step 0, is the untrained network. A loss that is not finite
 * ends the run with an error that names step and learning rate; the last good checkpoint stays. result may be
 * NULL. */
int trainer_run(net *n, const trainer_task *task, const trainer_config *config, trainer_result *result);

#endif
