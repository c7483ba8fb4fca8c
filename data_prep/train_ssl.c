/* Trains the self-supervised network of SSFD: in-painting of masked patches (poster, "SSL"). */
#include "core/error.h"
#include "core/rng.h"
#include "metrics/image_metrics.h"
#include "models/ssl_mask.h"
#include "models/ssl_unet.h"
#include "train/slice_set.h"
#include "training.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "train_ssl"
#define PATH_LENGTH 4096

/* Half-width of the window of the local-mean baseline: two patches of 16 pixels. */
#define LOCAL_MEAN_REACH 16

typedef struct {
    training_options t;
    double dropout;
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

/* Target: the z-scored image. Input: the same with the patches set to zero, which is the image's mean. */
static int make_example(void *self, int64_t step, int position, float *input, float *target) {
    const dataset *d = self;
    int rows = d->train->rows, columns = d->train->columns;
    gsl_rng *rng = rng_stream(d->o->t.seed, RNG_MASK, (uint64_t)step, (uint64_t)position);
    unsigned char *mask = mem_alloc(d->pixels);
    int status = rng && mask ? 0 : -1;
    if (status == 0)
        status = image_zscore(d->batch + (size_t)position * d->pixels, rows, columns, target);
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
    double whole, masked, local_mean; /* mean squared errors, in units of the image's variance */
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
    double unused;
    ssl_mask_apply(mask, image, (int)d->pixels, work);
    if (ssl_mask_fill_local_mean(mask, work, rows, columns, LOCAL_MEAN_REACH, out) < 0)
        return -1;
    masked_error(mask, out, image, d->pixels, &unused, &e->local_mean);
    net_forward(state, work, NULL);
    tensor_store(net_output(state, d->output), out);
    masked_error(mask, out, image, d->pixels, &e->whole, &e->masked);
    return 0;
}

/* Values: validation loss, MSE inside the patches, the same for the local mean. Means over slices; masks are
 * fixed. */
static int validate(void *self, const net *n, double *values) {
    dataset *d = self;
    inpainting_error *errors = mem_calloc((size_t)d->validation_count, sizeof *errors);
    err_box failure = {0};
    if (!errors)
        return -1;
#pragma omp parallel
    {
        net_state *state =
            net_state_create(n, d->train->rows, d->train->columns, n->layer_count - 1, NET_INFER);
        float *work = mem_alloc(2 * d->pixels * sizeof(float));
#pragma omp for schedule(dynamic, 1)
        for (int k = 0; k < d->validation_count; k++)
            if (!state || !work || validate_slice(d, state, k, work, &errors[k]) < 0)
                err_box_take(&failure);
        net_state_free(state);
        free(work);
    }
    values[0] = values[1] = values[2] = 0.0;
    for (int k = 0; k < d->validation_count; k++) {
        values[0] += errors[k].whole / d->validation_count;
        values[1] += errors[k].masked / d->validation_count;
        values[2] += errors[k].local_mean / d->validation_count;
    }
    free(errors);
    return err_box_raise(&failure);
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

/* Takes slices of all scans in turn until there are enough. */
static int prepare_validation(dataset *d) {
    int wanted =
        d->o->t.validation_slices < d->val->total_slices ? d->o->t.validation_slices : d->val->total_slices;
    d->validation = mem_alloc((size_t)wanted * d->pixels * sizeof(float));
    d->val_masks = mem_alloc((size_t)wanted * d->pixels);
    if (!d->validation || !d->val_masks)
        return -1;
    for (; d->validation_count < wanted; d->validation_count++) {
        int scan, slice;
        slice_set_in_turn(&d->val_set, d->validation_count, &scan, &slice);
        if (prepare_validation_slice(d, scan, slice, d->validation_count) < 0)
            return -1;
    }
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
    if (slice_set_open(&d->train_set, o->t.cohort, "train", o->t.seed) < 0 ||
        slice_set_open(&d->val_set, o->t.cohort, "val", o->t.seed) < 0)
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
static int write_weights(const dataset *d, const net *n, const ssl_unet_config *config, const char *settings,
                         const double *values, const char *path) {
    h5_file *f = h5_create(path);
    if (!f)
        return -1;
    if (ssl_unet_write(f, n, config, H5_F16) < 0 ||
        h5_set_text(f, "training_program", PROGRAM " " SSFD_VERSION) < 0 ||
        h5_set_text(f, "training_settings", settings) < 0 ||
        h5_set_text(f, "training_cohort", d->train->cohort) < 0 ||
        h5_set_integer(f, "training_slices", d->train->total_slices) < 0 ||
        h5_set_real(f, "validation_mse", values[0]) < 0 ||
        h5_set_real(f, "validation_masked_mse", values[1]) < 0 ||
        h5_set_real(f, "validation_masked_mse_local_mean", values[2]) < 0) {
        h5_close(f);
        return -1;
    }
    return h5_commit(f);
}

/* Weights of any origin on the validation slices, the masks being those of training. */
static int evaluate(const options *o, run_record *record) {
    dataset d;
    double values[TRAINER_MAX_VALUES];
    ssl_unet_config config;
    net *n = ssl_unet_load(o->evaluate, 0, &config);
    if (!n)
        return -1;
    int status = dataset_open(&d, o);
    if (status == 0) {
        d.output = n->layer_count - 1;
        status = validate(&d, n, values);
    }
    if (status == 0) {
        record_real(record, "validation_masked_mse", values[1]);
        record_real(record, "validation_masked_mse_local_mean", values[2]);
        status = record_file(record, "weights", o->evaluate);
        printf("%s: in-painting MSE %.4f, local mean %.4f (%d slices, inside the patches)\n", o->evaluate,
               values[1], values[2], d.validation_count);
    }
    net_free(n);
    dataset_free(&d);
    return status;
}

static int train(const void *given, run_record *record) {
    const options *o = given;
    if (o->evaluate)
        return evaluate(o, record);
    dataset d;
    char settings[1024], path[PATH_LENGTH];
    double values[TRAINER_MAX_VALUES];
    ssl_unet_config config = ssl_unet_defaults();
    config.weight_standardization = o->weight_standardization;
    config.dropout = o->dropout;
    net *n = NULL;
    int status = dataset_open(&d, o);
    if (status == 0)
        status = (n = ssl_unet_create(&config)) && net_init(n, o->t.seed) == 0 ? 0 : -1;
    if (status == 0) {
        d.output = n->layer_count - 1;
        snprintf(settings, sizeof settings,
                 "steps=%d batch=%d rate=%g schedule=%s clip=%g dropout=%g seed=%llu patch=%d coverage=%g "
                 "weight_standardization=%d cohort=%s train_slices=%d validation_slices=%d validate_every=%d",
                 o->t.steps, o->t.batch, o->t.rate, o->t.constant_rate ? "constant" : "cosine", o->t.clip,
                 o->dropout, (unsigned long long)o->t.seed, o->mask.patch, o->mask.coverage,
                 o->weight_standardization, d.train->cohort, d.train->total_slices, d.validation_count,
                 o->t.validate_every);
        trainer_task task = {&d,
                             d.train->rows,
                             d.train->columns,
                             1,
                             1,
                             d.train->total_slices,
                             load_example,
                             make_example,
                             validate,
                             3,
                             {"validation_mse", "validation_masked_mse", "validation_masked_mse_local_mean"}};
        trainer_config run = training_config(&o->t, TRAINER_MSE, settings);
        status = trainer_run(n, &task, &run, values);
    }
    if (status == 0 && training_is_finished(&o->t)) {
        snprintf(path, sizeof path, "%s/weights.h5", o->t.out);
        status = write_weights(&d, n, &config, settings, values, path);
        record_text(record, "settings", settings);
        record_real(record, "validation_masked_mse", values[1]);
        record_real(record, "validation_masked_mse_local_mean", values[2]);
        if (status == 0)
            printf("%s: in-painting MSE %.4f, local mean %.4f (validation, inside the patches)\n", path,
                   values[1], values[2]);
    }
    net_free(n);
    dataset_free(&d);
    return status;
}

int main(int argc, char **argv) {
    options o = {.t = training_defaults("build/models/ssl_unet"), .dropout = 0.1, .mask = {16, 0.25}};
    const cli_option table[] = {
        TRAINING_OPTIONS(o.t),
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
