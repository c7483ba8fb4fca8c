/* fastMRI files: what is written comes back and is what fastMRI says it is; what is wrong is named. */
#include "core/error.h"
#include "core/rng.h"
#include "mri/fastmri.h"
#include "mri/fft.h"
#include "scratch.h"
#include "suites.h"
#include <gsl/gsl_randist.h>
#include <math.h>
#include <unistd.h>

static const fastmri_protocol protocol = {
    .rows_mm = 160, .columns_mm = 150, .thickness_mm = 3, .resonance_hz = 123200000};

static void expect_message(const char *a, const char *b) {
    ck_assert_msg(strstr(err_message(), a) && strstr(err_message(), b), "message is: %s", err_message());
}

/* ---------------------------------------------------------------- a scan made of noise */

static size_t samples(const raw_scan *s) {
    return (size_t)s->coils * (size_t)s->rows * (size_t)s->columns;
}

/* `self`, where it points at a number: the slice that fails. */
static int read_noise(const raw_scan *s, int slice, float complex *kspace) {
    if (s->self && *(int *)s->self == slice)
        return err_set("%s: slice %d fails", s->source, slice);
    gsl_rng *rng = rng_stream(7, RNG_TEST, rng_hash(s->scan_id), (uint64_t)slice);
    for (size_t k = 0; k < 2 * samples(s); k++)
        ((float *)kspace)[k] = (float)gsl_ran_gaussian_ziggurat(rng, 1.0);
    gsl_rng_free(rng);
    return 0;
}

static raw_scan *noise_scan(const char *id, int slices, int coils, int rows, int columns) {
    raw_scan *s = raw_scan_new(id, "patient 1", "CORPD_FBK", "noise");
    s->slices = slices, s->coils = coils, s->rows = rows, s->columns = columns;
    s->image_rows = s->image_columns = 20;
    s->read = read_noise;
    return s;
}

static const char *write_noise(const char *name, int slices, int coils, int rows, int columns) {
    raw_scan *s = noise_scan(name, slices, coils, rows, columns);
    ck_assert_msg(fastmri_write(in_folder(name), s, &protocol) == 0, "%s", err_message());
    raw_scan_close(s);
    return path;
}

/* ---------------------------------------------------------------- what is written */

static void check_round_trip(int slices, int coils, int rows, int columns) {
    raw_scan *made = noise_scan("sub/scan 1.h5", slices, coils, rows, columns);
    raw_scan *s = fastmri_open(write_noise("sub/scan 1.h5", slices, coils, rows, columns));
    ck_assert_msg(s != NULL, "%s", err_message());
    ck_assert_str_eq(s->scan_id, "scan 1");
    ck_assert_str_eq(s->patient_id, "patient 1");
    ck_assert_str_eq(s->acquisition, "CORPD_FBK");
    ck_assert_str_eq(s->source, path);
    ck_assert(s->slices == slices && s->coils == coils && s->rows == rows && s->columns == columns);
    ck_assert(s->image_rows == 20 && s->image_columns == 20);
    float complex *a = malloc(samples(s) * sizeof *a), *b = malloc(samples(s) * sizeof *b);
    for (int z = slices - 1; z >= 0; z--) {
        ck_assert_int_eq(made->read(made, z, a), 0);
        ck_assert_msg(s->read(s, z, b) == 0, "%s", err_message());
        ck_assert_int_eq(memcmp(a, b, samples(s) * sizeof *a), 0);
    }
    free(a), free(b);
    raw_scan_close(s), raw_scan_close(made);
}

START_TEST(test_round_trip) {
    check_round_trip(3, 15, 40, 23);
    check_round_trip(2, 4, 48, 46);
    check_round_trip(1, 1, 20, 20);
}
END_TEST

/* sqrt(sum |x|^2) of one pixel, x by the definition of the centred inverse transform in double precision. */
static double direct_pixel(const raw_scan *s, const float complex *kspace, int row, int column) {
    double sum = 0.0;
    for (int c = 0; c < s->coils; c++) {
        double complex x = 0.0;
        for (int r = 0; r < s->rows; r++)
            for (int l = 0; l < s->columns; l++)
                x += kspace[((size_t)c * (size_t)s->rows + (size_t)r) * (size_t)s->columns + (size_t)l] *
                     cexp(2.0 * M_PI * I *
                          ((double)(r - s->rows / 2) * (row - s->rows / 2) / s->rows +
                           (double)(l - s->columns / 2) * (column - s->columns / 2) / s->columns));
        sum += creal(x * conj(x)) / ((double)s->rows * s->columns);
    }
    return sqrt(sum);
}

START_TEST(test_rss_max_and_norm) {
    enum { ROWS = 41, COLUMNS = 24, SIDE = 20, PIXELS = SIDE * SIDE, SLICES = 2 };
    raw_scan *s = fastmri_open(write_noise("rss.h5", SLICES, 2, ROWS, COLUMNS));
    float complex *kspace = malloc(samples(s) * sizeof *kspace);
    static float rss[SLICES][PIXELS];
    const hsize_t dims[3] = {SLICES, SIDE, SIDE};
    h5_file *h = h5_open(path);
    ck_assert_msg(h5_read_f32(h, "reconstruction_rss", 3, dims, rss[0]) == 0, "%s", err_message());
    double max, norm, largest = 0.0, sum = 0.0;
    ck_assert(h5_attr_real(h, "max", &max) == 0 && h5_attr_real(h, "norm", &norm) == 0);
    h5_close(h);
    for (int z = 0; z < SLICES; z++) {
        ck_assert_int_eq(s->read(s, z, kspace), 0);
        for (int p = 0; p < PIXELS; p++) { /* (41 - 20) / 2 = 10 rows and (24 - 20) / 2 = 2 columns in */
            double expected = p % 7 ? -1.0 : direct_pixel(s, kspace, 10 + p / SIDE, 2 + p % SIDE);
            ck_assert(expected < 0.0 || fabs(expected - (double)rss[z][p]) < 1e-5 * expected);
            largest = fmax(largest, (double)rss[z][p]);
            sum += (double)rss[z][p] * (double)rss[z][p];
        }
    }
    ck_assert(max == largest && fabs(norm - sqrt(sum)) < 1e-12 * norm);
    free(kspace);
    raw_scan_close(s);
}
END_TEST

START_TEST(test_header) {
    write_noise("header.h5", 1, 4, 40, 25);
    h5_file *h = h5_open(path);
    hid_t id = H5Dopen2(h->id, "ismrmrd_header", H5P_DEFAULT), type = H5Dget_type(id);
    char *text = NULL;
    ck_assert(H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text) >= 0 && text != NULL);
    static const char *const parts[] = {
        "<ismrmrdHeader xmlns=\"http://www.ismrm.org/ISMRMRD\">",
        "<receiverChannels>4</receiverChannels>",
        "<H1resonanceFrequency_Hz>123200000</H1resonanceFrequency_Hz>",
        "<encodedSpace>\n      <matrixSize><x>40</x><y>25</y><z>1</z></matrixSize>\n"
        "      <fieldOfView_mm><x>320</x><y>187.5</y><z>3</z></fieldOfView_mm>",
        "<reconSpace>\n      <matrixSize><x>20</x><y>20</y><z>1</z></matrixSize>\n"
        "      <fieldOfView_mm><x>160</x><y>150</y><z>3</z></fieldOfView_mm>",
        "<minimum>0</minimum><maximum>24</maximum><center>12</center>",
        "<trajectory>cartesian</trajectory>"};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        ck_assert_msg(strstr(text, parts[k]) != NULL, "%s is not in %s", parts[k], text);
    H5free_memory(text);
    H5Tclose(type), H5Dclose(id);
    h5_close(h);
}
END_TEST

/* Attributes of the caller's; a file that fails half-way leaves nothing behind. */
START_TEST(test_create) {
    raw_scan *s = noise_scan("own", 3, 2, 24, 24);
    h5_file *h = fastmri_create(in_folder("own.h5"), s, &protocol);
    ck_assert_msg(h != NULL, "%s", err_message());
    ck_assert_int_eq(h5_set_text(h, "generator", "a test"), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(h5_commit(h), 0);
    raw_scan *back = fastmri_open(path);
    ck_assert_msg(back != NULL, "%s", err_message());
    raw_scan_close(back);
    int failing = 2;
    s->self = &failing;
    ck_assert_int_eq(fastmri_write(in_folder("half.h5"), s, &protocol), -1);
    expect_message("noise", "slice 2 fails");
    ck_assert_int_ne(access(path, F_OK), 0);
    s->image_rows = 25;
    ck_assert_int_eq(fastmri_write(path, s, &protocol), -1);
    expect_message("half.h5", "25 x 20");
    raw_scan_close(s);
    char command[128];
    snprintf(command, sizeof command, "test \"$(ls %s)\" = own.h5", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(test_threads) {
    err_box box = {0};
#pragma omp parallel for num_threads(4)
    for (int k = 0; k < 16; k++) {
        char name[64], file[200];
        snprintf(name, sizeof name, "t%d", k);
        snprintf(file, sizeof file, "%s/%s.h5", folder, name);
        raw_scan *s = noise_scan(name, 2, 3, 30, 24), *back;
        int status = fastmri_write(file, s, &protocol);
        back = status == 0 ? fastmri_open(file) : NULL;
        float complex *a = malloc(2 * samples(s) * sizeof *a), *b = a + samples(s);
        if (!back || s->read(s, 1, a) != 0 || back->read(back, 1, b) != 0 ||
            memcmp(a, b, samples(s) * sizeof *a) != 0)
            err_box_take(&box);
        free(a);
        raw_scan_close(s), raw_scan_close(back);
    }
    ck_assert_msg(!box.failed, "%s", box.message);
}
END_TEST

/* ---------------------------------------------------------------- what is wrong */

/* A file without data: HDF5 gives a dataset its bytes when they are written. What is 0 or NULL is left out.
 */
typedef struct {
    int kspace_rank, image_rank;
    hsize_t kspace[5], image[4];
    int real_kspace, no_header;
    const char *patient, *acquisition;
} hollow;

static const hollow hollow_scan = {4, 3, {2, 3, 30, 24}, {2, 20, 20}, 0, 0, "p", "a"};

static void write_hollow(const char *file, const hollow *c) {
    h5_file h = {.id = H5Fcreate(file, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), .path = (char *)file};
    ck_assert(h.id >= 0);
    if (c->kspace_rank)
        h5_begin_slabs(&h, "kspace", c->kspace_rank, c->kspace, c->real_kspace ? H5_REAL : H5_COMPLEX);
    if (c->image_rank)
        h5_begin_slabs(&h, "reconstruction_rss", c->image_rank, c->image, H5_REAL);
    if (!c->no_header)
        h5_write_text(&h, "ismrmrd_header", "<xml/>");
    if (c->patient)
        h5_set_text(&h, "patient_id", c->patient);
    if (c->acquisition)
        h5_set_text(&h, "acquisition", c->acquisition);
    H5Fclose(h.id);
}

static void expect_refused(hollow c, const char *message) {
    write_hollow(in_folder("wrong.h5"), &c);
    ck_assert_ptr_null(fastmri_open(path));
    expect_message("wrong.h5", message);
}

START_TEST(test_wrong_layout) {
    hollow c = hollow_scan;
    c.kspace_rank = 3;
    expect_refused(c, "'kspace': single-coil data: expected multicoil kspace (slices, coils, rows, columns), "
                      "found 3 axes");
    c.kspace_rank = 5, c.kspace[4] = 2;
    expect_refused(c, "'kspace': expected multicoil kspace (slices, coils, rows, columns), found 5 axes");
    c.kspace_rank = 0;
    expect_refused(c, "'kspace' is missing");
    c = hollow_scan, c.real_kspace = 1;
    expect_refused(c, "'kspace': expected complex numbers");
    c = hollow_scan, c.image_rank = 0;
    expect_refused(c, "'reconstruction_rss' is missing");
    c.image_rank = 4, c.image[3] = 1;
    expect_refused(c, "'reconstruction_rss': expected shape (slices, rows, columns), found 4 axes");
    c = hollow_scan, c.no_header = 1;
    expect_refused(c, "'ismrmrd_header' is missing");
    c = hollow_scan, c.patient = NULL;
    expect_refused(c, "'patient_id' is missing");
    c.patient = "";
    expect_refused(c, "'patient_id': expected a name");
    c = hollow_scan, c.acquisition = NULL;
    expect_refused(c, "'acquisition' is missing");
}
END_TEST

START_TEST(test_wrong_sizes) {
    hollow c = hollow_scan;
    c.image[0] = 3;
    expect_refused(c, "'reconstruction_rss': expected 2 slices as 'kspace', found 3");
    c = hollow_scan, c.image[1] = 31;
    expect_refused(c, "'reconstruction_rss': expected images of at most 30 x 24 as 'kspace', found 31 x 20");
    c = hollow_scan, c.image[2] = 25;
    expect_refused(c, "found 20 x 25");
    c = hollow_scan, c.image[1] = 15;
    expect_refused(c, "expected images of at least 16 x 16, found 15 x 20");
    static const hsize_t sizes[][4] = {{0, 3, 30, 24},         {65537, 1, 30, 24},     {1, 1025, 30, 24},
                                       {1, 1, 16385, 24},      {1, 1, 30, 1ull << 40}, {1, 2, 16384, 16384},
                                       {1, 1ull << 40, 30, 24}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        c = hollow_scan;
        memcpy(c.kspace, sizes[k], sizeof sizes[k]);
        expect_refused(c, "'kspace': expected at most");
    }
}
END_TEST

START_TEST(test_wrong_files) {
    ck_assert_ptr_null(fastmri_open(in_folder("none.h5")));
    expect_message("none.h5", "No such file");
    ck_assert_ptr_null(fastmri_open("Makefile"));
    expect_message("Makefile", "not an HDF5 file");
    write_noise("cut.h5", 2, 3, 30, 24);
    ck_assert_int_eq(truncate(path, 9000), 0);
    ck_assert_ptr_null(fastmri_open(path));
    expect_message("cut.h5", "truncated");
}
END_TEST

START_TEST(test_wrong_samples) {
    enum { COILS = 3, ROWS = 30, COLUMNS = 24 };
    static float complex slice[COILS * ROWS * COLUMNS];
    const hsize_t dims[3] = {COILS, ROWS, COLUMNS};
    hollow c = hollow_scan;
    c.kspace[0] = c.image[0] = 4;
    write_hollow(in_folder("samples.h5"), &c); /* slice 0 stays zero */
    h5_file h = {.id = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), .path = path};
    for (int z = 1; z < 4; z++) {
        slice[(2 * ROWS + 7) * COLUMNS + 5] = z == 1 ? 1.0f : z == 2 ? CMPLXF(0.0f, NAN) : INFINITY;
        ck_assert_int_eq(h5_write_slab_c64(&h, "kspace", (hsize_t)z, 3, dims, slice), 0);
    }
    H5Fclose(h.id);
    raw_scan *s = fastmri_open(path);
    ck_assert_msg(s != NULL, "%s", err_message());
    ck_assert_int_eq(s->read(s, 0, slice), -1);
    expect_message("samples.h5: dataset 'kspace', slice 0", "every sample is zero");
    ck_assert_int_eq(s->read(s, 1, slice), 0);
    ck_assert_int_eq(s->read(s, 2, slice), -1);
    expect_message("samples.h5: dataset 'kspace', slice 2", "found nan in coil 2, row 7, column 5");
    ck_assert_int_eq(s->read(s, 3, slice), -1);
    expect_message("samples.h5: dataset 'kspace', slice 3", "found inf in coil 2, row 7, column 5");
    ck_assert_int_eq(s->read(s, 4, slice), -1);
    expect_message("samples.h5", "expected a slice below 4, found 4");
    ck_assert_int_eq(s->read(s, -1, slice), -1);
    raw_scan_close(s);
}
END_TEST

Suite *suite_fastmri(void) {
    Suite *s = suite_create("fastmri");
    TCase *t = tcase_create("files");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, test_round_trip);
    tcase_add_test(t, test_rss_max_and_norm);
    tcase_add_test(t, test_header);
    tcase_add_test(t, test_create);
    tcase_add_test(t, test_threads);
    tcase_add_test(t, test_wrong_layout);
    tcase_add_test(t, test_wrong_sizes);
    tcase_add_test(t, test_wrong_files);
    tcase_add_test(t, test_wrong_samples);
    suite_add_tcase(s, t);
    return s;
}
