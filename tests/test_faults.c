/* Faults of an acquisition: what each does to k-space, to be had again, and what comes of it in the files. */
#include "core/error.h"
#include "core/rng.h"
#include "io/h5.h"
#include "io/prepared.h"
#include "mri/faults.h"
#include "mri/fft.h"
#include "suites.h"
#include "support.h"
#include <gsl/gsl_randist.h>
#include <math.h>

enum { COILS = 5, ROWS = 40, COLUMNS = 48, PIXELS = ROWS * COLUMNS, SAMPLES = COILS * PIXELS };
#define NOISE 0.02

static unsigned char mask[PIXELS];
static float complex good[SAMPLES], spoilt[SAMPLES];

/* Every third column and the centre of white noise of NOISE and, in the middle rows, a lot of signal. */
static void acquire(void) {
    gsl_rng *rng = rng_stream(1, RNG_TEST, 1, 0);
    for (int k = 0; k < SAMPLES; k++) {
        int row = k % PIXELS / COLUMNS, column = k % COLUMNS;
        mask[k % PIXELS] = column % 3 == 0 || abs(column - COLUMNS / 2) < 4;
        double re = gsl_ran_gaussian(rng, NOISE), im = gsl_ran_gaussian(rng, NOISE);
        double signal = 9.0 * exp(-0.5 * hypot(row - ROWS / 2, column - COLUMNS / 2));
        good[k] = mask[k % PIXELS] ? (float complex)(signal + re + I * im) : 0.0f;
    }
    gsl_rng_free(rng);
}

/* Draws the fault of a scan and spoils a slice of it. */
static scan_fault spoil(fault_kind kind, const char *scan_id, int slice) {
    scan_fault f;
    ck_assert_int_eq(fault_draw(kind, 7, scan_id, COILS, COLUMNS, &f), 0);
    memcpy(spoilt, good, sizeof good);
    ck_assert_msg(fault_apply(&f, slice, mask, COILS, ROWS, COLUMNS, spoilt) == 0, "%s", err_message());
    for (int k = 0; k < SAMPLES; k++)
        if (!mask[k % PIXELS])
            ck_assert(spoilt[k] == 0.0f);
    return f;
}

static int is_changed(int coil, int p) {
    return spoilt[coil * PIXELS + p] != good[coil * PIXELS + p];
}

/* The displaced lines follow each other in the order of acquisition, and are those of the displaced image. */
START_TEST(motion_displaces_lines_that_follow_each_other) {
    acquire();
    scan_fault f = spoil(FAULT_MOTION, "a", 0);
    double length = hypot(f.shift[0], f.shift[1]);
    ck_assert(length >= 0.005 * COLUMNS && length <= 0.03 * COLUMNS && f.begin >= 0.0 && f.end <= 1.0);
    int lines = 0, first = -1, last = -1, changed = 0;
    for (int column = 0; column < COLUMNS; column++) {
        if (!mask[column])
            continue;
        if (is_changed(0, column)) {
            first = first < 0 ? lines : first;
            last = lines;
            changed++;
        }
        lines++;
    }
    ck_assert_int_eq(first, (int)lrint(f.begin * lines));
    ck_assert_int_eq(last, (int)lrint(f.end * lines) - 1);
    ck_assert_int_eq(changed, last - first + 1);
    for (int k = 0; k < SAMPLES; k++)
        ck_assert(fabsf(cabsf(spoilt[k]) - cabsf(good[k])) < 1e-5f);
}
END_TEST

/* All lines displaced by whole pixels: the image is where it should be. */
START_TEST(motion_moves_the_image) {
    static float complex image[PIXELS], moved[PIXELS];
    fft2 *fft = fft2_create(ROWS, COLUMNS);
    scan_fault f = {.kind = FAULT_MOTION, .shift = {3.0, -2.0}, .begin = 0.0, .end = 1.0};
    memset(image, 0, sizeof image);
    image[10 * COLUMNS + 20] = 1.0f;
    memset(mask, 1, sizeof mask);
    fft2_forward(fft, 1, image, moved);
    ck_assert_int_eq(fault_apply(&f, 0, mask, 1, ROWS, COLUMNS, moved), 0);
    fft2_inverse(fft, 1, moved, moved);
    for (int p = 0; p < PIXELS; p++)
        ck_assert_msg(cabsf(moved[p] - (p == 13 * COLUMNS + 18 ? 1.0f : 0.0f)) < 1e-5f, "pixel %d", p);
    fft2_free(fft);
}
END_TEST

START_TEST(a_lost_coil_is_zero) {
    acquire();
    scan_fault f = spoil(FAULT_LOST_COIL, "a", 0);
    ck_assert_int_eq(f.coils_lost, 1); /* of five */
    for (int coil = 0; coil < COILS; coil++)
        for (int p = 0; p < PIXELS; p++) {
            int lost = coil == f.first_coil;
            ck_assert(spoilt[coil * PIXELS + p] == (lost ? 0.0f : good[coil * PIXELS + p]));
        }
}
END_TEST

/* The outer rows, nothing but noise, have as much more of it as was drawn. */
START_TEST(low_snr_adds_noise) {
    acquire();
    scan_fault f = spoil(FAULT_LOW_SNR, "a", 0);
    ck_assert(f.noise >= 3.0 && f.noise <= 16.0);
    for (int coil = 0; coil < COILS; coil++) {
        double sum = 0.0;
        int count = 0;
        for (int p = 0; p < PIXELS; p++)
            if (mask[p]) {
                float complex added = spoilt[coil * PIXELS + p] - good[coil * PIXELS + p];
                sum += (double)(crealf(added) * crealf(added) + cimagf(added) * cimagf(added));
                count += 2;
            }
        double expected = NOISE * sqrt(f.noise * f.noise - 1.0), found = sqrt(sum / count);
        ck_assert_msg(fabs(found / expected - 1.0) < 0.35, "coil %d: %g, expected %g", coil, found, expected);
    }
}
END_TEST

START_TEST(spikes_are_single_samples) {
    acquire();
    float largest = 0.0f;
    for (int k = 0; k < SAMPLES; k++)
        largest = fmaxf(largest, cabsf(good[k]));
    int where[2] = {0, 0};
    for (int slice = 0; slice < 2; slice++) {
        scan_fault f = spoil(FAULT_SPIKES, "a", slice);
        int spikes = 0;
        for (int p = 0; p < PIXELS; p++) {
            if (!is_changed(0, p))
                continue;
            spikes++;
            where[slice] += p;
            for (int coil = 0; coil < COILS; coil++) {
                double height = (double)cabsf(spoilt[coil * PIXELS + p] - good[coil * PIXELS + p]);
                ck_assert(height > 0.49 * f.height * (double)largest);
                ck_assert(height < 1.01 * f.height * (double)largest);
            }
        }
        ck_assert_int_eq(spikes, f.spikes);
    }
    ck_assert_int_ne(where[0], where[1]);
}
END_TEST

/* Of the scan and its slice, whatever was spoilt before; other scans suffer more or less. */
START_TEST(faults_are_drawn_by_scan) {
    static float complex first[SAMPLES];
    acquire();
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        scan_fault a = spoil((fault_kind)kind, "a", 3);
        memcpy(first, spoilt, sizeof first);
        scan_fault b = spoil((fault_kind)kind, "b", 3);
        ck_assert_msg(memcmp(first, spoilt, sizeof first) != 0, "%s", fault_name((fault_kind)kind));
        if (kind != FAULT_LOST_COIL)
            ck_assert_str_ne(a.about, b.about);
        spoil((fault_kind)kind, "a", 3);
        ck_assert(memcmp(first, spoilt, sizeof first) == 0);
    }
}
END_TEST

START_TEST(the_faults_share_the_scans_evenly) {
    enum { SCANS = 199 };
    int kind[SCANS], again[SCANS], other[SCANS], count[FAULT_KINDS + 1] = {0};
    ck_assert_int_eq(fault_choose(5, 0.1, SCANS, kind), 0);
    ck_assert_int_eq(fault_choose(5, 0.1, SCANS, again), 0);
    ck_assert_int_eq(fault_choose(6, 0.1, SCANS, other), 0);
    for (int k = 0; k < SCANS; k++)
        count[kind[k] + 1]++;
    ck_assert(count[0] == SCANS - 20 && count[1] == 5 && count[2] == 5 && count[3] == 5 && count[4] == 5);
    ck_assert(memcmp(kind, again, sizeof kind) == 0 && memcmp(kind, other, sizeof kind) != 0);
    ck_assert_int_eq(fault_choose(5, 0.0, SCANS, kind), 0);
    for (int k = 0; k < SCANS; k++)
        ck_assert_int_eq(kind[k], FAULT_NONE);
}
END_TEST

START_TEST(faults_refuse_an_empty_mask_and_empty_data) {
    scan_fault f = {.kind = FAULT_LOW_SNR, .noise = 3.0};
    memset(mask, 0, sizeof mask);
    ck_assert_int_eq(fault_apply(&f, 0, mask, COILS, ROWS, COLUMNS, spoilt), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "mask"));
    memset(mask, 1, sizeof mask);
    memset(spoilt, 0, sizeof spoilt);
    ck_assert_int_eq(fault_apply(&f, 0, mask, COILS, ROWS, COLUMNS, spoilt), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "noise"));
}
END_TEST

/* ---------------------------------------------------------------- in files */

#define COHORT "--size 64 --train 1 --val 1 --test 4 --test-slices 2 --split test --records @/records "
#define NETWORK "--weights @/recon/weights.h5 "
#define TEST_SCAN(folder, k) folder "/test/colin27_test_000" #k ".h5"
enum { SIDE = 64, SLICES = 2 };

static void train_network(void) {
    expect_done(
        "prepare_scans --no-reconstruction --complex --size 64 --train 1 --val 1 --test 1 --train-slices 2 "
        "--out @/cohort --records @/records");
    expect_done(
        "train_recon --cohort @/cohort --channels 4 --steps 1 --batch 1 --validation-slices 1 --records "
        "@/records --out @/recon");
}

static void read_images(const char *name, prepared_kind kind, float *images) {
    char file[256];
    snprintf(file, sizeof file, "%s/%s", folder, name);
    prepared_scan *s = prepared_open(file);
    ck_assert_msg(s != NULL, "%s", err_message());
    for (int k = 0; k < SLICES; k++)
        ck_assert_msg(prepared_read(s, kind, k, images + k * SIDE * SIDE) == 0, "%s", err_message());
    prepared_close(s);
}

/* The good acquisition of every scan stays as it is; a scan with a fault has it as well, the same on any
 * number of threads. */
START_TEST(faulty_acquisitions_leave_the_good_ones_as_they_are) {
    static const char *const good_files[] = {TEST_SCAN("good", 1), TEST_SCAN("good", 2), TEST_SCAN("good", 3),
                                             TEST_SCAN("good", 4)};
    static const char *const files[] = {TEST_SCAN("half", 1), TEST_SCAN("half", 2), TEST_SCAN("half", 3),
                                        TEST_SCAN("half", 4)};
    static const char *const again[] = {TEST_SCAN("again", 1), TEST_SCAN("again", 2), TEST_SCAN("again", 3),
                                        TEST_SCAN("again", 4)};
    static float a[SLICES * SIDE * SIDE], b[SLICES * SIDE * SIDE];
    train_network();
    expect_done("prepare_scans " COHORT NETWORK "--faults 0 --out @/good --threads 2");
    expect_done("prepare_scans " COHORT NETWORK "--faults 0.5 --out @/half --threads 2");
    expect_done("prepare_scans " COHORT NETWORK "--faults 0.5 --out @/again --threads 1");
    char half[128];
    snprintf(half, sizeof half, "%s/half", folder);
    prepared_split *split = prepared_split_open(half, "test", 0);
    ck_assert_msg(split != NULL, "%s", err_message());
    ck_assert_ptr_nonnull(strstr(split->settings, " faults=0.5"));
    int faults = 0;
    for (int k = 0; k < 4; k++) {
        for (int kind = 0; kind < PREPARED_RECONSTRUCTION_FAULTY; kind++) {
            read_images(good_files[k], (prepared_kind)kind, a);
            read_images(files[k], (prepared_kind)kind, b);
            ck_assert_msg(memcmp(a, b, sizeof a) == 0, "%s: %s", files[k],
                          prepared_kind_name((prepared_kind)kind));
        }
        if (strcmp(split->faults[k], PREPARED_NO_FAULT) == 0)
            continue;
        ck_assert_str_eq(split->faults[k], fault_name((fault_kind)faults++));
        read_images(files[k], PREPARED_RECONSTRUCTION_FAULTY, b);
        ck_assert(memcmp(a, b, sizeof a) != 0); /* a: the good reconstruction */
        read_images(again[k], PREPARED_RECONSTRUCTION_FAULTY, a);
        ck_assert(memcmp(a, b, sizeof a) == 0);
    }
    ck_assert_int_eq(faults, 2);
    prepared_split_free(split);
    expect_done("prepare_scans " COHORT NETWORK "--faults 0.5 --out @/half");
    ck_assert_msg(strstr(output, "4 kept"), "%s", output);
    expect_done("prepare_scans " COHORT NETWORK "--faults 0.25 --out @/half");
    ck_assert_msg(strstr(output, "4 scans prepared"), "%s", output);
}
END_TEST

/* Real acquisitions get no faults unless requested. */
START_TEST(fastmri_has_no_faults_by_default) {
    static float a[SLICES * SIDE * SIDE], b[SLICES * SIDE * SIDE];
    train_network();
    expect_done(
        "simulate_cohort --size 64 --train 1 --val 1 --test 5 --test-slices 2 --split test --out @/raw "
        "--records @/records");
    expect_done("prepare_scans @/raw --split test --records @/records " NETWORK "--out @/plain");
    expect_done("prepare_scans @/raw --split test --records @/records --faults 0 " NETWORK "--out @/plain");
    ck_assert_msg(strstr(output, "5 kept"), "%s", output);
    char plain[128];
    snprintf(plain, sizeof plain, "%s/plain", folder);
    prepared_split *split = prepared_split_open(plain, "test", 0);
    ck_assert_ptr_null(strstr(split->settings, "faults"));
    for (int k = 0; k < split->scans; k++)
        ck_assert_str_eq(split->faults[k], PREPARED_NO_FAULT);
    prepared_split_free(split);
    expect_done("prepare_scans @/raw --split test --records @/records --faults 1 " NETWORK "--out @/asked");
    read_images(TEST_SCAN("asked", 5), PREPARED_RECONSTRUCTION, a);
    read_images(TEST_SCAN("asked", 5), PREPARED_RECONSTRUCTION_FAULTY, b);
    ck_assert(memcmp(a, b, sizeof a) != 0);
    read_images(TEST_SCAN("plain", 5), PREPARED_RECONSTRUCTION, b);
    ck_assert(memcmp(a, b, sizeof a) == 0);
}
END_TEST

START_TEST(wrong_faults_are_refused) {
    expect_failure("prepare_scans --faults some", 2, "--faults", "some");
    expect_failure("prepare_scans --faults 1.5", 2, "--faults", "1.5");
    expect_failure("prepare_scans --faults 0.1x", 2, "--faults", "0.1x");
    expect_failure("prepare_scans --faults nan", 2, "--faults", "nan");
    expect_failure("prepare_scans --faults 0.1 --no-reconstruction", 2, "--faults", "reconstruction");
}
END_TEST

Suite *suite_faults(void) {
    Suite *s = suite_create("faults");
    TCase *t = tcase_create("faults");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, motion_displaces_lines_that_follow_each_other);
    tcase_add_test(t, motion_moves_the_image);
    tcase_add_test(t, a_lost_coil_is_zero);
    tcase_add_test(t, low_snr_adds_noise);
    tcase_add_test(t, spikes_are_single_samples);
    tcase_add_test(t, faults_are_drawn_by_scan);
    tcase_add_test(t, the_faults_share_the_scans_evenly);
    tcase_add_test(t, faults_refuse_an_empty_mask_and_empty_data);
    tcase_add_test(t, faulty_acquisitions_leave_the_good_ones_as_they_are);
    tcase_add_test(t, fastmri_has_no_faults_by_default);
    tcase_add_test(t, wrong_faults_are_refused);
    suite_add_tcase(s, t);
    return s;
}
