/* JSENSE: coil sensitivity maps from the centre of k-space, and the coil combination they make.
 *
 * Ying & Sheng, Magn Reson Med 57:1196-1202 (2007), with the maps as low-pass k-space kernels (as in Uecker
 * et al., Magn Reson Med 60:674-682, 2008) and the settings of SigPy's mri.app.JsenseRecon.
 *
 * Model. Let y_c be the central n x n samples of coil c (n: calibration_width), scaled to norm 1 over all
 * coils, and w[p] = 1 where any coil has a sample other than 0, else 0. An image kernel r of (n + k - 1)^2
 * and a kernel m_c of k x k per coil (k: kernel_width) are sought that minimise
 *
 *   1/2 sum_c || w (m_c * r - y_c) ||^2 + lambda / 2 (|| m ||^2 + || r ||^2),
 *   (m * r)[p] = sum_u m[u] r[p + (k - 1) - u]   (the part of the convolution that needs no padding),
 *
 * in turns: `iterations` times, first m with r fixed, then r with m fixed, each by `inner_iterations` steps
 * of conjugate gradients on the normal equations, started from the last value. Initially m = 0 and r is 1 at
 * its centre, (n + k - 1) / 2. The map of coil c is the inverse FFT (mri/fft.h) of m_c, padded with zeros to
 * rows x columns so that m_c's element k / 2 falls on the centre of k-space; at each pixel the maps are
 * divided by their root-sum-of-squares over the coils. The central samples are those from
 * rows / 2 - n / 2 and the n - 1 after it, and columns alike. All divisions of integers round down.
 *
 * The maps' scale is fixed by the normalisation; their phase is relative to the image kernel's: the model
 * cannot tell the two apart. Where all maps vanish (SigPy: 0 / 0), they are 0 here.
 *
 * Arrays are row-major: k-space, coil images and maps are [coils][rows][columns], an image is
 * [rows][columns], all with the centre at n / 2. Results depend on the input and the settings alone. */
#ifndef SSFD_MRI_JSENSE_H
#define SSFD_MRI_JSENSE_H

#include <complex.h>

typedef struct {
    int kernel_width;      /* k */
    int calibration_width; /* n */
    double lambda;
    int iterations, inner_iterations;
} jsense_settings;

/* k 6, n 13 (4 % of 320 lines), lambda 0, 10 iterations of 10. */
jsense_settings jsense_defaults(void);

/* All memory that slices of one shape need. One thread at a time uses an object; different objects are
 * independent. Products run on OpenBLAS: let it use one thread (openblas_set_num_threads(1)) and work on
 * slices in parallel. */
typedef struct jsense jsense;

/* NULL when coils, rows, columns, kernel_width, iterations or inner_iterations is below 1,
 * the kernel is wider than the calibration region, the region is wider than k-space, lambda is negative or not
 * finite, or memory runs out. */
jsense *jsense_create(int coils, int rows, int columns, const jsense_settings *settings);
void jsense_free(jsense *j); /* NULL is allowed */

/* maps: [coils][rows][columns], written. Reads the centre of k-space alone. Fails, and leaves
 * maps untouched, when a sample in it is NaN or infinite, all are 0, or the iterations leave no finite result. */
int jsense_maps(jsense *j, const float complex *kspace, float complex *maps);

/* The adjoint of SENSE for fully sampled k-space, image = sum_c conj(maps_c) inverse-FFT(kspace_c): the least
 * squares image where the maps' root-sum-of-squares is 1; zero-filled k-space gives the zero-filled image.
 * Fails when the result is not finite. */
int jsense_combine(jsense *j, const float complex *kspace, const float complex *maps, float complex *image);

#endif
