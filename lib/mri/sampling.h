/* Undersampling masks of k-space: 1 where a sample is kept, 0 elsewhere. The centre of k-space is at n / 2
 * (integer division), as everywhere in mri/. What is drawn depends on the generator alone. A function that
 * fails leaves the mask untouched. */
#ifndef SSFD_MRI_SAMPLING_H
#define SSFD_MRI_SAMPLING_H

#include <gsl/gsl_rng.h>

/* One-dimensional random Cartesian mask, fastMRI's RandomMask (Zbontar et al. 2018, arXiv:1811.08839). With n
 * columns,
 *   centre = round(n center_fraction), half to even,
 *   columns (n - centre + 1) / 2 (integer division) and the centre - 1 that follow it are always kept,
 *   every other one with probability (n / acceleration - centre) / (n - centre), independently,
 * so that n / acceleration columns are kept on average. One uniform number is drawn for each column, first to
 * last, centre included. mask: [columns]; it holds for every row of k-space.
 *
 * Errors: columns < 1; acceleration not finite or below 1; center_fraction outside [0, 1]; a centre of more
 * than n / acceleration columns, which no probability can make up for. */
int sampling_random_columns(int columns, double acceleration, double center_fraction, gsl_rng *rng,
                            unsigned char *mask);

typedef struct {
    double acceleration;                       /* rows * columns / samples kept, above 1 */
    int calibration_rows, calibration_columns; /* fully sampled in the centre; 0, 0: none */
} sampling_poisson_settings;

/* Largest relative deviation from the requested acceleration. */
#define SAMPLING_POISSON_TOLERANCE 0.02

/* Two-dimensional variable-density Poisson disc (after Bridson, SIGGRAPH 2007; the distance d and the corners
 * as in SigPy's mri.poisson). With q the position relative to rows / 2 and columns / 2 (integer division),
 *   d(q)^2 = e_r^2 + e_c^2,  e = max(|q| - calibration / 2, 0) / (its largest value on the axis), per axis,
 *   radius(q) = slope (1/4 + d(q)), in pixels.
 * Every pixel has one point, uniform inside it. A sample is kept unless the point of another kept one is
 * closer to its own than the smaller of their radii, so that the density falls as 1 / (1/4 + d)^2 from where
 * it is 1. The calibration region, the rows from rows / 2 - calibration_rows / 2 on and columns alike, is
 * kept whole. Nothing else is kept in the corners, where d >= 1.
 *
 * Pixels are visited in a random order, so the set is maximal: no further sample fits. The slope is sought
 * from 1 by doubling, then by bisection, points and order staying the same, until the acceleration is met to
 * 0.1 %; the closest mask of at most 40 is the result. 2 rows columns uniform numbers are drawn, then rows
 * columns - 1 integers for the order. mask: [rows][columns].
 *
 * Errors: a size below 1; acceleration not finite or not above 1; a calibration region that is negative,
 * larger than k-space or, alone, more than rows * columns / acceleration; an acceleration too low for what is
 * left without the corners, or not met to SAMPLING_POISSON_TOLERANCE (small grids); no memory. */
int sampling_poisson(int rows, int columns, const sampling_poisson_settings *settings, gsl_rng *rng,
                     unsigned char *mask);

typedef enum { SAMPLING_COLUMNS, SAMPLING_POISSON } sampling_kind;

typedef struct {
    sampling_kind kind;
    double acceleration; /* 4 */
    /* 0.08: of the columns; with SAMPLING_POISSON of the rows and of the columns, rounded. */
    double center_fraction;
} sampling_settings;

/* Either mask as [rows][columns]. */
int sampling_draw(const sampling_settings *settings, int rows, int columns, gsl_rng *rng,
                  unsigned char *mask);

#endif
