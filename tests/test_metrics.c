/* SSIM, PSNR, NRMSE and z-score against scikit-image and NumPy, and what must hold for any image. */
#include "suites.h"

#include "core/error.h"
#include "core/image.h"
#include "io/h5.h"
#include "metrics/metric_set.h"
#include "metrics/pixel_error.h"
#include "metrics/ssim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOLDEN "tests/golden/metrics.h5" /* see golden/make_metrics_golden.py */
#define ROWS 96
#define COLUMNS 80
#define PIXELS (ROWS * COLUMNS)
#define IMAGES 2 /* crops of one head, the second at tiny intensities */
#define KINDS 2  /* noisy, blurred */

typedef struct {
    float references[IMAGES][PIXELS], images[IMAGES][KINDS][PIXELS], zscore[PIXELS];
    float data_range[IMAGES][KINDS], volume_range[IMAGES][KINDS];
    float ssim_wang[IMAGES][KINDS], ssim_fastmri[IMAGES][KINDS], psnr[IMAGES][KINDS], nrmse[IMAGES][KINDS];
    float hfen[IMAGES][KINDS];
    float threshold[2][IMAGES][KINDS], foreground[2][IMAGES][KINDS]; /* by ssim_window */
} golden_metrics;

static golden_metrics golden;

static void read_golden(void) {
    h5_file *file = h5_open(GOLDEN);
    ck_assert_msg(file != NULL, "%s", err_message());
    const hsize_t table[] = {IMAGES, KINDS}, images[] = {IMAGES, KINDS, ROWS, COLUMNS};
    const hsize_t references[] = {IMAGES, ROWS, COLUMNS};
    int failed = h5_read_f32(file, "references", 3, references, golden.references[0]);
    failed |= h5_read_f32(file, "images", 4, images, golden.images[0][0]);
    failed |= h5_read_f32(file, "zscore", 2, images + 2, golden.zscore);
    failed |= h5_read_f32(file, "data_range", 2, table, golden.data_range[0]);
    failed |= h5_read_f32(file, "volume_range", 2, table, golden.volume_range[0]);
    failed |= h5_read_f32(file, "ssim_wang", 2, table, golden.ssim_wang[0]);
    failed |= h5_read_f32(file, "ssim_fastmri", 2, table, golden.ssim_fastmri[0]);
    failed |= h5_read_f32(file, "threshold_wang", 2, table, golden.threshold[SSIM_WANG][0]);
    failed |= h5_read_f32(file, "threshold_fastmri", 2, table, golden.threshold[SSIM_FASTMRI][0]);
    failed |= h5_read_f32(file, "foreground_wang", 2, table, golden.foreground[SSIM_WANG][0]);
    failed |= h5_read_f32(file, "foreground_fastmri", 2, table, golden.foreground[SSIM_FASTMRI][0]);
    failed |= h5_read_f32(file, "psnr", 2, table, golden.psnr[0]);
    failed |= h5_read_f32(file, "nrmse", 2, table, golden.nrmse[0]);
    failed |= h5_read_f32(file, "hfen", 2, table, golden.hfen[0]);
    h5_close(file);
    ck_assert_msg(!failed, "%s", err_message());
}

static void assert_close(double found, double expected, double relative) {
    ck_assert_msg(fabs(found - expected) <= relative * fabs(expected), "found %.9g, expected %.9g", found,
                  expected);
}

static double ssim_of(const float *reference, const float *image, ssim_window window, double data_range) {
    double ssim = NAN;
    ck_assert_msg(!image_ssim(reference, image, ROWS, COLUMNS, window, data_range, &ssim), "%s",
                  err_message());
    return ssim;
}

START_TEST(metrics_agree_with_references) {
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < KINDS; k++) {
            const float *reference = golden.references[i], *image = golden.images[i][k];
            const double range = golden.data_range[i][k];
            double psnr, nrmse;
            assert_close(ssim_of(reference, image, SSIM_WANG, range), golden.ssim_wang[i][k], 1e-5);
            assert_close(ssim_of(reference, image, SSIM_FASTMRI, golden.volume_range[i][k]),
                         golden.ssim_fastmri[i][k], 1e-5);
            ck_assert_int_eq(image_psnr(reference, image, ROWS, COLUMNS, range, &psnr), 0);
            ck_assert_int_eq(image_nrmse(reference, image, ROWS, COLUMNS, &nrmse), 0);
            assert_close(psnr, golden.psnr[i][k], 1e-5);
            assert_close(nrmse, golden.nrmse[i][k], 1e-5);
            assert_close(image_max_abs(reference, ROWS, COLUMNS), range, 1e-7);
        }
}
END_TEST

static double threshold_of(const float *reference, int rows, int columns, ssim_window window) {
    double threshold = NAN;
    ck_assert_msg(!image_foreground_threshold(reference, rows, columns, window, &threshold), "%s",
                  err_message());
    return threshold;
}

/* A metric of the registry that needs no files. */
static double score_of(const char *key, const float *reference, const float *compared) {
    const metric *m = metric_find(key);
    ck_assert_msg(m != NULL, "%s", err_message());
    const metric_reference r = {{ROWS, COLUMNS, reference}, image_max_abs(reference, ROWS, COLUMNS)};
    void *workspace = m->method->workspace ? m->method->workspace(NULL, ROWS, COLUMNS) : NULL;
    double values[METRIC_VALUES];
    if (m->method->reference)
        ck_assert_msg(m->method->reference(workspace, &r) == 0, "%s", err_message());
    ck_assert_msg(m->method->score(workspace, &r, compared, values) == 0, "%s", err_message());
    if (workspace)
        m->method->workspace_free(workspace);
    return values[m->value];
}

START_TEST(metrics_of_the_registry_agree_with_references) {
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < KINDS; k++) {
            const float *reference = golden.references[i], *image = golden.images[i][k];
            assert_close(score_of("ssim", reference, image), golden.ssim_wang[i][k], 1e-5);
            assert_close(score_of("ssim_foreground", reference, image), golden.foreground[SSIM_WANG][i][k],
                         1e-5);
            assert_close(score_of("psnr_db", reference, image), golden.psnr[i][k], 1e-5);
            assert_close(score_of("nrmse", reference, image), golden.nrmse[i][k], 1e-5);
            assert_close(score_of("hfen", reference, image), golden.hfen[i][k], 1e-5);
            ck_assert_double_eq(score_of("hfen", reference, reference), 0.0);
        }
}
END_TEST

/* Everything a table says of a metric can be read again. */
START_TEST(labels_survive_a_table) {
    char path[] = "/tmp/ssfd_labels_XXXXXX";
    metric_label label, found;
    ck_assert_int_ge(mkstemp(path), 0);
    csv_writer *csv = csv_writer_open(path);
    ck_assert_ptr_nonnull(csv);
    for (const metric *const *m = metric_list(); *m; m++) {
        label = metric_label_of(*m);
        metric_label_write(&label, csv);
    }
    csv_writer_row(csv, "scan_id");
    ck_assert_int_eq(csv_writer_close(csv), 0);
    csv_table *t = csv_table_read(path);
    ck_assert_msg(t != NULL, "%s", err_message());
    for (const metric *const *m = metric_list(); *m; m++) {
        label = metric_label_of(*m);
        ck_assert_int_eq(metric_label_read(&found, t, label.key), 1);
        ck_assert_str_eq(found.title, label.title);
        ck_assert_int_eq(found.direction, label.direction);
        ck_assert_uint_eq(found.roles, label.roles);
    }
    ck_assert_int_eq(metric_label_read(&found, t, "unheard_of"), 0);
    csv_table_free(t);
    unlink(path);
}
END_TEST

START_TEST(keys_with_layers_and_layers_are_known) {
    metric_label label;
    ck_assert_int_eq(metric_known("vgg_pl_relu2_2+relu3_3", &label), 1);
    ck_assert_str_eq(label.title, "VGG-PL relu2_2+relu3_3");
    ck_assert_int_eq(metric_known("block3_relu1", &label), 1);
    ck_assert_uint_eq(label.roles, METRIC_LAYER);
    ck_assert_int_eq(label.direction, METRIC_LOWER_IS_BETTER);
    ck_assert_int_eq(metric_known("PSNR", &label), 0);
    ck_assert_int_eq(metric_known("ssim_2", &label), 0);
    ck_assert_int_eq(metric_known("vgg_pl_relu9_9", &label), 0);
    ck_assert_int_eq(metric_known("lpips_relu1_2", &label), 0);
}
END_TEST

START_TEST(ssim_of_the_foreground_agrees_with_references) {
    const ssim_window window = _i ? SSIM_FASTMRI : SSIM_WANG;
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < KINDS; k++) {
            const float *reference = golden.references[i], *image = golden.images[i][k];
            const double range = window == SSIM_WANG ? golden.data_range[i][k] : golden.volume_range[i][k];
            const double threshold = threshold_of(reference, ROWS, COLUMNS, window);
            double ssim, foreground;
            assert_close(threshold, golden.threshold[window][i][k], 1e-6);
            ck_assert_int_eq(image_ssim_foreground(reference, image, ROWS, COLUMNS, window, range, threshold,
                                                   &ssim, &foreground),
                             0);
            assert_close(foreground, golden.foreground[window][i][k], 1e-5);
            ck_assert_double_eq(ssim, ssim_of(reference, image, window, range));
        }
}
END_TEST

/* What happens where there is no signal does not count. */
START_TEST(foreground_leaves_out_the_background) {
    float *x = calloc(2 * PIXELS, sizeof *x), *y = x + PIXELS;
    double ssim, foreground;
    for (int i = 0; i < PIXELS; i++) {
        const int r = i / COLUMNS, c = i % COLUMNS, is_inside = r >= 30 && r < 60 && c >= 20 && c < 50;
        x[i] = is_inside ? 100.0f + (float)((7 * r + 3 * c) % 20) : 0.0f;
        y[i] = r < 20 ? (float)(i * 37 % 11) : x[i];
    }
    const double threshold = threshold_of(x, ROWS, COLUMNS, SSIM_WANG);
    ck_assert(threshold > 1.0 && threshold < 99.0);
    ck_assert_int_eq(
        image_ssim_foreground(x, y, ROWS, COLUMNS, SSIM_WANG, 120.0, threshold, &ssim, &foreground), 0);
    ck_assert_double_eq(foreground, 1.0);
    ck_assert_double_lt(ssim, 0.9);
    ck_assert_int_eq(image_ssim_foreground(x, y, ROWS, COLUMNS, SSIM_WANG, 120.0, 120.0, &ssim, &foreground),
                     -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "no foreground above 120"));
    free(x);
}
END_TEST

/* One window, or windows that are all alike: all of it is foreground. */
START_TEST(foreground_of_equal_windows_is_everything) {
    const float *x = golden.references[0], *y = golden.images[0][0];
    double ssim, foreground;
    float stripes[8 * 14];
    for (int i = 0; i < 8 * 14; i++)
        stripes[i] = (float)(i % 14 % 7);
    for (int k = 0; k < 2; k++) {
        const ssim_window window = k ? SSIM_FASTMRI : SSIM_WANG;
        const int rows = k ? 8 : 11, columns = k ? 14 : 11;
        const double threshold = threshold_of(k ? stripes : x, rows, columns, window);
        ck_assert_int_eq(image_ssim_foreground(k ? stripes : x, y, rows, columns, window, 100.0, threshold,
                                               &ssim, &foreground),
                         0);
        ck_assert_double_eq(foreground, ssim);
    }
}
END_TEST

/* Windows that are mirror images have means that differ by rounding only. */
START_TEST(foreground_of_windows_equal_but_for_rounding) {
    float x[12 * 11];
    double ssim, foreground;
    for (unsigned image = 0; image < 400; image++) {
        for (int i = 0; i < 6 * 11; i++)
            x[i] = x[(11 - i / 11) * 11 + i % 11] = sinf((float)(i * (image + 3))) + 1.3f;
        const double threshold = threshold_of(x, 12, 11, SSIM_WANG);
        ck_assert_msg(!image_ssim_foreground(x, x, 12, 11, SSIM_WANG, 2.0, threshold, &ssim, &foreground),
                      "image %u: %s", image, err_message());
        ck_assert(foreground == 1.0);
    }
}
END_TEST

/* Two windows, one of them black: there are no logarithms of its mean. Of 14 in one column of 7 rows. */
START_TEST(foreground_beside_black) {
    float x[7 * 8] = {0};
    for (int r = 0; r < 7; r++)
        x[8 * r + 7] = 14.0f;
    ck_assert_double_eq_tol(threshold_of(x, 7, 8, SSIM_FASTMRI), 1.0, 1e-12);
}
END_TEST

START_TEST(zscore_agrees_with_numpy) {
    float *out = malloc(PIXELS * sizeof *out);
    ck_assert_int_eq(image_zscore(golden.references[0], ROWS, COLUMNS, out), 0);
    for (int i = 0; i < PIXELS; i++)
        ck_assert_float_eq_tol(out[i], golden.zscore[i], 2e-5f);
    memcpy(out, golden.references[0], PIXELS * sizeof *out);
    ck_assert_int_eq(image_zscore(out, ROWS, COLUMNS, out), 0);
    ck_assert_float_eq_tol(out[PIXELS / 2], golden.zscore[PIXELS / 2], 2e-5f);
    free(out);
}
END_TEST

/* SSIM written down as in the paper: for one window position after the other, two passes over the window. */
static double ssim_by_definition(const float *x, const float *y, ssim_window window, double data_range) {
    const int size = window == SSIM_WANG ? 11 : 7, half = size / 2, pixels = size * size;
    const double c1 = pow(0.01 * data_range, 2.0), c2 = pow(0.03 * data_range, 2.0);
    const double scale = window == SSIM_WANG ? 1.0 : pixels / (pixels - 1.0);
    double weight[121], total = 0.0, sum = 0.0;
    for (int p = 0; p < pixels; p++) {
        const double r = p / size - half, c = p % size - half;
        weight[p] = window == SSIM_WANG ? exp(-(r * r + c * c) / (2.0 * 1.5 * 1.5)) : 1.0;
        total += weight[p];
    }
    for (int top = 0; top <= ROWS - size; top++)
        for (int left = 0; left <= COLUMNS - size; left++) {
            double mx = 0.0, my = 0.0, vx = 0.0, vy = 0.0, vxy = 0.0;
            for (int p = 0; p < pixels; p++) {
                const int at = (top + p / size) * COLUMNS + left + p % size;
                mx += weight[p] / total * x[at];
                my += weight[p] / total * y[at];
            }
            for (int p = 0; p < pixels; p++) {
                const int at = (top + p / size) * COLUMNS + left + p % size;
                const double w = scale * weight[p] / total, dx = x[at] - mx, dy = y[at] - my;
                vx += w * dx * dx;
                vy += w * dy * dy;
                vxy += w * dx * dy;
            }
            sum += (2.0 * mx * my + c1) * (2.0 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2));
        }
    return sum / ((ROWS - size + 1) * (COLUMNS - size + 1));
}

START_TEST(ssim_equals_its_definition) {
    const ssim_window window = _i ? SSIM_FASTMRI : SSIM_WANG;
    const double range = golden.data_range[0][0];
    const float *x = golden.references[0], *y = golden.images[0][0];
    assert_close(ssim_of(x, y, window, range), ssim_by_definition(x, y, window, range), 1e-12);
}
END_TEST

START_TEST(ssim_survives_a_bright_background) {
    /* contrast of 1e-4 of the intensity: E[x^2] - E[x]^2 alone would lose eight digits */
    float *x = malloc(PIXELS * sizeof *x), *y = malloc(PIXELS * sizeof *y);
    for (int i = 0; i < PIXELS; i++) {
        x[i] = 1e6f + golden.references[0][i];
        y[i] = 1e6f + golden.images[0][0][i];
    }
    assert_close(ssim_of(x, y, SSIM_WANG, 100.0), ssim_by_definition(x, y, SSIM_WANG, 100.0), 1e-10);
    free(x);
    free(y);
}
END_TEST

START_TEST(equal_images_score_perfectly) {
    for (int i = 0; i < IMAGES; i++) {
        const float *image = golden.references[i];
        double psnr, nrmse;
        ck_assert_double_eq(ssim_of(image, image, SSIM_WANG, image_max_abs(image, ROWS, COLUMNS)), 1.0);
        ck_assert_double_eq(ssim_of(image, image, SSIM_FASTMRI, 1e-3), 1.0);
        ck_assert_int_eq(image_psnr(image, image, ROWS, COLUMNS, 1.0, &psnr), 0);
        ck_assert_int_eq(image_nrmse(image, image, ROWS, COLUMNS, &nrmse), 0);
        ck_assert_double_infinite(psnr);
        ck_assert_double_eq(nrmse, 0.0);
    }
}
END_TEST

START_TEST(ssim_is_symmetric_and_scale_free) {
    const double range = golden.data_range[0][0];
    const float *x = golden.references[0], *y = golden.images[0][1];
    const double ssim = ssim_of(x, y, SSIM_WANG, range);
    assert_close(ssim_of(y, x, SSIM_WANG, range), ssim, 1e-12);
    float *scaled = malloc(2 * PIXELS * sizeof *scaled);
    const float scale = 0x1p-40f; /* a power of two: rounding stays the same */
    for (int i = 0; i < PIXELS; i++) {
        scaled[i] = scale * x[i];
        scaled[PIXELS + i] = scale * y[i];
    }
    assert_close(ssim_of(scaled, scaled + PIXELS, SSIM_WANG, scale * range), ssim, 1e-12);
    free(scaled);
}
END_TEST

START_TEST(an_image_of_one_window_is_enough) {
    double ssim;
    ck_assert_int_eq(image_ssim(golden.references[0], golden.images[0][0], 11, 11, SSIM_WANG, 100.0, &ssim),
                     0);
    ck_assert_int_eq(image_ssim(golden.references[0], golden.images[0][0], 10, 11, SSIM_WANG, 100.0, &ssim),
                     -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "smaller than the 11 x 11 window"));
    ck_assert_int_eq(image_ssim(golden.references[0], golden.images[0][0], 7, 7, SSIM_FASTMRI, 100.0, &ssim),
                     0);
    ck_assert_int_eq(image_ssim(golden.references[0], golden.images[0][0], 7, 6, SSIM_FASTMRI, 100.0, &ssim),
                     -1);
}
END_TEST

START_TEST(bad_input_is_an_error) {
    float *image = malloc(PIXELS * sizeof *image), *constant = malloc(PIXELS * sizeof *constant);
    const float *good = golden.references[0];
    double out;
    memcpy(image, good, PIXELS * sizeof *image);
    for (int i = 0; i < PIXELS; i++)
        constant[i] = 3.0f;

    const double bad_ranges[] = {0.0, -1.0, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(image_ssim(good, image, ROWS, COLUMNS, SSIM_WANG, bad_ranges[i], &out), -1);
        ck_assert_int_eq(image_psnr(good, image, ROWS, COLUMNS, bad_ranges[i], &out), -1);
    }
    ck_assert_int_eq(image_ssim(constant, image, ROWS, COLUMNS, SSIM_WANG, 1.0, &out), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "constant"));
    ck_assert_int_eq(image_ssim(good, constant, ROWS, COLUMNS, SSIM_WANG, 1.0, &out), 0);
    ck_assert_int_eq(image_psnr(constant, image, ROWS, COLUMNS, 1.0, &out), -1);
    ck_assert_int_eq(image_nrmse(constant, image, ROWS, COLUMNS, &out), -1);
    ck_assert_int_eq(image_foreground_threshold(constant, ROWS, COLUMNS, SSIM_WANG, &out), -1);
    ck_assert_int_eq(image_foreground_threshold(good, 10, 11, SSIM_WANG, &out), -1);
    ck_assert_int_eq(image_foreground_threshold(good, 0, 11, SSIM_WANG, &out), -1);
    ck_assert_int_eq(image_zscore(constant, ROWS, COLUMNS, constant), -1);

    const float not_finite[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        image[2 * COLUMNS + 5] = not_finite[i];
        ck_assert_int_eq(image_ssim(good, image, ROWS, COLUMNS, SSIM_FASTMRI, 1.0, &out), -1);
        ck_assert_ptr_nonnull(strstr(err_message(), "row 2, column 5"));
        ck_assert_int_eq(image_psnr(image, good, ROWS, COLUMNS, 1.0, &out), -1);
        ck_assert_int_eq(image_nrmse(good, image, ROWS, COLUMNS, &out), -1);
        ck_assert_int_eq(image_foreground_threshold(image, ROWS, COLUMNS, SSIM_WANG, &out), -1);
        ck_assert_int_eq(image_zscore(image, ROWS, COLUMNS, image), -1);
    }
    free(image);
    free(constant);
}
END_TEST

Suite *suite_metrics(void) {
    Suite *suite = suite_create("metrics");
    TCase *tcase = tcase_create("metrics");
    tcase_add_checked_fixture(tcase, read_golden, NULL);
    tcase_add_test(tcase, metrics_agree_with_references);
    tcase_add_test(tcase, metrics_of_the_registry_agree_with_references);
    tcase_add_test(tcase, labels_survive_a_table);
    tcase_add_test(tcase, keys_with_layers_and_layers_are_known);
    tcase_add_loop_test(tcase, ssim_of_the_foreground_agrees_with_references, 0, 2);
    tcase_add_test(tcase, foreground_leaves_out_the_background);
    tcase_add_test(tcase, foreground_of_equal_windows_is_everything);
    tcase_add_test(tcase, foreground_of_windows_equal_but_for_rounding);
    tcase_add_test(tcase, foreground_beside_black);
    tcase_add_test(tcase, zscore_agrees_with_numpy);
    tcase_add_loop_test(tcase, ssim_equals_its_definition, 0, 2);
    tcase_add_test(tcase, ssim_survives_a_bright_background);
    tcase_add_test(tcase, equal_images_score_perfectly);
    tcase_add_test(tcase, ssim_is_symmetric_and_scale_free);
    tcase_add_test(tcase, an_image_of_one_window_is_enough);
    tcase_add_test(tcase, bad_input_is_an_error);
    suite_add_tcase(suite, tcase);
    return suite;
}
