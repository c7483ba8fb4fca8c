/* Trains the reconstruction network: zero-filled image in, ground truth out. */
#include "core/image.h"
#include "core/memory.h"
#include "metrics/pixel_error.h"
#include "metrics/ssim.h"
#include "models/recon_unet.h"
#include "train/training.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- training examples */

/* Flips both images alike, as drawn, and divides them by the scale of the zero-filled one. */
static int make(const training *t, const training_example *e, float *input, float *target) {
    float complex *reference = e->images, *zero_filled = reference + t->pixels;
    augmentation a;
    float scale;
    if (training_augmentation(t, e, 0.0, &a) < 0)
        return -1;
    augment_flip(&a, zero_filled, t->rows, t->columns, sizeof *zero_filled);
    augment_flip(&a, reference, t->rows, t->columns, sizeof *reference);
    if (recon_unet_scale(zero_filled, t->pixels, target, &scale) < 0) /* target: scratch until here */
        return -1;
    recon_unet_split(zero_filled, t->pixels, scale, input, input + t->pixels);
    recon_unet_split(reference, t->pixels, scale, target, target + t->pixels);
    return 0;
}

/* ---------------------------------------------------------------- validation */

typedef struct {
    recon_unet_runner *runner;
    float complex *reference, *zero_filled, *out; /* one allocation, the first two as read */
    float *magnitude, *reference_magnitude;       /* in it, too */
} worker;

static int worker_open(void *given, const void *self) {
    worker *w = given;
    const training *t = self;
    w->runner = recon_unet_runner_create(t->n, t->rows, t->columns);
    w->reference = mem_alloc(4 * t->pixels * sizeof *w->reference);
    if (!w->runner || !w->reference)
        return -1;
    w->zero_filled = w->reference + t->pixels;
    w->out = w->zero_filled + t->pixels;
    w->magnitude = (float *)(w->out + t->pixels);
    w->reference_magnitude = w->magnitude + t->pixels;
    return 0;
}

static void worker_close(void *given) {
    worker *w = given;
    recon_unet_runner_free(w->runner);
    free(w->reference);
}

/* The loss of training: mean |y - t| over both parts, in units of the scale. */
static double mean_l1(const training *t, const float complex *image, const float complex *reference,
                      float scale) {
    double sum = 0.0;
    for (size_t k = 0; k < t->pixels; k++)
        sum += fabs((double)crealf(image[k] - reference[k])) + fabs((double)cimagf(image[k] - reference[k]));
    return sum / (2.0 * (double)t->pixels * (double)scale);
}

static void magnitude(const float complex *image, size_t pixels, float *out) {
    for (size_t k = 0; k < pixels; k++)
        out[k] = cabsf(image[k]);
}

enum { SSIM, PSNR, NRMSE, METRICS };

static int compare(const worker *w, const training *t, const float complex *image, double *values) {
    const float *reference = w->reference_magnitude;
    double peak = image_max_abs(reference, t->rows, t->columns);
    magnitude(image, t->pixels, w->magnitude);
    if (image_ssim(reference, w->magnitude, t->rows, t->columns, SSIM_WANG, peak, &values[SSIM]) < 0 ||
        image_psnr(reference, w->magnitude, t->rows, t->columns, peak, &values[PSNR]) < 0)
        return -1;
    return image_nrmse(reference, w->magnitude, t->rows, t->columns, &values[NRMSE]);
}

/* The loss, the network's metrics, those of the zero-filled image, its loss. */
enum { L1, NETWORK, ZERO_FILLED = NETWORK + METRICS, ZERO_FILLED_L1 = ZERO_FILLED + METRICS, VALUES };

static int validate(void *given, const void *self, int scan, int slice, double *values) {
    worker *w = given;
    const training *t = self;
    float scale;
    if (slice_set_read(&t->val, (slice_place){scan, slice}, &t->task->images, w->reference) < 0 ||
        recon_unet_scale(w->zero_filled, t->pixels, w->magnitude, &scale) < 0 ||
        recon_unet_run(w->runner, w->zero_filled, w->out) < 0)
        return -1;
    values[L1] = mean_l1(t, w->out, w->reference, scale);
    values[ZERO_FILLED_L1] = mean_l1(t, w->zero_filled, w->reference, scale);
    magnitude(w->reference, t->pixels, w->reference_magnitude);
    if (compare(w, t, w->out, values + NETWORK) < 0)
        return -1;
    return compare(w, t, w->zero_filled, values + ZERO_FILLED);
}

static void describe(const double *values, char *text, size_t size) {
    const double *network = values + NETWORK, *zero_filled = values + ZERO_FILLED;
    snprintf(text, size, "SSIM %.4f, PSNR %.2f dB, NRMSE %.4f; zero-filled %.4f, %.2f dB, %.4f",
             network[SSIM], network[PSNR], network[NRMSE], zero_filled[SSIM], zero_filled[PSNR],
             zero_filled[NRMSE]);
}

int main(int argc, char **argv) {
    training_options o = TRAINING_DEFAULTS("build/models/recon_unet", 2);
    recon_unet_config config = recon_unet_defaults();
    const program_option table[] = {
        OPT_TRAINING(&o), OPT_INT("channels", &config.channels, "N", 1, 512, "channels of the first block"),
        OPT_END};
    const training_task task = {
        .program = "train_recon",
        .summary =
            "Trains the U-Net that reconstructs accelerated acquisitions: L1 between its output and the "
            "ground truth.\nThe scans must be prepared with --complex.",
        .options = table,
        .model = &model_recon_unet,
        .config = &config,
        .channels = 2,
        .loss = TRAINER_L1,
        .images = {2, {PREPARED_REFERENCE_COMPLEX, PREPARED_ZERO_FILLED_COMPLEX}},
        .make = make,
        .worker_size = sizeof(worker),
        .open = worker_open,
        .close = worker_close,
        .validate = validate,
        .value_count = VALUES,
        .value_names = {"validation_l1", "ssim", "psnr_db", "nrmse", "zero_filled_ssim",
                        "zero_filled_psnr_db", "zero_filled_nrmse", "zero_filled_l1"},
        .describe = describe};
    return training_main(&task, &o, argc, argv);
}
