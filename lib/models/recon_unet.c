#include "models/recon_unet.h"

#include "core/error.h"
#include "core/memory.h"
#include <gsl/gsl_statistics_float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- network */

recon_unet_config recon_unet_defaults(void) {
    return (recon_unet_config){.channels = 32, .pools = 4};
}

/* Twice: convolution, instance normalisation, LeakyReLU. In fastMRI's block these are the modules 0 to 2 and,
 * after a dropout of probability 0, 4 to 6. */
static int add_block(net *n, int input, int channels, const char *prefix) {
    char params[NET_NAME];
    for (int module = 0; module <= 4; module += 4) {
        snprintf(params, sizeof params, "%s.layers.%d", prefix, module);
        input = net_add_conv3(n, input, channels, NET_NO_BIAS, params, NULL);
        input = net_add_instance_norm(n, input, RECON_UNET_SLOPE);
    }
    return input;
}

static int add_up(net *n, int input, int channels, const char *prefix) {
    char params[NET_NAME];
    snprintf(params, sizeof params, "%s.layers.0", prefix);
    input = net_add_up_conv(n, input, channels, NET_NO_BIAS, params);
    return net_add_instance_norm(n, input, RECON_UNET_SLOPE);
}

/* From the deepest level back to the image; the last block stands in a sequence with the 1x1 convolution. */
static void add_decoder(net *n, const recon_unet_config *c, int at, const int *skip) {
    char prefix[NET_NAME / 2];
    for (int k = 0; k < c->pools; k++) {
        int level = c->pools - 1 - k;
        snprintf(prefix, sizeof prefix, "up_transpose_conv.%d", k);
        at = add_up(n, at, c->channels << level, prefix);
        at = net_add_concat(n, at, skip[level]);
        snprintf(prefix, sizeof prefix, level == 0 ? "up_conv.%d.0" : "up_conv.%d", k);
        at = add_block(n, at, c->channels << level, prefix);
    }
    snprintf(prefix, sizeof prefix, "up_conv.%d.1", c->pools - 1);
    net_add_conv1(n, at, 2, prefix, "output");
}

static net *create(const void *config) {
    const recon_unet_config *c = config;
    if (c->pools < 1 || c->pools > RECON_UNET_MAX_POOLS)
        return err_set_null("reconstruction network: %d pools, expected 1..%d", c->pools,
                            RECON_UNET_MAX_POOLS);
    if (c->channels < 1 || c->channels > RECON_UNET_MAX_CHANNELS >> c->pools)
        return err_set_null("reconstruction network: %d channels, expected 1..%d with %d pools", c->channels,
                            RECON_UNET_MAX_CHANNELS >> c->pools, c->pools);
    net *n = net_create();
    if (!n)
        return NULL;
    int skip[RECON_UNET_MAX_POOLS], at = net_add_input(n, 2);
    for (int k = 0; k < c->pools; k++) {
        char prefix[NET_NAME / 2];
        snprintf(prefix, sizeof prefix, "down_sample_layers.%d", k);
        skip[k] = add_block(n, at, c->channels << k, prefix);
        at = net_add_avg_pool(n, skip[k]);
    }
    at = add_block(n, at, c->channels << c->pools, "conv");
    add_decoder(n, c, at, skip);
    if (net_finish(n) == 0)
        return n;
    net_free(n);
    return NULL;
}

/* ---------------------------------------------------------------- weight files */

static int read_config(const h5_file *file, void *self) {
    recon_unet_config *config = self;
    double slope;
    if (model_read_integer(file, "channels", 1, RECON_UNET_MAX_CHANNELS, &config->channels) < 0 ||
        model_read_integer(file, "pools", 1, RECON_UNET_MAX_POOLS, &config->pools) < 0 ||
        h5_attr_real(file, "negative_slope", &slope) < 0)
        return -1;
    if (!(fabs(slope - RECON_UNET_SLOPE) < 1e-6)) /* it may have been stored as float32 */
        return err_set("%s: attribute negative_slope is %g, expected %g", file->path, slope,
                       RECON_UNET_SLOPE);
    return 0;
}

static int write_config(h5_file *file, const void *self) {
    const recon_unet_config *config = self;
    if (h5_set_integer(file, "channels", config->channels) < 0 ||
        h5_set_integer(file, "pools", config->pools) < 0)
        return -1;
    return h5_set_real(file, "negative_slope", RECON_UNET_SLOPE);
}

const model model_recon_unet = {RECON_UNET_ARCHITECTURE, sizeof(recon_unet_config), read_config, write_config,
                                create};

/* ---------------------------------------------------------------- complex images */

int recon_unet_scale(const float complex *image, size_t n, float *scratch, float *scale) {
    if (n == 0)
        return err_set("image has no pixels");
    for (size_t k = 0; k < n; k++) {
        scratch[k] = cabsf(image[k]);
        if (!isfinite(scratch[k]))
            return err_set("image: pixel %zu is not finite", k);
    }
    *scale = gsl_stats_float_select(scratch, 1, n, (n - 1) * 19 / 20); /* 0.95, exactly */
    if (*scale <= 0.0f)
        return err_set("image cannot be scaled: the 95th percentile of its magnitudes is zero");
    return 0;
}

void recon_unet_split(const float complex *image, size_t n, float scale, float *re, float *im) {
    for (size_t k = 0; k < n; k++) {
        re[k] = crealf(image[k]) / scale;
        im[k] = cimagf(image[k]) / scale;
    }
}

struct recon_unet_runner {
    net_state *state;
    int output;                      /* layer */
    int rows, columns;               /* of the image */
    int padded_rows, padded_columns; /* of the planes */
    int above, left;                 /* rows and columns of zeros before the image */
    float *planes;                   /* [2][padded_rows][padded_columns]; zero around the image */
    float *magnitudes;               /* [rows * columns] */
};

recon_unet_runner *recon_unet_runner_create(const net *n, int rows, int columns) {
    if (rows < 1 || columns < 1)
        return err_set_null("image is %d x %d, expected at least one pixel", rows, columns);
    recon_unet_runner *r = mem_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->output = n->layer_count - 1;
    int multiple = 1 << net_levels(n, r->output);
    r->rows = rows;
    r->columns = columns;
    r->padded_rows = (rows + multiple - 1) / multiple * multiple;
    r->padded_columns = (columns + multiple - 1) / multiple * multiple;
    r->above = (r->padded_rows - rows) / 2;
    r->left = (r->padded_columns - columns) / 2;
    r->state = net_state_create(n, r->padded_rows, r->padded_columns, r->output, NET_INFER);
    r->planes = mem_calloc(2 * (size_t)r->padded_rows * r->padded_columns, sizeof(float));
    r->magnitudes = mem_alloc((size_t)rows * columns * sizeof(float));
    if (r->state && r->planes && r->magnitudes)
        return r;
    recon_unet_runner_free(r);
    return NULL;
}

void recon_unet_runner_free(recon_unet_runner *r) {
    if (!r)
        return;
    net_state_free(r->state);
    free(r->planes);
    free(r->magnitudes);
    free(r);
}

static void split(const recon_unet_runner *r, const float complex *image, float scale) {
    size_t plane = (size_t)r->padded_rows * r->padded_columns;
    for (int row = 0; row < r->rows; row++, image += r->columns) {
        float *re = r->planes + (size_t)(row + r->above) * r->padded_columns + r->left;
        recon_unet_split(image, (size_t)r->columns, scale, re, re + plane);
    }
}

static void join(const recon_unet_runner *r, float scale, float complex *out) {
    const tensor *y = net_output(r->state, r->output);
    for (int row = 0; row < r->rows; row++, out += r->columns) {
        const float *re = tensor_row(y, 0, row + r->above) + r->left;
        const float *im = tensor_row(y, 1, row + r->above) + r->left;
        for (int k = 0; k < r->columns; k++)
            out[k] = re[k] * scale + I * (im[k] * scale);
    }
}

int recon_unet_run(recon_unet_runner *r, const float complex *zero_filled, float complex *out) {
    float scale;
    if (recon_unet_scale(zero_filled, (size_t)r->rows * r->columns, r->magnitudes, &scale) < 0)
        return -1;
    split(r, zero_filled, scale);
    net_forward(r->state, r->planes, NULL);
    join(r, scale, out);
    return 0;
}
