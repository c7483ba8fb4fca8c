/* SSIM of magnitude images. Images are rows*columns floats, row-major; arithmetic is in double. NaN or infinite
 * pixels and constant references are errors. */
#ifndef SSFD_METRICS_SSIM_H
#define SSFD_METRICS_SSIM_H

typedef enum {
    SSIM_WANG,   /* Wang et al., IEEE TIP 2004: Gaussian 11x11, sigma 1.5, population covariance */
    SSIM_FASTMRI /* fastMRI: uniform 7x7, sample covariance */
} ssim_window;

/* Mean over the valid region (window wholly inside) of
 *   (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2)),  C1 = (0.01 L)^2, C2 = (0.03 L)^2.
 * data_range is L; give max(reference slice) for SSIM_WANG, max(reference volume) for SSIM_FASTMRI. */
int image_ssim(const float *reference, const float *image, int rows, int columns, ssim_window window,
               double data_range, double *ssim);

/* SSIM where there is something to see. A window belongs to the foreground when its mean of the reference (by
 * the weights of the window) is above the minimum cross-entropy threshold of these means, all over the valid
 * region (Li and Lee, Pattern Recognition 26, 1993; by the iteration of Li and Tam, Pattern Recognition
 * Letters 19, 1998, on the means less their smallest, from their mean). Where all means are equal, but
 * for rounding, the threshold is -infinity: every window is foreground.
 *
 * The threshold depends on the reference only: find it once, then compare any number of images. */
int image_foreground_threshold(const float *reference, int rows, int columns, ssim_window window,
                               double *threshold);
/* ssim: as image_ssim() has it, to the last bit; foreground: the mean over windows whose mean of the
 * reference is above the threshold. A threshold that no window is above is an error. */
int image_ssim_foreground(const float *reference, const float *image, int rows, int columns,
                          ssim_window window, double data_range, double threshold, double *ssim,
                          double *foreground);

#endif
