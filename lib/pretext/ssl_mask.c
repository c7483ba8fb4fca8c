#include "pretext/ssl_mask.h"

#include "core/error.h"
#include "core/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    double y, x, r;
    int next; /* the next dart of the same cell, -1 at the end */
} dart;

/* Accepted darts, in square cells of the largest radius: neighbours are in the 3 x 3 cells around. */
typedef struct {
    int across, down, capacity, count;
    double cell;
    dart *at;  /* [capacity] */
    int *head; /* [across * down] */
} darts;

static void darts_free(darts *d) {
    free(d->at);
    free(d->head);
}

static int darts_init(darts *d, int rows, int columns, double cell, int capacity) {
    *d = (darts){.cell = cell, .capacity = capacity};
    d->across = (int)(columns / cell) + 1;
    d->down = (int)(rows / cell) + 1;
    size_t cells = (size_t)d->across * d->down;
    d->at = mem_alloc((size_t)capacity * sizeof *d->at);
    d->head = mem_alloc(cells * sizeof *d->head);
    if (!d->at || !d->head)
        return -1;
    memset(d->head, 0xff, cells * sizeof *d->head);
    return 0;
}

/* Radii of accepted darts count at the present scale: they shrink with it. */
static int darts_fits(const darts *d, double y, double x, double r, double scale) {
    int row = (int)(y / d->cell), column = (int)(x / d->cell);
    for (int j = row - 1; j <= row + 1; j++)
        for (int i = column - 1; i <= column + 1; i++) {
            if (j < 0 || i < 0 || j >= d->down || i >= d->across)
                continue;
            for (int k = d->head[j * d->across + i]; k >= 0; k = d->at[k].next) {
                const dart *o = &d->at[k];
                double least = scale * (r < o->r ? r : o->r);
                if ((y - o->y) * (y - o->y) + (x - o->x) * (x - o->x) < least * least)
                    return 0;
            }
        }
    return 1;
}

static void darts_add(darts *d, double y, double x, double r) {
    int *head = &d->head[(int)(y / d->cell) * d->across + (int)(x / d->cell)];
    d->at[d->count] = (dart){y, x, r, *head};
    *head = d->count++;
}

static int new_pixels(const unsigned char *mask, int columns, int top, int left, int patch) {
    int count = 0;
    for (int y = top; y < top + patch; y++)
        for (int x = left; x < left + patch; x++)
            count += !mask[(size_t)y * columns + (size_t)x];
    return count;
}

/* Throws until the coverage is met; -1 when no dart that keeps within the tolerance can be found. */
static int throw_darts(darts *d, const ssl_mask_config *c, int rows, int columns, double scale, gsl_rng *rng,
                       unsigned char *mask) {
    double pixels = (double)rows * columns, half = (c->patch - 1) / 2.0;
    long covered = 0, most = (long)floor(pixels * (c->coverage + SSL_MASK_TOLERANCE));
    long wanted = lrint(pixels * c->coverage),
         least = (long)ceil(pixels * (c->coverage - SSL_MASK_TOLERANCE));
    long enough = wanted - c->patch * c->patch / 2;
    enough = enough < least ? least : enough;
    double diagonal = 0.5 * sqrt((double)rows * rows + (double)columns * columns);
    for (int missed = 0, shrunk = 0; covered < enough; missed++) {
        if (missed == 400) {
            if (++shrunk > 60)
                return -1;
            scale *= 0.92;
            missed = 0;
        }
        int top = (int)gsl_rng_uniform_int(rng, (unsigned long)(rows - c->patch + 1));
        int left = (int)gsl_rng_uniform_int(rng, (unsigned long)(columns - c->patch + 1));
        double y = top + half, x = left + half;
        double r = 0.7 + 0.6 * hypot(y - (rows - 1) / 2.0, x - (columns - 1) / 2.0) / diagonal;
        if (d->count == d->capacity || !darts_fits(d, y, x, r, scale))
            continue;
        int fresh = new_pixels(mask, columns, top, left, c->patch);
        if (fresh == 0 || covered + fresh > most)
            continue;
        for (int row = top; row < top + c->patch; row++)
            memset(mask + (size_t)row * columns + left, 1, (size_t)c->patch);
        darts_add(d, y, x, r);
        covered += fresh;
        missed = 0;
    }
    return 0;
}

int ssl_mask_draw(const ssl_mask_config *c, int rows, int columns, gsl_rng *rng, unsigned char *mask) {
    if (c->patch < 1 || c->patch > rows || c->patch > columns)
        return err_set("patch of %d pixels does not fit into an image of %d x %d", c->patch, rows, columns);
    if (!(c->coverage > 0.0 && c->coverage < 1.0))
        return err_set("coverage is %g, expected more than 0 and less than 1", c->coverage);
    double area = (double)rows * columns, wanted = c->coverage * area / ((double)c->patch * c->patch);
    double scale = sqrt(0.7 * area / (wanted > 1.0 ? wanted : 1.0));
    darts d;
    memset(mask, 0, (size_t)rows * columns);
    int status = darts_init(&d, rows, columns, 1.3 * scale, (int)(8.0 * wanted) + 64);
    if (status == 0 && (status = throw_darts(&d, c, rows, columns, scale, rng, mask)) < 0)
        err_set("patches of %d pixels cannot cover %g of an image of %d x %d to within %g", c->patch,
                c->coverage, rows, columns, SSL_MASK_TOLERANCE);
    darts_free(&d);
    return status;
}

void ssl_mask_apply(const unsigned char *mask, const float *image, int pixels, float *out) {
    for (int k = 0; k < pixels; k++)
        out[k] = mask[k] ? 0.0f : image[k];
}

/* Of the visible pixels of a rectangle. */
typedef struct {
    double sum, count;
} total;

/* Summed-area table: at [y][x] the total of the rows above y and the columns left of x. */
static total *area_table(const unsigned char *mask, const float *image, int rows, int columns) {
    ptrdiff_t w = columns + 1;
    total *table = mem_calloc((size_t)w * (rows + 1), sizeof *table);
    if (!table)
        return NULL;
    total *t = table + w + 1;
    for (int y = 0; y < rows; y++, t++)
        for (int x = 0; x < columns; x++, t++, mask++, image++) {
            t->sum = (*mask ? 0.0 : (double)*image) + t[-1].sum + t[-w].sum - t[-w - 1].sum;
            t->count = (*mask ? 0.0 : 1.0) + t[-1].count + t[-w].count - t[-w - 1].count;
        }
    return table;
}

/* Of the square of half-width h around a pixel, as far as it lies in the image. */
static total area_total(const total *table, int rows, int columns, int y, int x, int h) {
    size_t w = (size_t)columns + 1;
    const total *top = table + (y - h > 0 ? y - h : 0) * w,
                *bottom = table + (y + h < rows ? y + h + 1 : rows) * w;
    int left = x - h > 0 ? x - h : 0, right = x + h < columns ? x + h + 1 : columns;
    return (total){bottom[right].sum - top[right].sum - bottom[left].sum + top[left].sum,
                   bottom[right].count - top[right].count - bottom[left].count + top[left].count};
}

int ssl_mask_fill_local_mean(const unsigned char *mask, const float *image, int rows, int columns, int reach,
                             float *out) {
    total *table = area_table(mask, image, rows, columns);
    if (!table)
        return -1;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++, mask++, image++, out++) {
            total t = {0.0, 0.0};
            for (int h = reach; *mask && t.count < 0.5 && h <= 2 * (rows + columns); h *= 2)
                t = area_total(table, rows, columns, y, x, h);
            *out = *mask ? (float)(t.count > 0.5 ? t.sum / t.count : 0.0) : *image;
        }
    free(table);
    return 0;
}

double ssl_mask_mse(const unsigned char *mask, const float *a, const float *b, int pixels) {
    double sum = 0.0;
    long count = 0;
    for (int k = 0; k < pixels; k++) {
        double e = (double)a[k] - (double)b[k];
        int counts = !mask || mask[k];
        sum += counts ? e * e : 0.0;
        count += counts;
    }
    return sum / (double)count;
}
