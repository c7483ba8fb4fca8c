#include "core/error.h"
#include "perturb/perturb.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The list of perturbations, in the order of figures and CSVs. To add one, add its line here. */
#define PERTURBATIONS(ENTRY)                                                                                 \
    ENTRY(gaussian_blur)                                                                                     \
    ENTRY(gaussian_noise)                                                                                    \
    ENTRY(pixel_shift)

#define DECLARE(name) extern const perturbation perturbation_##name;
#define ADDRESS(name) &perturbation_##name,

PERTURBATIONS(DECLARE)

static const perturbation *const all[] = {PERTURBATIONS(ADDRESS) NULL};

const perturbation *const *perturb_list(void) {
    return all;
}

const perturbation *perturb_find(const char *name) {
    char known[ERR_MESSAGE_MAX / 2] = "";
    size_t used = 0;
    for (const perturbation *const *p = all; *p; p++) {
        if (strcmp((*p)->name, name) == 0)
            return *p;
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", (*p)->name);
    }
    return err_set_null("unknown perturbation '%s': expected one of %s", name, known);
}

int perturb_apply(const perturbation *p, const float *image, float *out, int rows, int columns, double level,
                  gsl_rng *rng) {
    if (rows < 1 || columns < 1)
        return err_set("%s: image of %d x %d pixels: expected at least 1 x 1", p->name, rows, columns);
    if (!isfinite(level) || level < 0.0)
        return err_set("%s: level is %g: expected a number >= 0", p->name, level);
    if (level == 0.0) {
        memcpy(out, image, (size_t)rows * columns * sizeof *out);
        return 0;
    }
    return p->apply(image, out, rows, columns, level, rng);
}
