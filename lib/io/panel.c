#include "io/panel.h"

#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static float grey(double value, double black, double white) {
    double v = (value - black) / (white - black);
    return (float)(v < 0.0 ? 0.0 : v > 1.0 ? 1.0 : v);
}

int panel_write(const char *path, const float *image, size_t pixels, double black, double white) {
    if (!(white > black) || !isfinite(black) || !isfinite(white))
        return err_set("%s: expected a window from black to a larger white, found %g to %g", path, black,
                       white);
    char *temporary = atomic_begin(path);
    if (!temporary)
        return -1;
    FILE *f = fopen(temporary, "wb");
    for (size_t k = 0; f && k < pixels; k++) {
        float v = grey((double)image[k], black, white);
        fwrite(&v, sizeof v, 1, f);
    }
    int bad = !f || ferror(f);
    if ((!f || fclose(f) == 0) && !bad)
        return atomic_commit(temporary, path);
    atomic_discard(temporary);
    return err_set("%s: cannot be written", path);
}

int panel_white(const float *image, size_t pixels, double *white) {
    double *sorted = mem_alloc(pixels * sizeof *sorted);
    if (!sorted)
        return -1;
    for (size_t k = 0; k < pixels; k++)
        sorted[k] = (double)image[k];
    gsl_sort(sorted, 1, pixels);
    *white = gsl_stats_quantile_from_sorted_data(sorted, 1, pixels, 0.998);
    free(sorted);
    return 0;
}
