#include "models/model.h"

#include "core/error.h"
#include "core/memory.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The networks that weight files are told apart by. To add one, add its line here. */
#define MODELS(ENTRY)                                                                                        \
    ENTRY(ssl_unet)                                                                                          \
    ENTRY(recon_unet)

#define DECLARE(name) extern const model model_##name;
#define ADDRESS(name) &model_##name,

MODELS(DECLARE)

static const model *const all[] = {MODELS(ADDRESS) NULL};

/* ---------------------------------------------------------------- reading */

int model_read_integer(const h5_file *file, const char *name, int min, int max, int *value) {
    int64_t found;
    if (h5_attr_integer(file, name, &found) < 0)
        return -1;
    if (found < min || found > max)
        return err_set("%s: attribute %s is %lld, expected %d..%d", file->path, name, (long long)found, min,
                       max);
    *value = (int)found;
    return 0;
}

static const model *choose(const char *path, const char *architecture, const model *expected) {
    char known[ERR_MESSAGE_MAX / 2] = "";
    size_t used = 0;
    if (expected)
        return strcmp(architecture, expected->architecture) == 0
                   ? expected
                   : err_set_null("%s: architecture is '%s', expected '%s'", path, architecture,
                                  expected->architecture);
    for (const model *const *m = all; *m && used < sizeof known; m++) {
        if (strcmp(architecture, (*m)->architecture) == 0)
            return *m;
        used +=
            (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", (*m)->architecture);
    }
    return err_set_null("%s: architecture is '%s', expected one of %s", path, architecture, known);
}

static net *create(const h5_file *file, const model *expected) {
    char *architecture = NULL;
    if (h5_attr_text(file, "architecture", &architecture) < 0)
        return NULL;
    const model *m = choose(file->path, architecture, expected);
    free(architecture);
    void *config = m ? mem_calloc(1, m->config_size) : NULL;
    net *n = NULL;
    if (config && m->read_config(file, config) == 0 && !(n = m->create(config)))
        err_prefix("%s", file->path);
    free(config);
    return n;
}

static void dims_of(const net_param *p, hsize_t *dims) {
    for (int k = 0; k < p->rank; k++)
        dims[k] = (hsize_t)p->dims[k];
}

static int read_parameter(const h5_file *file, const net *n, const net_param *p) {
    hsize_t dims[4];
    float *values = n->values + p->offset;
    dims_of(p, dims);
    if (h5_read_f32(file, p->name, p->rank, dims, values) < 0)
        return -1;
    for (size_t k = 0; k < p->count; k++)
        if (!isfinite(values[k]))
            return err_set("%s: %s: value %zu is not finite", file->path, p->name, k);
    return 0;
}

static int read_parameters(const h5_file *file, net *n) {
    for (int k = 0; k < n->param_count; k++)
        if (read_parameter(file, n, &n->params[k]) < 0)
            return -1;
    net_update(n);
    return 0;
}

net *model_load(const char *path, const model *expected) {
    h5_file *file = h5_open(path);
    net *n = file ? create(file, expected) : NULL;
    if (n && read_parameters(file, n) < 0) {
        net_free(n);
        n = NULL;
    }
    h5_close(file);
    return n;
}

/* ---------------------------------------------------------------- writing */

int model_write(h5_file *file, const model *m, const void *config, const net *n, h5_float as) {
    if (h5_set_text(file, "architecture", m->architecture) < 0 || m->write_config(file, config) < 0)
        return -1;
    for (int k = 0; k < n->param_count; k++) {
        const net_param *p = &n->params[k];
        hsize_t dims[4];
        dims_of(p, dims);
        if (h5_write_f32(file, p->name, p->rank, dims, n->values + p->offset, as) < 0)
            return -1;
    }
    return 0;
}
