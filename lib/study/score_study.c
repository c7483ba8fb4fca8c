#include "study/score_study.h"

#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "core/rng.h"
#include "io/unfinished.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_LENGTH 4096
#define CONFIDENCE 0.95

/* ---------------------------------------------------------------- scores */

static int open_cohort(score_study *s) {
    const score_source *from = &s->source;
    if (!(s->split = prepared_split_open(from->cohort, from->split, from->scans)))
        return -1;
    int scans = s->split->scans;
    if (scans < SCORE_MIN_SCANS)
        return err_set("%s: %s split has %d scan%s, expected at least %d", from->cohort, from->split, scans,
                       scans == 1 ? "" : "s", SCORE_MIN_SCANS);
    if (!(s->kind = mem_alloc((size_t)scans * sizeof *s->kind)))
        return -1;
    for (int k = 0; k < scans; k++) {
        int is_faulty = from->with_faults && strcmp(s->split->faults[k], PREPARED_NO_FAULT) != 0;
        s->kind[k] = is_faulty ? PREPARED_RECONSTRUCTION_FAULTY : PREPARED_RECONSTRUCTION;
    }
    if (metric_set_open(&s->metrics, from->baselines, from->layers_apart, &from->files) < 0)
        return -1;
    return path_make_dirs(from->out);
}

static int compute(score_study *s) {
    if (ranks_agree(open_cohort(s)) < 0)
        return -1;
    snprintf(s->saved, sizeof s->saved, "%s/.%s.unfinished.h5", s->source.out, s->source.program);
    const char *const *faults = (const char *const *)s->split->faults;
    const reconstruction_plan plan = {.split = s->split,
                                      .metrics = &s->metrics,
                                      .kind = s->kind,
                                      .fault = s->source.with_faults ? faults : NULL,
                                      .saved = s->saved,
                                      .save_every = s->source.save_every};
    s->table = reconstruction_scores(&plan, &s->taken_over);
    return s->table ? 0 : -1;
}

/* It is read again for its checksum. */
static int check_file(const char *path) {
    struct stat info;
    return stat(path, &info) < 0 || S_ISREG(info.st_mode)
               ? 0
               : err_set("%s: expected a file, found a pipe, a device or a folder", path);
}

static int read_table(score_study *s) {
    if (check_file(s->source.table) < 0)
        return -1;
    s->table = score_table_read(s->source.table, &s->source.columns);
    return s->table ? path_make_dirs(s->source.out) : -1;
}

int score_study_open(score_study *s, const score_source *source) {
    *s = (score_study){.source = *source};
    return source->table ? ranks_agree(read_table(s)) : compute(s);
}

void score_study_close(score_study *s) {
    prepared_split_free(s->split);
    metric_set_close(&s->metrics);
    score_table_free(s->table);
    free(s->kind);
    *s = (score_study){0};
}

/* ---------------------------------------------------------------- results */

csv_writer *score_study_begin_table(const score_study *s, const char *name) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/%s.csv", s->source.out, name);
    csv_writer *csv = csv_writer_open(path);
    if (!csv || !s->split)
        return csv;
    prepared_split_comments(s->split, csv);
    if (s->split->acceleration > 0.0)
        csv_writer_comment(csv, "acceleration: %g", s->split->acceleration);
    metric_set_comments(&s->metrics, csv);
    return csv;
}

int score_study_write_scores(const score_study *s, const char *name) {
    csv_writer *csv = score_study_begin_table(s, name);
    if (csv)
        score_table_write(s->table, csv);
    return csv_writer_end(csv, 0);
}

bootstrap_plan score_study_plan(const score_study *s, size_t scans, const char *group) {
    char stream[256];
    snprintf(stream, sizeof stream, "%s/%s", s->source.program, group);
    return (bootstrap_plan){.scans = scans,
                            .replicates = (size_t)s->source.replicates,
                            .confidence = CONFIDENCE,
                            .seed = s->source.seed,
                            .statistic = rng_hash(stream)};
}

static int record_file_if(run_record *record, const char *role, const char *path) {
    return path ? record_file(record, role, path) : 0;
}

int score_study_end(const score_study *s, run_record *record) {
    const metric_files *files = &s->source.files;
    char result[PATH_LENGTH];
    snprintf(result, sizeof result, "%s/%s.csv", s->source.out, s->source.program);
    record_text(record, "cohort", s->table->cohort);
    record_integer(record, "scans", (int64_t)s->table->scans);
    record_integer(record, "rows", (int64_t)s->table->rows);
    record_integer(record, "replicates", s->source.replicates);
    record_integer(record, "seed", (int64_t)s->source.seed);
    if (!s->split)
        return record_file(record, "table", s->source.table) < 0 ? -1 : record_file(record, "result", result);
    unfinished_remove(s->saved);
    if (record_file(record, "weights", files->ssfd_weights) < 0 ||
        record_file_if(record, "vgg16_weights", files->vgg16_weights) < 0 ||
        record_file_if(record, "lpips_weights", files->lpips_weights) < 0)
        return -1;
    return record_file(record, "result", result);
}

/* ---------------------------------------------------------------- groups */

static int call_with_part(const score_study *s, const char *group, const char *const *texts,
                          const char *value, score_group_function f, void *given) {
    score_table *part = score_table_select(s->table, texts, value);
    int status = part ? f(given, group, part) : -1;
    score_table_free(part);
    return status;
}

int score_study_each(const score_study *s, const char *what, const char *const *texts, score_group_function f,
                     void *given) {
    const char **values = mem_alloc(s->table->label_count * sizeof *values);
    size_t count = values ? score_table_distinct(s->table, texts, values) : 0;
    int status = values ? 0 : -1;
    for (size_t k = 0; status == 0 && count > 1 && k < count; k++) {
        char group[256];
        snprintf(group, sizeof group, "%s %s", what, *values[k] ? values[k] : "not named");
        status = call_with_part(s, group, texts, values[k], f, given);
    }
    free(values);
    return status;
}
