/* Perturbations against scipy.ndimage and NumPy, and the promises of perturb.h. */
#include "suites.h"

#include "core/error.h"
#include "core/image.h"
#include "core/rng.h"
#include "io/h5.h"
#include "perturb/perturb.h"

#include <gsl/gsl_statistics_float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/metrics.h5" /* see golden/make_metrics_golden.py */
#define ROWS 96
#define COLUMNS 80
#define ODD_COLUMNS 79
#define PIXELS (ROWS * COLUMNS)
#define LEVELS 3
#define ODD_SHIFT 1.3

static float perturbed[PIXELS], out[PIXELS], again[PIXELS];
static float golden_blur[LEVELS][PIXELS], golden_shift[LEVELS][PIXELS], golden_odd[ROWS * ODD_COLUMNS];
static float blur_sigmas[LEVELS], shifts[LEVELS];

static void read_golden(void) {
    h5_file *file = h5_open(GOLDEN);
    ck_assert_msg(file != NULL, "%s", err_message());
    const hsize_t stack[] = {LEVELS, ROWS, COLUMNS}, odd[] = {ROWS, ODD_COLUMNS}, one[] = {ROWS, COLUMNS};
    int failed = h5_read_slab_f32(file, "references", 0, 2, one, perturbed);
    failed |= h5_read_f32(file, "blur", 3, stack, golden_blur[0]);
    failed |= h5_read_f32(file, "shift", 3, stack, golden_shift[0]);
    failed |= h5_read_f32(file, "shift_odd", 2, odd, golden_odd);
    failed |= h5_read_f32(file, "blur_sigmas", 1, stack, blur_sigmas);
    failed |= h5_read_f32(file, "shifts", 1, stack, shifts);
    h5_close(file);
    ck_assert_msg(!failed, "%s", err_message());
}

static gsl_rng *stream(uint64_t seed) {
    gsl_rng *rng = rng_stream(seed, RNG_PERTURB, 1, 2);
    ck_assert_ptr_nonnull(rng);
    return rng;
}

/* Applies the named perturbation with the head of the stream of `seed`. */
static void apply(const char *name, const float *from, float *to, int rows, int columns, double level,
                  uint64_t seed) {
    gsl_rng *rng = stream(seed);
    const perturbation *p = perturb_find(name);
    ck_assert_msg(p != NULL, "%s", err_message());
    ck_assert_msg(!perturb_apply(p, from, to, rows, columns, level, rng), "%s", err_message());
    gsl_rng_free(rng);
}

static void assert_images_close(const float *found, const float *expected, int rows, int columns) {
    const float tolerance = 1e-5f * (float)image_max_abs(expected, rows, columns);
    for (int i = 0; i < rows * columns; i++)
        ck_assert_msg(fabsf(found[i] - expected[i]) <= tolerance, "row %d, column %d: %.9g, expected %.9g",
                      i / columns, i % columns, found[i], expected[i]);
}

START_TEST(blur_agrees_with_scipy) {
    apply("gaussian_blur", perturbed, out, ROWS, COLUMNS, blur_sigmas[_i], 1);
    assert_images_close(out, golden_blur[_i], ROWS, COLUMNS);
}
END_TEST

START_TEST(blur_reflects_as_often_as_needed) {
    /* a kernel far longer than the perturbed leaves its mean, up to the tails cut off at 4 sigma (6e-5) */
    const float tiny[6] = {1, 2, 3, 4, 5, 9};
    apply("gaussian_blur", tiny, out, 2, 3, 50.0, 1);
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq_tol(out[i], 4.0f, 1e-4f);
    apply("gaussian_blur", tiny, out, 1, 6, 1.0, 1);
    ck_assert_float_eq_tol(gsl_stats_float_mean(out, 1, 6), 4.0f, 1e-5f);
}
END_TEST

START_TEST(shift_agrees_with_numpy) {
    apply("pixel_shift", perturbed, out, ROWS, COLUMNS, shifts[_i], 1);
    assert_images_close(out, golden_shift[_i], ROWS, COLUMNS);
}
END_TEST

START_TEST(shift_agrees_with_numpy_for_odd_widths) {
    for (int r = 0; r < ROWS; r++)
        memcpy(again + r * ODD_COLUMNS, perturbed + r * COLUMNS, ODD_COLUMNS * sizeof *again);
    apply("pixel_shift", again, out, ROWS, ODD_COLUMNS, ODD_SHIFT, 1);
    assert_images_close(out, golden_odd, ROWS, ODD_COLUMNS);
}
END_TEST

START_TEST(whole_shifts_move_pixels_exactly) {
    const int steps[] = {1, 7, COLUMNS - 1, COLUMNS, 3 * COLUMNS + 5};
    for (int s = 0; s < 5; s++) {
        apply("pixel_shift", perturbed, out, ROWS, COLUMNS, steps[s], 1);
        for (int i = 0; i < PIXELS; i++) {
            const int row = i / COLUMNS, to = (i % COLUMNS + steps[s]) % COLUMNS;
            ck_assert(out[row * COLUMNS + to] == perturbed[i]);
        }
    }
}
END_TEST

START_TEST(fractions_of_a_shift_join_whole_ones) {
    apply("pixel_shift", perturbed, out, ROWS, COLUMNS, 3.0 - 1e-7, 1);
    apply("pixel_shift", perturbed, again, ROWS, COLUMNS, 3.0, 1);
    assert_images_close(out, again, ROWS, COLUMNS);
}
END_TEST

START_TEST(shifts_run_in_parallel) {
    apply("pixel_shift", perturbed, out, ROWS, COLUMNS, 2.25, 1);
    int different = 0;
#pragma omp parallel for reduction(+ : different) num_threads(4)
    for (int i = 0; i < 64; i++) {
        float *mine = malloc(PIXELS * sizeof *mine);
        const int failed =
            perturb_apply(perturb_find("pixel_shift"), perturbed, mine, ROWS, COLUMNS, 2.25, NULL);
        different += failed || memcmp(mine, out, PIXELS * sizeof *mine);
        free(mine);
    }
    ck_assert_int_eq(different, 0);
}
END_TEST

START_TEST(noise_has_the_right_mean_and_sd) {
    const int rows = 500, columns = 500, n = rows * columns;
    float *flat = malloc(n * sizeof *flat), *noisy = malloc(n * sizeof *noisy);
    for (int i = 0; i < n; i++)
        flat[i] = 20.0f;
    apply("gaussian_noise", flat, noisy, rows, columns, 0.1, 7);
    ck_assert_double_eq_tol(gsl_stats_float_sd(noisy, 1, n), 2.0, 0.02);
    ck_assert_double_eq_tol(gsl_stats_float_mean(noisy, 1, n), 20.0, 0.02);
    free(flat);
    free(noisy);
}
END_TEST

START_TEST(noise_shares_its_draw_between_levels) {
    apply("gaussian_noise", perturbed, out, ROWS, COLUMNS, 0.05, 7);
    apply("gaussian_noise", perturbed, again, ROWS, COLUMNS, 0.2, 7);
    const float tolerance = 1e-5f * (float)image_max_abs(perturbed, ROWS, COLUMNS);
    for (int i = 0; i < PIXELS; i++)
        ck_assert_float_eq_tol(again[i] - perturbed[i], 4.0f * (out[i] - perturbed[i]), tolerance);
}
END_TEST

START_TEST(noise_depends_on_the_seed_alone) {
    apply("gaussian_noise", perturbed, out, ROWS, COLUMNS, 0.1, 7);
    apply("gaussian_noise", perturbed, again, ROWS, COLUMNS, 0.1, 7);
    ck_assert_mem_eq(out, again, sizeof out);
    apply("gaussian_noise", perturbed, again, ROWS, COLUMNS, 0.1, 8);
    ck_assert_mem_ne(out, again, sizeof out);
    ck_assert_int_eq(perturb_apply(perturb_find("gaussian_noise"), perturbed, out, ROWS, COLUMNS, 0.1, NULL),
                     -1);
}
END_TEST

START_TEST(every_perturbation_keeps_its_promises) {
    const float negative_zero = -0.0f;
    perturbed[0] = negative_zero; /* told apart by its bits only */
    for (const perturbation *const *p = perturb_list(); *p; p++) {
        ck_assert_ptr_eq(perturb_find((*p)->name), *p);
        ck_assert((*p)->title && (*p)->level_name && (*p)->level_unit && (*p)->level_max > 0.0);
        apply((*p)->name, perturbed, out, ROWS, COLUMNS, 0.0, 1);
        ck_assert_mem_eq(out, perturbed, sizeof out);
        apply((*p)->name, perturbed, out, ROWS, COLUMNS, (*p)->level_max, 1);
        ck_assert_mem_ne(out, perturbed, sizeof out);
        const double bad_levels[] = {-0.1, NAN, INFINITY};
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(perturb_apply(*p, perturbed, out, ROWS, COLUMNS, bad_levels[i], NULL), -1);
        ck_assert_int_eq(perturb_apply(*p, perturbed, out, 0, COLUMNS, 0.1, NULL), -1);
    }
}
END_TEST

START_TEST(an_unknown_name_lists_the_known_ones) {
    ck_assert_ptr_null(perturb_find("gausian_blur"));
    ck_assert_str_eq(
        err_message(),
        "unknown perturbation 'gausian_blur': expected one of gaussian_blur, gaussian_noise, pixel_shift");
}
END_TEST

Suite *suite_perturb(void) {
    Suite *suite = suite_create("perturb");
    TCase *tcase = tcase_create("perturb");
    tcase_add_checked_fixture(tcase, read_golden, NULL);
    tcase_add_loop_test(tcase, blur_agrees_with_scipy, 0, LEVELS);
    tcase_add_test(tcase, blur_reflects_as_often_as_needed);
    tcase_add_loop_test(tcase, shift_agrees_with_numpy, 0, LEVELS);
    tcase_add_test(tcase, shift_agrees_with_numpy_for_odd_widths);
    tcase_add_test(tcase, whole_shifts_move_pixels_exactly);
    tcase_add_test(tcase, fractions_of_a_shift_join_whole_ones);
    tcase_add_test(tcase, shifts_run_in_parallel);
    tcase_add_test(tcase, noise_has_the_right_mean_and_sd);
    tcase_add_test(tcase, noise_shares_its_draw_between_levels);
    tcase_add_test(tcase, noise_depends_on_the_seed_alone);
    tcase_add_test(tcase, every_perturbation_keeps_its_promises);
    tcase_add_test(tcase, an_unknown_name_lists_the_known_ones);
    suite_add_tcase(suite, tcase);
    return suite;
}
