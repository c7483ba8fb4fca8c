#include "nn/layers.h"

#include "core/clones.h"
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define LANES 16

/* Sums over a row are kept in LANES partial sums, so that the compiler adds whole vectors instead of waiting
 * for one addition after the other. The source fixes the order: results do not depend on the compiler's
 * choice. */

/* Outside a parallel region (one image) the threads share its planes. Results are the same. */
#define OVER_PLANES _Pragma("omp parallel for schedule(static) if (!omp_in_parallel())")

/* Sum of a row: partial sums of a few pixels each in float, their sum in double. */
CLONES static double row_sum(const float *row, int columns) {
    float part[LANES] = {0.0f};
    double sum = 0.0;
    int k = 0;
    for (; k + LANES <= columns; k += LANES)
        for (int l = 0; l < LANES; l++)
            part[l] += row[k + l];
    for (; k < columns; k++)
        sum += (double)row[k];
    for (int l = 0; l < LANES; l++)
        sum += (double)part[l];
    return sum;
}

CLONES static void row_relu(const float *y, int columns, float *g) {
    for (int k = 0; k < columns; k++)
        g[k] = y[k] > 0.0f ? g[k] : 0.0f;
}

void relu_bias_backward(const tensor *y, const tensor *dy, float *db) {
    for (int c = 0; c < dy->channels && (y || db); c++) {
        double sum = 0.0;
        for (int row = 0; row < dy->rows; row++) {
            const float *out = y ? tensor_row(y, c, row) : NULL;
            float *g = tensor_row(dy, c, row);
            if (y)
                row_relu(out, dy->columns, g);
            sum += db ? row_sum(g, dy->columns) : 0.0;
        }
        if (db)
            db[c] += (float)sum;
    }
}

/* Sum of (row - m)^2. */
CLONES static double row_square(const float *row, int columns, float m) {
    float part[LANES] = {0.0f}, rest = 0.0f;
    int k = 0;
    for (; k + LANES <= columns; k += LANES)
        for (int l = 0; l < LANES; l++)
            part[l] += (row[k + l] - m) * (row[k + l] - m);
    for (; k < columns; k++)
        rest += (row[k] - m) * (row[k] - m);
    double sum = (double)rest;
    for (int l = 0; l < LANES; l++)
        sum += (double)part[l];
    return sum;
}

/* Mean m and r = 1 / sqrt(variance + eps) of a group of channels. Moments of a row, which stays in the cache
 * between the two passes, are joined to those of the rows before it (Chan et al. 1983): one way through memory
 * instead of two, and no cancellation. */
static void group_moments(const tensor *x, int first, int count, float *m, float *r) {
    double n = 0.0, columns = (double)x->columns, square = 0.0, mean = 0.0;
    for (int c = first; c < first + count; c++)
        for (int y = 0; y < x->rows; y++, n += columns) {
            const float *row = tensor_row(x, c, y);
            double own = row_sum(row, x->columns) / columns, d = own - mean;
            square += row_square(row, x->columns, (float)own) + d * d * columns * n / (n + columns);
            mean += d * columns / (n + columns);
        }
    *m = (float)mean;
    *r = (float)(1.0 / sqrt(square / n + NORM_EPS));
}

/* v, a value or a gradient, through a LeakyReLU whose input is `at`. */
ALWAYS_INLINE float leaky(float v, float at, float slope) {
    return at > 0.0f ? v : v * slope;
}

CLONES static void row_normalise(const float *from, int columns, float m, float scale, float offset,
                                 float slope, float *to) {
    for (int k = 0; k < columns; k++) {
        float v = (from[k] - m) * scale + offset;
        to[k] = leaky(v, v, slope);
    }
}

static void plane_normalise(const tensor *x, int c, float m, float scale, float offset, float slope,
                            const tensor *y) {
    for (int row = 0; row < x->rows; row++)
        row_normalise(tensor_row(x, c, row), x->columns, m, scale, offset, slope, tensor_row(y, c, row));
}

void norm_forward(const tensor *x, int groups, const float *gamma, const float *beta, float slope,
                  const tensor *y, float *saved) {
    int size = x->channels / groups;
    OVER_PLANES
    for (int g = 0; g < groups; g++) {
        float *m = saved + 2 * g, *r = m + 1;
        group_moments(x, g * size, size, m, r);
        for (int c = g * size; c < (g + 1) * size; c++)
            plane_normalise(x, c, *m, gamma ? gamma[c] * *r : *r, beta ? beta[c] : 0.0f, slope, y);
    }
}

/* Sums of g and of g * xhat over a row, with xhat the normalised input and g the gradient with respect to
 * what the LeakyReLU reads. */
CLONES static void row_gradient_sums(const float *x, const float *dy, int columns, float m, float r,
                                     float slope, double *sum, double *dot) {
    float part_sum[LANES] = {0.0f}, part_dot[LANES] = {0.0f}, rest_sum = 0.0f, rest_dot = 0.0f;
    int k = 0;
    for (; k + LANES <= columns; k += LANES)
        for (int l = 0; l < LANES; l++) {
            float hat = (x[k + l] - m) * r, g = leaky(dy[k + l], hat, slope);
            part_sum[l] += g;
            part_dot[l] += g * hat;
        }
    for (; k < columns; k++) {
        float hat = (x[k] - m) * r, g = leaky(dy[k], hat, slope);
        rest_sum += g;
        rest_dot += g * hat;
    }
    *sum += (double)rest_sum;
    *dot += (double)rest_dot;
    for (int l = 0; l < LANES; l++) {
        *sum += (double)part_sum[l];
        *dot += (double)part_dot[l];
    }
}

CLONES static void row_norm_backward(const float *gy, const float *v, int columns, float m, float r,
                                     float scale, float slope, float mean_sum, float mean_dot, float *to) {
    for (int k = 0; k < columns; k++) {
        float hat = (v[k] - m) * r, g = leaky(gy[k], hat, slope);
        to[k] = r * (scale * g - mean_sum - hat * mean_dot);
    }
}

/* dx = r (gamma g - mean(gamma g) - xhat mean(gamma g xhat)), means over the group.
 * The sign of xhat says which side of the LeakyReLU a pixel was on, as nothing is scaled or offset where
 * slope is not 1. */
void norm_backward(const tensor *x, int groups, const float *gamma, float slope, const float *saved,
                   const tensor *dy, const tensor *dx, float *dgamma, float *dbeta) {
    int size = x->channels / groups;
    double n = (double)size * x->rows * x->columns;
    for (int group = 0; group < groups; group++) {
        float m = saved[2 * group], r = saved[2 * group + 1];
        double group_sum = 0.0, group_dot = 0.0;
        for (int c = group * size; c < (group + 1) * size; c++) {
            double sum = 0.0, dot = 0.0;
            for (int row = 0; row < x->rows; row++)
                row_gradient_sums(tensor_row(x, c, row), tensor_row(dy, c, row), x->columns, m, r, slope,
                                  &sum, &dot);
            if (gamma) {
                dbeta[c] += (float)sum;
                dgamma[c] += (float)dot;
            }
            group_sum += gamma ? (double)gamma[c] * sum : sum;
            group_dot += gamma ? (double)gamma[c] * dot : dot;
        }
        float mean_sum = (float)(group_sum / n), mean_dot = (float)(group_dot / n);
        for (int c = group * size; c < (group + 1) * size; c++) {
            float scale = gamma ? gamma[c] : 1.0f;
            for (int row = 0; row < x->rows; row++)
                row_norm_backward(tensor_row(dy, c, row), tensor_row(x, c, row), x->columns, m, r, scale,
                                  slope, mean_sum, mean_dot, tensor_row(dx, c, row));
        }
    }
}

ALWAYS_INLINE float larger_of(float a, float b) {
    return a > b ? a : b;
}

/* The largest of 2x2 pixels each, or the smallest when sign is -1. */
CLONES static void row_max_pool(const float *a, const float *b, int columns, float sign, float *to) {
    for (int k = 0; k < columns; k++)
        to[k] = sign * larger_of(larger_of(sign * a[2 * k], sign * a[2 * k + 1]),
                                 larger_of(sign * b[2 * k], sign * b[2 * k + 1]));
}

void max_pool_forward(const tensor *x, const tensor *y) {
    OVER_PLANES
    for (int c = 0; c < y->channels; c++)
        for (int row = 0; row < y->rows; row++)
            row_max_pool(tensor_row(x, c, 2 * row), tensor_row(x, c, 2 * row + 1), y->columns, 1.0f,
                         tensor_row(y, c, row));
}

/* m and r, as group_moments() gives them, of all parts together. */
static void join_moments(const conv_moments *part, int count, float *m, float *r) {
    double n = 0.0, sum = 0.0, squares = 0.0;
    for (int k = 0; k < count; k++) {
        n += part[k].n;
        sum += part[k].n * part[k].mean;
    }
    double mean = sum / n;
    for (int k = 0; k < count; k++)
        squares += part[k].squares + part[k].n * (part[k].mean - mean) * (part[k].mean - mean);
    *m = (float)mean;
    *r = (float)(1.0 / sqrt(squares / n + NORM_EPS));
}

void norm_by_moments(const tensor *y, int groups, const float *gamma, const float *beta,
                     const conv_moments *moments, int parts) {
    int size = y->channels / groups;
    OVER_PLANES
    for (int g = 0; g < groups; g++) {
        float m, r;
        join_moments(moments + g * size * parts, size * parts, &m, &r);
        for (int c = g * size; c < (g + 1) * size; c++)
            plane_normalise(y, c, m, gamma[c] * r, beta[c], 1.0f, y);
    }
}

void norm_max_pool_forward(const tensor *x, int groups, const float *gamma, const float *beta,
                           const tensor *y) {
    int size = x->channels / groups;
    OVER_PLANES
    for (int g = 0; g < groups; g++) {
        float m, r;
        group_moments(x, g * size, size, &m, &r);
        for (int c = g * size; c < (g + 1) * size; c++) {
            float scale = gamma[c] * r, sign = scale < 0.0f ? -1.0f : 1.0f;
            for (int row = 0; row < y->rows; row++) {
                float *to = tensor_row(y, c, row);
                row_max_pool(tensor_row(x, c, 2 * row), tensor_row(x, c, 2 * row + 1), y->columns, sign, to);
                row_normalise(to, y->columns, m, scale, beta[c], 1.0f, to);
            }
        }
    }
}

CLONES static void row_max_pool_backward(const float *a, const float *b, const float *g, int columns,
                                         float *top, float *bottom) {
    for (int k = 0; k < columns; k++) { /* without branches: vectors */
        float most = larger_of(larger_of(a[2 * k], a[2 * k + 1]), larger_of(b[2 * k], b[2 * k + 1]));
        int first = a[2 * k] == most, second = !first & (a[2 * k + 1] == most);
        int above = first | second, third = !above & (b[2 * k] == most);
        top[2 * k] += first ? g[k] : 0.0f;
        top[2 * k + 1] += second ? g[k] : 0.0f;
        bottom[2 * k] += third ? g[k] : 0.0f;
        bottom[2 * k + 1] += above | third ? 0.0f : g[k];
    }
}

void max_pool_backward(const tensor *x, const tensor *dy, const tensor *dx) {
    for (int c = 0; c < dy->channels; c++)
        for (int row = 0; row < dy->rows; row++)
            row_max_pool_backward(tensor_row(x, c, 2 * row), tensor_row(x, c, 2 * row + 1),
                                  tensor_row(dy, c, row), dy->columns, tensor_row(dx, c, 2 * row),
                                  tensor_row(dx, c, 2 * row + 1));
}

void avg_pool_forward(const tensor *x, const tensor *y) {
    OVER_PLANES
    for (int c = 0; c < y->channels; c++)
        for (int row = 0; row < y->rows; row++) {
            const float *a = tensor_row(x, c, 2 * row), *b = tensor_row(x, c, 2 * row + 1);
            float *to = tensor_row(y, c, row);
            for (int k = 0; k < y->columns; k++)
                to[k] = 0.25f * ((a[2 * k] + a[2 * k + 1]) + (b[2 * k] + b[2 * k + 1]));
        }
}

void avg_pool_backward(const tensor *dy, const tensor *dx) {
    for (int c = 0; c < dy->channels; c++)
        for (int row = 0; row < dx->rows; row++) {
            const float *g = tensor_row(dy, c, row / 2);
            float *to = tensor_row(dx, c, row);
            for (int k = 0; k < dy->columns; k++) {
                to[2 * k] += 0.25f * g[k];
                to[2 * k + 1] += 0.25f * g[k];
            }
        }
}

/* Rows of a band whose product (4 out x band pixels) stays within the second-level cache. */
static int up_band(const tensor *x, int out) {
    size_t rows = (size_t)64 * 1024 / ((size_t)4 * out * x->ld);
    rows = rows < 1 ? 1 : rows;
    return rows > (size_t)x->rows ? x->rows : (int)rows;
}

size_t up_conv_scratch(const tensor *x, int out) {
    return (size_t)4 * out * up_band(x, out) * x->ld;
}

/* A band of `rows` input rows is the product matrix g: its row (o, a, b), `width` floats, holds what the band
 * gives to pixels (a, b) of each 2x2 in plane o. This is where row q of the plane, counted from the band's
 * first, has its even pixels; the odd ones are `width` further. */
static size_t up_place(int o, int q, size_t width, int rows) {
    return ((size_t)o * 4 + q % 2 * 2) * width + q / 2 * (width / rows);
}

static void up_scatter(const float *g, size_t width, int row, int rows, const float *bias, int relu,
                       const tensor *y) {
    for (int o = 0; o < y->channels; o++)
        for (int q = 0; q < 2 * rows; q++) {
            const float *even = g + up_place(o, q, width, rows), *odd = even + width;
            float *to = tensor_row(y, o, 2 * row + q), b = bias ? bias[o] : 0.0f;
            for (int k = 0; k < y->columns / 2; k++) {
                float left = even[k] + b, right = odd[k] + b;
                to[2 * k] = relu && left < 0.0f ? 0.0f : left;
                to[2 * k + 1] = relu && right < 0.0f ? 0.0f : right;
            }
        }
}

static void up_gather(const tensor *dy, int row, int rows, float *g, size_t width) {
    memset(g, 0, (size_t)dy->channels * 4 * width * sizeof(float));
    for (int o = 0; o < dy->channels; o++)
        for (int q = 0; q < 2 * rows; q++) {
            float *even = g + up_place(o, q, width, rows), *odd = even + width;
            const float *from = tensor_row(dy, o, 2 * row + q);
            for (int k = 0; k < dy->columns / 2; k++) {
                even[k] = from[2 * k];
                odd[k] = from[2 * k + 1];
            }
        }
}

void up_conv_forward(const tensor *x, const float *w, const float *bias, int relu, const tensor *y,
                     float *scratch) {
    int out = y->channels, band = up_band(x, out);
    for (int row = 0; row < x->rows; row += band) {
        int rows = x->rows - row < band ? x->rows - row : band;
        size_t width = (size_t)rows * x->ld;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, 4 * out, (blasint)width, x->channels, 1.0f, w,
                    4 * out, tensor_row(x, 0, row), (blasint)x->plane, 0.0f, scratch, (blasint)width);
        up_scatter(scratch, width, row, rows, bias, relu, y);
    }
}

void up_conv_backward(const tensor *x, const float *w, const tensor *dy, const tensor *dx, float *dw,
                      float *scratch) {
    int out = dy->channels, band = up_band(x, out);
    for (int row = 0; row < x->rows; row += band) {
        int rows = x->rows - row < band ? x->rows - row : band;
        size_t width = (size_t)rows * x->ld;
        up_gather(dy, row, rows, scratch, width);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, x->channels, 4 * out, (blasint)width, 1.0f,
                    tensor_row(x, 0, row), (blasint)x->plane, scratch, (blasint)width, 1.0f, dw, 4 * out);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, x->channels, (blasint)width, 4 * out, 1.0f, w,
                    4 * out, scratch, (blasint)width, 0.0f, tensor_row(dx, 0, row), (blasint)x->plane);
    }
}

void conv1_forward(const tensor *x, const float *w, const float *bias, const tensor *y) {
    for (int o = 0; o < y->channels; o++)
        for (int row = 0; row < y->rows; row++) {
            float *to = tensor_row(y, o, row);
            for (int k = 0; k < y->columns; k++)
                to[k] = bias[o];
            for (int i = 0; i < x->channels; i++)
                cblas_saxpy(y->columns, w[o * x->channels + i], tensor_row(x, i, row), 1, to, 1);
        }
}

void conv1_backward(const tensor *x, const float *w, const tensor *dy, const tensor *dx, float *dw) {
    for (int i = 0; i < x->channels; i++)
        for (int row = 0; row < x->rows; row++) {
            float *to = tensor_row(dx, i, row);
            memset(to, 0, (size_t)x->columns * sizeof(float));
            for (int o = 0; o < dy->channels; o++) {
                const float *g = tensor_row(dy, o, row);
                cblas_saxpy(x->columns, w[o * x->channels + i], g, 1, to, 1);
                dw[o * x->channels + i] += cblas_sdot(x->columns, g, 1, tensor_row(x, i, row), 1);
            }
        }
}

void dropout_forward(const tensor *x, double p, gsl_rng *rng, const tensor *y, unsigned char *mask) {
    /* 16 random bits a pixel: the probability is met to 1/65536, at half the draws. */
    unsigned threshold = (unsigned)lrint(p * 65536.0);
    unsigned char *to = mask;
    for (int row = 0; row < x->channels * x->rows; row++) {
        unsigned long bits = 0;
        for (int k = 0; k < x->columns; k++, bits >>= 16) {
            if (k % 2 == 0)
                bits = gsl_rng_get(rng);
            *to++ = (bits & 0xffff) >= threshold;
        }
    }
    dropout_backward(mask, p, x, y);
}

void dropout_backward(const unsigned char *mask, double p, const tensor *dy, const tensor *dx) {
    float keep = (float)(1.0 / (1.0 - p));
    for (int c = 0; c < dy->channels; c++)
        for (int row = 0; row < dy->rows; row++, mask += dy->columns) {
            const float *from = tensor_row(dy, c, row);
            float *to = tensor_row(dx, c, row);
            for (int k = 0; k < dy->columns; k++)
                to[k] = mask[k] ? from[k] * keep : 0.0f;
        }
}

void concat_forward(const tensor *a, const tensor *b, const tensor *y) {
    size_t split = (size_t)a->channels * a->plane;
    memcpy(y->data, a->data, split * sizeof(float));
    memcpy(y->data + split, b->data, (size_t)b->channels * b->plane * sizeof(float));
}

void concat_backward(const tensor *dy, const tensor *da, const tensor *db) {
    size_t split = (size_t)da->channels * da->plane;
    memcpy(da->data, dy->data, split * sizeof(float));
    memcpy(db->data, dy->data + split, (size_t)db->channels * db->plane * sizeof(float));
}

#define STANDARDIZE_EPS 1e-5

static void filter_moments(const float *w, int taps, double *mean, double *std) {
    double sum = 0.0, square = 0.0;
    for (int k = 0; k < taps; k++)
        sum += (double)w[k];
    *mean = sum / taps;
    for (int k = 0; k < taps; k++)
        square += ((double)w[k] - *mean) * ((double)w[k] - *mean);
    *std = sqrt(square / (taps - 1));
}

void weight_standardize(const float *w, int filters, int taps, float *v) {
    for (int f = 0; f < filters; f++, w += taps, v += taps) {
        double mean, std;
        filter_moments(w, taps, &mean, &std);
        for (int k = 0; k < taps; k++)
            v[k] = (float)(((double)w[k] - mean) / (std + STANDARDIZE_EPS));
    }
}

/* With c = w - mean, s = std, e = s + eps: dw = (dv - mean(dv)) / e - c (dv . c) / (e^2 s (N - 1)). */
void weight_standardize_backward(const float *w, int filters, int taps, const float *dv, float *dw) {
    for (int f = 0; f < filters; f++, w += taps, dv += taps, dw += taps) {
        double mean, std, sum = 0.0, dot = 0.0;
        filter_moments(w, taps, &mean, &std);
        for (int k = 0; k < taps; k++) {
            sum += (double)dv[k];
            dot += (double)dv[k] * ((double)w[k] - mean);
        }
        double e = std + STANDARDIZE_EPS, slope = std > 0.0 ? dot / (e * e * std * (taps - 1)) : 0.0;
        for (int k = 0; k < taps; k++)
            dw[k] = (float)(((double)dv[k] - sum / taps) / e - ((double)w[k] - mean) * slope);
    }
}
