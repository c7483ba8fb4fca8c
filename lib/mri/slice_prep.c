#include "mri/slice_prep.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/progress.h"
#include "mri/fft.h"
#include <stdlib.h>
#include <string.h>

struct slice_prep {
    slice_shape shape;
    fft2 *raw, *image;     /* raw: NULL where nothing is cropped */
    float complex *coil;   /* [rows][columns], one coil's image before it is cropped */
    float complex *kspace; /* [coils][image_rows][image_columns] */
    float complex *maps;   /* the same */
    jsense *jsense;
    slice_prep_times times;
};

static int is_cropped(const slice_shape *s) {
    return s->rows != s->image_rows || s->columns != s->image_columns;
}

static size_t image_pixels(const slice_shape *s) {
    return (size_t)s->image_rows * s->image_columns;
}

static int allocate(slice_prep *p, const jsense_settings *settings) {
    const slice_shape *s = &p->shape;
    size_t bytes = s->coils * image_pixels(s) * sizeof(float complex);
    if (!(p->jsense = jsense_create(s->coils, s->image_rows, s->image_columns, settings)) ||
        !(p->kspace = mem_alloc(bytes)) || !(p->maps = mem_alloc(bytes)))
        return -1;
    if (!is_cropped(s))
        return 0;
    p->raw = fft2_create(s->rows, s->columns);
    p->image = fft2_create(s->image_rows, s->image_columns);
    p->coil = mem_alloc((size_t)s->rows * s->columns * sizeof *p->coil);
    return p->raw && p->image && p->coil ? 0 : -1;
}

slice_prep *slice_prep_create(const slice_shape *s, const jsense_settings *settings) {
    if (s->image_rows < 1 || s->image_columns < 1 || s->image_rows > s->rows || s->image_columns > s->columns)
        return err_set_null("an image of %d x %d cannot be cropped from k-space of %d x %d", s->image_rows,
                            s->image_columns, s->rows, s->columns);
    slice_prep *p = mem_calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->shape = *s;
    if (allocate(p, settings) == 0)
        return p;
    slice_prep_free(p);
    return NULL;
}

void slice_prep_free(slice_prep *p) {
    if (!p)
        return;
    fft2_free(p->raw);
    fft2_free(p->image);
    jsense_free(p->jsense);
    free(p->coil);
    free(p->kspace);
    free(p->maps);
    free(p);
}

static void crop(slice_prep *p, const float complex *kspace) {
    const slice_shape *s = &p->shape;
    size_t columns = (size_t)s->columns, width = (size_t)s->image_columns;
    int top = (s->rows - s->image_rows) / 2, left = (s->columns - s->image_columns) / 2;
    for (int c = 0; c < s->coils; c++) {
        float complex *to = p->kspace + c * image_pixels(s);
        fft2_inverse(p->raw, 1, kspace + (size_t)c * s->rows * columns, p->coil);
        for (int row = 0; row < s->image_rows; row++)
            memcpy(to + row * width, p->coil + (top + row) * columns + left, width * sizeof *to);
        fft2_forward(p->image, 1, to, to);
    }
}

static void undersample(slice_prep *p, const unsigned char *mask) {
    size_t pixels = image_pixels(&p->shape);
    for (int c = 0; c < p->shape.coils; c++)
        for (size_t k = 0; k < pixels; k++)
            if (!mask[k])
                p->kspace[(size_t)c * pixels + k] = 0.0f;
}

int slice_prep_run(slice_prep *p, const float complex *kspace, const unsigned char *mask,
                   float complex *reference, float complex *zero_filled) {
    double start = clock_seconds();
    if (is_cropped(&p->shape))
        crop(p, kspace);
    else
        memcpy(p->kspace, kspace, (size_t)p->shape.coils * image_pixels(&p->shape) * sizeof *kspace);
    double cropped = clock_seconds();
    if (jsense_maps(p->jsense, p->kspace, p->maps) < 0)
        return -1;
    double mapped = clock_seconds();
    if (jsense_combine(p->jsense, p->kspace, p->maps, reference) < 0)
        return -1;
    undersample(p, mask);
    if (jsense_combine(p->jsense, p->kspace, p->maps, zero_filled) < 0)
        return -1;
    p->times.crop += cropped - start;
    p->times.jsense += mapped - cropped;
    p->times.combine += clock_seconds() - mapped;
    return 0;
}

float complex *slice_prep_acquired(slice_prep *p) {
    return p->kspace;
}

int slice_prep_combine(slice_prep *p, float complex *zero_filled) {
    double start = clock_seconds();
    int status = jsense_combine(p->jsense, p->kspace, p->maps, zero_filled);
    p->times.combine += clock_seconds() - start;
    return status;
}

const float complex *slice_prep_maps(const slice_prep *p) {
    return p->maps;
}

slice_prep_times slice_prep_time(const slice_prep *p) {
    return p->times;
}
