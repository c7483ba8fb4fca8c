/* Errors of magnitude images, pixel by pixel: PSNR and NRMSE. Images are rows*columns floats, row-major; sums are
 * in double. NaN or infinite pixels and constant references are errors. */
#ifndef SSFD_METRICS_PIXEL_ERROR_H
#define SSFD_METRICS_PIXEL_ERROR_H

/* 20 log10(peak / RMSE), dB; +infinity for equal images. peak: max|reference slice|, or the volume's (fastMRI). */
int image_psnr(const float *reference, const float *compared, int rows, int columns, double peak,
               double *psnr);

/* ||compared - reference||_2 / ||reference||_2. */
int image_nrmse(const float *reference, const float *compared, int rows, int columns, double *nrmse);

#endif
