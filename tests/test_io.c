/* HDF5, NIfTI and prepared scans: what is written comes back, and what is wrong is named. */
#include "core/error.h"
#include "io/h5.h"
#include "io/nifti_volume.h"
#include "io/prepared.h"
#include "suites.h"
#include "support.h"
#include <fcntl.h>
#include <math.h>
#include <nifti1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- HDF5 */

START_TEST(h5_reads_what_it_writes) {
    float f[6] = {1.5f, -2, 3, 4, 5, 6}, f_back[6];
    double d[2] = {1e-300, 0.1}, d_back[2];
    int32_t i[3] = {-1, 0, 1 << 30}, i_back[3];
    int64_t list[3] = {1, -2, 1ll << 40}, list_back[8], integer;
    hsize_t dims[2] = {2, 3}, two[1] = {2}, three[1] = {3}, found[H5_MAX_RANK];
    int rank, count;
    double real;
    char *text;
    h5_file *h = h5_create(in_folder("sub/a.h5"));
    ck_assert_msg(h != NULL, "%s", err_message());
    ck_assert_int_eq(h5_write_f32(h, "deep/group/f", 2, dims, f, H5_F32), 0);
    ck_assert_int_eq(h5_write_f64(h, "d", 1, two, d), 0);
    ck_assert_int_eq(h5_write_i32(h, "i", 1, three, i), 0);
    ck_assert(h5_set_text(h, "text", "hello") == 0 && h5_set_real(h, "real", 0.1) == 0 &&
              h5_set_integer(h, "integer", -5) == 0 && h5_set_integers(h, "list", 3, list) == 0);
    ck_assert_int_ne(access(path, F_OK), 0); /* not before the commit */
    ck_assert_int_eq(h5_commit(h), 0);
    h = h5_open(in_folder("sub/a.h5"));
    ck_assert_int_eq(h5_exists(h, "deep/group/f"), 1);
    ck_assert_int_eq(h5_exists(h, "deep/none/f"), 0);
    ck_assert(h5_shape(h, "deep/group/f", &rank, found) == 0 && rank == 2 && found[0] == 2 && found[1] == 3);
    ck_assert(h5_read_f32(h, "deep/group/f", 2, dims, f_back) == 0 && memcmp(f, f_back, sizeof f) == 0);
    ck_assert(h5_read_slab_f32(h, "deep/group/f", 1, 1, three, f_back) == 0 && f_back[0] == 4.0f);
    ck_assert(h5_read_f64(h, "d", 1, two, d_back) == 0 && memcmp(d, d_back, sizeof d) == 0);
    ck_assert(h5_read_i32(h, "i", 1, three, i_back) == 0 && memcmp(i, i_back, sizeof i) == 0);
    ck_assert(h5_read_f32(h, "i", 1, three, f_back) == 0 && f_back[0] == -1.0f);
    ck_assert(h5_attr_text(h, "text", &text) == 0 && strcmp(text, "hello") == 0);
    ck_assert(h5_attr_real(h, "real", &real) == 0 && real == 0.1);
    ck_assert(h5_attr_integer(h, "integer", &integer) == 0 && integer == -5);
    ck_assert(h5_attr_integers(h, "list", 8, list_back, &count) == 0 && count == 3 &&
              list_back[2] == list[2]);
    ck_assert_int_eq(h5_attr_exists(h, "none"), 0);
    free(text);
    h5_close(h);
}
END_TEST

/* Rounding to nearest even, the carry into the exponent, subnormals and the overflow: as NumPy's float16. */
START_TEST(float16_is_rounded_correctly) {
    static const struct {
        float value, stored;
    } cases[] = {{0.0624939f, 0.0625f},    {-0.0624939f, -0.0625f},
                 {1.0f + 0x1p-11f, 1.0f},  {1.0f + 3 * 0x1p-11f, 1.0f + 0x1p-9f},
                 {65504.0f, 65504.0f},     {65519.0f, 65504.0f},
                 {65520.0f, INFINITY},     {3e-6f, 50 * 0x1p-24f},
                 {2.9e-8f, 0.0f},          {6.1e-5f, 0x1.ff8p-15f},
                 {0.1f, 0.0999755859375f}, {0.0f, 0.0f}};
    enum { N = sizeof cases / sizeof *cases };
    float values[N], back[N];
    hsize_t dims[1] = {N};
    for (int k = 0; k < N; k++)
        values[k] = cases[k].value;
    h5_file *h = h5_create(in_folder("half.h5"));
    ck_assert_int_eq(h5_write_f32(h, "x", 1, dims, values, H5_F16), 0);
    ck_assert_int_eq(h5_commit(h), 0);
    h = h5_open(path);
    ck_assert_int_eq(h5_read_f32(h, "x", 1, dims, back), 0);
    for (int k = 0; k < N; k++)
        ck_assert_msg(back[k] == cases[k].stored, "%.9g is stored as %.9g, expected %.9g", (double)values[k],
                      (double)back[k], (double)cases[k].stored);
    h5_close(h);
}
END_TEST

START_TEST(h5_errors_name_everything) {
    float f[6] = {0};
    hsize_t dims[2] = {2, 3}, wrong[2] = {3, 2};
    h5_file *h = h5_create(in_folder("b.h5"));
    h5_write_f32(h, "x", 2, dims, f, H5_F32);
    h5_close(h); /* not committed: nothing is left */
    ck_assert_int_ne(access(path, F_OK), 0);
    h = h5_create(in_folder("b.h5"));
    h5_write_f32(h, "x", 2, dims, f, H5_F32);
    h5_set_text(h, "t", "text");
    ck_assert_int_eq(h5_commit(h), 0);
    h = h5_open(path);
    ck_assert_int_eq(h5_read_f32(h, "x", 2, wrong, f), -1);
    expect_error("b.h5", "'x'");
    expect_error("(3, 2)", "(2, 3)");
    ck_assert_int_eq(h5_read_f32(h, "y", 2, dims, f), -1);
    expect_error("b.h5", "'y'");
    ck_assert_int_eq(h5_read_slab_f32(h, "x", 2, 1, dims + 1, f), -1);
    int64_t integer;
    ck_assert_int_eq(h5_attr_integer(h, "t", &integer), -1);
    expect_error("b.h5", "t");
    ck_assert_int_eq(h5_attr_integer(h, "none", &integer), -1);
    expect_error("b.h5", "none");
    h5_close(h);
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(truncate(path, info.st_size / 2), 0);
    ck_assert_ptr_null(h5_open(path));
    expect_error("b.h5", "truncated");
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_ptr_null(h5_open(path));
    expect_error("b.h5", "empty");
    ck_assert_ptr_null(h5_open(in_folder("none.h5")));
    expect_error("none.h5", "No such file");
    ck_assert_ptr_null(h5_open("Makefile"));
    expect_error("Makefile", "not an HDF5 file");
}
END_TEST

/* ---------------------------------------------------------------- NIfTI */

static void write_nifti(const char *name, short datatype, short bits, int axes, const void *voxels,
                        size_t bytes) {
    struct nifti_1_header header = {.sizeof_hdr = 348,
                                    .datatype = datatype,
                                    .bitpix = bits,
                                    .vox_offset = 352,
                                    .scl_slope = 2.0f,
                                    .scl_inter = 1.0f};
    short dims[8] = {(short)axes, 3, 2, 2, axes == 4 ? 2 : 1, 1, 1, 1};
    memcpy(header.dim, dims, sizeof dims);
    for (int k = 0; k < 8; k++)
        header.pixdim[k] = 1.0f;
    header.pixdim[2] = 2.5f;
    memcpy(header.magic, "n+1", 4);
    FILE *f = fopen(in_folder(name), "wb");
    fwrite(&header, sizeof header, 1, f);
    fwrite("\0\0\0\0", 4, 1, f);
    fwrite(voxels, bytes, 1, f);
    fclose(f);
}

START_TEST(nifti_volumes_are_read) {
    short voxels[24];
    for (short k = 0; k < 24; k++)
        voxels[k] = k;
    write_nifti("v.nii", DT_INT16, 16, 3, voxels, 24);
    nifti_volume *v = nifti_volume_read(path);
    ck_assert_msg(v != NULL, "%s", err_message());
    ck_assert(v->nx == 3 && v->ny == 2 && v->nz == 2 && v->dy == 2.5f && v->data[11] == 23.0f);
    nifti_volume_free(v);
    write_nifti("short.nii", DT_INT16, 16, 3, voxels, 20);
    ck_assert_ptr_null(nifti_volume_read(path));
    expect_error("short.nii", "truncated");
    write_nifti("double.nii", DT_FLOAT64, 64, 3, voxels, 48);
    ck_assert_ptr_null(nifti_volume_read(path));
    expect_error("double.nii", "expected");
    write_nifti("four.nii", DT_INT16, 16, 4, voxels, 48);
    ck_assert_ptr_null(nifti_volume_read(path));
    expect_error("four.nii", "3-D");
    ck_assert_ptr_null(nifti_volume_read(in_folder("none.nii")));
    expect_error("none.nii", "");
}
END_TEST

START_TEST(complex_slabs_are_read_one_by_one) {
    const hsize_t dims[3] = {2, 3, 4};
    float complex image[12], found[12];
    float real[12];
    for (int k = 0; k < 12; k++)
        image[k] = (float)k - 0.5f * (float)(k * k) * I;
    h5_file *h = h5_create(in_folder("complex.h5"));
    ck_assert_int_eq(h5_begin_slabs(h, "group/kspace", 3, dims, H5_COMPLEX), 0);
    ck_assert_int_eq(h5_begin_slabs(h, "image", 3, dims, H5_REAL), 0);
    ck_assert_int_eq(h5_write_slab_c64(h, "group/kspace", 1, 2, dims + 1, image), 0);
    ck_assert_int_eq(h5_write_slab_f32(h, "image", 1, 2, dims + 1, (float *)image), 0);
    ck_assert_int_eq(h5_write_slab_c64(h, "group/kspace", 2, 2, dims + 1, image), -1);
    expect_error("group/kspace", "expected more than 2");
    ck_assert_int_eq(h5_write_slab_c64(h, "image", 0, 2, dims + 1, image), -1);
    expect_error("image", "expected complex numbers");
    ck_assert_int_eq(h5_commit(h), 0);
    h = h5_open(path);
    ck_assert_int_eq(h5_read_slab_c64(h, "group/kspace", 1, 2, dims + 1, found), 0);
    ck_assert_int_eq(memcmp(found, image, sizeof image), 0);
    ck_assert_int_eq(h5_read_slab_c64(h, "group/kspace", 0, 2, dims + 1, found), 0);
    ck_assert(found[0] == 0.0f && found[11] == 0.0f); /* never written */
    ck_assert_int_eq(h5_read_slab_f32(h, "group/kspace", 1, 2, dims + 1, real), -1);
    expect_error("group/kspace", "expected real numbers");
    ck_assert(h5_check_complex(h, "group/kspace") == 0 && h5_check_complex(h, "image") == -1);
    h5_close(h);
}
END_TEST

/* ---------------------------------------------------------------- prepared scans */

enum { SLICES = 3, ROWS = 20, COLUMNS = 16, PIXELS = ROWS * COLUMNS };

static float reference[SLICES * PIXELS];

static prepared_content content(const char *scan_id) {
    static const int32_t slices[SLICES] = {4, 5, 9};
    for (int k = 0; k < SLICES * PIXELS; k++)
        reference[k] = (float)(k % 37);
    return (prepared_content){.cohort = "c",
                              .scan_id = scan_id,
                              .patient_id = "p",
                              .split = "test",
                              .acquisition = "a",
                              .source_file = "s",
                              .source_sha256 = "0",
                              .generator = "g",
                              .seed = 1,
                              .slices = SLICES,
                              .rows = ROWS,
                              .columns = COLUMNS,
                              .slice = slices,
                              .has = {1}};
}

/* acceleration 0: not said. */
static void write_accelerated(const char *name, const prepared_content *c, double acceleration) {
    h5_file *h = prepared_create(in_folder(name), c);
    ck_assert_msg(h != NULL, "%s", err_message());
    if (acceleration != 0.0)
        h5_set_real(h, "acceleration", acceleration);
    for (int kind = 0; kind < PREPARED_REFERENCE_COMPLEX; kind++)
        for (int k = 0; c->has[kind] && k < SLICES; k++)
            ck_assert_int_eq(prepared_write(h, kind, k, ROWS, COLUMNS, reference + k * PIXELS), 0);
    ck_assert_int_eq(h5_commit(h), 0);
}

static void write_prepared(const char *name, const prepared_content *c) {
    write_accelerated(name, c, 0.0);
}

START_TEST(prepared_scans_read_what_they_write) {
    float image[PIXELS];
    prepared_content c = content("scan");
    c.has[PREPARED_RECONSTRUCTION] = 1;
    write_prepared("scan.h5", &c);
    prepared_scan *s = prepared_open(path);
    ck_assert_msg(s != NULL, "%s", err_message());
    ck_assert(s->slices == SLICES && s->rows == ROWS && s->columns == COLUMNS && s->slice[2] == 9);
    ck_assert_str_eq(s->scan_id, "scan");
    ck_assert(s->has[PREPARED_REFERENCE] && !s->has[PREPARED_ZERO_FILLED] && s->has[PREPARED_RECONSTRUCTION]);
    ck_assert_int_eq(prepared_read(s, PREPARED_REFERENCE, 1, image), 0);
    ck_assert_int_eq(memcmp(image, reference + PIXELS, sizeof image), 0);
    ck_assert_int_eq(prepared_read(s, PREPARED_ZERO_FILLED, 1, image), -1);
    expect_error("scan.h5", "zero_filled");
    ck_assert_int_eq(prepared_read(s, PREPARED_REFERENCE, 3, image), -1);
    prepared_close(s);
}
END_TEST

START_TEST(bad_images_are_named) {
    float image[PIXELS];
    prepared_content c = content("scan");
    reference[PIXELS + 17] = NAN;
    for (int k = 0; k < PIXELS; k++)
        reference[2 * PIXELS + k] = 3.0f;
    write_prepared("bad.h5", &c);
    prepared_scan *s = prepared_open(path);
    ck_assert_int_eq(prepared_read(s, PREPARED_REFERENCE, 0, image), 0);
    ck_assert_int_eq(prepared_read(s, PREPARED_REFERENCE, 1, image), -1);
    expect_error("bad.h5", "reference");
    expect_error("slice 1", "finite");
    ck_assert_int_eq(prepared_read(s, PREPARED_REFERENCE, 2, image), -1);
    expect_error("slice 2", "constant");
    prepared_close(s);
}
END_TEST

START_TEST(wrong_prepared_files_are_refused) {
    hsize_t dims[3] = {SLICES, ROWS, COLUMNS}, other[3] = {SLICES, COLUMNS, ROWS}, n[1] = {SLICES};
    int32_t slices[SLICES] = {0, 1, 2};
    prepared_content c = content("scan");
    for (int kind = 0; kind < 5; kind++) {
        h5_file *h = h5_create(in_folder("wrong.h5"));
        h5_set_text(h, "format", kind == 0 ? "another" : PREPARED_FORMAT);
        h5_set_integer(h, "format_version", kind == 1 ? 99 : PREPARED_VERSION);
        h5_set_text(h, "scan_id", "s"), h5_set_text(h, "patient_id", "p"), h5_set_text(h, "split", "test");
        h5_set_text(h, "cohort", "c");
        h5_write_i32(h, "slice", 1, n, slices);
        if (kind == 4)
            h5_set_text(h, "fault", "spikes");
        if (kind != 2)
            h5_write_f32(h, "reference", 3, dims, reference, H5_F32);
        h5_write_f32(h, "reconstruction", 3, kind == 3 ? other : dims, reference, H5_F32);
        ck_assert_int_eq(h5_commit(h), 0);
        ck_assert_ptr_null(prepared_open(path));
        static const char *const expected[] = {"another", "99", "reference", "reconstruction",
                                               "reconstruction_faulty"};
        expect_error("wrong.h5", expected[kind]);
    }
    c.has[PREPARED_REFERENCE] = 0;
    ck_assert_ptr_null(prepared_create(in_folder("none.h5"), &c));
}
END_TEST

START_TEST(a_split_lists_its_scans) {
    ck_assert_ptr_null(prepared_split_open(folder, "test", 0));
    expect_error(folder, "test");
    static const char *const names[] = {"b", "a", "c"};
    for (int k = 0; k < 3; k++) {
        prepared_content c = content(names[k]);
        char name[32];
        snprintf(name, sizeof name, "test/%s.h5", names[k]);
        write_prepared(name, &c);
    }
    prepared_split *s = prepared_split_open(folder, "test", 0);
    ck_assert_msg(s != NULL, "%s", err_message());
    ck_assert(s->scans == 3 && s->total_slices == 3 * SLICES && s->rows == ROWS && s->columns == COLUMNS);
    ck_assert_str_eq(s->scan_ids[0], "a");
    ck_assert_str_eq(s->scan_ids[2], "c");
    ck_assert_str_eq(s->cohort, "c");
    prepared_split_free(s);
    s = prepared_split_open(folder, "test", 2);
    ck_assert_int_eq(s->scans, 2);
    prepared_split_free(s);
    prepared_content stray = content("d"); /* says test, lies in val */
    write_prepared("val/d.h5", &stray);
    ck_assert_ptr_null(prepared_split_open(folder, "val", 0));
    expect_error("d.h5", "val");
}
END_TEST

/* Made anew within the same second, and of the same size. */
START_TEST(fingerprint_changes_with_the_split) {
    uint64_t before, after;
    struct timespec times[2] = {{1000000, 1000000}, {1000000, 1000000}};
    prepared_content c = content("a");
    write_prepared("test/a.h5", &c);
    prepared_split *split = prepared_split_open(folder, "test", 0);
    ck_assert_msg(split != NULL, "%s", err_message());
    ck_assert_int_eq(utimensat(AT_FDCWD, split->paths[0], times, 0), 0);
    ck_assert_int_eq(prepared_split_fingerprint(split, &before), 0);
    ck_assert_int_eq(prepared_split_fingerprint(split, &after), 0);
    ck_assert(before == after);
    times[1].tv_nsec = 2000000;
    ck_assert_int_eq(utimensat(AT_FDCWD, split->paths[0], times, 0), 0);
    ck_assert_int_eq(prepared_split_fingerprint(split, &after), 0);
    ck_assert(before != after);
    prepared_split_free(split);
}
END_TEST

START_TEST(scans_of_a_split_agree_in_acceleration) {
    prepared_content a = content("a"), b = content("b");
    write_accelerated("test/a.h5", &a, 4.0);
    write_accelerated("test/b.h5", &b, 4.0);
    prepared_split *s = prepared_split_open(folder, "test", 0);
    ck_assert_msg(s && s->acceleration == 4.0, "%s", err_message());
    prepared_split_free(s);
    write_accelerated("test/b.h5", &b, 8.0);
    ck_assert_ptr_null(prepared_split_open(folder, "test", 0));
    expect_error("b.h5: expected acceleration 4", "found 8");
    write_prepared("test/b.h5", &b);
    ck_assert_ptr_null(prepared_split_open(folder, "test", 0));
    expect_error("b.h5: expected acceleration 4", "found 0");
    write_accelerated("test/b.h5", &b, 0.5);
    ck_assert_ptr_null(prepared_split_open(folder, "test", 0));
    expect_error("b.h5", "attribute 'acceleration': expected a number of at least 1, found 0.5");
}
END_TEST

Suite *suite_io(void) {
    Suite *s = suite_create("io");
    TCase *t = tcase_create("io");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, h5_reads_what_it_writes);
    tcase_add_test(t, float16_is_rounded_correctly);
    tcase_add_test(t, h5_errors_name_everything);
    tcase_add_test(t, nifti_volumes_are_read);
    tcase_add_test(t, complex_slabs_are_read_one_by_one);
    tcase_add_test(t, prepared_scans_read_what_they_write);
    tcase_add_test(t, bad_images_are_named);
    tcase_add_test(t, wrong_prepared_files_are_refused);
    tcase_add_test(t, a_split_lists_its_scans);
    tcase_add_test(t, scans_of_a_split_agree_in_acceleration);
    tcase_add_test(t, fingerprint_changes_with_the_split);
    suite_add_tcase(s, t);
    return s;
}
