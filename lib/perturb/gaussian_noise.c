/* White Gaussian noise with a standard deviation of level * (maximum of the slice). Not clipped: negative
 * pixels stay, so that the noise keeps its mean of 0. */
#include "core/error.h"
#include "core/image.h"
#include "perturb/perturb.h"
#include <gsl/gsl_randist.h>

static int add_noise(const float *image, float *out, int rows, int columns, double level, gsl_rng *rng) {
    if (!rng)
        return err_set("gaussian_noise: needs a random generator");
    const double sigma = level * image_max_abs(image, rows, columns);
    const size_t n = (size_t)rows * columns;
    /* unit draws in pixel order: the same stream gives the same noise pattern at every level */
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(image[i] + sigma * gsl_ran_gaussian_ziggurat(rng, 1.0));
    return 0;
}

const perturbation perturbation_gaussian_noise = {
    .name = "gaussian_noise",
    .title = "Gaussian noise",
    .level_name = "sigma (share of slice maximum)",
    .level_unit = "share of slice maximum",
    .level_max = 0.1,
    .apply = add_noise,
};
