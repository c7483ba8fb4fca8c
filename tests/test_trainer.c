/* The training loop: deterministic for any number of threads, resumable to the same bytes, and loud when it
 * fails. */
#include "core/clock.h"
#include "core/csv.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/rng.h"
#include "models/ssl_unet.h"
#include "suites.h"
#include "support.h"
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
    int turn_step;   /* from which the target has the wrong sign, so that the validation loss rises; -1: never
                      */
} toy;

/* A smooth pattern that depends on step and position alone; the task is to give it back. */
static int toy_make(void *self, int64_t step, int position, float *input, float *target) {
    const toy *t = self;
    float sign = t->turn_step >= 0 && step >= t->turn_step ? -1.0f : 1.0f;
    for (int k = 0; k < PIXELS; k++) {
        input[k] = sinf(0.05f * (float)(k % N) * (float)(position + 1) + 0.3f * (float)step) +
                   cosf(0.2f * (float)(k / N));
        target[k] = t->poison_step >= 0 && step >= t->poison_step ? INFINITY : sign * input[k];
    }
    return 0;
}

static int toy_load(void *self, int64_t step, int position) {
    (void)self, (void)step, (void)position;
    return 0;
}

static int toy_validate(void *self, const net *n, double *values) {
    toy healthy = {-1, -1};
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

static net *small_net(void) {
    ssl_unet_config config = ssl_unet_defaults();
    for (int k = 0; k < SSL_UNET_BLOCKS; k++)
        config.channels[k] = 10;
    net *n = model_ssl_unet.create(&config);
    ck_assert_ptr_nonnull(n);
    ck_assert_int_eq(net_init(n, 1), 0);
    return n;
}

static toy task_of_test;

static trainer_config base_config(int64_t steps) {
    task_of_test = (toy){-1, -1};
    return (trainer_config){.steps = steps,
                            .batch = 3,
                            .rate = 2e-3,
                            .schedule = TRAINER_COSINE,
                            .clip = 1.0,
                            .loss = TRAINER_MSE,
                            .seed = 5,
                            .validate_every = 4,
                            .checkpoint_every = 2,
                            .folder = folder,
                            .settings = "a"};
}

static int train(net *n, const trainer_config *config, trainer_result *result) {
    trainer_task task = {&task_of_test,     N, N, 1, 1, 12, toy_load, toy_make, toy_validate, 1,
                         {"validation_mse"}};
    return trainer_run(n, &task, config, result);
}

static void read_curve(char *curve, size_t size) {
    char path[128];
    snprintf(path, sizeof path, "%s/training_loss.csv", folder);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    curve[fread(curve, 1, size - 1, f)] = '\0';
    fclose(f);
}

/* What a run leaves: weights and curve. */
typedef struct {
    net *n;
    trainer_result result;
    char curve[4096];
} outcome;

/* Trains in a fresh folder; first with a pause after each of the steps from first_pause to last_pause (0:
 * none), every call with fresh weights, as a new process has them. */
static outcome trained(trainer_config config, int threads, int64_t first_pause, int64_t last_pause) {
    outcome o;
    scratch_set_up();
    omp_set_num_threads(threads);
    for (int64_t pause = first_pause; first_pause && pause <= last_pause; pause++) {
        config.stop_after = pause;
        net *n = small_net();
        ck_assert_msg(train(n, &config, &o.result) == 0, "%s", err_message());
        ck_assert_int_eq(o.result.finished, 0);
        net_free(n);
    }
    config.stop_after = 0;
    o.n = small_net();
    ck_assert_msg(train(o.n, &config, &o.result) == 0, "%s", err_message());
    ck_assert_int_eq(o.result.finished, 1);
    read_curve(o.curve, sizeof o.curve);
    scratch_tear_down();
    return o;
}

static int same_weights(const outcome *a, const outcome *b) {
    return memcmp(a->n->values, b->n->values, a->n->param_floats * sizeof(float)) == 0;
}

static void expect_same(const trainer_config *config, const outcome *expected, int threads, int64_t first,
                        int64_t last) {
    outcome again = trained(*config, threads, first, last);
    ck_assert_msg(same_weights(expected, &again), "%d threads, paused from %d to %d", threads, (int)first,
                  (int)last);
    ck_assert_str_eq(expected->curve, again.curve);
    ck_assert_int_eq(expected->result.best_step, again.result.best_step);
    ck_assert(expected->result.values[0] == again.result.values[0]);
    net_free(again.n);
}

START_TEST(same_bytes_for_any_threads_and_after_interruption) {
    trainer_config config = base_config(10);
    config.warmup = 3;
    outcome one = trained(config, 1, 0, 0);
    static const int runs[][3] = {{2, 0, 0}, {3, 0, 0}, {2, 3, 3}, {1, 4, 4}, {1, 9, 9}, {2, 1, 9}};
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++)
        expect_same(&config, &one, runs[k][0], runs[k][1], runs[k][2]);
    net_free(one.n);
}
END_TEST

/* The loss falls, then rises: what remains are the weights of the best validation, wherever the run paused.
 */
START_TEST(early_stopping_keeps_the_best_weights) {
    double found;
    trainer_config config = base_config(60);
    config.patience = 2;
    config.schedule = TRAINER_CONSTANT;
    task_of_test.turn_step = 12;
    outcome straight = trained(config, 1, 0, 0);
    const trainer_result *r = &straight.result;
    const int64_t best = r->best_step; /* Adam's momentum may carry it a little beyond the turn */
    ck_assert_msg(best == 12 || best == 16, "best step %d", (int)best);
    ck_assert_int_eq(r->steps, best + 8);
    ck_assert(r->best_loss < r->last_loss && r->values[0] == r->best_loss);
    toy_validate(NULL, straight.n, &found);
    ck_assert(found == r->best_loss);
    for (int64_t pause = best - 3; pause <= best + 6; pause += 3) /* before, at and after the best */
        expect_same(&config, &straight, 2 - (int)pause % 2, pause, pause);
    expect_same(&config, &straight, 2, 1, best + 7);
    config.patience = 0;
    config.steps = 24;
    outcome all = trained(config, 2, 0, 0);
    ck_assert_int_eq(all.result.steps, 24);
    ck_assert_int_eq(all.result.best_step, best);
    ck_assert(all.result.values[0] == all.result.last_loss && all.result.last_loss > r->best_loss);
    net_free(all.n);
    net_free(straight.n);
}
END_TEST

START_TEST(schedules_set_the_rate) {
    trainer_config c = {.steps = 110, .warmup = 10, .rate = 2.0, .schedule = TRAINER_CONSTANT};
    static const struct {
        trainer_schedule schedule;
        int step;
        double rate;
    } expected[] = {{TRAINER_CONSTANT, 0, 0.2},   {TRAINER_CONSTANT, 4, 1.0},
                    {TRAINER_CONSTANT, 9, 2.0},   {TRAINER_CONSTANT, 10, 2.0},
                    {TRAINER_CONSTANT, 109, 2.0}, {TRAINER_COSINE, 4, 1.0},
                    {TRAINER_COSINE, 10, 2.0},    {TRAINER_COSINE, 35, 1.0 + M_SQRT1_2},
                    {TRAINER_COSINE, 60, 1.0},    {TRAINER_COSINE, 110, 0.0},
                    {TRAINER_STEP, 9, 2.0},       {TRAINER_STEP, 59, 2.0},
                    {TRAINER_STEP, 60, 0.2},      {TRAINER_STEP, 84, 0.2},
                    {TRAINER_STEP, 85, 0.02}};
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        c.schedule = expected[k].schedule;
        double rate = trainer_rate(&c, expected[k].step);
        ck_assert_msg(fabs(rate - expected[k].rate) < 1e-12, "schedule %d, step %d: rate %g, expected %g",
                      (int)c.schedule, expected[k].step, rate, expected[k].rate);
    }
}
END_TEST

/* Rate, schedule, warm-up and clipping reach the weights. */
START_TEST(settings_change_the_weights) {
    trainer_config base = base_config(6);
    outcome straight = trained(base, 2, 0, 0);
    for (int k = 0; k < 5; k++) {
        trainer_config other = base;
        if (k < 2)
            other.schedule = k ? TRAINER_STEP : TRAINER_CONSTANT;
        if (k == 2)
            other.warmup = 2;
        if (k == 3)
            other.clip = 0.01;
        if (k == 4)
            other.rate = 1e-3;
        outcome changed = trained(other, 2, 0, 0);
        ck_assert_msg(!same_weights(&straight, &changed), "setting %d makes no difference", k);
        net_free(changed.n);
    }
    net_free(straight.n);
}
END_TEST

/* A deadline that is over lets each call take one step. */
START_TEST(a_deadline_pauses_the_training) {
    trainer_config config = base_config(4);
    trainer_result result = {0};
    outcome straight = trained(config, 2, 0, 0);
    scratch_set_up();
    config.deadline = clock_seconds();
    net *n = NULL;
    for (int call = 1; call <= 4; call++) {
        net_free(n);
        n = small_net();
        ck_assert_msg(train(n, &config, &result) == 0, "%s", err_message());
        ck_assert_int_eq(result.steps, call);
        ck_assert_int_eq(result.finished, call == 4);
    }
    ck_assert_int_eq(memcmp(n->values, straight.n->values, n->param_floats * sizeof(float)), 0);
    config.deadline = clock_seconds() + 3600.0;
    scratch_tear_down();
    outcome unhurried = trained(config, 2, 0, 0);
    ck_assert(same_weights(&straight, &unhurried));
    net_free(unhurried.n);
    net_free(straight.n);
    net_free(n);
}
END_TEST

START_TEST(the_log_tells_the_progress) {
    char *text = NULL;
    size_t size;
    int lines = 0;
    trainer_config config = base_config(8);
    config.log = open_memstream(&text, &size);
    scratch_set_up();
    net *n = small_net();
    ck_assert_msg(train(n, &config, NULL) == 0, "%s", err_message());
    fclose(config.log);
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    ck_assert_msg(lines == 2 && strstr(text, "12/24 images") && strstr(text, "24/24 images") &&
                      strstr(text, " images/s") && strstr(text, " left") && strstr(text, "loss 0.") &&
                      strstr(text, "validation "),
                  "%s", text);
    free(text);
    net_free(n);
    scratch_tear_down();
}
END_TEST

START_TEST(training_reduces_the_loss) {
    double before;
    net *n = small_net();
    toy_validate(NULL, n, &before);
    net_free(n);
    outcome o = trained(base_config(60), 2, 0, 0);
    ck_assert_msg(o.result.values[0] < 0.6 * before, "loss %g before, %g after", before, o.result.values[0]);
    ck_assert_msg(o.result.train_loss < before, "training loss %g", o.result.train_loss);
    net_free(o.n);
}
END_TEST

START_TEST(checkpoint_of_other_settings_is_refused) {
    scratch_set_up();
    net *n = small_net();
    trainer_config config = base_config(10);
    config.settings = "steps=10 patch=16 rate=1";
    config.stop_after = 4;
    ck_assert_int_eq(train(n, &config, NULL), 0);
    config.settings = "steps=10 patch=8 rate=1 more=2";
    ck_assert_int_eq(train(n, &config, NULL), -1);
    ck_assert_msg(strstr(err_message(), "checkpoint.h5") && strstr(err_message(), "(patch=16)") &&
                      strstr(err_message(), "(patch=8 more=2)"),
                  "%s", err_message());
    char path[128];
    snprintf(path, sizeof path, "%s/checkpoint.h5", folder);
    ck_assert_int_eq(truncate(path, 2000), 0);
    ck_assert_int_eq(train(n, &config, NULL), -1);
    ck_assert_msg(strstr(err_message(), "checkpoint.h5") && strstr(err_message(), "truncated"), "%s",
                  err_message());
    net_free(n);
    scratch_tear_down();
}
END_TEST

START_TEST(loss_that_is_not_finite_stops_and_keeps_the_checkpoint) {
    scratch_set_up();
    net *n = small_net();
    trainer_config config = base_config(10);
    task_of_test.poison_step = 0;
    ck_assert_int_eq(train(n, &config, NULL), -1);
    ck_assert_msg(strstr(err_message(), "step 0,") && strstr(err_message(), "no checkpoint yet"), "%s",
                  err_message());
    net_free(n);
    n = small_net();
    task_of_test.poison_step = 5;
    ck_assert_int_eq(train(n, &config, NULL), -1);
    ck_assert_msg(strstr(err_message(), "step 5,") && strstr(err_message(), "learning rate 0.001;") &&
                      strstr(err_message(), "checkpoint.h5"),
                  "%s", err_message());
    net_free(n);
    n = small_net();
    task_of_test.poison_step = -1;
    ck_assert_msg(train(n, &config, NULL) == 0, "%s", err_message()); /* resumes from step 4 */
    for (size_t k = 0; k < n->param_floats; k++)
        ck_assert(isfinite(n->values[k]));
    net_free(n);
    scratch_tear_down();
}
END_TEST

Suite *suite_trainer(void) {
    Suite *s = suite_create("trainer");
    TCase *t = tcase_create("trainer");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, same_bytes_for_any_threads_and_after_interruption);
    tcase_add_test(t, early_stopping_keeps_the_best_weights);
    tcase_add_test(t, schedules_set_the_rate);
    tcase_add_test(t, settings_change_the_weights);
    tcase_add_test(t, a_deadline_pauses_the_training);
    tcase_add_test(t, the_log_tells_the_progress);
    tcase_add_test(t, training_reduces_the_loss);
    tcase_add_test(t, checkpoint_of_other_settings_is_refused);
    tcase_add_test(t, loss_that_is_not_finite_stops_and_keeps_the_checkpoint);
    suite_add_tcase(s, t);
    return s;
}
