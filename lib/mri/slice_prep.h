/* From the raw k-space of a slice to the ground truth and the zero-filled image of an accelerated acquisition.
 * As in the authors' framework (meddlr, format_fastmri):
 *
 *   1. centre-crop in image space to the size of the image: inverse FFT of each coil, rows from (n - m) / 2 on,
 *      columns alike, forward FFT of the rest. k-space that already has the size of the image stays as it is;
 *   2. coil sensitivities S from the calibration region of that k-space (mri/jsense.h);
 *   3. reference   = S^H F^H k          from all samples,
 *      zero-filled = S^H F^H (mask k)   from the samples that the mask keeps, not rescaled. */
#ifndef SSFD_MRI_SLICE_PREP_H
#define SSFD_MRI_SLICE_PREP_H

#include "mri/jsense.h"
#include <complex.h>

/* All memory that slices of one shape need. One thread at a time uses an object. */
typedef struct slice_prep slice_prep;

typedef struct {
    int coils, rows, columns;      /* of the raw k-space */
    int image_rows, image_columns; /* at most rows and columns */
} slice_shape;

/* NULL when the image is larger than k-space, the settings do not fit the shape, or memory runs out. */
slice_prep *slice_prep_create(const slice_shape *shape, const jsense_settings *settings);
void slice_prep_free(slice_prep *p); /* NULL is allowed */

/* kspace: [coils][rows][columns]; mask: [image_rows][image_columns]. reference and zero_filled are written,
 * [image_rows][image_columns]. Fails where jsense_maps() and jsense_combine() do. */
int slice_prep_run(slice_prep *p, const float complex *kspace, const unsigned char *mask,
                   float complex *reference, float complex *zero_filled);

/* The samples of the last slice that the mask kept, 0 elsewhere, [coils][image_rows][image_columns]; they may
 * be spoilt (mri/faults.h). slice_prep_combine() then gives their zero-filled image with the sensitivities of
 * the good acquisition. */
float complex *slice_prep_acquired(slice_prep *p);
int slice_prep_combine(slice_prep *p, float complex *zero_filled);

/* The sensitivities of the last slice, [coils][image_rows][image_columns]. */
const float complex *slice_prep_maps(const slice_prep *p);

/* Seconds spent so far. */
typedef struct {
    double crop, jsense, combine;
} slice_prep_times;
slice_prep_times slice_prep_time(const slice_prep *p);

#endif
