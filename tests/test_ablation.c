/* The ablation: networks of other pretext tasks, compared. */
#include "core/csv.h"
#include "core/error.h"
#include "suites.h"
#include "support.h"
#include <math.h>
#include <unistd.h>

#define SWEEP                                                                                                \
    "perturbation_sweep --cohort @/cohort --levels 6 --perturbations pixel_shift,gaussian_blur --weights @/"

/* Two networks of a few steps, and a sweep of each, on a cohort of small images. */
static void make_networks(void) {
    expect_done("prepare_scans --weights tests/golden/recon_unet.h5 --complex --out @/cohort --records "
                "@/records --size 64 --test 5 --train 3 --val 2 --train-slices 2 --val-slices 2 --threads 2");
    expect_done("train_ssl --cohort @/cohort --steps 2 --batch 2 --validation-slices 2 --records @/records "
                "--out @/small --patch 4 --coverage 0.1");
    expect_done("train_ssl --cohort @/cohort --steps 3 --batch 2 --validation-slices 2 --records @/records "
                "--out @/large --patch 8 --coverage 0.5");
    expect_done(SWEEP "small/weights.h5 --out @/small");
    expect_done(SWEEP "large/weights.h5 --out @/large");
}

START_TEST(networks_are_compared) {
    static const char *const measures[] = {"ssim_correlation", "shift_to_gaussian_blur",
                                           "shift_to_gaussian_noise"};
    make_networks();
    expect_done("ablation --cohort @/cohort --out @/one --threads 1 @/small @/large/");
    expect_done("ablation --cohort @/cohort --out @/two --threads 2 @/small @/large/");
    ck_assert(same_file("one/ablation.csv", "two/ablation.csv"));
    csv_table *t = csv_table_read(in_folder("one/ablation.csv"));
    ck_assert_msg(t != NULL, "%s", err_message());
    ck_assert_uint_eq(t->rows, 6);
    for (size_t row = 0; row < 6; row++) {
        ck_assert_str_eq(csv_table_text(t, row, csv_table_column(t, "network")), row < 3 ? "small" : "large");
        ck_assert_str_eq(csv_table_text(t, row, csv_table_column(t, "measure")), measures[row % 3]);
        ck_assert_double_eq(table_number(t, row, "patch_pixels"), row < 3 ? 4 : 8);
        ck_assert_double_eq_tol(table_number(t, row, "coverage_percent"), row < 3 ? 10 : 50, 1e-9);
        ck_assert_double_eq(table_number(t, row, "training_steps"), row < 3 ? 2 : 3);
        double r = table_number(t, row, "estimate");
        if (row % 3 == 0)
            ck_assert(r >= -1.0 && r <= 1.0 && table_number(t, row, "ci_low") <= r &&
                      r <= table_number(t, row, "ci_high"));
        if (row % 3 == 2) /* was not swept */
            ck_assert(isnan(r) && table_number(t, row, "n_scans") == 0);
        if (row % 3 == 1)
            ck_assert(r > 0.0 && table_number(t, row, "n_scans") >= 3);
    }
    ck_assert(table_number(t, 0, "estimate") != table_number(t, 3, "estimate"));
    csv_table_free(t);
    expect_figure("ablation", "one");
}
END_TEST

START_TEST(ablation_rejects_bad_input) {
    make_networks();
    expect_failure("ablation --cohort @/cohort --out @/x", 2, "NETWORK", "");
    expect_failure("ablation --cohort @/cohort --out @/x @/nowhere", 1, "nowhere/weights.h5", "");
    expect_failure("ablation --cohort @/cohort --out @/x tests/golden", 1, "tests/golden/weights.h5", "");
    expect_failure("ablation --cohort @/cohort --out @/x @/small @/large @/small", 1,
                   "small/weights.h5: the same weights as", "small/weights.h5");
    expect_failure("ablation --cohort @/cohort --out @/x @/small @/other/small", 1, "other/small/weights.h5",
                   "");
    ck_assert_int_eq(run_after("mkdir ", "@/other && cp -r @/large @/other/small"), 0);
    expect_failure("ablation --cohort @/cohort --out @/x @/small @/other/small", 1,
                   "other/small/weights.h5: the folder has the same name", "small/weights.h5");
    expect_done(SWEEP "small/weights.h5 --out @/large");
    expect_failure("ablation --cohort @/cohort --out @/x @/small @/large", 1,
                   "large/perturbation_sweep_claims.csv", "sweep of other weights");
    ck_assert_int_ne(access(in_folder("x/ablation.csv"), R_OK), 0);
    ck_assert_int_eq(access(in_folder("x/.ablation_small.unfinished.h5"), R_OK), 0);
    expect_done(
        "prepare_scans --no-reconstruction --out @/cohort2 --records @/records --size 64 --test 5 --seed 7 "
        "--train 1 --val 1");
    expect_done("perturbation_sweep --cohort @/cohort2 --levels 2 --perturbations pixel_shift --weights "
                "@/large/weights.h5 --out @/large");
    expect_failure("ablation --cohort @/cohort --out @/x @/small @/large", 1,
                   "large/perturbation_sweep_claims.csv", "sweep of other images");
    expect_done(SWEEP "large/weights.h5 --out @/large");
    ck_assert_int_eq(
        run_after("sed -i 's/^# cohort: .*/# cohort: another/' ", "@/large/perturbation_sweep_claims.csv"),
        0);
    expect_failure("ablation --cohort @/cohort --out @/x @/small @/large", 1,
                   "large/perturbation_sweep_claims.csv", "sweep of another cohort");
    expect_done(SWEEP "large/weights.h5 --out @/large");
    expect_done("ablation --cohort @/cohort --out @/x @/small @/large");
    ck_assert_int_ne(access(in_folder("x/.ablation_small.unfinished.h5"), R_OK), 0);
}
END_TEST

Suite *suite_ablation(void) {
    Suite *s = suite_create("ablation");
    TCase *t = tcase_create("ablation");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, networks_are_compared);
    tcase_add_test(t, ablation_rejects_bad_input);
    suite_add_tcase(s, t);
    return s;
}
