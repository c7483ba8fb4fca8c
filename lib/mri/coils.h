/* Receive coils of a simulated scanner: circular loops, their sensitivities and the correlation of their
 * noise.
 *
 * Sensitivity (principle of reciprocity; Hoult & Richards, J Magn Reson 24:71-85, 1976): the signal that
 * coil c picks up from a point is proportional to the field that a unit current in its loop makes there,
 *   S_c(r) = B_x(r) - i B_y(r),   B(r) = sum over the loop of dl x (r - l) / |r - l|^3   (Biot-Savart),
 * with the main field along z. Wave effects inside the body are ignored.
 *
 * Noise: the thermal noise of the body couples into coils that see the same region. The covariance of unit
 * noise is modelled as
 *   Psi = (1 - share) I + share G,   G_cd = sum_r S_c conj(S_d) / (|S_c| |S_d|),
 * with the sums over the points of the map: coils correlate as much as their sensitivities overlap. */
#ifndef SSFD_MRI_COILS_H
#define SSFD_MRI_COILS_H

#include <complex.h>

/* Lengths in mm; the image's centre is the origin, x along its columns, y along its rows, z across. */
typedef struct {
    double centre[3], normal[3], radius;
} coil_loop;

/* Sensitivities of `coils` loops on a plane of size x size pixels at height z, scaled so that their
 * root-sum-of-squares at the plane's centre is 1. maps: [coils][size][size]. They are computed on every
 * eighth pixel and interpolated by cubics (to 1e-4 of the maximum for loops outside the field of view). */
int coil_sensitivities(const coil_loop *loops, int coils, double z, double pixel_mm, int size,
                       float complex *maps);

/* Lower triangular factor L of Psi = L L^H from the maps, [coils][coils] row-major: L times white noise has
 * this covariance. share in [0, 1). */
int coil_noise_factor(const float complex *maps, int coils, int pixels, double share, double complex *factor);

#endif
