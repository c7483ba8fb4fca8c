/* The default cohort: the same for a seed, no voxel on two sides of a split, images that are images. */
#include "core/error.h"
#include "mri/virtual_scan.h"
#include "suites.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "/usr/share/mricron/templates/ch2.nii.gz"
enum { SIZE = 64, PIXELS = SIZE * SIZE };

static const char *const splits[] = {"train", "val", "test"};

START_TEST(test_slabs_are_apart) {
    int seen[3] = {0};
    const virtual_slab *s = virtual_slabs();
    for (; s->split; s++) {
        ck_assert_int_lt(s->first + 12,
                         s->last); /* virtual_scan_position() leaves six voxels at either end */
        if (s[1].split)
            ck_assert_int_lt(s->last, s[1].first);
        for (int k = 0; k < 3; k++)
            seen[k] += strcmp(s->split, splits[k]) == 0;
    }
    ck_assert(seen[0] >= 2 && seen[1] >= 1 && seen[2] >= 2);
}
END_TEST

/* What was really read, neighbours of the interpolation included, lies in a slab of the scan's own split. */
START_TEST(test_scans_read_their_own_slab_only) {
    float image[PIXELS];
    nifti_volume *head = nifti_volume_read(HEAD);
    ck_assert_msg(head != NULL, "%s", err_message());
    for (int index = 0; index < 20; index++) {
        virtual_scan scan;
        int range[2] = {1 << 20, -1};
        ck_assert_int_eq(virtual_scan_draw(2022, splits[_i], index, &scan), 0);
        ck_assert_str_eq(scan.slab.split, splits[_i]);
        for (int slice = 0; slice < 3; slice++) {
            double z = virtual_scan_position(&scan, slice, 3);
            ck_assert(z > scan.slab.first && z < scan.slab.last);
            ck_assert_msg(virtual_scan_render(&scan, head, slice, 3, SIZE, image, range) == 0, "%s",
                          err_message());
            for (int k = 0; k < PIXELS; k++)
                ck_assert(isfinite(image[k]) && image[k] >= 0.0f);
        }
        ck_assert_msg(range[0] >= scan.slab.first && range[1] <= scan.slab.last,
                      "%s read %d..%d, slab is %d..%d", scan.scan_id, range[0], range[1], scan.slab.first,
                      scan.slab.last);
        ck_assert_int_ge(range[1] - range[0], 4); /* and it was measured */
    }
    nifti_volume_free(head);
}
END_TEST

static double correlation(const float *a, const float *b) {
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    for (int k = 0; k < PIXELS; k++) {
        ma += (double)a[k] / PIXELS;
        mb += (double)b[k] / PIXELS;
    }
    for (int k = 0; k < PIXELS; k++) {
        ab += ((double)a[k] - ma) * ((double)b[k] - mb);
        aa += ((double)a[k] - ma) * ((double)a[k] - ma);
        bb += ((double)b[k] - mb) * ((double)b[k] - mb);
    }
    return ab / sqrt(aa * bb);
}

START_TEST(test_scans_are_named_by_their_seed) {
    float a[PIXELS], b[PIXELS];
    virtual_scan first, again, other;
    nifti_volume *head = nifti_volume_read(HEAD);
    ck_assert_int_eq(virtual_scan_draw(1, "test", 3, &first), 0);
    ck_assert_int_eq(virtual_scan_draw(1, "test", 3, &again), 0);
    ck_assert_str_eq(first.scan_id, "colin27_test_0004");
    virtual_scan_render(&first, head, 0, 2, SIZE, a, NULL);
    virtual_scan_render(&again, head, 0, 2, SIZE, b, NULL);
    ck_assert_int_eq(memcmp(a, b, sizeof a), 0);
    virtual_scan_draw(2, "test", 3, &other);
    virtual_scan_render(&other, head, 0, 2, SIZE, b, NULL);
    ck_assert(correlation(a, b) < 0.98);
    virtual_scan_draw(1, "test", 5, &other); /* the same slab, another scan */
    virtual_scan_render(&other, head, 0, 2, SIZE, b, NULL);
    ck_assert(correlation(a, b) < 0.98);
    nifti_volume_free(head);
}
END_TEST

/* Noise of the stated strength in air, where the magnitude is Rayleigh: mean of the square 2 sigma^2. */
START_TEST(test_noise_has_the_stated_strength) {
    enum { N = 128 };
    static float image[N * N];
    virtual_scan scan;
    nifti_volume *head = nifti_volume_read(HEAD);
    for (int index = 0; index < 6; index++) {
        double tissue = 0, count = 0, air = 0;
        ck_assert_int_eq(virtual_scan_draw(5, "test", index, &scan), 0);
        ck_assert_int_eq(virtual_scan_render(&scan, head, 0, 1, N, image, NULL), 0);
        for (int k = 0; k < N * N; k++)
            if (image[k] > 0.1f) {
                tissue += (double)image[k];
                count++;
            }
        int corner = 0;
        for (int y = 0; y < 10; y++)
            for (int x = 0; x < 10; x++, corner++)
                air += (double)image[y * N + x] * (double)image[y * N + x];
        double sigma = sqrt(air / corner / 2.0), snr = tissue / count / sigma;
        /* 100 pixels: 5 % standard error; the air of this volume is not quite 0 */
        ck_assert_msg(fabs(snr / scan.snr - 1.0) < 0.25, "SNR %g, stated %g", snr, scan.snr);
    }
    nifti_volume_free(head);
}
END_TEST

START_TEST(test_unknown_split) {
    virtual_scan scan;
    ck_assert_int_eq(virtual_scan_draw(1, "tests", 0, &scan), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "tests"));
}
END_TEST

Suite *suite_cohort(void) {
    Suite *s = suite_create("cohort");
    TCase *t = tcase_create("cohort");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_slabs_are_apart);
    tcase_add_loop_test(t, test_scans_read_their_own_slab_only, 0, 3);
    tcase_add_test(t, test_scans_are_named_by_their_seed);
    tcase_add_test(t, test_noise_has_the_stated_strength);
    tcase_add_test(t, test_unknown_split);
    suite_add_tcase(s, t);
    return s;
}
