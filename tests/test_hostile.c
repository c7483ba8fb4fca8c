/* Files that are damaged, crafted or in use by others: each is refused in one line, at once, and nothing crashes. */
#include "suites.h"
#include "support.h"

#include "io/h5.h"
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- text of variable length */

static hid_t variable_text(void) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    return type;
}

/* As h5py writes a str: the file of other people. */
static void write_variable_text(const char *name, const char *text) {
    hid_t f = H5Fcreate(in_folder(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), type = variable_text();
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate2(f, "text", type, space, H5P_DEFAULT, H5P_DEFAULT);
    hid_t d = H5Dcreate2(f, "data", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(H5Awrite(a, type, &text) >= 0 && H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text) >= 0);
    H5Aclose(a), H5Dclose(d), H5Sclose(space), H5Tclose(type);
    ck_assert_int_ge(H5Fclose(f), 0);
}

START_TEST(text_of_variable_length_is_read) {
    static const char *const texts[] = {"", "one", "\xc3\xa9\n two"};
    for (size_t k = 0; k < 3; k++) {
        char *a, *d;
        write_variable_text("variable.h5", texts[k]);
        h5_file *f = h5_open(path);
        for (int again = 0; again < 2; again++) {
            ck_assert_msg(h5_attr_text(f, "text", &a) == 0 && h5_read_text(f, "data", &d) == 0, "%s",
                          err_message());
            ck_assert_str_eq(a, texts[k]);
            ck_assert_str_eq(d, texts[k]);
            free(a), free(d);
        }
        h5_close(f);
    }
}
END_TEST

/* Every byte of the heap and of the references to it, damaged in turn. */
START_TEST(damaged_text_never_crashes) {
    enum { MOST = 16384 };
    static unsigned char bytes[MOST];
    write_variable_text("good.h5", "a text to find");
    FILE *f = fopen(path, "rb");
    size_t size = fread(bytes, 1, MOST, f), read = 0, refused = 0;
    fclose(f);
    for (size_t at = 0; at + 4 < size; at++) {
        int heap = memcmp(bytes + at, "GCOL", 4) == 0;
        for (size_t k = 0; heap && k < 48; k++) {
            bytes[at + k] ^= 0xff;
            char *text;
            f = fopen(in_folder("bad.h5"), "wb");
            ck_assert(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
            h5_file *h = h5_open(path);
            if (h && h5_attr_text(h, "text", &text) == 0)
                free(text), read++;
            else if (++refused)
                expect_error("bad.h5", "");
            h5_close(h);
            bytes[at + k] ^= 0xff;
        }
    }
    ck_assert_msg(read > 0 && refused > 0, "%zu read, %zu refused", read, refused);
}
END_TEST

START_TEST(text_is_written_with_a_fixed_length) {
    static const char *const texts[] = {"", "text", "\xc3\xa9"};
    char long_text[10001], *found;
    memset(long_text, 'x', 10000), long_text[10000] = '\0';
    for (int k = 0; k < 4; k++) {
        const char *text = k < 3 ? texts[k] : long_text;
        h5_file *f = h5_create(in_folder("fixed.h5"));
        ck_assert(h5_set_text(f, "a", text) == 0 && h5_write_text(f, "d", text) == 0 && h5_commit(f) == 0);
        f = h5_open(path);
        hid_t a = H5Aopen(f->id, "a", H5P_DEFAULT), type = H5Aget_type(a);
        ck_assert_int_eq(H5Tis_variable_str(type), 0);
        H5Tclose(type), H5Aclose(a);
        ck_assert_int_eq(h5_attr_text(f, "a", &found), 0);
        ck_assert_str_eq(found, text);
        free(found);
        ck_assert_int_eq(h5_read_text(f, "d", &found), 0);
        ck_assert_str_eq(found, text);
        free(found);
        h5_close(f);
    }
}
END_TEST

/* ---------------------------------------------------------------- what HDF5 says */

START_TEST(a_lock_is_called_a_lock) {
    h5_file *f = h5_create(in_folder("locked.h5"));
    ck_assert_int_eq(h5_commit(f), 0);
    int other = open(path, O_RDWR);
    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    ck_assert_ptr_null(h5_open(path));
    expect_error("locked.h5", "cannot be locked");
    expect_error("locked.h5", "HDF5_USE_FILE_LOCKING=FALSE");
    close(other);
    h5_close(h5_open(path));
}
END_TEST

START_TEST(no_file_no_data_and_a_pipe_are_told_apart) {
    ck_assert_ptr_null(h5_open(folder));
    expect_error(folder, "found a folder");
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    ck_assert_ptr_null(h5_open(path));
    expect_error("pipe", "found a pipe or device");
    ck_assert_ptr_null(h5_open("/dev/zero"));
    expect_error("/dev/zero", "found a pipe or device");
    write_text("text.h5", "# a table\n");
    ck_assert_ptr_null(h5_open(path));
    expect_error("text.h5", "not an HDF5 file");
}
END_TEST

static size_t no_filter(unsigned flags, size_t n, const unsigned *values, size_t bytes, size_t *size,
                        void **b) {
    (void)flags, (void)n, (void)values, (void)size, (void)b;
    return bytes;
}

START_TEST(a_missing_filter_is_named) {
    enum { ID = 32099 };
    const hsize_t dims[1] = {64};
    float values[64] = {1};
    H5Z_class2_t filter = {H5Z_CLASS_T_VERS, ID, 1, 1, "special", NULL, NULL, no_filter};
    ck_assert_int_ge(H5Zregister(&filter), 0);
    hid_t f = H5Fcreate(in_folder("filter.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t p = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, dims, NULL);
    H5Pset_chunk(p, 1, dims), H5Pset_filter(p, ID, 0, 0, NULL);
    hid_t d = H5Dcreate2(f, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, p, H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(d, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    H5Dclose(d), H5Sclose(space), H5Pclose(p), H5Fclose(f);
    ck_assert_int_ge(H5Zunregister(ID), 0);
    h5_file *h = h5_open(path);
    ck_assert_int_eq(h5_read_f32(h, "x", 1, dims, values), -1);
    expect_error("'x'", "a filter plugin is missing");
    h5_close(h);
}
END_TEST

/* ---------------------------------------------------------------- what leaves the file, what is not in it */

/* Each holds "x" of four bytes that are elsewhere: in a pipe, where a reader would wait for ever. */
static void write_reference(const char *kind) {
    const hsize_t dims[1] = {4};
    char pipe[128];
    snprintf(pipe, sizeof pipe, "%s", in_folder("pipe"));
    mkfifo(pipe, 0600);
    hid_t f = H5Fcreate(in_folder("refers.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t p = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, dims, NULL);
    if (strcmp(kind, "storage") == 0)
        H5Pset_external(p, pipe, 0, 4);
    if (strcmp(kind, "virtual") == 0)
        H5Pset_virtual(p, space, pipe, "x", space);
    if (strcmp(kind, "external link") == 0)
        H5Lcreate_external(pipe, "x", f, "x", H5P_DEFAULT, H5P_DEFAULT);
    else if (strcmp(kind, "soft link") == 0) {
        H5Lcreate_external(pipe, "/", f, "away", H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_soft("/away/x", f, "x", H5P_DEFAULT, H5P_DEFAULT);
    } else
        H5Dclose(H5Dcreate2(f, "x", H5T_STD_U8LE, space, H5P_DEFAULT, p, H5P_DEFAULT));
    H5Pclose(p), H5Sclose(space), H5Fclose(f);
}

START_TEST(references_out_of_a_file_are_refused) {
    static const char *const kinds[] = {"storage", "virtual", "external link", "soft link"};
    const hsize_t dims[1] = {4};
    float values[4];
    write_reference(kinds[_i]);
    h5_file *f = h5_open(path);
    ck_assert_msg(f != NULL, "%s", err_message());
    ck_assert_int_eq(h5_exists(f, "x"), 1);
    ck_assert_int_eq(h5_read_f32(f, "x", 1, dims, values), -1);
    expect_error("refers.h5: dataset 'x': refused", "another file");
    h5_close(f);
}
END_TEST

START_TEST(soft_links_within_a_file_are_followed) {
    const hsize_t dims[1] = {2};
    float values[2] = {1, 2};
    h5_file *f = h5_create(in_folder("soft.h5"));
    ck_assert_int_eq(h5_write_f32(f, "deep/x", 1, dims, values, H5_F32), 0);
    H5Lcreate_soft("/deep/x", f->id, "x", H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_eq(h5_commit(f), 0);
    f = h5_open(path);
    ck_assert_msg(h5_read_f32(f, "x", 1, dims, values) == 0 && values[1] == 2, "%s", err_message());
    h5_close(f);
}
END_TEST

/* Small files that claim more than they hold, and numbers of absurd size. */
START_TEST(claims_are_checked_against_the_file) {
    static const hsize_t many[2] = {1ull << 59, 12}, few[2] = {16, 12};
    hsize_t found[H5_MAX_RANK];
    int rank;
    float value[1024];
    hid_t f = H5Fcreate(in_folder("claims.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t p = H5Pcreate(H5P_DATASET_CREATE), big = H5Screate_simple(2, many, NULL);
    hid_t small = H5Screate_simple(2, few, NULL), scalar = H5Screate(H5S_SCALAR);
    hid_t wide = H5Tcopy(H5T_IEEE_F64LE);
    H5Pset_chunk(p, 2, few);
    H5Tset_size(wide, 4096);
    H5Dclose(H5Dcreate2(f, "rows", H5T_IEEE_F64LE, big, H5P_DEFAULT, p, H5P_DEFAULT));
    H5Dclose(H5Dcreate2(f, "wide", wide, small, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Aclose(H5Acreate2(f, "number", wide, scalar, H5P_DEFAULT, H5P_DEFAULT));
    H5Pclose(p), H5Sclose(big), H5Sclose(small), H5Sclose(scalar), H5Tclose(wide), H5Fclose(f);
    h5_file *h = h5_open(path);
    double real;
    ck_assert_int_eq(h5_shape(h, "rows", &rank, found), -1);
    expect_error("dataset 'rows': claims", "can hold");
    ck_assert_int_eq(h5_read_f32(h, "wide", 2, few, value), -1);
    expect_error("claims.h5", "'wide'");
    ck_assert_int_eq(h5_attr_real(h, "number", &real), -1);
    expect_error("claims.h5", "'number'");
    h5_close(h);
}
END_TEST

Suite *suite_hostile(void) {
    Suite *s = suite_create("hostile");
    TCase *t = tcase_create("hostile");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, text_of_variable_length_is_read);
    tcase_add_test(t, damaged_text_never_crashes);
    tcase_add_test(t, text_is_written_with_a_fixed_length);
    tcase_add_test(t, a_lock_is_called_a_lock);
    tcase_add_test(t, no_file_no_data_and_a_pipe_are_told_apart);
    tcase_add_test(t, a_missing_filter_is_named);
    tcase_add_loop_test(t, references_out_of_a_file_are_refused, 0, 4);
    tcase_add_test(t, soft_links_within_a_file_are_followed);
    tcase_add_test(t, claims_are_checked_against_the_file);
    suite_add_tcase(s, t);
    return s;
}
