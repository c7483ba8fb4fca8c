/* Edge cases of io and the cohort: every float16, files cut at every byte, slabs that must not matter. */
#include "suites.h"
#include "support.h"

#include "core/error.h"
#include "core/memory.h"
#include "io/h5.h"
#include "io/nifti_volume.h"
#include "io/prepared.h"
#include "mri/virtual_scan.h"
#include <math.h>
#include <nifti1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define HEAD "/usr/share/mricron/templates/ch2.nii.gz"
/* ---------------------------------------------------------------- float16 */

/* Positive binary16 by its bits; 0x7c00 stands for 65536, where rounding to infinity begins in earnest. */
static double half_value(int bits) {
    int exponent = bits >> 10, mantissa = bits & 0x3ff;
    return exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
}

enum { HALVES = 0x7c00, PROBES = 4 };

/* Every finite half, the midpoint to the next one (goes to the even one), and a float32 to either side of it.
 */
START_TEST(every_float16_is_rounded_to) {
    hsize_t dims[1] = {HALVES * PROBES};
    float *values = mem_alloc(dims[0] * sizeof *values), *back = mem_alloc(dims[0] * sizeof *back);
    uint16_t *bits = mem_alloc(dims[0] * sizeof *bits);
    for (int h = 0; h < HALVES; h++) {
        float *v = values + h * PROBES, middle = (float)(0.5 * (half_value(h) + half_value(h + 1)));
        v[0] = (float)half_value(h);
        v[1] = middle;
        v[2] = nextafterf(middle, 0);
        v[3] = nextafterf(middle, INFINITY);
        if (_i)
            for (int k = 0; k < PROBES; k++)
                v[k] = -v[k];
    }
    h5_file *f = h5_create(in_folder("half.h5"));
    ck_assert_msg(h5_write_f32(f, "x", 1, dims, values, H5_F16) == 0, "%s", err_message());
    ck_assert_int_eq(h5_commit(f), 0);
    f = h5_open(path);
    ck_assert_int_eq(h5_read_f32(f, "x", 1, dims, back), 0);
    hid_t id = H5Dopen2(f->id, "x", H5P_DEFAULT), type = H5Dget_type(id);
    ck_assert_uint_eq(H5Tget_size(type), 2);
    ck_assert_int_ge(H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bits), 0);
    for (int k = 0; k < HALVES * PROBES; k++) {
        int h = k / PROBES, probe = k % PROBES, rounded = h + (probe == 3 || (probe == 1 && h % 2));
        double value = rounded == HALVES ? INFINITY : half_value(rounded);
        ck_assert_msg(bits[k] == (rounded | _i << 15), "%.9g is stored as 0x%04x, expected 0x%04x",
                      (double)values[k], bits[k], (unsigned)(rounded | _i << 15));
        ck_assert_msg((double)back[k] == (_i ? -value : value), "0x%04x reads as %.9g", bits[k],
                      (double)back[k]);
    }
    H5Tclose(type);
    H5Dclose(id);
    h5_close(f);
    free(values);
    free(back);
    free(bits);
}
END_TEST

START_TEST(float16_keeps_nan) {
    const float values[5] = {NAN, -NAN, INFINITY, -INFINITY, 3.4e38f};
    float back[5];
    hsize_t dims[1] = {5};
    h5_file *f = h5_create(in_folder("half.h5"));
    ck_assert_int_eq(h5_write_f32(f, "deep/x", 1, dims, values, H5_F16), 0);
    ck_assert_int_eq(h5_commit(f), 0);
    f = h5_open(path);
    ck_assert_int_eq(h5_read_f32(f, "deep/x", 1, dims, back), 0);
    ck_assert(isnan(back[0]) && isnan(back[1]) && back[2] == INFINITY && back[3] == -INFINITY &&
              back[4] == INFINITY);
    h5_close(f);
}
END_TEST

/* ---------------------------------------------------------------- NIfTI */

static size_t nifti_bytes(char *file, short datatype, short bits, float slope, const void *voxels,
                          size_t bytes) {
    struct nifti_1_header header = {.sizeof_hdr = 348,
                                    .dim = {3, 3, 2, 2, 1, 1, 1, 1},
                                    .pixdim = {1, -1.5f, 2, 3, 1, 1, 1, 1},
                                    .datatype = datatype,
                                    .bitpix = bits,
                                    .vox_offset = 352,
                                    .scl_slope = slope,
                                    .scl_inter = 10};
    memcpy(header.magic, "n+1", 4);
    memset(file, 0, 352);
    memcpy(file, &header, sizeof header);
    memcpy(file + 352, voxels, bytes);
    return 352 + bytes;
}

static void write_bytes(const char *name, const void *bytes, size_t count) {
    FILE *f = fopen(in_folder(name), "wb");
    ck_assert(f && fwrite(bytes, 1, count, f) == count && fclose(f) == 0);
}

START_TEST(nifti_types_are_read) {
    uint8_t u8[12];
    uint16_t u16[12];
    int16_t i16[12];
    float f32[12];
    for (int k = 0; k < 12; k++) {
        u8[k] = (uint8_t)(244 + k);
        u16[k] = (uint16_t)(65524 + k);
        i16[k] = (int16_t)(-32768 + k);
        f32[k] = 0.25f * (float)k;
    }
    const struct {
        short datatype, bits;
        const void *voxels;
        float first, step;
    } cases[] = {{DT_UINT8, 8, u8, 244, 1},
                 {DT_UINT16, 16, u16, 65524, 1},
                 {DT_INT16, 16, i16, -32768, 1},
                 {DT_FLOAT32, 32, f32, 0, 0.25f}};
    char file[1024];
    for (int k = 0; k < 8; k++) {
        int scaled = k % 2;
        size_t size = nifti_bytes(file, cases[k / 2].datatype, cases[k / 2].bits, scaled ? 2 : 0,
                                  cases[k / 2].voxels, 12 * (size_t)cases[k / 2].bits / 8);
        write_bytes("v.nii", file, size);
        nifti_volume *v = nifti_volume_read(path);
        ck_assert_msg(v != NULL, "%s", err_message());
        ck_assert(v->nx == 3 && v->ny == 2 && v->nz == 2);
        ck_assert(v->dx == 1.5f && v->dy == 2 && v->dz == 3);
        for (int n = 0; n < 12; n++) {
            float raw = cases[k / 2].first + (float)n * cases[k / 2].step;
            ck_assert_float_eq(v->data[n], scaled ? 2 * raw + 10 : raw); /* slope 0: not scaled */
        }
        nifti_volume_free(v);
    }
}
END_TEST

/* Cut at any byte a NIfTI file is refused, packed or not. */
START_TEST(nifti_cut_anywhere_is_refused) {
    char file[1024], packed[2048];
    float voxels[12];
    for (int k = 0; k < 12; k++)
        voxels[k] = sinf((float)k);
    size_t size = nifti_bytes(file, DT_FLOAT32, 32, 1, voxels, sizeof voxels);
    for (size_t cut = 0; cut <= size; cut++) {
        write_bytes("v.nii", file, cut);
        nifti_volume *v = nifti_volume_read(path);
        ck_assert_msg((v != NULL) == (cut == size), "%zu of %zu bytes", cut, size);
        if (!v)
            expect_error("v.nii", "NIfTI");
        nifti_volume_free(v);
    }
    gzFile gz = gzopen(in_folder("v.nii.gz"), "wb");
    ck_assert(gz && gzwrite(gz, file, (unsigned)size) == (int)size && gzclose(gz) == Z_OK);
    FILE *f = fopen(path, "rb");
    size_t packed_size = fread(packed, 1, sizeof packed, f);
    fclose(f);
    nifti_volume *v = nifti_volume_read(path);
    ck_assert_msg(v != NULL, "%s", err_message());
    ck_assert_float_eq(v->data[11], voxels[11] * 1 + 10);
    nifti_volume_free(v);
    write_bytes("v.nii.gz", packed, packed_size / 2);
    ck_assert_ptr_null(nifti_volume_read(path));
    expect_error("v.nii.gz", "NIfTI");
    ck_assert_ptr_null(nifti_volume_read("Makefile"));
    expect_error("Makefile", "not a NIfTI file");
}
END_TEST

/* ---------------------------------------------------------------- splits */

static void write_scan(const char *name, const char *cohort, const char *split, int rows) {
    static const int32_t numbers[2] = {0, 1};
    float images[2 * 40 * 16];
    for (int k = 0; k < 2 * 40 * 16; k++)
        images[k] = (float)k;
    prepared_content c = {.cohort = cohort,
                          .scan_id = name,
                          .patient_id = "p",
                          .split = split,
                          .slices = 2,
                          .rows = rows,
                          .columns = 16,
                          .slice = numbers,
                          .has = {1}};
    h5_file *f = prepared_create(in_folder(name), &c);
    ck_assert_msg(f != NULL, "%s", err_message());
    for (int k = 0; k < 2; k++)
        ck_assert_int_eq(prepared_write(f, PREPARED_REFERENCE, k, rows, 16, images + k * rows * 16), 0);
    ck_assert_msg(h5_commit(f) == 0, "%s", err_message());
}

START_TEST(split_lists_scans_only) {
    static const char *const names[] = {"test/b.h5", "test/C.h5", "test/a10.h5", "test/a2.h5"};
    for (int k = 0; k < 4; k++)
        write_scan(names[k], "c", "test", 20);
    write_bytes("test/z.h5.part.17", "x", 1);
    write_bytes("test/.hidden.h5", "x", 1);
    write_bytes("test/notes.txt", "x", 1);
    prepared_split *s = prepared_split_open(folder, "test", 0);
    ck_assert_msg(s != NULL, "%s", err_message());
    static const char *const sorted[] = {"test/C.h5", "test/a10.h5", "test/a2.h5", "test/b.h5"};
    ck_assert_int_eq(s->scans, 4);
    for (int k = 0; k < 4; k++)
        ck_assert_str_eq(s->scan_ids[k], sorted[k]);
    prepared_split_free(s);
    s = prepared_split_open(folder, "test", 9);
    ck_assert_int_eq(s->scans, 4);
    prepared_split_free(s);
}
END_TEST

START_TEST(scans_that_disagree_are_refused) {
    write_scan("test/a.h5", "c", "test", 20);
    write_scan("test/b.h5", "c", "test", 40);
    ck_assert_ptr_null(prepared_split_open(folder, "test", 0));
    expect_error("/b.h5", "expected slices of 20 x 16");
    expect_error("/a.h5", "found 40 x 16");
    prepared_split *s = prepared_split_open(folder, "test", 1); /* the second is not looked at */
    ck_assert_msg(s != NULL, "%s", err_message());
    prepared_split_free(s);
    write_scan("test/b.h5", "other", "test", 20);
    ck_assert_ptr_null(prepared_split_open(folder, "test", 0));
    expect_error("/b.h5", "expected cohort 'c'");
    write_bytes("test/b.h5", "x", 1);
    ck_assert_ptr_null(prepared_split_open(folder, "test", 0));
    expect_error("/b.h5", "not an HDF5 file");
}
END_TEST

/* ---------------------------------------------------------------- cohort */

/* The strict form of "no voxel on two sides": a head that is different outside the slab gives the same image.
 */
START_TEST(other_slabs_have_no_influence) {
    static const char *const splits[] = {"train", "val", "test"};
    float image[64 * 64], again[64 * 64];
    nifti_volume *head = nifti_volume_read(HEAD);
    ck_assert_msg(head != NULL, "%s", err_message());
    size_t plane = (size_t)head->nx * (size_t)head->ny;
    float *kept = mem_alloc(plane * (size_t)head->nz * sizeof *kept);
    memcpy(kept, head->data, plane * (size_t)head->nz * sizeof *kept);
    for (int index = 0; index < 12; index++) {
        virtual_scan scan;
        ck_assert_int_eq(virtual_scan_draw(2022, splits[_i], index, &scan), 0);
        for (int slice = 0; slice < 12; slice += 11) {
            memcpy(head->data, kept, plane * (size_t)head->nz * sizeof *kept);
            ck_assert_int_eq(virtual_scan_render(&scan, head, slice, 12, 64, image, NULL), 0);
            for (int z = 0; z < head->nz; z++)
                for (size_t k = 0; (z < scan.slab.first || z > scan.slab.last) && k < plane; k++)
                    head->data[(size_t)z * plane + k] = 1000.0f;
            ck_assert_int_eq(virtual_scan_render(&scan, head, slice, 12, 64, again, NULL), 0);
            ck_assert_msg(memcmp(image, again, sizeof image) == 0, "%s slice %d", scan.scan_id, slice);
        }
    }
    free(kept);
    nifti_volume_free(head);
}
END_TEST

/* No tilt that is drawn leaves a slab, so the hold at its edges is tried with one that would. */
START_TEST(steep_slices_are_held_in_the_slab) {
    float image[64 * 64];
    virtual_scan scan;
    int range[2] = {1 << 20, -1};
    nifti_volume *head = nifti_volume_read(HEAD);
    ck_assert_msg(head != NULL, "%s", err_message());
    ck_assert_int_eq(virtual_scan_draw(2022, "val", 0, &scan), 0);
    scan.tilt_x = 1.0;
    ck_assert_int_eq(virtual_scan_render(&scan, head, 0, 1, 64, image, range), 0);
    ck_assert_int_eq(range[0], scan.slab.first);
    ck_assert_int_eq(range[1], scan.slab.last);
    nifti_volume_free(head);
}
END_TEST

Suite *suite_edges(void) {
    Suite *s = suite_create("edges");
    TCase *t = tcase_create("edges");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_loop_test(t, every_float16_is_rounded_to, 0, 2);
    tcase_add_test(t, float16_keeps_nan);
    tcase_add_test(t, nifti_types_are_read);
    tcase_add_test(t, nifti_cut_anywhere_is_refused);
    tcase_add_test(t, split_lists_scans_only);
    tcase_add_test(t, scans_that_disagree_are_refused);
    tcase_add_loop_test(t, other_slabs_have_no_influence, 0, 3);
    tcase_add_test(t, steep_slices_are_held_in_the_slab);
    suite_add_tcase(s, t);
    return s;
}
