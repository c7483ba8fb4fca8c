/* Circular shift along a row, to the right. Whole pixels are moved and keep their values; a fraction of a
 * pixel is a phase ramp in the Fourier domain of each row, which shifts the image's trigonometric
 * interpolation: F[k] *= exp(-2 pi i k s / n). At the Nyquist frequency of even n, whose sign is not defined,
 * the two ramps are averaged to cos(pi s), so that the result is real. */
#include "core/error.h"
#include "perturb/perturb.h"
#include <fftw3.h>
#include <math.h>
#include <string.h>

static void shift_whole(const float *image, float *out, int rows, int columns, int shift) {
    const size_t head = (size_t)(columns - shift), tail = (size_t)shift;
    for (int r = 0; r < rows; r++) {
        const float *from = image + (size_t)r * columns;
        float *to = out + (size_t)r * columns;
        memcpy(to + tail, from, head * sizeof *to);
        memcpy(to, from + head, tail * sizeof *to);
    }
}

typedef struct {
    fftwf_plan forward, backward; /* one row */
    float *row;                   /* [columns] */
    fftwf_complex *spectrum;      /* [columns / 2 + 1] */
    fftwf_complex *ramp;          /* [columns / 2 + 1], with the 1 / columns of the inverse transform */
} row_shifter;

static void shifter_release(row_shifter *s) {
    /* FFTW's planner keeps global state: only one thread at a time may make or destroy plans. */
#pragma omp critical(fftw_planner)
    {
        fftwf_destroy_plan(s->forward);
        fftwf_destroy_plan(s->backward);
    }
    fftwf_free(s->row);
    fftwf_free(s->spectrum);
    fftwf_free(s->ramp);
}

static void ramp_fill(fftwf_complex *ramp, int columns, double shift) {
    for (int k = 0; k <= columns / 2; k++) {
        const double angle = -2.0 * M_PI * k * shift / columns;
        ramp[k][0] = (float)(cos(angle) / columns);
        ramp[k][1] = 2 * k == columns ? 0.0f : (float)(sin(angle) / columns);
    }
}

static int shifter_make(row_shifter *s, int columns, double shift) {
    const size_t bins = (size_t)columns / 2 + 1;
    *s = (row_shifter){.row = fftwf_alloc_real((size_t)columns),
                       .spectrum = fftwf_alloc_complex(bins),
                       .ramp = fftwf_alloc_complex(bins)};
    if (s->row && s->spectrum && s->ramp) {
        /* FFTW_ESTIMATE times nothing: the same plan, hence the same bits, every time. */
#pragma omp critical(fftw_planner)
        {
            s->forward = fftwf_plan_dft_r2c_1d(columns, s->row, s->spectrum, FFTW_ESTIMATE);
            s->backward = fftwf_plan_dft_c2r_1d(columns, s->spectrum, s->row, FFTW_ESTIMATE);
        }
    }
    if (s->forward && s->backward) {
        ramp_fill(s->ramp, columns, shift);
        return 0;
    }
    shifter_release(s);
    return err_set("pixel_shift: no memory for a Fourier transform of %d pixels", columns);
}

static int shift_fraction(const float *image, float *out, int rows, int columns, double shift) {
    row_shifter s;
    if (shifter_make(&s, columns, shift))
        return -1;
    for (int r = 0; r < rows; r++) {
        memcpy(s.row, image + (size_t)r * columns, (size_t)columns * sizeof *s.row);
        fftwf_execute(s.forward);
        for (int k = 0; k <= columns / 2; k++) {
            const float re = s.spectrum[k][0], im = s.spectrum[k][1];
            s.spectrum[k][0] = re * s.ramp[k][0] - im * s.ramp[k][1];
            s.spectrum[k][1] = re * s.ramp[k][1] + im * s.ramp[k][0];
        }
        fftwf_execute(s.backward);
        memcpy(out + (size_t)r * columns, s.row, (size_t)columns * sizeof *out);
    }
    shifter_release(&s);
    return 0;
}

static int shift_right(const float *image, float *out, int rows, int columns, double level, gsl_rng *rng) {
    (void)rng;
    const double shift = fmod(level, columns);
    if (shift == floor(shift)) {
        shift_whole(image, out, rows, columns, (int)shift);
        return 0;
    }
    return shift_fraction(image, out, rows, columns, shift);
}

const perturbation perturbation_pixel_shift = {
    .name = "pixel_shift",
    .title = "Pixel shift",
    .level_name = "shift (pixels)",
    .level_unit = "pixels",
    .level_max = 10.0,
    .apply = shift_right,
};
