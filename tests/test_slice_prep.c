/* Preparation of a slice: cropping against direct Fourier sums, undersampling, odd sizes. */
#include "core/error.h"
#include "core/rng.h"
#include "mri/sampling.h"
#include "mri/slice_prep.h"
#include "suites.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Smooth coil images of an ellipse, as an image of rows x columns whose centre is at n / 2. */
static float complex coil_pixel(int coil, int row, int column, int rows, int columns) {
    double y = row - rows / 2, x = column - columns / 2, angle = 2.0 * M_PI * coil / 3.0;
    double inside = x * x / 49.0 + y * y / 36.0 < 1.0;
    double complex s = exp(-0.02 * (pow(x - 8.0 * cos(angle), 2) + pow(y - 8.0 * sin(angle), 2)) / 4.0) *
                       cexp(I * (0.05 * x + coil));
    return (float complex)(inside * s * (1.0 + 0.3 * cos(0.9 * x) * cos(0.7 * y)));
}

/* Centred orthonormal DFT by its definition. */
static void transform(const float complex *in, int rows, int columns, float complex *out) {
    for (int k = 0; k < rows; k++)
        for (int l = 0; l < columns; l++) {
            double complex sum = 0.0;
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < columns; c++)
                    sum += (double complex)in[r * columns + c] *
                           cexp(-2.0 * I * M_PI *
                                ((double)(k - rows / 2) * (r - rows / 2) / rows +
                                 (double)(l - columns / 2) * (c - columns / 2) / columns));
            out[k * columns + l] = (float complex)(sum / sqrt((double)rows * columns));
        }
}

enum { COILS = 3, SIDE = 20 };

static const int sizes[][2] = {{20, 20}, {40, 23}, {29, 38}, {33, 21}};

/* k-space of a larger field of view gives what k-space of the cropped coil images gives. */
START_TEST(a_larger_field_of_view_is_cropped_in_image_space) {
    int rows = sizes[_i][0], columns = sizes[_i][1];
    size_t pixels = (size_t)rows * (size_t)columns;
    float complex *image = malloc(COILS * pixels * sizeof *image),
                  *kspace = malloc(COILS * pixels * sizeof *kspace);
    static float complex cut[COILS * SIDE * SIDE], cut_kspace[COILS * SIDE * SIDE];
    static float complex found[2][SIDE * SIDE], expected[2][SIDE * SIDE];
    static unsigned char mask[SIDE * SIDE];
    int top = (rows - SIDE) / 2, left = (columns - SIDE) / 2;
    for (int c = 0; c < COILS; c++) {
        for (int r = 0; r < rows; r++)
            for (int q = 0; q < columns; q++)
                image[(size_t)c * pixels + (size_t)(r * columns + q)] = coil_pixel(c, r, q, rows, columns);
        transform(image + (size_t)c * pixels, rows, columns, kspace + (size_t)c * pixels);
        for (int r = 0; r < SIDE; r++)
            memcpy(cut + (c * SIDE + r) * SIDE,
                   image + (size_t)c * pixels + (size_t)((top + r) * columns + left), SIDE * sizeof *cut);
        transform(cut + c * SIDE * SIDE, SIDE, SIDE, cut_kspace + c * SIDE * SIDE);
    }
    for (int k = 0; k < SIDE * SIDE; k++)
        mask[k] = k % SIDE % 3 == 0 || abs(k % SIDE - SIDE / 2) < 3;
    jsense_settings settings = jsense_defaults();
    settings.kernel_width = 4;
    slice_shape whole = {COILS, rows, columns, SIDE, SIDE}, small = {COILS, SIDE, SIDE, SIDE, SIDE};
    slice_prep *a = slice_prep_create(&whole, &settings), *b = slice_prep_create(&small, &settings);
    ck_assert_msg(a && b, "%s", err_message());
    ck_assert_msg(slice_prep_run(a, kspace, mask, found[0], found[1]) == 0, "%s", err_message());
    ck_assert_msg(slice_prep_run(b, cut_kspace, mask, expected[0], expected[1]) == 0, "%s", err_message());
    for (int kind = 0; kind < 2; kind++) {
        double e = 0.0, s = 0.0;
        for (int k = 0; k < SIDE * SIDE; k++) {
            e += pow((double)cabsf(found[kind][k] - expected[kind][k]), 2);
            s += pow((double)cabsf(expected[kind][k]), 2);
        }
        ck_assert_msg(sqrt(e / s) < 1e-3, "%d x %d: relative difference %g", rows, columns, sqrt(e / s));
    }
    slice_prep_free(a);
    slice_prep_free(b);
    free(image);
    free(kspace);
}
END_TEST

/* A mask of ones changes nothing; one of lines changes the zero-filled image alone, as masking k-space does.
 */
START_TEST(masks_change_the_zero_filled_image_alone) {
    static float complex kspace[COILS * SIDE * SIDE], masked[COILS * SIDE * SIDE], image[SIDE * SIDE];
    static float complex reference[SIDE * SIDE], zero_filled[SIDE * SIDE], direct[SIDE * SIDE];
    static unsigned char mask[SIDE * SIDE];
    for (int c = 0; c < COILS; c++) {
        for (int k = 0; k < SIDE * SIDE; k++)
            image[k] = coil_pixel(c, k / SIDE, k % SIDE, SIDE, SIDE);
        transform(image, SIDE, SIDE, kspace + c * SIDE * SIDE);
    }
    jsense_settings settings = jsense_defaults();
    slice_shape shape = {COILS, SIDE, SIDE, SIDE, SIDE};
    slice_prep *p = slice_prep_create(&shape, &settings);
    memset(mask, 1, sizeof mask);
    ck_assert_int_eq(slice_prep_run(p, kspace, mask, reference, zero_filled), 0);
    ck_assert_int_eq(memcmp(reference, zero_filled, sizeof reference), 0);
    gsl_rng *rng = rng_stream(1, RNG_TEST, 0, 0);
    sampling_settings sampling = {SAMPLING_COLUMNS, 2.0, 0.2};
    ck_assert_int_eq(sampling_draw(&sampling, SIDE, SIDE, rng, mask), 0);
    for (int c = 0; c < COILS; c++)
        for (int k = 0; k < SIDE * SIDE; k++)
            masked[c * SIDE * SIDE + k] = mask[k] ? kspace[c * SIDE * SIDE + k] : 0.0f;
    ck_assert_int_eq(slice_prep_run(p, kspace, mask, image, zero_filled), 0);
    ck_assert_int_eq(memcmp(reference, image, sizeof reference), 0);
    ck_assert_int_ne(memcmp(reference, zero_filled, sizeof reference), 0);
    jsense *j = jsense_create(COILS, SIDE, SIDE, &settings);
    ck_assert_int_eq(jsense_combine(j, masked, slice_prep_maps(p), direct), 0);
    ck_assert_int_eq(memcmp(direct, zero_filled, sizeof direct), 0);
    jsense_free(j);
    slice_prep_free(p);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(wrong_shapes_are_refused) {
    jsense_settings settings = jsense_defaults();
    slice_shape larger = {COILS, 20, 20, 24, 20}, tiny = {COILS, 20, 20, 8, 8};
    ck_assert_ptr_null(slice_prep_create(&larger, &settings));
    ck_assert_msg(strstr(err_message(), "24 x 20") && strstr(err_message(), "20 x 20"), "%s", err_message());
    ck_assert_ptr_null(slice_prep_create(&tiny, &settings)); /* smaller than the calibration region */
}
END_TEST

START_TEST(sampling_draws_a_mask_of_its_kind) {
    enum { N = 64 };
    static unsigned char mask[N * N], line[N];
    gsl_rng *rng = rng_stream(1, RNG_TEST, 1, 0);
    sampling_settings s = {SAMPLING_COLUMNS, 4.0, 0.08};
    ck_assert_int_eq(sampling_draw(&s, N, N, rng, mask), 0);
    rng_restart(rng, 1, RNG_TEST, 1, 0);
    ck_assert_int_eq(sampling_random_columns(N, 4.0, 0.08, rng, line), 0);
    for (int row = 0; row < N; row++)
        ck_assert_int_eq(memcmp(mask + row * N, line, N), 0);
    s.kind = SAMPLING_POISSON;
    ck_assert_msg(sampling_draw(&s, N, N, rng, mask) == 0, "%s", err_message());
    int kept = 0;
    for (int k = 0; k < N * N; k++)
        kept += mask[k];
    ck_assert(abs(kept - N * N / 4) < N * N / 4 / 40);
    ck_assert(mask[N / 2 * N + N / 2] && !mask[0]);
    gsl_rng_free(rng);
}
END_TEST

Suite *suite_slice_prep(void) {
    Suite *s = suite_create("slice_prep");
    TCase *t = tcase_create("slice_prep");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_larger_field_of_view_is_cropped_in_image_space, 0,
                        (int)(sizeof sizes / sizeof *sizes));
    tcase_add_test(t, masks_change_the_zero_filled_image_alone);
    tcase_add_test(t, wrong_shapes_are_refused);
    tcase_add_test(t, sampling_draws_a_mask_of_its_kind);
    suite_add_tcase(s, t);
    return s;
}
