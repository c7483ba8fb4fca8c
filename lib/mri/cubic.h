/* Cubic interpolation (Catmull & Rom 1974). Private to lib/mri. */
#ifndef SSFD_MRI_CUBIC_H
#define SSFD_MRI_CUBIC_H

/* Weights of the points at -1, 0, 1 and 2 for the value at t in [0, 1). */
static inline void cubic_weights(double t, double w[4]) {
    w[0] = 0.5 * t * (-1.0 + t * (2.0 - t));
    w[1] = 0.5 * (2.0 + t * t * (-5.0 + 3.0 * t));
    w[2] = 0.5 * t * (1.0 + t * (4.0 - 3.0 * t));
    w[3] = 0.5 * t * t * (t - 1.0);
}

#endif
