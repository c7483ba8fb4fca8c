/* The training loop that every network shares: batches, Adam, learning-rate schedule, validation, loss curve,
 * checkpoints, resume.
 *
 * Determinism: everything random comes from streams named by (seed, step, position in the batch); each image
 * of a batch has its own gradient, and gradients are summed in the order of the batch. So the weights after N
 * steps are the same bytes for any number of threads, and a run that was interrupted ends as if it had not
 * been. */
#ifndef SSFD_TRAIN_TRAINER_H
#define SSFD_TRAIN_TRAINER_H

#include "nn/net.h"
#include <stdint.h>

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
    /* Reads what position `position` of the batch of step `step` needs. Called on one thread, in order. */
    int (*load)(void *self, int64_t step, int position);
    /* Turns it into input and target (packed images). Called from any thread. rng: the stream of this
     * example. */
    int (*make)(void *self, int64_t step, int position, float *input, float *target);
    /* Fills `values` with the validation results, the first being the loss. Uses threads of its own. */
    int (*validate)(void *self, const net *n, double *values);
    int value_count;
    const char *value_names[TRAINER_MAX_VALUES];
} trainer_task;

typedef struct {
    int64_t steps;
    int batch;
    double rate; /* Adam's learning rate at the start; */
    int cosine;  /* it falls to 0 along half a cosine when set, is constant otherwise */
    double clip; /* largest 2-norm of the gradient; 0: no clipping */
    trainer_loss loss;
    uint64_t seed;
    int64_t validate_every, checkpoint_every; /* steps */
    const char *folder;                       /* checkpoint.h5 and training_loss.csv go there */
    const char
        *settings; /* every setting that the result depends on: a checkpoint of other settings is refused */
    int64_t stop_after; /* ends the run early, with a checkpoint, after this step; 0: never. For tests */
} trainer_config;

/* Trains n from its present values, or from the checkpoint in the folder when there is one. The loss curve is
 * in <folder>/training_loss.csv: step, epoch, learning_rate, train_loss (mean since the row before), then the
 * task's values; its first row, step 0, is the untrained network. A loss that is not finite ends the run with
 * an error that names step and learning rate; the last good checkpoint stays. last_values (may be NULL)
 * receives the last row of validation values. */
int trainer_run(net *n, const trainer_task *task, const trainer_config *config, double *last_values);

#endif
