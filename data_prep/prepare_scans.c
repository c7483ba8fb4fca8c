/* Makes prepared scans (io/prepared.h) out of raw multi-coil k-space: fastMRI's files, or virtual scans. */
#include "core/version.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/file.h"
#include "core/cli.h"
#include "core/error.h"
#include "core/progress.h"
#include "program/record.h"
#include "core/rng.h"
#include "io/prepared.h"
#include "models/recon_unet.h"
#include "mri/fastmri.h"
#include "mri/faults.h"
#include "mri/sampling.h"
#include "mri/scan_split.h"
#include "mri/slice_prep.h"
#include "mri/virtual_scan.h"
#include "virtual_cohort.h"
#include <cblas.h>
#include <dirent.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "prepare_scans"
#define PATH_LENGTH 4096
#define SETTINGS_LENGTH 2048
#define FAULT_SHARE 0.1         /* of virtual test scans */
#define MAPS "sensitivity_maps" /* complex64 (slices, coils, rows, columns), by option */

typedef struct {
    const char *folder; /* of fastMRI files; NULL: virtual scans */
    const char *out, *split, *records, *weights, *mask, *lists[SPLIT_KINDS];
    const char *faults; /* as given; NULL: not */
    double fault_share;
    sampling_settings sampling;
    jsense_settings jsense;
    virtual_cohort cohort;
    double val_share;
    int keep_going, dry_run, complex_images, maps, no_reconstruction, threads;
    uint64_t seed;
} options;

/* A scan to be prepared. */
typedef struct {
    int split, index;       /* index: of the virtual scan */
    const split_scan *file; /* NULL for a virtual scan */
    int fault;              /* fault_kind of a second acquisition, or FAULT_NONE */
    char scan_id[256];
} job;

/* Why a scan was skipped. */
typedef enum { SKIP_OPEN, SKIP_SAMPLES, SKIP_PREPARE, SKIP_WRITE, SKIP_KINDS } skip_reason;
static const char *const skip_texts[SKIP_KINDS] = {"cannot be opened as fastMRI", "bad k-space",
                                                   "cannot be reconstructed", "cannot be written"};

typedef struct {
    double read, crop, jsense, combine, network, write;
} stage_times;

typedef struct {
    const options *o;
    nifti_volume *head;
    scan_split *files;
    net *recon;
    char source_sha256[65], weights_sha256[65], settings[SETTINGS_LENGTH];
    job *jobs;
    int job_count;
    int prepared, kept, removed, skipped[SKIP_KINDS];
    int64_t slices;
    stage_times seconds;
    err_box failure;
} preparation;

/* What a thread works with; made anew when scans of another shape come. */
typedef struct {
    slice_shape shape;
    slice_prep *prep;
    recon_unet_runner *runner;
    gsl_rng *rng;
    unsigned char *mask;
    float complex *kspace, *images[3]; /* reference, zero-filled, reconstruction */
    float *magnitude;
    stage_times seconds;
} worker;

/* ---------------------------------------------------------------- which scans */

static int is_wanted(const options *o, int split) {
    return strcmp(o->split, "all") == 0 || split_find(o->split) == split;
}

static int list_virtual(preparation *p) {
    const virtual_cohort *c = &p->o->cohort;
    if (!(p->head = virtual_head_read(c->source)) || file_checksum(c->source, "sha256", p->source_sha256) < 0)
        return -1;
    p->jobs = mem_calloc((size_t)(c->scans[0] + c->scans[1] + c->scans[2]), sizeof *p->jobs);
    for (int split = 0; p->jobs && split < SPLIT_KINDS; split++) {
        printf("%s: %d virtual scans, %d slices\n", split_name(split), c->scans[split],
               c->scans[split] * c->slices[split]);
        for (int k = 0; is_wanted(p->o, split) && k < c->scans[split]; k++) {
            virtual_scan scan;
            if (virtual_scan_draw(p->o->seed, split_name(split), k, &scan) < 0)
                return -1;
            job *j = &p->jobs[p->job_count++];
            *j = (job){.split = split, .index = k, .fault = FAULT_NONE};
            snprintf(j->scan_id, sizeof j->scan_id, "%s", scan.scan_id);
        }
    }
    return p->jobs ? 0 : -1;
}

/* Lists that lie beside the scans count when none was named. */
static void find_lists(const options *o, const char **lists, char paths[SPLIT_KINDS][PATH_LENGTH]) {
    int named = 0;
    for (int split = 0; split < SPLIT_KINDS; split++)
        named |= (lists[split] = o->lists[split]) != NULL;
    for (int split = 0; !named && split < SPLIT_KINDS; split++) {
        snprintf(paths[split], PATH_LENGTH, "%s/%s.txt", o->folder, split_name(split));
        if (access(paths[split], R_OK) == 0)
            lists[split] = paths[split];
    }
}

static void skip(preparation *p, skip_reason why, const char *message) {
#pragma omp critical(skip)
    {
        p->skipped[why]++;
        fprintf(stderr, "%s: skipped: %s\n", PROGRAM, message);
    }
}

static int list_files(preparation *p) {
    static char found[SPLIT_KINDS][PATH_LENGTH];
    const options *o = p->o;
    split_settings s = {
        .folder = o->folder, .val_share = o->val_share, .seed = o->seed, .keep_going = o->keep_going};
    find_lists(o, s.lists, found);
    if (!(p->files = scan_split_open(&s)))
        return -1;
    for (int k = 0; k < p->files->skipped_count; k++)
        skip(p, SKIP_OPEN, p->files->skipped[k].message);
    int total = 0;
    for (int split = 0; split < SPLIT_KINDS; split++)
        total += p->files->parts[split].count;
    p->jobs = mem_calloc((size_t)total, sizeof *p->jobs);
    for (int split = 0; p->jobs && split < SPLIT_KINDS; split++) {
        const split_part *part = &p->files->parts[split];
        printf("%s: %d scans, %lld slices, %d patients%s%s\n", split_name(split), part->count,
               (long long)part->slices, part->patients, s.lists[split] ? ", list " : "",
               s.lists[split] ? s.lists[split] : "");
        for (int k = 0; is_wanted(o, split) && k < part->count; k++) {
            job *j = &p->jobs[p->job_count++];
            *j = (job){.split = split, .file = &part->scans[k], .fault = FAULT_NONE};
            if (snprintf(j->scan_id, sizeof j->scan_id, "%s", part->scans[k].scan_id) >=
                (int)sizeof j->scan_id)
                return err_set("%s: the file's name is too long", part->scans[k].path);
        }
    }
    return p->jobs ? 0 : -1;
}

/* Only test scans are acquired with faults: there is something to find in them, and nothing to learn. */
static int choose_faults(preparation *p) {
    int first = 0, count = 0;
    while (first < p->job_count && p->jobs[first].split != SPLIT_TEST)
        first++;
    while (first + count < p->job_count && p->jobs[first + count].split == SPLIT_TEST)
        count++;
    int *kind = mem_alloc((size_t)count * sizeof *kind);
    int status = kind ? fault_choose(p->o->seed, p->o->fault_share, count, kind) : -1;
    for (int k = 0; status == 0 && k < count; k++)
        p->jobs[first + k].fault = kind[k];
    free(kind);
    return status;
}

static raw_scan *open_scan(const preparation *p, const job *j) {
    virtual_scan scan;
    if (j->file)
        return fastmri_open(j->file->path);
    if (virtual_scan_draw(p->o->seed, split_name(j->split), j->index, &scan) < 0)
        return NULL;
    return virtual_scan_open(&scan, p->head, p->o->cohort.source, p->o->cohort.slices[j->split],
                             p->o->cohort.size);
}

/* ---------------------------------------------------------------- a worker */

static void worker_clear(worker *w) {
    if (w->prep) {
        slice_prep_times t = slice_prep_time(w->prep);
        w->seconds.crop += t.crop;
        w->seconds.jsense += t.jsense;
        w->seconds.combine += t.combine;
    }
    slice_prep_free(w->prep);
    recon_unet_runner_free(w->runner);
    free(w->mask);
    free(w->kspace);
    for (int k = 0; k < 3; k++)
        free(w->images[k]);
    free(w->magnitude);
    *w = (worker){.rng = w->rng, .seconds = w->seconds};
}

static int worker_fit(worker *w, const preparation *p, const raw_scan *raw) {
    slice_shape shape = {raw->coils, raw->rows, raw->columns, raw->image_rows, raw->image_columns};
    if (w->prep && memcmp(&shape, &w->shape, sizeof shape) == 0)
        return 0;
    worker_clear(w);
    w->shape = shape;
    size_t pixels = (size_t)raw->image_rows * (size_t)raw->image_columns;
    if (!w->rng && !(w->rng = rng_stream(p->o->seed, RNG_SAMPLING, 0, 0)))
        return -1;
    if (!(w->mask = mem_alloc(pixels)) || !(w->magnitude = mem_alloc(pixels * sizeof *w->magnitude)))
        return -1;
    for (int k = 0; k < 3; k++)
        if (!(w->images[k] = mem_alloc(pixels * sizeof *w->images[k])))
            return -1;
    w->kspace = mem_alloc((size_t)raw->coils * (size_t)raw->rows * (size_t)raw->columns * sizeof *w->kspace);
    if (!w->kspace || !(w->prep = slice_prep_create(&shape, &p->o->jsense)))
        return -1;
    return p->recon && !(w->runner = recon_unet_runner_create(p->recon, raw->image_rows, raw->image_columns))
               ? -1
               : 0;
}

/* One pattern for all slices of a scan, as it is acquired; in training each slice has its own, for variety.
 */
static int draw_mask(worker *w, const preparation *p, const job *j, int slice) {
    rng_restart(w->rng, p->o->seed, RNG_SAMPLING, rng_hash(j->scan_id),
                j->split == SPLIT_TRAIN ? (uint64_t)slice + 1 : 0);
    return sampling_draw(&p->o->sampling, w->shape.image_rows, w->shape.image_columns, w->rng, w->mask);
}

static int reconstruct(worker *w, const preparation *p, const job *j, int slice) {
    if (draw_mask(w, p, j, slice) < 0 ||
        slice_prep_run(w->prep, w->kspace, w->mask, w->images[0], w->images[1]) < 0)
        return -1;
    double start = clock_seconds();
    int status = p->recon ? recon_unet_run(w->runner, w->images[1], w->images[2]) : 0;
    w->seconds.network += clock_seconds() - start;
    return status;
}

static int write_magnitude(worker *w, h5_file *file, prepared_kind kind, int slice,
                           const float complex *image) {
    int rows = w->shape.image_rows, columns = w->shape.image_columns, status;
    for (size_t i = 0; i < (size_t)rows * (size_t)columns; i++)
        w->magnitude[i] = cabsf(image[i]);
#pragma omp critical(hdf5)
    status = prepared_write(file, kind, slice, rows, columns, w->magnitude);
    return status;
}

/* The second acquisition of a slice, behind reconstruct() of the first, whose images are written already. */
static int reconstruct_faulty(worker *w, const scan_fault *f, int slice) {
    const slice_shape *s = &w->shape;
    if (fault_apply(f, slice, w->mask, s->coils, s->image_rows, s->image_columns,
                    slice_prep_acquired(w->prep)) < 0 ||
        slice_prep_combine(w->prep, w->images[1]) < 0)
        return -1;
    double start = clock_seconds();
    int status = recon_unet_run(w->runner, w->images[1], w->images[2]);
    w->seconds.network += clock_seconds() - start;
    return status;
}

static int write_slice(worker *w, const preparation *p, h5_file *file, int slice) {
    int rows = w->shape.image_rows, columns = w->shape.image_columns, status = 0;
    double start = clock_seconds();
    for (int k = 0; status == 0 && k < (p->recon ? 3 : 2); k++) {
        status = write_magnitude(w, file, (prepared_kind)k, slice, w->images[k]);
        if (status == 0 && p->o->complex_images)
#pragma omp critical(hdf5)
            status = prepared_write_complex(file, (prepared_kind)(PREPARED_REFERENCE_COMPLEX + k), slice,
                                            rows, columns, w->images[k]);
    }
    if (status == 0 && p->o->maps) {
        const hsize_t dims[3] = {(hsize_t)w->shape.coils, (hsize_t)rows, (hsize_t)columns};
#pragma omp critical(hdf5)
        status = h5_write_slab_c64(file, MAPS, (hsize_t)slice, 3, dims, slice_prep_maps(w->prep));
    }
    w->seconds.write += clock_seconds() - start;
    return status;
}

/* ---------------------------------------------------------------- a scan */

/* Names everything that the images of a split were made with. Faults are part of it for test scans alone:
 * training scans stay what they are when the share changes. */
static void describe_split(const preparation *p, int split, char *text) {
    int used = snprintf(text, SETTINGS_LENGTH, "%s", p->settings);
    if (split == SPLIT_TEST && p->o->fault_share > 0.0)
        snprintf(text + used, SETTINGS_LENGTH - (size_t)used, " faults=%g", p->o->fault_share);
}

static int set_attributes(const preparation *p, const job *j, const raw_scan *raw, const scan_fault *fault,
                          h5_file *f) {
    const options *o = p->o;
    char settings[SETTINGS_LENGTH];
    describe_split(p, j->split, settings);
    if (fault && (h5_set_text(f, "fault", fault_name(fault->kind)) < 0 ||
                  h5_set_text(f, "fault_about", fault->about) < 0))
        return -1;
    if (h5_set_text(f, "settings", settings) < 0 || h5_set_text(f, "undersampling", o->mask) < 0 ||
        h5_set_real(f, "acceleration", o->sampling.acceleration) < 0 ||
        h5_set_real(f, "center_fraction", o->sampling.center_fraction) < 0 ||
        h5_set_integer(f, "coils", raw->coils) < 0 ||
        h5_set_integer(f, "calibration_width", o->jsense.calibration_width) < 0 ||
        h5_set_integer(f, "kernel_width", o->jsense.kernel_width) < 0 ||
        (raw->snr > 0.0 && h5_set_real(f, "snr", raw->snr) < 0))
        return -1;
    return p->recon ? h5_set_text(f, "reconstruction_weights_sha256", p->weights_sha256) : 0;
}

static int begin_maps(const preparation *p, const raw_scan *raw, h5_file *f) {
    const hsize_t dims[4] = {(hsize_t)raw->slices, (hsize_t)raw->coils, (hsize_t)raw->image_rows,
                             (hsize_t)raw->image_columns};
    return p->o->maps ? h5_begin_slabs(f, MAPS, 4, dims, H5_COMPLEX) : 0;
}

static h5_file *begin_scan(const preparation *p, const job *j, const raw_scan *raw, const scan_fault *fault,
                           const char *path) {
    int32_t *index = mem_alloc((size_t)raw->slices * sizeof *index);
    if (!index)
        return NULL;
    for (int k = 0; k < raw->slices; k++)
        index[k] = k;
    int complex_images = p->o->complex_images, recon = p->recon != NULL;
    prepared_content content = {
        .cohort = raw->cohort,
        .scan_id = raw->scan_id,
        .patient_id = raw->patient_id,
        .split = split_name(j->split),
        .acquisition = raw->acquisition,
        .source_file = raw->source,
        .source_sha256 = p->source_sha256,
        .generator = PROGRAM " " SSFD_VERSION,
        .seed = p->o->seed,
        .slices = raw->slices,
        .rows = raw->image_rows,
        .columns = raw->image_columns,
        .slice = index,
        .has = {1, 1, recon, fault != NULL, complex_images, complex_images, recon && complex_images}};
    h5_file *file;
#pragma omp critical(hdf5)
    {
        file = prepared_create(path, &content);
        if (file && (set_attributes(p, j, raw, fault, file) < 0 || begin_maps(p, raw, file) < 0)) {
            h5_close(file);
            file = NULL;
        }
    }
    free(index);
    return file;
}

/* Everything that the content of the file depends on besides the scan itself. Of a raw file, size and time
 * stand for the content: reading a terabyte to see that nothing changed would take hours. */
static void describe(const preparation *p, const job *j, char *text) {
    struct stat info = {0};
    describe_split(p, j->split, text);
    int used = (int)strlen(text);
    if (j->fault != FAULT_NONE)
        used += snprintf(text + used, SETTINGS_LENGTH - (size_t)used, " fault=%s",
                         fault_name((fault_kind)j->fault));
    if (j->file && stat(j->file->path, &info) == 0)
        snprintf(text + used, SETTINGS_LENGTH - (size_t)used, " bytes=%lld modified=%lld",
                 (long long)info.st_size, (long long)info.st_mtime);
    else
        snprintf(text + used, SETTINGS_LENGTH - (size_t)used, " slices=%d", p->o->cohort.slices[j->split]);
}

static int is_up_to_date(const char *path, const char *settings) {
    int same;
#pragma omp critical(hdf5)
    same = h5_file_says(path, "scan_settings", settings);
    return same;
}

/* fault: of the second acquisition; NULL: there is none. */
static int make_slices(preparation *p, worker *w, const job *j, const raw_scan *raw, const scan_fault *fault,
                       h5_file *file, skip_reason *why) {
    for (int slice = 0; slice < raw->slices; slice++) {
        double start = clock_seconds();
        *why = SKIP_SAMPLES;
        if (raw->read(raw, slice, w->kspace) < 0)
            return -1;
        w->seconds.read += clock_seconds() - start;
        *why = SKIP_PREPARE;
        if (reconstruct(w, p, j, slice) < 0)
            return err_prefix("%s: slice %d", j->file ? j->file->path : j->scan_id, slice);
        *why = SKIP_WRITE;
        if (write_slice(w, p, file, slice) < 0)
            return -1;
        if (!fault)
            continue;
        *why = SKIP_PREPARE;
        if (reconstruct_faulty(w, fault, slice) < 0)
            return err_prefix("%s: slice %d", j->file ? j->file->path : j->scan_id, slice);
        *why = SKIP_WRITE;
        if (write_magnitude(w, file, PREPARED_RECONSTRUCTION_FAULTY, slice, w->images[2]) < 0)
            return -1;
    }
    return 0;
}

static int finish_scan(h5_file *file, const char *settings, int status) {
#pragma omp critical(hdf5)
    {
        if (status == 0)
            status = h5_set_text(file, "scan_settings", settings);
        if (status == 0)
            status = h5_commit(file);
        else
            h5_close(file);
    }
    return status;
}

static int make_scan(preparation *p, worker *w, const job *j, skip_reason *why) {
    char path[PATH_LENGTH], settings[SETTINGS_LENGTH];
    snprintf(path, sizeof path, "%s/%s/%s.h5", p->o->out, split_name(j->split), j->scan_id);
    describe(p, j, settings);
    if (is_up_to_date(path, settings)) {
#pragma omp atomic
        p->kept++;
        return 0;
    }
    *why = SKIP_OPEN;
    raw_scan *raw = open_scan(p, j);
    if (!raw)
        return -1;
    *why = SKIP_PREPARE;
    scan_fault drawn, *fault = j->fault == FAULT_NONE ? NULL : &drawn;
    int status = worker_fit(w, p, raw);
    if (status == 0 && fault)
        status =
            fault_draw((fault_kind)j->fault, p->o->seed, j->scan_id, raw->coils, raw->image_columns, fault);
    if (status < 0)
        err_prefix("%s", j->file ? j->file->path : j->scan_id);
    *why = status < 0 ? SKIP_PREPARE : SKIP_WRITE;
    h5_file *file = status == 0 ? begin_scan(p, j, raw, fault, path) : NULL;
    if (file)
        status = finish_scan(file, settings, make_slices(p, w, j, raw, fault, file, why));
    else
        status = -1;
    if (status == 0) {
#pragma omp atomic
        p->slices += raw->slices;
#pragma omp atomic
        p->prepared++;
    }
    raw_scan_close(raw);
    return status;
}

/* ---------------------------------------------------------------- all scans */

static void add_times(preparation *p, const worker *w) {
    const double *from = (const double *)&w->seconds;
    double *to = (double *)&p->seconds;
    for (size_t k = 0; k < sizeof p->seconds / sizeof(double); k++)
        to[k] += from[k];
}

/* Scans in parallel; a thread holds one slice at a time, whatever the files' size and number. */
static int make_scans(preparation *p) {
    progress bar;
    progress_start(&bar, "prepared scans", (size_t)p->job_count);
#pragma omp parallel
    {
        worker w = {0};
#pragma omp for schedule(dynamic, 1)
        for (int k = 0; k < p->job_count; k++) {
            skip_reason why = SKIP_OPEN;
            if (!err_box_failed(&p->failure) && make_scan(p, &w, &p->jobs[k], &why) < 0) {
                if (p->o->keep_going)
                    skip(p, why, err_message());
                else
                    err_box_take(&p->failure);
            }
            progress_step(&bar, 1);
        }
        worker_clear(&w);
        if (w.rng)
            gsl_rng_free(w.rng);
#pragma omp critical(times)
        add_times(p, &w);
    }
    progress_end(&bar);
    return err_box_raise(&p->failure);
}

static int by_id(const void *a, const void *b) {
    return strcmp(((const job *)a)->scan_id, ((const job *)b)->scan_id);
}

/* A prepared scan of this program that is not part of the cohort any more: it would be taken for one. */
static int is_surplus(const char *path, const char *scan_id, const job *jobs, int count) {
    job key = {0};
    snprintf(key.scan_id, sizeof key.scan_id, "%s", scan_id);
    if (count > 0 && bsearch(&key, jobs, (size_t)count, sizeof *jobs, by_id))
        return 0;
    h5_file *f = h5_open(path);
    int ours = f && h5_attr_equals(f, "format", PREPARED_FORMAT) && h5_attr_exists(f, "scan_settings");
    h5_close(f);
    return ours;
}

/* jobs: of this split, sorted by id. */
static int remove_surplus(preparation *p, int split, const job *jobs, int count) {
    char folder[PATH_LENGTH], path[2 * PATH_LENGTH], scan_id[256];
    snprintf(folder, sizeof folder, "%s/%s", p->o->out, split_name(split));
    DIR *d = opendir(folder);
    int status = 0;
    for (struct dirent *e; d && status == 0 && (e = readdir(d));) {
        size_t length = strlen(e->d_name);
        if (e->d_name[0] == '.' || length < 4 || strcmp(e->d_name + length - 3, ".h5") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        snprintf(scan_id, sizeof scan_id, "%.*s", (int)(length - 3), e->d_name);
        if (!is_surplus(path, scan_id, jobs, count))
            continue;
        status = unlink(path) == 0 ? 0 : err_set("%s: cannot be removed", path);
        p->removed += status == 0;
    }
    if (d)
        closedir(d);
    return status;
}

static int tidy(preparation *p) {
    for (int first = 0, split = 0; split < SPLIT_KINDS; split++) {
        int count = 0;
        while (first + count < p->job_count && p->jobs[first + count].split == split)
            count++;
        if (count > 0)
            qsort(p->jobs + first, (size_t)count, sizeof *p->jobs, by_id);
        if (is_wanted(p->o, split) && remove_surplus(p, split, p->jobs + first, count) < 0)
            return -1;
        first += count;
    }
    return 0;
}

/* ---------------------------------------------------------------- the program */

static int load_network(preparation *p) {
    if (p->o->no_reconstruction)
        return 0;
    p->recon = model_load(p->o->weights, &model_recon_unet);
    return p->recon ? file_checksum(p->o->weights, "sha256", p->weights_sha256) : -1;
}

static void describe_settings(preparation *p) {
    const options *o = p->o;
    snprintf(p->settings, sizeof p->settings,
             "%s %s seed=%llu size=%d source=%s mask=%s acceleration=%g center_fraction=%g kernel=%d "
             "calibration=%d lambda=%g iterations=%dx%d weights=%s complex=%d maps=%d",
             PROGRAM, SSFD_VERSION, (unsigned long long)o->seed, o->cohort.size,
             o->folder ? o->folder : p->source_sha256, o->mask, o->sampling.acceleration,
             o->sampling.center_fraction, o->jsense.kernel_width, o->jsense.calibration_width,
             o->jsense.lambda, o->jsense.iterations, o->jsense.inner_iterations,
             p->recon ? p->weights_sha256 : "none", o->complex_images, o->maps);
}

static void report_times(const preparation *p, run_record *record) {
    const char *const names[] = {"read", "crop", "jsense", "combine", "network", "write"};
    const double *seconds = (const double *)&p->seconds;
    if (p->slices == 0)
        return;
    printf("ms per slice and thread:");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char key[64];
        snprintf(key, sizeof key, "%s_ms_per_slice", names[k]);
        record_real(record, key, 1e3 * seconds[k] / (double)p->slices);
        printf(" %s %.1f", names[k], 1e3 * seconds[k] / (double)p->slices);
    }
    printf("\n");
}

static int report_skipped(const preparation *p) {
    char text[256] = "";
    size_t used = 0;
    int total = 0;
    for (int k = 0; k < SKIP_KINDS; k++) {
        if (p->skipped[k])
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%d %s", total ? ", " : "",
                                     p->skipped[k], skip_texts[k]);
        total += p->skipped[k];
    }
    printf("%s: %d scans prepared (%lld slices), %d kept, %d removed, %d skipped\n", p->o->out, p->prepared,
           (long long)p->slices, p->kept, p->removed, total);
    return total ? err_set("%d scan%s skipped: %s", total, total == 1 ? "" : "s", text) : 0;
}

static int run(preparation *p, run_record *record) {
    const options *o = p->o;
    if ((o->folder ? list_files(p) : list_virtual(p)) < 0 || choose_faults(p) < 0)
        return -1;
    if (o->dry_run)
        return 0;
    if (load_network(p) < 0)
        return -1;
    describe_settings(p);
    if (make_scans(p) < 0 || tidy(p) < 0)
        return -1;
    report_times(p, record);
    record_text(record, "settings", p->settings);
    record_integer(record, "seed", (int64_t)o->seed);
    record_real(record, "fault_share", o->fault_share);
    record_integer(record, "scans_prepared", p->prepared);
    record_integer(record, "scans_kept", p->kept);
    record_integer(record, "slices_prepared", p->slices);
    return p->recon ? record_file(record, "weights", o->weights) : 0;
}

static void preparation_free(preparation *p) {
    nifti_volume_free(p->head);
    scan_split_free(p->files);
    net_free(p->recon);
    free(p->jobs);
}

static int prepare(const options *o, int argc, char **argv) {
    preparation p = {.o = o};
    run_record *record = record_begin(PROGRAM, argc, argv);
    int status = record ? run(&p, record) : -1;
    if (status == 0 && !o->dry_run)
        status = record_end(record, o->records);
    else
        record_discard(record);
    if (status == 0)
        status = o->dry_run ? 0 : report_skipped(&p);
    preparation_free(&p);
    return status < 0 ? cli_fail(PROGRAM) : 0;
}

/* --faults, or its default. Wrong usage leaves a message. */
static int parse_faults(options *o) {
    char *end;
    o->fault_share = o->folder || o->no_reconstruction ? 0.0 : FAULT_SHARE;
    if (!o->faults)
        return 0;
    o->fault_share = strtod(o->faults, &end);
    if (end == o->faults || *end || !(o->fault_share >= 0.0 && o->fault_share <= 1.0))
        return err_set("--faults: expected a share from 0 to 1, found '%s'", o->faults);
    if (o->fault_share > 0.0 && o->no_reconstruction)
        return err_set("--faults: without a reconstruction there is nothing to spoil");
    return 0;
}

int main(int argc, char **argv) {
    options o = {.out = "build/cohort",
                 .split = "all",
                 .records = "results/records",
                 .weights = "lib/models/weights/recon_unet.h5",
                 .mask = "columns",
                 .sampling = {SAMPLING_COLUMNS, 4.0, 0.08},
                 .jsense = jsense_defaults(),
                 .cohort = VIRTUAL_COHORT_DEFAULTS,
                 .val_share = SPLIT_VAL_SHARE,
                 .threads = omp_get_num_procs(),
                 .seed = 2022};
    const cli_option table[] = {
        {CLI_STRING, "out", &o.out, "DIR", "cohort folder: <out>/<split>/<scan>.h5", 0, 0},
        {CLI_STRING, "split", &o.split, "NAME", "train, val, test or all", 0, 0},
        {CLI_STRING, "train-list", &o.lists[SPLIT_TRAIN], "FILE", "files to train on: text or meddlr's JSON",
         0, 0},
        {CLI_STRING, "val-list", &o.lists[SPLIT_VAL], "FILE", "files to validate on", 0, 0},
        {CLI_STRING, "test-list", &o.lists[SPLIT_TEST], "FILE", "files to test on", 0, 0},
        {CLI_REAL, "val-share", &o.val_share, "SHARE", "share of multicoil_train that validates, by patient",
         0, 1},
        {CLI_FLAG, "keep-going", &o.keep_going, NULL,
         "skip scans that cannot be prepared; exit code 1 in the end", 0, 0},
        {CLI_FLAG, "dry-run", &o.dry_run, NULL, "only check the files and count scans, slices and patients",
         0, 0},
        {CLI_STRING, "mask", &o.mask, "KIND",
         "columns (1-D random Cartesian) or poisson (2-D variable density)", 0, 0},
        {CLI_REAL, "acceleration", &o.sampling.acceleration, "R", "undersampling factor", 1, 64},
        {CLI_REAL, "center-fraction", &o.sampling.center_fraction, "SHARE", "fully sampled centre", 0, 1},
        {CLI_INT, "kernel-width", &o.jsense.kernel_width, "N", "JSENSE: k-space kernel of a sensitivity map",
         1, 64},
        {CLI_INT, "calibration-width", &o.jsense.calibration_width, "N",
         "JSENSE: central samples in either direction", 1, 512},
        {CLI_REAL, "lambda", &o.jsense.lambda, "L", "JSENSE: regularisation", 0, 1e9},
        {CLI_INT, "iterations", &o.jsense.iterations, "N", "JSENSE: alternations", 1, 1000},
        {CLI_INT, "inner-iterations", &o.jsense.inner_iterations, "N", "JSENSE: conjugate gradient steps", 1,
         1000},
        {CLI_STRING, "weights", &o.weights, "FILE", "reconstruction U-Net", 0, 0},
        {CLI_FLAG, "no-reconstruction", &o.no_reconstruction, NULL, "reference and zero-filled image only", 0,
         0},
        {CLI_FLAG, "complex", &o.complex_images, NULL, "keep the complex images, too: training needs them", 0,
         0},
        {CLI_FLAG, "maps", &o.maps, NULL, "keep the coil sensitivities, too: dataset " MAPS, 0, 0},
        {CLI_STRING, "faults", &o.faults, "SHARE",
         "share of the test scans that are acquired a second time, with a fault: what quality control is to "
         "find (default: 0.1 of virtual scans, 0 of fastMRI)",
         0, 0},
        VIRTUAL_COHORT_OPTIONS(o.cohort),
        {CLI_U64, "seed", &o.seed, "N", "seed of split, masks and virtual scans", 0, 0},
        {CLI_INT, "threads", &o.threads, "N", "threads", 1, 1024},
        {CLI_STRING, "records", &o.records, "DIR", "folder for the run record", 0, 0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {PROGRAM,
                           "Makes prepared scans out of raw multi-coil k-space: JSENSE ground truth, "
                           "zero-filled image and U-Net\n"
                           "reconstruction of an accelerated acquisition, slice by slice.",
                           "FASTMRI",
                           0,
                           1,
                           table,
                           "FASTMRI is a folder with multicoil_train and multicoil_val (fastMRI's files). "
                           "Without it, the virtual scans\n"
                           "of the default cohort are prepared. Scans made with the same settings are kept."};
    int first;
    cli_result parsed = cli_parse(&spec, argc, argv, &first, stdout, stderr);
    if (parsed != CLI_RUN)
        return parsed == CLI_DONE ? 0 : 2;
    if (first < argc)
        o.folder = argv[first];
    if (strcmp(o.split, "all") != 0 && split_find(o.split) < 0)
        return cli_usage(PROGRAM, "unknown split '%s': expected train, val, test or all", o.split);
    if (strcmp(o.mask, "columns") != 0 && strcmp(o.mask, "poisson") != 0)
        return cli_usage(PROGRAM, "unknown mask '%s': expected columns or poisson", o.mask);
    o.sampling.kind = strcmp(o.mask, "poisson") == 0 ? SAMPLING_POISSON : SAMPLING_COLUMNS;
    if (!o.folder && (o.lists[0] || o.lists[1] || o.lists[2]))
        return cli_usage(PROGRAM, "lists are for fastMRI files: expected their folder");
    if (parse_faults(&o) < 0)
        return cli_usage(PROGRAM, "%s", err_message());
    omp_set_num_threads(o.threads);
    openblas_set_num_threads(1); /* threads work on different scans */
    return prepare(&o, argc, argv);
}
