/* Writes the default cohort as raw data: virtual scans of a real head in the layout of fastMRI's files. */
#include "core/error.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/version.h"
#include "mri/fastmri.h"
#include "mri/virtual_scan.h"
#include "program/groups.h"
#include "virtual_cohort.h"
#include <errno.h>
#include <string.h>

#define PROGRAM "simulate_cohort"
#define PATH_LENGTH 4096

typedef struct {
    const char *split;
    run_options run;
    virtual_cohort cohort;
} options;

typedef struct {
    const options *o;
    nifti_volume *head;
    int split; /* that is being made */
    long made, kept;
} simulation;

/* What a file depends on besides its scan's id. It is kept in the file, so that the next run can compare it. */
static void describe(const options *o, int split, char *text, size_t size) {
    snprintf(text, size, "%s %s seed=%llu slices=%d size=%d source=%s", PROGRAM, SSFD_VERSION,
             (unsigned long long)o->run.seed, o->cohort.slices[split], o->cohort.size, o->cohort.source);
}

static int is_up_to_date(const char *path, const char *settings) {
    int same;
#pragma omp critical(hdf5)
    same = h5_file_says(path, "settings", settings);
    return same;
}

static int write_scan(const simulation *s, const virtual_scan *scan, const char *settings, const char *path) {
    const virtual_cohort *c = &s->o->cohort;
    double mm = scan->pixel_mm * 320.0;
    fastmri_protocol protocol = {mm, mm, 1.0, 123200000};
    raw_scan *raw = virtual_scan_open(scan, s->head, c->source, c->slices[s->split], c->size);
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

/* As in fastMRI: training and validation scans in one folder, test scans in another. */
static const char *folder_of(int split) {
    return split == SPLIT_TEST ? "multicoil_val" : "multicoil_train";
}

static int make_scan(void *worker, void *self, int index) {
    (void)worker;
    simulation *s = self;
    virtual_scan scan;
    char path[PATH_LENGTH], settings[PATH_LENGTH];
    if (virtual_scan_draw(s->o->run.seed, split_name(s->split), index, &scan) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/%s/%s.h5", s->o->run.out, folder_of(s->split), scan.scan_id);
    describe(s->o, s->split, settings, sizeof settings);
    int fresh = is_up_to_date(path, settings);
    if (!fresh && write_scan(s, &scan, settings, path) < 0)
        return -1;
#pragma omp atomic
    *(fresh ? &s->kept : &s->made) += 1;
    return 0;
}

/* The list of a split: `prepare_scans` follows it when it is next to the scans. */
static int write_list(const options *o, int split) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/%s.txt", o->run.out, split_name(split));
    char *temporary = atomic_begin(path);
    FILE *f = temporary ? fopen(temporary, "w") : NULL;
    for (int k = 0; f && k < o->cohort.scans[split]; k++) {
        virtual_scan scan;
        virtual_scan_draw(o->run.seed, split_name(split), k, &scan);
        fprintf(f, "%s/%s.h5\n", folder_of(split), scan.scan_id);
    }
    if (!f || fclose(f) != 0) {
        err_set("%s: cannot be written: %s", path, strerror(errno));
        atomic_discard(temporary);
        return -1;
    }
    return atomic_commit(temporary, path);
}

static int make_split(simulation *s) {
    char label[64];
    snprintf(label, sizeof label, "raw data, %s", split_name(s->split));
    const work_loop loop = {
        .label = label, .count = s->o->cohort.scans[s->split], .self = s, .worker_size = 1, .run = make_scan};
    return work_loop_run(&loop) < 0 ? -1 : write_list(s->o, s->split);
}

static int run(void *self, run_record *record) {
    simulation *s = self;
    const options *o = s->o;
    if (!(s->head = virtual_head_read(o->cohort.source)))
        return -1;
    for (s->split = 0; s->split < SPLIT_KINDS; s->split++)
        if (split_is_wanted(o->split, s->split) && make_split(s) < 0)
            return -1;
    printf("%s: %ld scans of raw data made, %ld kept\n", o->run.out, s->made, s->kept);
    record_text(record, "cohort", VIRTUAL_COHORT);
    record_integer(record, "seed", (int64_t)o->run.seed);
    record_integer(record, "scans_made", s->made);
    record_integer(record, "scans_kept", s->kept);
    return record_file(record, "source", o->cohort.source);
}

static void close_simulation(void *self) {
    nifti_volume_free(((simulation *)self)->head);
}

static int check(void *self) {
    return split_check(((simulation *)self)->o->split);
}

int main(int argc, char **argv) {
    static options o = {.run = {.out = "build/raw", .records = "results/records", .seed = 2022},
                        .split = "all",
                        .cohort = VIRTUAL_COHORT_DEFAULTS};
    static const program_option table[] = {
        OPT_TEXT("out", &o.run.out, "DIR", "folder for multicoil_train, multicoil_val and the lists"),
        OPT_TEXT("split", &o.split, "NAME", "train, val, test or all"),
        OPT_VIRTUAL_COHORT(&o.cohort),
        OPT_SEED("seed", &o.run.seed, "seed of the whole cohort"),
        OPT_THREADS(&o.run),
        OPT_TEXT("records", &o.run.records, "DIR", "folder for the run record"),
        OPT_END};
    simulation s = {.o = &o};
    const program p = {
        .command = {.name = PROGRAM,
                    .summary =
                        "Writes virtual scans of the Colin27 head as raw multi-coil data, fastMRI's layout.",
                    .options = table,
                    .epilogue =
                        "Files made with the same settings are kept. A slice of 320 x 320 takes 6.6 MB;\n"
                        "prepare_scans makes the same data by itself, without files, when it is given none."},
        .options = &o.run,
        .one_rank = 1,
        .self = &s,
        .check = check,
        .run = run,
        .close = close_simulation};
    return program_main(&p, argc, argv);
}
