#include "mri/virtual_scan.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "mri/cubic.h"
#include "mri/fft.h"
#include <gsl/gsl_interp.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is drawn from a scan's streams. */
enum { DRAW_GEOMETRY, DRAW_LOOK, DRAW_NOISE, DRAW_COILS = 1 << 20 }; /* DRAW_NOISE + slice */

/* Splits alternate along z, so that each sees the head at several heights. Two unused voxels separate slabs. */
static const virtual_slab slabs[] = {{"train", 8, 33},  {"test", 36, 56},  {"train", 59, 81},
                                     {"test", 84, 104}, {"val", 107, 123}, {"train", 126, 150},
                                     {NULL, 0, 0}};

const virtual_slab *virtual_slabs(void) {
    return slabs;
}

static int choose_slab(const char *split, int index, virtual_slab *out) {
    int count = 0;
    for (const virtual_slab *s = slabs; s->split; s++)
        count += strcmp(s->split, split) == 0;
    if (count == 0)
        return err_set("unknown split '%s': expected train, val or test", split);
    int wanted = index % count;
    for (const virtual_slab *s = slabs; s->split; s++)
        if (strcmp(s->split, split) == 0 && wanted-- == 0)
            *out = *s;
    return 0;
}

static double between(gsl_rng *rng, double low, double high) {
    return low + (high - low) * gsl_rng_uniform(rng);
}

static virtual_wave draw_wave(gsl_rng *rng, double amplitude, double shortest, double longest) {
    virtual_wave w = {.amplitude = between(rng, -amplitude, amplitude),
                      .phase = between(rng, 0.0, 2.0 * M_PI)};
    double k = 2.0 * M_PI / between(rng, shortest, longest), x, y, z;
    gsl_ran_dir_3d(rng, &x, &y, &z);
    w.k[0] = k * x;
    w.k[1] = k * y;
    w.k[2] = k * z;
    return w;
}

static void draw_geometry(virtual_scan *s, gsl_rng *rng) {
    int quarter = (int)gsl_rng_uniform_int(rng, 4);
    double flip = gsl_rng_uniform_int(rng, 2) ? 1.0 : -1.0;
    double angle = M_PI / 2.0 * quarter + between(rng, -15.0, 15.0) * M_PI / 180.0;
    double sx = flip * between(rng, 0.9, 1.1), sy = between(rng, 0.9, 1.1);
    s->matrix[0][0] = sx * cos(angle);
    s->matrix[0][1] = -sx * sin(angle);
    s->matrix[1][0] = sy * sin(angle);
    s->matrix[1][1] = sy * cos(angle);
    s->pixel_mm = between(rng, 0.68, 0.76); /* of 320 pixels: 218 to 243 mm */
    s->centre_x = between(rng, -6.0, 6.0);
    s->centre_y = between(rng, -6.0, 6.0);
    s->tilt_x = between(rng, -1.5, 1.5) * M_PI / 180.0;
    s->tilt_y = between(rng, -1.5, 1.5) * M_PI / 180.0;
    for (int axis = 0; axis < 3; axis++)
        for (int k = 0; k < VIRTUAL_WAVES; k++)
            s->warp[axis][k] = draw_wave(rng, axis < 2 ? 2.0 : 0.4, 60.0, 160.0);
}

static void draw_look(virtual_scan *s, gsl_rng *rng) {
    double sum = 0.0;
    s->tone[0] = 0.0;
    for (int k = 1; k < VIRTUAL_TONE_KNOTS; k++)
        s->tone[k] = sum += between(rng, 0.4, 1.6);
    for (int k = 1; k < VIRTUAL_TONE_KNOTS; k++)
        s->tone[k] /= sum;
    for (int k = 0; k < 3; k++)
        s->bias[k] = draw_wave(rng, 0.15, 180.0, 400.0);
    s->snr = between(rng, 20.0, 60.0);
}

/* Loops on a cylinder around the head, facing its axis; no wire inside the field of view. */
static void draw_coils(virtual_scan *s, gsl_rng *rng) {
    double turn = between(rng, 0.0, 2.0 * M_PI);
    for (int c = 0; c < VIRTUAL_COILS; c++) {
        coil_loop *loop = &s->loops[c];
        double angle = turn + 2.0 * M_PI * c / VIRTUAL_COILS + between(rng, -5.0, 5.0) * M_PI / 180.0;
        double ring = between(rng, 165.0, 180.0);
        loop->radius = between(rng, 60.0, 75.0);
        loop->centre[0] = ring * cos(angle);
        loop->centre[1] = ring * sin(angle);
        loop->centre[2] = between(rng, -20.0, 20.0);
        loop->normal[0] = -cos(angle);
        loop->normal[1] = -sin(angle);
        loop->normal[2] = between(rng, -0.1, 0.1);
    }
    for (int k = 0; k < 3; k++)
        s->phase[k] = draw_wave(rng, 0.8, 150.0, 400.0);
}

int virtual_scan_draw(uint64_t seed, const char *split, int index, virtual_scan *s) {
    *s = (virtual_scan){.seed = seed};
    snprintf(s->scan_id, sizeof s->scan_id, "colin27_%s_%04d", split, index + 1);
    if (choose_slab(split, index, &s->slab) < 0)
        return -1;
    gsl_rng *rng = rng_stream(seed, RNG_COHORT, rng_hash(s->scan_id), DRAW_GEOMETRY);
    if (!rng)
        return -1;
    draw_geometry(s, rng);
    rng_restart(rng, seed, RNG_COHORT, rng_hash(s->scan_id), DRAW_LOOK);
    draw_look(s, rng);
    rng_restart(rng, seed, RNG_COHORT, rng_hash(s->scan_id), DRAW_COILS);
    draw_coils(s, rng);
    gsl_rng_free(rng);
    return 0;
}

nifti_volume *virtual_head_read(const char *path) {
    if (access(path, R_OK) != 0)
        return err_set_null("%s: cannot be read: it is part of the Debian package mricron-data", path);
    nifti_volume *head = nifti_volume_read(path);
    const virtual_slab *slab = slabs;
    while (slab[1].split)
        slab++;
    if (!head || head->nz > slab->last)
        return head;
    err_set("%s: volume has %d slices along z, expected at least %d", path, head->nz, slab->last + 1);
    nifti_volume_free(head);
    return NULL;
}

/* Six voxels at either end are left to tilt, warp and interpolation. */
double virtual_scan_position(const virtual_scan *s, int slice, int slices) {
    double low = s->slab.first + 6.0, high = s->slab.last - 6.0;
    return low + (high - low) * (slice + 0.5) / slices;
}

/* ---------------------------------------------------------------- rendering */

static double waves(const virtual_wave *w, int count, double x, double y, double z) {
    double sum = 0.0;
    for (int k = 0; k < count; k++)
        sum += w[k].amplitude * cos(w[k].k[0] * x + w[k].k[1] * y + w[k].k[2] * z + w[k].phase);
    return sum;
}

static void widen(int range[2], int low, int high) {
    range[0] = low < range[0] ? low : range[0];
    range[1] = high > range[1] ? high : range[1];
}

/* Tricubic interpolation; outside the volume is air. */
static double sample(const nifti_volume *head, double x, double y, double z, int z_range[2]) {
    int ix = (int)floor(x), iy = (int)floor(y), iz = (int)floor(z);
    double wx[4], wy[4], wz[4], sum = 0.0;
    cubic_weights(x - ix, wx);
    cubic_weights(y - iy, wy);
    cubic_weights(z - iz, wz);
    widen(z_range, iz - 1, iz + 2);
    for (int c = 0; c < 4; c++)
        for (int b = 0; b < 4; b++) {
            int zz = iz - 1 + c, yy = iy - 1 + b;
            if (zz < 0 || yy < 0 || zz >= head->nz || yy >= head->ny)
                continue;
            const float *row = head->data + ((size_t)zz * head->ny + yy) * head->nx;
            double line = 0.0;
            for (int a = 0; a < 4; a++)
                if (ix - 1 + a >= 0 && ix - 1 + a < head->nx)
                    line += wx[a] * (double)row[ix - 1 + a];
            sum += wz[c] * wy[b] * line;
        }
    return sum > 0.0 ? sum : 0.0;
}

/* Volume intensities at the knots of the tone curve: close where brain tissue is, so that its contrast varies
 * most. */
static const double tone_knots[VIRTUAL_TONE_KNOTS] = {0.0, 30.0, 60.0, 85.0, 110.0, 160.0, 256.0};

typedef struct {
    const virtual_scan *s;
    const nifti_volume *head;
    gsl_interp *tone;
    double z;
    int size;
} renderer;

static double render_pixel(const renderer *r, int row, int column, int z_range[2]) {
    const virtual_scan *s = r->s;
    double scale = 320.0 / r->size * s->pixel_mm, half = 0.5 * (r->size - 1);
    double u = (column - half) * scale, v = (row - half) * scale;
    double x = s->matrix[0][0] * u + s->matrix[0][1] * v + s->centre_x;
    double y = s->matrix[1][0] * u + s->matrix[1][1] * v + s->centre_y;
    double z = r->z + s->tilt_x * x + s->tilt_y * y + waves(s->warp[2], VIRTUAL_WAVES, x, y, r->z);
    double dx = waves(s->warp[0], VIRTUAL_WAVES, x, y, r->z),
           dy = waves(s->warp[1], VIRTUAL_WAVES, x, y, r->z);
    /* one voxel below and two above take part in the interpolation */
    z = fmax(s->slab.first + 1.0, fmin(s->slab.last - 2.0, z));
    double value =
        sample(r->head, 0.5 * (r->head->nx - 1) + x + dx, 0.5 * (r->head->ny - 1) + y + dy, z, z_range);
    double tone = gsl_interp_eval(r->tone, tone_knots, s->tone, fmin(value, 255.0), NULL);
    return tone * exp(waves(s->bias, 3, u, v, 0.0));
}

int virtual_scan_render(const virtual_scan *s, const nifti_volume *head, int slice, int slices, int size,
                        float *image, int z_range[2]) {
    int range[2] = {head->nz, -1};
    renderer r = {s, head, gsl_interp_alloc(gsl_interp_steffen, VIRTUAL_TONE_KNOTS),
                  virtual_scan_position(s, slice, slices), size};
    if (!r.tone)
        return err_set("out of memory");
    gsl_interp_init(r.tone, tone_knots, s->tone, VIRTUAL_TONE_KNOTS);
    for (int row = 0; row < size; row++)
        for (int column = 0; column < size; column++)
            image[(size_t)row * size + column] = (float)render_pixel(&r, row, column, range);
    gsl_interp_free(r.tone);
    if (z_range)
        widen(z_range, range[0], range[1]);
    return 0;
}

/* ---------------------------------------------------------------- acquisition */

typedef struct {
    virtual_scan scan;
    const nifti_volume *head;
} acquisition;

/* What one slice needs on its way to k-space. */
typedef struct {
    float *image;
    float complex *maps; /* [VIRTUAL_COILS][pixels] */
    double complex factor[VIRTUAL_COILS * VIRTUAL_COILS];
    fft2 *fft;
    gsl_rng *rng;
} acquired;

/* 0 if there is no tissue. */
static double tissue_mean(const float *image, size_t pixels) {
    double sum = 0.0;
    size_t tissue = 0;
    for (size_t k = 0; k < pixels; k++)
        if (image[k] > 0.1f) {
            sum += (double)image[k];
            tissue++;
        }
    return tissue ? sum / (double)tissue : 0.0;
}

/* maps *= exp(i phase) image: the coil images. */
static void coil_images(const virtual_scan *s, int size, const float *image, float complex *maps) {
    double scale = 320.0 / size * s->pixel_mm, half = 0.5 * (size - 1);
    size_t pixels = (size_t)size * size;
    for (int row = 0; row < size; row++)
        for (int column = 0; column < size; column++) {
            size_t p = (size_t)row * size + column;
            double phase = waves(s->phase, 3, (column - half) * scale, (row - half) * scale, 0.0);
            float complex value = (float complex)((double)image[p] * cexp(I * phase));
            for (int c = 0; c < VIRTUAL_COILS; c++)
                maps[(size_t)c * pixels + p] *= value;
        }
}

/* kspace += sigma L n with white complex noise n, sample by sample over the coils. */
static void add_noise(const acquired *a, double sigma, size_t pixels, float complex *kspace) {
    for (size_t p = 0; p < pixels; p++) {
        double complex white[VIRTUAL_COILS];
        for (int c = 0; c < VIRTUAL_COILS; c++) {
            double re = gsl_ran_gaussian_ziggurat(a->rng, sigma);
            white[c] = re + I * gsl_ran_gaussian_ziggurat(a->rng, sigma);
        }
        for (int c = 0; c < VIRTUAL_COILS; c++) {
            double complex sum = 0.0;
            for (int d = 0; d <= c; d++)
                sum += a->factor[c * VIRTUAL_COILS + d] * white[d];
            kspace[(size_t)c * pixels + p] += (float complex)sum;
        }
    }
}

static int acquire(const raw_scan *raw, int slice, acquired *a, float complex *kspace) {
    const acquisition *from = raw->self;
    const virtual_scan *s = &from->scan;
    int size = raw->rows;
    size_t pixels = (size_t)size * size;
    double z = virtual_scan_position(s, slice, raw->slices) - 0.5 * (s->slab.first + s->slab.last);
    if (!a->image || !a->maps || !a->fft || !a->rng ||
        virtual_scan_render(s, from->head, slice, raw->slices, size, a->image, NULL) < 0 ||
        coil_sensitivities(s->loops, VIRTUAL_COILS, z, 320.0 / size * s->pixel_mm, size, a->maps) < 0 ||
        coil_noise_factor(a->maps, VIRTUAL_COILS, (int)pixels, VIRTUAL_NOISE_SHARE, a->factor) < 0)
        return -1;
    double mean = tissue_mean(a->image, pixels);
    if (mean == 0.0)
        return err_set("%s: slice %d shows no tissue", s->scan_id, slice);
    coil_images(s, size, a->image, a->maps);
    fft2_forward(a->fft, VIRTUAL_COILS, a->maps, kspace);
    add_noise(a, mean / s->snr, pixels, kspace);
    return 0;
}

static int read_slice(const raw_scan *raw, int slice, float complex *kspace) {
    const virtual_scan *s = &((const acquisition *)raw->self)->scan;
    size_t pixels = (size_t)raw->rows * raw->columns;
    acquired a = {.image = mem_alloc(pixels * sizeof *a.image),
                  .maps = mem_alloc(VIRTUAL_COILS * pixels * sizeof *a.maps),
                  .fft = fft2_create(raw->rows, raw->columns),
                  .rng = rng_stream(s->seed, RNG_COHORT, rng_hash(s->scan_id), DRAW_NOISE + (uint64_t)slice)};
    int status = acquire(raw, slice, &a, kspace);
    free(a.image);
    free(a.maps);
    fft2_free(a.fft);
    if (a.rng)
        gsl_rng_free(a.rng);
    return status;
}

raw_scan *virtual_scan_open(const virtual_scan *s, const nifti_volume *head, const char *source, int slices,
                            int size) {
    raw_scan *raw = raw_scan_new(s->scan_id, s->scan_id, "VIRTUAL_T1", VIRTUAL_COHORT, source);
    acquisition *a = raw ? mem_alloc(sizeof *a) : NULL;
    if (!a) {
        raw_scan_close(raw);
        return NULL;
    }
    *a = (acquisition){*s, head};
    raw->slices = slices;
    raw->coils = VIRTUAL_COILS;
    raw->rows = raw->columns = raw->image_rows = raw->image_columns = size;
    raw->snr = s->snr;
    raw->self = a;
    raw->read = read_slice;
    raw->release = free;
    return raw;
}
