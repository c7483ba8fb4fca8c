/* What a sweep says of the poster's claims, from curves made by hand. */
#include "suites.h"

#include "core/csv.h"
#include "core/error.h"
#include "metrics/metric_set.h"
#include "study/claim.h"
#include "study/sweep_claims.h"
#include "support.h"

#include <math.h>
#include <string.h>

/* Not in the order of the registry: they have to be found by name. */
enum { NOISE, SHIFT, BLUR, PERTURBATIONS };
enum { SSFD, SSIM, PSNR, NRMSE, FOREGROUND, VGG, RANDOM, METRICS };
enum { SCANS = 4, MANY_SCANS = 8, LEVELS = 3 };

static const perturbation list[PERTURBATIONS] = {{.name = "gaussian_noise", .title = "Gaussian noise"},
                                                 {.name = "pixel_shift", .title = "Pixel shift"},
                                                 {.name = "gaussian_blur", .title = "Gaussian blur"}};
static const perturbation *const pointers[PERTURBATIONS] = {&list[NOISE], &list[SHIFT], &list[BLUR]};
static metric_set metrics;
static int with_baselines[MANY_SCANS];
static double values[MANY_SCANS * PERTURBATIONS * LEVELS * METRICS];

/* Distances of half and of one and a half times `mean`; level 0 has what must not be counted. */
static void set(const sweep_curves *c, int scan, int p, int metric, double mean) {
    int is_ssim = metric == SSIM || metric == FOREGROUND;
    sweep_curve_at(c, scan, p, 0)[metric] = is_ssim ? 1.0 : 1000.0;
    for (int level = 1; level < LEVELS; level++) {
        double distance = (level - 0.5) * mean;
        sweep_curve_at(c, scan, p, level)[metric] = is_ssim ? 1.0 - distance : distance;
    }
}

/* R of a scan: SSFD 2 / sqrt(8 * 2) = 0.5, halved for every second scan, SSIM 1, that of the foreground 0.8,
 * NRMSE 0.25, VGG 0.5. PSNR is infinite: not used. SSIM is 0.8 in the middle between the last two levels,
 * that of the foreground under a shift after three quarters of the way. */
static sweep_curves make_curves(int scans) {
    static const char *const keys[METRICS] = {"ssfd",   "ssim",       "psnr_db", "nrmse", "ssim_foreground",
                                              "vgg_pl", "ssfd_random"};
    sweep_curves c = {.scans = scans,
                      .perturbations = PERTURBATIONS,
                      .levels = LEVELS,
                      .perturbation = pointers,
                      .metrics = &metrics,
                      .ssfd = SSFD,
                      .against = SSIM,
                      .has_requested = with_baselines,
                      .values = values};
    metrics.count = METRICS;
    for (int m = 0; m < METRICS; m++) {
        const metric *type = metric_find(keys[m]);
        metrics.entry[m] =
            (metric_entry){.type = type, .label = metric_label_of(type), .on_request = m >= VGG};
    }
    static const double means[PERTURBATIONS][METRICS] = {{2.0, 0.2, INFINITY, 0.2, 0.2, 9.0, 1.0},
                                                         {2.0, 0.2, INFINITY, 0.1, 0.16, 3.0, 1.0},
                                                         {8.0, 0.2, INFINITY, 0.8, 0.2, 4.0, 1.0}};
    for (int scan = 0; scan < scans; scan++) {
        with_baselines[scan] = 1;
        for (int p = 0; p < PERTURBATIONS; p++)
            for (int m = 0; m < METRICS; m++)
                set(&c, scan, p, m, means[p][m] * (m == SSFD && p == SHIFT && scan % 2 ? 0.5 : 1.0));
    }
    return c;
}

START_TEST(robustness_ratios_by_hand) {
    sweep_curves c = make_curves(SCANS);
    const double expected[] = {0.5, 1.0, 0.25, 0.25, 0.8, 0.5, 1.0};
    double ratio[SCANS];
    for (int m = 0; m < METRICS; m++) {
        ck_assert_int_eq(sweep_robustness(&c, m, ratio), 0);
        ck_assert_double_eq_tol(ratio[0], expected[m], 1e-12);
        ck_assert_double_eq_tol(ratio[1], expected[m] * (m == SSFD ? 0.5 : 1.0), 1e-12);
    }
    set(&c, 0, NOISE, SSIM, 0.05);
    ck_assert_int_eq(sweep_robustness(&c, SSIM, ratio), 0);
    ck_assert_double_eq_tol(ratio[0], 2.0, 1e-12);
    /* no response, no ratio */
    set(&c, 2, SHIFT, VGG, 0.0);
    set(&c, 3, BLUR, VGG, NAN);
    ck_assert_int_eq(sweep_robustness(&c, VGG, ratio), 0);
    ck_assert(ratio[1] > 0.0 && isnan(ratio[2]) && isnan(ratio[3]));
}
END_TEST

/* Logarithms of the ratios to SSIM: log 0.5 and log 0.25, twice each; t(3) = 3.182446. */
START_TEST(robustness_is_compared_scan_by_scan) {
    sweep_curves c = make_curves(SCANS);
    interval r;
    size_t n;
    double half = 3.182446305 * log(2.0) / sqrt(3.0) / 2.0;
    ck_assert_int_eq(sweep_compare_robustness(&c, SSIM, &r, &n), 1);
    ck_assert_uint_eq(n, SCANS);
    ck_assert_double_eq_tol(r.estimate, 0.5 * sqrt(0.5), 1e-12);
    ck_assert_double_eq_tol(r.low, r.estimate * exp(-half), 1e-8);
    ck_assert_double_eq_tol(r.high, r.estimate * exp(half), 1e-8);
    /* what differs between scans in the same way cancels */
    for (int scan = 1; scan < SCANS; scan += 2)
        set(&c, scan, SHIFT, VGG, 1.5);
    ck_assert_int_eq(sweep_compare_robustness(&c, VGG, &r, &n), 1);
    ck_assert_double_eq_tol(r.estimate, 1.0, 1e-12);
    ck_assert_double_eq_tol(r.low, r.high, 1e-12);
}
END_TEST

/* Baselines of three of the scans: their number; of two: no statement. */
START_TEST(robustness_counts_what_was_computed) {
    sweep_curves c = make_curves(SCANS);
    interval r;
    size_t n;
    for (int scan = 0; scan < 2; scan++) {
        with_baselines[scan] = 0;
        for (int p = 0; p < PERTURBATIONS; p++)
            set(&c, scan, p, VGG, NAN);
        ck_assert_int_eq(sweep_compare_robustness(&c, VGG, &r, &n), scan == 0);
        if (scan == 0)
            ck_assert_uint_eq(n, SCANS - 1);
    }
    c.perturbations = SHIFT; /* the sweep had no shifts */
    double ratio[SCANS];
    ck_assert_int_eq(sweep_compare_robustness(&c, SSIM, &r, &n), 0);
    ck_assert_int_eq(sweep_robustness(&c, SSIM, ratio), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "pixel_shift"));
}
END_TEST

/* In the middle between the last two levels a distance is its mean. */
START_TEST(ratios_at_equal_ssim_by_hand) {
    sweep_curves c = make_curves(SCANS);
    interval r;
    size_t n;
    ck_assert_int_eq(sweep_compare_at_ssim(&c, SSFD, 0, SHIFT, BLUR, 0.8, &r, &n), 1);
    ck_assert_uint_eq(n, SCANS);
    ck_assert_double_eq_tol(r.estimate, 0.25 * sqrt(0.5), 1e-12);
    with_baselines[1] = 0;
    ck_assert_int_eq(sweep_compare_at_ssim(&c, SSFD, 1, SHIFT, BLUR, 0.8, &r, &n), 1);
    ck_assert_uint_eq(n, SCANS - 1);
    /* two of the other three do not get there */
    set(&c, 2, BLUR, SSIM, 0.01);
    set(&c, 3, SHIFT, SSIM, 0.01);
    ck_assert_int_eq(sweep_compare_at_ssim(&c, SSFD, 1, SHIFT, BLUR, 0.8, &r, &n), 0);
    sweep_curve_at(&c, 0, BLUR, 1)[SSIM] = NAN;
    ck_assert_int_eq(sweep_compare_at_ssim(&c, SSFD, 0, SHIFT, BLUR, 0.8, &r, &n), -1);
}
END_TEST

/* Three of eight scans get there: too few to speak for all of them. Four do. */
START_TEST(fewer_than_half_of_the_scans_say_nothing) {
    sweep_curves c = make_curves(MANY_SCANS);
    interval r;
    size_t n;
    for (int scan = 4; scan < MANY_SCANS; scan++)
        set(&c, scan, BLUR, SSIM, 0.01);
    ck_assert_int_eq(sweep_compare_at_ssim(&c, SSFD, 0, SHIFT, BLUR, 0.8, &r, &n), 1);
    ck_assert_uint_eq(n, 4);
    set(&c, 3, BLUR, SSIM, 0.01);
    ck_assert_int_eq(sweep_compare_at_ssim(&c, SSFD, 0, SHIFT, BLUR, 0.8, &r, &n), 0);
}
END_TEST

/* ---------------------------------------------------------------- tables */

static csv_table *write_and_read(const sweep_curves *c, int (*write)(const sweep_curves *, csv_writer *)) {
    csv_writer *csv = csv_writer_open(in_folder("table.csv"));
    ck_assert_msg(csv && write(c, csv) == 0 && csv_writer_close(csv) == 0, "%s", err_message());
    csv_table *t = csv_table_read(path);
    ck_assert_msg(t != NULL, "%s", err_message());
    return t;
}

static void expect_row(const csv_table *t, size_t row, const char *key, const char *claim, const char *effect,
                       const char *verdict) {
    ck_assert_uint_lt(row, t->rows);
    ck_assert_str_eq(table_text(t, row, "key"), key);
    ck_assert_str_eq(table_text(t, row, "claim"), claim);
    ck_assert_str_eq(table_text(t, row, "effect"), effect);
    ck_assert_str_eq(table_text(t, row, "verdict"), verdict);
}

#define LESS "for what it reacts to blur and noise SSFD reacts less to pixel_shift than "

START_TEST(claims_have_one_row_each) {
    sweep_curves c = make_curves(SCANS);
    csv_table *t = write_and_read(&c, sweep_write_claims);
    ck_assert_uint_eq(t->rows, 5);
    expect_row(t, 0, "shift_to_gaussian_blur",
               "at equal SSIM (0.80) SSFD reacts less to pixel_shift than to gaussian_blur",
               "ratio of SSFD (pixel_shift / gaussian_blur)", "reproduced");
    expect_row(t, 1, "shift_to_gaussian_noise",
               "at equal SSIM (0.80) SSFD reacts less to pixel_shift than to gaussian_noise",
               "ratio of SSFD (pixel_shift / gaussian_noise)", "undecided");
    expect_row(t, 2, "robustness_ssim", LESS "SSIM", "ratio of robustness ratios (ssfd / ssim)",
               "reproduced");
    expect_row(t, 3, "robustness_psnr_db", LESS "PSNR (dB)", "ratio of robustness ratios (ssfd / nrmse)",
               "undecided");
    expect_row(t, 4, "robustness_vgg_pl", LESS "VGG-PL", "ratio of robustness ratios (ssfd / vgg_pl)",
               "undecided");
    ck_assert_str_eq(table_text(t, 2, "n"), "4");
    ck_assert_str_eq(table_text(t, 2, "estimate"), "0.353553");
    csv_table_free(t);
    /* with the other SSIM: 2.5 / 8 and 2.5 / 2, and 0.5 / 0.8, each halved for every second scan */
    c.against = FOREGROUND;
    t = write_and_read(&c, sweep_write_claims);
    ck_assert_uint_eq(t->rows, 6);
    expect_row(t, 0, "shift_to_gaussian_blur",
               "at equal SSIM (foreground) (0.80) SSFD reacts less to pixel_shift than to gaussian_blur",
               "ratio of SSFD (pixel_shift / gaussian_blur)", "reproduced");
    ck_assert_str_eq(table_text(t, 0, "estimate"), "0.220971");
    ck_assert_str_eq(table_text(t, 1, "estimate"), "0.883883");
    expect_row(t, 4, "robustness_ssim_foreground", LESS "SSIM (foreground)",
               "ratio of robustness ratios (ssfd / ssim_foreground)", "reproduced");
    ck_assert_str_eq(table_text(t, 4, "estimate"), "0.441942");
    csv_table_free(t);
    c.against = SSIM;
    /* the other way round; too few baselines: no row */
    for (int scan = 0; scan < SCANS; scan++)
        set(&c, scan, SHIFT, NRMSE, 0.01);
    set(&c, 0, NOISE, VGG, NAN);
    set(&c, 1, NOISE, VGG, NAN);
    t = write_and_read(&c, sweep_write_claims);
    ck_assert_uint_eq(t->rows, 4);
    expect_row(t, 3, "robustness_psnr_db", LESS "PSNR (dB)", "ratio of robustness ratios (ssfd / nrmse)",
               "not reproduced");
    csv_table_free(t);
    c.perturbations = SHIFT;
    t = write_and_read(&c, sweep_write_claims);
    ck_assert_uint_eq(t->rows, 0);
    csv_table_free(t);
}
END_TEST

START_TEST(a_claim_is_read_back_by_its_key) {
    const claim written = {.key = "robustness_x",
                           .text = "reacts less, \"x\" says",
                           .effect = "ratio",
                           .value = {0.123456789, NAN, 2.0},
                           .n = 7,
                           .test = "by hand",
                           .verdict = "undecided"};
    csv_writer *csv = csv_writer_open(in_folder("table.csv"));
    claim_list list;
    claim_write_header(csv);
    claim_write(csv, &written, 6);
    ck_assert_int_eq(csv_writer_close(csv), 0);
    ck_assert_msg(claim_list_read(&list, path) == 0, "%s", err_message());
    ck_assert_ptr_null(claim_list_find(&list, "robustness"));
    const claim *found = claim_list_find(&list, "robustness_x");
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->text, written.text);
    ck_assert_str_eq(found->test, written.test);
    ck_assert_str_eq(found->verdict, written.verdict);
    ck_assert_uint_eq(found->n, 7);
    ck_assert(found->value.estimate == 0.123457 && isnan(found->value.low) && found->value.high == 2.0);
    claim_list_free(&list);
}
END_TEST

/* SSFD and both baselines, against blur and noise, at 0.95, 0.9, 0.8 and 0.7, all of which the scans get to.
 */
START_TEST(baselines_are_compared_at_each_ssim) {
    sweep_curves c = make_curves(SCANS);
    csv_table *t = write_and_read(&c, sweep_write_baselines);
    ck_assert_uint_eq(t->rows, 3 * 2 * 4);
    ck_assert_str_eq(table_text(t, 2, "metric"), "ssfd");
    ck_assert_str_eq(table_text(t, 2, "other"), "gaussian_blur");
    ck_assert_str_eq(table_text(t, 2, "ssim"), "0.80");
    ck_assert_str_eq(table_text(t, 2, "ratio"), "0.176777");
    ck_assert_str_eq(table_text(t, 14, "metric"), "vgg_pl");
    ck_assert_str_eq(table_text(t, 14, "other"), "gaussian_noise");
    ck_assert_str_eq(table_text(t, 14, "ratio"), "0.333333");
    ck_assert_str_eq(table_text(t, 14, "other_title"), "Gaussian noise");
    ck_assert_str_eq(table_text(t, 23, "metric_title"), "SSFD (random weights)");
    csv_table_free(t);
}
END_TEST

Suite *suite_sweep_claims(void) {
    Suite *suite = suite_create("sweep_claims");
    TCase *tcase = tcase_create("sweep_claims");
    tcase_add_checked_fixture(tcase, scratch_set_up, scratch_tear_down);
    tcase_add_test(tcase, robustness_ratios_by_hand);
    tcase_add_test(tcase, robustness_is_compared_scan_by_scan);
    tcase_add_test(tcase, robustness_counts_what_was_computed);
    tcase_add_test(tcase, ratios_at_equal_ssim_by_hand);
    tcase_add_test(tcase, fewer_than_half_of_the_scans_say_nothing);
    tcase_add_test(tcase, claims_have_one_row_each);
    tcase_add_test(tcase, a_claim_is_read_back_by_its_key);
    tcase_add_test(tcase, baselines_are_compared_at_each_ssim);
    suite_add_tcase(suite, tcase);
    return suite;
}
