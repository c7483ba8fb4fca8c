/* The pretext task: patches over a quarter of the image, all inside, denser in the centre; and the local-mean
 * baseline. */
#include "core/error.h"
#include "core/rng.h"
#include "pretext/ssl_mask.h"
#include "suites.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static long covered(const unsigned char *mask, int pixels) {
    long sum = 0;
    for (int k = 0; k < pixels; k++)
        sum += mask[k];
    return sum;
}

/* Whether every masked pixel lies in some patch x patch square that is masked wholly: patches are never cut
 * off. */
static int is_union_of_patches(const unsigned char *mask, int rows, int columns, int patch) {
    unsigned char *explained = calloc((size_t)rows * (size_t)columns, 1);
    for (int y = 0; y + patch <= rows; y++)
        for (int x = 0; x + patch <= columns; x++) {
            int whole = 1;
            for (int k = 0; whole && k < patch * patch; k++)
                whole = mask[(y + k / patch) * columns + x + k % patch];
            for (int k = 0; whole && k < patch * patch; k++)
                explained[(y + k / patch) * columns + x + k % patch] = 1;
        }
    int same = memcmp(explained, mask, (size_t)rows * (size_t)columns) == 0;
    free(explained);
    return same;
}

static const struct {
    int rows, columns, patch;
    double coverage;
} shapes[] = {{320, 320, 16, 0.25}, {320, 320, 8, 0.10}, {320, 320, 64, 0.50}, {320, 320, 16, 0.75},
              {320, 320, 1, 0.25},  {320, 320, 4, 0.25}, {200, 131, 16, 0.25}, {64, 48, 16, 0.3}};

START_TEST(masks_have_their_coverage_and_bounds) {
    int rows = shapes[_i].rows, columns = shapes[_i].columns, pixels = rows * columns;
    ssl_mask_config config = {shapes[_i].patch, shapes[_i].coverage};
    unsigned char *guarded = malloc((size_t)pixels + 2 * 64);
    gsl_rng *rng = rng_stream(1, RNG_TEST, 0, 0);
    for (int draw = 0; draw < 20; draw++) {
        rng_restart(rng, 1, RNG_TEST, (uint64_t)draw, 0);
        memset(guarded, 77, (size_t)pixels + 2 * 64);
        ck_assert_msg(ssl_mask_draw(&config, rows, columns, rng, guarded + 64) == 0, "%s", err_message());
        double share = (double)covered(guarded + 64, pixels) / pixels;
        ck_assert_msg(fabs(share - config.coverage) <= SSL_MASK_TOLERANCE, "coverage %g", share);
        ck_assert(is_union_of_patches(guarded + 64, rows, columns, config.patch));
        for (int k = 0; k < 64; k++)
            ck_assert(guarded[k] == 77 && guarded[64 + pixels + k] == 77);
    }
    gsl_rng_free(rng);
    free(guarded);
}
END_TEST

START_TEST(density_falls_from_the_centre) {
    enum { N = 320, DRAWS = 200 };
    ssl_mask_config config = {16, 0.25};
    unsigned char *mask = malloc(N * N);
    gsl_rng *rng = rng_stream(1, RNG_TEST, 0, 0);
    double centre = 0.0, rim = 0.0;
    for (int draw = 0; draw < DRAWS; draw++) {
        ck_assert_int_eq(ssl_mask_draw(&config, N, N, rng, mask), 0);
        for (int y = 0; y < N; y++)
            for (int x = 0; x < N; x++) {
                double d = hypot(y - 159.5, x - 159.5);
                centre += d < 60 ? mask[y * N + x] : 0;
                rim += d > 140 && d < 155 ? mask[y * N + x] : 0;
            }
    }
    centre /= DRAWS * M_PI * 60 * 60;
    rim /= DRAWS * M_PI * (155 * 155 - 140 * 140);
    ck_assert_msg(centre > 1.2 * rim, "centre %g, rim %g", centre, rim);
    gsl_rng_free(rng);
    free(mask);
}
END_TEST

START_TEST(the_same_stream_draws_the_same_mask) {
    ssl_mask_config config = {16, 0.25};
    unsigned char a[100 * 100], b[100 * 100];
    gsl_rng *rng = rng_stream(9, RNG_TEST, 1, 2);
    ck_assert_int_eq(ssl_mask_draw(&config, 100, 100, rng, a), 0);
    rng_restart(rng, 9, RNG_TEST, 1, 2);
    ck_assert_int_eq(ssl_mask_draw(&config, 100, 100, rng, b), 0);
    ck_assert_int_eq(memcmp(a, b, sizeof a), 0);
    ck_assert_int_eq(ssl_mask_draw(&config, 100, 100, rng, b), 0);
    ck_assert_int_ne(memcmp(a, b, sizeof a), 0);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(impossible_masks_are_refused) {
    unsigned char mask[64 * 64];
    gsl_rng *rng = rng_stream(9, RNG_TEST, 1, 2);
    ck_assert_int_eq(ssl_mask_draw(&(ssl_mask_config){65, 0.25}, 64, 64, rng, mask), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "65"));
    ck_assert_int_eq(ssl_mask_draw(&(ssl_mask_config){16, 1.0}, 64, 64, rng, mask), -1);
    ck_assert_int_eq(ssl_mask_draw(&(ssl_mask_config){16, NAN}, 64, 64, rng, mask), -1);
    ck_assert_int_eq(ssl_mask_draw(&(ssl_mask_config){60, 0.25}, 64, 64, rng, mask),
                     -1); /* one covers 88 % */
    ck_assert_ptr_nonnull(strstr(err_message(), "cannot cover"));
    gsl_rng_free(rng);
}
END_TEST

/* Against the definition, pixel by pixel. */
START_TEST(local_mean_fills_from_the_surroundings) {
    enum { H = 30, W = 41, REACH = 3 };
    float image[H * W], filled[H * W];
    unsigned char mask[H * W] = {0};
    for (int k = 0; k < H * W; k++)
        image[k] = sinf(0.37f * (float)k);
    for (int y = 5; y < 21; y++)
        for (int x = 20; x < 36; x++)
            mask[y * W + x] = 1;
    ck_assert_int_eq(ssl_mask_fill_local_mean(mask, image, H, W, REACH, filled), 0);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double sum = 0.0;
            int count = 0;
            for (int reach = REACH; count == 0; reach *= 2)
                for (int j = y - reach; j <= y + reach; j++)
                    for (int i = x - reach; i <= x + reach; i++)
                        if (j >= 0 && i >= 0 && j < H && i < W && !mask[j * W + i]) {
                            sum += (double)image[j * W + i];
                            count++;
                        }
            double expected = mask[y * W + x] ? sum / count : (double)image[y * W + x];
            ck_assert_double_eq_tol((double)filled[y * W + x], expected, 1e-6);
        }
}
END_TEST

START_TEST(error_is_that_of_masked_pixels) {
    const unsigned char mask[5] = {0, 1, 1, 0, 1};
    const float a[5] = {9.0f, 1.0f, 2.0f, NAN, -1.0f}, b[5] = {0.0f, 1.5f, 0.0f, 0.0f, 1.0f};
    ck_assert_double_eq_tol(ssl_mask_mse(mask, a, b, 5), (0.25 + 4.0 + 4.0) / 3.0, 1e-15);
}
END_TEST

Suite *suite_ssl_mask(void) {
    Suite *s = suite_create("ssl_mask");
    TCase *t = tcase_create("ssl_mask");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, masks_have_their_coverage_and_bounds, 0, (int)(sizeof shapes / sizeof *shapes));
    tcase_add_test(t, density_falls_from_the_centre);
    tcase_add_test(t, the_same_stream_draws_the_same_mask);
    tcase_add_test(t, impossible_masks_are_refused);
    tcase_add_test(t, local_mean_fills_from_the_surroundings);
    tcase_add_test(t, error_is_that_of_masked_pixels);
    suite_add_tcase(s, t);
    return s;
}
