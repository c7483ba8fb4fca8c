/* Makes prepared scans (io/prepared.h) from raw multi-coil k-space: fastMRI's files, or virtual scans. */
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "core/rng.h"
#include "core/version.h"
#include "io/leftovers.h"
#include "io/prepared.h"
#include "models/recon_unet.h"
#include "mri/fastmri.h"
#include "mri/faults.h"
#include "mri/sampling.h"
#include "mri/slice_prep.h"
#include "mri/virtual_scan.h"
#include "program/groups.h"
#include "virtual_cohort.h"
#include <errno.h>
#include <math.h>
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
    operand_list folder; /* of fastMRI files; none: virtual scans */
    run_options run;
    const char *split, *weights, *mask, *lists[SPLIT_KINDS];
    const char *faults; /* as given; NULL: not given */
    double fault_share;
    sampling_settings sampling;
    jsense_settings jsense;
    virtual_cohort cohort;
    double val_share;
    const char *image_size; /* as given */
    fastmri_image_size image;
    int keep_going, dry_run, prune, complex_images, maps, no_reconstruction;
} options;

/* A scan to be prepared. */
typedef struct {
    int split, index;       /* index: of the virtual scan */
    const split_scan *file; /* NULL for a virtual scan */
    int fault;              /* fault_kind of a second acquisition, or FAULT_NONE */
    char scan_id[256];
} job;

/* Where the work on a scan is, and so why it was skipped. */
typedef enum { AT_OPENING, AT_SAMPLES, AT_RECONSTRUCTION, AT_WRITING, STEPS } step;
static const char *const skip_texts[STEPS] = {"cannot be opened as fastMRI", "bad k-space",
                                              "cannot be reconstructed", "cannot be written"};

enum { READ_TIME, CROP_TIME, JSENSE_TIME, COMBINE_TIME, NETWORK_TIME, WRITE_TIME, TIMES };
static const char *const time_names[TIMES] = {"read", "crop", "jsense", "combine", "network", "write"};

/* What became of a scan; 0 in all bytes until then, as ranks_merge() needs it. */
typedef struct {
    enum { PENDING, KEPT, PREPARED, SKIPPED } state;
    step at;
    int slices;
    double seconds[TIMES];
    char message[ERR_MESSAGE_MAX]; /* of a skipped scan */
} outcome;

typedef struct {
    options *o;
    const char *folder;              /* NULL: virtual scans */
    char source_folder[PATH_LENGTH]; /* the same without links, "" for virtual scans */
    leftovers leftover[SPLIT_KINDS]; /* what else is in the folders of the splits */
    nifti_volume *head;
    scan_split *files;
    net *recon;
    char source_sha256[65], weights_sha256[65], settings[SETTINGS_LENGTH];
    job *jobs;                  /* [count], by split, then by scan_id in byte order */
    outcome *outcomes;          /* [count] */
    int first[SPLIT_KINDS + 1]; /* a split's first job */
    int count;
} preparation;

/* Which raw file a scan is made from. The same file is known by its place, size and time of change, or, after it was
 * moved or copied, by its content. */
typedef struct {
    char path[PATH_LENGTH];  /* without links */
    int64_t bytes, modified; /* modified: nanoseconds since 1970 */
    char sha256[65];         /* "" until it is needed: it takes a second per gigabyte */
} raw_source;

/* A scan that is being prepared, with buffers for one slice. */
typedef struct {
    const preparation *p;
    const job *job;
    outcome *now;
    raw_source source;
    raw_scan *raw;
    scan_fault drawn, *fault; /* of the second acquisition; NULL: there is none */
    h5_file *file;
    slice_prep *prep;
    recon_unet_runner *runner;
    gsl_rng *rng;
    unsigned char *mask;
    float complex *kspace, *images[3]; /* reference, zero-filled, reconstruction */
    float *magnitude;
} scan;

/* ---------------------------------------------------------------- which scans */

static const char *name_of(const job *j) {
    return j->file ? j->file->path : j->scan_id;
}

static int add_job(preparation *p, job j, const char *scan_id) {
    if (snprintf(j.scan_id, sizeof j.scan_id, "%s", scan_id) >= (int)sizeof j.scan_id)
        return err_set("%s: the file's name is too long", name_of(&j));
    j.fault = FAULT_NONE;
    p->jobs[p->count++] = j;
    for (int split = j.split; split < SPLIT_KINDS; split++)
        p->first[split + 1] = p->count;
    return 0;
}

static int allocate_jobs(preparation *p, int count) {
    p->jobs = mem_calloc((size_t)count, sizeof *p->jobs);
    p->outcomes = mem_calloc((size_t)count, sizeof *p->outcomes);
    return p->jobs && p->outcomes ? 0 : -1;
}

static int list_virtual(preparation *p) {
    const virtual_cohort *c = &p->o->cohort;
    if (!(p->head = virtual_head_read(c->source)) ||
        file_checksum(c->source, "sha256", p->source_sha256) < 0 ||
        allocate_jobs(p, c->scans[0] + c->scans[1] + c->scans[2]) < 0)
        return -1;
    for (int split = 0; split < SPLIT_KINDS; split++) {
        printf("%s: %d virtual scans, %d slices\n", split_name(split), c->scans[split],
               c->scans[split] * c->slices[split]);
        for (int k = 0; split_is_wanted(p->o->split, split) && k < c->scans[split]; k++) {
            virtual_scan scan;
            if (virtual_scan_draw(p->o->run.seed, split_name(split), k, &scan) < 0 ||
                add_job(p, (job){.split = split, .index = k}, scan.scan_id) < 0)
                return -1;
        }
    }
    return 0;
}

/* When no list is given, lists next to the scans are used. */
static void find_lists(const preparation *p, const char **lists, char paths[SPLIT_KINDS][PATH_LENGTH]) {
    int named = 0;
    for (int split = 0; split < SPLIT_KINDS; split++)
        named |= (lists[split] = p->o->lists[split]) != NULL;
    for (int split = 0; !named && split < SPLIT_KINDS; split++) {
        snprintf(paths[split], PATH_LENGTH, "%s/%s.txt", p->folder, split_name(split));
        if (access(paths[split], R_OK) == 0)
            lists[split] = paths[split];
    }
}

static void say_skipped(const char *message) {
    fprintf(stderr, "%s: skipped: %s\n", PROGRAM, message);
}

static int compare_sizes(const void *a, const void *b) {
    const fastmri_image_size *x = a, *y = b;
    return x->rows != y->rows ? x->rows - y->rows : x->columns - y->columns;
}

/* "image sizes: 320 x 320: 5 scans, 384 x 320: 1 scan" */
static void say_sizes(const split_part *parts) {
    int count = 0, total = parts[0].count + parts[1].count + parts[2].count;
    fastmri_image_size *sizes = mem_alloc((size_t)total * sizeof *sizes);
    for (int split = 0; sizes && split < SPLIT_KINDS; split++)
        for (int k = 0; k < parts[split].count; k++)
            sizes[count++] =
                (fastmri_image_size){parts[split].scans[k].image_rows, parts[split].scans[k].image_columns};
    if (count > 0)
        qsort(sizes, (size_t)count, sizeof *sizes, compare_sizes);
    for (int k = 0, same; k < count; k += same) {
        for (same = 1; k + same < count && compare_sizes(&sizes[k], &sizes[k + same]) == 0; same++)
            ;
        printf("%s%d x %d: %d scan%s", k ? ", " : "image sizes: ", sizes[k].rows, sizes[k].columns, same,
               same == 1 ? "" : "s");
    }
    printf("\n");
    free(sizes);
}

static int list_files(preparation *p) {
    static char found[SPLIT_KINDS][PATH_LENGTH];
    const options *o = p->o;
    split_settings s = {.folder = p->folder,
                        .val_share = o->val_share,
                        .seed = o->run.seed,
                        .image = o->image,
                        .keep_going = o->keep_going};
    find_lists(p, s.lists, found);
    if (!(p->files = scan_split_open(&s)))
        return -1;
    for (int k = 0; k < p->files->skipped_count; k++)
        say_skipped(p->files->skipped[k].message);
    const split_part *parts = p->files->parts;
    if (allocate_jobs(p, parts[0].count + parts[1].count + parts[2].count) < 0)
        return -1;
    for (int split = 0; split < SPLIT_KINDS; split++) {
        const split_part *part = &parts[split];
        printf("%s: %d scans, %lld slices, %d patients%s%s\n", split_name(split), part->count,
               (long long)part->slices, part->patients, s.lists[split] ? ", list " : "",
               s.lists[split] ? s.lists[split] : "");
        for (int k = 0; split_is_wanted(o->split, split) && k < part->count; k++)
            if (add_job(p, (job){.split = split, .file = &part->scans[k]}, part->scans[k].scan_id) < 0)
                return -1;
    }
    if (p->files->one_coil > 0)
        fprintf(stderr, "%s: note: %d scans have one coil, for which JSENSE is the identity: sensitivity 1\n",
                PROGRAM, p->files->one_coil);
    say_sizes(parts);
    return 0;
}

/* Only test scans are acquired with faults: there is something to find in them, and nothing to learn. */
static int choose_faults(preparation *p) {
    int count = p->first[SPLIT_TEST + 1] - p->first[SPLIT_TEST];
    int *kind = mem_alloc((size_t)count * sizeof *kind);
    int status = kind ? fault_choose(p->o->run.seed, p->o->fault_share, count, kind) : -1;
    for (int k = 0; status == 0 && k < count; k++)
        p->jobs[p->first[SPLIT_TEST] + k].fault = kind[k];
    free(kind);
    return status;
}

/* ---------------------------------------------------------------- a slice */

/* One pattern for all slices of a scan, as it is acquired; in training each slice has its own, for variety. */
static int draw_mask(scan *s, int slice) {
    rng_restart(s->rng, s->p->o->run.seed, RNG_SAMPLING, rng_hash(s->job->scan_id),
                s->job->split == SPLIT_TRAIN ? (uint64_t)slice + 1 : 0);
    return sampling_draw(&s->p->o->sampling, s->raw->image_rows, s->raw->image_columns, s->rng, s->mask);
}

static int run_network(scan *s) {
    double start = clock_seconds();
    int status = s->runner ? recon_unet_run(s->runner, s->images[1], s->images[2]) : 0;
    s->now->seconds[NETWORK_TIME] += clock_seconds() - start;
    return status;
}

static int reconstruct(scan *s, int slice) {
    s->now->at = AT_RECONSTRUCTION;
    if (draw_mask(s, slice) < 0 ||
        slice_prep_run(s->prep, s->kspace, s->mask, s->images[0], s->images[1]) < 0 || run_network(s) < 0)
        return err_prefix("%s: slice %d", name_of(s->job), slice);
    return 0;
}

/* The second acquisition of a slice, after reconstruct() of the first, whose images are written already. */
static int reconstruct_faulty(scan *s, int slice) {
    const raw_scan *raw = s->raw;
    s->now->at = AT_RECONSTRUCTION;
    if (fault_apply(s->fault, slice, s->mask, raw->coils, raw->image_rows, raw->image_columns,
                    slice_prep_acquired(s->prep)) < 0 ||
        slice_prep_combine(s->prep, s->images[1]) < 0 || run_network(s) < 0)
        return err_prefix("%s: slice %d", name_of(s->job), slice);
    return 0;
}

static int write_magnitude(scan *s, prepared_kind kind, int slice, const float complex *image) {
    int rows = s->raw->image_rows, columns = s->raw->image_columns, status;
    for (size_t i = 0; i < (size_t)rows * columns; i++)
        s->magnitude[i] = cabsf(image[i]);
    s->now->at = AT_WRITING;
#pragma omp critical(hdf5)
    status = prepared_write(s->file, kind, slice, rows, columns, s->magnitude);
    return status;
}

/* What is kept by option: complex images, coil sensitivities. Within critical(hdf5). */
static int write_more(const scan *s, int slice) {
    int rows = s->raw->image_rows, columns = s->raw->image_columns;
    const hsize_t dims[3] = {(hsize_t)s->raw->coils, (hsize_t)rows, (hsize_t)columns};
    for (int k = 0; s->p->o->complex_images && k < (s->p->recon ? 3 : 2); k++)
        if (prepared_write_complex(s->file, (prepared_kind)(PREPARED_REFERENCE_COMPLEX + k), slice, rows,
                                   columns, s->images[k]) < 0)
            return -1;
    return s->p->o->maps ? h5_write_slab_c64(s->file, MAPS, (hsize_t)slice, 3, dims, slice_prep_maps(s->prep))
                         : 0;
}

static int write_slice(scan *s, int slice) {
    double start = clock_seconds();
    int status = 0;
    for (int k = 0; status == 0 && k < (s->p->recon ? 3 : 2); k++)
        status = write_magnitude(s, (prepared_kind)k, slice, s->images[k]);
#pragma omp critical(hdf5)
    if (status == 0)
        status = write_more(s, slice);
    s->now->seconds[WRITE_TIME] += clock_seconds() - start;
    return status;
}

static int make_slice(scan *s, int slice) {
    double start = clock_seconds();
    s->now->at = AT_SAMPLES;
    if (s->raw->read(s->raw, slice, s->kspace) < 0)
        return -1;
    s->now->seconds[READ_TIME] += clock_seconds() - start;
    if (reconstruct(s, slice) < 0 || write_slice(s, slice) < 0)
        return -1;
    if (!s->fault)
        return 0;
    if (reconstruct_faulty(s, slice) < 0)
        return -1;
    return write_magnitude(s, PREPARED_RECONSTRUCTION_FAULTY, slice, s->images[2]);
}

/* ---------------------------------------------------------------- a scan */

/* Names everything that the images of a split were made with. Faults belong to it for test scans only: training scans
 * stay up to date when the share changes. */
static int describe_split(const preparation *p, int split, char *text) {
    int used = snprintf(text, SETTINGS_LENGTH, "%s", p->settings);
    if (split == SPLIT_TEST && p->o->fault_share > 0.0)
        used += snprintf(text + used, SETTINGS_LENGTH - (size_t)used, " faults=%g", p->o->fault_share);
    return used;
}

/* Everything that the content of a file depends on besides its raw file. */
static void describe_scan(const preparation *p, const job *j, char *text) {
    int used = describe_split(p, j->split, text);
    if (j->fault != FAULT_NONE)
        used += snprintf(text + used, SETTINGS_LENGTH - (size_t)used, " fault=%s",
                         fault_name((fault_kind)j->fault));
    if (!j->file)
        snprintf(text + used, SETTINGS_LENGTH - (size_t)used, " slices=%d", p->o->cohort.slices[j->split]);
}

static int find_source(const preparation *p, const job *j, raw_source *source) {
    struct stat info;
    *source = (raw_source){0};
    if (!j->file) {
        snprintf(source->path, sizeof source->path, "%s", p->o->cohort.source);
        snprintf(source->sha256, sizeof source->sha256, "%s", p->source_sha256);
        return 0;
    }
    char *path = realpath(j->file->path, NULL);
    if (!path || stat(path, &info) != 0) {
        free(path);
        return err_set("%s: cannot open: %s", j->file->path, strerror(errno));
    }
    snprintf(source->path, sizeof source->path, "%s", path);
    free(path);
    source->bytes = (int64_t)info.st_size;
    source->modified = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    return 0;
}

static int attr_is(const h5_file *f, const char *name, int64_t value) {
    int64_t found;
    return h5_attr_exists(f, name) && h5_attr_integer(f, name, &found) == 0 && found == value;
}

/* What is known about the raw file of a prepared scan without reading it. */
typedef enum { OTHER_SOURCE, SAME_SIZE, SAME_SOURCE } source_match;

static source_match match_source(const h5_file *f, const raw_source *source) {
    if (!attr_is(f, "source_bytes", source->bytes))
        return OTHER_SOURCE;
    return h5_attr_equals(f, "source_file", source->path) && attr_is(f, "source_modified", source->modified)
               ? SAME_SOURCE
               : SAME_SIZE;
}

/* Whether a scan was prepared with these settings from this raw file. */
static int is_up_to_date(const char *path, const char *settings, const job *j, raw_source *source) {
    source_match match = OTHER_SOURCE;
    if (access(path, F_OK) != 0)
        return 0;
#pragma omp critical(hdf5)
    {
        h5_file *f = h5_open(path);
        if (f && h5_attr_equals(f, "scan_settings", settings))
            match = j->file ? match_source(f, source) : SAME_SOURCE;
        h5_close(f);
    }
    if (match != SAME_SIZE)
        return match == SAME_SOURCE;
    int same;
    if (file_checksum(source->path, "sha256", source->sha256) < 0)
        return 0;
#pragma omp critical(hdf5)
    same = h5_file_says(path, "source_sha256", source->sha256);
    return same;
}

static raw_scan *open_scan(const preparation *p, const job *j) {
    virtual_scan scan;
    const virtual_cohort *c = &p->o->cohort;
    if (j->file)
        return fastmri_open_sized(j->file->path, &p->o->image);
    if (virtual_scan_draw(p->o->run.seed, split_name(j->split), j->index, &scan) < 0)
        return NULL;
    return virtual_scan_open(&scan, p->head, c->source, c->slices[j->split], c->size);
}

static int allocate(scan *s) {
    const raw_scan *raw = s->raw;
    const slice_shape shape = {raw->coils, raw->rows, raw->columns, raw->image_rows, raw->image_columns};
    size_t pixels = (size_t)raw->image_rows * raw->image_columns;
    s->mask = mem_alloc(pixels);
    s->magnitude = mem_alloc(pixels * sizeof *s->magnitude);
    for (int k = 0; k < 3; k++)
        s->images[k] = mem_alloc(pixels * sizeof *s->images[k]);
    s->kspace = mem_alloc((size_t)raw->coils * raw->rows * raw->columns * sizeof *s->kspace);
    s->rng = rng_stream(s->p->o->run.seed, RNG_SAMPLING, 0, 0);
    if (!s->mask || !s->magnitude || !s->images[0] || !s->images[1] || !s->images[2] || !s->kspace || !s->rng)
        return -1;
    if (s->p->recon &&
        !(s->runner = recon_unet_runner_create(s->p->recon, raw->image_rows, raw->image_columns)))
        return -1;
    s->prep = slice_prep_create(&shape, &s->p->o->jsense);
    return s->prep ? 0 : -1;
}

static void scan_close(scan *s) {
    raw_scan_close(s->raw);
    slice_prep_free(s->prep);
    recon_unet_runner_free(s->runner);
    free(s->mask);
    free(s->magnitude);
    for (int k = 0; k < 3; k++)
        free(s->images[k]);
    free(s->kspace);
    if (s->rng)
        gsl_rng_free(s->rng);
}

static int set_up(scan *s) {
    const job *j = s->job;
    s->now->at = AT_OPENING;
    if (!(s->raw = open_scan(s->p, j)))
        return -1;
    if (!*s->source.sha256 && file_checksum(s->source.path, "sha256", s->source.sha256) < 0)
        return -1;
    s->now->at = AT_RECONSTRUCTION;
    s->fault = j->fault == FAULT_NONE ? NULL : &s->drawn;
    if (allocate(s) < 0 || (s->fault && fault_draw((fault_kind)j->fault, s->p->o->run.seed, j->scan_id,
                                                   s->raw->coils, s->raw->image_columns, s->fault) < 0))
        return err_prefix("%s", name_of(j));
    return 0;
}

static int set_attributes(const scan *s, h5_file *f) {
    const options *o = s->p->o;
    char settings[SETTINGS_LENGTH];
    describe_split(s->p, s->job->split, settings);
    if (s->fault && (h5_set_text(f, "fault", fault_name(s->fault->kind)) < 0 ||
                     h5_set_text(f, "fault_about", s->fault->about) < 0))
        return -1;
    if (h5_set_text(f, "settings", settings) < 0 || h5_set_text(f, "undersampling", o->mask) < 0 ||
        h5_set_real(f, "acceleration", o->sampling.acceleration) < 0 ||
        h5_set_real(f, "center_fraction", o->sampling.center_fraction) < 0 ||
        h5_set_integer(f, "coils", s->raw->coils) < 0 ||
        h5_set_integer(f, "calibration_width", o->jsense.calibration_width) < 0 ||
        h5_set_integer(f, "kernel_width", o->jsense.kernel_width) < 0 ||
        (s->raw->snr > 0.0 && h5_set_real(f, "snr", s->raw->snr) < 0))
        return -1;
    if (s->job->file && (h5_set_text(f, "source_folder", s->p->source_folder) < 0 ||
                         h5_set_integer(f, "source_bytes", s->source.bytes) < 0 ||
                         h5_set_integer(f, "source_modified", s->source.modified) < 0))
        return -1;
    return s->p->recon ? h5_set_text(f, "reconstruction_weights_sha256", s->p->weights_sha256) : 0;
}

static int begin_file(scan *s, const char *path) {
    const raw_scan *raw = s->raw;
    int complex_images = s->p->o->complex_images, recon = s->p->recon != NULL, status;
    const hsize_t dims[4] = {(hsize_t)raw->slices, (hsize_t)raw->coils, (hsize_t)raw->image_rows,
                             (hsize_t)raw->image_columns};
    const prepared_content content = {
        .cohort = raw->cohort,
        .scan_id = raw->scan_id,
        .patient_id = raw->patient_id,
        .split = split_name(s->job->split),
        .acquisition = raw->acquisition,
        .source_file = s->source.path,
        .source_sha256 = s->source.sha256,
        .generator = PROGRAM " " SSFD_VERSION,
        .seed = s->p->o->run.seed,
        .slices = raw->slices,
        .rows = raw->image_rows,
        .columns = raw->image_columns,
        .has = {1, 1, recon, s->fault != NULL, complex_images, complex_images, recon && complex_images}};
    s->now->at = AT_WRITING;
#pragma omp critical(hdf5)
    {
        s->file = prepared_create(path, &content);
        status = s->file ? set_attributes(s, s->file) : -1;
        if (status == 0 && s->p->o->maps)
            status = h5_begin_slabs(s->file, MAPS, 4, dims, H5_COMPLEX);
    }
    return status;
}

static int end_file(h5_file *file, const char *settings, int status) {
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

static int make_slices(scan *s) {
    for (int slice = 0; slice < s->raw->slices; slice++)
        if (make_slice(s, slice) < 0)
            return -1;
    slice_prep_times t = slice_prep_time(s->prep);
    s->now->seconds[CROP_TIME] = t.crop;
    s->now->seconds[JSENSE_TIME] = t.jsense;
    s->now->seconds[COMBINE_TIME] = t.combine;
    s->now->slices = s->raw->slices;
    return 0;
}

static int prepare(const preparation *p, const job *j, outcome *now) {
    char path[PATH_LENGTH], settings[SETTINGS_LENGTH];
    scan s = {.p = p, .job = j, .now = now};
    snprintf(path, sizeof path, "%s/%s/%s.h5", p->o->run.out, split_name(j->split), j->scan_id);
    describe_scan(p, j, settings);
    if (find_source(p, j, &s.source) < 0)
        return -1;
    now->state = KEPT;
    if (is_up_to_date(path, settings, j, &s.source))
        return 0;
    now->state = PREPARED;
    int status = set_up(&s);
    if (status == 0)
        status = end_file(s.file, settings, begin_file(&s, path) < 0 ? -1 : make_slices(&s));
    scan_close(&s);
    return status;
}

/* ---------------------------------------------------------------- all scans */

static int prepare_or_skip(void *worker, void *self, int item) {
    (void)worker;
    preparation *p = self;
    int k = work_loop_mine(item);
    outcome *now = &p->outcomes[k];
    if (prepare(p, &p->jobs[k], now) == 0)
        return 0;
    if (!p->o->keep_going)
        return -1;
    now->state = SKIPPED;
    snprintf(now->message, sizeof now->message, "%s", err_message());
    say_skipped(now->message);
    return 0;
}

/* A thread holds one slice at a time, whatever the size and number of the files. */
static int prepare_scans(preparation *p) {
    const work_loop loop = {
        .label = "prepared scans", .count = work_loop_share(p->count), .self = p, .run = prepare_or_skip};
    if (ranks_agree(work_loop_run(&loop)) < 0)
        return -1;
    ranks_merge(p->outcomes, (size_t)p->count * sizeof *p->outcomes);
    for (int k = 0; k < p->count; k++) /* other ranks print nothing */
        if (p->outcomes[k].state == SKIPPED && !ranks_is_mine(k))
            say_skipped(p->outcomes[k].message);
    return 0;
}

/* ---------------------------------------------------------------- what else is in the folders */

static void split_folder(const preparation *p, int split, char *path) {
    snprintf(path, PATH_LENGTH, "%s/%s", p->o->run.out, split_name(split));
}

/* Patients of the other splits of this run: a scan of theirs that was left in this one would be a leak. */
static int patients_elsewhere(const preparation *p, int split, name_list *patients) {
    for (int other = 0; p->files && other < SPLIT_KINDS; other++)
        for (int k = 0; other != split && k < p->files->parts[other].count; k++)
            if (name_list_add(patients, p->files->parts[other].scans[k].patient_id) < 0)
                return -1;
    return 0;
}

static int find_split_leftovers(preparation *p, int split) {
    char folder[PATH_LENGTH], settings[SETTINGS_LENGTH];
    name_list ids = {0}, patients = {0};
    split_folder(p, split, folder);
    describe_split(p, split, settings);
    const leftovers_run run = {.program = PROGRAM,
                               .settings = settings,
                               .source_folder = p->source_folder,
                               .ids = &ids,
                               .patients_elsewhere = &patients};
    int status = patients_elsewhere(p, split, &patients);
    for (int k = p->first[split]; status == 0 && k < p->first[split + 1]; k++)
        status = name_list_add(&ids, p->jobs[k].scan_id);
    if (status == 0)
        status = leftovers_find(folder, &run, &p->leftover[split]);
    name_list_free(&ids);
    name_list_free(&patients);
    return status;
}

/* Scans that cannot be read today may be those of a prepared file: then nothing is removed. */
static int can_prune(const preparation *p) {
    return p->o->prune && !(p->files && p->files->skipped_count > 0);
}

/* Before any work: what the folders of the splits hold besides the scans of this run, and whether it may stay. */
static int check_folders(preparation *p) {
    char folder[PATH_LENGTH];
    for (int split = 0; split < SPLIT_KINDS; split++) {
        int wanted = p->first[split + 1] - p->first[split];
        if (!split_is_wanted(p->o->split, split))
            continue;
        split_folder(p, split, folder);
        if (find_split_leftovers(p, split) < 0)
            return -1;
        const leftovers *l = &p->leftover[split];
        if (wanted == 0 && l->ours.count > 0)
            return err_set(
                "%s: found no scan of split %s, but %s holds %zu prepared before; nothing was changed "
                "(is a folder not mounted? --split prepares one split alone)",
                p->folder, split_name(split), folder, l->ours.count);
        if (wanted == 0 && strcmp(p->o->split, "all") != 0)
            return err_set("%s: found no scan of split %s", p->folder, split_name(split));
        if (l->mixed && !(can_prune(p) && l->mixed_is_ours))
            return err_set("%s: %s; %s, or choose another folder with --out", folder, l->mixed,
                           l->mixed_is_ours ? "remove what is not part of this run with --prune"
                                            : "move it away");
    }
    return 0;
}

/* After the work, or instead of it: names what is not part of the run, and with --prune removes what is ours. */
static int finish_folders(const preparation *p, int *removed) {
    char folder[PATH_LENGTH];
    if (p->o->prune && !can_prune(p))
        fprintf(stderr, "%s: --prune: nothing is removed, for %d raw files could not be read\n", PROGRAM,
                p->files->skipped_count);
    for (int split = 0; split < SPLIT_KINDS; split++) {
        const leftovers *l = &p->leftover[split];
        split_folder(p, split, folder);
        if (can_prune(p) && !p->o->dry_run) {
            if (leftovers_remove(folder, l, removed) < 0)
                return -1;
        } else {
            leftovers_say(folder, &l->ours, "prepared scan",
                          can_prune(p) ? "--prune would remove them" : "--prune removes them");
        }
        leftovers_say(folder, &l->others, "file", "left alone");
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
    char size[32];
    snprintf(size, sizeof size, "%d", o->cohort.size);
    if (p->folder)
        snprintf(size, sizeof size, "%s", o->image_size ? o->image_size : "file");
    snprintf(p->settings, sizeof p->settings,
             "%s %s seed=%llu size=%s source=%s mask=%s acceleration=%g center_fraction=%g kernel=%d "
             "calibration=%d lambda=%g iterations=%dx%d weights=%s complex=%d maps=%d",
             PROGRAM, SSFD_VERSION, (unsigned long long)o->run.seed, size,
             p->folder ? "fastmri" : p->source_sha256, o->mask, o->sampling.acceleration,
             o->sampling.center_fraction, o->jsense.kernel_width, o->jsense.calibration_width,
             o->jsense.lambda, o->jsense.iterations, o->jsense.inner_iterations,
             p->recon ? p->weights_sha256 : "none", o->complex_images, o->maps);
}

typedef struct {
    int scans[SKIPPED + 1], skipped[STEPS]; /* by state; by step */
    int64_t slices;
    double seconds[TIMES];
} tally;

static tally count_outcomes(const preparation *p) {
    tally t = {.skipped = {p->files ? p->files->skipped_count : 0}};
    t.scans[SKIPPED] = t.skipped[AT_OPENING];
    for (int k = 0; k < p->count; k++) {
        const outcome *now = &p->outcomes[k];
        t.scans[now->state]++;
        t.skipped[now->at] += now->state == SKIPPED;
        t.slices += now->state == PREPARED ? now->slices : 0;
        for (int i = 0; i < TIMES; i++)
            t.seconds[i] += now->seconds[i];
    }
    return t;
}

static void report_times(const tally *t, run_record *record) {
    printf("ms per slice and thread:");
    for (int k = 0; k < TIMES; k++) {
        char key[64];
        double ms = 1e3 * t->seconds[k] / (double)t->slices;
        snprintf(key, sizeof key, "%s_ms_per_slice", time_names[k]);
        record_real(record, key, ms);
        printf(" %s %.1f", time_names[k], ms);
    }
    printf("\n");
}

/* -1 with a message when scans were skipped. */
static int report_skipped(const tally *t) {
    char text[256] = "";
    int total = t->scans[SKIPPED], used = 0;
    for (int k = 0; k < STEPS; k++)
        if (t->skipped[k])
            used += snprintf(text + used, sizeof text - (size_t)used, "%s%d %s", used ? ", " : "",
                             t->skipped[k], skip_texts[k]);
    return total ? err_set("%d scan%s skipped: %s", total, total == 1 ? "" : "s", text) : 0;
}

/* On rank 0. */
static int report_all(const preparation *p, int removed, run_record *record) {
    const options *o = p->o;
    tally t = count_outcomes(p);
    if (t.slices > 0)
        report_times(&t, record);
    record_text(record, "settings", p->settings);
    record_integer(record, "seed", (int64_t)o->run.seed);
    record_real(record, "fault_share", o->fault_share);
    record_integer(record, "scans_prepared", t.scans[PREPARED]);
    record_integer(record, "scans_kept", t.scans[KEPT]);
    record_integer(record, "slices_prepared", t.slices);
    record_when(record, RECORD_ALWAYS); /* also of a run that skipped scans */
    if (p->recon && record_file(record, "weights", o->weights) < 0)
        return -1;
    printf("%s: %d scans prepared (%lld slices), %d kept, %d removed, %d skipped\n", o->run.out,
           t.scans[PREPARED], (long long)t.slices, t.scans[KEPT], removed, t.scans[SKIPPED]);
    return report_skipped(&t);
}

static int run(void *self, run_record *record) {
    preparation *p = self;
    const options *o = p->o;
    int removed = 0, status = p->folder ? list_files(p) : list_virtual(p);
    if (status == 0)
        status = choose_faults(p);
    record_when(record, RECORD_NEVER);
    if (status == 0)
        status = load_network(p);
    describe_settings(p);
    if (status == 0)
        status = check_folders(p);
    if (o->dry_run && status == 0)
        return ranks_me() > 0 ? 0 : finish_folders(p, &removed);
    if (ranks_agree(status) < 0 || ranks_check_same(p->count, "scans to prepare") < 0 || prepare_scans(p) < 0)
        return -1;
    if (ranks_me() > 0)
        return 0;
    return finish_folders(p, &removed) < 0 ? -1 : report_all(p, removed, record);
}

static void close_preparation(void *self) {
    preparation *p = self;
    nifti_volume_free(p->head);
    scan_split_free(p->files);
    for (int split = 0; split < SPLIT_KINDS; split++)
        leftovers_free(&p->leftover[split]);
    net_free(p->recon);
    free(p->jobs);
    free(p->outcomes);
}

/* --faults, or its default. */
static int check_faults(options *o) {
    char *end;
    o->fault_share = o->folder.count > 0 || o->no_reconstruction ? 0.0 : FAULT_SHARE;
    if (!o->faults)
        return 0;
    o->fault_share = strtod(o->faults, &end);
    if (end == o->faults || *end || !(o->fault_share >= 0.0 && o->fault_share <= 1.0))
        return err_set("--faults: expected a share from 0 to 1, found '%s'", o->faults);
    if (o->fault_share > 0.0 && o->no_reconstruction)
        return err_set("--faults: without a reconstruction there is nothing to spoil");
    return 0;
}

/* --image-size */
static int read_image_size(options *o) {
    char rest;
    if (o->image_size && (sscanf(o->image_size, "%5dx%5d%c", &o->image.rows, &o->image.columns, &rest) != 2 ||
                          o->image.rows < 16 || o->image.columns < 16))
        return err_set("--image-size: expected ROWSxCOLUMNS of at least 16x16, found '%s'", o->image_size);
    if (o->image_size && o->folder.count == 0)
        return err_set("--image-size is for fastMRI files; virtual scans have --size");
    return 0;
}

static int check(void *self) {
    preparation *p = self;
    options *o = p->o;
    int poisson = strcmp(o->mask, "poisson") == 0;
    p->folder = o->folder.count > 0 ? o->folder.at[0] : NULL;
    char *real = p->folder ? realpath(p->folder, NULL) : NULL;
    snprintf(p->source_folder, sizeof p->source_folder, "%s", real ? real : "");
    free(real);
    if (split_check(o->split) < 0)
        return -1;
    if (!poisson && strcmp(o->mask, "columns") != 0)
        return err_set("unknown mask '%s': expected columns or poisson", o->mask);
    o->sampling.kind = poisson ? SAMPLING_POISSON : SAMPLING_COLUMNS;
    if (!p->folder && (o->lists[0] || o->lists[1] || o->lists[2]))
        return err_set("lists are for fastMRI files: expected their folder");
    return read_image_size(o) < 0 ? -1 : check_faults(o);
}

int main(int argc, char **argv) {
    static options o = {.run = {.out = "build/cohort", .records = "results/records", .seed = 2022},
                        .split = "all",
                        .weights = "lib/models/weights/recon_unet.h5",
                        .mask = "columns",
                        .sampling = {SAMPLING_COLUMNS, 4.0, 0.08},
                        .cohort = VIRTUAL_COHORT_DEFAULTS,
                        .val_share = SPLIT_VAL_SHARE};
    static const program_option table[] = {
        OPT_TEXT("out", &o.run.out, "DIR", "cohort folder: <out>/<split>/<scan>.h5"),
        OPT_TEXT("split", &o.split, "NAME", "train, val, test or all"),
        OPT_TEXT("train-list", &o.lists[SPLIT_TRAIN], "FILE", "files to train on: text or meddlr's JSON"),
        OPT_TEXT("val-list", &o.lists[SPLIT_VAL], "FILE", "files to validate on"),
        OPT_TEXT("test-list", &o.lists[SPLIT_TEST], "FILE", "files to test on"),
        OPT_REAL("val-share", &o.val_share, "SHARE", 0, 1,
                 "share of multicoil_train that validates, by patient"),
        OPT_TEXT("image-size", &o.image_size, "ROWSxCOLUMNS",
                 "size of the images, in place of what the files say"),
        OPT_FLAG("keep-going", &o.keep_going, "skip scans that cannot be prepared; the exit code is 1"),
        OPT_FLAG("prune", &o.prune,
                 "remove prepared scans in the folder that are not part of this run, naming each"),
        OPT_FLAG("dry-run", &o.dry_run, "only check the files and count scans, slices and patients"),
        OPT_TEXT("mask", &o.mask, "KIND", "columns (1-D random Cartesian) or poisson (2-D variable density)"),
        OPT_REAL("acceleration", &o.sampling.acceleration, "R", 1, 64, "undersampling factor"),
        OPT_REAL("center-fraction", &o.sampling.center_fraction, "SHARE", 0, 1, "fully sampled centre"),
        OPT_INT("kernel-width", &o.jsense.kernel_width, "N", 1, 64,
                "JSENSE: k-space kernel of a sensitivity map"),
        OPT_INT("calibration-width", &o.jsense.calibration_width, "N", 1, 512,
                "JSENSE: central samples in either direction"),
        OPT_REAL("lambda", &o.jsense.lambda, "L", 0, 1e9, "JSENSE: regularisation"),
        OPT_INT("iterations", &o.jsense.iterations, "N", 1, 1000, "JSENSE: alternations"),
        OPT_INT("inner-iterations", &o.jsense.inner_iterations, "N", 1, 1000,
                "JSENSE: conjugate gradient steps"),
        OPT_TEXT("weights", &o.weights, "FILE", "reconstruction U-Net"),
        OPT_FLAG("no-reconstruction", &o.no_reconstruction, "reference and zero-filled image only"),
        OPT_FLAG("complex", &o.complex_images, "keep the complex images, too: training needs them"),
        OPT_FLAG("maps", &o.maps, "keep the coil sensitivities, too: dataset " MAPS),
        OPT_TEXT("faults", &o.faults, "SHARE",
                 "share of the test scans that are acquired a second time, with a fault: what quality "
                 "control is to "
                 "find (default: 0.1 of virtual scans, 0 of fastMRI)"),
        OPT_VIRTUAL_COHORT(&o.cohort),
        OPT_SEED("seed", &o.run.seed, "seed of split, masks and virtual scans"),
        OPT_THREADS(&o.run),
        OPT_TEXT("records", &o.run.records, "DIR", "folder for the run record"),
        OPT_END};
    preparation p = {.o = &o};
    o.jsense = jsense_defaults();
    const program self = {
        .command =
            {.name = PROGRAM,
             .summary =
                 "Makes prepared scans out of raw multi-coil k-space: JSENSE ground truth, "
                 "zero-filled image and U-Net\nreconstruction of an accelerated acquisition, slice by slice.",
             .operands = "FASTMRI",
             .operands_max = 1,
             .options = table,
             .epilogue =
                 "FASTMRI is a folder with multicoil_train and multicoil_val (fastMRI's files). Without "
                 "it, the virtual scans\n"
                 "of the default cohort are prepared. Scans made with the same settings are kept."},
        .operands = &o.folder,
        .options = &o.run,
        .self = &p,
        .check = check,
        .run = run,
        .close = close_preparation};
    return program_main(&self, argc, argv);
}
