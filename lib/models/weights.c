#include "models/weights.h"

#include "core/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int weights_check_architecture(const h5_file *file, const char *expected) {
    char *found = NULL;
    if (h5_attr_text(file, "architecture", &found) < 0)
        return -1;
    int same = strcmp(found, expected) == 0;
    if (!same)
        err_set("%s: architecture is '%s', expected '%s'", file->path, found, expected);
    free(found);
    return same ? 0 : -1;
}

static void file_dims(const net_param *p, hsize_t *dims) {
    for (int k = 0; k < p->rank; k++)
        dims[k] = (hsize_t)p->dims[k];
}

static int read_parameter(const h5_file *file, const net *n, const net_param *p) {
    hsize_t dims[4];
    float *values = n->values + p->offset;
    file_dims(p, dims);
    if (h5_read_f32(file, p->name, p->rank, dims, values) < 0)
        return -1;
    for (size_t k = 0; k < p->count; k++)
        if (!isfinite(values[k]))
            return err_set("%s: %s: value %zu is not finite", file->path, p->name, k);
    return 0;
}

int weights_read(const h5_file *file, net *n) {
    for (int k = 0; k < n->param_count; k++)
        if (read_parameter(file, n, &n->params[k]) < 0)
            return -1;
    net_update(n);
    return 0;
}

int weights_write(h5_file *file, const net *n, h5_float as) {
    for (int k = 0; k < n->param_count; k++) {
        const net_param *p = &n->params[k];
        hsize_t dims[4];
        file_dims(p, dims);
        if (h5_write_f32(file, p->name, p->rank, dims, n->values + p->offset, as) < 0)
            return -1;
    }
    return 0;
}
