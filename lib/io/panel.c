#include "io/panel.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <stdio.h>
#include <stdlib.h>

int panel_white(const float *image, size_t pixels, double *white) {
    double *sorted = mem_alloc(pixels * sizeof *sorted);
    if (!sorted)
        return -1;
    for (size_t k = 0; k < pixels; k++)
        sorted[k] = (double)image[k];
    gsl_sort(sorted, 1, pixels);
    *white = gsl_stats_quantile_from_sorted_data(sorted, 1, pixels, 0.998);
    free(sorted);
    return *white > 0.0 ? 0 : err_set("example slice is empty");
}

int panel_write(const char *path, const float *image, size_t pixels, double white) {
    char *temporary = atomic_begin(path);
    FILE *f = temporary ? fopen(temporary, "wb") : NULL;
    int ok = f != NULL;
    for (size_t k = 0; ok && k < pixels; k++) {
        float v = (float)((double)image[k] / white);
        v = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
        ok = fwrite(&v, sizeof v, 1, f) == 1;
    }
    if (f && fclose(f) != 0)
        ok = 0;
    if (ok)
        return atomic_commit(temporary, path);
    atomic_discard(temporary);
    return temporary ? err_set("%s: cannot be written", path) : -1;
}
