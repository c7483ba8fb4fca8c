/* Writes the default cohort as raw data: virtual scans of a real head in the layout of fastMRI's files. */
#include "core/version.h"
#include "core/file.h"
#include "core/cli.h"
#include "core/error.h"
#include "core/progress.h"
#include "program/record.h"
#include "mri/fastmri.h"
#include "mri/scan_split.h"
#include "mri/virtual_scan.h"
#include "virtual_cohort.h"
#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "simulate_cohort"
#define PATH_LENGTH 4096

typedef struct {
    const char *out, *split, *records;
    int threads;
    uint64_t seed;
    virtual_cohort cohort;
} options;

typedef struct {
    const options *o;
    nifti_volume *head;
    long made, kept;
} simulation;

/* What a file depends on besides its scan's id; kept in the file to know it again. */
static void describe(const options *o, int split, char *text, size_t size) {
    snprintf(text, size, "%s %s seed=%llu slices=%d size=%d source=%s", PROGRAM, SSFD_VERSION,
             (unsigned long long)o->seed, o->cohort.slices[split], o->cohort.size, o->cohort.source);
}

static int is_up_to_date(const char *path, const char *settings) {
    int same;
#pragma omp critical(hdf5)
    same = h5_file_says(path, "settings", settings);
    return same;
}

static int write_scan(const simulation *s, const virtual_scan *scan, int split, const char *settings,
                      const char *path) {
    double mm = scan->pixel_mm * 320.0;
    fastmri_protocol protocol = {mm, mm, 1.0, 123200000};
    raw_scan *raw =
        virtual_scan_open(scan, s->head, s->o->cohort.source, s->o->cohort.slices[split], s->o->cohort.size);
    h5_file *file = raw ? fastmri_create(path, raw, &protocol) : NULL;
    raw_scan_close(raw);
    if (!file)
        return -1;
    int status;
#pragma omp critical(hdf5)
    {
        status = h5_set_text(file, "settings", settings);
        if (status == 0)
            status = h5_commit(file);
        else
            h5_close(file);
    }
    return status;
}

/* As fastMRI has it: what trains and what validates in one folder, what tests in another. */
static const char *folder_of(int split) {
    return split == SPLIT_TEST ? "multicoil_val" : "multicoil_train";
}

static int make_scan(simulation *s, int split, int index) {
    virtual_scan scan;
    char path[PATH_LENGTH], settings[PATH_LENGTH];
    if (virtual_scan_draw(s->o->seed, split_name(split), index, &scan) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/%s/%s.h5", s->o->out, folder_of(split), scan.scan_id);
    describe(s->o, split, settings, sizeof settings);
    int fresh = is_up_to_date(path, settings), status = 0;
    if (!fresh)
        status = write_scan(s, &scan, split, settings, path);
#pragma omp critical(count)
    *(fresh ? &s->kept : &s->made) += status == 0;
    return status;
}

/* The list of a split: `prepare_scans` goes by it when it finds it beside the scans. */
static int write_list(const options *o, int split) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/%s.txt", o->out, split_name(split));
    char *temporary = atomic_begin(path);
    FILE *f = temporary ? fopen(temporary, "w") : NULL;
    for (int k = 0; f && k < o->cohort.scans[split]; k++) {
        virtual_scan scan;
        virtual_scan_draw(o->seed, split_name(split), k, &scan);
        fprintf(f, "%s/%s.h5\n", folder_of(split), scan.scan_id);
    }
    if (!f || fclose(f) != 0) {
        err_set("%s: cannot be written: %s", path, strerror(errno));
        atomic_discard(temporary);
        return -1;
    }
    return atomic_commit(temporary, path);
}

static int make_split(simulation *s, int split) {
    err_box failure = {0};
    progress bar;
    char label[64];
    snprintf(label, sizeof label, "raw data, %s", split_name(split));
    progress_start(&bar, label, (size_t)s->o->cohort.scans[split]);
#pragma omp parallel for schedule(dynamic, 1)
    for (int k = 0; k < s->o->cohort.scans[split]; k++) {
        if (!err_box_failed(&failure) && make_scan(s, split, k) < 0)
            err_box_take(&failure);
        progress_step(&bar, 1);
    }
    progress_end(&bar);
    return err_box_raise(&failure) < 0 ? -1 : write_list(s->o, split);
}

static int run(simulation *s, run_record *record) {
    const options *o = s->o;
    if (!(s->head = virtual_head_read(o->cohort.source)))
        return -1;
    for (int split = 0; split < SPLIT_KINDS; split++)
        if ((strcmp(o->split, "all") == 0 || strcmp(o->split, split_name(split)) == 0) &&
            make_split(s, split) < 0)
            return -1;
    printf("%s: %ld scans of raw data made, %ld kept\n", o->out, s->made, s->kept);
    record_text(record, "cohort", VIRTUAL_COHORT);
    record_integer(record, "seed", (int64_t)o->seed);
    record_integer(record, "scans_made", s->made);
    record_integer(record, "scans_kept", s->kept);
    return record_file(record, "source", o->cohort.source);
}

int main(int argc, char **argv) {
    options o = {.out = "build/raw",
                 .split = "all",
                 .records = "results/records",
                 .threads = omp_get_num_procs(),
                 .seed = 2022,
                 .cohort = VIRTUAL_COHORT_DEFAULTS};
    const cli_option table[] = {
        {CLI_STRING, "out", &o.out, "DIR", "folder for multicoil_train, multicoil_val and the lists", 0, 0},
        {CLI_STRING, "split", &o.split, "NAME", "train, val, test or all", 0, 0},
        VIRTUAL_COHORT_OPTIONS(o.cohort),
        {CLI_U64, "seed", &o.seed, "N", "seed of the whole cohort", 0, 0},
        {CLI_INT, "threads", &o.threads, "N", "threads", 1, 1024},
        {CLI_STRING, "records", &o.records, "DIR", "folder for the run record", 0, 0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {
        PROGRAM,
        "Writes virtual scans of the Colin27 head as raw multi-coil data, fastMRI's layout.",
        NULL,
        0,
        0,
        table,
        "Files made with the same settings are kept. A slice of 320 x 320 takes 6.6 MB;\n"
        "prepare_scans makes the same data by itself, without files, when it is given none."};
    int first;
    cli_result parsed = cli_parse(&spec, argc, argv, &first, stdout, stderr);
    if (parsed != CLI_RUN)
        return parsed == CLI_DONE ? 0 : 2;
    if (strcmp(o.split, "all") != 0 && split_find(o.split) < 0)
        return cli_usage(PROGRAM, "unknown split '%s': expected train, val, test or all", o.split);
    omp_set_num_threads(o.threads);
    simulation s = {.o = &o};
    run_record *record = record_begin(PROGRAM, argc, argv);
    int status = record ? run(&s, record) : -1;
    nifti_volume_free(s.head);
    if (status == 0)
        status = record_end(record, o.records);
    else
        record_discard(record);
    return status < 0 ? cli_fail(PROGRAM) : 0;
}
