#include "io/unfinished.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "io/h5.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_LENGTH 4096
#define MOST_RANKS 4096

static const char *path_of(const char *path, int rank, char *name) {
    snprintf(name, PATH_LENGTH, rank ? "%s.%d" : "%s", path, rank);
    return name;
}

int unfinished_save(const char *path, const char *settings, const double *values, size_t count) {
    char name[PATH_LENGTH];
    h5_file *f = h5_create(path_of(path, ranks_me(), name));
    hsize_t dims[1] = {count};
    if (!f)
        return -1;
    if (h5_set_text(f, "settings", settings) < 0 || h5_write_f64(f, "values", 1, dims, values) < 0) {
        h5_close(f);
        return -1;
    }
    return h5_commit(f);
}

static int load_file(const char *name, const char *settings, double *values, size_t count) {
    h5_file *f = h5_open(name);
    hsize_t dims[1] = {count};
    int taken =
        f && h5_attr_equals(f, "settings", settings) && h5_read_f64(f, "values", 1, dims, values) == 0;
    h5_close(f);
    return taken;
}

/* A rank that had not saved yet has no file. */
void unfinished_load(const char *path, const char *settings, double *values, size_t count) {
    char name[PATH_LENGTH];
    double *found = NULL;
    for (size_t k = 0; k < count; k++)
        values[k] = NAN;
    for (int rank = 0; rank < MOST_RANKS; rank++) {
        if (access(path_of(path, rank, name), R_OK) != 0)
            continue;
        if (!found && !(found = mem_alloc(count * sizeof *found)))
            return; /* all is computed again */
        if (load_file(name, settings, found, count))
            for (size_t k = 0; k < count; k++)
                values[k] = isnan(values[k]) ? found[k] : values[k];
    }
    free(found);
}

void unfinished_remove(const char *path) {
    char name[PATH_LENGTH];
    for (int rank = 0; rank < MOST_RANKS; rank++)
        unlink(path_of(path, rank, name));
}
