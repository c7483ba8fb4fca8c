/* The training loop: deterministic for any number of threads, resumable to the same bytes, and loud when it
 * fails. */
#include "core/csv.h"
#include "core/error.h"
#include "core/rng.h"
#include "models/ssl_unet.h"
#include "suites.h"
#include "train/trainer.h"
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 32, PIXELS = N * N };

typedef struct {
    int poison_step; /* from which the target is infinite; -1: never */
} toy;

/* A smooth pattern that depends on step and position alone; the task is to give it back. */
static int toy_make(void *self, int64_t step, int position, float *input, float *target) {
    const toy *t = self;
    for (int k = 0; k < PIXELS; k++) {
        input[k] = sinf(0.05f * (float)(k % N) * (float)(position + 1) + 0.3f * (float)step) +
                   cosf(0.2f * (float)(k / N));
        target[k] = t->poison_step >= 0 && step >= t->poison_step ? INFINITY : input[k];
    }
    return 0;
}

static int toy_load(void *self, int64_t step, int position) {
    (void)self, (void)step, (void)position;
    return 0;
}

static int toy_validate(void *self, const net *n, double *values) {
    toy healthy = {-1};
    float input[PIXELS], target[PIXELS], out[PIXELS];
    (void)self;
    net_state *s = net_state_create(n, N, N, n->layer_count - 1, NET_INFER);
    toy_make(&healthy, 1000, 0, input, target);
    net_forward(s, input, NULL);
    tensor_store(net_output(s, n->layer_count - 1), out);
    values[0] = 0.0;
    for (int k = 0; k < PIXELS; k++)
        values[0] += ((double)out[k] - (double)target[k]) * ((double)out[k] - (double)target[k]) / PIXELS;
    net_state_free(s);
    return 0;
}

static char folder[64];

static void make_folder(void) {
    strcpy(folder, "/tmp/ssfd_trainer_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static net *small_net(void) {
    ssl_unet_config config = ssl_unet_defaults();
    for (int k = 0; k < SSL_UNET_BLOCKS; k++)
        config.channels[k] = 10;
    net *n = ssl_unet_create(&config);
    ck_assert_ptr_nonnull(n);
    ck_assert_int_eq(net_init(n, 1), 0);
    return n;
}

static int train(net *n, int steps, int stop_after, const char *settings, int poison_step, double *last) {
    toy t = {poison_step};
    trainer_task task = {&t, N, N, 1, 1, 12, toy_load, toy_make, toy_validate, 1, {"validation_mse"}};
    trainer_config config = {.steps = steps,
                             .batch = 3,
                             .rate = 2e-3,
                             .cosine = 1,
                             .clip = 1.0,
                             .loss = TRAINER_MSE,
                             .seed = 5,
                             .validate_every = 4,
                             .checkpoint_every = 2,
                             .folder = folder,
                             .settings = settings,
                             .stop_after = stop_after};
    return trainer_run(n, &task, &config, last);
}

static float *trained_values(int threads, int stop_after, size_t *count, char *curve, size_t curve_size) {
    make_folder();
    omp_set_num_threads(threads);
    net *n = small_net();
    if (stop_after) {
        ck_assert_msg(train(n, 10, stop_after, "a", -1, NULL) == 0, "%s", err_message());
        net_free(n);
        n = small_net(); /* a new process would start from fresh weights, too */
    }
    ck_assert_msg(train(n, 10, 0, "a", -1, NULL) == 0, "%s", err_message());
    float *values = mem_alloc(n->param_floats * sizeof(float));
    memcpy(values, n->values, n->param_floats * sizeof(float));
    *count = n->param_floats;
    net_free(n);
    char path[128];
    snprintf(path, sizeof path, "%s/training_loss.csv", folder);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    curve[fread(curve, 1, curve_size - 1, f)] = '\0';
    fclose(f);
    remove_folder();
    return values;
}

START_TEST(test_same_bytes_for_any_threads_and_after_interruption) {
    size_t count, other;
    char curve[4096], other_curve[4096];
    float *one = trained_values(1, 0, &count, curve, sizeof curve);
    static const int runs[][2] = {{2, 0}, {3, 0}, {2, 3}, {1, 4}, {1, 9}};
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        float *again = trained_values(runs[k][0], runs[k][1], &other, other_curve, sizeof other_curve);
        ck_assert_msg(memcmp(one, again, count * sizeof(float)) == 0, "%d threads, stopped after %d",
                      runs[k][0], runs[k][1]);
        ck_assert_str_eq(curve, other_curve);
        free(again);
    }
    free(one);
}
END_TEST

START_TEST(test_training_reduces_the_loss) {
    double before, after;
    make_folder();
    net *n = small_net();
    toy_validate(NULL, n, &before);
    ck_assert_int_eq(train(n, 60, 0, "a", -1, &after), 0);
    ck_assert_msg(after < 0.6 * before, "loss %g before, %g after", before, after);
    net_free(n);
    remove_folder();
}
END_TEST

START_TEST(test_checkpoint_of_other_settings_is_refused) {
    make_folder();
    net *n = small_net();
    ck_assert_int_eq(train(n, 10, 4, "patch=16", -1, NULL), 0);
    ck_assert_int_eq(train(n, 10, 0, "patch=8", -1, NULL), -1);
    ck_assert_msg(strstr(err_message(), "checkpoint.h5") && strstr(err_message(), "patch=16") &&
                      strstr(err_message(), "patch=8"),
                  "%s", err_message());
    char path[128];
    snprintf(path, sizeof path, "%s/checkpoint.h5", folder);
    ck_assert_int_eq(truncate(path, 2000), 0);
    ck_assert_int_eq(train(n, 10, 0, "patch=16", -1, NULL), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "checkpoint.h5"));
    net_free(n);
    remove_folder();
}
END_TEST

START_TEST(test_loss_that_is_not_finite_stops_and_keeps_the_checkpoint) {
    make_folder();
    net *n = small_net();
    ck_assert_int_eq(train(n, 10, 0, "a", 5, NULL), -1);
    ck_assert_msg(strstr(err_message(), "step 5") && strstr(err_message(), "learning rate"), "%s",
                  err_message());
    net_free(n);
    n = small_net();
    ck_assert_msg(train(n, 10, 0, "a", -1, NULL) == 0, "%s", err_message()); /* goes on from step 4 */
    for (size_t k = 0; k < n->param_floats; k++)
        ck_assert(isfinite(n->values[k]));
    net_free(n);
    remove_folder();
}
END_TEST

Suite *suite_trainer(void) {
    Suite *s = suite_create("trainer");
    TCase *t = tcase_create("trainer");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, test_same_bytes_for_any_threads_and_after_interruption);
    tcase_add_test(t, test_training_reduces_the_loss);
    tcase_add_test(t, test_checkpoint_of_other_settings_is_refused);
    tcase_add_test(t, test_loss_that_is_not_finite_stops_and_keeps_the_checkpoint);
    suite_add_tcase(s, t);
    return s;
}
