#include "mri/sampling.h"

#include "core/error.h"
#include "core/memory.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int sampling_random_columns(int columns, double acceleration, double center_fraction, gsl_rng *rng,
                            unsigned char *mask) {
    if (columns < 1)
        return err_set("sampling: %d columns", columns);
    if (!(acceleration >= 1.0) || !isfinite(acceleration))
        return err_set("sampling: acceleration %g, expected 1 or more", acceleration);
    if (!(center_fraction >= 0.0 && center_fraction <= 1.0))
        return err_set("sampling: centre fraction %g, expected 0 to 1", center_fraction);
    const int centre = (int)rint(columns * center_fraction), first = (columns - centre + 1) / 2;
    const double wanted = columns / acceleration;
    if (centre > wanted)
        return err_set("sampling: a centre of %d columns, but acceleration %g of %d columns keeps only %g",
                       centre, acceleration, columns, wanted);
    const double probability = centre < columns ? (wanted - centre) / (columns - centre) : 1.0;
    for (int c = 0; c < columns; c++) {
        const int kept = gsl_rng_uniform(rng) < probability;
        mask[c] = kept || (c >= first && c < first + centre);
    }
    return 0;
}

/* ---------------------------------------------------------------- Poisson disc */

#define CENTRE_DISTANCE 0.25
#define MAX_STEPS 40
#define STEP_TOLERANCE 1e-3

typedef struct {
    int rows, columns;
    int first_row, end_row, first_column, end_column; /* calibration region */
    float *distance;                                  /* [rows][columns], d of the header */
    float *radius;                                    /* [rows][columns] */
    float *down, *across;                             /* [rows][columns], the point in each pixel */
    int *order;                                       /* [rows * columns], positions as they are visited */
    unsigned char *state, *best;                      /* [rows][columns] */
} disc;

static int disc_allocate(disc *d) {
    const size_t n = (size_t)d->rows * d->columns;
    d->distance = mem_alloc(4 * n * sizeof *d->distance);
    d->order = mem_alloc(n * sizeof *d->order);
    d->state = mem_alloc(2 * n);
    if (!d->distance || !d->order || !d->state)
        return -1;
    d->radius = d->distance + n;
    d->down = d->radius + n;
    d->across = d->down + n;
    d->best = d->state + n;
    return 0;
}

static void disc_release(disc *d) {
    free(d->distance);
    free(d->order);
    free(d->state);
}

static double axis_distance(int position, int n, int calibration) {
    const double largest = fmax(n / 2 - calibration / 2.0, 0.0);
    const double e = fmax(abs(position - n / 2) - calibration / 2.0, 0.0);
    return largest > 0.0 ? e / largest : 0.0;
}

static int in_calibration(const disc *d, int r, int c) {
    return r >= d->first_row && r < d->end_row && c >= d->first_column && c < d->end_column;
}

static void disc_prepare(disc *d, const sampling_poisson_settings *s, gsl_rng *rng) {
    const int n = d->rows * d->columns;
    for (int k = 0; k < n; k++) {
        const int r = k / d->columns, c = k % d->columns;
        d->distance[k] = (float)hypot(axis_distance(r, d->rows, s->calibration_rows),
                                      axis_distance(c, d->columns, s->calibration_columns));
        d->down[k] = (float)(r + gsl_rng_uniform(rng));
        d->across[k] = (float)(c + gsl_rng_uniform(rng));
        d->order[k] = k;
    }
    for (int k = n - 1; k > 0; k--) {
        const int other = (int)gsl_rng_uniform_int(rng, (unsigned long)k + 1), keep = d->order[k];
        d->order[k] = d->order[other];
        d->order[other] = keep;
    }
}

enum { OPEN, KEPT, FORBIDDEN }; /* states of a pixel */

/* Forbids the pixels whose point is closer to that of the kept pixel `at` than the smaller of the two radii. */
static void forbid_around(disc *d, int at) {
    const int r = at / d->columns, c = at % d->columns;
    const float own = d->radius[at];
    const int reach = (int)fminf(own, (float)(d->rows + d->columns)) + 1;
    const int r0 = r - reach < 0 ? 0 : r - reach, r1 = r + reach >= d->rows ? d->rows - 1 : r + reach;
    const int c0 = c - reach < 0 ? 0 : c - reach, c1 = c + reach >= d->columns ? d->columns - 1 : c + reach;
    for (int y = r0; y <= r1; y++)
        for (int k = y * d->columns + c0; k <= y * d->columns + c1; k++) {
            const float limit = fminf(own, d->radius[k]);
            const float dy = d->down[k] - d->down[at], dx = d->across[k] - d->across[at];
            if (d->state[k] == OPEN && dy * dy + dx * dx < limit * limit)
                d->state[k] = FORBIDDEN;
        }
}

/* The mask of this slope; returns how many samples it keeps. */
static int disc_fill(disc *d, double slope) {
    const int n = d->rows * d->columns;
    int kept = 0;
    for (int k = 0; k < n; k++) {
        const int inside = in_calibration(d, k / d->columns, k % d->columns);
        d->radius[k] = (float)(slope * (CENTRE_DISTANCE + (double)d->distance[k]));
        d->state[k] = inside ? KEPT : d->distance[k] >= 1.0f ? FORBIDDEN : OPEN;
        kept += inside;
    }
    for (int k = 0; k < n; k++)
        if (d->state[k] == KEPT)
            forbid_around(d, k);
    for (int k = 0; k < n; k++) {
        const int at = d->order[k];
        if (d->state[at] != OPEN)
            continue;
        d->state[at] = KEPT;
        kept++;
        forbid_around(d, at);
    }
    return kept;
}

/* Leaves the closest mask in d->best; returns its relative deviation. */
static double disc_search(disc *d, double acceleration) {
    const int n = d->rows * d->columns;
    const double wanted = n / acceleration;
    double low = 0.0, high = INFINITY, slope = 1.0, closest = INFINITY;
    for (int k = 0; k < MAX_STEPS && closest > STEP_TOLERANCE; k++) {
        const int kept = disc_fill(d, slope);
        const double deviation = fabs(wanted / kept - 1.0);
        if (deviation < closest) {
            closest = deviation;
            for (int i = 0; i < n; i++)
                d->best[i] = d->state[i] == KEPT;
        }
        if (kept > wanted)
            low = slope;
        else
            high = slope;
        slope = isfinite(high) ? 0.5 * (low + high) : 2.0 * low;
    }
    return closest;
}

static int poisson_check(int rows, int columns, const sampling_poisson_settings *s) {
    if (rows < 1 || columns < 1 || rows > INT_MAX / columns)
        return err_set("sampling: a Poisson disc of %d x %d samples", rows, columns);
    if (!(s->acceleration > 1.0) || !isfinite(s->acceleration))
        return err_set("sampling: acceleration %g, expected more than 1", s->acceleration);
    if (s->calibration_rows < 0 || s->calibration_rows > rows || s->calibration_columns < 0 ||
        s->calibration_columns > columns)
        return err_set("sampling: a calibration region of %d x %d in k-space of %d x %d", s->calibration_rows,
                       s->calibration_columns, rows, columns);
    const double wanted = rows * (double)columns / s->acceleration;
    if (s->calibration_rows * (double)s->calibration_columns > wanted)
        return err_set(
            "sampling: a calibration region of %d x %d, but acceleration %g of %d x %d keeps only %g",
            s->calibration_rows, s->calibration_columns, s->acceleration, rows, columns, wanted);
    return 0;
}

int sampling_poisson(int rows, int columns, const sampling_poisson_settings *settings, gsl_rng *rng,
                     unsigned char *mask) {
    if (poisson_check(rows, columns, settings))
        return -1;
    disc d = {.rows = rows, .columns = columns};
    d.first_row = rows / 2 - settings->calibration_rows / 2;
    d.first_column = columns / 2 - settings->calibration_columns / 2;
    d.end_row = d.first_row + settings->calibration_rows;
    d.end_column = d.first_column + settings->calibration_columns;
    int status = disc_allocate(&d);
    if (status == 0) {
        disc_prepare(&d, settings, rng);
        const double deviation = disc_search(&d, settings->acceleration);
        if (deviation <= SAMPLING_POISSON_TOLERANCE)
            memcpy(mask, d.best, (size_t)rows * columns);
        else
            status =
                err_set("sampling: no Poisson disc of %d x %d comes closer to acceleration %g than %.1f %%",
                        rows, columns, settings->acceleration, 100.0 * deviation);
    }
    disc_release(&d);
    return status;
}

/* ---------------------------------------------------------------- either */

int sampling_draw(const sampling_settings *s, int rows, int columns, gsl_rng *rng, unsigned char *mask) {
    if (s->kind == SAMPLING_POISSON) {
        const sampling_poisson_settings poisson = {s->acceleration, (int)lrint(rows * s->center_fraction),
                                                   (int)lrint(columns * s->center_fraction)};
        return sampling_poisson(rows, columns, &poisson, rng, mask);
    }
    if (sampling_random_columns(columns, s->acceleration, s->center_fraction, rng, mask) < 0)
        return -1;
    for (int row = 1; row < rows; row++)
        memcpy(mask + (size_t)row * columns, mask, (size_t)columns);
    return 0;
}
