/* In-painting without learning: masked pixels by harmonic interpolation, the smoothest surface over the hole.
 *
 * The Laplace equation on the grid of pixels: inside the mask every pixel is the mean of its neighbours,
 *   sum over the 4-neighbours q of p inside the image  (u_p - u_q) = 0   for masked p,
 * visible pixels are given. Neighbours beyond the image's border do not count, which mirrors the image there
 * (normal derivative 0, the natural boundary). Harmonic in-painting: Chan & Shen, SIAM J. Appl. Math. 62
 * (2002), "Mathematical models for local nontexture inpaintings".
 *
 * The matrix is symmetric, and positive definite as soon as one pixel is visible; it is solved in double by
 * conjugate gradients (Hestenes & Stiefel, J. Res. NBS 49, 1952) from the mean of the visible pixels next
 * to the mask. They stop where the residual's 2-norm has fallen to HARMONIC_FILL_TOLERANCE of its first value. */
#ifndef SSFD_PRETEXT_HARMONIC_FILL_H
#define SSFD_PRETEXT_HARMONIC_FILL_H

#define HARMONIC_FILL_TOLERANCE 1e-8

/* out (rows*columns) = image with its masked pixels (mask 1) filled; their values in image are not read.
 * Nothing masked: out = image. Errors: every pixel masked, a visible pixel next to the mask that is not
 * finite, no convergence within 4 steps for each masked pixel. out may be image. */
int harmonic_fill(const unsigned char *mask, const float *image, int rows, int columns, float *out);

#endif
