/* The network against PyTorch (tests/golden/make_network_golden.py): features, output, gradients, SSFD, Adam.
 */
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "io/h5.h"
#include "metrics/ssfd.h"
#include "models/ssl_unet.h"
#include "nn/adam.h"
#include "suites.h"
#include "support.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS 64
#define COLUMNS 48

static const char *const golden_files[] = {"tests/golden/unet_plain.h5", "tests/golden/unet_ws.h5"};

typedef struct {
    h5_file *file;
    net *n;
    net_state *state;
    float *input, *target;
} fixture;

static void fixture_open(fixture *f, int which, net_mode mode) {
    size_t count;
    f->n = model_load(golden_files[which], &model_ssl_unet);
    ck_assert_msg(f->n != NULL, "%s", err_message());
    f->file = h5_open(golden_files[which]);
    ck_assert(mode != NET_TRAIN || net_enable_training(f->n) == 0);
    f->state = net_state_create(f->n, ROWS, COLUMNS, net_layer_find(f->n, "output"), mode);
    ck_assert_msg(f->state != NULL, "%s", err_message());
    f->input = read_golden(f->file, "golden/input", &count);
    f->target = read_golden(f->file, "golden/target", &count);
    ck_assert_uint_eq(count, ROWS * COLUMNS);
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
    fixture_open(&f, _i / 2, _i % 2 ? NET_TRAIN : NET_FEATURES);
    net_forward(f.state, f.input, NULL);
    net_forward(f.state, f.input, NULL); /* a second image must not see the first */
    int compared = 0;
    for (int k = 1; k < f.n->layer_count; k++) {
        if (!f.n->layers[k].name[0])
            continue;
        char dataset[128];
        size_t count;
        snprintf(dataset, sizeof dataset, "golden/%s", f.n->layers[k].name);
        float *expected = read_golden(f.file, dataset, &count), *found = mem_alloc(count * sizeof(float));
        tensor_store(net_output(f.state, k), found);
        double e = relative(found, expected, count);
        ck_assert_msg(e < 1e-5, "%s %s: relative difference %g", golden_files[_i / 2], f.n->layers[k].name,
                      e);
        free(expected);
        free(found);
        compared++;
    }
    ck_assert_int_eq(compared, 11);
    fixture_close(&f);
}
END_TEST

/* d/dy of mean (y - t)^2 */
static void set_output_gradient(const fixture *f) {
    float *g = mem_alloc(ROWS * COLUMNS * sizeof(float));
    tensor_store(net_output(f->state, net_layer_find(f->n, "output")), g);
    for (int k = 0; k < ROWS * COLUMNS; k++)
        g[k] = 2.0f * (g[k] - f->target[k]) / (ROWS * COLUMNS);
    tensor_load(net_output_gradient(f->state), g);
    free(g);
}

START_TEST(gradients_match_pytorch) {
    fixture f;
    fixture_open(&f, _i, NET_TRAIN);
    float *gradient = mem_calloc(f.n->param_floats, sizeof(float));
    net_forward(f.state, f.input, NULL);
    set_output_gradient(&f);
    net_backward(f.state, gradient);
    for (int k = 0; k < f.n->param_count; k++) {
        const net_param *p = &f.n->params[k];
        char dataset[128];
        size_t count;
        snprintf(dataset, sizeof dataset, "golden/gradient/%s", p->name);
        float *expected = read_golden(f.file, dataset, &count);
        double e = relative(gradient + p->offset, expected, count);
        ck_assert_msg(count == p->count && e < 1e-4, "%s %s: relative difference %g", golden_files[_i],
                      p->name, e);
        free(expected);
    }
    free(gradient);
    fixture_close(&f);
}
END_TEST

static double loss_with_dropout(const fixture *f, gsl_rng *rng) {
    float y[ROWS * COLUMNS];
    double sum = 0.0;
    rng_restart(rng, 3, RNG_TEST, 1, 2);
    net_update(f->n);
    net_forward(f->state, f->input, rng);
    tensor_store(net_output(f->state, net_layer_find(f->n, "output")), y);
    for (int k = 0; k < ROWS * COLUMNS; k++)
        sum += ((double)y[k] - (double)f->target[k]) * ((double)y[k] - (double)f->target[k]);
    return sum / (ROWS * COLUMNS);
}

/* The whole training pass, dropout included, against central differences along the gradient of each tensor.
 */
START_TEST(gradients_match_finite_differences) {
    fixture f;
    fixture_open(&f, _i, NET_TRAIN);
    gsl_rng *rng = rng_stream(3, RNG_TEST, 1, 2);
    float *gradient = mem_calloc(f.n->param_floats, sizeof(float));
    loss_with_dropout(&f, rng);
    set_output_gradient(&f);
    net_backward(f.state, gradient);
    for (int k = 0; k < f.n->param_count; k++) {
        const net_param *p = &f.n->params[k];
        float *w = f.n->values + p->offset, *keep = mem_alloc(p->count * sizeof(float));
        memcpy(keep, w, p->count * sizeof(float));
        double norm = 0.0, loss[2];
        for (size_t i = 0; i < p->count; i++)
            norm += (double)gradient[p->offset + i] * (double)gradient[p->offset + i];
        norm = sqrt(norm);
        double h = norm > 5e-2 ? 2e-5 / norm : 2e-4; /* small against the kinks of ReLU and pooling */
        double expected = 0.0;
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < p->count; i++) {
                w[i] = keep[i] + (float)((side ? h : -h) * (double)gradient[p->offset + i] / norm);
                /* the step as float32 really took it */
                expected += (side ? 1.0 : -1.0) * (double)w[i] * (double)gradient[p->offset + i];
            }
            loss[side] = loss_with_dropout(&f, rng);
        }
        memcpy(w, keep, p->count * sizeof(float));
        double change = loss[1] - loss[0];
        /* rounding of the loss is about 3e-7; gradients too small to show above it are left to the golden
         * values */
        ck_assert_msg(fabs(change - expected) < 0.03 * expected + 1e-6,
                      "%s: loss changes by %g, gradient says %g", p->name, change, expected);
        free(keep);
    }
    free(gradient);
    gsl_rng_free(rng);
    fixture_close(&f);
}
END_TEST

START_TEST(ssfd_matches_pytorch) {
    size_t count;
    const char *names =
        "block1_relu1,block1_relu2,block2_relu1,block2_relu2,block3_relu1,block3_relu2,block4_relu1,"
        "block4_relu2,block5_relu1,block5_relu2";
    feature_network ssfd;
    ck_assert_msg(ssfd_open(&ssfd, golden_files[_i], names) == 0, "%s", err_message());
    h5_file *f = h5_open(golden_files[_i]);
    float *reference = read_golden(f, "golden/reference", &count),
          *image = read_golden(f, "golden/image", &count);
    feature_metric *m = feature_metric_create(&ssfd, ROWS, COLUMNS);
    double found[FEATURE_MAX_LAYERS], total = 0.0, sum;
    ck_assert_int_eq(feature_metric_reference(m, reference), 0);
    ck_assert_int_eq(feature_metric_layers(m, image, found), 0);
    ck_assert_int_eq(ssfd.count, 10);
    for (int k = 0; k < ssfd.count; k++) {
        char dataset[128];
        hsize_t one[1] = {1};
        double expected;
        snprintf(dataset, sizeof dataset, "golden/ssfd/%s", ssfd.n->layers[ssfd.layers[k]].name);
        ck_assert_int_eq(h5_read_f64(f, dataset, 1, one, &expected), 0);
        ck_assert_msg(fabs(found[k] - expected) < 1e-5 * expected, "%s: %.9g, expected %.9g", dataset,
                      found[k], expected);
        total += found[k];
    }
    ck_assert_int_eq(feature_metric_distance(m, image, &sum), 0);
    ck_assert_double_eq(sum, total);
    ck_assert_int_eq(feature_metric_layers(m, reference, found), 0);
    for (int k = 0; k < ssfd.count; k++)
        ck_assert_double_eq(found[k], 0.0);
    feature_metric_free(m);
    free(reference);
    free(image);
    h5_close(f);
    feature_network_close(&ssfd);
}
END_TEST

/* The encoder before training, the one that training with that seed starts from. */
START_TEST(ssfd_takes_random_weights) {
    feature_network trained, random;
    ck_assert_int_eq(ssfd_open(&trained, golden_files[_i], SSFD_DEFAULT_LAYER), 0);
    ck_assert_int_eq(ssfd_open_random(&random, golden_files[_i], SSFD_DEFAULT_LAYER, 7), 0);
    net *initial = model_load(golden_files[_i], &model_ssl_encoder);
    ck_assert_int_eq(net_init(initial, 7), 0);
    ck_assert_uint_eq(random.n->param_floats, trained.n->param_floats);
    size_t packed = random.n->derived_floats * sizeof(float);
    ck_assert_int_eq(memcmp(random.n->derived, initial->derived, packed), 0);
    ck_assert_int_ne(memcmp(random.n->derived, trained.n->derived, packed), 0);
    net_free(initial);
    feature_network_close(&trained);
    feature_network_close(&random);
}
END_TEST

START_TEST(ssfd_names_what_is_wrong) {
    feature_network ssfd;
    ck_assert_int_eq(ssfd_open(&ssfd, golden_files[0], "block9_relu1"), -1);
    ck_assert(strstr(err_message(), "block9_relu1") && strstr(err_message(), "block5_relu2"));
    ck_assert_int_eq(ssfd_open(&ssfd, golden_files[0], ""), -1);
    ck_assert_int_eq(ssfd_open(&ssfd, golden_files[0], SSFD_DEFAULT_LAYER), 0);
    ck_assert_ptr_null(feature_metric_create(&ssfd, 61, 48));
    ck_assert(strstr(err_message(), "61"));
    feature_metric *m = feature_metric_create(&ssfd, ROWS, COLUMNS);
    float image[ROWS * COLUMNS] = {0};
    ck_assert_int_eq(feature_metric_reference(m, image), -1); /* constant */
    image[5] = NAN;
    ck_assert_int_eq(feature_metric_reference(m, image), -1);
    feature_metric_free(m);
    feature_network_close(&ssfd);
}
END_TEST

START_TEST(adam_matches_pytorch) {
    h5_file *f = h5_open(golden_files[0]);
    size_t count, all;
    float *w = read_golden(f, "golden/adam/start", &count), *end = read_golden(f, "golden/adam/end", &count);
    float *gradients = read_golden(f, "golden/adam/gradients", &all);
    adam a;
    ck_assert_int_eq(adam_init(&a, count), 0);
    for (size_t step = 0; step < all / count; step++)
        adam_update(&a, w, gradients + step * count, 0.01);
    ck_assert(relative(w, end, count) < 1e-6);
    adam_free(&a);
    free(w);
    free(end);
    free(gradients);
    h5_close(f);
}
END_TEST

static const char *weights(void) {
    return in_folder("weights.h5");
}

START_TEST(weight_files_read_what_they_write) {
    ssl_unet_config config = ssl_unet_defaults(), read;
    int small[] = {10, 10, 10, 20, 20};
    memcpy(config.channels, small, sizeof small);
    config.weight_standardization = 1;
    net *n = model_ssl_unet.create(&config);
    ck_assert_int_eq(net_init(n, 4), 0);
    h5_file *f = h5_create(weights());
    ck_assert_int_eq(model_write(f, &model_ssl_unet, &config, n, _i ? H5_F16 : H5_F32), 0);
    ck_assert_int_eq(h5_commit(f), 0);
    net *m = model_load(weights(), _i ? &model_ssl_unet : NULL);
    ck_assert_msg(m != NULL, "%s", err_message());
    f = h5_open(weights());
    ck_assert_int_eq(model_ssl_unet.read_config(f, &read), 0);
    h5_close(f);
    ck_assert_int_eq(read.weight_standardization, 1);
    ck_assert_int_eq(memcmp(read.channels, small, sizeof small), 0);
    double e = relative(m->values, n->values, n->param_floats);
    ck_assert_msg(e < (_i ? 5e-4 : 1e-12), "relative difference %g", e);
    net_free(n);
    net_free(m);
}
END_TEST

static void write_weights(const char *architecture, int skip, int bad_value, int bad_shape) {
    ssl_unet_config config = ssl_unet_defaults();
    int small[] = {10, 10, 10, 10, 10};
    memcpy(config.channels, small, sizeof small);
    net *n = model_ssl_unet.create(&config);
    net_init(n, 4);
    h5_file *f = h5_create(weights());
    int64_t channels[5] = {10, 10, 10, 10, 10};
    h5_set_text(f, "architecture", architecture);
    h5_set_integers(f, "channels", 5, channels);
    h5_set_integer(f, "norm_groups", 10);
    h5_set_integer(f, "weight_standardization", 0);
    if (bad_value)
        n->values[0] = NAN;
    for (int k = 0; k < n->param_count; k++) {
        hsize_t dims[4];
        for (int d = 0; d < 4; d++)
            dims[d] = (hsize_t)n->params[k].dims[d];
        if (bad_shape && k == 2)
            dims[0] /= 2;
        if (k != skip)
            h5_write_f32(f, n->params[k].name, n->params[k].rank, dims, n->values + n->params[k].offset,
                         H5_F32);
    }
    ck_assert_int_eq(h5_commit(f), 0);
    net_free(n);
}

static void expect_refused(const char *a, const char *b) {
    ck_assert_ptr_null(model_load(weights(), &model_ssl_unet));
    ck_assert_msg(strstr(err_message(), weights()) && strstr(err_message(), a) && strstr(err_message(), b),
                  "%s", err_message());
}

START_TEST(wrong_weights_are_refused) {
    write_weights("vgg16", -1, 0, 0);
    expect_refused("vgg16", "ssfd-unet");
    write_weights("ssfd-unet", 6, 0, 0);
    expect_refused("encoder1.conv_block.conv1.weight", "missing");
    write_weights("ssfd-unet", -1, 1, 0);
    expect_refused("firstblock.conv1.weight", "not finite");
    write_weights("ssfd-unet", -1, 0, 1);
    expect_refused("firstblock.conv2.weight", "expected");
}
END_TEST

START_TEST(an_architecture_that_nobody_knows_is_refused_with_those_that_are_known) {
    write_weights("vgg16", -1, 0, 0);
    ck_assert_ptr_null(model_load(weights(), NULL));
    ck_assert_str_eq(strstr(err_message(), "architecture"),
                     "architecture is 'vgg16', expected one of ssfd-unet, recon-unet");
}
END_TEST

/* Files that hold the encoder alone serve SSFD. */
START_TEST(the_encoder_needs_no_decoder) {
    ssl_unet_config config = ssl_unet_defaults();
    net *n = model_ssl_encoder.create(&config);
    ck_assert_int_eq(net_init(n, 4), 0);
    h5_file *f = h5_create(weights());
    ck_assert_int_eq(model_write(f, &model_ssl_encoder, &config, n, H5_F32), 0);
    ck_assert_int_eq(h5_commit(f), 0);
    net *m = model_load(weights(), &model_ssl_encoder);
    ck_assert_msg(m != NULL, "%s", err_message());
    ck_assert_int_eq(memcmp(m->values, n->values, n->param_floats * sizeof(float)), 0);
    net_free(m);
    net_free(n);
    ck_assert_ptr_null(model_load(weights(), &model_ssl_unet));
    ck_assert_msg(strstr(err_message(), "decoder4.up.weight") != NULL, "%s", err_message());
}
END_TEST

START_TEST(attributes_out_of_range_are_named) {
    ssl_unet_config config = ssl_unet_defaults();
    net *n = model_ssl_unet.create(&config);
    const struct {
        int channels, groups;
        const char *message;
    } cases[] = {{20, 0, "attribute norm_groups is 0, expected 1..4096"},
                 {20, 1 << 30, "attribute norm_groups is 1073741824, expected 1..4096"},
                 {-1, 10, "attribute channels holds -1, expected 1..4096"},
                 {20, 7, "block 1: 20 channels cannot be divided into 7 groups"}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        config.channels[0] = cases[k].channels;
        config.norm_groups = cases[k].groups;
        h5_file *f = h5_create(weights());
        ck_assert_int_eq(model_write(f, &model_ssl_unet, &config, n, H5_F16), 0);
        ck_assert_int_eq(h5_commit(f), 0);
        ck_assert_ptr_null(model_load(weights(), &model_ssl_encoder));
        ck_assert_msg(strstr(err_message(), weights()) && strstr(err_message(), cases[k].message), "%s",
                      err_message());
    }
    net_free(n);
}
END_TEST

Suite *suite_ssl_unet(void) {
    Suite *s = suite_create("ssl_unet");
    TCase *t = tcase_create("ssl_unet");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_loop_test(t, output_matches_pytorch, 0, 4);
    tcase_add_loop_test(t, gradients_match_pytorch, 0, 2);
    tcase_add_loop_test(t, gradients_match_finite_differences, 0, 2);
    tcase_add_loop_test(t, ssfd_matches_pytorch, 0, 2);
    tcase_add_loop_test(t, ssfd_takes_random_weights, 0, 2);
    tcase_add_test(t, ssfd_names_what_is_wrong);
    tcase_add_test(t, adam_matches_pytorch);
    tcase_add_loop_test(t, weight_files_read_what_they_write, 0, 2);
    tcase_add_test(t, wrong_weights_are_refused);
    tcase_add_test(t, an_architecture_that_nobody_knows_is_refused_with_those_that_are_known);
    tcase_add_test(t, the_encoder_needs_no_decoder);
    tcase_add_test(t, attributes_out_of_range_are_named);
    suite_add_tcase(s, t);
    return s;
}
