/* The reconstruction network against PyTorch (tests/golden/make_recon_unet_golden.py), its files, its use on
 * images. */
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "io/h5.h"
#include "models/recon_unet.h"
#include "models/ssl_unet.h"
#include "suites.h"
#include "support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/recon_unet.h5"
#define ROWS 32
#define COLUMNS 48
#define VALUES (2 * ROWS * COLUMNS)

typedef struct {
    h5_file *file;
    net *n;
    net_state *state;
    float *input, *target;
} fixture;

static void fixture_open(fixture *f, net_mode mode) {
    size_t count;
    f->n = model_load(GOLDEN, &model_recon_unet);
    ck_assert_msg(f->n != NULL, "%s", err_message());
    f->file = h5_open(GOLDEN);
    ck_assert(mode != NET_TRAIN || net_enable_training(f->n) == 0);
    f->state = net_state_create(f->n, ROWS, COLUMNS, net_layer_find(f->n, "output"), mode);
    ck_assert_msg(f->state != NULL, "%s", err_message());
    f->input = read_golden(f->file, "golden/input", &count);
    f->target = read_golden(f->file, "golden/target", &count);
    ck_assert_uint_eq(count, VALUES);
}

static void fixture_close(fixture *f) {
    h5_close(f->file);
    net_state_free(f->state);
    net_free(f->n);
    free(f->input);
    free(f->target);
}

START_TEST(output_matches_pytorch) {
    fixture f;
    size_t count;
    float found[VALUES];
    fixture_open(&f, _i ? NET_TRAIN : NET_INFER);
    net_forward(f.state, f.target, NULL);
    net_forward(f.state, f.input, NULL); /* the second image must not see the first */
    float *expected = read_golden(f.file, "golden/output", &count);
    tensor_store(net_output(f.state, net_layer_find(f.n, "output")), found);
    double e = relative(found, expected, count);
    ck_assert_msg(count == VALUES && e < 1e-5, "relative difference %g", e);
    free(expected);
    fixture_close(&f);
}
END_TEST

/* Loss mean |y - t| and its gradient with respect to the output. */
static double set_output_gradient(const fixture *f) {
    float g[VALUES];
    double loss = 0.0;
    tensor_store(net_output(f->state, net_layer_find(f->n, "output")), g);
    for (int k = 0; k < VALUES; k++) {
        float e = g[k] - f->target[k];
        loss += fabs((double)e) / VALUES;
        g[k] = (e > 0.0f ? 1.0f : -1.0f) / VALUES;
    }
    tensor_load(net_output_gradient(f->state), g);
    return loss;
}

START_TEST(gradients_match_pytorch) {
    fixture f;
    double loss;
    fixture_open(&f, NET_TRAIN);
    ck_assert_int_eq(h5_read_f64(f.file, "golden/loss", 1, (hsize_t[]){1}, &loss), 0);
    float *gradient = mem_calloc(f.n->param_floats, sizeof(float));
    for (int pass = 0; pass < 2; pass++) { /* of the second pass: nothing of the first may be left */
        memset(gradient, 0, f.n->param_floats * sizeof(float));
        net_forward(f.state, f.input, NULL);
        ck_assert_double_eq_tol(set_output_gradient(&f), loss, 1e-6);
        net_backward(f.state, gradient);
    }
    for (int k = 0; k < f.n->param_count; k++) {
        const net_param *p = &f.n->params[k];
        char dataset[128];
        size_t count;
        snprintf(dataset, sizeof dataset, "golden/gradient/%s", p->name);
        float *expected = read_golden(f.file, dataset, &count);
        double e = relative(gradient + p->offset, expected, count);
        ck_assert_msg(count == p->count && e < 1e-4, "%s: relative difference %g", p->name, e);
        free(expected);
    }
    free(gradient);
    fixture_close(&f);
}
END_TEST

static net *small_net(recon_unet_config *config) {
    *config = (recon_unet_config){.channels = 2, .pools = 2};
    net *n = model_recon_unet.create(config);
    ck_assert_msg(n != NULL, "%s", err_message());
    ck_assert_int_eq(net_init(n, 4), 0);
    return n;
}

START_TEST(default_network_is_that_of_the_authors) {
    recon_unet_config config = recon_unet_defaults();
    net *n = model_recon_unet.create(&config);
    ck_assert_msg(n != NULL, "%s", err_message());
    ck_assert_uint_eq(n->param_floats, 7756418); /* fastMRI's Unet(2, 2, chans=32, num_pool_layers=4) */
    ck_assert_int_eq(net_levels(n, n->layer_count - 1), 4);
    ck_assert_int_eq(net_layer_find(n, "output"), n->layer_count - 1);
    net_free(n);
    config.pools = 9;
    ck_assert_ptr_null(model_recon_unet.create(&config));
    ck_assert(strstr(err_message(), "9 pools"));
    config = (recon_unet_config){.channels = 4096, .pools = 4};
    ck_assert_ptr_null(model_recon_unet.create(&config));
    ck_assert(strstr(err_message(), "4096 channels"));
}
END_TEST

START_TEST(weight_files_read_what_they_write) {
    recon_unet_config config, read;
    net *n = small_net(&config);
    h5_file *f = h5_create(in_folder("weights.h5"));
    ck_assert_int_eq(model_write(f, &model_recon_unet, &config, n, _i ? H5_F16 : H5_F32), 0);
    ck_assert_int_eq(h5_commit(f), 0);
    net *m = model_load(path, _i ? &model_recon_unet : NULL);
    ck_assert_msg(m != NULL, "%s", err_message());
    f = h5_open(path);
    ck_assert_int_eq(model_recon_unet.read_config(f, &read), 0);
    h5_close(f);
    ck_assert(read.channels == config.channels && read.pools == config.pools);
    ck_assert_uint_eq(m->param_floats, n->param_floats);
    double e = relative(m->values, n->values, n->param_floats);
    ck_assert_msg(e < (_i ? 5e-4 : 1e-12), "relative difference %g", e);
    net_free(n);
    net_free(m);
}
END_TEST

typedef struct {
    const char *architecture;
    double slope;
    int64_t pools;
    int skip, bad_value; /* parameters; -1 for none */
} damage;

static void expect_refused(damage d, const char *a, const char *b) {
    recon_unet_config config;
    net *n = small_net(&config);
    if (d.bad_value >= 0)
        n->values[n->params[d.bad_value].offset] = NAN;
    h5_file *f = h5_create(in_folder("damaged.h5"));
    h5_set_text(f, "architecture", d.architecture);
    h5_set_integer(f, "channels", config.channels);
    h5_set_integer(f, "pools", d.pools);
    h5_set_real(f, "negative_slope", d.slope);
    for (int k = 0; k < n->param_count; k++) {
        const net_param *p = &n->params[k];
        hsize_t dims[4];
        for (int q = 0; q < 4; q++)
            dims[q] = (hsize_t)p->dims[q];
        if (k != d.skip)
            h5_write_f32(f, p->name, p->rank, dims, n->values + p->offset, H5_F32);
    }
    ck_assert_int_eq(h5_commit(f), 0);
    net_free(n);
    ck_assert_ptr_null(model_load(path, &model_recon_unet));
    ck_assert_msg(strstr(err_message(), path) && strstr(err_message(), a) && strstr(err_message(), b), "%s",
                  err_message());
}

START_TEST(wrong_weights_are_refused) {
    expect_refused((damage){SSL_UNET_ARCHITECTURE, 0.2, 2, -1, -1}, SSL_UNET_ARCHITECTURE, "recon-unet");
    expect_refused((damage){"recon-unet", 0.01, 2, -1, -1}, "negative_slope", "0.01");
    expect_refused((damage){"recon-unet", 0.2, 77, -1, -1}, "pools", "77");
    expect_refused((damage){"recon-unet", 0.2, 2, 2, -1}, "down_sample_layers.1.layers.0.weight", "missing");
    expect_refused((damage){"recon-unet", 0.2, 2, -1, 4}, "conv.layers.0.weight", "not finite");
    expect_refused((damage){"recon-unet", 0.2, 1, -1, -1}, "conv.layers.0.weight", "expected shape");
    ck_assert_ptr_null(model_load(GOLDEN, &model_ssl_encoder)); /* nor the other way round */
    ck_assert(strstr(err_message(), "recon-unet") && strstr(err_message(), SSL_UNET_ARCHITECTURE));
}
END_TEST

START_TEST(scale_is_the_95th_percentile) {
    enum { N = 1000 };
    float complex image[N];
    float scratch[N], scale;
    for (int k = 0; k < N; k++) /* magnitudes 1..N in a scattered order, all phases */
        image[k] = (float)(k * 387 % N + 1) * cexpf(I * (float)k);
    for (int n = 1; n <= N; n = n * 2 + 1) {
        float magnitude[N];
        ck_assert_int_eq(recon_unet_scale(image, (size_t)n, scratch, &scale), 0);
        int below = 0, rank = (int)floor(0.95 * (n - 1));
        for (int k = 0; k < n; k++) {
            magnitude[k] = cabsf(image[k]);
            below += magnitude[k] < scale;
        }
        ck_assert_int_eq(below, rank); /* magnitudes are distinct */
    }
    ck_assert_int_eq(recon_unet_scale(image, N, scratch, &scale), 0);
    ck_assert_float_eq_tol(scale, 950.0f, 1e-3f);
    memset(image, 0, sizeof image);
    image[7] = 1.0f;
    ck_assert_int_eq(recon_unet_scale(image, N, scratch, &scale), -1);
    ck_assert(strstr(err_message(), "zero"));
    image[9] = NAN;
    ck_assert_int_eq(recon_unet_scale(image, N, scratch, &scale), -1);
    ck_assert(strstr(err_message(), "pixel 9"));
    ck_assert_int_eq(recon_unet_scale(image, 0, scratch, &scale), -1);
}
END_TEST

static float complex *random_image(int pixels, float amplitude) {
    gsl_rng *rng = rng_stream(2, RNG_TEST, 7, 0);
    float complex *image = mem_alloc((size_t)pixels * sizeof *image);
    for (int k = 0; k < pixels; k++) {
        float re = (float)gsl_rng_uniform(rng) - 0.3f, im = (float)gsl_rng_uniform(rng) - 0.6f;
        image[k] = amplitude * (re + I * im);
    }
    gsl_rng_free(rng);
    return image;
}

/* A runner against the network used by hand on an image that is padded and scaled here. Sizes: as they are,
 * and with odd and even amounts of padding. */
START_TEST(runner_pads_and_crops) {
    static const int sizes[][2] = {{16, 24}, {13, 22}, {15, 17}, {1, 3}};
    const int rows = sizes[_i][0], columns = sizes[_i][1], padded_rows = (rows + 3) / 4 * 4,
              padded_columns = (columns + 3) / 4 * 4, pixels = padded_rows * padded_columns;
    const int above = (padded_rows - rows) / 2, left = (padded_columns - columns) / 2;
    recon_unet_config config;
    net *n = small_net(&config);
    float complex *image = random_image(rows * columns, 40.0f);
    float complex *out = mem_alloc((size_t)(rows * columns) * sizeof *out);
    float *planes = mem_calloc((size_t)(2 * pixels), sizeof(float)), scale;
    ck_assert_int_eq(recon_unet_scale(image, (size_t)(rows * columns), planes, &scale), 0);
    memset(planes, 0, (size_t)(2 * pixels) * sizeof(float));
    for (int k = 0; k < rows * columns; k++) {
        int at = (above + k / columns) * padded_columns + left + k % columns;
        planes[at] = crealf(image[k]) / scale;
        planes[pixels + at] = cimagf(image[k]) / scale;
    }
    ck_assert_ptr_null(net_state_create(n, padded_rows, padded_columns, n->layer_count - 1, NET_TRAIN));
    ck_assert_ptr_nonnull(strstr(err_message(), "net_enable_training"));
    ck_assert_int_eq(net_enable_training(n), 0);
    net_state *s = net_state_create(n, padded_rows, padded_columns, n->layer_count - 1, NET_TRAIN);
    net_forward(s, planes, NULL);
    tensor_store(net_output(s, n->layer_count - 1), planes);

    recon_unet_runner *r = recon_unet_runner_create(n, rows, columns);
    ck_assert_msg(r != NULL, "%s", err_message());
    for (int pass = 0; pass < 3; pass++) { /* the last one in place */
        memcpy(out, image, (size_t)(rows * columns) * sizeof *out);
        ck_assert_int_eq(recon_unet_run(r, pass == 2 ? out : image, out), 0);
        for (int k = 0; k < rows * columns; k++) {
            int at = (above + k / columns) * padded_columns + left + k % columns;
            ck_assert_float_eq_tol(crealf(out[k]), planes[at] * scale, 1e-5f * scale);
            ck_assert_float_eq_tol(cimagf(out[k]), planes[pixels + at] * scale, 1e-5f * scale);
        }
    }
    memset(image, 0, (size_t)(rows * columns) * sizeof *image);
    ck_assert_int_eq(recon_unet_run(r, image, out), -1);
    recon_unet_runner_free(r);
    net_state_free(s);
    net_free(n);
    free(image);
    free(out);
    free(planes);
}
END_TEST

/* Twice the image, a power of two, gives exactly twice the reconstruction. */
START_TEST(runner_follows_the_scale) {
    recon_unet_config config;
    net *n = small_net(&config);
    float complex *image = random_image(18 * 21, 1.0f), out[2][18 * 21];
    recon_unet_runner *r = recon_unet_runner_create(n, 18, 21);
    for (int pass = 0; pass < 2; pass++) {
        ck_assert_int_eq(recon_unet_run(r, image, out[pass]), 0);
        for (int k = 0; k < 18 * 21; k++)
            image[k] *= 2.0f;
    }
    for (int k = 0; k < 18 * 21; k++)
        ck_assert(out[1][k] == 2.0f * out[0][k]);
    ck_assert_ptr_null(recon_unet_runner_create(n, 0, 21));
    recon_unet_runner_free(r);
    net_free(n);
    free(image);
}
END_TEST

Suite *suite_recon_unet(void) {
    Suite *s = suite_create("recon_unet");
    TCase *t = tcase_create("recon_unet");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_loop_test(t, output_matches_pytorch, 0, 2);
    tcase_add_test(t, gradients_match_pytorch);
    tcase_add_test(t, default_network_is_that_of_the_authors);
    tcase_add_loop_test(t, weight_files_read_what_they_write, 0, 2);
    tcase_add_test(t, wrong_weights_are_refused);
    tcase_add_test(t, scale_is_the_95th_percentile);
    tcase_add_loop_test(t, runner_pads_and_crops, 0, 4);
    tcase_add_test(t, runner_follows_the_scale);
    suite_add_tcase(s, t);
    return s;
}
