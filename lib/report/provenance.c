#include "report/html.h"

#include "core/version.h"
#include "report/sections.h"

#include "core/cli.h"
#include "core/error.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The value of a run record's key, or of its host's, or of its values'; "not recorded". */
static void put_value(FILE *page, const json_t *record, const char *key) {
    const json_t *value = json_object_get(record, key);
    if (!value)
        value = json_object_get(json_object_get(record, "host"), key);
    if (!value)
        value = json_object_get(json_object_get(record, "values"), key);
    html_put(page, "<td>");
    if (json_is_string(value))
        html_text(page, json_string_value(value));
    else if (json_is_integer(value))
        html_format(page, "%lld", (long long)json_integer_value(value));
    else if (json_is_number(value))
        html_format(page, "%.6g", json_number_value(value));
    else
        html_put(page, "not recorded");
    html_put(page, "</td>");
}

static void put_command(FILE *page, const json_t *record) {
    size_t k;
    const json_t *arguments = json_object_get(record, "arguments"), *argument;
    html_put(page, "<code>");
    json_array_foreach((json_t *)arguments, k, argument) {
        html_put(page, k ? " " : "");
        html_text(page, json_is_string(argument) ? json_string_value(argument) : "");
    }
    html_put(page, arguments ? "</code>" : "command not recorded</code>");
}

static const struct {
    const char *key, *title;
} columns[] = {{"stage", "stage"},     {"version", "version"},   {"started", "started (UTC)"},
               {"wall_s", "time (s)"}, {"threads", "threads"},   {"ranks", "ranks"},
               {"seed", "seed"},       {"peak_memory_mb", "MB"}, {"cpu", "CPU"}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void put_record(FILE *page, const json_t *record) {
    html_put(page, "<tr class=\"joined\">");
    for (int k = 0; k < COLUMNS; k++)
        put_value(page, record, columns[k].key);
    fprintf(page, "</tr>\n<tr><td colspan=\"%d\">", COLUMNS);
    put_command(page, record);
    html_put(page, "</td></tr>\n");
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Whether an earlier file of the records is the same one, by path and checksum: stages share their weights.
 */
static int told_before(const report *r, int record, size_t file, const json_t *entry) {
    for (int k = 0; k <= record; k++) {
        size_t j;
        const json_t *other;
        json_array_foreach(json_object_get(r->records[k], "files"), j, other) {
            if (k == record && j >= file)
                break;
            if (strcmp(text_of(other, "path"), text_of(entry, "path")) == 0 &&
                strcmp(text_of(other, "sha256"), text_of(entry, "sha256")) == 0)
                return 1;
        }
    }
    return 0;
}

/* Data, weights and results that the stages read and wrote, each once. */
static void put_checksums(const report *r) {
    html_put(r->page, "<h3>Checksums</h3>\n<p class=\"soft\">SHA-256 of the files that the stages read and "
                      "wrote.</p>\n<ul class=\"plain\">");
    for (int k = 0; k < r->record_count; k++) {
        size_t j;
        const json_t *entry;
        json_array_foreach(json_object_get(r->records[k], "files"), j, entry) {
            if (told_before(r, k, j, entry))
                continue;
            html_put(r->page, "<li>");
            html_format(r->page, "%s ", text_of(entry, "role"));
            html_code(r->page, text_of(entry, "path"));
            html_put(r->page, "<br>");
            html_code(r->page, text_of(entry, "sha256"));
            html_put(r->page, "</li>\n");
        }
    }
    html_put(r->page, "</ul>\n");
}

static void put_records(const report *r) {
    html_put(r->page, "<div class=\"scroll\"><table><thead><tr>");
    for (int k = 0; k < COLUMNS; k++) {
        html_put(r->page, "<th>");
        html_text(r->page, columns[k].title);
        html_put(r->page, "</th>");
    }
    html_put(r->page, "</tr></thead><tbody>\n");
    for (int k = 0; k < r->record_count; k++)
        put_record(r->page, r->records[k]);
    html_put(r->page, "</tbody></table></div>\n");
}

void section_provenance(report *r) {
    html_put(r->page, "<h2>Provenance</h2>\n");
    if (r->record_count) {
        put_records(r);
        put_checksums(r);
    } else {
        html_put(r->page, "<p>There are no run records.</p>\n");
    }
    html_put(r->page, "<p class=\"soft\">Settings, seeds, library versions and checksums of every stage: ");
    html_link(r->page, "manifest.json", "manifest.json");
    html_format(r->page, ". Put together by report %s.", SSFD_VERSION);
    html_put(r->page, "</p>\n");
}

/* folder: "" or REPORT_FOREGROUND */
static void put_tables(report *r, const char *folder, const name_list *tables) {
    for (int k = 0; k < tables->count; k++) {
        const char *name = tables->names[k];
        char path[REPORT_PATH];
        snprintf(path, sizeof path, "%s%s", folder, name);
        html_put(r->page, "<li>");
        html_link(r->page, path, path);
        html_put(r->page, strcmp(name, "claims.csv") == 0               ? ": all claims and their verdicts"
                          : report_ends_with(name, "_claims.csv")       ? ": claims of this experiment"
                          : report_ends_with(name, "_scans.csv")        ? ": values of every scan"
                          : strcmp(name, "perturbation_sweep.csv") == 0 ? ": means over scans with intervals"
                          : strcmp(name, "perturbation_baselines.csv") == 0
                              ? ": shifts against blur and noise at equal SSIM, of SSFD and baselines"
                              : "");
        html_put(r->page, *folder ? ", by the SSIM of the foreground</li>\n" : "</li>\n");
    }
}

void section_tables(report *r) {
    html_put(r->page, "<h2>Tables</h2>\n<ul>");
    put_tables(r, "", &r->tables);
    put_tables(r, REPORT_FOREGROUND, &r->foreground_tables);
    html_put(r->page, "</ul>\n");
}

/* Borrows nothing: the records stay the report's. */
static json_t *make_manifest(const report *r) {
    char now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    json_t *stages = json_array(), *cohort = json_string(r->cohort);
    if (!cohort)
        cohort = json_string("a name that is not UTF-8");
    for (int k = 0; stages && k < r->record_count; k++)
        json_array_append(stages, r->records[k]);
    return json_pack("{s:s, s:s, s:o, s:o}", "version", SSFD_VERSION, "created", now, "cohort", cohort,
                     "stages", stages);
}

int report_write_manifest(const report *r) {
    char path[REPORT_PATH], *temporary;
    snprintf(path, sizeof path, "%s/manifest.json", r->results);
    json_t *manifest = make_manifest(r);
    FILE *f = manifest ? report_begin(path, &temporary) : err_set_null("%s: out of memory", path);
    int status = f ? json_dumpf(manifest, f, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : -1;
    if (f)
        fputc('\n', f);
    json_decref(manifest);
    return f ? report_finish(f, temporary, path, status) : -1;
}
