#include "mri/fft.h"

#include "core/error.h"
#include "core/memory.h"
#include <fftw3.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fft2 {
    int rows, columns;
    fftwf_plan forward, inverse; /* both in place, in the buffer */
    fftwf_complex *buffer;       /* [rows][columns], origin at the corner */
};

fft2 *fft2_create(int rows, int columns) {
    if (rows < 1 || columns < 1 || rows > INT_MAX / columns)
        return err_set_null("fft2: cannot transform an image of %d x %d pixels", rows, columns);
    fft2 *f = mem_calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->rows = rows;
    f->columns = columns;
    f->buffer = fftwf_alloc_complex((size_t)rows * columns);
    if (f->buffer) {
        /* FFTW's planner keeps global state: only one thread at a time may make or destroy plans. */
#pragma omp critical(fftw_planner)
        {
            f->forward = fftwf_plan_dft_2d(rows, columns, f->buffer, f->buffer, FFTW_FORWARD, FFTW_ESTIMATE);
            f->inverse = fftwf_plan_dft_2d(rows, columns, f->buffer, f->buffer, FFTW_BACKWARD, FFTW_ESTIMATE);
        }
    }
    if (f->forward && f->inverse)
        return f;
    fft2_free(f);
    return err_set_null("fft2: no memory for a transform of %d x %d pixels", rows, columns);
}

void fft2_free(fft2 *f) {
    if (!f)
        return;
#pragma omp critical(fftw_planner)
    {
        fftwf_destroy_plan(f->forward);
        fftwf_destroy_plan(f->inverse);
    }
    fftwf_free(f->buffer);
    free(f);
}

/* Moves the centre of an image to the corner: fftshift's inverse. */
static void centre_to_corner(const fft2 *f, const float complex *in, float complex *out) {
    const size_t n = (size_t)f->columns, half = n / 2;
    for (int r = 0; r < f->rows; r++, out += n) {
        const float complex *from = in + (r + f->rows / 2) % f->rows * n;
        memcpy(out, from + half, (n - half) * sizeof *out);
        memcpy(out + (n - half), from, half * sizeof *out);
    }
}

static void copy_scaled(const float complex *in, float complex *out, size_t n, float scale) {
    const float *from = (const float *)in;
    float *to = (float *)out;
    for (size_t k = 0; k < 2 * n; k++)
        to[k] = scale * from[k];
}

static void corner_to_centre_scaled(const fft2 *f, const float complex *in, float complex *out, float scale) {
    const size_t n = (size_t)f->columns, half = n / 2;
    for (int r = 0; r < f->rows; r++, in += n) {
        float complex *to = out + (r + f->rows / 2) % f->rows * n;
        copy_scaled(in, to + half, n - half, scale);
        copy_scaled(in + (n - half), to, half, scale);
    }
}

static void transform(fft2 *f, fftwf_plan plan, int batch, const float complex *in, float complex *out) {
    const size_t pixels = (size_t)f->rows * f->columns;
    const float scale = (float)(1.0 / sqrt((double)pixels));
    float complex *buffer = (float complex *)f->buffer; /* the layout that FFTW promises */
    for (int b = 0; b < batch; b++) {
        centre_to_corner(f, in + (size_t)b * pixels, buffer);
        fftwf_execute(plan);
        corner_to_centre_scaled(f, buffer, out + (size_t)b * pixels, scale);
    }
}

void fft2_forward(fft2 *f, int batch, const float complex *in, float complex *out) {
    transform(f, f->forward, batch, in, out);
}

void fft2_inverse(fft2 *f, int batch, const float complex *in, float complex *out) {
    transform(f, f->inverse, batch, in, out);
}
