/* fastMRI files: what is written comes back and is what fastMRI says it is; what is wrong is named.
 * Splits: the right files in the right places, no patient in two. */
#include "core/error.h"
#include "core/file.h"
#include "core/rng.h"
#include "mri/fastmri.h"
#include "mri/fft.h"
#include "mri/scan_split.h"
#include "suites.h"
#include "support.h"
#include <gsl/gsl_randist.h>
#include <malloc.h>
#include <math.h>
#include <unistd.h>

static const fastmri_protocol protocol = {
    .rows_mm = 160, .columns_mm = 150, .thickness_mm = 3, .resonance_hz = 123200000};

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
    raw_scan *s = raw_scan_new(id, "patient 1", "CORPD_FBK", "fastmri-knee", "noise");
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

START_TEST(fastmri_reads_what_it_writes) {
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

START_TEST(attributes_max_and_norm_are_those_of_the_image) {
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

START_TEST(header_tells_the_encoding) {
    write_noise("header.h5", 1, 4, 40, 25);
    h5_file *h = h5_open(path);
    char *text;
    ck_assert_msg(h5_read_text(h, "ismrmrd_header", &text) == 0, "%s", err_message());
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
    free(text);
    h5_close(h);
}
END_TEST

/* Attributes of the caller's; a file that fails half-way leaves no file. */
START_TEST(a_file_that_fails_half_way_leaves_nothing) {
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
    expect_error("noise", "slice 2 fails");
    ck_assert_int_ne(access(path, F_OK), 0);
    s->image_rows = 25;
    ck_assert_int_eq(fastmri_write(path, s, &protocol), -1);
    expect_error("half.h5", "25 x 20");
    raw_scan_close(s);
    char command[128];
    snprintf(command, sizeof command, "test \"$(ls %s)\" = own.h5", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(threads_read_at_the_same_time) {
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
    expect_error("wrong.h5", message);
}

START_TEST(a_wrong_layout_is_named) {
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
    expect_refused(c, "the size of the image is unknown: expected dataset 'reconstruction_rss', or");
    c.image_rank = 4, c.image[3] = 1;
    expect_refused(c, "'reconstruction_rss': expected shape (slices, rows, columns), found 4 axes");
    c.image_rank = 0, c.no_header = 1;
    expect_refused(c, "the size of the image is unknown");
    c = hollow_scan, c.patient = NULL;
    expect_refused(c, "'patient_id' is missing");
    c.patient = "";
    expect_refused(c, "'patient_id': expected a name");
    c = hollow_scan, c.acquisition = NULL;
    expect_refused(c, "'acquisition' is missing");
}
END_TEST

START_TEST(wrong_sizes_are_named) {
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
        expect_refused(c, k == 0 ? "'kspace': expected at most" : "dataset 'kspace': ");
    }
}
END_TEST

START_TEST(files_that_are_no_scans_are_refused) {
    ck_assert_ptr_null(fastmri_open(in_folder("none.h5")));
    expect_error("none.h5", "No such file");
    ck_assert_ptr_null(fastmri_open("Makefile"));
    expect_error("Makefile", "not an HDF5 file");
    write_noise("cut.h5", 2, 3, 30, 24);
    ck_assert_int_eq(truncate(path, 9000), 0);
    ck_assert_ptr_null(fastmri_open(path));
    expect_error("cut.h5", "truncated");
}
END_TEST

START_TEST(wrong_samples_are_named) {
    enum { COILS = 3, ROWS = 30, COLUMNS = 24 };
    static float complex slice[COILS * ROWS * COLUMNS];
    const hsize_t dims[3] = {COILS, ROWS, COLUMNS};
    hollow c = hollow_scan;
    c.kspace[0] = c.image[0] = 4;
    write_hollow(in_folder("samples.h5"), &c); /* slice 0 stays zero */
    h5_file h = {.id = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), .path = path};
    for (int z = 1; z < 4; z++) {
        slice[(2 * ROWS + 7) * COLUMNS + 5] = z == 1   ? 1.0f
                                              : z == 2 ? __builtin_complex(0.0f, NAN)
                                                       : INFINITY;
        ck_assert_int_eq(h5_write_slab_c64(&h, "kspace", (hsize_t)z, 3, dims, slice), 0);
    }
    H5Fclose(h.id);
    raw_scan *s = fastmri_open(path);
    ck_assert_msg(s != NULL, "%s", err_message());
    ck_assert_int_eq(s->read(s, 0, slice), -1);
    expect_error("samples.h5: dataset 'kspace', slice 0", "every sample is zero");
    ck_assert_int_eq(s->read(s, 1, slice), 0);
    ck_assert_int_eq(s->read(s, 2, slice), -1);
    expect_error("samples.h5: dataset 'kspace', slice 2", "found nan in coil 2, row 7, column 5");
    ck_assert_int_eq(s->read(s, 3, slice), -1);
    expect_error("samples.h5: dataset 'kspace', slice 3", "found inf in coil 2, row 7, column 5");
    ck_assert_int_eq(s->read(s, 4, slice), -1);
    expect_error("samples.h5", "expected a slice below 4, found 4");
    ck_assert_int_eq(s->read(s, -1, slice), -1);
    raw_scan_close(s);
}
END_TEST

/* ---------------------------------------------------------------- sizes of images */

static void expect_size(const char *header, const fastmri_image_size *given, int rows, int columns,
                        const char *error) {
    hollow c = hollow_scan;
    c.image_rank = 0, c.no_header = 1;
    write_hollow(in_folder("size.h5"), &c);
    h5_file h = {.id = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), .path = path};
    if (header)
        ck_assert_int_eq(h5_write_text(&h, "ismrmrd_header", header), 0);
    H5Fclose(h.id);
    raw_scan *s = fastmri_open_sized(path, given);
    if (error) {
        ck_assert_ptr_null(s);
        expect_error("size.h5", error);
        return;
    }
    ck_assert_msg(s != NULL, "%s", err_message());
    ck_assert(s->image_rows == rows && s->image_columns == columns);
    raw_scan_close(s);
}

#define SPACE(name, x, y)                                                                                    \
    "<" name "Space><matrixSize><x>" x "</x><y>" y "</y><z>1</z></matrixSize></" name "Space>"

START_TEST(without_reconstruction_the_size_is_that_of_the_header_or_the_option) {
    const fastmri_image_size given = {18, 16}, large = {31, 16};
    expect_size(SPACE("encoded", "30", "24") SPACE("recon", "22", "20"), NULL, 22, 20, NULL);
    expect_size("<ns:x>" SPACE("encoded", "30", "24") SPACE("ns:recon", "22", "20") "</ns:x>", NULL, 22, 20,
                NULL);
    expect_size(SPACE("recon", "22", "20"), &given, 18, 16, NULL);
    expect_size(NULL, &given, 18, 16, NULL);
    expect_size(NULL, &large, 0, 0, "--image-size: expected images of at most 30 x 24");
    expect_size(SPACE("recon", "32", "20"), NULL, 0, 0, "reconSpace: expected images of at most 30 x 24");
    expect_size(SPACE("recon", "8", "20"), NULL, 0, 0, "reconSpace: expected images of at least 16 x 16");
    expect_size(SPACE("encoded", "30", "24"), NULL, 0, 0, "size of the image is unknown");
    expect_size("<reconSpace><matrixSize><x>22</x>", NULL, 0, 0, "size of the image is unknown");
    expect_size("", NULL, 0, 0, "option --image-size");
}
END_TEST

/* ---------------------------------------------------------------- undersampled data */

enum { KS_COILS = 2, KS_ROWS = 40, KS_COLUMNS = 30 };

/* A scan of noise whose samples are 0 where zero() says so, with a dataset `mask` where one is given. */
static raw_scan *open_with_zeros(int (*zero)(int row, int column), const float *mask) {
    static float complex slice[KS_COILS * KS_ROWS * KS_COLUMNS];
    const hsize_t dims[3] = {KS_COILS, KS_ROWS, KS_COLUMNS}, columns = KS_COLUMNS;
    raw_scan *s = noise_scan("gaps", 1, KS_COILS, KS_ROWS, KS_COLUMNS);
    ck_assert_int_eq(read_noise(s, 0, slice), 0);
    raw_scan_close(s);
    for (int k = 0; k < KS_COILS * KS_ROWS * KS_COLUMNS; k++)
        if (zero && zero(k / KS_COLUMNS % KS_ROWS, k % KS_COLUMNS))
            slice[k] = 0.0f;
    write_noise("gaps.h5", 1, KS_COILS, KS_ROWS, KS_COLUMNS);
    h5_file h = {.id = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), .path = path};
    ck_assert_int_eq(h5_write_slab_c64(&h, "kspace", 0, 3, dims, slice), 0);
    if (mask)
        ck_assert_int_eq(h5_write_f32(&h, "mask", 1, &columns, mask, H5_F32), 0);
    H5Fclose(h.id);
    return fastmri_open(path);
}

static int every_third_column(int row, int column) {
    (void)row;
    return column % 3 != 0;
}
static int two_rows(int row, int column) {
    (void)column;
    return row == 20 || row == 21;
}
static int scattered(int row, int column) {
    return (row * 7 + column * 11) % 5 < 2;
}
static int edges(int row, int column) {
    return row < 5 || column < 3 || column > 24;
}
static int corners(int row, int column) {
    return hypot((row - 19.5) / 20, (column - 14.5) / 15) > 1.0;
}
static int here_and_there(int row, int column) {
    return row % 10 == 5 && column % 10 == 5;
}

static void expect_gaps(int (*zero)(int row, int column), const char *found) {
    static float complex slice[KS_COILS * KS_ROWS * KS_COLUMNS];
    raw_scan *s = open_with_zeros(zero, NULL);
    ck_assert_msg(s != NULL, "%s", err_message());
    ck_assert_int_eq(s->read(s, 0, slice), found ? -1 : 0);
    if (found)
        expect_error("gaps.h5: dataset 'kspace', slice 0: expected fully sampled", found);
    raw_scan_close(s);
}

START_TEST(undersampled_k_space_is_refused_and_padding_is_not) {
    expect_gaps(every_third_column, "found 18 of 30 columns zero between");
    expect_gaps(two_rows, "found 2 of 40 rows zero between");
    expect_gaps(scattered, "of 1200 points zero between");
    expect_gaps(edges, NULL);
    expect_gaps(corners, NULL);
    expect_gaps(here_and_there, NULL);
    expect_gaps(NULL, NULL);
}
END_TEST

START_TEST(a_mask_is_respected) {
    float mask[KS_COLUMNS];
    for (int k = 0; k < KS_COLUMNS; k++)
        mask[k] = k >= 3 && k < 25; /* padding */
    raw_scan *s = open_with_zeros(edges, mask);
    ck_assert_msg(s != NULL, "%s", err_message());
    raw_scan_close(s);
    mask[10] = mask[12] = 0.0f; /* k-space holds something there that was not acquired */
    ck_assert_ptr_null(open_with_zeros(NULL, mask));
    expect_error("gaps.h5: dataset 'mask'", "found 2 of 30 columns not sampled");
    const hsize_t short_of = 7;
    write_noise("mask.h5", 1, 2, 30, 24);
    h5_file h = {.id = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), .path = path};
    ck_assert_int_eq(h5_write_f32(&h, "mask", 1, &short_of, mask, H5_F32), 0);
    H5Fclose(h.id);
    ck_assert_ptr_null(fastmri_open(path));
    expect_error("mask.h5: dataset 'mask'", "each of 24 columns");
}
END_TEST

/* ---------------------------------------------------------------- splits */

static void add_scan(const char *where, int number, const char *patient, int slices) {
    hollow c = hollow_scan;
    char name[128];
    snprintf(name, sizeof name, "%s/%s", folder, where);
    ck_assert_int_eq(path_make_dirs(name), 0);
    c.kspace[0] = c.image[0] = (hsize_t)slices, c.patient = patient;
    snprintf(name, sizeof name, "%s/file%d.h5", where, number);
    write_hollow(in_folder(name), &c);
}

static const char *write_list(const char *name, const char *text) {
    static char paths[4][256]; /* a list for each split may be in use */
    static int next;
    char *list = paths[next++ % 4];
    snprintf(list, 256, "%s/%s", folder, name);
    FILE *f = fopen(list, "w");
    ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
    return list;
}

static split_settings by_default(void) {
    return (split_settings){.folder = folder, .val_share = SPLIT_VAL_SHARE, .seed = 2022};
}

static scan_split *open_split(split_settings settings) {
    scan_split *s = scan_split_open(&settings);
    ck_assert_msg(s != NULL, "%s", err_message());
    return s;
}

static void expect_no_split(split_settings settings, const char *a, const char *b) {
    ck_assert_ptr_null(scan_split_open(&settings));
    expect_error(a, b);
}

static void expect_counts(const split_part *part, int scans, int patients, int slices) {
    ck_assert_msg(part->count == scans && part->patients == patients && part->slices == slices,
                  "expected %d scans of %d patients, %d slices; found %d, %d, %d", scans, patients, slices,
                  part->count, part->patients, (int)part->slices);
}

/* 40 scans of 24 patients in train: patient k has scans k and, below 16, also 24 + k. 3 scans in test. */
static void make_cohort(void) {
    char patient[16];
    for (int k = 39; k >= 0; k--) {
        snprintf(patient, sizeof patient, "p%02d", k % 24);
        add_scan("multicoil_train", 1000 + k, patient, 10 + k % 3);
    }
    add_scan("multicoil_val", 3, "t1", 7), add_scan("multicoil_val", 2, "t2", 8);
    add_scan("multicoil_val", 1, "t1", 9);
}

static int names_of(const split_part *part, char *text) {
    int used = 0;
    for (int k = 0; k < part->count; k++)
        used += sprintf(text + used, "%s %s %d\n", part->scans[k].scan_id, part->scans[k].patient_id,
                        part->scans[k].slices);
    return used;
}

START_TEST(split_keeps_patients_together) {
    make_cohort();
    scan_split *s = open_split(by_default());
    const split_part *train = &s->parts[SPLIT_TRAIN], *val = &s->parts[SPLIT_VAL];
    expect_counts(&s->parts[SPLIT_TEST], 3, 2, 24);
    ck_assert_str_eq(s->parts[SPLIT_TEST].scans[0].scan_id, "file1");
    ck_assert_str_eq(strrchr(s->parts[SPLIT_TEST].scans[2].path, '/'), "/file3.h5");
    ck_assert(val->count >= 8 && val->count <= 9); /* 8 = 0.2 * 40; the last patient has one or two scans */
    ck_assert(train->count + val->count == 40 && train->patients + val->patients == 24);
    ck_assert_int_eq(train->slices + val->slices, 14 * 10 + 13 * 11 + 13 * 12);
    int seen[24] = {0};
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < (side ? val : train)->count; k++)
            seen[atoi((side ? val : train)->scans[k].patient_id + 1)] |= side + 1;
    for (int k = 0; k < 24; k++)
        ck_assert(seen[k] == 1 || seen[k] == 2);
    ck_assert_ptr_null(s->skipped);
    scan_split_free(s);
}
END_TEST

START_TEST(split_depends_on_seed_and_share_alone) {
    static char first[4096], again[4096];
    make_cohort();
    scan_split *s = open_split(by_default());
    names_of(&s->parts[SPLIT_VAL], first);
    scan_split_free(s);
    /* the same files, made in another order and hence listed in another one by the folder */
    char command[256];
    snprintf(command, sizeof command, "cd %s/multicoil_train && for f in *; do cp $f x && mv x $f; done",
             folder);
    ck_assert_int_eq(system(command), 0);
    s = open_split(by_default());
    names_of(&s->parts[SPLIT_VAL], again);
    ck_assert_str_eq(first, again);
    scan_split_free(s);
    split_settings other = by_default();
    other.seed = 2023;
    s = open_split(other);
    names_of(&s->parts[SPLIT_VAL], again);
    ck_assert_str_ne(first, again);
    scan_split_free(s);
    for (int k = 0; k <= 2; k++) {
        other.val_share = k / 2.0;
        s = open_split(other);
        ck_assert(s->parts[SPLIT_VAL].count >= 20 * k && s->parts[SPLIT_VAL].count <= 20 * k + k % 2);
        scan_split_free(s);
    }
    other.val_share = NAN;
    expect_no_split(other, "expected 0 to 1", "nan");
}
END_TEST

START_TEST(split_takes_folders) {
    expect_no_split(by_default(), folder, "expected a folder multicoil_train or multicoil_val");
    split_settings none = by_default();
    none.folder = "/nowhere/at/all";
    expect_no_split(none, "/nowhere/at/all", "No such file");
    add_scan(".", 1, "a", 2), add_scan(".", 2, "b", 3);
    scan_split *s = open_split(by_default());
    expect_counts(&s->parts[SPLIT_TEST], 2, 2, 5);
    expect_counts(&s->parts[SPLIT_TRAIN], 0, 0, 0);
    scan_split_free(s);
    ck_assert_int_eq(path_make_dirs(in_folder("multicoil_train")), 0);
    expect_no_split(by_default(), folder,
                    "expected fastMRI files (*.h5) in multicoil_train or multicoil_val");
    add_scan("multicoil_train", 5, "c", 4); /* from now on what lies in the folder itself is not looked at */
    s = open_split(by_default());
    expect_counts(&s->parts[SPLIT_TRAIN], 1, 1, 4); /* 0.2 of a scan is none */
    expect_counts(&s->parts[SPLIT_VAL], 0, 0, 0);
    expect_counts(&s->parts[SPLIT_TEST], 0, 0, 0);
    scan_split_free(s);
    add_scan("multicoil_val", 6, "c", 4);
    expect_no_split(by_default(), "patient 'c' is in two splits: ", "multicoil_train/file5.h5 (train) and ");
    expect_error("multicoil_val/file6.h5 (test)", "");
}
END_TEST

START_TEST(split_takes_lists) {
    make_cohort();
    add_scan(".", 9, "z", 1);
    split_settings by_list = by_default();
    by_list.lists[SPLIT_TRAIN] = write_list("train.txt", "# a comment\n\n  file1001.h5  # why\r\n"
                                                         "multicoil_val/file2.h5\nelsewhere/file9.h5");
    by_list.lists[SPLIT_TEST] = write_list(
        "test.json", "\n {\"info\": {\"images\": 1}, \"images\": [\n"
                     "{\"file_name\": \"file1.h5\", \"scan_id\": \"1\", \"patient_id\": \"t1\", "
                     "\"acquisition\": \"CORPDFS_FBK\", \"num_slices\": 9},\n"
                     "{\"file_name\": \"file1000.h5\", \"patient_id\": null, \"num_slices\": null}]}\n");
    scan_split *s = open_split(by_list);
    expect_counts(&s->parts[SPLIT_TRAIN], 3, 3, 11 + 8 + 1);
    expect_counts(&s->parts[SPLIT_VAL], 0, 0, 0);
    expect_counts(&s->parts[SPLIT_TEST], 2, 2, 9 + 10);
    ck_assert_str_eq(s->parts[SPLIT_TEST].scans[0].patient_id, "t1");
    ck_assert(strstr(s->parts[SPLIT_TRAIN].scans[1].path, "/multicoil_val/file2.h5") != NULL);
    scan_split_free(s);
    by_list.lists[SPLIT_VAL] = write_list("val.txt", "file1002.h5\nfile1024.h5\n");
    expect_no_split(by_list, "patient 'p00' is in two splits: ", "file1024.h5 (val) and ");
    expect_error("multicoil_train/file1000.h5 (test)", "");
}
END_TEST

static void expect_bad_list(const char *text, const char *a, const char *b) {
    split_settings by_list = by_default();
    by_list.lists[SPLIT_VAL] = write_list("val", text);
    expect_no_split(by_list, a, b);
}

START_TEST(wrong_lists_are_refused) {
    make_cohort();
    expect_bad_list("", "/val: ", "names no file");
    expect_bad_list("# nothing\n\n", "/val: ", "names no file");
    expect_bad_list("{\"images\": []}", "/val: ", "names no file");
    expect_bad_list("file1.h5\n\nfile77.h5\n", "/val: line 3: file 'file77.h5' is neither in ", folder);
    expect_bad_list("file1.h5\n./multicoil_val/file1.h5", "/val: line 2: ", "the same file as ");
    expect_error("/val: line 1: ", "multicoil_val/file1.h5");
    expect_bad_list("{\"images\": [\n{\"file_name\": \"file1.h5\"}\n", "/val: line 3, column ",
                    "malformed JSON");
    expect_bad_list("{\"images\": [], \"images\": []}", "/val: line 1", "malformed JSON");
    expect_bad_list("{\"info\": 1}", "/val: ", "'images'");
    expect_bad_list("{\"images\": {}}", "/val: ", "expected an array under the key 'images'");
    expect_bad_list("{\"images\": [3]}", "/val: images[0]: ", "expected an object");
    expect_bad_list("{\"images\": [{\"file_name\": \"file1.h5\"}, {\"scan_id\": \"1\"}]}",
                    "/val: images[1]: ", "key 'file_name' is missing");
    expect_bad_list("{\"images\": [{\"file_name\": 1}]}",
                    "/val: images[0]: ", "'file_name': expected the name");
    expect_bad_list("{\"images\": [{\"file_name\": \"a\", \"patient_id\": 1}]}",
                    "images[0]: ", "'patient_id'");
    expect_bad_list("{\"images\": [{\"file_name\": \"a\", \"num_slices\": 1.5}]}",
                    "images[0]: ", "'num_slices'");
    expect_bad_list("{\"images\": [{\"file_name\": \"a\"}]}", "/val: images[0]: ", "file 'a' is neither in ");
    expect_bad_list("{\"images\": [{\"file_name\": \"file1.h5\", \"num_slices\": 8}]}",
                    "/val: images[0]: num_slices: listed 8, found 9 in ", "multicoil_val/file1.h5");
    expect_bad_list("{\"images\": [{\"file_name\": \"file1.h5\", \"patient_id\": \"t2\"}]}",
                    "/val: images[0]: patient_id: listed 't2', found 't1' in ", "multicoil_val/file1.h5");
    split_settings by_list = by_default();
    by_list.lists[SPLIT_VAL] = write_list("val", "file1.h5");
    by_list.lists[SPLIT_TEST] = write_list("test", "file2.h5\nfile1.h5");
    expect_no_split(by_list, "/test: line 2: ", "/val: line 1: ");
    by_list.lists[SPLIT_TEST] = in_folder("multicoil_val/file2.h5");
    expect_no_split(by_list, "file2.h5", "holds a zero byte");
    by_list.lists[SPLIT_TEST] = folder;
    expect_no_split(by_list, folder, "Is a directory");
    by_list.lists[SPLIT_TEST] = in_folder("none.txt");
    expect_no_split(by_list, "none.txt: cannot open", "No such file");
    add_scan("multicoil_train", 1, "t1", 9);
    by_list.lists[SPLIT_TEST] = NULL;
    by_list.lists[SPLIT_VAL] = write_list("val", "multicoil_train/file1.h5\nmulticoil_val/file1.h5");
    expect_no_split(by_list, "two scans with the id 'file1' in split val", "multicoil_train/file1.h5 and ");
}
END_TEST

/* A file in multicoil_val whose name is `length` times x, then `tail`. */
static void expect_name_refused(int length, const char *tail, const char *why) {
    char name[300], text[400], listed[400];
    memset(name, 'x', (size_t)length);
    snprintf(name + length, sizeof name - (size_t)length, "%s", tail);
    add_scan("multicoil_val", 1, "t1", 3);
    snprintf(text, sizeof text, "%s/multicoil_val/file1.h5", folder);
    snprintf(listed, sizeof listed, "%s/multicoil_val/%s", folder, name);
    ck_assert_int_eq(rename(text, listed), 0);
    split_settings s = by_default();
    if (name[0] == '.') { /* folders are searched for visible files only */
        snprintf(text, sizeof text, "%s\n", name);
        s.lists[SPLIT_TEST] = write_list("test.txt", text);
    }
    if (why) {
        expect_no_split(s, why, "multicoil_val/");
    } else {
        scan_split *split = open_split(s);
        ck_assert_int_eq(split->parts[SPLIT_TEST].count, 1);
        scan_split_free(split);
    }
    ck_assert_int_eq(unlink(listed), 0);
}

START_TEST(names_that_experiments_refuse_are_refused_at_once) {
    expect_name_refused(200, ".h5", NULL);
    expect_name_refused(201, ".h5", "expected a file name of at most 200 bytes");
    expect_name_refused(251, ".h5", "found 251");
    expect_name_refused(3, "\ny.h5", "expected a file name without control characters");
    expect_name_refused(3, "\x7f.h5", "control characters");
    expect_name_refused(0, ".hidden.h5", "expected a visible file");
    expect_name_refused(1, " \"'`$%n,<b>.h5", NULL);
}
END_TEST

START_TEST(split_skips_damaged_scans) {
    make_cohort();
    ck_assert_int_eq(truncate(in_folder("multicoil_train/file1003.h5"), 1000), 0);
    ck_assert_int_eq(truncate(in_folder("multicoil_val/file2.h5"), 0), 0);
    expect_no_split(by_default(), "file2.h5", "empty file");
    split_settings going = by_default();
    going.keep_going = 1;
    scan_split *s = open_split(going);
    expect_counts(&s->parts[SPLIT_TEST], 2, 1, 16);
    ck_assert_int_eq(s->parts[SPLIT_TRAIN].count + s->parts[SPLIT_VAL].count, 39);
    ck_assert_int_eq(s->skipped_count, 2);
    ck_assert(strstr(s->skipped[0].path, "/file2.h5") && strstr(s->skipped[0].message, "empty file"));
    ck_assert(strstr(s->skipped[1].path, "/file1003.h5") && strstr(s->skipped[1].message, "truncated"));
    scan_split_free(s);
    going.lists[SPLIT_TEST] = write_list("test", "file2.h5\nfile77.h5\nfile1.h5");
    s = open_split(going);
    expect_counts(&s->parts[SPLIT_TEST], 1, 1, 9);
    ck_assert_int_eq(s->skipped_count, 2);
    ck_assert_str_eq(s->skipped[1].path, "file77.h5");
    ck_assert_ptr_nonnull(strstr(s->skipped[1].message, "/test: line 2: "));
    scan_split_free(s);
    going.lists[SPLIT_TEST] = write_list("test", "file2.h5\nfile77.h5");
    expect_no_split(going, folder, "none of 2 scans can be used; the first: ");
}
END_TEST

/* As many files as the knee data have, 973 and 199: by lists, then by patient. */
START_TEST(split_works_at_full_size) {
    enum { TRAIN = 778, ALL = 973, TEST = 199 };
    static const char *const names[SPLIT_KINDS] = {"train.json", "val.json", "test.json"};
    static char text[SPLIT_KINDS][1 << 17];
    int used[SPLIT_KINDS] = {0}, slices[SPLIT_KINDS] = {0};
    /* HDF5 takes megabytes for every file it opens: going back to the system for them is most of the time */
    mallopt(M_MMAP_THRESHOLD, 1 << 25), mallopt(M_TRIM_THRESHOLD, 1 << 25);
    for (int k = 0; k < ALL + TEST; k++) {
        char patient[16];
        split_kind kind = k < TRAIN ? SPLIT_TRAIN : k < ALL ? SPLIT_VAL : SPLIT_TEST;
        snprintf(patient, sizeof patient, "%06x", k * 7919 % 1000003);
        add_scan(k < ALL ? "multicoil_train" : "multicoil_val", 1000000 + k, patient, 30 + k % 13);
        slices[kind] += 30 + k % 13;
        used[kind] += sprintf(text[kind] + used[kind], "%s{\"file_name\": \"file%d.h5\", \"num_slices\": %d}",
                              used[kind] ? ",\n" : "{\"images\": [\n", 1000000 + k, 30 + k % 13);
    }
    split_settings by_list = by_default();
    for (int kind = 0; kind < SPLIT_KINDS; kind++) {
        strcpy(text[kind] + used[kind], "]}\n");
        by_list.lists[kind] = write_list(names[kind], text[kind]);
    }
    scan_split *s = open_split(by_list);
    expect_counts(&s->parts[SPLIT_TRAIN], TRAIN, TRAIN, slices[SPLIT_TRAIN]);
    expect_counts(&s->parts[SPLIT_VAL], ALL - TRAIN, ALL - TRAIN, slices[SPLIT_VAL]);
    expect_counts(&s->parts[SPLIT_TEST], TEST, TEST, slices[SPLIT_TEST]);
    scan_split_free(s);
    s = open_split(by_default()); /* every patient has one scan: round(0.2 * 973) = 195 */
    ck_assert(s->parts[SPLIT_VAL].count == 195 && s->parts[SPLIT_TRAIN].count == TRAIN);
    ck_assert_int_eq(s->parts[SPLIT_TEST].count, TEST);
    scan_split_free(s);
}
END_TEST

Suite *suite_fastmri(void) {
    Suite *s = suite_create("fastmri");
    TCase *t = tcase_create("files");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, fastmri_reads_what_it_writes);
    tcase_add_test(t, attributes_max_and_norm_are_those_of_the_image);
    tcase_add_test(t, header_tells_the_encoding);
    tcase_add_test(t, a_file_that_fails_half_way_leaves_nothing);
    tcase_add_test(t, threads_read_at_the_same_time);
    tcase_add_test(t, a_wrong_layout_is_named);
    tcase_add_test(t, wrong_sizes_are_named);
    tcase_add_test(t, files_that_are_no_scans_are_refused);
    tcase_add_test(t, wrong_samples_are_named);
    tcase_add_test(t, undersampled_k_space_is_refused_and_padding_is_not);
    tcase_add_test(t, a_mask_is_respected);
    tcase_add_test(t, without_reconstruction_the_size_is_that_of_the_header_or_the_option);
    suite_add_tcase(s, t);
    t = tcase_create("splits");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, split_keeps_patients_together);
    tcase_add_test(t, split_depends_on_seed_and_share_alone);
    tcase_add_test(t, split_takes_folders);
    tcase_add_test(t, split_takes_lists);
    tcase_add_test(t, wrong_lists_are_refused);
    tcase_add_test(t, names_that_experiments_refuse_are_refused_at_once);
    tcase_add_test(t, split_skips_damaged_scans);
    tcase_add_test(t, split_works_at_full_size);
    suite_add_tcase(s, t);
    return s;
}
