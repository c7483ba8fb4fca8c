/* Masks of the pretext task: square patches over a share of the image, placed by variable-density
 * Poisson-disc sampling.
 *
 * Patch positions are drawn by dart throwing: a dart is kept if no earlier one is nearer than the smaller of
 * the two radii, r(d) = s (0.7 + 0.6 d), d the distance from the image centre as a share of the half
 * diagonal, so that patches are about (1.3 / 0.7)^2 = 3.4 times as dense in the centre as in the corners. The
 * scale s starts where the wanted number of discs nearly jams and shrinks whenever darts stop landing, so the
 * coverage is always reached. Patches lie wholly inside the image; where they overlap, pixels count once. */
#ifndef SSFD_PRETEXT_SSL_MASK_H
#define SSFD_PRETEXT_SSL_MASK_H

#include <gsl/gsl_rng.h>

#define SSL_MASK_TOLERANCE 0.005 /* of the image area */

typedef struct {
    int patch;       /* side in pixels; 16 in the poster */
    double coverage; /* share of the image that is masked; 0.25 in the poster */
} ssl_mask_config;

/* Fills mask (rows*columns; 1 = masked) so that |covered share - coverage| <= SSL_MASK_TOLERANCE. Errors: a
 * patch larger than the image, a coverage that cannot be met to the tolerance with patches of that size. */
int ssl_mask_draw(const ssl_mask_config *config, int rows, int columns, gsl_rng *rng, unsigned char *mask);

/* out = image with masked pixels 0. In a z-scored image 0 is the image's mean. */
void ssl_mask_apply(const unsigned char *mask, const float *image, int pixels, float *out);

/* Half-width of the local mean's window: a patch of 16 pixels on each side. */
#define SSL_MASK_LOCAL_MEAN_REACH 16

/* The baseline: each masked pixel becomes the mean of the visible pixels in the square window of half-width
 * `reach` around it; the width doubles until there is one. */
int ssl_mask_fill_local_mean(const unsigned char *mask, const float *image, int rows, int columns, int reach,
                             float *out);

/* Mean of (a - b)^2 over the masked pixels, of which there must be one; mask NULL: over all. Summed in double.
 * For z-scored images the unit is the image's variance. */
double ssl_mask_mse(const unsigned char *mask, const float *a, const float *b, int pixels);

#endif
