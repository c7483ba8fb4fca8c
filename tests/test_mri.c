/* FFT against NumPy, sampling masks, JSENSE against SigPy (tests/golden/make_jsense_golden.py). */
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "io/h5.h"
#include "mri/fft.h"
#include "mri/jsense.h"
#include "mri/sampling.h"
#include "suites.h"
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char golden_file[] = "tests/golden/jsense.h5";

/* A dataset whose last axis is (re, im); dims without that axis. */
static float complex *read_complex(const h5_file *f, const char *group, const char *name, int *rank,
                                   hsize_t *dims, size_t *count) {
    char dataset[128];
    snprintf(dataset, sizeof dataset, "%s%s", group, name);
    ck_assert_msg(h5_shape(f, dataset, rank, dims) == 0, "%s", err_message());
    ck_assert_uint_eq(dims[*rank - 1], 2);
    *count = 1;
    for (int k = 0; k < *rank - 1; k++)
        *count *= dims[k];
    float complex *values = mem_alloc(*count * sizeof *values);
    ck_assert_msg(h5_read_f32(f, dataset, *rank, dims, (float *)values) == 0, "%s", err_message());
    (*rank)--;
    return values;
}

static double norm2(const float complex *a, size_t n) {
    double sum = 0.0;
    for (size_t k = 0; k < n; k++)
        sum += (double)crealf(a[k]) * (double)crealf(a[k]) + (double)cimagf(a[k]) * (double)cimagf(a[k]);
    return sum;
}

/* sum conj(a) b */
static double complex inner(const float complex *a, const float complex *b, size_t n) {
    double complex sum = 0.0;
    for (size_t k = 0; k < n; k++)
        sum += conj((double complex)a[k]) * (double complex)b[k];
    return sum;
}

/* || scale found - expected || / || expected ||, over the elements where weight (may be NULL) is not 0 */
static double relative(const float complex *found, const float complex *expected, double complex scale,
                       const unsigned char *weight, size_t n) {
    double e = 0.0, s = 0.0;
    for (size_t k = 0; k < n; k++) {
        if (weight && !weight[k])
            continue;
        const double difference = cabs(scale * (double complex)found[k] - (double complex)expected[k]);
        e += difference * difference;
        s += (double)cabsf(expected[k]) * (double)cabsf(expected[k]);
    }
    return sqrt(e / s);
}

static float complex *random_images(size_t n, uint64_t a) {
    gsl_rng *rng = rng_stream(11, RNG_TEST, a, 0);
    float complex *x = mem_alloc(n * sizeof *x);
    for (size_t k = 0; k < n; k++) {
        const float re = (float)gsl_rng_uniform(rng) - 0.5f, im = (float)gsl_rng_uniform(rng) - 0.5f;
        x[k] = re + im * I;
    }
    gsl_rng_free(rng);
    return x;
}

/* ---------------------------------------------------------------- FFT */

static const char *const fft_groups[] = {"fft/8x6/",  "fft/7x5/", "fft/6x9/",
                                         "fft/9x16/", "fft/1x4/", "fft/5x1/"};
#define FFT_GROUPS (int)(sizeof fft_groups / sizeof *fft_groups)

START_TEST(fft_matches_numpy) {
    h5_file *file = h5_open(golden_file);
    ck_assert_msg(file != NULL, "%s", err_message());
    int rank;
    hsize_t dims[H5_MAX_RANK];
    size_t n;
    float complex *input = read_complex(file, fft_groups[_i], "input", &rank, dims, &n);
    float complex *forward = read_complex(file, fft_groups[_i], "forward", &rank, dims, &n);
    float complex *inverse = read_complex(file, fft_groups[_i], "inverse", &rank, dims, &n);
    float complex *found = mem_alloc(n * sizeof *found);
    fft2 *f = fft2_create((int)dims[0], (int)dims[1]);
    ck_assert_msg(f != NULL, "%s", err_message());
    fft2_forward(f, 1, input, found);
    ck_assert_double_lt(relative(found, forward, 1.0, NULL, n), 1e-6);
    fft2_inverse(f, 1, input, found);
    ck_assert_double_lt(relative(found, inverse, 1.0, NULL, n), 1e-6);
    fft2_free(f);
    free(input);
    free(forward);
    free(inverse);
    free(found);
    h5_close(file);
}
END_TEST

static const int fft_sizes[][2] = {{320, 320}, {37, 40}, {40, 37}, {33, 35}, {1, 7}, {2, 1}};
#define FFT_SIZES (int)(sizeof fft_sizes / sizeof *fft_sizes)

START_TEST(fft_is_unitary) {
    const int rows = fft_sizes[_i][0], columns = fft_sizes[_i][1], batch = 3;
    const size_t n = (size_t)batch * rows * columns;
    float complex *x = random_images(n, 1), *y = random_images(n, 2);
    float complex *fx = mem_alloc(n * sizeof *fx), *fhy = mem_alloc(n * sizeof *fhy);
    fft2 *f = fft2_create(rows, columns);
    fft2_forward(f, batch, x, fx);
    fft2_inverse(f, batch, y, fhy);
    ck_assert_double_lt(cabs(inner(fx, y, n) - inner(x, fhy, n)), 1e-6 * sqrt(norm2(x, n) * norm2(y, n)));
    ck_assert_double_lt(fabs(norm2(fx, n) / norm2(x, n) - 1.0), 1e-5);
    fft2_inverse(f, batch, fx, fx); /* in place */
    ck_assert_double_lt(relative(fx, x, 1.0, NULL, n), 1e-6);
    fft2_free(f);
    free(x);
    free(y);
    free(fx);
    free(fhy);
}
END_TEST

START_TEST(fft_has_its_zero_in_the_centre) {
    float complex x[5 * 4] = {0};
    fft2 *f = fft2_create(5, 4);
    x[2 * 4 + 2] = 1.0f; /* the centre alone: a constant without phase */
    fft2_forward(f, 1, x, x);
    for (int k = 0; k < 20; k++)
        ck_assert_double_lt(cabs((double complex)x[k] - 1.0 / sqrt(20.0)), 1e-7);
    fft2_free(f);
    ck_assert_ptr_null(fft2_create(0, 4));
    ck_assert(strstr(err_message(), "0 x 4"));
    ck_assert_ptr_null(fft2_create(1 << 20, 1 << 20));
    fft2_free(NULL);
}
END_TEST

/* ---------------------------------------------------------------- masks */

static int count_kept(const unsigned char *mask, size_t n) {
    int kept = 0;
    for (size_t k = 0; k < n; k++)
        kept += mask[k];
    return kept;
}

START_TEST(random_columns_have_the_acceleration) {
    enum { COLUMNS = 320, CENTRE = 26, FIRST = 147, SEEDS = 2000 };
    unsigned char mask[COLUMNS], again[COLUMNS];
    int each[COLUMNS] = {0}, different = 0;
    double total = 0.0;
    gsl_rng *rng = rng_stream(5, RNG_TEST, 0, 0);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        memcpy(again, mask, seed ? sizeof mask : 0);
        rng_restart(rng, 5, RNG_TEST, seed, 0);
        ck_assert_msg(sampling_random_columns(COLUMNS, 4.0, 0.08, rng, mask) == 0, "%s", err_message());
        different += seed && memcmp(mask, again, sizeof mask) != 0;
        for (int c = 0; c < COLUMNS; c++) {
            ck_assert_int_le(mask[c], 1);
            each[c] += mask[c];
        }
        total += count_kept(mask, COLUMNS);
    }
    ck_assert_int_eq(different, SEEDS - 1);
    const double p = (80.0 - CENTRE) / (COLUMNS - CENTRE), sd = sqrt(p * (1.0 - p) / SEEDS);
    for (int c = 0; c < COLUMNS; c++)
        if (c >= FIRST && c < FIRST + CENTRE)
            ck_assert_int_eq(each[c], SEEDS);
        else
            ck_assert_double_lt(fabs(each[c] / (double)SEEDS - p), 5.0 * sd);
    ck_assert_double_lt(fabs(total / SEEDS - 80.0), 4.0 * sd * sqrt(COLUMNS - CENTRE));
    rng_restart(rng, 5, RNG_TEST, SEEDS - 1, 0);
    sampling_random_columns(COLUMNS, 4.0, 0.08, rng, again);
    ck_assert_int_eq(memcmp(mask, again, sizeof mask), 0);
    gsl_rng_free(rng);
}
END_TEST

/* Settings that leave nothing to chance show the centre alone. */
START_TEST(random_columns_keep_the_centre) {
    const struct {
        int columns;
        double acceleration, fraction;
        int first, centre;
    } cases[] = {{10, 5.0, 0.25, 4, 2}, /* 2.5 and 3.5 are rounded to even */
                 {14, 3.5, 0.25, 5, 4}, {15, 5.0, 0.2, 6, 3}, {12, 4.0, 0.25, 5, 3},
                 {9, 1.0, 0.0, 0, 9},   {9, 1.0, 1.0, 0, 9}};
    gsl_rng *rng = rng_stream(5, RNG_TEST, 0, 0);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        unsigned char mask[16];
        ck_assert_msg(sampling_random_columns(cases[k].columns, cases[k].acceleration, cases[k].fraction, rng,
                                              mask) == 0,
                      "%s", err_message());
        for (int c = 0; c < cases[k].columns; c++)
            ck_assert_int_eq(mask[c], c >= cases[k].first && c < cases[k].first + cases[k].centre);
    }
    gsl_rng_free(rng);
}
END_TEST

START_TEST(random_columns_refuse_impossible_masks) {
    unsigned char mask[320];
    gsl_rng *rng = rng_stream(5, RNG_TEST, 0, 0);
    memset(mask, 7, sizeof mask);
    ck_assert_int_eq(sampling_random_columns(0, 4.0, 0.08, rng, mask), -1);
    ck_assert_int_eq(sampling_random_columns(320, 0.9, 0.08, rng, mask), -1);
    ck_assert(strstr(err_message(), "0.9"));
    ck_assert_int_eq(sampling_random_columns(320, NAN, 0.08, rng, mask), -1);
    ck_assert_int_eq(sampling_random_columns(320, INFINITY, 0.08, rng, mask), -1);
    ck_assert_int_eq(sampling_random_columns(320, 4.0, -0.1, rng, mask), -1);
    ck_assert_int_eq(sampling_random_columns(320, 4.0, 1.1, rng, mask), -1);
    ck_assert_int_eq(sampling_random_columns(320, 4.0, 0.3, rng, mask), -1);
    ck_assert(strstr(err_message(), "96") && strstr(err_message(), "80"));
    for (int c = 0; c < 320; c++)
        ck_assert_int_eq(mask[c], 7);
    gsl_rng_free(rng);
}
END_TEST

/* d of sampling.h, for even sizes */
static double poisson_distance(int r, int c, int rows, int columns, const sampling_poisson_settings *s) {
    const double er = fmax(abs(r - rows / 2) - s->calibration_rows / 2.0, 0.0),
                 ec = fmax(abs(c - columns / 2) - s->calibration_columns / 2.0, 0.0);
    return hypot(er / (rows / 2 - s->calibration_rows / 2.0),
                 ec / (columns / 2 - s->calibration_columns / 2.0));
}

static void check_poisson(const unsigned char *mask, int rows, int columns,
                          const sampling_poisson_settings *s) {
    const int r0 = rows / 2 - s->calibration_rows / 2, c0 = columns / 2 - s->calibration_columns / 2;
    int kept[3] = {0}, all[3] = {0}; /* in thirds of d */
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
            const int m = mask[r * columns + c];
            const double d = poisson_distance(r, c, rows, columns, s);
            ck_assert_int_le(m, 1);
            if (r >= r0 && r < r0 + s->calibration_rows && c >= c0 && c < c0 + s->calibration_columns) {
                ck_assert_int_eq(m, 1);
            } else if (d < 1.0) {
                kept[(int)(3.0 * d)] += m;
                all[(int)(3.0 * d)]++;
            } else {
                ck_assert_int_eq(m, 0);
            }
        }
    for (int k = 0; k < 2; k++)
        ck_assert_double_gt(kept[k] / (double)all[k], 1.2 * kept[k + 1] / (double)all[k + 1]);
    const double acceleration = rows * (double)columns / count_kept(mask, (size_t)rows * columns);
    ck_assert_double_lt(fabs(acceleration / s->acceleration - 1.0), SAMPLING_POISSON_TOLERANCE);
}

/* Samples keep their distance: at 20-fold acceleration none touch, where chance would let a score. */
START_TEST(poisson_samples_keep_their_distance) {
    enum { N = 128 };
    const sampling_poisson_settings settings = {20.0, 0, 0};
    static unsigned char mask[N * N];
    gsl_rng *rng = rng_stream(5, RNG_TEST, 0, 2);
    ck_assert_msg(sampling_poisson(N, N, &settings, rng, mask) == 0, "%s", err_message());
    int outer = 0, touching = 0;
    for (int r = 0; r < N; r++)
        for (int c = 0; c + 1 < N; c++)
            if (mask[r * N + c] && poisson_distance(r, c, N, N, &settings) > 0.3) {
                outer++;
                touching += mask[r * N + c + 1];
            }
    ck_assert_int_gt(outer, 300);
    ck_assert_int_eq(touching, 0);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(poisson_masks_have_the_acceleration) {
    enum { ROWS = 96, COLUMNS = 128, SEEDS = 8 };
    const sampling_poisson_settings settings[] = {{4.0, 0, 0}, {8.0, 16, 12}, {12.0, 13, 13}, {2.0, 24, 24}};
    static unsigned char mask[ROWS * COLUMNS], again[ROWS * COLUMNS];
    gsl_rng *rng = rng_stream(5, RNG_TEST, 0, 0);
    double total = 0.0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        rng_restart(rng, 5, RNG_TEST, seed, 1);
        memcpy(again, mask, sizeof mask);
        ck_assert_msg(sampling_poisson(ROWS, COLUMNS, &settings[_i], rng, mask) == 0, "%s", err_message());
        ck_assert_int_ne(memcmp(mask, again, sizeof mask), 0);
        check_poisson(mask, ROWS, COLUMNS, &settings[_i]);
        total += count_kept(mask, sizeof mask);
    }
    ck_assert_double_lt(fabs(ROWS * COLUMNS * SEEDS / total / settings[_i].acceleration - 1.0), 0.005);
    rng_restart(rng, 5, RNG_TEST, SEEDS - 1, 1);
    sampling_poisson(ROWS, COLUMNS, &settings[_i], rng, again);
    ck_assert_int_eq(memcmp(mask, again, sizeof mask), 0);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(poisson_refuses_impossible_masks) {
    const sampling_poisson_settings impossible[] = {
        {1.0, 0, 0},  {NAN, 0, 0},   {INFINITY, 0, 0}, {4.0, -1, 4},
        {4.0, 65, 4}, {4.0, 40, 40}, {1.1, 0, 0}, /* less than the corners */
    };
    unsigned char mask[64 * 48];
    gsl_rng *rng = rng_stream(5, RNG_TEST, 0, 0);
    memset(mask, 7, sizeof mask);
    for (size_t k = 0; k < sizeof impossible / sizeof *impossible; k++)
        ck_assert_int_eq(sampling_poisson(64, 48, &impossible[k], rng, mask), -1);
    ck_assert(strstr(err_message(), "1.1"));
    const sampling_poisson_settings fine = {4.0, 0, 0};
    ck_assert_int_eq(sampling_poisson(0, 48, &fine, rng, mask), -1);
    ck_assert_int_eq(sampling_poisson(1, 3, &fine, rng, mask), -1); /* 3 / 4 of a sample */
    for (size_t k = 0; k < sizeof mask; k++)
        ck_assert_int_eq(mask[k], 7);
    gsl_rng_free(rng);
}
END_TEST

/* ---------------------------------------------------------------- JSENSE */

#define GOLDEN_ROWS 64
#define GOLDEN_COLUMNS 56
#define GOLDEN_COILS 4

typedef struct {
    int rows, columns;
    size_t pixels, samples; /* of an image, of all coils */
    jsense_settings settings;
    float complex *kspace, *maps, *image; /* input; SigPy's results */
} golden;

static const char *const golden_groups[] = {"default/", "regularised/", "gaps/", "odd/"};
#define GOLDEN_GROUPS (int)(sizeof golden_groups / sizeof *golden_groups)

static jsense_settings read_settings(const h5_file *file, const char *group) {
    char dataset[128];
    hsize_t five[1] = {5};
    double v[5];
    snprintf(dataset, sizeof dataset, "%ssettings", group);
    ck_assert_msg(h5_read_f64(file, dataset, 1, five, v) == 0, "%s", err_message());
    return (jsense_settings){(int)v[0], (int)v[1], v[2], (int)v[3], (int)v[4]};
}

/* The part of k-space that the case is about: it ends with the whole, columns left out are 0. */
static float complex *select_kspace(const golden *g, const float complex *whole, const int32_t *left_out) {
    float complex *kspace = mem_calloc(g->samples, sizeof *kspace);
    const int first_row = GOLDEN_ROWS - g->rows, first_column = GOLDEN_COLUMNS - g->columns;
    for (int c = 0; c < GOLDEN_COILS; c++)
        for (int y = 0; y < g->rows; y++)
            for (int x = 0; x < g->columns; x++)
                if (!left_out[first_column + x])
                    kspace[((size_t)c * g->rows + y) * g->columns + x] =
                        whole[((size_t)c * GOLDEN_ROWS + first_row + y) * GOLDEN_COLUMNS + first_column + x];
    return kspace;
}

static golden golden_read(const char *group) {
    h5_file *file = h5_open(golden_file);
    ck_assert_msg(file != NULL, "%s", err_message());
    int rank;
    hsize_t dims[H5_MAX_RANK], columns[1] = {GOLDEN_COLUMNS};
    size_t count;
    char dataset[128];
    int32_t left_out[GOLDEN_COLUMNS];
    golden g = {.settings = read_settings(file, group)};
    snprintf(dataset, sizeof dataset, "%sleft_out", group);
    ck_assert_msg(h5_read_i32(file, dataset, 1, columns, left_out) == 0, "%s", err_message());
    g.image = read_complex(file, group, "image", &rank, dims, &g.pixels);
    g.maps = read_complex(file, group, "maps", &rank, dims, &g.samples);
    ck_assert(rank == 3 && dims[0] == GOLDEN_COILS && g.samples == GOLDEN_COILS * g.pixels);
    g.rows = (int)dims[1];
    g.columns = (int)dims[2];
    float complex *whole = read_complex(file, "", "kspace", &rank, dims, &count);
    ck_assert_uint_eq(count, GOLDEN_COILS * GOLDEN_ROWS * GOLDEN_COLUMNS);
    g.kspace = select_kspace(&g, whole, left_out);
    free(whole);
    h5_close(file);
    return g;
}

static void golden_free(golden *g) {
    free(g->kspace);
    free(g->maps);
    free(g->image);
}

static jsense *golden_jsense(const golden *g) {
    jsense *j = jsense_create(GOLDEN_COILS, g->rows, g->columns, &g->settings);
    ck_assert_msg(j != NULL, "%s", err_message());
    return j;
}

/* Where the image exceeds a tenth of its maximum, once per coil. */
static unsigned char *where_signal(const golden *g) {
    unsigned char *signal = mem_alloc(g->samples);
    float peak = 0.0f;
    for (size_t k = 0; k < g->pixels; k++)
        peak = fmaxf(peak, cabsf(g->image[k]));
    for (size_t k = 0; k < g->samples; k++)
        signal[k] = cabsf(g->image[k % g->pixels]) > 0.1f * peak;
    return signal;
}

START_TEST(jsense_matches_sigpy) {
    golden g = golden_read(golden_groups[_i]);
    unsigned char *signal = where_signal(&g);
    ck_assert_int_gt(count_kept(signal, g.pixels), (int)g.pixels / 4);
    jsense *j = golden_jsense(&g);
    float complex *maps = mem_alloc(g.samples * sizeof *maps), *image = mem_alloc(g.pixels * sizeof *image);
    ck_assert_msg(jsense_maps(j, g.kspace, maps) == 0, "%s", err_message());
    ck_assert_msg(jsense_combine(j, g.kspace, maps, image) == 0, "%s", err_message());
    /* up to one global factor; 1e-4 is what a change of the algorithm would exceed, rounding is near 1e-6 */
    double complex factor = inner(maps, g.maps, g.samples) / norm2(maps, g.samples);
    const double maps_differ = relative(maps, g.maps, factor, signal, g.samples);
    ck_assert_msg(maps_differ < 1e-4, "%s maps: relative difference %g", golden_groups[_i], maps_differ);
    factor = inner(image, g.image, g.pixels) / norm2(image, g.pixels);
    const double images_differ = relative(image, g.image, factor, NULL, g.pixels);
    ck_assert_msg(images_differ < 1e-4, "%s image: relative difference %g", golden_groups[_i], images_differ);
    for (size_t k = 0; k < g.pixels; k++) {
        double sum = 0.0;
        for (int c = 0; c < GOLDEN_COILS; c++)
            sum += norm2(maps + (size_t)c * g.pixels + k, 1);
        ck_assert_double_lt(fabs(sum - 1.0), 1e-5);
    }
    jsense_free(j);
    free(signal);
    free(maps);
    free(image);
    golden_free(&g);
}
END_TEST

START_TEST(jsense_is_deterministic) {
    golden g = golden_read("default/"), other = golden_read("gaps/");
    const size_t bytes = g.samples * sizeof(float complex);
    float complex *first = mem_alloc(bytes), *second = mem_alloc(bytes);
    jsense *j = golden_jsense(&g);
    ck_assert_int_eq(jsense_maps(j, g.kspace, first), 0);
    ck_assert_int_eq(jsense_maps(j, other.kspace, second), 0); /* another slice in between */
    ck_assert_int_eq(jsense_maps(j, g.kspace, second), 0);
    ck_assert_int_eq(memcmp(first, second, bytes), 0);
    jsense *k = golden_jsense(&g);
    ck_assert_int_eq(jsense_maps(k, g.kspace, second), 0);
    ck_assert_int_eq(memcmp(first, second, bytes), 0);
    for (size_t i = 0; i < g.samples; i++) /* raw data are small numbers */
        g.kspace[i] *= 1e-12f;
    ck_assert_int_eq(jsense_maps(k, g.kspace, second), 0);
    ck_assert_double_lt(relative(second, first, 1.0, NULL, g.samples), 1e-5);
    jsense_free(j);
    jsense_free(k);
    free(first);
    free(second);
    golden_free(&g);
    golden_free(&other);
}
END_TEST

/* Objects made and used by several threads at once give what one gives alone. */
START_TEST(jsense_is_the_same_in_threads) {
    enum { THREADS = 4 };
    golden g = golden_read("default/");
    float complex *maps[THREADS], *images[THREADS];
    int failed = 0;
    openblas_set_num_threads(1);
#pragma omp parallel for num_threads(THREADS) reduction(+ : failed)
    for (int t = 0; t < THREADS; t++) {
        maps[t] = mem_alloc(g.samples * sizeof *maps[t]);
        images[t] = mem_alloc(g.pixels * sizeof *images[t]);
        jsense *j = jsense_create(GOLDEN_COILS, g.rows, g.columns, &g.settings);
        failed += !j || jsense_maps(j, g.kspace, maps[t]) || jsense_combine(j, g.kspace, maps[t], images[t]);
        jsense_free(j);
    }
    ck_assert_int_eq(failed, 0);
    for (int t = 0; t < THREADS; t++) {
        ck_assert_int_eq(memcmp(maps[t], maps[0], g.samples * sizeof *maps[t]), 0);
        ck_assert_int_eq(memcmp(images[t], images[0], g.pixels * sizeof *images[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        free(maps[t]);
        free(images[t]);
    }
    golden_free(&g);
}
END_TEST

START_TEST(jsense_does_without_a_coil) {
    golden g = golden_read("default/");
    float complex *maps = mem_alloc(g.samples * sizeof *maps);
    memset(g.kspace + g.pixels, 0, g.pixels * sizeof *g.kspace);
    jsense *j = golden_jsense(&g);
    ck_assert_int_eq(jsense_maps(j, g.kspace, maps), 0);
    ck_assert_double_eq(norm2(maps + g.pixels, g.pixels), 0.0);
    ck_assert_double_lt(fabs(norm2(maps, g.samples) / (double)g.pixels - 1.0), 1e-5);
    jsense_free(j);
    free(maps);
    golden_free(&g);
}
END_TEST

static void expect_refused(int coils, int rows, int columns, jsense_settings s, const char *say) {
    ck_assert_ptr_null(jsense_create(coils, rows, columns, &s));
    ck_assert_msg(strstr(err_message(), say) != NULL, "%s", err_message());
}

START_TEST(jsense_refuses_wrong_settings) {
    jsense_settings s = jsense_defaults();
    ck_assert(s.kernel_width == 6 && s.calibration_width == 13 && s.iterations == 10 &&
              s.inner_iterations == 10 && s.lambda == 0.0);
    expect_refused(0, 64, 64, s, "0 coils");
    expect_refused(4, 12, 64, s, "width 13 in k-space of 12 x 64");
    expect_refused(4, 64, 12, s, "width 13 in k-space of 64 x 12");
    s.kernel_width = 14;
    expect_refused(4, 64, 64, s, "kernel of width 14");
    s.kernel_width = 0;
    expect_refused(4, 64, 64, s, "kernel width 0");
    s = jsense_defaults();
    s.lambda = -1.0;
    expect_refused(4, 64, 64, s, "lambda -1");
    s.lambda = NAN;
    expect_refused(4, 64, 64, s, "lambda");
    s = jsense_defaults();
    s.iterations = 0;
    expect_refused(4, 64, 64, s, "0 iterations");
    s = jsense_defaults();
    s.calibration_width = s.kernel_width = 1 << 14;
    expect_refused(4, 1 << 14, 1 << 14, s, "too much");
    jsense_free(NULL);
}
END_TEST

START_TEST(jsense_refuses_wrong_data) {
    golden g = golden_read("default/");
    float complex *maps = mem_calloc(g.samples, sizeof *maps), *image = mem_alloc(g.pixels * sizeof *image);
    const size_t centre = (size_t)(g.rows / 2) * g.columns + g.columns / 2;
    const float complex keep = g.kspace[centre];
    jsense *j = golden_jsense(&g);
    const float wrong[] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 3; k++) {
        ((float *)&g.kspace[centre])[1] = wrong[k]; /* the imaginary part */
        ck_assert_int_eq(jsense_maps(j, g.kspace, maps), -1);
        ck_assert(strstr(err_message(), "not finite"));
        ck_assert_int_eq(jsense_combine(j, g.kspace, g.maps, image), -1);
        ck_assert(strstr(err_message(), "not finite"));
    }
    ck_assert_double_eq(norm2(maps, g.samples), 0.0); /* untouched */
    g.kspace[centre] = keep;
    ck_assert_int_eq(jsense_maps(j, g.kspace, maps), 0); /* nothing of it remains */
    memset(g.kspace, 0, g.samples * sizeof *g.kspace);
    g.kspace[0] = 1.0f; /* outside the centre */
    ck_assert_int_eq(jsense_maps(j, g.kspace, maps), -1);
    ck_assert(strstr(err_message(), "all 0"));
    jsense_free(j);
    free(maps);
    free(image);
    golden_free(&g);
}
END_TEST

Suite *suite_mri(void) {
    Suite *s = suite_create("mri");
    TCase *t = tcase_create("mri");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, fft_matches_numpy, 0, FFT_GROUPS);
    tcase_add_loop_test(t, fft_is_unitary, 0, FFT_SIZES);
    tcase_add_test(t, fft_has_its_zero_in_the_centre);
    tcase_add_test(t, random_columns_have_the_acceleration);
    tcase_add_test(t, random_columns_keep_the_centre);
    tcase_add_test(t, random_columns_refuse_impossible_masks);
    tcase_add_loop_test(t, poisson_masks_have_the_acceleration, 0, 4);
    tcase_add_test(t, poisson_samples_keep_their_distance);
    tcase_add_test(t, poisson_refuses_impossible_masks);
    tcase_add_loop_test(t, jsense_matches_sigpy, 0, GOLDEN_GROUPS);
    tcase_add_test(t, jsense_is_deterministic);
    tcase_add_test(t, jsense_is_the_same_in_threads);
    tcase_add_test(t, jsense_does_without_a_coil);
    tcase_add_test(t, jsense_refuses_wrong_settings);
    tcase_add_test(t, jsense_refuses_wrong_data);
    suite_add_tcase(s, t);
    return s;
}
