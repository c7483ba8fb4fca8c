/* Augmentation of training images: flips and small rotations. */
#ifndef SSFD_TRAIN_AUGMENT_H
#define SSFD_TRAIN_AUGMENT_H

#include <complex.h>
#include <gsl/gsl_rng.h>

typedef struct {
    int left_right, up_down; /* flips */
    double degrees;          /* rotation */
} augmentation;

/* Each flip with a chance of one half if `flips`. Half of the images are rotated, by an angle uniform in
 * +-max_degrees; the others are not, because interpolation smooths the grain of an image a little and the network
 * must see the true grain, too. Takes the same number of draws for any arguments. */
augmentation augment_draw(gsl_rng *rng, int flips, double max_degrees);

/* In place, of pixels of `size` bytes, float or float complex. To flip a reference and its zero-filled image alike
 * is to flip the anatomy, the coil sensitivities and the mask's lines. */
void augment_flip(const augmentation *a, void *image, int rows, int columns, size_t size);

/* out = image, rotated by `degrees` about its centre ((rows - 1) / 2, (columns - 1) / 2): for small positive
 * angles, what was to the right of the centre moves down (rows count downwards). Interpolating cubic B-spline
 * (Unser 1999, IEEE Signal Process. Mag. 16:22); beyond its edges the image is mirrored about the outermost
 * pixels. rows, columns >= 2; work: rows*columns floats; out must be neither image
 * nor work, work may be image. */
void augment_rotate(const float *image, int rows, int columns, double degrees, float *work, float *out);

#endif
