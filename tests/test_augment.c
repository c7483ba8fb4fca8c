/* Augmentation: rotation against SciPy (tests/golden/make_augment_golden.py), flips, what is drawn; and the
 * share of the scans that is trained on. */
#include "core/checksum.h"
#include "core/rng.h"
#include "io/prepared.h"
#include "suites.h"
#include "support.h"
#include "train/augment.h"
#include "train/slice_set.h"
#include <string.h>

enum { ROWS = 26, COLUMNS = 21, PIXELS = ROWS * COLUMNS };

START_TEST(rotation_matches_scipy) {
    h5_file *f = h5_open("tests/golden/augment.h5");
    const hsize_t three[1] = {3};
    double degrees[3];
    size_t count;
    float *image = read_golden(f, "image", &count), *expected = read_golden(f, "rotated", &count);
    float work[PIXELS], found[PIXELS];
    ck_assert_int_eq(h5_read_f64(f, "degrees", 1, three, degrees), 0);
    for (int k = 0; k < 3; k++) {
        augment_rotate(image, ROWS, COLUMNS, degrees[k], work, found);
        double e = relative(found, expected + k * PIXELS, PIXELS);
        ck_assert_msg(e < 1e-6, "%g degrees: relative difference %g", degrees[k], e);
    }
    augment_rotate(image, ROWS, COLUMNS, 0.0, work, found);
    ck_assert(relative(found, image, PIXELS) < 1e-6);
    free(image);
    free(expected);
    h5_close(f);
}
END_TEST

START_TEST(a_flip_reverses_rows_or_columns) {
    float image[6] = {1, 2, 3, 4, 5, 6},
          expected[4][6] = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {4, 5, 6, 1, 2, 3}, {6, 5, 4, 3, 2, 1}};
    for (int k = 0; k < 4; k++) {
        augmentation a = {k & 1, k >> 1, 0.0};
        float found[6];
        float complex both[6];
        memcpy(found, image, sizeof found);
        for (int i = 0; i < 6; i++)
            both[i] = image[i] - image[i] * 10.0f * I;
        augment_flip(&a, found, 2, 3, sizeof *found);
        augment_flip(&a, both, 2, 3, sizeof *both);
        for (int i = 0; i < 6; i++) {
            ck_assert(found[i] == expected[k][i]);
            ck_assert(crealf(both[i]) == expected[k][i] && cimagf(both[i]) == -10.0f * expected[k][i]);
        }
    }
}
END_TEST

START_TEST(flips_and_angles_are_drawn_evenly) {
    enum { DRAWS = 2000 };
    gsl_rng *rng = rng_stream(1, RNG_TEST, 0, 0);
    int flips[2] = {0}, rotated = 0, positive = 0;
    double largest = 0.0;
    for (int k = 0; k < DRAWS; k++) {
        augmentation a = augment_draw(rng, 1, 10.0);
        flips[0] += a.left_right;
        flips[1] += a.up_down;
        rotated += a.degrees != 0.0;
        positive += a.degrees > 0.0;
        largest = fmax(largest, fabs(a.degrees));
        augmentation none = augment_draw(rng, 0, 0.0);
        ck_assert(!none.left_right && !none.up_down && none.degrees == 0.0);
    }
    ck_assert(abs(flips[0] - DRAWS / 2) < 100 && abs(flips[1] - DRAWS / 2) < 100);
    ck_assert(abs(rotated - DRAWS / 2) < 100 && abs(positive - DRAWS / 4) < 100);
    ck_assert(largest > 9.9 && largest <= 10.0);
    gsl_rng_free(rng);
}
END_TEST

/* ---------------------------------------------------------------- slices */

enum { SCANS = 25, SIDE = 16 }; /* 0.28 of 25 is 7 and a bit in floating point */

/* Scan k has 1 + k % 2 slices; the first pixel of each is `first`. */
static void write_scan(int k, float first) {
    char path[256], id[16];
    float image[SIDE * SIDE];
    const int32_t slices[2] = {0, 1};
    snprintf(id, sizeof id, "scan_%02d", k);
    prepared_content content = {.cohort = "test",
                                .scan_id = id,
                                .patient_id = id,
                                .split = "train",
                                .slices = 1 + k % 2,
                                .rows = SIDE,
                                .columns = SIDE,
                                .slice = slices,
                                .has = {[PREPARED_REFERENCE] = 1}};
    snprintf(path, sizeof path, "%s/train/%s.h5", folder, id);
    h5_file *f = prepared_create(path, &content);
    ck_assert_msg(f != NULL, "%s", err_message());
    for (int slice = 0; slice < content.slices; slice++) {
        for (int i = 0; i < SIDE * SIDE; i++)
            image[i] = i ? (float)(k + slice + i) : first;
        ck_assert_int_eq(prepared_write(f, PREPARED_REFERENCE, slice, SIDE, SIDE, image), 0);
    }
    ck_assert_msg(h5_commit(f) == 0, "%s", err_message());
}

static slice_set open_share(double fraction, uint64_t seed) {
    slice_set s;
    ck_assert_msg(slice_set_open(&s, folder, "train", fraction, seed) == 0, "%s", err_message());
    return s;
}

/* Bits of the scans in a set, which must be there with all their slices. */
static unsigned scans_of(const slice_set *s) {
    unsigned scans = 0;
    int slices = 0;
    for (int k = 0; k < s->count; k++)
        scans |= 1u << s->at[k].scan;
    for (int k = 0; k < SCANS; k++)
        slices += scans >> k & 1 ? 1 + k % 2 : 0;
    ck_assert_int_eq(slices, s->count);
    return scans;
}

START_TEST(a_share_takes_whole_scans) {
    unsigned of_seed[4], smaller = 0;
    for (int k = 0; k < SCANS; k++)
        write_scan(k, 0.0f);
    for (int kept = 1; kept <= SCANS; kept++) {
        slice_set s = open_share((double)kept / SCANS, 3);
        unsigned scans = scans_of(&s);
        ck_assert_int_eq(__builtin_popcount(scans), kept);
        ck_assert_uint_eq(scans & smaller, smaller);
        smaller = scans;
        slice_set_close(&s);
    }
    for (int seed = 0; seed < 4; seed++) {
        slice_set s = open_share(0.45, (uint64_t)seed); /* rounded up: 12 of 25 */
        of_seed[seed] = scans_of(&s);
        ck_assert_int_eq(__builtin_popcount(of_seed[seed]), 12);
        int seen[2 * SCANS] = {0};
        slice_place place;
        for (int k = 0; k < s.count; k++) {
            ck_assert_int_eq(slice_set_at(&s, s.count + k, &place), 0);
            seen[2 * place.scan + place.slice]++;
        }
        for (int k = 0; k < s.count; k++) /* an epoch goes through the share, each slice once */
            ck_assert_int_eq(seen[2 * s.at[k].scan + s.at[k].slice], 1);
        slice_set_close(&s);
    }
    ck_assert(of_seed[0] != of_seed[1] || of_seed[1] != of_seed[2] || of_seed[2] != of_seed[3]);
}
END_TEST

START_TEST(slices_are_taken_from_the_scans_in_turn) {
    slice_set s;
    static const int expected[5][2] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {1, 1}};
    for (int k = 0; k < 4; k++)
        write_scan(k, 0.0f);
    for (int limit = 1; limit <= 7; limit++) {
        ck_assert_int_eq(slice_set_open_in_turn(&s, folder, "train", limit), 0);
        ck_assert_int_eq(s.count, limit < 6 ? limit : 6);
        for (int k = 0; k < s.count && k < 5; k++)
            ck_assert(s.at[k].scan == expected[k][0] && s.at[k].slice == expected[k][1]);
        slice_set_close(&s);
    }
}
END_TEST

START_TEST(checksum_is_that_of_the_pixels) {
    const slice_images kind = {1, {PREPARED_REFERENCE}}, missing = {1, {PREPARED_REFERENCE_COMPLEX}};
    char first[CHECKSUM_HEX], again[CHECKSUM_HEX];
    for (int k = 0; k < SCANS; k++)
        write_scan(k, 0.0f);
    slice_set all = open_share(1.0, 3), half = open_share(0.5, 3);
    ck_assert_msg(slice_set_checksum(&all, &kind, first) == 0, "%s", err_message());
    checksum *sum = checksum_begin("sha256");
    for (int k = 0; k < SCANS; k++)
        for (int slice = 0; slice < 1 + k % 2; slice++)
            for (int i = 0; i < SIDE * SIDE; i++) {
                float pixel = i ? (float)(k + slice + i) : 0.0f;
                checksum_add(sum, &pixel, sizeof pixel);
            }
    ck_assert_int_eq(checksum_end(sum, again), 0);
    ck_assert_str_eq(first, again);
    ck_assert_int_eq(slice_set_checksum(&half, &kind, again), 0);
    ck_assert_str_ne(first, again);
    write_scan(SCANS - 1, 0.5f);
    ck_assert_int_eq(slice_set_checksum(&all, &kind, again), 0);
    ck_assert_str_ne(first, again);
    ck_assert_int_eq(slice_set_checksum(&all, &missing, again), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "reference_complex"));
    slice_set_close(&all);
    slice_set_close(&half);
}
END_TEST

Suite *suite_augment(void) {
    Suite *s = suite_create("augment");
    TCase *t = tcase_create("augment");
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, rotation_matches_scipy);
    tcase_add_test(t, a_flip_reverses_rows_or_columns);
    tcase_add_test(t, flips_and_angles_are_drawn_evenly);
    tcase_add_test(t, a_share_takes_whole_scans);
    tcase_add_test(t, slices_are_taken_from_the_scans_in_turn);
    tcase_add_test(t, checksum_is_that_of_the_pixels);
    suite_add_tcase(s, t);
    return s;
}
