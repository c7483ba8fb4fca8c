/* Both half-steps are products with one matrix of patches, P[u][p] = r[p + (k - 1) - u] (u: element of a coil
 * kernel, p: calibration sample): the model's samples of all coils are the matrix product M P, M[c][u] =
 * m_c[u].
 *   - for m: the gradient is M (P P^H) - Y P^H. P P^H is only k^2 x k^2 and the same in every inner step.
 *   - for r: the residual Y - M P is carried back by M^H, and its patches are added up where they came from.
 * Samples with weight 0 become zero columns of P and of the residual. */
#include "mri/jsense.h"

#include "core/error.h"
#include "core/memory.h"
#include "mri/fft.h"
#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef float complex cfloat;

struct jsense {
    jsense_settings settings;
    int coils, rows, columns;
    int taps, samples;                         /* k^2, n^2 */
    int image_width;                           /* n + k - 1 */
    int has_gaps;                              /* whether a weight is 0 */
    cfloat *memory;                            /* everything below, up to coil_image */
    cfloat *data, *model;                      /* [coils][samples]: y; M P, then the weighted residual */
    cfloat *patches, *back;                    /* [taps][samples] */
    cfloat *gram;                              /* [taps][taps], P P^H */
    cfloat *kernels;                           /* [coils][taps], m */
    cfloat *image_kernel;                      /* [image_width][image_width], r */
    cfloat *residual, *direction, *product;    /* of the conjugate gradients, as long as m or r */
    cfloat *waves_down, *waves_across, *strip; /* [rows][k], [k][columns], [k][columns] */
    cfloat *coil_image;                        /* [rows][columns] */
    float *weights;                            /* [samples] */
    fft2 *fourier;
};

jsense_settings jsense_defaults(void) {
    return (jsense_settings){
        .kernel_width = 6, .calibration_width = 13, .lambda = 0.0, .iterations = 10, .inner_iterations = 10};
}

/* ---------------------------------------------------------------- set-up */

static int check_settings(int coils, int rows, int columns, const jsense_settings *s) {
    if (coils < 1 || rows < 1 || columns < 1)
        return err_set("jsense: k-space of %d coils, %d x %d", coils, rows, columns);
    if (s->kernel_width < 1 || s->iterations < 1 || s->inner_iterations < 1)
        return err_set("jsense: kernel width %d, %d iterations of %d, expected 1 or more each",
                       s->kernel_width, s->iterations, s->inner_iterations);
    if (s->calibration_width < s->kernel_width)
        return err_set("jsense: a kernel of width %d in a calibration region of width %d", s->kernel_width,
                       s->calibration_width);
    if (s->calibration_width > rows || s->calibration_width > columns)
        return err_set("jsense: a calibration region of width %d in k-space of %d x %d", s->calibration_width,
                       rows, columns);
    if (!(s->lambda >= 0.0) || !isfinite(s->lambda))
        return err_set("jsense: lambda %g, expected 0 or more", s->lambda);
    /* BLAS counts with int. */
    const double samples = (double)s->calibration_width * s->calibration_width;
    const double taps = (double)s->kernel_width * s->kernel_width;
    if (fmax(samples * taps, fmax(taps * taps, coils * samples)) > INT_MAX)
        return err_set("jsense: calibration width %d with kernel width %d and %d coils is too much",
                       s->calibration_width, s->kernel_width, coils);
    return 0;
}

typedef struct {
    cfloat **pointer;
    size_t count;
} part;

static int allocate(jsense *j) {
    const size_t coils = (size_t)j->coils, taps = (size_t)j->taps, samples = (size_t)j->samples;
    const size_t kernel = (size_t)j->settings.kernel_width, image = (size_t)j->image_width * j->image_width;
    const size_t unknowns = coils * taps > image ? coils * taps : image;
    const part parts[] = {
        {&j->data, coils * samples},
        {&j->model, coils * samples},
        {&j->patches, taps * samples},
        {&j->back, taps * samples},
        {&j->gram, taps * taps},
        {&j->kernels, coils * taps},
        {&j->image_kernel, image},
        {&j->residual, unknowns},
        {&j->direction, unknowns},
        {&j->product, unknowns},
        {&j->waves_down, kernel * (size_t)j->rows},
        {&j->waves_across, kernel * (size_t)j->columns},
        {&j->strip, kernel * (size_t)j->columns},
        {&j->coil_image, (size_t)j->rows * j->columns},
    };
    const size_t n = sizeof parts / sizeof *parts, line = 64 / sizeof(cfloat);
    size_t total = 0;
    for (size_t k = 0; k < n; k++)
        total += (parts[k].count + line - 1) / line * line;
    j->memory = mem_aligned(total * sizeof(cfloat));
    j->weights = mem_aligned(samples * sizeof(float));
    if (!j->memory || !j->weights)
        return -1;
    cfloat *next = j->memory;
    for (size_t k = 0; k < n; k++) {
        *parts[k].pointer = next;
        next += (parts[k].count + line - 1) / line * line;
    }
    return 0;
}

/* wave[x at x_step][u at u_step] = exp(2 pi i (x - n / 2)(u - k / 2) / n) */
static void fill_waves(cfloat *wave, int n, int kernel, int x_step, int u_step) {
    for (int x = 0; x < n; x++)
        for (int u = 0; u < kernel; u++) {
            const double angle = 2.0 * M_PI * (double)(x - n / 2) * (u - kernel / 2) / n;
            wave[(size_t)x * x_step + (size_t)u * u_step] = (float)cos(angle) + (float)sin(angle) * I;
        }
}

jsense *jsense_create(int coils, int rows, int columns, const jsense_settings *settings) {
    if (check_settings(coils, rows, columns, settings))
        return NULL;
    jsense *j = mem_calloc(1, sizeof *j);
    if (!j)
        return NULL;
    const int kernel = settings->kernel_width, calibration = settings->calibration_width;
    j->settings = *settings;
    j->coils = coils;
    j->rows = rows;
    j->columns = columns;
    j->taps = kernel * kernel;
    j->samples = calibration * calibration;
    j->image_width = calibration + kernel - 1;
    j->fourier = fft2_create(rows, columns);
    if (!j->fourier || allocate(j)) {
        jsense_free(j);
        return NULL;
    }
    fill_waves(j->waves_down, rows, kernel, kernel, 1);
    fill_waves(j->waves_across, columns, kernel, 1, columns);
    return j;
}

void jsense_free(jsense *j) {
    if (!j)
        return;
    fft2_free(j->fourier);
    free(j->memory);
    free(j->weights);
    free(j);
}

/* ---------------------------------------------------------------- small vectors */

/* Re <a, b> over 2n floats, in double: the sums steer the conjugate gradients. */
static double dot_real(const cfloat *a, const cfloat *b, size_t n) {
    const float *x = (const float *)a, *y = (const float *)b;
    double sum[4] = {0};
    size_t k = 0;
    for (; k + 4 <= 2 * n; k += 4)
        for (int i = 0; i < 4; i++)
            sum[i] += (double)x[k + i] * (double)y[k + i];
    for (; k < 2 * n; k++)
        sum[0] += (double)x[k] * (double)y[k];
    return sum[0] + sum[1] + (sum[2] + sum[3]);
}

/* y += a x */
static void add_scaled(cfloat *y, double a, const cfloat *x, size_t n) {
    float *to = (float *)y;
    const float *from = (const float *)x, factor = (float)a;
    for (size_t k = 0; k < 2 * n; k++)
        to[k] += factor * from[k];
}

/* y = x + a y */
static void scale_and_add(cfloat *y, double a, const cfloat *x, size_t n) {
    float *to = (float *)y;
    const float *from = (const float *)x, factor = (float)a;
    for (size_t k = 0; k < 2 * n; k++)
        to[k] = from[k] + factor * to[k];
}

static int all_finite(const cfloat *a, size_t n) {
    const float *x = (const float *)a;
    int finite = 1;
    for (size_t k = 0; k < 2 * n; k++)
        finite &= fabsf(x[k]) <= 3.402823466e38f; /* false for NaN, too */
    return finite;
}

/* C (m x n) = A B, either factor possibly conjugate-transposed; row-major. */
static void multiply(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const cfloat *a,
                     const cfloat *b, cfloat *c) {
    static const float one[2] = {1.0f, 0.0f}, zero[2] = {0.0f, 0.0f};
    cblas_cgemm(CblasRowMajor, ta, tb, m, n, k, one, a, ta == CblasNoTrans ? k : m, b,
                tb == CblasNoTrans ? n : k, zero, c, n);
}

/* ---------------------------------------------------------------- model */

/* P of the image kernel r. */
static void fill_patches(jsense *j, const cfloat *r) {
    const int kernel = j->settings.kernel_width, n = j->settings.calibration_width, wide = j->image_width;
    cfloat *to = j->patches;
    for (int u = 0; u < j->taps; u++) {
        const cfloat *from = r + (size_t)(kernel - 1 - u / kernel) * wide + (kernel - 1 - u % kernel);
        for (int y = 0; y < n; y++, to += n, from += wide)
            memcpy(to, from, (size_t)n * sizeof *to);
    }
}

/* The transpose of fill_patches: r = sum of what each patch holds of it. */
static void gather_patches(const jsense *j, const cfloat *back, cfloat *r) {
    const int kernel = j->settings.kernel_width, n = j->settings.calibration_width, wide = j->image_width;
    memset(r, 0, (size_t)wide * wide * sizeof *r);
    const cfloat *from = back;
    for (int u = 0; u < j->taps; u++) {
        cfloat *to = r + (size_t)(kernel - 1 - u / kernel) * wide + (kernel - 1 - u % kernel);
        for (int y = 0; y < n; y++, to += wide, from += n)
            for (int x = 0; x < n; x++)
                to[x] += from[x];
    }
}

/* a: one row of samples per coil or per tap */
static void apply_weights(const jsense *j, cfloat *a, int rows) {
    if (!j->has_gaps)
        return;
    for (int k = 0; k < rows; k++)
        for (int p = 0; p < j->samples; p++)
            if (j->weights[p] == 0.0f)
                a[(size_t)k * j->samples + p] = 0.0f;
}

/* A x, with A the normal operator of a half-step, lambda included. */
typedef void normal_operator(jsense *j, const cfloat *x, cfloat *out);

static void normal_kernels(jsense *j, const cfloat *x, cfloat *out) {
    static const float one[2] = {1.0f, 0.0f}, zero[2] = {0.0f, 0.0f};
    cblas_chemm(CblasRowMajor, CblasRight, CblasUpper, j->coils, j->taps, one, j->gram, j->taps, x, j->taps,
                zero, out, j->taps);
    add_scaled(out, j->settings.lambda, x, (size_t)j->coils * j->taps);
}

/* out = the adjoint of r -> M P, of the samples in j->model */
static void carry_back(jsense *j, cfloat *out) {
    apply_weights(j, j->model, j->coils);
    multiply(CblasConjTrans, CblasNoTrans, j->taps, j->samples, j->coils, j->kernels, j->model, j->back);
    gather_patches(j, j->back, out);
}

static void predict(jsense *j, const cfloat *image_kernel) {
    fill_patches(j, image_kernel);
    multiply(CblasNoTrans, CblasNoTrans, j->coils, j->samples, j->taps, j->kernels, j->patches, j->model);
}

static void normal_image(jsense *j, const cfloat *x, cfloat *out) {
    predict(j, x);
    carry_back(j, out);
    add_scaled(out, j->settings.lambda, x, (size_t)j->image_width * j->image_width);
}

/* ---------------------------------------------------------------- half-steps */

/* Steps of conjugate gradients from x; j->residual holds b - A x. Stops early when nothing is left to gain. */
static void conjugate_gradients(jsense *j, normal_operator *apply, cfloat *x, size_t n) {
    memcpy(j->direction, j->residual, n * sizeof *x);
    double energy = dot_real(j->residual, j->residual, n);
    for (int k = 0; k < j->settings.inner_iterations && energy > 0.0; k++) {
        apply(j, j->direction, j->product);
        const double curvature = dot_real(j->direction, j->product, n);
        if (!(curvature > 0.0))
            return;
        const double step = energy / curvature;
        add_scaled(x, step, j->direction, n);
        add_scaled(j->residual, -step, j->product, n);
        const double before = energy;
        energy = dot_real(j->residual, j->residual, n);
        scale_and_add(j->direction, energy / before, j->residual, n);
    }
}

static void improve_kernels(jsense *j) {
    const size_t n = (size_t)j->coils * j->taps;
    fill_patches(j, j->image_kernel);
    apply_weights(j, j->patches, j->taps);
    cblas_cherk(CblasRowMajor, CblasUpper, CblasNoTrans, j->taps, j->samples, 1.0f, j->patches, j->samples,
                0.0f, j->gram, j->taps);
    multiply(CblasNoTrans, CblasConjTrans, j->coils, j->taps, j->samples, j->data, j->patches, j->residual);
    normal_kernels(j, j->kernels, j->product);
    add_scaled(j->residual, -1.0, j->product, n);
    conjugate_gradients(j, normal_kernels, j->kernels, n);
}

static void improve_image(jsense *j) {
    const size_t n = (size_t)j->image_width * j->image_width;
    predict(j, j->image_kernel);
    scale_and_add(j->model, -1.0, j->data, (size_t)j->coils * j->samples);
    carry_back(j, j->residual);
    add_scaled(j->residual, -j->settings.lambda, j->image_kernel, n);
    conjugate_gradients(j, normal_image, j->image_kernel, n);
}

/* ---------------------------------------------------------------- calibration */

/* y and w of the header. */
static int read_calibration(jsense *j, const cfloat *kspace) {
    const int n = j->settings.calibration_width;
    const size_t count = (size_t)j->coils * j->samples;
    cfloat *to = j->data;
    memset(j->weights, 0, (size_t)j->samples * sizeof *j->weights);
    for (int c = 0; c < j->coils; c++)
        for (int y = 0; y < n; y++) {
            const size_t row = (size_t)c * j->rows + (j->rows / 2 - n / 2 + y);
            const cfloat *from = kspace + row * j->columns + (j->columns / 2 - n / 2);
            for (int x = 0; x < n; x++, to++) {
                *to = from[x];
                if (crealf(*to) != 0.0f || cimagf(*to) != 0.0f)
                    j->weights[y * n + x] = 1.0f;
            }
        }
    if (!all_finite(j->data, count))
        return err_set("jsense: the central %d x %d samples of k-space hold a value that is not finite", n,
                       n);
    const double norm = sqrt(dot_real(j->data, j->data, count));
    if (norm == 0.0)
        return err_set("jsense: the central %d x %d samples of k-space are all 0", n, n);
    float *values = (float *)j->data;
    for (size_t k = 0; k < 2 * count; k++)
        values[k] = (float)((double)values[k] / norm);
    j->has_gaps = 0;
    for (int p = 0; p < j->samples; p++)
        j->has_gaps |= j->weights[p] == 0.0f;
    return 0;
}

static int calibrate(jsense *j) {
    const size_t wide = (size_t)j->image_width;
    memset(j->kernels, 0, (size_t)j->coils * j->taps * sizeof *j->kernels);
    memset(j->image_kernel, 0, wide * wide * sizeof *j->image_kernel);
    j->image_kernel[wide / 2 * wide + wide / 2] = 1.0f;
    for (int k = 0; k < j->settings.iterations; k++) {
        improve_kernels(j);
        improve_image(j);
    }
    if (!all_finite(j->kernels, (size_t)j->coils * j->taps))
        return err_set("jsense: the coil kernels are not finite after %d iterations", j->settings.iterations);
    return 0;
}

/* Inverse FFT of the padded kernel, by rows and columns of its few non-zero elements; no scale. */
static void draw_map(jsense *j, const cfloat *kernel, cfloat *map) {
    const int k = j->settings.kernel_width;
    multiply(CblasNoTrans, CblasNoTrans, k, j->columns, k, kernel, j->waves_across, j->strip);
    multiply(CblasNoTrans, CblasNoTrans, j->rows, j->columns, k, j->waves_down, j->strip, map);
}

#define BLOCK 1024 /* pixels whose sum of squares fits in the L1 cache */

static void normalise_block(const jsense *j, cfloat *maps, size_t pixels, size_t first, size_t count) {
    float factor[BLOCK] = {0};
    for (int c = 0; c < j->coils; c++) {
        const float *m = (const float *)(maps + (size_t)c * pixels + first);
        for (size_t k = 0; k < count; k++)
            factor[k] += m[2 * k] * m[2 * k] + m[2 * k + 1] * m[2 * k + 1];
    }
    for (size_t k = 0; k < count; k++)
        factor[k] = factor[k] > 0.0f ? 1.0f / sqrtf(factor[k]) : 0.0f;
    for (int c = 0; c < j->coils; c++) {
        float *m = (float *)(maps + (size_t)c * pixels + first);
        for (size_t k = 0; k < count; k++) {
            m[2 * k] *= factor[k];
            m[2 * k + 1] *= factor[k];
        }
    }
}

int jsense_maps(jsense *j, const float complex *kspace, float complex *maps) {
    if (read_calibration(j, kspace) || calibrate(j))
        return -1;
    const size_t pixels = (size_t)j->rows * j->columns;
    for (int c = 0; c < j->coils; c++)
        draw_map(j, j->kernels + (size_t)c * j->taps, maps + (size_t)c * pixels);
    for (size_t first = 0; first < pixels; first += BLOCK)
        normalise_block(j, maps, pixels, first, pixels - first < BLOCK ? pixels - first : BLOCK);
    return 0;
}

/* sum += conj(a) b */
static void add_conjugate_product(const cfloat *a, const cfloat *b, cfloat *sum, size_t n) {
    const float *x = (const float *)a, *y = (const float *)b;
    float *s = (float *)sum;
    for (size_t k = 0; k < 2 * n; k += 2) {
        s[k] += x[k] * y[k] + x[k + 1] * y[k + 1];
        s[k + 1] += x[k] * y[k + 1] - x[k + 1] * y[k];
    }
}

int jsense_combine(jsense *j, const float complex *kspace, const float complex *maps, float complex *image) {
    const size_t pixels = (size_t)j->rows * j->columns;
    memset(image, 0, pixels * sizeof *image);
    for (int c = 0; c < j->coils; c++) {
        fft2_inverse(j->fourier, 1, kspace + (size_t)c * pixels, j->coil_image);
        add_conjugate_product(maps + (size_t)c * pixels, j->coil_image, image, pixels);
    }
    if (!all_finite(image, pixels))
        return err_set("jsense: the combined image is not finite: k-space or maps hold NaN or infinity");
    return 0;
}
