/* In-painting: harmonic interpolation against SciPy and against what is known of harmonic functions, the
 * panels of figures, and the program that compares the network with both baselines. */
#include "core/csv.h"
#include "core/error.h"
#include "core/image.h"
#include "core/rng.h"
#include "io/h5.h"
#include "io/panel.h"
#include "io/prepared.h"
#include "models/ssl_unet.h"
#include "pretext/harmonic_fill.h"
#include "pretext/ssl_mask.h"
#include "suites.h"
#include "support.h"
#include <math.h>
#include <unistd.h>

/* ---------------------------------------------------------------- harmonic interpolation */

enum { ROWS = 40, COLUMNS = 33, PIXELS = ROWS * COLUMNS, MASKS = 3 };

/* Patches inside, at a border and in a corner; nearly all pixels masked; all but one. */
START_TEST(harmonic_agrees_with_a_direct_solution) {
    static float image[PIXELS], out[PIXELS];
    static double expected[MASKS][PIXELS];
    static int32_t masks[MASKS][PIXELS];
    static unsigned char mask[PIXELS];
    const hsize_t dims[] = {MASKS, ROWS, COLUMNS};
    h5_file *f = h5_open("tests/golden/inpainting.h5"); /* see golden/make_inpainting_golden.py */
    ck_assert_msg(f != NULL, "%s", err_message());
    ck_assert_int_eq(h5_read_f32(f, "image", 2, dims + 1, image), 0);
    ck_assert_int_eq(h5_read_i32(f, "masks", 3, dims, masks[0]), 0);
    ck_assert_int_eq(h5_read_f64(f, "filled", 3, dims, expected[0]), 0);
    h5_close(f);
    for (int m = 0; m < MASKS; m++) {
        for (int k = 0; k < PIXELS; k++)
            mask[k] = (unsigned char)masks[m][k];
        ck_assert_msg(harmonic_fill(mask, image, ROWS, COLUMNS, out) == 0, "%s", err_message());
        for (int k = 0; k < PIXELS; k++)
            ck_assert_msg(mask[k] ? fabs((double)out[k] - expected[m][k]) <= 1e-6 * fabs(expected[m][k])
                                  : out[k] == image[k],
                          "mask %d, pixel %d: found %.9g, expected %.9g", m, k, (double)out[k],
                          expected[m][k]);
    }
}
END_TEST

static void mask_box(unsigned char *mask, int top, int left, int bottom, int right) {
    for (int y = top; y < bottom; y++)
        memset(mask + y * COLUMNS + left, 1, (size_t)(right - left));
}

/* A ramp is harmonic, a hole inside restores it; what the hole held is not read, and filling in place is
 * allowed. */
START_TEST(harmonic_restores_a_ramp) {
    float image[PIXELS], holed[PIXELS];
    unsigned char mask[PIXELS] = {0};
    mask_box(mask, 5, 4, 21, 20);
    mask_box(mask, 18, 15, 34, 31);
    for (int k = 0; k < PIXELS; k++) {
        image[k] = 3.0f + 0.25f * (float)(k % COLUMNS) - 0.5f * (float)(k / COLUMNS);
        holed[k] = mask[k] ? NAN : image[k];
    }
    ck_assert_msg(harmonic_fill(mask, holed, ROWS, COLUMNS, holed) == 0, "%s", err_message());
    for (int k = 0; k < PIXELS; k++)
        ck_assert_double_eq_tol((double)holed[k], (double)image[k], 1e-5);
}
END_TEST

/* An image that changes along x only goes on as a constant through a hole that reaches the left border:
 * mirrored there, it cannot slope. */
START_TEST(harmonic_is_mirrored_at_the_border) {
    float image[PIXELS], out[PIXELS];
    unsigned char mask[PIXELS] = {0};
    mask_box(mask, 0, 0, ROWS, 6);
    for (int k = 0; k < PIXELS; k++)
        image[k] = sinf(0.3f * (float)(k % COLUMNS));
    ck_assert_int_eq(harmonic_fill(mask, image, ROWS, COLUMNS, out), 0);
    for (int k = 0; k < PIXELS; k++)
        ck_assert_double_eq_tol((double)out[k], (double)image[mask[k] ? 6 : k], 1e-6);
}
END_TEST

START_TEST(harmonic_refuses_what_it_cannot_fill) {
    float image[PIXELS], out[PIXELS];
    unsigned char mask[PIXELS] = {0};
    for (int k = 0; k < PIXELS; k++)
        image[k] = cosf((float)k);
    ck_assert_int_eq(harmonic_fill(mask, image, ROWS, COLUMNS, out), 0);
    ck_assert_int_eq(memcmp(out, image, sizeof out), 0);
    memset(mask, 1, sizeof mask);
    ck_assert_int_eq(harmonic_fill(mask, image, ROWS, COLUMNS, out), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "all of the 40 x 33 pixels are masked"));
    memset(mask, 0, sizeof mask);
    mask_box(mask, 10, 10, 20, 20);
    image[10 * COLUMNS + 9] = NAN;
    ck_assert_int_eq(harmonic_fill(mask, image, ROWS, COLUMNS, out), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "not finite"));
}
END_TEST

/* ---------------------------------------------------------------- panels */

START_TEST(panels_are_grey_values_from_black_to_white) {
    float image[1001], grey[5];
    double white;
    for (int k = 0; k < 1001; k++)
        image[k] = (float)(k * 5 % 1001);
    ck_assert_int_eq(panel_white(image, 1001, &white), 0);
    ck_assert_double_eq_tol(white, 998.0, 1e-9);

    const float values[5] = {-3.0f, -1.0f, 0.0f, 3.0f, 4.0f}, expected[5] = {0.0f, 0.0f, 0.25f, 1.0f, 1.0f};
    ck_assert_msg(panel_write(in_folder("panels/a.f32"), values, 5, -1.0, 3.0) == 0, "%s", err_message());
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert(fread(grey, sizeof *grey, 5, f) == 5 && fgetc(f) == EOF);
    fclose(f);
    ck_assert_int_eq(memcmp(grey, expected, sizeof grey), 0);

    ck_assert_int_eq(panel_write(in_folder("panels/b.f32"), values, 5, 2.0, 2.0), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "b.f32"));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(panel_write(in_folder("panels/a.f32/c.f32"), values, 5, 0.0, 1.0), -1);
}
END_TEST

/* ---------------------------------------------------------------- the program */

#define GOLDEN "tests/golden/unet_plain.h5"
#define INPAINTING "inpainting --cohort @/cohort --weights " GOLDEN " "

/* Test scans of 64 x 64. */
static void make_cohort(void) {
    expect_done("prepare_scans --no-reconstruction --out @/cohort --records @/records --size 64 --split test "
                "--test 4 --test-slices 3 --threads 2");
}

static const char *const files[] = {"inpainting.csv",
                                    "inpainting_summary.csv",
                                    "panels/inpainting_examples.csv",
                                    "panels/inpainting_median_masked.f32",
                                    "panels/inpainting_median_network.f32",
                                    "panels/inpainting_median_original.f32",
                                    "panels/inpainting_worst_harmonic.f32",
                                    "panels/inpainting_worst_error.f32"};

START_TEST(inpainting_is_the_same_for_any_number_of_threads) {
    make_cohort();
    expect_done(INPAINTING "--slices 0 --threads 1 --out @/one");
    expect_done(INPAINTING "--slices 0 --threads 3 --out @/three");
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        char command[256];
        snprintf(command, sizeof command, "cmp %s/one/%s %s/three/%s", folder, files[k], folder, files[k]);
        ck_assert_int_eq(system(command), 0);
    }
    expect_done(INPAINTING "--slices 0 --seed 7 --out @/other");
    char *one = read_table("one/inpainting.csv"), *other = read_table("other/inpainting.csv");
    ck_assert(strstr(one, "# cohort: colin27-virtual\n") && strstr(one, "sha256 ") &&
              strstr(one, "# seed: 2022\n"));
    ck_assert_ptr_nonnull(strstr(other, "# seed: 7\n"));
    ck_assert_str_ne(strstr(one, "scan_id,"), strstr(other, "scan_id,"));
    free(one);
    free(other);
}
END_TEST

static void fill_by_network(const float *masked, int rows, int columns, float *filled) {
    net *n = model_load(GOLDEN, &model_ssl_unet);
    ck_assert_msg(n != NULL, "%s", err_message());
    net_state *state = net_state_create(n, rows, columns, net_layer_find(n, "output"), NET_INFER);
    ck_assert_msg(state != NULL, "%s", err_message());
    net_forward(state, masked, NULL);
    tensor_store(net_output(state, net_layer_find(n, "output")), filled);
    net_state_free(state);
    net_free(n);
}

/* Errors of network, harmonic interpolation and local mean in the middle slice of the second scan, the mask
 * drawn as training draws that of its validation. */
static void expected_errors(double *errors) {
    enum { N = 64 };
    float image[N * N], masked[N * N], filled[N * N];
    unsigned char mask[N * N];
    prepared_scan *scan = prepared_open(in_folder("cohort/test/colin27_test_0002.h5"));
    ck_assert_ptr_nonnull(scan);
    ck_assert_int_eq(prepared_read(scan, PREPARED_REFERENCE, 1, image), 0);
    prepared_close(scan);
    gsl_rng *rng = rng_stream(2022, RNG_MASK, rng_hash("colin27_test_0002"), 1);
    ck_assert_int_eq(image_zscore(image, N, N, image), 0);
    ck_assert_int_eq(ssl_mask_draw(&(ssl_mask_config){16, 0.25}, N, N, rng, mask), 0);
    gsl_rng_free(rng);
    ssl_mask_apply(mask, image, N * N, masked);
    fill_by_network(masked, N, N, filled);
    errors[0] = ssl_mask_mse(mask, filled, image, N * N);
    ck_assert_int_eq(harmonic_fill(mask, masked, N, N, filled), 0);
    errors[1] = ssl_mask_mse(mask, filled, image, N * N);
    ck_assert_int_eq(ssl_mask_fill_local_mean(mask, masked, N, N, 16, filled), 0);
    errors[2] = ssl_mask_mse(mask, filled, image, N * N);
}

START_TEST(inpainting_tables_hold_the_errors) {
    enum { SCANS = 4, METHODS = 3 };
    double expected[METHODS], sum[METHODS] = {0};
    make_cohort();
    expect_done(INPAINTING "--out @/r");
    csv_table *scans = csv_table_read(in_folder("r/inpainting.csv"));
    csv_table *summary = csv_table_read(in_folder("r/inpainting_summary.csv"));
    ck_assert_msg(scans && summary, "%s", err_message());
    ck_assert_uint_eq(scans->rows, SCANS * METHODS);
    ck_assert_uint_eq(summary->rows, METHODS);
    expected_errors(expected);
    for (size_t m = 0; m < METHODS; m++)
        ck_assert_double_eq_tol(table_number(scans, METHODS + m, "masked_mse_per_variance"), expected[m],
                                1e-8);
    for (size_t k = 0; k < scans->rows; k++)
        sum[k % METHODS] += table_number(scans, k, "masked_mse_per_variance");
    for (size_t m = 0; m < METHODS; m++) {
        double mean = table_number(summary, m, "mean"),
               difference = table_number(summary, m, "network_minus_method");
        ck_assert_double_eq_tol(mean, sum[m] / SCANS, 1e-8);
        ck_assert(table_number(summary, m, "n_scans") == SCANS);
        ck_assert(table_number(summary, m, "ci_low") < mean && mean < table_number(summary, m, "ci_high"));
        if (m > 0) {
            ck_assert_double_eq_tol(difference, (sum[0] - sum[m]) / SCANS, 1e-8);
            ck_assert(table_number(summary, m, "difference_ci_low") < difference &&
                      difference < table_number(summary, m, "difference_ci_high"));
        } else {
            ck_assert(isnan(difference));
        }
    }
    csv_table_free(scans);
    csv_table_free(summary);
}
END_TEST

/* What cannot be written at the end is not computed again, unless a setting has changed. */
START_TEST(inpainting_resumes) {
    make_cohort();
    expect_done(INPAINTING "--slices 2 --out @/straight");
    shell("mkdir -p @/late/inpainting.csv/full");
    expect_failure(INPAINTING "--slices 2 --out @/late", 1, "inpainting.csv", "");
    shell("cp -r @/late @/other && rm -r @/late/inpainting.csv @/other/inpainting.csv");
    expect_done(INPAINTING "--slices 2 --out @/late");
    ck_assert_msg(strstr(output, "8 of 8 slices taken over from an interrupted run") != NULL, "%s", output);
    ck_assert(same_file("straight/inpainting.csv", "late/inpainting.csv"));
    shell("! find @/late -name '*unfinished*' | grep .");
    expect_done(INPAINTING "--slices 2 --patch 8 --out @/other");
    ck_assert_msg(!strstr(output, "taken over"), "%s", output);
}
END_TEST

static void expect_no_output(const char *name) {
    ck_assert_msg(access(in_folder(name), F_OK) != 0, "%s is there", path);
}

START_TEST(inpainting_rejects_wrong_input) {
    make_cohort();
    expect_failure("inpainting --cohort @/nowhere --weights " GOLDEN " --out @/r", 1, "nowhere/test",
                   "cannot list");
    expect_failure("inpainting --cohort @/cohort --weights @/none.h5 --out @/r", 1, "none.h5", "");
    expect_failure("inpainting --cohort @/cohort --weights "
                   "tests/golden/recon_unet.h5 --out @/r",
                   1, "recon_unet.h5", "ssfd-unet");
    expect_failure(INPAINTING "--patch 100 --out @/r", 1, "patch of 100 pixels", "64 x 64");
    expect_failure(INPAINTING "--patch 60 --coverage 0.25 --out @/r", 1, "cannot cover", "0.25");
    expect_failure(INPAINTING "--scans 1 --out @/r", 1, "cohort", "2");
    expect_failure(INPAINTING "--patch 0 --out @/r", 2, "patch", "0");
    expect_failure(INPAINTING "--coverage 1.5 --out @/r", 2, "coverage", "1.5");
    ck_assert_int_eq(truncate(in_folder("cohort/test/colin27_test_0003.h5"), 9000), 0);
    expect_failure(INPAINTING "--out @/r", 1, "colin27_test_0003.h5", "");
    expect_no_output("r/inpainting.csv");
    expect_no_output("r/inpainting_summary.csv");
    expect_no_output("r/panels");
    expect_no_output("r/records");
}
END_TEST

Suite *suite_inpainting(void) {
    Suite *s = suite_create("inpainting");
    TCase *t = tcase_create("harmonic_fill"), *p = tcase_create("inpainting");
    tcase_add_test(t, harmonic_agrees_with_a_direct_solution);
    tcase_add_test(t, harmonic_restores_a_ramp);
    tcase_add_test(t, harmonic_is_mirrored_at_the_border);
    tcase_add_test(t, harmonic_refuses_what_it_cannot_fill);
    suite_add_tcase(s, t);
    tcase_set_timeout(p, 120);
    tcase_add_checked_fixture(p, scratch_set_up, scratch_tear_down);
    tcase_add_test(p, panels_are_grey_values_from_black_to_white);
    tcase_add_test(p, inpainting_is_the_same_for_any_number_of_threads);
    tcase_add_test(p, inpainting_resumes);
    tcase_add_test(p, inpainting_tables_hold_the_errors);
    tcase_add_test(p, inpainting_rejects_wrong_input);
    suite_add_tcase(s, p);
    return s;
}
