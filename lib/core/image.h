/* Single images: rows x columns floats, row-major. */
#ifndef SSFD_CORE_IMAGE_H
#define SSFD_CORE_IMAGE_H

typedef struct {
    int rows, columns;
    const float *pixels; /* borrowed */
} image;

/* max|image|; the data range and the peak of the slice presets. */
double image_max_abs(const float *image, int rows, int columns);

/* Smallest and largest value; an image that is not finite is an error, a constant one is not. */
int image_range(const float *image, int rows, int columns, double *low, double *high);

/* Mean of the pixels, summed in double. */
double image_mean(const float *image, int rows, int columns);

/* An error for a pair whose pixels are not all finite, and for a constant reference. */
int image_check_pair(const float *reference, const float *compared, int rows, int columns);

/* z-score: (image - mean) / std, std with N-1; sums in double. A constant image is an error. out may be
 * image. */
int image_zscore(const float *image, int rows, int columns, float *out);

#endif
