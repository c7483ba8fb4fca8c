#include "report/sections.h"

#include "core/error.h"
#include "core/version.h"
#include <fnmatch.h>
#include <time.h>

/* ---------------------------------------------------------------- run records */

static const struct {
    const char *key, *title;
} columns[] = {{"stage", "stage"},     {"version", "version"},   {"started", "started (UTC)"},
               {"wall_s", "time (s)"}, {"threads", "threads"},   {"ranks", "ranks"},
               {"seed", "seed"},       {"peak_memory_mb", "MB"}, {"cpu", "CPU"}};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* A value of a run record, of its host or of its values. */
static void set_value(json_t *cell, const json_t *record, const char *key) {
    const json_t *value = json_object_get(record, key);
    if (!value)
        value = json_object_get(json_object_get(record, "host"), key);
    if (!value)
        value = json_object_get(json_object_get(record, "values"), key);
    if (json_is_string(value))
        template_set(cell, "value", "%s", json_string_value(value));
    else if (json_is_integer(value))
        template_set(cell, "value", "%lld", (long long)json_integer_value(value));
    else if (json_is_number(value))
        template_set(cell, "value", "%.6g", json_number_value(value));
    else
        template_set(cell, "value", "not recorded");
}

static void add_record(const json_t *record, json_t *runs) {
    json_t *item = template_add(runs, "records"), *arguments = json_object_get(record, "arguments"),
           *argument;
    size_t k;
    template_set(item, "width", "%d", COLUMNS);
    for (k = 0; k < COLUMNS; k++)
        set_value(template_add(item, "cells"), record, columns[k].key);
    json_array_foreach(arguments, k, argument)
        template_set(template_add(item, "arguments"), "argument", "%s",
                     json_is_string(argument) ? json_string_value(argument) : "");
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Data, weights and results that a stage read and wrote. Stages share their weights: `seen` holds those
 * that are on the page, by path and checksum. */
static void add_files(const json_t *record, json_t *seen, json_t *runs) {
    size_t k;
    const json_t *file;
    json_array_foreach(json_object_get(record, "files"), k, file) {
        char key[STUDY_PATH + 80];
        snprintf(key, sizeof key, "%s %s", text_of(file, "sha256"), text_of(file, "path"));
        if (json_object_get(seen, key))
            continue;
        json_object_set_new_nocheck(seen, key, json_true());
        json_t *item = template_add(runs, "files");
        template_set(item, "role", "%s", text_of(file, "role"));
        template_set(item, "path", "%s", text_of(file, "path"));
        template_set(item, "sha256", "%s", text_of(file, "sha256"));
    }
}

void section_provenance(const study *s, json_t *page) {
    size_t k;
    const json_t *record;
    json_t *seen = json_object(), *runs = json_array_size(s->records) ? template_add(page, "runs") : NULL;
    for (k = 0; runs && k < COLUMNS; k++)
        template_set(template_add(runs, "columns"), "title", "%s", columns[k].title);
    json_array_foreach(s->records, k, record) {
        add_record(record, runs);
        add_files(record, seen, runs);
    }
    json_decref(seen);
    template_set(page, "version", "%s", SSFD_VERSION);
}

/* ---------------------------------------------------------------- tables */

static const char *about_table(const char *name) {
    static const char *const known[][2] = {
        {"claims.csv", ": all claims and their verdicts"},
        {"*_claims.csv", ": claims of this experiment"},
        {"*_scans.csv", ": values of every scan"},
        {"perturbation_sweep.csv", ": means over scans with intervals"},
        {"perturbation_baselines.csv",
         ": shifts against blur and noise at equal SSIM, of SSFD and baselines"}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (fnmatch(known[k][0], name, 0) == 0)
            return known[k][1];
    return "";
}

int section_tables(const study *s, json_t *page) {
    name_list files;
    int status = study_list_files(s, "", ".csv", &files);
    for (size_t k = 0; k < files.count; k++) {
        json_t *table = template_add(page, "tables");
        template_set(table, "file", "%s", files.items[k]);
        template_set(table, "about", "%s", about_table(files.items[k]));
    }
    name_list_free(&files);
    return status;
}

/* ---------------------------------------------------------------- manifest */

static json_t *make_manifest(const study *s) {
    char now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    json_t *cohort = json_string(s->cohort);
    if (!cohort)
        cohort = json_string("a name that is not UTF-8");
    return json_pack("{s:s, s:s, s:o, s:O}", "version", SSFD_VERSION, "created", now, "cohort", cohort,
                     "stages", s->records);
}

static int dump(FILE *f, const json_t *manifest) {
    int status = json_dumpf(manifest, f, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    fputc('\n', f);
    return status == 0 ? 0 : err_set("manifest.json: out of memory");
}

int manifest_write(const study *s) {
    json_t *manifest = make_manifest(s);
    int status = study_write(s, "manifest.json", dump, manifest);
    json_decref(manifest);
    return status;
}
