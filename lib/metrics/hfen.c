/* High-frequency error norm (Ravishankar & Bresler, IEEE TMI 30:1028, 2011): the error in edges and fine detail,
 *   HFEN = || LoG(x) - LoG(y) ||_2 / || LoG(x) ||_2,   x the reference,
 * LoG the 15x15 rotationally symmetric Laplacian of Gaussian with sigma 1.5, as MATLAB's fspecial('log', 15, 1.5)
 * has it (its coefficients add up to 0), on images with zeros around them. As the filter is linear, only x and
 * x - y are filtered. */
#include "core/clones.h"
#include "core/error.h"
#include "core/memory.h"
#include "metrics/metric.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 15
#define HALF (SIZE / 2)
#define SIGMA 1.5

/* With the Gaussian g, sum 1, and a(k) = g(k) (k^2 - sigma^2) / sigma^4, the filter is
 *   a(row) g(column) + g(row) a(column) - mean. */
typedef struct {
    int rows, columns;
    float g[SIZE], a[SIZE], mean;
    float *image; /* [rows][columns], x or x - y */
    float *by_g, *by_a,
        *plain;         /* [columns + 2 HALF]: sums down the columns by g, by a and without weights; zeros at
                                  * both ends */
    float *out, *zeros; /* a filtered row; a row outside of the image */
    double reference;   /* || LoG(x) ||_2 */
} workspace;

static void make_filter(workspace *w) {
    double g[SIZE], sum = 0.0, total = 0.0;
    for (int k = 0; k < SIZE; k++)
        sum += g[k] = exp(-0.5 * (k - HALF) * (k - HALF) / (SIGMA * SIGMA));
    for (int k = 0; k < SIZE; k++) {
        double a = g[k] / sum * ((k - HALF) * (k - HALF) - SIGMA * SIGMA) / pow(SIGMA, 4);
        w->g[k] = (float)(g[k] / sum);
        w->a[k] = (float)a;
        total += 2.0 * a; /* the other factor of each product adds up to 1 */
    }
    w->mean = (float)(total / (SIZE * SIZE));
}

static void workspace_free(void *given) {
    workspace *w = given;
    free(w->image);
    free(w->by_g);
    free(w);
}

static void *create(const void *shared, int rows, int columns) {
    (void)shared;
    workspace *w = mem_calloc(1, sizeof *w);
    if (!w)
        return NULL;
    size_t padded = (size_t)columns + 2 * HALF;
    w->rows = rows;
    w->columns = columns;
    w->image = mem_alloc((size_t)rows * columns * sizeof(float));
    w->by_g = mem_calloc(5 * padded, sizeof(float));
    if (!w->image || !w->by_g) {
        workspace_free(w);
        return NULL;
    }
    w->by_a = w->by_g + padded;
    w->plain = w->by_a + padded;
    w->out = w->plain + padded;
    w->zeros = w->out + padded;
    make_filter(w);
    return w;
}

/* The filter is symmetric: rows and columns at the same distance from its middle are added up first. */
CLONES static void sum_down(const float *const rows[SIZE], int n, const workspace *w, float *restrict by_g,
                            float *restrict by_a, float *restrict plain) {
    for (int c = 0; c < n; c++) {
        float middle = rows[HALF][c], g = w->g[HALF] * middle, a = w->a[HALF] * middle;
        for (int k = 0; k < HALF; k++) {
            float pair = rows[k][c] + rows[SIZE - 1 - k][c];
            g += w->g[k] * pair;
            a += w->a[k] * pair;
            middle += pair;
        }
        by_g[c] = g;
        by_a[c] = a;
        plain[c] = middle;
    }
}

CLONES static void sum_along(const float *restrict by_g, const float *restrict by_a,
                             const float *restrict plain, int n, const workspace *w, float *restrict out) {
    for (int c = 0; c < n; c++) {
        float box = plain[c + HALF], sum = w->g[HALF] * by_a[c + HALF] + w->a[HALF] * by_g[c + HALF];
        for (int k = 0; k < HALF; k++) {
            int other = SIZE - 1 - k;
            sum += w->g[k] * (by_a[c + k] + by_a[c + other]) + w->a[k] * (by_g[c + k] + by_g[c + other]);
            box += plain[c + k] + plain[c + other];
        }
        out[c] = sum - w->mean * box;
    }
}

/* || LoG(image) ||_2 of the image in the workspace. */
static double filtered_norm(const workspace *w) {
    double sum = 0.0;
    for (int r = 0; r < w->rows; r++) {
        const float *rows[SIZE];
        for (int k = 0; k < SIZE; k++) {
            int from = r + k - HALF;
            rows[k] = from >= 0 && from < w->rows ? w->image + (size_t)from * w->columns : w->zeros;
        }
        sum_down(rows, w->columns, w, w->by_g + HALF, w->by_a + HALF, w->plain + HALF);
        sum_along(w->by_g, w->by_a, w->plain, w->columns, w, w->out);
        for (int c = 0; c < w->columns; c++)
            sum += (double)w->out[c] * w->out[c];
    }
    return sqrt(sum);
}

static int set_reference(void *given, const metric_reference *r) {
    workspace *w = given;
    memcpy(w->image, r->image.pixels, (size_t)w->rows * w->columns * sizeof(float));
    w->reference = filtered_norm(w);
    return w->reference > 0.0 ? 0
                              : err_set("the reference has no detail: its filtered image is 0 everywhere");
}

static int score(void *given, const metric_reference *r, const float *compared, double *values) {
    workspace *w = given;
    if (image_check_pair(r->image.pixels, compared, w->rows, w->columns) < 0)
        return -1;
    for (size_t k = 0; k < (size_t)w->rows * w->columns; k++)
        w->image[k] = r->image.pixels[k] - compared[k];
    values[0] = filtered_norm(w) / w->reference;
    return 0;
}

static const metric_method method = {.values = 1,
                                     .workspace = create,
                                     .workspace_free = workspace_free,
                                     .reference = set_reference,
                                     .score = score};

const metric metric_hfen = {
    .key = "hfen",
    .title = "HFEN",
    .help = "high-frequency error norm: relative error after a Laplacian of Gaussian",
    .about = "15x15 Laplacian of Gaussian, sigma 1.5, zeros around the image",
    .direction = METRIC_LOWER_IS_BETTER,
    .roles = METRIC_ALWAYS,
    .style = 6,
    .method = &method,
};
