/* Makes the default cohort: virtual scans of a real head, as prepared scans (io/prepared.h). */
#include "core/atomic_file.h"
#include "core/cli.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/record.h"
#include "io/nifti_volume.h"
#include "io/prepared.h"
#include "mri/virtual_scan.h"
#include <dirent.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "simulate_cohort"
#define PATH_LENGTH 4096
#define COHORT "colin27-virtual"
#define MAX_SIZE 1024

static const char *const split_names[] = {"train", "val", "test"};
enum { SPLITS = 3 };

typedef struct {
    const char *source, *out, *split, *records;
    int scans[SPLITS], slices[SPLITS], size, threads;
    uint64_t seed;
} options;

typedef struct {
    const options *o;
    nifti_volume *head;
    char source_sha256[65];
    long made, kept, removed;
} cohort;

static void scan_path(const cohort *c, const char *scan_id, int split, char *path) {
    snprintf(path, PATH_LENGTH, "%s/%s/%s.h5", c->o->out, split_names[split], scan_id);
}

/* What the content of a scan's file depends on besides its id; kept in the file to know it again. */
static void describe(const cohort *c, int split, char *text, size_t size) {
    snprintf(text, size, "%s %s seed=%llu slices=%d size=%d source=%s", PROGRAM, SSFD_VERSION,
             (unsigned long long)c->o->seed, c->o->slices[split], c->o->size, c->source_sha256);
}

static int is_up_to_date(const char *path, const char *settings) {
    char *found = NULL;
    if (access(path, R_OK) != 0)
        return 0;
    h5_file *f = h5_open(path);
    int same = f && h5_attr_exists(f, "settings") && h5_attr_text(f, "settings", &found) == 0 &&
               strcmp(found, settings) == 0;
    free(found);
    h5_close(f);
    return same;
}

static int write_scan(const cohort *c, const virtual_scan *s, int split, const float *images,
                      const int z_range[2], const char *settings, const char *path) {
    int slices = c->o->slices[split];
    int32_t *index = mem_alloc((size_t)slices * sizeof *index);
    if (!index)
        return -1;
    for (int k = 0; k < slices; k++)
        index[k] = k;
    prepared_content content = {.cohort = COHORT,
                                .scan_id = s->scan_id,
                                .patient_id = s->scan_id,
                                .split = split_names[split],
                                .acquisition = "virtual T1, magnitude",
                                .source_file = c->o->source,
                                .source_sha256 = c->source_sha256,
                                .generator = PROGRAM " " SSFD_VERSION,
                                .seed = c->o->seed,
                                .slices = slices,
                                .rows = c->o->size,
                                .columns = c->o->size,
                                .slice = index,
                                .images = {images}};
    h5_file *f = prepared_create(path, &content);
    free(index);
    if (!f)
        return -1;
    if (h5_set_text(f, "settings", settings) < 0 || h5_set_integer(f, "source_z_first", z_range[0]) < 0 ||
        h5_set_integer(f, "source_z_last", z_range[1]) < 0 || h5_set_real(f, "snr", s->snr) < 0 ||
        h5_set_real(f, "pixel_mm", s->pixel_mm * 320.0 / c->o->size) < 0) {
        h5_close(f);
        return -1;
    }
    return h5_commit(f);
}

/* Renders in parallel, writes one at a time: HDF5 is not thread-safe. */
static int make_scan(cohort *c, int split, int index) {
    virtual_scan s;
    char path[PATH_LENGTH], settings[512];
    int slices = c->o->slices[split], z_range[2] = {1 << 20, -1}, fresh, status = 0;
    if (virtual_scan_draw(c->o->seed, split_names[split], index, &s) < 0)
        return -1;
    scan_path(c, s.scan_id, split, path);
    describe(c, split, settings, sizeof settings);
#pragma omp critical(hdf5)
    {
        fresh = is_up_to_date(path, settings);
        c->kept += fresh;
    }
    if (fresh)
        return 0;
    size_t pixels = (size_t)c->o->size * (size_t)c->o->size;
    float *images = mem_alloc((size_t)slices * pixels * sizeof *images);
    if (!images)
        return -1;
    for (int k = 0; status == 0 && k < slices; k++)
        status =
            virtual_scan_render(&s, c->head, k, slices, c->o->size, images + (size_t)k * pixels, z_range);
    if (status == 0) {
#pragma omp critical(hdf5)
        {
            status = write_scan(c, &s, split, images, z_range, settings, path);
            c->made += status == 0;
        }
    }
    free(images);
    return status;
}

/* Scans of an earlier, larger cohort would otherwise be taken for part of this one. */
static int remove_surplus(cohort *c, int split) {
    char folder[PATH_LENGTH], path[2 * PATH_LENGTH];
    snprintf(folder, sizeof folder, "%s/%s", c->o->out, split_names[split]);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        int number = 0, length = 0;
        char pattern[64];
        snprintf(pattern, sizeof pattern, "colin27_%s_%%d.h5%%n", split_names[split]);
        if (sscanf(e->d_name, pattern, &number, &length) == 1 && length == (int)strlen(e->d_name) &&
            number > c->o->scans[split]) {
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            if (unlink(path) != 0) {
                closedir(d);
                return err_set("%s: cannot be removed", path);
            }
            c->removed++;
        }
    }
    if (d)
        closedir(d);
    return 0;
}

static int make_split(cohort *c, int split) {
    err_box failure = {0};
    progress bar;
    char label[64];
    snprintf(label, sizeof label, "virtual scans, %s", split_names[split]);
    progress_start(&bar, label, (size_t)c->o->scans[split]);
#pragma omp parallel for schedule(dynamic, 1)
    for (int k = 0; k < c->o->scans[split]; k++) {
        if (!err_box_failed(&failure) && make_scan(c, split, k) < 0)
            err_box_take(&failure);
        progress_step(&bar, 1);
    }
    progress_end(&bar);
    return err_box_raise(&failure) < 0 ? -1 : remove_surplus(c, split);
}

static int run(cohort *c, run_record *record) {
    const options *o = c->o;
    if (access(o->source, R_OK) != 0)
        return err_set("%s: cannot be read: it is part of the Debian package mricron-data", o->source);
    if (!(c->head = nifti_volume_read(o->source)) || file_checksum(o->source, "sha256", c->source_sha256) < 0)
        return -1;
    const virtual_slab *slab = virtual_slabs();
    while (slab[1].split)
        slab++;
    if (c->head->nz <= slab->last)
        return err_set("%s: volume has %d slices along z, expected at least %d", o->source, c->head->nz,
                       slab->last + 1);
    for (int split = 0; split < SPLITS; split++)
        if ((strcmp(o->split, "all") == 0 || strcmp(o->split, split_names[split]) == 0) &&
            make_split(c, split) < 0)
            return -1;
    printf("%s: %ld virtual scans made, %ld kept, %ld removed\n", o->out, c->made, c->kept, c->removed);
    record_text(record, "cohort", COHORT);
    record_text(record, "source", o->source);
    record_text(record, "source_sha256", c->source_sha256);
    record_integer(record, "seed", (int64_t)o->seed);
    record_integer(record, "scans_made", c->made);
    record_integer(record, "scans_kept", c->kept);
    return 0;
}

int main(int argc, char **argv) {
    options o = {.source = "/usr/share/mricron/templates/ch2.nii.gz",
                 .out = "build/cohort",
                 .split = "all",
                 .records = "results/records",
                 .scans = {160, 24, 199},
                 .slices = {12, 4, 2},
                 .size = 320,
                 .threads = omp_get_num_procs(),
                 .seed = 2022};
    const cli_option table[] = {
        {CLI_STRING, "source", &o.source, "FILE", "Colin27 head volume (NIfTI, 1 mm)", 0, 0},
        {CLI_STRING, "out", &o.out, "DIR", "cohort folder", 0, 0},
        {CLI_STRING, "split", &o.split, "NAME", "train, val, test or all", 0, 0},
        {CLI_INT, "train", &o.scans[0], "N", "training scans", 1, 9999},
        {CLI_INT, "val", &o.scans[1], "N", "validation scans", 1, 9999},
        {CLI_INT, "test", &o.scans[2], "N", "test scans", 1, 9999},
        {CLI_INT, "train-slices", &o.slices[0], "N", "slices of a training scan", 1, 256},
        {CLI_INT, "val-slices", &o.slices[1], "N", "slices of a validation scan", 1, 256},
        {CLI_INT, "test-slices", &o.slices[2], "N", "slices of a test scan", 1, 256},
        {CLI_INT, "size", &o.size, "PIXELS", "rows and columns of the images", 16, MAX_SIZE},
        {CLI_U64, "seed", &o.seed, "N", "seed of the whole cohort", 0, 0},
        {CLI_INT, "threads", &o.threads, "N", "threads", 1, 1024},
        {CLI_STRING, "records", &o.records, "DIR", "folder for the run record", 0, 0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {PROGRAM,
                           "Makes the default cohort: virtual scans of the Colin27 head, as prepared scans.",
                           NULL,
                           0,
                           0,
                           table,
                           "Scans made with the same settings are kept."};
    int first, known = 0;
    cli_result parsed = cli_parse(&spec, argc, argv, &first, stdout, stderr);
    if (parsed != CLI_RUN)
        return parsed == CLI_DONE ? 0 : 2;
    for (int k = 0; k < SPLITS; k++)
        known |= strcmp(o.split, split_names[k]) == 0;
    if (!known && strcmp(o.split, "all") != 0)
        return cli_usage(PROGRAM, "unknown split '%s': expected train, val, test or all", o.split);
    omp_set_num_threads(o.threads);
    cohort c = {.o = &o};
    run_record *record = record_begin(PROGRAM, argc, argv);
    int status = record ? run(&c, record) : -1;
    nifti_volume_free(c.head);
    if (status == 0)
        status = record_end(record, o.records);
    else
        record_discard(record);
    return status < 0 ? cli_fail(PROGRAM) : 0;
}
