#include "core/error.h"
#include "core/list.h"
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

int perturb_index(const perturbation *const *list, int count, const char *name) {
    for (int k = 0; k < count; k++)
        if (strcmp(list[k]->name, name) == 0)
            return k;
    return -1;
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

int perturb_parse(const char *text, const perturbation **out, int room) {
    int count = 0;
    if (strcmp(text, "all") == 0) {
        for (; all[count] && count < room; count++)
            out[count] = all[count];
        return all[count] ? err_set("more than %d perturbations", room) : count;
    }
    name_list names;
    int status = name_list_split(&names, text, "perturbation");
    if (status == 0 && names.count == 0)
        status = err_set("no perturbation given");
    if (status == 0 && names.count > (size_t)room)
        status = err_set("more than %d perturbations", room);
    for (; status == 0 && count < (int)names.count; count++)
        status = (out[count] = perturb_find(names.items[count])) ? 0 : -1;
    name_list_free(&names);
    return status < 0 ? -1 : count;
}
