/* The reconstruction network against PyTorch (tests/golden/make_recon_unet_golden.py), its files, its use on
 * images. */
#include "core/error.h"
#include "core/rng.h"
#include "golden.h"
#include "io/h5.h"
#include "models/recon_unet.h"
#include "models/ssl_unet.h"
#include "scratch.h"
#include "suites.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/recon_unet.h5"
#define ROWS 32
#define COLUMNS 48
#define VALUES (2 * ROWS * COLUMNS)

typedef struct {
    h5_file *file;
    recon_unet_config config;
    net *n;
    net_state *state;
    float *input, *target;
} fixture;

static void fixture_open(fixture *f, net_mode mode) {
    size_t count;
    f->n = recon_unet_load(GOLDEN, &f->config);
    ck_assert_msg(f->n != NULL, "%s", err_message());
    f->file = h5_open(GOLDEN);
    f->state = net_state_create(f->n, ROWS, COLUMNS, net_layer(f->n, "output"), mode);
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

START_TEST(test_forward) {
    fixture f;
    size_t count;
    float found[VALUES];
    fixture_open(&f, _i ? NET_TRAIN : NET_INFER);
    net_forward(f.state, f.target, NULL);
    net_forward(f.state, f.input, NULL); /* the second image must not see the first */
    float *expected = read_golden(f.file, "golden/output", &count);
    tensor_store(net_output(f.state, net_layer(f.n, "output")), found);
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
    tensor_store(net_output(f->state, net_layer(f->n, "output")), g);
    for (int k = 0; k < VALUES; k++) {
        float e = g[k] - f->target[k];
        loss += fabs((double)e) / VALUES;
        g[k] = (e > 0.0f ? 1.0f : -1.0f) / VALUES;
    }
    tensor_load(net_output_gradient(f->state), g);
    return loss;
}

START_TEST(test_gradients) {
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

Suite *suite_recon_unet(void) {
    Suite *s = suite_create("recon_unet");
    TCase *t = tcase_create("recon_unet");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_loop_test(t, test_forward, 0, 2);
    tcase_add_test(t, test_gradients);
    suite_add_tcase(s, t);
    return s;
}
