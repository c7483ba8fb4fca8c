/* Intervals against scipy.stats; matched comparisons against values worked out by hand. */
#include "suites.h"

#include "core/error.h"
#include "io/h5.h"
#include "stats/interval.h"
#include "stats/matched.h"

#include <math.h>
#include <string.h>

#define GOLDEN "tests/golden/metrics.h5" /* see golden/make_metrics_golden.py */
#define SAMPLE 13
#define PAIRS 9

static float sample[SAMPLE], sample_summary[6], pairs[PAIRS][2], pairs_summary[3];

static void read_golden(void) {
    h5_file *file = h5_open(GOLDEN);
    ck_assert_msg(file != NULL, "%s", err_message());
    const hsize_t thirteen[] = {SAMPLE}, six[] = {6}, three[] = {3}, table[] = {PAIRS, 2};
    int failed = h5_read_f32(file, "sample", 1, thirteen, sample);
    failed |= h5_read_f32(file, "sample_summary", 1, six, sample_summary);
    failed |= h5_read_f32(file, "pairs", 2, table, pairs[0]);
    failed |= h5_read_f32(file, "pairs_summary", 1, three, pairs_summary);
    h5_close(file);
    ck_assert_msg(!failed, "%s", err_message());
}

static void assert_close(double found, double expected) {
    ck_assert_msg(fabs(found - expected) <= 1e-6 * fabs(expected), "found %.9g, expected %.9g", found,
                  expected);
}

START_TEST(t_interval_agrees_with_scipy) {
    double values[SAMPLE];
    for (int i = 0; i < SAMPLE; i++)
        values[i] = sample[i];
    interval found;
    double sd;
    ck_assert_int_eq(interval_of_mean(values, SAMPLE, 0.95, &found, &sd), 0);
    assert_close(found.estimate, sample_summary[0]);
    assert_close(sd, sample_summary[1]);
    assert_close(found.low, sample_summary[2]);
    assert_close(found.high, sample_summary[3]);
    ck_assert_int_eq(interval_of_mean(values, SAMPLE, 0.99, &found, NULL), 0);
    assert_close(found.low, sample_summary[4]);
    assert_close(found.high, sample_summary[5]);
}
END_TEST

START_TEST(t_interval_rejects_bad_input) {
    double values[3] = {1.0, 2.0, 4.0};
    interval found;
    ck_assert_int_eq(interval_of_mean(values, 2, 0.95, &found, NULL), 0);
    ck_assert_int_eq(interval_of_mean(values, 1, 0.95, &found, NULL), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "expected at least 2"));
    const double bad_confidence[] = {0.0, 1.0, -0.5, 95.0, NAN};
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(interval_of_mean(values, 3, bad_confidence[i], &found, NULL), -1);
    values[1] = NAN;
    ck_assert_int_eq(interval_of_mean(values, 3, 0.95, &found, NULL), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "value 2 of 3"));
    values[1] = INFINITY;
    ck_assert_int_eq(interval_of_mean(values, 3, 0.95, &found, NULL), -1);
}
END_TEST

START_TEST(matched_value_interpolates_at_the_first_crossing) {
    /* SSIM dips below .8, comes back and falls again */
    const double ssim[] = {1.0, 0.9, 0.7, 0.85, 0.5}, ssfd[] = {0.0, 1.0, 2.0, 3.0, 10.0};
    const struct {
        double target, expected;
    } cases[] = {{1.0, 0.0}, {0.95, 0.5}, {0.9, 1.0}, {0.8, 1.5}, {0.7, 2.0}, {0.6, 3.0 + 7.0 * 0.25 / 0.35},
                 {0.5, 10.0}};
    double value;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(matched_value(ssim, ssfd, 5, cases[i].target, &value), 0);
        ck_assert_double_eq_tol(value, cases[i].expected, 1e-12);
    }
    ck_assert_int_eq(matched_value(ssim, ssfd, 5, 0.49, &value), 0);
    ck_assert_double_nan(value);
}
END_TEST

START_TEST(matched_value_rejects_bad_input) {
    double ssim[] = {1.0, 0.5}, ssfd[] = {0.0, 1.0}, value;
    ck_assert_int_eq(matched_value(ssim, ssfd, 1, 0.8, &value), -1);
    ck_assert_int_eq(matched_value(ssim, ssfd, 2, NAN, &value), -1);
    ssfd[1] = NAN;
    ck_assert_int_eq(matched_value(ssim, ssfd, 2, 0.8, &value), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "level 1"));
}
END_TEST

START_TEST(ratio_agrees_with_scipy) {
    /* two incomplete pairs, which must not count */
    double a[PAIRS + 2] = {NAN, 3.0}, b[PAIRS + 2] = {2.0, NAN};
    for (int i = 0; i < PAIRS; i++) {
        a[i + 2] = pairs[i][0];
        b[i + 2] = pairs[i][1];
    }
    interval found, swapped;
    size_t n;
    ck_assert_int_eq(matched_log_ratio(a, b, PAIRS + 2, 0.95, &found, &n), 0);
    ck_assert_uint_eq(n, PAIRS);
    assert_close(found.estimate, pairs_summary[0]);
    assert_close(found.low, pairs_summary[1]);
    assert_close(found.high, pairs_summary[2]);
    ck_assert_int_eq(matched_log_ratio(b, a, PAIRS + 2, 0.95, &swapped, &n), 0);
    assert_close(swapped.estimate, 1.0 / found.estimate);
    assert_close(swapped.low, 1.0 / found.high);
}
END_TEST

START_TEST(ratio_rejects_bad_input) {
    double a[] = {1.0, 2.0, NAN}, b[] = {1.0, NAN, 3.0};
    interval found;
    size_t n;
    ck_assert_int_eq(matched_log_ratio(a, b, 3, 0.95, &found, &n), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "1 of 3 pairs are complete"));
    ck_assert_int_eq(matched_log_ratio(a, b, 0, 0.95, &found, &n), -1);
    b[1] = 0.0;
    ck_assert_int_eq(matched_log_ratio(a, b, 3, 0.95, &found, &n), -1);
    b[1] = INFINITY;
    ck_assert_int_eq(matched_log_ratio(a, b, 3, 0.95, &found, &n), -1);
    b[1] = -2.0;
    a[1] = -2.0;
    ck_assert_int_eq(matched_log_ratio(a, b, 3, 0.95, &found, &n), -1);
}
END_TEST

START_TEST(verdicts_follow_from_the_interval) {
    ck_assert_str_eq(interval_verdict_below((interval){0.5, 0.1, 0.9}, 1.0), "reproduced");
    ck_assert_str_eq(interval_verdict_below((interval){0.5, 1.1, 1.9}, 1.0), "not reproduced");
    ck_assert_str_eq(interval_verdict_below((interval){0.5, 0.1, 1.0}, 1.0), "undecided");
    ck_assert_str_eq(interval_verdict_below((interval){0.5, 1.0, 1.1}, 1.0), "undecided");
    ck_assert_str_eq(interval_verdict_below((interval){0.5, NAN, 0.5}, 1.0), "undecided");
    ck_assert_str_eq(interval_verdict_below((interval){0.5, 1.5, NAN}, 1.0), "undecided");
}
END_TEST

Suite *suite_stats(void) {
    Suite *suite = suite_create("stats");
    TCase *tcase = tcase_create("stats");
    tcase_add_checked_fixture(tcase, read_golden, NULL);
    tcase_add_test(tcase, t_interval_agrees_with_scipy);
    tcase_add_test(tcase, t_interval_rejects_bad_input);
    tcase_add_test(tcase, matched_value_interpolates_at_the_first_crossing);
    tcase_add_test(tcase, matched_value_rejects_bad_input);
    tcase_add_test(tcase, ratio_agrees_with_scipy);
    tcase_add_test(tcase, ratio_rejects_bad_input);
    tcase_add_test(tcase, verdicts_follow_from_the_interval);
    suite_add_tcase(suite, tcase);
    return suite;
}
