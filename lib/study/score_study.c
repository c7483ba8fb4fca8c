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

const program_option score_group[] = {
    OPT_TEXT("table", OPT_FIELD(score_options, table), "FILE",
             "take the scores from a CSV file instead of a cohort"),
    OPT_TEXT(
        "columns", OPT_FIELD(score_options, columns), "NAME=COLUMN,...",
        "what the table calls scan_id, slice, acceleration, method, fault or a metric (ssim, ssfd, ...)"),
    OPT_TEXT("higher-is-better", OPT_FIELD(score_options, higher), "NAMES",
             "columns of the table that no metric is known for, of which a higher value is better"),
    OPT_TEXT("lower-is-better", OPT_FIELD(score_options, lower), "NAMES",
             "the same where a lower value is better"),
    OPT_TEXT("against", OPT_FIELD(score_options, against), "METRIC",
             "metric that the others are held against"),
    OPT_INT("replicates", OPT_FIELD(score_options, replicates), "N", 100, 1e7, "of the bootstrap"),
    OPT_END};

/* ---------------------------------------------------------------- where scores come from */

#define LIST_LENGTH 8192

/* Metrics that a table has to have. */
static int list_required(const score_source *from, char *list) {
    int length = snprintf(list, LIST_LENGTH, "%s%s%s", from->scores->against, *from->required ? "," : "",
                          from->required);
    return length < LIST_LENGTH ? 0 : err_set("metrics: longer than %d characters", LIST_LENGTH - 256);
}

static score_columns columns_of(const score_source *from, const char *required) {
    return (score_columns){.columns = from->scores->columns,
                           .metrics = required,
                           .optional = from->optional,
                           .higher = from->scores->higher,
                           .lower = from->scores->lower};
}

int score_source_check(const score_source *from) {
    const score_options *o = from->scores;
    char required[LIST_LENGTH];
    if (!o->table && (*o->columns || *o->higher || *o->lower))
        return err_set("--columns, --higher-is-better and --lower-is-better belong to --table");
    if (list_required(from, required) < 0 || (!o->table && !metric_find(o->against)))
        return -1;
    const score_columns columns = columns_of(from, required);
    if (score_columns_check(&columns) < 0)
        return -1;
    return from->baselines ? metric_list_check(from->baselines->names) : 0;
}

static int open_cohort(score_study *s) {
    const score_source *from = &s->source;
    const metric_files files = metric_files_of(from->network, from->baselines, from->run->seed);
    if (!(s->split = prepared_split_open(from->cohort->folder, from->cohort->split, from->cohort->scans)))
        return -1;
    int scans = s->split->scans;
    if (scans < SCORE_MIN_SCANS)
        return err_set("%s: %s split has %d scan%s, expected at least %d", from->cohort->folder,
                       from->cohort->split, scans, scans == 1 ? "" : "s", SCORE_MIN_SCANS);
    if (!(s->kind = mem_alloc((size_t)scans * sizeof *s->kind)))
        return -1;
    for (int k = 0; k < scans; k++) {
        int is_faulty = from->with_faults && strcmp(s->split->faults[k], PREPARED_NO_FAULT) != 0;
        s->kind[k] = is_faulty ? PREPARED_RECONSTRUCTION_FAULTY : PREPARED_RECONSTRUCTION;
    }
    const char *baselines = from->baselines ? from->baselines->names : "";
    return metric_set_open(&s->metrics, baselines, from->layers_apart, &files) < 0
               ? -1
               : path_make_dirs(from->run->out);
}

static int compute(score_study *s) {
    int taken_over;
    if (ranks_agree(open_cohort(s)) < 0)
        return -1;
    snprintf(s->saved, sizeof s->saved, "%s/.%s.unfinished.h5", s->source.run->out, s->source.program);
    const char *const *faults = (const char *const *)s->split->faults;
    const reconstruction_plan plan = {.split = s->split,
                                      .metrics = &s->metrics,
                                      .kind = s->kind,
                                      .fault = s->source.with_faults ? faults : NULL,
                                      .saved = s->saved,
                                      .save_every = s->source.run->save_every};
    s->table = reconstruction_scores(&plan, &taken_over);
    if (s->table && taken_over && ranks_me() == 0)
        printf("%d of %d slices taken over from an interrupted run\n", taken_over, s->split->total_slices);
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
    char required[LIST_LENGTH];
    if (check_file(s->source.scores->table) < 0 || list_required(&s->source, required) < 0)
        return -1;
    const score_columns columns = columns_of(&s->source, required);
    s->table = score_table_read(s->source.scores->table, &columns);
    return s->table ? path_make_dirs(s->source.run->out) : -1;
}

int score_study_open(score_study *s, const score_source *source) {
    *s = (score_study){.source = *source};
    if ((source->scores->table ? ranks_agree(read_table(s)) : compute(s)) < 0)
        return -1;
    s->against = score_table_metric(s->table, source->scores->against);
    s->unit = score_table_unit(s->table);
    return ranks_agree(s->against < 0 || !s->unit ? -1 : 0);
}

void score_study_close(score_study *s) {
    prepared_split_free(s->split);
    metric_set_close(&s->metrics);
    score_table_free(s->table);
    free(s->kind);
    *s = (score_study){0};
}

const char *score_study_from(const score_study *s) {
    return s->split ? s->source.cohort->folder : s->source.scores->table;
}

int score_study_exclude_faults(score_study *s) {
    score_table *all = s->table, *good = score_table_select(all, all->fault, SCORE_NO_FAULT);
    if (!good)
        return -1;
    s->table = good;
    int excluded = (int)(all->rows - good->rows);
    score_table_free(all);
    if (good->scans < SCORE_MIN_SCANS)
        return err_set("%s: %zu scans without a fault, expected at least %d", score_study_from(s),
                       good->scans, SCORE_MIN_SCANS);
    s->unit = score_table_unit(good);
    return s->unit ? excluded : -1;
}

/* ---------------------------------------------------------------- results */

csv_writer *score_study_begin_table(const score_study *s, const char *name) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/%s.csv", s->source.run->out, name);
    csv_writer *csv = csv_writer_open(path);
    if (!csv || !s->split)
        return csv;
    prepared_split_comments(s->split, csv);
    if (s->split->acceleration > 0.0)
        csv_writer_comment(csv, "acceleration: %g", s->split->acceleration);
    metric_set_comments(&s->metrics, csv);
    return csv;
}

csv_writer *score_study_begin_statistics(const score_study *s, const char *name) {
    csv_writer *csv = score_study_begin_table(s, name);
    if (!csv)
        return NULL;
    csv_writer_comment(csv, "cohort: %s", s->table->cohort);
    score_table_labels(s->table, csv);
    csv_writer_comment(csv, "against: %s", s->table->metric[s->against].key);
    csv_writer_comment(csv, "unit: %s", s->unit);
    csv_writer_comment(csv, "points: %zu of %zu scans", s->table->rows, s->table->scans);
    csv_writer_comment(csv, "seed: %llu", (unsigned long long)s->source.run->seed);
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
                            .replicates = (size_t)s->source.scores->replicates,
                            .confidence = CONFIDENCE,
                            .seed = s->source.run->seed,
                            .statistic = rng_hash(stream)};
}

int score_study_end(const score_study *s, run_record *record) {
    const score_source *from = &s->source;
    const metric_files files = metric_files_of(from->network, from->baselines, from->run->seed);
    char result[PATH_LENGTH];
    snprintf(result, sizeof result, "%s/%s.csv", s->source.run->out, s->source.program);
    record_text(record, "cohort", s->table->cohort);
    record_integer(record, "scans", (int64_t)s->table->scans);
    record_integer(record, "rows", (int64_t)s->table->rows);
    record_integer(record, "replicates", s->source.scores->replicates);
    record_integer(record, "seed", (int64_t)s->source.run->seed);
    if (s->split)
        unfinished_remove(s->saved);
    if ((s->split ? metric_files_record(&files, record) : record_file(record, "table", from->scores->table)) <
        0)
        return -1;
    return record_file(record, "result", result);
}

/* ---------------------------------------------------------------- groups */

static int call_each(const score_study *s, const char *what, const char *const *texts, score_group_function f,
                     void *given) {
    const char **values = mem_alloc(s->table->label_count * sizeof *values);
    size_t count = values ? score_table_distinct(s->table, texts, values) : 0;
    int status = values ? 0 : -1;
    for (size_t k = 0; status == 0 && count > 1 && k < count; k++) {
        char group[256];
        score_table *part = score_table_select(s->table, texts, values[k]);
        snprintf(group, sizeof group, "%s %s", what, *values[k] ? values[k] : "not named");
        status = part ? f(given, group, part) : -1;
        score_table_free(part);
    }
    free(values);
    return status;
}

int score_study_each(const score_study *s, score_group_function f, void *given) {
    if (call_each(s, "acceleration", s->table->acceleration, f, given) < 0)
        return -1;
    return call_each(s, "method", s->table->method, f, given);
}
