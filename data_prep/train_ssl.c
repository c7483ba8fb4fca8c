/* Trains the self-supervised network of SSFD: in-painting of masked patches (poster, "SSL"). */
#include "core/image.h"
#include "core/memory.h"
#include "core/error.h"
#include "core/ranks.h"
#include "core/rng.h"
#include "pretext/ssl_mask.h"
#include "models/ssl_unet.h"
#include "train/augment.h"
#include "train/slice_set.h"
#include "training.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "train_ssl"
#define PATH_LENGTH 4096

typedef struct {
    training_options t;
    double dropout, rotation;
    int weight_standardization;
    ssl_mask_config mask;
    const char *evaluate; /* weights that are validated instead of trained; NULL */
} options;

/* The training set: where each slice is, and the images of the batch in hand. */
typedef struct {
    const options *o;
    slice_set train_set, val_set;
    prepared_split *train, *val; /* theirs */
    float *batch;                /* [batch][pixels] raw images */
    float *validation;           /* [validation_count][pixels], z-scored */
    unsigned char *val_masks;    /* [validation_count][pixels] */
    int validation_count;
    size_t pixels;
    int output; /* layer of the in-painted image */
} dataset;

/* ---------------------------------------------------------------- training examples */

static int read_slice(const prepared_split *split, int scan, int slice, float *image) {
    prepared_scan *s = prepared_open(split->paths[scan]);
    int status = s ? prepared_read(s, PREPARED_REFERENCE, slice, image) : -1;
    prepared_close(s);
    return status;
}

static int load_example(void *self, int64_t step, int position) {
    dataset *d = self;
    int scan, slice;
    if (slice_set_at(&d->train_set, step * d->o->t.batch + position, &scan, &slice) < 0)
        return -1;
    return read_slice(d->train, scan, slice, d->batch + (size_t)position * d->pixels);
}

/* Flips and rotates the image of this position as drawn, into target; a magnitude stays one. work: an image.
 */
static int augment(const dataset *d, int64_t step, int position, float *work, float *target) {
    int rows = d->train->rows, columns = d->train->columns;
    float *image = d->batch + (size_t)position * d->pixels;
    gsl_rng *rng = rng_stream(d->o->t.seed, RNG_AUGMENT, (uint64_t)step, (uint64_t)position);
    if (!rng)
        return -1;
    augmentation a = augment_draw(rng, d->o->t.augment, d->o->rotation);
    gsl_rng_free(rng);
    augment_flip(&a, image, rows, columns);
    if (a.degrees == 0.0) {
        memcpy(target, image, d->pixels * sizeof *target);
        return 0;
    }
    augment_rotate(image, rows, columns, a.degrees, work, target);
    for (size_t k = 0; k < d->pixels; k++)
        target[k] = target[k] > 0.0f ? target[k] : 0.0f;
    return 0;
}

/* Target: the z-scored image. Input: the same with the patches set to zero, which is the image's mean. */
static int make_example(void *self, int64_t step, int position, float *input, float *target) {
    const dataset *d = self;
    int rows = d->train->rows, columns = d->train->columns;
    gsl_rng *rng = rng_stream(d->o->t.seed, RNG_MASK, (uint64_t)step, (uint64_t)position);
    unsigned char *mask = mem_alloc(d->pixels);
    int status = rng && mask ? augment(d, step, position, input, target) : -1;
    if (status == 0)
        status = image_zscore(target, rows, columns, target);
    if (status == 0)
        status = ssl_mask_draw(&d->o->mask, rows, columns, rng, mask);
    if (status == 0)
        ssl_mask_apply(mask, target, (int)d->pixels, input);
    free(mask);
    if (rng)
        gsl_rng_free(rng);
    return status;
}

/* ---------------------------------------------------------------- validation */

typedef struct {
    /* mean squared errors, in units of the image's variance: of the whole image, inside the patches */
    double whole, masked, local_mean_whole, local_mean;
} inpainting_error;

static void masked_error(const unsigned char *mask, const float *a, const float *b, size_t n, double *whole,
                         double *masked) {
    double all = 0.0, inside = 0.0;
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        double e = (double)a[k] - (double)b[k];
        all += e * e;
        inside += mask[k] ? e * e : 0.0;
        count += mask[k];
    }
    *whole = all / (double)n;
    *masked = inside / (double)count;
}

static int validate_slice(const dataset *d, net_state *state, int k, float *work, inpainting_error *e) {
    int rows = d->train->rows, columns = d->train->columns;
    const float *image = d->validation + (size_t)k * d->pixels;
    const unsigned char *mask = d->val_masks + (size_t)k * d->pixels;
    float *out = work + d->pixels;
    ssl_mask_apply(mask, image, (int)d->pixels, work);
    if (ssl_mask_fill_local_mean(mask, work, rows, columns, SSL_MASK_LOCAL_MEAN_REACH, out) < 0)
        return -1;
    masked_error(mask, out, image, d->pixels, &e->local_mean_whole, &e->local_mean);
    net_forward(state, work, NULL);
    tensor_store(net_output(state, d->output), out);
    masked_error(mask, out, image, d->pixels, &e->whole, &e->masked);
    return 0;
}

/* Validation loss, MSE inside the patches, and the same two for the local mean. Means over slices; masks are
 * fixed. */
enum { MSE, MASKED_MSE, MASKED_MSE_LOCAL_MEAN, MSE_LOCAL_MEAN, VALUES };
static const char *const value_names[VALUES] = {"validation_mse", "validation_masked_mse",
                                                "validation_masked_mse_local_mean",
                                                "validation_mse_local_mean"};

static int validate(void *self, const net *n, double *values) {
    dataset *d = self;
    inpainting_error *errors = mem_calloc((size_t)d->validation_count, sizeof *errors);
    err_box failure = {0};
    if (!errors)
        return ranks_agree(-1);
#pragma omp parallel
    {
        net_state *state =
            net_state_create(n, d->train->rows, d->train->columns, n->layer_count - 1, NET_INFER);
        float *work = mem_alloc(2 * d->pixels * sizeof(float));
#pragma omp for schedule(dynamic, 1)
        for (int k = ranks_me(); k < d->validation_count; k += ranks_count())
            if (!state || !work || validate_slice(d, state, k, work, &errors[k]) < 0)
                err_box_take(&failure);
        net_state_free(state);
        free(work);
    }
    int status = ranks_agree(err_box_raise(&failure));
    if (status == 0)
        ranks_merge(errors, (size_t)d->validation_count * sizeof *errors);
    for (int v = 0; v < VALUES; v++)
        values[v] = 0.0;
    for (int k = 0; k < d->validation_count; k++) {
        values[MSE] += errors[k].whole / d->validation_count;
        values[MASKED_MSE] += errors[k].masked / d->validation_count;
        values[MASKED_MSE_LOCAL_MEAN] += errors[k].local_mean / d->validation_count;
        values[MSE_LOCAL_MEAN] += errors[k].local_mean_whole / d->validation_count;
    }
    free(errors);
    return status;
}

static int prepare_validation_slice(dataset *d, int scan, int slice, int k) {
    float *image = d->validation + (size_t)k * d->pixels;
    gsl_rng *rng = rng_stream(d->o->t.seed, RNG_MASK, rng_hash(d->val->scan_ids[scan]), (uint64_t)slice);
    int status = rng ? read_slice(d->val, scan, slice, image) : -1;
    if (status == 0 && image_zscore(image, d->val->rows, d->val->columns, image) < 0)
        status = err_prefix("%s: slice %d", d->val->paths[scan], slice);
    if (status == 0)
        status = ssl_mask_draw(&d->o->mask, d->val->rows, d->val->columns, rng,
                               d->val_masks + (size_t)k * d->pixels);
    if (rng)
        gsl_rng_free(rng);
    return status;
}

static int prepare_validation(dataset *d) {
    d->validation_count = d->val_set.count;
    d->validation = mem_alloc((size_t)d->validation_count * d->pixels * sizeof(float));
    d->val_masks = mem_alloc((size_t)d->validation_count * d->pixels);
    if (!d->validation || !d->val_masks)
        return -1;
    for (int k = 0; k < d->validation_count; k++)
        if (prepare_validation_slice(d, d->val_set.scan_of[k], d->val_set.slice_of[k], k) < 0)
            return -1;
    return 0;
}

/* ---------------------------------------------------------------- set-up */

static void dataset_free(dataset *d) {
    slice_set_close(&d->train_set);
    slice_set_close(&d->val_set);
    free(d->batch);
    free(d->validation);
    free(d->val_masks);
}

static int dataset_open(dataset *d, const options *o) {
    *d = (dataset){.o = o};
    if (slice_set_open(&d->train_set, o->t.cohort, "train", o->t.fraction, o->t.seed) < 0 ||
        slice_set_open_in_turn(&d->val_set, o->t.cohort, "val", o->t.validation_slices) < 0)
        return -1;
    d->train = d->train_set.split;
    d->val = d->val_set.split;
    if (d->val->rows != d->train->rows || d->val->columns != d->train->columns)
        return err_set("%s: val images are %d x %d, train images %d x %d", o->t.cohort, d->val->rows,
                       d->val->columns, d->train->rows, d->train->columns);
    d->pixels = (size_t)d->train->rows * (size_t)d->train->columns;
    d->batch = mem_alloc((size_t)o->t.batch * d->pixels * sizeof(float));
    if (!d->batch)
        return -1;
    return prepare_validation(d);
}

/* Weights with their record: what they were trained on, how, and how well they do. */
static int write_weights(const net *n, const ssl_unet_config *config, const training_record *about,
                         const trainer_result *result, const char *path) {
    h5_file *f = h5_create(path);
    if (!f)
        return -1;
    int status = model_write(f, &model_ssl_unet, config, n, H5_F16);
    if (status == 0)
        status = training_record_write(about, result, f);
    for (int k = 0; status == 0 && k < VALUES; k++)
        status = h5_set_real(f, value_names[k], result->values[k]);
    if (status == 0)
        return h5_commit(f);
    h5_close(f);
    return -1;
}

/* Weights of any origin on the validation slices, the masks being those of training. */
static int evaluate(const options *o, run_record *record) {
    dataset d;
    double values[TRAINER_MAX_VALUES];
    net *n = model_load(o->evaluate, &model_ssl_unet);
    if (!n)
        return -1;
    int status = ranks_agree(dataset_open(&d, o));
    if (status == 0) {
        d.output = n->layer_count - 1;
        status = validate(&d, n, values);
    }
    if (status == 0) {
        for (int k = 0; k < VALUES; k++)
            record_real(record, value_names[k], values[k]);
        status = record_file(record, "weights", o->evaluate);
        printf("%s: in-painting MSE %.4f, local mean %.4f (%d slices, inside the patches)\n", o->evaluate,
               values[MASKED_MSE], values[MASKED_MSE_LOCAL_MEAN], d.validation_count);
    }
    net_free(n);
    dataset_free(&d);
    return status;
}

static int run_training(dataset *d, net *n, const char *settings, trainer_result *result) {
    trainer_task task = {.self = d,
                         .rows = d->train->rows,
                         .columns = d->train->columns,
                         .input_channels = 1,
                         .output_channels = 1,
                         .examples = d->train_set.count,
                         .load = load_example,
                         .make = make_example,
                         .validate = validate,
                         .value_count = VALUES};
    memcpy(task.value_names, value_names, sizeof value_names);
    trainer_config run = training_config(&d->o->t, TRAINER_MSE, settings);
    d->output = n->layer_count - 1;
    return trainer_run(n, &task, &run, result);
}

static int finish(const dataset *d, const net *n, const ssl_unet_config *config, const training_record *about,
                  const trainer_result *result, run_record *record) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/weights.h5", d->o->t.out);
    if (write_weights(n, config, about, result, path) < 0)
        return -1;
    record_text(record, "settings", about->settings);
    for (int k = 0; k < VALUES; k++)
        record_real(record, value_names[k], result->values[k]);
    printf("%s: in-painting MSE %.4f, local mean %.4f (validation, inside the patches)\n", path,
           result->values[MASKED_MSE], result->values[MASKED_MSE_LOCAL_MEAN]);
    return 0;
}

static int train(void *given, run_record *record) {
    static const prepared_kind kinds[] = {PREPARED_REFERENCE};
    options *o = given;
    if (o->evaluate)
        return evaluate(o, record);
    dataset d;
    training_record about = {0};
    trainer_result result;
    ssl_unet_config config = ssl_unet_defaults();
    config.weight_standardization = o->weight_standardization;
    config.dropout = o->dropout;
    net *n = NULL;
    int status = dataset_open(&d, o);
    if (status == 0)
        status = training_settle(&o->t, &d.train_set, &d.val_set);
    if (status == 0)
        status = (n = model_ssl_unet.create(&config)) && net_init(n, o->t.seed) == 0 ? 0 : -1;
    if (status == 0)
        status = training_record_init(&about, o->t.spec, training_not_settings, &d.train_set, &d.val_set, 1,
                                      kinds);
    status = ranks_agree(status);
    if (status == 0)
        status = run_training(&d, n, about.settings, &result);
    if (status == 0 && result.finished && ranks_me() == 0)
        status = finish(&d, n, &config, &about, &result, record);
    else if (status == 0 && !result.finished)
        training_say_paused(&o->t, &result);
    training_record_free(&about);
    net_free(n);
    dataset_free(&d);
    return status;
}

int main(int argc, char **argv) {
    options o = {.t = training_defaults("build/models/ssl_unet"), .dropout = 0.1, .mask = {16, 0.25}};
    const cli_option table[] = {
        TRAINING_OPTIONS(o.t),
        {CLI_REAL, "rotation", &o.rotation, "DEGREES",
         "rotate training images by up to this much, every second one (0: none)", 0, 180},
        {CLI_REAL, "dropout", &o.dropout, "P", "dropout probability", 0, 0.95},
        {CLI_INT, "patch", &o.mask.patch, "PIXELS", "side of a masked patch", 1, 256},
        {CLI_REAL, "coverage", &o.mask.coverage, "SHARE", "share of the image that is masked", 0.01, 0.95},
        {CLI_FLAG, "weight-standardization", &o.weight_standardization, NULL,
         "standardise the weights of each block's second convolution", 0, 0},
        {CLI_STRING, "evaluate", &o.evaluate, "WEIGHTS", "train nothing: validate these weights", 0, 0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {PROGRAM,
                           "Trains the in-painting U-Net whose encoder gives SSFD its features.",
                           NULL,
                           0,
                           0,
                           table,
                           TRAINING_EPILOGUE};
    return training_main(&spec, argc, argv, &o.t, &o, train);
}
