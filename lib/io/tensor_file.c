#include "io/tensor_file.h"

#include "core/error.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Whether the header of safetensors, a JSON object, starts after its length. */
static int is_safetensors(const char *path) {
    char head[9] = "";
    FILE *f = fopen(path, "rb");
    size_t got = f ? fread(head, 1, sizeof head, f) : 0;
    if (f)
        fclose(f);
    return got == sizeof head && head[8] == '{' && memcmp(head, "\x89HDF", 4) != 0;
}

int tensor_file_open(tensor_file *f, const char *path) {
    *f = (tensor_file){.path = path};
    if (is_safetensors(path))
        f->other = safetensors_open(path);
    else if (!(f->h5 = h5_open(path)) && strstr(err_message(), "not an HDF5 file"))
        err_set("%s: neither an HDF5 nor a safetensors file", path);
    return f->h5 || f->other ? 0 : -1;
}

void tensor_file_close(tensor_file *f) {
    h5_close(f->h5);
    safetensors_close(f->other);
    *f = (tensor_file){.path = NULL};
}

int tensor_file_exists(const tensor_file *f, const char *name) {
    return f->h5 ? h5_exists(f->h5, name) : safetensors_exists(f->other, name);
}

int tensor_file_read(const tensor_file *f, const char *name, int rank, const size_t *dims, float *out) {
    hsize_t wide[H5_MAX_RANK];
    size_t count = 1;
    for (int k = 0; k < rank; k++) {
        wide[k] = dims[k];
        count *= dims[k];
    }
    if ((f->h5 ? h5_read_f32(f->h5, name, rank, wide, out)
               : safetensors_read_f32(f->other, name, rank, dims, out)) < 0)
        return -1;
    for (size_t k = 0; k < count; k++)
        if (!isfinite(out[k]))
            return err_set("%s: %s: value %zu is not finite", f->path, name, k);
    return 0;
}
