/* Image panels: the small images inside figures, as raw float32 (little-endian, row by row) that gnuplot
 * draws. Grey values: 0 is black, 1 is white. */
#ifndef SSFD_IO_PANEL_H
#define SSFD_IO_PANEL_H

#include <stddef.h>

/* Writes (image - black) / (white - black), cut off at 0 and 1. The file appears whole or not at all. Errors:
 * a window that is empty or not finite, a file that cannot be written. */
int panel_write(const char *path, const float *image, size_t pixels, double black, double white);

/* White of a display window: the 99.8th percentile of the image, so that a few bright pixels do not darken
 * the rest. */
int panel_white(const float *image, size_t pixels, double *white);

#endif
