/* Trains the self-supervised network of SSFD: in-painting of masked patches (poster, "SSL"). */
#include "core/error.h"
#include "core/image.h"
#include "core/memory.h"
#include "core/rng.h"
#include "models/ssl_unet.h"
#include "pretext/ssl_mask.h"
#include "train/training.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    training_options training;
    ssl_unet_config network;
    double rotation;
    ssl_mask_config mask;
} options;

/* ---------------------------------------------------------------- training examples */

/* Flips and rotates the image as drawn, into target; a magnitude stays one. work: an image. */
static int augment(const training *t, const training_example *e, double rotation, float *work,
                   float *target) {
    float *image = e->images;
    augmentation a;
    if (training_augmentation(t, e, rotation, &a) < 0)
        return -1;
    augment_flip(&a, image, t->rows, t->columns, sizeof *image);
    if (a.degrees == 0.0) {
        memcpy(target, image, t->pixels * sizeof *target);
        return 0;
    }
    augment_rotate(image, t->rows, t->columns, a.degrees, work, target);
    for (size_t k = 0; k < t->pixels; k++)
        target[k] = target[k] > 0.0f ? target[k] : 0.0f;
    return 0;
}

/* Target: the z-scored image. Input: the same with the patches set to zero, which is the image's mean. */
static int make(const training *t, const training_example *e, float *input, float *target) {
    const options *o = t->task->self;
    gsl_rng *rng = training_stream(t, RNG_MASK, e);
    unsigned char *mask = mem_alloc(t->pixels);
    int status = rng && mask ? augment(t, e, o->rotation, input, target) : -1;
    if (status == 0)
        status = image_zscore(target, t->rows, t->columns, target);
    if (status == 0)
        status = ssl_mask_draw(&o->mask, t->rows, t->columns, rng, mask);
    if (status == 0)
        ssl_mask_apply(mask, target, (int)t->pixels, input);
    free(mask);
    if (rng)
        gsl_rng_free(rng);
    return status;
}

/* ---------------------------------------------------------------- validation */

typedef struct {
    net_state *state;
    gsl_rng *rng;
    float *image, *masked, *filled; /* one allocation */
    unsigned char *mask;
} worker;

static int worker_open(void *given, const void *self) {
    worker *w = given;
    const training *t = self;
    w->state = net_state_create(t->n, t->rows, t->columns, t->n->layer_count - 1, NET_INFER);
    w->rng = rng_stream(0, RNG_MASK, 0, 0);
    w->image = mem_alloc(3 * t->pixels * sizeof(float));
    w->mask = mem_alloc(t->pixels);
    if (!w->state || !w->rng || !w->image || !w->mask)
        return -1;
    w->masked = w->image + t->pixels;
    w->filled = w->masked + t->pixels;
    return 0;
}

static void worker_close(void *given) {
    worker *w = given;
    net_state_free(w->state);
    if (w->rng)
        gsl_rng_free(w->rng);
    free(w->image);
    free(w->mask);
}

/* Reads a slice and masks it, always in the same places. */
static int read_masked(worker *w, const training *t, slice_place place) {
    const options *o = t->task->self;
    const prepared_split *split = t->val.split;
    if (slice_set_read(&t->val, place, &t->task->images, w->image) < 0)
        return -1;
    if (image_zscore(w->image, t->rows, t->columns, w->image) < 0)
        return err_prefix("%s: slice %d", split->paths[place.scan], place.slice);
    rng_restart(w->rng, t->options->run.seed, RNG_MASK, rng_hash(split->scan_ids[place.scan]),
                (uint64_t)place.slice);
    if (ssl_mask_draw(&o->mask, t->rows, t->columns, w->rng, w->mask) < 0)
        return -1;
    ssl_mask_apply(w->mask, w->image, (int)t->pixels, w->masked);
    return 0;
}

/* Mean squared errors in units of the image's variance: of the whole image, which is the loss, and inside the
 * patches; then the same for the local mean. */
enum { MSE, MASKED_MSE, MASKED_MSE_LOCAL_MEAN, MSE_LOCAL_MEAN, VALUES };

static int validate(void *given, const void *self, int scan, int slice, double *values) {
    worker *w = given;
    const training *t = self;
    int pixels = (int)t->pixels;
    if (read_masked(w, t, (slice_place){scan, slice}) < 0 ||
        ssl_mask_fill_local_mean(w->mask, w->masked, t->rows, t->columns, SSL_MASK_LOCAL_MEAN_REACH,
                                 w->filled) < 0)
        return -1;
    values[MSE_LOCAL_MEAN] = ssl_mask_mse(NULL, w->filled, w->image, pixels);
    values[MASKED_MSE_LOCAL_MEAN] = ssl_mask_mse(w->mask, w->filled, w->image, pixels);
    net_forward(w->state, w->masked, NULL);
    tensor_store(net_output(w->state, t->n->layer_count - 1), w->filled);
    values[MSE] = ssl_mask_mse(NULL, w->filled, w->image, pixels);
    values[MASKED_MSE] = ssl_mask_mse(w->mask, w->filled, w->image, pixels);
    return 0;
}

static void describe(const double *values, char *text, size_t size) {
    snprintf(text, size, "in-painting MSE %.4f, local mean %.4f inside the patches", values[MASKED_MSE],
             values[MASKED_MSE_LOCAL_MEAN]);
}

int main(int argc, char **argv) {
    options o = {.training = TRAINING_DEFAULTS("build/models/ssl_unet", 4),
                 .network = ssl_unet_defaults(),
                 .mask = {16, 0.25}};
    const program_option table[] = {
        OPT_TRAINING(&o.training),
        OPT_REAL("rotation", &o.rotation, "DEGREES", 0, 180,
                 "rotate every second training image by up to this much (0: none)"),
        OPT_REAL("dropout", &o.network.dropout, "P", 0, 0.95, "dropout probability"),
        OPT_INT("patch", &o.mask.patch, "PIXELS", 1, 256, "side of a masked patch"),
        OPT_REAL("coverage", &o.mask.coverage, "SHARE", 0.01, 0.95, "share of the image that is masked"),
        OPT_FLAG("weight-standardization", &o.network.weight_standardization,
                 "standardise the weights of each block's second convolution"),
        OPT_END};
    const training_task task = {
        .program = "train_ssl",
        .summary = "Trains the in-painting U-Net whose encoder gives SSFD its features.",
        .options = table,
        .self = &o,
        .model = &model_ssl_unet,
        .config = &o.network,
        .channels = 1,
        .loss = TRAINER_MSE,
        .images = {1, {PREPARED_REFERENCE}},
        .make = make,
        .worker_size = sizeof(worker),
        .open = worker_open,
        .close = worker_close,
        .validate = validate,
        .value_count = VALUES,
        .value_names = {"validation_mse", "validation_masked_mse", "validation_masked_mse_local_mean",
                        "validation_mse_local_mean"},
        .describe = describe};
    return training_main(&task, &o.training, argc, argv);
}
