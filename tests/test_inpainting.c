/* Harmonic interpolation against SciPy and against what is known of harmonic functions; the panels of
 * figures. */
#include "core/error.h"
#include "io/h5.h"
#include "io/panel.h"
#include "models/harmonic_fill.h"
#include "scratch.h"
#include "suites.h"
#include <math.h>
#include <unistd.h>

/* ---------------------------------------------------------------- harmonic interpolation */

enum { ROWS = 40, COLUMNS = 33, PIXELS = ROWS * COLUMNS, MASKS = 3 };

/* Patches inside, at a border and in a corner; nearly all pixels masked; all but one. */
START_TEST(test_harmonic_agrees_with_a_direct_solution) {
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
            ck_assert_msg(mask[k] ? fabs((double)out[k] - expected[m][k]) <= 1e-7 * fabs(expected[m][k])
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
START_TEST(test_harmonic_restores_a_ramp) {
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
START_TEST(test_harmonic_is_mirrored_at_the_border) {
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

START_TEST(test_harmonic_edges) {
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

START_TEST(test_panels) {
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

Suite *suite_inpainting(void) {
    Suite *s = suite_create("inpainting");
    TCase *t = tcase_create("harmonic_fill"), *p = tcase_create("panel");
    tcase_add_test(t, test_harmonic_agrees_with_a_direct_solution);
    tcase_add_test(t, test_harmonic_restores_a_ramp);
    tcase_add_test(t, test_harmonic_is_mirrored_at_the_border);
    tcase_add_test(t, test_harmonic_edges);
    suite_add_tcase(s, t);
    tcase_add_checked_fixture(p, scratch_set_up, scratch_tear_down);
    tcase_add_test(p, test_panels);
    suite_add_tcase(s, p);
    return s;
}
