/* Centred, orthonormal two-dimensional FFT of complex float images, any size.
 *
 *   forward: X[k, l] = sum_{r, c} x[r, c] exp(-2 pi i (k' r' / rows + l' c' / columns)) / sqrt(rows columns)
 *   inverse: the same with +2 pi i
 *
 * where a prime means "counted from the centre": r' = r - rows / 2 (integer division), and so on. That is
 * fftshift(fft2(ifftshift(x), norm="ortho")) of NumPy and fft(x, center=True, norm="ortho") of SigPy, for
 * even and odd sizes. Both directions are unitary: the inverse is the adjoint of the forward transform, and
 * norms are kept. Arrays are row-major; the images of a batch (the coils of a slice, say) follow one another.
 *
 * Plans are made with FFTW_ESTIMATE, which times nothing: the same plan, hence the same bits, in every run. */
#ifndef SSFD_MRI_FFT_H
#define SSFD_MRI_FFT_H

#include <complex.h>

/* Plans and a buffer of one image. One thread at a time uses an object; different objects are independent. */
typedef struct fft2 fft2;

/* NULL when a size is not positive, rows * columns does not fit in an int, or memory runs out. Any thread may
 * call it at any time: the critical section fftw_planner guards FFTW's planner. */
fft2 *fft2_create(int rows, int columns);
void fft2_free(fft2 *f); /* NULL is allowed */

/* in, out: [batch][rows][columns]; out may be in. Needs no alignment and allocates nothing. */
void fft2_forward(fft2 *f, int batch, const float complex *in, float complex *out);
void fft2_inverse(fft2 *f, int batch, const float complex *in, float complex *out);

#endif
