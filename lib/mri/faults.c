#include "mri/faults.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort_float.h>
#include <gsl/gsl_statistics_float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FAULT_KINDS] = {"motion", "lost_coil", "low_snr", "spikes"};

const char *fault_name(fault_kind kind) {
    return names[kind];
}

int fault_choose(uint64_t seed, double share, int scans, int *kind) {
    int wanted = (int)lrint(share * scans), dealt = 0;
    if (wanted > 0 && rng_choose(seed, RNG_FAULT, 0, 0, scans, wanted, kind) < 0)
        return -1;
    for (int k = 0; k < scans; k++)
        kind[k] = wanted > 0 && kind[k] ? dealt++ % FAULT_KINDS : FAULT_NONE;
    return 0;
}

/* ---------------------------------------------------------------- how bad it is */

static double between(gsl_rng *rng, double low, double high) {
    return low + (high - low) * gsl_rng_uniform(rng);
}

static double between_log(gsl_rng *rng, double low, double high) {
    return low * pow(high / low, gsl_rng_uniform(rng));
}

static int whole_between(gsl_rng *rng, int low, int high) {
    return low + (int)gsl_rng_uniform_int(rng, (unsigned long)(high - low + 1));
}

static void draw_motion(scan_fault *f, gsl_rng *rng, int columns) {
    double length = between(rng, 0.005, 0.03) * columns, angle = between(rng, 0.0, 2.0 * M_PI);
    double share = between(rng, 0.15, 0.45);
    f->shift[0] = length * sin(angle);
    f->shift[1] = length * cos(angle);
    f->begin = between(rng, 0.0, 1.0 - share);
    f->end = f->begin + share;
    snprintf(f->about, sizeof f->about,
             "displaced by %.1f rows and %.1f columns from %.0f %% to %.0f %% of the acquisition",
             f->shift[0], f->shift[1], 100.0 * f->begin, 100.0 * f->end);
}

static void draw_lost_coil(scan_fault *f, gsl_rng *rng, int coils) {
    f->coils_lost = whole_between(rng, 1, coils < 8 ? 1 : coils / 4);
    f->first_coil = whole_between(rng, 0, coils - 1);
    snprintf(f->about, sizeof f->about, "%d of %d coil elements lost, from number %d on", f->coils_lost,
             coils, f->first_coil);
}

static void draw_low_snr(scan_fault *f, gsl_rng *rng) {
    f->noise = between_log(rng, 3.0, 16.0);
    snprintf(f->about, sizeof f->about, "%.1f times the noise of the scan", f->noise);
}

static void draw_spikes(scan_fault *f, gsl_rng *rng) {
    f->spikes = whole_between(rng, 1, 4);
    f->height = between_log(rng, 0.1, 2.0);
    snprintf(f->about, sizeof f->about, "%d spike%s of up to %.2f times the largest sample in each slice",
             f->spikes, f->spikes > 1 ? "s" : "", f->height);
}

int fault_draw(fault_kind kind, uint64_t seed, const char *scan_id, int coils, int columns, scan_fault *out) {
    *out = (scan_fault){.kind = kind, .seed = seed, .scan = rng_hash(scan_id)};
    gsl_rng *rng = rng_stream(seed, RNG_FAULT, out->scan, 0);
    if (!rng)
        return -1;
    switch (kind) {
    case FAULT_MOTION:
        draw_motion(out, rng, columns);
        break;
    case FAULT_LOST_COIL:
        draw_lost_coil(out, rng, coils);
        break;
    case FAULT_LOW_SNR:
        draw_low_snr(out, rng);
        break;
    default:
        draw_spikes(out, rng);
    }
    gsl_rng_free(rng);
    return 0;
}

/* ---------------------------------------------------------------- what it does */

typedef struct {
    const scan_fault *f;
    const unsigned char *mask;
    int coils, rows, columns;
    float complex *kspace;
    gsl_rng *rng;
} acquired;

static float complex *sample(const acquired *a, int coil, int row, int column) {
    return a->kspace + ((size_t)coil * a->rows + row) * a->columns + column;
}

static int is_line(const acquired *a, int column) {
    for (int row = 0; row < a->rows; row++)
        if (a->mask[row * a->columns + column])
            return 1;
    return 0;
}

static void displace_line(const acquired *a, int column) {
    const double *shift = a->f->shift;
    for (int row = 0; row < a->rows; row++) {
        double turns =
            (row - a->rows / 2) * shift[0] / a->rows + (column - a->columns / 2) * shift[1] / a->columns;
        float complex factor = (float complex)cexp(-2.0 * I * M_PI * turns);
        for (int coil = 0; coil < a->coils; coil++)
            *sample(a, coil, row, column) *= factor;
    }
}

static int apply_motion(const acquired *a) {
    int lines = 0, line = 0;
    for (int column = 0; column < a->columns; column++)
        lines += is_line(a, column);
    long first = lrint(a->f->begin * lines), end = lrint(a->f->end * lines);
    for (int column = 0; column < a->columns; column++)
        if (is_line(a, column)) {
            if (line >= first && line < end)
                displace_line(a, column);
            line++;
        }
    return 0;
}

static int apply_lost_coil(const acquired *a) {
    for (int k = 0; k < a->f->coils_lost; k++)
        memset(sample(a, (a->f->first_coil + k) % a->coils, 0, 0), 0,
               (size_t)a->rows * a->columns * sizeof *a->kspace);
    return 0;
}

/* Standard deviation in one coil, from the samples far from the centre; negative on failure. work:
 * [rows * columns]. */
static double measure_noise(const acquired *a, int coil, float *work) {
    int edge = (a->rows + 19) / 20, count = 0;
    for (int row = 0; row < a->rows; row++)
        for (int column = 0; (row < edge || row >= a->rows - edge) && column < a->columns; column++) {
            float magnitude = cabsf(*sample(a, coil, row, column));
            if (a->mask[row * a->columns + column] && magnitude > 0.0f)
                work[count++] = magnitude;
        }
    if (count == 0)
        return err_set("low_snr: coil %d has no sample in the outer rows of k-space to measure the noise on",
                       coil);
    gsl_sort_float(work, 1, (size_t)count);
    return gsl_stats_float_median_from_sorted_data(work, 1, (size_t)count) / sqrt(2.0 * M_LN2);
}

static int apply_low_snr(const acquired *a) {
    float *work = mem_alloc((size_t)a->rows * a->columns * sizeof *work);
    int status = work ? 0 : -1;
    for (int coil = 0; status == 0 && coil < a->coils; coil++) {
        double sigma = measure_noise(a, coil, work) * sqrt(a->f->noise * a->f->noise - 1.0);
        float complex *kspace = sample(a, coil, 0, 0);
        status = sigma < 0.0 ? -1 : 0;
        for (int p = 0; status == 0 && p < a->rows * a->columns; p++)
            if (a->mask[p]) {
                double re = gsl_ran_gaussian_ziggurat(a->rng, sigma);
                kspace[p] += (float complex)(re + I * gsl_ran_gaussian_ziggurat(a->rng, sigma));
            }
    }
    free(work);
    return status;
}

/* Where the wanted-th (from 0) kept sample lies. */
static int kept_sample(const acquired *a, int wanted) {
    int p = 0;
    while (!a->mask[p] || wanted-- > 0)
        p++;
    return p;
}

static int apply_spikes(const acquired *a) {
    int pixels = a->rows * a->columns, kept = 0;
    float largest = 0.0f;
    for (int p = 0; p < pixels; p++)
        kept += a->mask[p] != 0;
    for (size_t k = 0; k < (size_t)a->coils * pixels; k++)
        largest = fmaxf(largest, cabsf(a->kspace[k]));
    for (int k = 0; k < a->f->spikes; k++) {
        int p = kept_sample(a, (int)gsl_rng_uniform_int(a->rng, (unsigned long)kept));
        for (int coil = 0; coil < a->coils; coil++) {
            double height = a->f->height * (double)largest * between(a->rng, 0.5, 1.0);
            sample(a, coil, 0, 0)[p] += (float complex)(height * cexp(I * between(a->rng, 0.0, 2.0 * M_PI)));
        }
    }
    return 0;
}

int fault_apply(const scan_fault *f, int slice, const unsigned char *mask, int coils, int rows, int columns,
                float complex *kspace) {
    static int (*const apply[FAULT_KINDS])(const acquired *) = {apply_motion, apply_lost_coil, apply_low_snr,
                                                                apply_spikes};
    int p = 0;
    while (p < rows * columns && !mask[p])
        p++;
    if (p == rows * columns)
        return err_set("%s: the mask keeps no sample", names[f->kind]);
    acquired a = {f, mask, coils, rows, columns, kspace, NULL};
    if (!(a.rng = rng_stream(f->seed, RNG_FAULT, f->scan, (uint64_t)slice + 1)))
        return -1;
    int status = apply[f->kind](&a);
    gsl_rng_free(a.rng);
    return status;
}
