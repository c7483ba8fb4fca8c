/* Reference metrics on magnitude images: SSIM, PSNR, NRMSE. Images are rows*columns floats, row-major;
 * arithmetic is in double. NaN or infinite pixels and constant references are errors. */
#ifndef SSFD_METRICS_IMAGE_METRICS_H
#define SSFD_METRICS_IMAGE_METRICS_H

typedef enum {
    SSIM_WANG,   /* Wang et al., IEEE TIP 2004: Gaussian 11x11, sigma 1.5, population covariance */
    SSIM_FASTMRI /* fastMRI: uniform 7x7, sample covariance */
} ssim_window;

/* Mean over the valid region (window wholly inside) of
 *   (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2)),  C1 = (0.01 L)^2, C2 = (0.03 L)^2.
 * data_range is L; give max(reference slice) for SSIM_WANG, max(reference volume) for SSIM_FASTMRI. */
int metric_ssim(const float *reference, const float *image, int rows, int columns, ssim_window window,
                double data_range, double *ssim);

/* 20 log10(peak / RMSE), dB; +infinity for equal images. peak: max|reference slice|, or the volume's
 * (fastMRI). */
int metric_psnr(const float *reference, const float *image, int rows, int columns, double peak, double *psnr);

/* ||image - reference||_2 / ||reference||_2. */
int metric_nrmse(const float *reference, const float *image, int rows, int columns, double *nrmse);

/* max|image|; the data range and the peak of the slice presets. */
double image_max_abs(const float *image, int rows, int columns);

/* Smallest and largest value; an image that is not finite is an error, a constant one is not. */
int image_range(const float *image, int rows, int columns, double *low, double *high);

/* z-score: (image - mean) / std, std with N-1; sums in double. A constant image is an error. out may be
 * image. */
int image_zscore(const float *image, int rows, int columns, float *out);

#endif
