/* Image perturbations, each on a scale of levels from 0 (the image unchanged, bit for bit) to a maximum.
 *
 * To add one: write lib/perturb/<name>.c that defines `const perturbation perturbation_<name>`, and add its
 * name to the list in lib/perturb/registry.c. The sweep, its CSV, the figure and --help then have it. */
#ifndef SSFD_PERTURB_PERTURB_H
#define SSFD_PERTURB_PERTURB_H

#include <gsl/gsl_rng.h>
#include <stddef.h>

typedef struct {
    const char *name;       /* as in CSVs and on the command line: lower case, underscores */
    const char *title;      /* as in figures: "Gaussian blur" */
    const char *level_name; /* axis label: "sigma (pixels)" */
    const char *level_unit; /* "pixels", "share of slice maximum" */
    double level_max;       /* default end of the sweep's grid */
    /* out = perturbed image (rows*columns floats, row-major; out and image do not overlap). rng is at the
     * head of the stream of this perturbation, scan and slice, the same for every level, so that the levels
     * of a slice share their random draw. Deterministic perturbations ignore it. level > 0: perturb_apply()
     * handles level 0. */
    int (*apply)(const float *image, float *out, int rows, int columns, double level, gsl_rng *rng);
} perturbation;

/* Applies p at a level >= 0; level 0 copies. */
int perturb_apply(const perturbation *p, const float *image, float *out, int rows, int columns, double level,
                  gsl_rng *rng);

/* All perturbations in the order of the registry; NULL-terminated. */
const perturbation *const *perturb_list(void);
/* A comma-separated list of names, or "all"; returns how many, at most `room`. Errors: none, an
 * unknown one, one given twice. */
int perturb_parse(const char *list, const perturbation **out, int room);
/* Index of a name among `count` perturbations; -1, without a message, if it is not there. */
int perturb_index(const perturbation *const *list, int count, const char *name);
/* By name; NULL with a message that lists the known names. */
const perturbation *perturb_find(const char *name);

#endif
