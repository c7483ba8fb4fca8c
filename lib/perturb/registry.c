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

static int add(const perturbation *p, const perturbation **out, int count, int room) {
    if (!p)
        return -1;
    if (count == room)
        return err_set("more than %d perturbations", room);
    for (int k = 0; k < count; k++)
        if (out[k] == p)
            return err_set("perturbation '%s' is given twice", p->name);
    out[count] = p;
    return count + 1;
}

int perturb_parse(const char *list, const perturbation **out, int room) {
    char copy[1024], *rest = NULL;
    int count = 0;
    if (strcmp(list, "all") == 0) {
        for (const perturbation *const *p = perturb_list(); *p && count >= 0; p++)
            count = add(*p, out, count, room);
        return count;
    }
    if (strlen(list) >= sizeof copy)
        return err_set("list of perturbations is longer than %zu characters", sizeof copy - 1);
    strcpy(copy, list);
    for (char *name = strtok_r(copy, ",", &rest); name && count >= 0; name = strtok_r(NULL, ",", &rest))
        count = add(perturb_find(name), out, count, room);
    return count ? count : err_set("no perturbation given");
}
