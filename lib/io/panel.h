/* Example images for figures: float32 in [0, 1], row-major, no header, as gnuplot reads them. */
#ifndef SSFD_IO_PANEL_H
#define SSFD_IO_PANEL_H

#include <stddef.h>

/* White of the display window: the 99.8th percentile, so that a few bright pixels do not darken all. An empty
 * image is an error. */
int panel_white(const float *image, size_t pixels, double *white);
/* Writes image / white, cut to [0, 1]. The file appears whole. */
int panel_write(const char *path, const float *image, size_t pixels, double white);

#endif
