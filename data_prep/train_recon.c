/* Trains the reconstruction network: zero-filled image in, ground truth out. */
#include "core/image.h"
#include "core/memory.h"
#include "core/error.h"
#include "core/ranks.h"
#include "core/rng.h"
#include "metrics/pixel_error.h"
#include "metrics/ssim.h"
#include "models/recon_unet.h"
#include "train/augment.h"
#include "train/slice_set.h"
#include "training.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "train_recon"
#define PATH_LENGTH 4096

typedef struct {
    training_options t;
    int channels;
} options;

typedef struct {
    float complex *zero_filled, *reference;
} pair;

typedef struct {
    const options *o;
    slice_set train, val;
    int rows, columns;
    size_t pixels;
    float complex *store; /* what the pairs point to */
    pair *batch;          /* [o->t.batch] */
    pair *validation;     /* [validation_count] */
    int validation_count;
} dataset;

/* ---------------------------------------------------------------- training examples */

static int read_pair(const prepared_split *split, int scan, int slice, const pair *p) {
    prepared_scan *s = prepared_open(split->paths[scan]);
    int status = s ? 0 : -1;
    if (status == 0 && !(s->has[PREPARED_REFERENCE_COMPLEX] && s->has[PREPARED_ZERO_FILLED_COMPLEX]))
        status =
            err_set("%s: datasets 'reference_complex' and 'zero_filled_complex' are missing: expected a scan "
                    "made with prepare_scans --complex",
                    split->paths[scan]);
    if (status == 0)
        status = prepared_read_complex(s, PREPARED_REFERENCE_COMPLEX, slice, p->reference);
    if (status == 0)
        status = prepared_read_complex(s, PREPARED_ZERO_FILLED_COMPLEX, slice, p->zero_filled);
    prepared_close(s);
    return status;
}

static int load_example(void *self, int64_t step, int position) {
    dataset *d = self;
    int scan, slice;
    if (slice_set_at(&d->train, step * d->o->t.batch + position, &scan, &slice) < 0)
        return -1;
    return read_pair(d->train.split, scan, slice, &d->batch[position]);
}

/* Real and imaginary part as two planes, divided by scale. */
static void split_parts(const float complex *image, size_t pixels, float scale, float *planes) {
    for (size_t k = 0; k < pixels; k++) {
        planes[k] = crealf(image[k]) / scale;
        planes[pixels + k] = cimagf(image[k]) / scale;
    }
}

/* Flips both images of the pair alike, as drawn. */
static int augment(const dataset *d, int64_t step, int position, const pair *p) {
    gsl_rng *rng = rng_stream(d->o->t.seed, RNG_AUGMENT, (uint64_t)step, (uint64_t)position);
    if (!rng)
        return -1;
    augmentation a = augment_draw(rng, d->o->t.augment, 0.0);
    gsl_rng_free(rng);
    augment_flip_complex(&a, p->zero_filled, d->rows, d->columns);
    augment_flip_complex(&a, p->reference, d->rows, d->columns);
    return 0;
}

static int make_example(void *self, int64_t step, int position, float *input, float *target) {
    const dataset *d = self;
    const pair *p = &d->batch[position];
    float scale;
    if (augment(d, step, position, p) < 0 ||
        recon_unet_scale(p->zero_filled, d->pixels, target, &scale) < 0) /* target: scratch until here */
        return -1;
    split_parts(p->zero_filled, d->pixels, scale, input);
    split_parts(p->reference, d->pixels, scale, target);
    return 0;
}

/* ---------------------------------------------------------------- validation */

enum { SSIM, PSNR, NRMSE, METRICS };

typedef struct {
    double l1, zero_filled_l1, network[METRICS], zero_filled[METRICS];
} quality;

static void magnitude(const float complex *image, size_t pixels, float *out) {
    for (size_t k = 0; k < pixels; k++)
        out[k] = cabsf(image[k]);
}

static int compare(const dataset *d, const float *reference, const float *image, double *values) {
    double peak = image_max_abs(reference, d->rows, d->columns);
    if (image_ssim(reference, image, d->rows, d->columns, SSIM_WANG, peak, &values[SSIM]) < 0 ||
        image_psnr(reference, image, d->rows, d->columns, peak, &values[PSNR]) < 0)
        return -1;
    return image_nrmse(reference, image, d->rows, d->columns, &values[NRMSE]);
}

/* The loss of training: mean |y - t| over both parts, in units of the scale. */
static double mean_l1(const dataset *d, const float complex *image, const float complex *reference,
                      float scale) {
    double sum = 0.0;
    for (size_t k = 0; k < d->pixels; k++)
        sum += fabs((double)crealf(image[k] - reference[k])) + fabs((double)cimagf(image[k] - reference[k]));
    return sum / (2.0 * (double)d->pixels * (double)scale);
}

/* work: 2 complex images. */
static int validate_slice(const dataset *d, recon_unet_runner *runner, const pair *p, float complex *work,
                          quality *q) {
    float *reference = (float *)(work + d->pixels), *image = reference + d->pixels, scale;
    if (recon_unet_scale(p->zero_filled, d->pixels, reference, &scale) < 0 ||
        recon_unet_run(runner, p->zero_filled, work) < 0)
        return -1;
    q->l1 = mean_l1(d, work, p->reference, scale);
    q->zero_filled_l1 = mean_l1(d, p->zero_filled, p->reference, scale);
    magnitude(p->reference, d->pixels, reference);
    magnitude(work, d->pixels, image);
    if (compare(d, reference, image, q->network) < 0)
        return -1;
    magnitude(p->zero_filled, d->pixels, image);
    return compare(d, reference, image, q->zero_filled);
}

/* Values: the loss, the network's metrics, those of the zero-filled images, their loss. Means over slices. */
enum { L1, NETWORK, ZERO_FILLED = NETWORK + METRICS, ZERO_FILLED_L1 = ZERO_FILLED + METRICS, VALUES };
static const char *const value_names[VALUES] = {
    "validation_l1",     "ssim",          "psnr_db", "nrmse", "zero_filled_ssim", "zero_filled_psnr_db",
    "zero_filled_nrmse", "zero_filled_l1"};

static int validate(void *self, const net *n, double *values) {
    dataset *d = self;
    quality *all = mem_calloc((size_t)d->validation_count, sizeof *all);
    err_box failure = {0};
    if (!all)
        return ranks_agree(-1);
#pragma omp parallel
    {
        recon_unet_runner *runner = recon_unet_runner_create(n, d->rows, d->columns);
        float complex *work = mem_alloc(2 * d->pixels * sizeof *work);
#pragma omp for schedule(dynamic, 1)
        for (int k = ranks_me(); k < d->validation_count; k += ranks_count())
            if (!runner || !work || validate_slice(d, runner, &d->validation[k], work, &all[k]) < 0)
                err_box_take(&failure);
        recon_unet_runner_free(runner);
        free(work);
    }
    int status = ranks_agree(err_box_raise(&failure));
    if (status == 0)
        ranks_merge(all, (size_t)d->validation_count * sizeof *all);
    for (int v = 0; v < VALUES; v++)
        values[v] = 0.0;
    for (int k = 0; k < d->validation_count; k++) {
        values[L1] += all[k].l1 / d->validation_count;
        values[ZERO_FILLED_L1] += all[k].zero_filled_l1 / d->validation_count;
        for (int m = 0; m < METRICS; m++) {
            values[NETWORK + m] += all[k].network[m] / d->validation_count;
            values[ZERO_FILLED + m] += all[k].zero_filled[m] / d->validation_count;
        }
    }
    free(all);
    return status;
}

/* ---------------------------------------------------------------- set-up */

static void dataset_free(dataset *d) {
    slice_set_close(&d->train);
    slice_set_close(&d->val);
    free(d->store);
    free(d->batch);
    free(d->validation);
}

static int allocate_pairs(dataset *d) {
    int count = d->o->t.batch + d->validation_count;
    d->store = mem_alloc(2 * (size_t)count * d->pixels * sizeof *d->store);
    d->batch = mem_alloc((size_t)d->o->t.batch * sizeof *d->batch);
    d->validation = mem_alloc((size_t)d->validation_count * sizeof *d->validation);
    if (!d->store || !d->batch || !d->validation)
        return -1;
    for (int k = 0; k < count; k++) {
        pair *p = k < d->o->t.batch ? &d->batch[k] : &d->validation[k - d->o->t.batch];
        p->zero_filled = d->store + 2 * (size_t)k * d->pixels;
        p->reference = p->zero_filled + d->pixels;
    }
    return 0;
}

static int dataset_open(dataset *d, const options *o) {
    *d = (dataset){.o = o};
    if (slice_set_open(&d->train, o->t.cohort, "train", o->t.fraction, o->t.seed) < 0 ||
        slice_set_open_in_turn(&d->val, o->t.cohort, "val", o->t.validation_slices) < 0)
        return -1;
    const prepared_split *train = d->train.split, *val = d->val.split;
    if (val->rows != train->rows || val->columns != train->columns)
        return err_set("%s: val images are %d x %d, train images %d x %d", o->t.cohort, val->rows,
                       val->columns, train->rows, train->columns);
    d->rows = train->rows;
    d->columns = train->columns;
    d->pixels = (size_t)d->rows * (size_t)d->columns;
    d->validation_count = d->val.count;
    if (allocate_pairs(d) < 0)
        return -1;
    for (int k = 0; k < d->validation_count; k++)
        if (read_pair(val, d->val.scan_of[k], d->val.slice_of[k], &d->validation[k]) < 0)
            return -1;
    return 0;
}

/* Weights with their record: what they were trained on, how, and how well they do. */
static int write_weights(const net *n, const recon_unet_config *config, const training_record *about,
                         const trainer_result *result, const char *path) {
    h5_file *f = h5_create(path);
    if (!f)
        return -1;
    int status = model_write(f, &model_recon_unet, config, n, H5_F16);
    if (status == 0)
        status = training_record_write(about, result, f);
    for (int k = 0; status == 0 && k < VALUES; k++)
        status = h5_set_real(f, value_names[k], result->values[k]);
    if (status == 0)
        return h5_commit(f);
    h5_close(f);
    return -1;
}

static int run_training(dataset *d, net *n, const char *settings, trainer_result *result) {
    trainer_task task = {.self = d,
                         .rows = d->rows,
                         .columns = d->columns,
                         .input_channels = 2,
                         .output_channels = 2,
                         .examples = d->train.count,
                         .load = load_example,
                         .make = make_example,
                         .validate = validate,
                         .value_count = VALUES};
    memcpy(task.value_names, value_names, sizeof value_names);
    trainer_config run = training_config(&d->o->t, TRAINER_L1, settings);
    return trainer_run(n, &task, &run, result);
}

static int finish(const dataset *d, const net *n, const recon_unet_config *config,
                  const training_record *about, const trainer_result *result, run_record *record) {
    char path[PATH_LENGTH];
    const double *network = result->values + NETWORK, *zero_filled = result->values + ZERO_FILLED;
    snprintf(path, sizeof path, "%s/weights.h5", d->o->t.out);
    if (write_weights(n, config, about, result, path) < 0)
        return -1;
    record_text(record, "settings", about->settings);
    for (int k = 0; k < VALUES; k++)
        record_real(record, value_names[k], result->values[k]);
    printf("%s: SSIM %.4f, PSNR %.2f dB, NRMSE %.4f; zero-filled %.4f, %.2f dB, %.4f (validation)\n", path,
           network[SSIM], network[PSNR], network[NRMSE], zero_filled[SSIM], zero_filled[PSNR],
           zero_filled[NRMSE]);
    return 0;
}

static int train(void *given, run_record *record) {
    static const prepared_kind kinds[] = {PREPARED_REFERENCE_COMPLEX, PREPARED_ZERO_FILLED_COMPLEX};
    options *o = given;
    dataset d;
    training_record about = {0};
    trainer_result result;
    recon_unet_config config = recon_unet_defaults();
    config.channels = o->channels;
    net *n = NULL;
    int status = dataset_open(&d, o);
    if (status == 0)
        status = training_settle(&o->t, &d.train, &d.val);
    if (status == 0)
        status = (n = model_recon_unet.create(&config)) && net_init(n, o->t.seed) == 0 ? 0 : -1;
    if (status == 0)
        status = training_record_init(&about, o->t.spec, training_not_settings, &d.train, &d.val, 2, kinds);
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
    options o = {training_defaults("build/models/recon_unet"), recon_unet_defaults().channels};
    o.t.batch = 2;
    const cli_option table[] = {
        TRAINING_OPTIONS(o.t),
        {CLI_INT, "channels", &o.channels, "N", "channels of the first block", 1, 512},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {PROGRAM,
                           "Trains the U-Net that reconstructs accelerated acquisitions: L1 between its "
                           "output and the ground truth.\n"
                           "The scans have to be prepared with --complex.",
                           NULL,
                           0,
                           0,
                           table,
                           TRAINING_EPILOGUE};
    return training_main(&spec, argc, argv, &o.t, &o, train);
}
