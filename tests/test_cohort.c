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

START_TEST(slabs_are_apart) {
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
START_TEST(scans_read_their_own_slab_only) {
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

START_TEST(scans_are_named_by_their_seed) {
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

/* ---------------------------------------------------------------- acquisition */

/* On the axis of a loop of radius R, at a distance d, the field is proportional to R^2 / (R^2 + d^2)^(3/2).
 */
START_TEST(sensitivity_on_the_axis_is_that_of_a_loop) {
    enum { N = 257 };
    static float complex map[N * N];
    const coil_loop loop = {.centre = {170.0, 0.0, 0.0}, .normal = {-1.0, 0.0, 0.0}, .radius = 65.0};
    ck_assert_int_eq(coil_sensitivities(&loop, 1, 0.0, 0.85, N, map), 0);
    double at_centre = pow(65.0 * 65.0 + 170.0 * 170.0, 1.5);
    for (int column = 0; column < N; column++) {
        double d = 170.0 - (column - 128) * 0.85, expected = at_centre / pow(65.0 * 65.0 + d * d, 1.5);
        float complex found = map[128 * N + column];
        ck_assert_msg(fabs((double)cabsf(found) / expected - 1.0) < 2e-3, "column %d: %g, expected %g",
                      column, (double)cabsf(found), expected);
        ck_assert(fabs((double)cimagf(found)) < 1e-4 * expected); /* the field points along x */
    }
}
END_TEST

/* Turned by a right angle, the field is, too: S = Bx - i By becomes -i S on the turned pixel. */
START_TEST(sensitivity_turns_with_the_loop) {
    enum { N = 49 };
    static float complex first[N * N], turned[N * N];
    const coil_loop a = {{170.0, 20.0, 10.0}, {-1.0, 0.1, 0.0}, 65.0},
                    b = {{-20.0, 170.0, 10.0}, {-0.1, -1.0, 0.0}, 65.0};
    ck_assert_int_eq(coil_sensitivities(&a, 1, 5.0, 4.0, N, first), 0);
    ck_assert_int_eq(coil_sensitivities(&b, 1, 5.0, 4.0, N, turned), 0);
    for (int row = 0; row < N; row++)
        for (int column = 0; column < N; column++) { /* (x, y) -> (-y, x) */
            float complex expected = -I * first[row * N + column], found = turned[column * N + N - 1 - row];
            ck_assert_msg(cabsf(found - expected) < 2e-3f * cabsf(expected) + 1e-4f, "row %d, column %d", row,
                          column);
        }
}
END_TEST

/* L L^H is Psi, which has a diagonal of ones. */
START_TEST(noise_factor_gives_the_covariance) {
    enum { N = 32, C = VIRTUAL_COILS };
    static float complex maps[C * N * N];
    double complex factor[C * C];
    virtual_scan scan;
    ck_assert_int_eq(virtual_scan_draw(3, "val", 1, &scan), 0);
    ck_assert_int_eq(coil_sensitivities(scan.loops, C, 0.0, 7.0, N, maps), 0);
    ck_assert_int_eq(coil_noise_factor(maps, C, N * N, 0.3, factor), 0);
    for (int a = 0; a < C; a++)
        for (int b = 0; b < C; b++) {
            double complex found = 0.0, overlap = 0.0;
            double aa = 0.0, bb = 0.0;
            for (int k = 0; k < C; k++)
                found += factor[a * C + k] * conj(factor[b * C + k]);
            for (int k = 0; k < N * N; k++) {
                double complex u = maps[a * N * N + k], v = maps[b * N * N + k];
                overlap += u * conj(v);
                aa += creal(u * conj(u));
                bb += creal(v * conj(v));
            }
            double complex expected = a == b ? 1.0 : 0.3 * overlap / sqrt(aa * bb);
            ck_assert_msg(cabs(found - expected) < 1e-9, "coils %d, %d: %g, expected %g", a, b, cabs(found),
                          cabs(expected));
            ck_assert(b <= a || factor[a * C + b] == 0.0);
        }
}
END_TEST

/* In the corners of k-space is noise alone: of the stated strength, alike in both parts, correlated as
 * stated. */
START_TEST(noise_is_as_stated) {
    enum { N = 320, C = VIRTUAL_COILS, CORNER = 40 };
    virtual_scan scan;
    nifti_volume *head = nifti_volume_read(HEAD);
    float *image = malloc(N * N * sizeof *image);
    float complex *kspace = malloc(C * N * N * sizeof *kspace), *maps = malloc(C * N * N * sizeof *maps);
    double complex factor[C * C];
    double tissue = 0, count = 0;
    ck_assert_int_eq(virtual_scan_draw(5, "test", 1, &scan), 0);
    ck_assert_int_eq(virtual_scan_render(&scan, head, 0, 1, N, image, NULL), 0);
    for (int k = 0; k < N * N; k++) {
        tissue += image[k] > 0.1f ? (double)image[k] : 0.0;
        count += image[k] > 0.1f;
    }
    raw_scan *raw = virtual_scan_open(&scan, head, HEAD, 1, N);
    ck_assert_msg(raw->read(raw, 0, kspace) == 0, "%s", err_message());
    double z = virtual_scan_position(&scan, 0, 1) - 0.5 * (scan.slab.first + scan.slab.last);
    coil_sensitivities(scan.loops, C, z, scan.pixel_mm, N, maps);
    coil_noise_factor(maps, C, N * N, VIRTUAL_NOISE_SHARE, factor);
    double sigma = tissue / count / scan.snr;
    for (int a = 0; a < C; a++)
        for (int b = 0; b <= a; b++) {
            double complex found = 0.0, expected = 0.0;
            for (int row = 0; row < CORNER; row++)
                for (int column = 0; column < CORNER; column++)
                    found += (double complex)kspace[(a * N + row) * N + column] *
                             conj((double complex)kspace[(b * N + row) * N + column]) / (CORNER * CORNER);
            for (int k = 0; k < C; k++)
                expected += factor[a * C + k] * conj(factor[b * C + k]);
            found /= 2.0 * sigma * sigma; /* 1600 samples: standard error 2.5 % */
            ck_assert_msg(cabs(found - expected) < 0.12, "coils %d, %d: %g, expected %g", a, b, cabs(found),
                          cabs(expected));
        }
    raw_scan_close(raw);
    nifti_volume_free(head);
    free(image);
    free(kspace);
    free(maps);
}
END_TEST

START_TEST(slices_are_acquired_alike_in_any_order) {
    enum { N = 48 };
    static float complex first[VIRTUAL_COILS * N * N], again[VIRTUAL_COILS * N * N];
    virtual_scan scan;
    nifti_volume *head = nifti_volume_read(HEAD);
    ck_assert_int_eq(virtual_scan_draw(5, "train", 2, &scan), 0);
    raw_scan *raw = virtual_scan_open(&scan, head, HEAD, 3, N),
             *other = virtual_scan_open(&scan, head, HEAD, 3, N);
    ck_assert(raw->coils == 8 && raw->rows == N && raw->image_columns == N && raw->snr == scan.snr);
    ck_assert_int_eq(raw->read(raw, 2, first), 0);
    ck_assert_int_eq(other->read(other, 0, again), 0);
    ck_assert_int_ne(memcmp(first, again, sizeof first), 0);
    ck_assert_int_eq(other->read(other, 2, again), 0);
    ck_assert_int_eq(memcmp(first, again, sizeof first), 0);
    raw_scan_close(raw);
    raw_scan_close(other);
    nifti_volume_free(head);
}
END_TEST

START_TEST(a_missing_head_is_named) {
    ck_assert_ptr_null(virtual_head_read("/nowhere/ch2.nii.gz"));
    ck_assert(strstr(err_message(), "/nowhere/ch2.nii.gz") && strstr(err_message(), "mricron-data"));
}
END_TEST

START_TEST(an_unknown_split_is_refused) {
    virtual_scan scan;
    ck_assert_int_eq(virtual_scan_draw(1, "tests", 0, &scan), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "tests"));
}
END_TEST

Suite *suite_cohort(void) {
    Suite *s = suite_create("cohort");
    TCase *t = tcase_create("cohort");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, slabs_are_apart);
    tcase_add_loop_test(t, scans_read_their_own_slab_only, 0, 3);
    tcase_add_test(t, scans_are_named_by_their_seed);
    tcase_add_test(t, sensitivity_on_the_axis_is_that_of_a_loop);
    tcase_add_test(t, sensitivity_turns_with_the_loop);
    tcase_add_test(t, noise_factor_gives_the_covariance);
    tcase_add_test(t, noise_is_as_stated);
    tcase_add_test(t, slices_are_acquired_alike_in_any_order);
    tcase_add_test(t, a_missing_head_is_named);
    tcase_add_test(t, an_unknown_split_is_refused);
    suite_add_tcase(s, t);
    return s;
}
