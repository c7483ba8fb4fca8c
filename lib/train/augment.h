/* Augmentation of training images: flips and small rotations. */
#ifndef SSFD_TRAIN_AUGMENT_H
#define SSFD_TRAIN_AUGMENT_H

#include <complex.h>
#include <gsl/gsl_rng.h>

typedef struct {
    int left_right, up_down; /* flips */
    double degrees;          /* rotation */
} augmentation;

/* Each flip with a chance of one half if `flips`; half of the images are rotated by an angle that is uniform
 * in +-max_degrees, the others stay: interpolation smooths the grain of an image a little, and the grain as
 * it is must be seen, too. Takes the same number of draws for any arguments. */
augmentation augment_draw(gsl_rng *rng, int flips, double max_degrees);

/* In place. The flips of a reference image and of the zero-filled image that belongs to it, made alike, are
 * what flipping anatomy, coil sensitivities and the mask's lines would give. */
void augment_flip(const augmentation *a, float *image, int rows, int columns);
void augment_flip_complex(const augmentation *a, float complex *image, int rows, int columns);

/* out = image, rotated by `degrees` about its centre ((rows - 1) / 2, (columns - 1) / 2): what was to the
 * right of the centre goes down for small positive angles (rows count downwards). Interpolating cubic
 * B-spline (Unser 1999, IEEE Signal Process. Mag. 16:22); the image goes on beyond its edges as its mirror
 * image about the outermost pixels. rows, columns >= 2; work: rows*columns floats; out must be neither image
 * nor work, work may be image. */
void augment_rotate(const float *image, int rows, int columns, double degrees, float *work, float *out);

#endif
