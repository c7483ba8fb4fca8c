/* Puts the study together: results/index.html (one self-contained page), claims.csv, manifest.json. Every
 * number on the page is read from the tables, weights and run records of this study; what is missing is said
 * to be missing. */
#include "core/atomic_file.h"
#include "core/cli.h"
#include "core/csv.h"
#include "core/error.h"
#include "io/h5.h"
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "report"
#define PATH_LENGTH 4096
#define CLAIMS_HEADER "claim,effect,estimate,ci_low,ci_high,n,test,verdict"

typedef struct {
    const char *results, *weights;
    FILE *page;
    csv_table *sweep;
    char cohort[128];
} report;

/* ---------------------------------------------------------------- files */

/* Whole file, with a 0 behind it. NULL with a message. */
static char *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set_null("%s: cannot be read", path);
    char *data = NULL;
    long length = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (length >= 0 && fseek(f, 0, SEEK_SET) == 0 && (data = mem_alloc((size_t)length + 1)) &&
        fread(data, 1, (size_t)length, f) == (size_t)length) {
        data[length] = '\0';
        *size = (size_t)length;
    } else {
        free(data);
        data = err_set_null("%s: cannot be read", path);
    }
    fclose(f);
    return data;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted names of a folder's files that end with `ending`; an absent folder has none. */
static int list_files(const char *folder, const char *ending, char ***names) {
    int count = 0;
    DIR *d = opendir(folder);
    *names = NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t length = strlen(e->d_name), tail = strlen(ending);
        if (length <= tail || strcmp(e->d_name + length - tail, ending) != 0)
            continue;
        char **grown = realloc(*names, ((size_t)count + 1) * sizeof **names);
        if (grown && (grown[count] = strdup(e->d_name)))
            count++;
        *names = grown ? grown : *names;
    }
    if (d)
        closedir(d);
    if (count)
        qsort(*names, (size_t)count, sizeof **names, compare_names);
    return count;
}

static void free_names(char **names, int count) {
    for (int k = 0; k < count; k++)
        free(names[k]);
    free(names);
}

/* ---------------------------------------------------------------- HTML */

static void put(report *r, const char *html) {
    fputs(html, r->page);
}

static void put_text(report *r, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '&':
            put(r, "&amp;");
            break;
        case '<':
            put(r, "&lt;");
            break;
        case '>':
            put(r, "&gt;");
            break;
        case '"':
            put(r, "&quot;");
            break;
        default:
            fputc(*text, r->page);
        }
}

/* printf, escaped. */
static void put_format(report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put_format(report *r, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put_text(r, text);
}

static void put_cell(report *r, const char *text) {
    put(r, "<td>");
    put_text(r, text);
    put(r, "</td>");
}

static void put_base64(report *r, const unsigned char *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t k = 0; k < size; k += 3) {
        unsigned long block = (unsigned long)data[k] << 16;
        block |= k + 1 < size ? (unsigned long)data[k + 1] << 8 : 0;
        block |= k + 2 < size ? data[k + 2] : 0;
        fputc(digits[block >> 18], r->page);
        fputc(digits[block >> 12 & 63], r->page);
        fputc(k + 1 < size ? digits[block >> 6 & 63] : '=', r->page);
        fputc(k + 2 < size ? digits[block & 63] : '=', r->page);
    }
}

/* A figure drawn by plots/<name>.gp: the PNG inside the page, links to the PDF and the table. */
static void put_figure(report *r, const char *name, const char *alt, const char *caption) {
    char path[PATH_LENGTH];
    size_t size;
    snprintf(path, sizeof path, "%s/figures/%s.png", r->results, name);
    char *image = read_file(path, &size);
    put(r, "<figure>");
    if (image) {
        put(r, "<img alt=\"");
        put_text(r, alt);
        put(r, "\" src=\"data:image/png;base64,");
        put_base64(r, (const unsigned char *)image, size);
        put(r, "\">");
    } else {
        put_format(r, "figures/%s.png is missing: make figures draws it.", name);
    }
    free(image);
    put(r, "<figcaption>");
    put_text(r, caption);
    fprintf(r->page,
            " <a href=\"figures/%s.pdf\">PDF</a>, <a href=\"%s.csv\">table</a>.</figcaption></figure>\n",
            name, name);
}

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--ink:#1d1d1f;--paper:#fff;--soft:#5c5c66;--line:#d9d9de;--warn:#fff4d6;"
    "--warn-line:#c98a00;--yes:#00714f;--no:#b3261e;--open:#6b5a00}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#ececf1;--paper:#17181c;--soft:#a3a3ad;--line:#3a3b42;"
    "--warn:#3a2f12;--warn-line:#e0a526;--yes:#4fd1a5;--no:#ff8a80;--open:#e6c84c}}\n"
    "body{margin:0 auto;max-width:62rem;padding:1.2rem;font:16px/1.55 system-ui,'DejaVu Sans',sans-serif;"
    "color:var(--ink);background:var(--paper)}\n"
    "h1{font-size:1.7rem;line-height:1.2}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:1px solid "
    "var(--line);padding-bottom:.2rem}\n"
    "figure{margin:1rem "
    "0}img{width:100%;height:auto;background:#fff;border-radius:4px}figcaption,.soft{color:"
    "var(--soft);font-size:.92rem}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;width:100%}th,td{text-align:left;"
    "padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\n"
    ".warn{background:var(--warn);border-left:4px solid var(--warn-line);padding:.7rem "
    "1rem;border-radius:4px}\n"
    ".yes{color:var(--yes);font-weight:600}.no{color:var(--no);font-weight:600}.open{color:var(--open);"
    "font-weight:600}li,code{overflow-wrap:anywhere}code{font-size:.88em}a{color:inherit}\n"
    "@media print{body{max-width:none;font-size:11pt}h2{break-after:avoid}figure,tr{break-inside:avoid}}\n"
    "</style>\n";

/* ---------------------------------------------------------------- sections */

static void section_head(report *r) {
    put(r, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
           "<title>SSFD: results</title>\n");
    put(r, style);
    put(r,
        "</head><body>\n<h1>SSFD: an MR image quality metric from self-supervised features</h1>\n"
        "<p>A U-Net learns to in-paint masked patches of MR images; the self-supervised feature distance "
        "(SSFD) "
        "between an image and its reference is the mean squared difference of the features of that network's "
        "encoder. This page reproduces the experiments of the poster by Adamson et al. that proposed it. All "
        "numbers come from the tables beside it.</p>\n");
    put(r, "<p>cohort: <code>");
    put_text(r, r->cohort);
    put(r, "</code></p>\n");
    if (strcmp(r->cohort, "colin27-virtual") == 0)
        put(r, "<p class=\"warn\"><strong>Default cohort.</strong> These are virtual scans of one real head "
               "(Colin27, "
               "T1), not the poster's knees. They show how the metrics react when an image is degraded in a "
               "known way, "
               "and that the whole path works. They cannot show anything about knees, pathology or "
               "radiologists' "
               "judgement, and the intervals describe virtual scans of one head, not people.</p>\n");
}

static void section_data(report *r) {
    put(r, "<h2>Data</h2>\n<ul>");
    for (size_t k = 0; k < r->sweep->comment_count; k++) {
        put(r, "<li>");
        put_text(r, r->sweep->comments[k]);
        put(r, "</li>");
    }
    put(r,
        "</ul>\n<p class=\"soft\">The poster: fastMRI multi-coil knee, 778 training scans (its \"513D\" is a "
        "misprint), 195 for validation, 199 for testing. A slice's images are averaged within their scan; "
        "means "
        "and intervals are over scans.</p>\n");
}

static void put_training_text(report *r, const h5_file *f, const char *label, const char *attribute) {
    char *text = NULL;
    if (!h5_attr_exists(f, attribute) || h5_attr_text(f, attribute, &text) < 0)
        return;
    put_format(r, "%s: ", label);
    put(r, "<code>");
    put_text(r, text);
    put(r, "</code><br>\n");
    free(text);
}

/* From the record that the training program left in the weight file. */
static void section_training(report *r) {
    double masked, local_mean;
    h5_file *f = h5_open(r->weights);
    put(r, "<h2>The self-supervised network</h2>\n<p>");
    if (!f) {
        put_text(r, err_message());
    } else {
        put_training_text(r, f, "weights", "architecture");
        put_training_text(r, f, "trained by", "training_program");
        put_training_text(r, f, "on", "training_cohort");
        put_training_text(r, f, "settings", "training_settings");
        if (h5_attr_exists(f, "validation_masked_mse") &&
            h5_attr_exists(f, "validation_masked_mse_local_mean") &&
            h5_attr_real(f, "validation_masked_mse", &masked) == 0 &&
            h5_attr_real(f, "validation_masked_mse_local_mean", &local_mean) == 0)
            put_format(r,
                       "Inside the masked patches of validation slices its mean squared error is %.4f of the "
                       "image's "
                       "variance; filling with the local mean leaves %.4f, %.1f times as much.",
                       masked, local_mean, local_mean / masked);
        else
            put(r, "This weight file carries no training record.");
    }
    h5_close(f);
    put(r, "</p>\n");
}

static void section_sweep(report *r) {
    char caption[512], scans[32] = "?";
    int column = csv_table_column(r->sweep, "n_scans");
    if (column >= 0 && r->sweep->rows)
        snprintf(scans, sizeof scans, "%s", csv_table_text(r->sweep, 0, column));
    put(r, "<h2>Figure 1: SSFD under image perturbations</h2>\n");
    snprintf(caption, sizeof caption,
             "Top: a test slice and its perturbed versions at the middle of each level range. Bottom: mean "
             "SSFD (left "
             "axis) and mean SSIM (right axis) of %s test scans against the level, with 95 %% Student-t "
             "intervals. "
             "Cohort: %s.",
             scans, r->cohort);
    put_figure(
        r, "perturbation_sweep",
        "Example images of each perturbation above plots of mean SSFD and SSIM against perturbation level, "
        "with 95 % confidence bands",
        caption);
}

static void put_claim(report *r, const csv_table *t, size_t row) {
    const char *verdict = csv_table_text(t, row, csv_table_column(t, "verdict"));
    double value[3] = {0};
    static const char *const numbers[] = {"estimate", "ci_low", "ci_high"};
    for (int k = 0; k < 3; k++)
        csv_table_real(t, row, csv_table_column(t, numbers[k]), &value[k]);
    put(r, "<tr>");
    put_cell(r, csv_table_text(t, row, csv_table_column(t, "claim")));
    put_cell(r, csv_table_text(t, row, csv_table_column(t, "effect")));
    put(r, "<td>");
    put_format(r, "%.3g [%.3g, %.3g]", value[0], value[1], value[2]);
    put(r, "</td>");
    put_cell(r, csv_table_text(t, row, csv_table_column(t, "n")));
    fprintf(r->page, "<td class=\"%s\">",
            strcmp(verdict, "reproduced") == 0  ? "yes"
            : strcmp(verdict, "undecided") == 0 ? "open"
                                                : "no");
    put_text(r, verdict);
    put(r, "</td></tr>\n");
}

static int section_claims(report *r) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/claims.csv", r->results);
    csv_table *t = csv_table_read(path);
    if (!t)
        return -1;
    put(r, "<h2>The poster's claims</h2>\n");
    if (t->rows) {
        put(r, "<div class=\"scroll\"><table><thead><tr><th>claim</th><th>effect</th><th>estimate [95 % "
               "interval]</th>"
               "<th>scans</th><th>verdict</th></tr></thead><tbody>\n");
        for (size_t row = 0; row < t->rows; row++)
            put_claim(r, t, row);
        put(r, "</tbody></table></div>\n<p class=\"soft\">Each scan's SSFD is interpolated where its SSIM "
               "has fallen "
               "to the stated value, so perturbations are compared at equal loss of SSIM. A ratio whose "
               "interval lies "
               "below 1 reproduces the claim, above 1 contradicts it. <a "
               "href=\"claims.csv\">claims.csv</a></p>\n");
    } else {
        put(r, "<p>No claim could be tested with these settings.</p>\n");
    }
    csv_table_free(t);
    return 0;
}

static void section_differences(report *r) {
    put(r, "<h2>What differs from the poster</h2>\n<ul>"
           "<li>The network was trained here, on the cohort named above, not by the authors. Weight files in "
           "their layout "
           "are read, too.</li>"
           "<li>The poster's text gives neither the ranges of the levels nor their units. Here blur and "
           "shift are in "
           "pixels and noise is a share of the slice's maximum; the ranges were chosen so that SSIM falls "
           "far under "
           "each. Shifts are along rows and wrap around.</li>");
    if (strcmp(r->cohort, "colin27-virtual") == 0)
        put(r, "<li>Virtual head scans instead of knees, magnitude images without multi-coil raw data.</li>");
    put(r, "</ul>\n");
}

/* Value of a key in one of our own run records, as text; these are flat enough to be searched for `"key": `.
 */
static void record_value(const char *json, const char *key, char *value, size_t size) {
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\": ", key);
    const char *at = strstr(json, pattern);
    value[0] = '\0';
    if (!at)
        return;
    at += strlen(pattern);
    int quoted = *at == '"';
    at += quoted;
    size_t used = 0;
    while (*at && used + 1 < size && !(quoted ? *at == '"' : strchr(",\n}", *at) != NULL))
        value[used++] = *at++;
    value[used] = '\0';
}

static void section_provenance(report *r, char *const *records, char *const *names, int count) {
    static const char *const keys[] = {"started", "wall_s", "peak_memory_mb", "threads", "cpu", "version"};
    put(r, "<h2>Provenance</h2>\n<div class=\"scroll\"><table><thead><tr><th>stage</th><th>started "
           "(UTC)</th><th>wall "
           "time (s)</th><th>peak memory "
           "(MB)</th><th>threads</th><th>CPU</th><th>version</th></tr></thead><tbody>\n");
    for (int k = 0; k < count; k++) {
        char value[256];
        snprintf(value, sizeof value, "%.*s", (int)(strlen(names[k]) - strlen(".json")), names[k]);
        put(r, "<tr>");
        put_cell(r, value);
        for (size_t q = 0; q < sizeof keys / sizeof *keys; q++) {
            record_value(records[k], keys[q], value, sizeof value);
            put_cell(r, value);
        }
        put(r, "</tr>\n");
    }
    put(r, "</tbody></table></div>\n<p class=\"soft\">Commands, seeds and checksums: <a "
           "href=\"manifest.json\">manifest.json</a>. Values of every scan: <a "
           "href=\"perturbation_sweep_scans.csv\">perturbation_sweep_scans.csv</a>.</p>\n</body></html>\n");
}

/* ---------------------------------------------------------------- the three files */

/* All <experiment>_claims.csv, one behind the other. */
static int write_claims(const report *r) {
    char path[PATH_LENGTH], **names;
    int count = list_files(r->results, "_claims.csv", &names), status = 0;
    snprintf(path, sizeof path, "%s/claims.csv", r->results);
    csv_writer *csv = csv_writer_open(path);
    if (!csv)
        status = -1;
    else {
        csv_writer_comment(csv, "cohort: %s", r->cohort);
        csv_writer_row(csv, CLAIMS_HEADER);
    }
    for (int k = 0; status == 0 && k < count; k++) {
        size_t size;
        snprintf(path, sizeof path, "%s/%s", r->results, names[k]);
        char *text = read_file(path, &size), *rest = NULL;
        int header = 1;
        status = text ? 0 : -1;
        for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line && status == 0;
             line = strtok_r(NULL, "\n", &rest)) {
            if (line[0] == '#')
                continue;
            if (header && strcmp(line, CLAIMS_HEADER) != 0)
                status = err_set("%s: header is '%s', expected '%s'", path, line, CLAIMS_HEADER);
            else if (!header)
                csv_writer_row(csv, "%s", line);
            header = 0;
        }
        free(text);
    }
    free_names(names, count);
    if (status == 0)
        return csv_writer_close(csv);
    csv_writer_discard(csv);
    return -1;
}

static int write_manifest(const report *r, char *const *records, int count) {
    char path[PATH_LENGTH], now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(path, sizeof path, "%s/manifest.json", r->results);
    char *temporary = atomic_begin(path);
    FILE *f = temporary ? fopen(temporary, "w") : NULL;
    if (!f) {
        atomic_discard(temporary);
        return temporary ? err_set("%s: cannot be written", path) : -1;
    }
    fprintf(f, "{\n\"version\": \"%s\",\n\"created\": \"%s\",\n\"cohort\": \"%s\",\n\"stages\": [\n",
            SSFD_VERSION, now, r->cohort);
    for (int k = 0; k < count; k++)
        fprintf(f, "%s%s", k ? ",\n" : "", records[k]);
    fprintf(f, "]\n}\n");
    int failed = ferror(f);
    if (fclose(f) == 0 && !failed)
        return atomic_commit(temporary, path);
    atomic_discard(temporary);
    return err_set("%s: cannot be written", path);
}

static int write_page(report *r, char *const *records, char *const *names, int count) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/index.html", r->results);
    char *temporary = atomic_begin(path);
    r->page = temporary ? fopen(temporary, "w") : NULL;
    if (!r->page) {
        atomic_discard(temporary);
        return temporary ? err_set("%s: cannot be written", path) : -1;
    }
    section_head(r);
    section_data(r);
    section_training(r);
    section_sweep(r);
    int status = section_claims(r);
    section_differences(r);
    section_provenance(r, records, names, count);
    int failed = ferror(r->page);
    if (fclose(r->page) != 0 || failed)
        status = err_set("%s: cannot be written", path);
    if (status == 0 && atomic_commit(temporary, path) == 0)
        return 0;
    if (status < 0)
        atomic_discard(temporary);
    return -1;
}

static int read_records(const report *r, char **names, int count, char **records) {
    char path[PATH_LENGTH];
    for (int k = 0; k < count; k++) {
        size_t size;
        snprintf(path, sizeof path, "%s/records/%s", r->results, names[k]);
        if (!(records[k] = read_file(path, &size)))
            return -1;
        while (size && strchr(" \n", records[k][size - 1]))
            records[k][--size] = '\0';
        if (size < 2 || records[k][0] != '{' || records[k][size - 1] != '}')
            return err_set("%s: not a run record: expected a JSON object", path);
    }
    return 0;
}

static int run(report *r) {
    char path[PATH_LENGTH], **names;
    snprintf(path, sizeof path, "%s/perturbation_sweep.csv", r->results);
    if (!(r->sweep = csv_table_read(path)))
        return -1;
    strcpy(r->cohort, "not named");
    for (size_t k = 0; k < r->sweep->comment_count; k++)
        sscanf(r->sweep->comments[k], "cohort: %127[^\n]", r->cohort);
    snprintf(path, sizeof path, "%s/records", r->results);
    int count = list_files(path, ".json", &names);
    char **records = mem_calloc((size_t)count, sizeof *records);
    int status = records && read_records(r, names, count, records) == 0 && write_claims(r) == 0 &&
                         write_manifest(r, records, count) == 0 && write_page(r, records, names, count) == 0
                     ? 0
                     : -1;
    if (records)
        free_names(records, count);
    free_names(names, count);
    csv_table_free(r->sweep);
    return status;
}

int main(int argc, char **argv) {
    report r = {.results = "results", .weights = "lib/models/weights/ssl_unet.h5"};
    const cli_option table[] = {
        {CLI_STRING, "results", &r.results, "DIR", "folder of the study's tables, figures and records", 0, 0},
        {CLI_STRING, "weights", &r.weights, "FILE", "weights that the study used, for their training record",
         0, 0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {
        PROGRAM, "Puts the results together: index.html, claims.csv, manifest.json.", NULL, 0, 0, table,
        NULL};
    int first;
    cli_result parsed = cli_parse(&spec, argc, argv, &first, stdout, stderr);
    if (parsed != CLI_RUN)
        return parsed == CLI_DONE ? 0 : 2;
    return run(&r) < 0 ? cli_fail(PROGRAM) : 0;
}
