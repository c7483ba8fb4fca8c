#include "io/safetensors.h"

#include "core/error.h"
#include "core/memory.h"
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8
#define HEADER_MAX 100000000 /* as in the format's own implementation */

struct safetensors {
    char *path;
    FILE *file;
    json_t *header;
    uint64_t data; /* where the tensors' bytes start */
};

/* ---------------------------------------------------------------- the header */

typedef struct {
    const char *dtype;
    size_t rank, bytes_each;
    json_int_t begin, end; /* counted from `data` */
    const json_t *shape;
} entry;

static size_t dtype_bytes(const char *dtype) {
    static const struct {
        const char *name;
        size_t bytes;
    } known[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strcmp(dtype, known[k].name) == 0)
            return known[k].bytes;
    return 0; /* another type: its tensors cannot be read, the others can */
}

static int read_entry(const safetensors *s, const char *name, const json_t *value, entry *e) {
    const json_t *offsets = json_object_get(value, "data_offsets");
    e->dtype = json_string_value(json_object_get(value, "dtype"));
    e->shape = json_object_get(value, "shape");
    if (!e->dtype || !json_is_array(e->shape) || json_array_size(offsets) != 2 ||
        !json_is_integer(json_array_get(offsets, 0)) || !json_is_integer(json_array_get(offsets, 1)))
        return err_set("%s: tensor '%s': expected dtype, shape and two data_offsets in the header", s->path,
                       name);
    e->rank = json_array_size(e->shape);
    e->bytes_each = dtype_bytes(e->dtype);
    e->begin = json_integer_value(json_array_get(offsets, 0));
    e->end = json_integer_value(json_array_get(offsets, 1));
    return 0;
}

/* Every tensor lies within the file: a truncated one is found before anything is read from it. */
static int check_extent(const safetensors *s, uint64_t size) {
    const char *name;
    json_t *value;
    json_object_foreach(s->header, name, value) {
        entry e;
        if (strcmp(name, "__metadata__") == 0)
            continue;
        if (read_entry(s, name, value, &e) < 0)
            return -1;
        if (e.begin < 0 || e.end < e.begin)
            return err_set("%s: tensor '%s': data_offsets %lld to %lld", s->path, name, (long long)e.begin,
                           (long long)e.end);
        if ((uint64_t)e.end > size - s->data)
            return err_set("%s: truncated: tensor '%s' ends at byte %llu, the file has %llu", s->path, name,
                           (unsigned long long)(s->data + (uint64_t)e.end), (unsigned long long)size);
    }
    return 0;
}

static int read_header(safetensors *s) {
    unsigned char length[LENGTH_BYTES];
    long size = fseek(s->file, 0, SEEK_END) == 0 ? ftell(s->file) : -1;
    uint64_t bytes = 0;
    if (size < 0 || fseek(s->file, 0, SEEK_SET) != 0 ||
        fread(length, 1, LENGTH_BYTES, s->file) != LENGTH_BYTES)
        return err_set("%s: not a safetensors file", s->path);
    for (int k = LENGTH_BYTES - 1; k >= 0; k--)
        bytes = bytes << 8 | length[k];
    if (bytes > HEADER_MAX)
        return err_set("%s: not a safetensors file", s->path);
    if (bytes > (uint64_t)size - LENGTH_BYTES)
        return err_set("%s: truncated: its header ends at byte %llu, the file has %ld", s->path,
                       (unsigned long long)bytes + LENGTH_BYTES, size);
    char *text = mem_alloc(bytes);
    if (!text)
        return -1;
    json_error_t error;
    int whole = fread(text, 1, bytes, s->file) == bytes;
    s->header = whole ? json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error) : NULL;
    free(text);
    if (!json_is_object(s->header))
        return err_set("%s: not a safetensors file: its header is no JSON object", s->path);
    s->data = LENGTH_BYTES + bytes;
    return check_extent(s, (uint64_t)size);
}

safetensors *safetensors_open(const char *path) {
    safetensors *s = mem_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->path = strdup(path);
    s->file = s->path ? fopen(path, "rb") : NULL;
    if (!s->path)
        err_set("out of memory");
    else if (!s->file)
        err_set("%s: cannot open: %s", path, strerror(errno));
    else if (read_header(s) == 0)
        return s;
    safetensors_close(s);
    return NULL;
}

void safetensors_close(safetensors *s) {
    if (!s)
        return;
    if (s->file)
        fclose(s->file);
    json_decref(s->header);
    free(s->path);
    free(s);
}

int safetensors_exists(const safetensors *s, const char *tensor) {
    return json_object_get(s->header, tensor) != NULL;
}

/* ---------------------------------------------------------------- a tensor */

static int check_shape(const safetensors *s, const char *name, const entry *e, int rank, const size_t *dims) {
    char expected[200] = "", found[200] = "";
    int same = e->rank == (size_t)rank;
    for (int k = 0; k < rank; k++) {
        same = same && json_integer_value(json_array_get(e->shape, (size_t)k)) == (json_int_t)dims[k];
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s%zu", k ? ", " : "",
                 dims[k]);
    }
    if (same)
        return 0;
    for (size_t k = 0; k < e->rank; k++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%lld", k ? ", " : "",
                 (long long)json_integer_value(json_array_get(e->shape, k)));
    return err_set("%s: tensor '%s': expected shape (%s), found (%s)", s->path, name, expected, found);
}

/* IEEE binary16. */
static float from_half(uint16_t bits) {
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, magnitude = bits & 0x7fff, out;
    if (magnitude < 0x0400) { /* a multiple of 2^-24 */
        float value = (float)magnitude * 0x1p-24f;
        return sign ? -value : value;
    }
    out = sign |
          (magnitude >= 0x7c00 ? 0x7f800000 | (magnitude & 0x3ff) << 13 : (magnitude << 13) + (112u << 23));
    float value;
    memcpy(&value, &out, sizeof value);
    return value;
}

static float from_bfloat(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

/* The two-byte values lie in the second half of out: each is widened before it is overwritten. */
static void widen(const char *dtype, size_t count, float *out) {
    const unsigned char *from = (const unsigned char *)out + 2 * count;
    for (size_t k = 0; k < count; k++) {
        uint16_t bits = (uint16_t)(from[2 * k] | from[2 * k + 1] << 8);
        out[k] = dtype[0] == 'B' ? from_bfloat(bits) : from_half(bits);
    }
}

int safetensors_read_f32(safetensors *s, const char *tensor, int rank, const size_t *dims, float *out) {
    const json_t *value = json_object_get(s->header, tensor);
    size_t count = 1;
    entry e;
    if (!value)
        return err_set("%s: tensor '%s' is missing", s->path, tensor);
    if (read_entry(s, tensor, value, &e) < 0 || check_shape(s, tensor, &e, rank, dims) < 0)
        return -1;
    for (int k = 0; k < rank; k++)
        count *= dims[k];
    if (!e.bytes_each)
        return err_set("%s: tensor '%s': expected F32, F16 or BF16, found %s", s->path, tensor, e.dtype);
    size_t bytes = count * e.bytes_each;
    if ((uint64_t)(e.end - e.begin) != bytes)
        return err_set("%s: tensor '%s': expected %zu bytes, found %lld", s->path, tensor, bytes,
                       (long long)(e.end - e.begin));
    char *to = (char *)out + count * sizeof *out - bytes;
    if (fseeko(s->file, (off_t)(s->data + (uint64_t)e.begin), SEEK_SET) != 0 ||
        fread(to, 1, bytes, s->file) != bytes)
        return err_set("%s: tensor '%s': its data cannot be read", s->path, tensor);
    if (e.bytes_each == 2)
        widen(e.dtype, count, out);
    return 0;
}
