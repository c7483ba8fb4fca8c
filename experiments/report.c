/* Puts the study together: results/index.html (one self-contained page), claims.csv, manifest.json. Every
 * number on the page is read from the tables, weights and run records of this study; what is missing is said
 * to be missing. */
#include "core/atomic_file.h"
#include "core/cli.h"
#include "core/csv.h"
#include "core/error.h"
#include "io/h5.h"
#include "metrics/baselines.h"
#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "report"
#define PATH_LENGTH 4096
#define CLAIMS_HEADER "claim,effect,estimate,ci_low,ci_high,n,test,verdict"
#define VIRTUAL_COHORT "colin27-virtual"

typedef struct {
    char **names; /* sorted */
    int count;
} name_list;

typedef struct {
    const char *results, *weights, *recon_weights;
    FILE *page;
    csv_table *sweep, *claims;
    name_list record_names, tables;
    char **records; /* [record_names.count], JSON text */
    char cohort[128];
    int trained_here; /* the weights carry our training program's record */
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

static void free_names(name_list *list) {
    for (int k = 0; k < list->count; k++)
        free(list->names[k]);
    free(list->names);
    *list = (name_list){0};
}

static int add_name(name_list *list, const char *name) {
    char **grown = realloc(list->names, ((size_t)list->count + 1) * sizeof *grown);
    if (!grown)
        return err_set("out of memory");
    list->names = grown;
    if (!(grown[list->count] = strdup(name)))
        return err_set("out of memory");
    list->count++;
    return 0;
}

/* Sorted names of a folder's visible files that end with `ending`; an absent folder has none. */
static int list_files(const char *folder, const char *ending, name_list *list) {
    int status = 0;
    DIR *d = opendir(folder);
    *list = (name_list){0};
    for (struct dirent *e; d && status == 0 && (e = readdir(d));) {
        size_t length = strlen(e->d_name), tail = strlen(ending);
        if (e->d_name[0] != '.' && length > tail && strcmp(e->d_name + length - tail, ending) == 0)
            status = add_name(list, e->d_name);
    }
    if (d)
        closedir(d);
    if (list->count)
        qsort(list->names, (size_t)list->count, sizeof *list->names, compare_names);
    return status;
}

/* ---------------------------------------------------------------- values of our own JSON records */

/* Behind the string that starts at `at`. */
static const char *json_skip_string(const char *at) {
    for (at++; *at && *at != '"'; at++)
        at += *at == '\\' && at[1];
    return *at ? at + 1 : at;
}

/* Start of the value of the first key of that name, at any depth; NULL when there is none. Strings are
 * stepped over whole, so a key's name inside a value is not taken for the key. */
static const char *json_find(const char *json, const char *key) {
    size_t length = strlen(key);
    while (*json) {
        const char *start = json;
        if (*json++ != '"')
            continue;
        json = json_skip_string(start);
        const char *behind = json + strspn(json, " \t\r\n");
        if (*behind == ':' && json == start + length + 2 && strncmp(start + 1, key, length) == 0)
            return behind + 1 + strspn(behind + 1, " \t\r\n");
    }
    return NULL;
}

/* Writes the string that starts at `at`, decoded. \u sequences stand for bytes that cannot be shown. */
static void json_put_decoded(FILE *out, const char *at) {
    for (at++; *at && *at != '"'; at++) {
        if (*at != '\\' || !at[1]) {
            fputc(*at, out);
        } else if (*++at == 'u') {
            fputs("\xEF\xBF\xBD", out);
            for (int k = 0; k < 4 && isxdigit((unsigned char)at[1]); k++)
                at++;
        } else {
            fputc(*at == 'n' || *at == 't' || *at == 'r' ? ' ' : *at, out);
        }
    }
}

/* A value as text: strings decoded, arrays of strings (command lines) joined by spaces. */
static void json_put_value(FILE *out, const char *at) {
    if (*at == '"') {
        json_put_decoded(out, at);
    } else if (*at == '[') {
        const char *gap = "";
        for (at++; *at && *at != ']';) {
            if (*at != '"') {
                at++;
                continue;
            }
            fputs(gap, out);
            json_put_decoded(out, at);
            at = json_skip_string(at);
            gap = " ";
        }
    } else {
        fwrite(at, 1, strcspn(at, ",]} \t\r\n"), out);
    }
}

/* The caller's (free()); "" when the key is not there. NULL when out of memory. */
static char *json_value(const char *json, const char *key) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return err_set_null("out of memory");
    const char *at = json_find(json, key);
    if (at)
        json_put_value(out, at);
    return fclose(out) == 0 ? text : err_set_null("out of memory");
}

static void json_put_string(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
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
    char text[4 * PATH_LENGTH];
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

static void put_code(report *r, const char *text) {
    put(r, "<code>");
    put_text(r, text);
    put(r, "</code>");
}

/* A link to a file beside the page; what a URL cannot hold is percent-encoded. */
static void put_link(report *r, const char *file, const char *label) {
    put(r, "<a href=\"");
    for (const char *c = file; *c; c++)
        if (isalnum((unsigned char)*c) || strchr("/._-", *c))
            fputc(*c, r->page);
        else
            fprintf(r->page, "%%%02X", (unsigned)(unsigned char)*c);
    put(r, "\">");
    put_text(r, label);
    put(r, "</a>");
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

static int is_there(const report *r, const char *file) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/%s", r->results, file);
    return access(path, R_OK) == 0;
}

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--ink:#1d1d1f;--paper:#fff;--soft:#5c5c66;--line:#d9d9de;\n"
    "--warn:#fff4d6;--warn-line:#c98a00;--yes:#00714f;--no:#b3261e;--open:#6b5a00}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#ececf1;--paper:#17181c;--soft:#a3a3ad;\n"
    "--line:#3a3b42;--warn:#3a2f12;--warn-line:#e0a526;--yes:#4fd1a5;--no:#ff8a80;--open:#e6c84c}}\n"
    "body{margin:0 auto;max-width:62rem;padding:1.2rem;font:16px/1.55 system-ui,'DejaVu Sans',sans-serif;\n"
    "color:var(--ink);background:var(--paper)}\n"
    "h1{font-size:1.7rem;line-height:1.2}\n"
    "h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}\n"
    "figure{margin:1rem 0}img{width:100%;height:auto;background:#fff;border-radius:4px}\n"
    "figcaption,.soft{color:var(--soft);font-size:.92rem}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;width:100%}\n"
    "th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\n"
    ".number{white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    ".joined td{border-bottom:0;padding-bottom:0}\n"
    ".warn{background:var(--warn);border-left:4px solid var(--warn-line);padding:.7rem 1rem;\n"
    "border-radius:4px}\n"
    ".yes,.no,.open{font-weight:600}.yes{color:var(--yes)}.no{color:var(--no)}.open{color:var(--open)}\n"
    "li,code{overflow-wrap:anywhere}code{font-size:.88em}a{color:inherit}\n"
    "@media screen and (max-width:40rem){figure img{min-width:40rem}.claims thead{display:none}\n"
    ".claims tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}.claims "
    "td{display:block;border:0;padding:.05rem 0}\n"
    ".claims .number,.claims td[data-label]{white-space:normal}\n"
    ".claims td[data-label]::before{content:attr(data-label) ': ';color:var(--soft)}}\n"
    "@media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:11pt}\n"
    "h2{break-after:avoid}figure,tr,.warn{break-inside:avoid}.scroll{overflow:visible}}\n"
    "</style>\n";

/* ---------------------------------------------------------------- figures */

typedef struct {
    const char *name;    /* of plots/<name>.gp, figures/<name>.png and <name>.csv */
    const char *title;   /* heading */
    const char *alt;     /* what the image shows, for those who do not see it */
    const char *caption; /* what it means */
} figure;

static void put_figure_links(report *r, const char *name) {
    char file[256];
    snprintf(file, sizeof file, "figures/%s.pdf", name);
    if (is_there(r, file)) {
        put(r, " ");
        put_link(r, file, "Figure as PDF");
        put(r, ".");
    }
    snprintf(file, sizeof file, "%s.csv", name);
    if (is_there(r, file)) {
        put(r, " ");
        put_link(r, file, "Its numbers as CSV");
        put(r, ".");
    }
}

/* The PNG inside the page, links to the PDF and the table. */
static void section_figure(report *r, const figure *f) {
    char path[PATH_LENGTH];
    size_t size;
    put(r, "<h2>");
    put_text(r, f->title);
    put(r, "</h2>\n<figure>");
    snprintf(path, sizeof path, "%s/figures/%s.png", r->results, f->name);
    char *image = read_file(path, &size);
    if (image) {
        put(r, "<div class=\"scroll\"><img alt=\"");
        put_text(r, f->alt);
        put(r, "\" src=\"data:image/png;base64,");
        put_base64(r, (const unsigned char *)image, size);
        put(r, "\"></div>");
    } else {
        put_format(r, "figures/%s.png is missing: plots/%s.gp draws it.", f->name, f->name);
    }
    free(image);
    put(r, "<figcaption>");
    put_text(r, f->caption);
    put_figure_links(r, f->name);
    put(r, "</figcaption></figure>\n");
}

/* First row of each perturbation's SSFD curve, in the table's order; -1 behind the last. */
static int next_curve(const report *r, int row) {
    int name = csv_table_column(r->sweep, "perturbation"), metric = csv_table_column(r->sweep, "metric");
    const char *previous = row < 0 ? "" : csv_table_text(r->sweep, (size_t)row, name);
    for (size_t k = (size_t)(row + 1); k < r->sweep->rows; k++)
        if (strcmp(csv_table_text(r->sweep, k, metric), "ssfd") == 0 &&
            strcmp(csv_table_text(r->sweep, k, name), previous) != 0)
            return (int)k;
    return -1;
}

/* "Gaussian blur: sigma (pixels) from 0 to 4 in 11 levels" */
static void describe_curve(const report *r, FILE *out, int row) {
    const csv_table *t = r->sweep;
    int name = csv_table_column(t, "perturbation"), metric = csv_table_column(t, "metric"), levels = 0;
    int level = csv_table_column(t, "level");
    const char *wanted = csv_table_text(t, (size_t)row, name), *last = "";
    for (size_t k = (size_t)row; k < t->rows; k++)
        if (strcmp(csv_table_text(t, k, metric), "ssfd") == 0 &&
            strcmp(csv_table_text(t, k, name), wanted) == 0) {
            last = csv_table_text(t, k, level);
            levels++;
        }
    fprintf(out, "%s: %s from %s to %s in %d levels",
            csv_table_text(t, (size_t)row, csv_table_column(t, "title")),
            csv_table_text(t, (size_t)row, csv_table_column(t, "level_name")),
            csv_table_text(t, (size_t)row, level), last, levels);
}

static char *sweep_caption(const report *r) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return err_set_null("out of memory");
    int row = next_curve(r, -1);
    const char *scans = csv_table_text(r->sweep, (size_t)row, csv_table_column(r->sweep, "n_scans"));
    fprintf(out,
            "SSFD under image perturbations. Top: example images at the 50th percentile of each range of "
            "levels. Bottom: mean SSFD (left axis) and mean SSIM (right axis) of %s test scans as a function "
            "of the level; bands are 95 %% Student-t intervals of the mean over scans. ",
            scans);
    for (const char *gap = ""; row >= 0; row = next_curve(r, row), gap = "; ") {
        fputs(gap, out);
        describe_curve(r, out, row);
    }
    fprintf(out, ". Cohort: %s.", r->cohort);
    return fclose(out) == 0 ? text : err_set_null("out of memory");
}

static int section_sweep(report *r) {
    char *caption = sweep_caption(r);
    if (!caption)
        return -1;
    section_figure(r,
                   &(figure){.name = "perturbation_sweep",
                             .title = "Figure 1: SSFD under image perturbations",
                             .alt = "Top row: an original slice and one example of each perturbation. Bottom "
                                    "row: one plot per perturbation of mean SSFD and mean SSIM against the "
                                    "level, with 95 % confidence bands. The values are in the CSV linked "
                                    "below.",
                             .caption = caption});
    free(caption);
    return 0;
}

/* ---------------------------------------------------------------- in-painting */

static int section_inpainting(report *r) {
    char path[PATH_LENGTH], caption[1024];
    snprintf(path, sizeof path, "%s/inpainting_summary.csv", r->results);
    if (access(path, F_OK) != 0)
        return 0;
    csv_table *summary = csv_table_read(path);
    int method = summary ? csv_table_column(summary, "method") : -1;
    int n = method >= 0 ? csv_table_column(summary, "n_scans") : -1;
    if (n < 0 || summary->rows == 0) {
        csv_table_free(summary);
        return n < 0 ? -1 : err_set("%s: has no rows", path);
    }
    snprintf(
        caption, sizeof caption,
        "The pretext task on test scans, which training has not seen: masked input, the network's output, "
        "harmonic interpolation, the original, and the network's error, in the scans with the median "
        "and the largest error. Below: mean squared error inside the patches as a share of the image's "
        "variance, one dot per scan, with mean and 95 %% Student-t interval. n = %s scans. Cohort: %s.",
        csv_table_text(summary, 0, n), r->cohort);
    csv_table_free(summary);
    section_figure(r, &(figure){.name = "inpainting",
                                .title = "Method: what the network learns from",
                                .alt = "Two test slices: with masked patches, filled by the network, filled "
                                       "by harmonic interpolation, as they are, and the network's error. "
                                       "Below, a dot plot of the error of three methods. The values are in "
                                       "the CSV linked below.",
                                .caption = caption});
    return 0;
}

/* ---------------------------------------------------------------- baselines */

/* First row of a baseline whose title starts with `title` ("": of any); -1 when there is none. */
static int baseline_row(const report *r, const char *title) {
    static const char *const others[] = {"ssfd", "ssim", "psnr_db", "nrmse"};
    int metric = csv_table_column(r->sweep, "metric"), column = csv_table_column(r->sweep, "metric_title");
    for (size_t k = 0; column >= 0 && k < r->sweep->rows; k++) {
        int is_baseline = strncmp(csv_table_text(r->sweep, k, column), title, strlen(title)) == 0;
        for (size_t m = 0; m < sizeof others / sizeof *others; m++)
            is_baseline = is_baseline && strcmp(csv_table_text(r->sweep, k, metric), others[m]) != 0;
        if (is_baseline)
            return (int)k;
    }
    return -1;
}

static void put_random_warning(report *r) {
    put(r,
        "<div class=\"warn\" role=\"note\"><strong>" VGG16_RANDOM_TITLE
        ".</strong> The weights that VGG-16 learned on ImageNet were not there, so this network has random "
        "ones: its column shows what an untrained VGG-16 does and is not the poster's baseline. For the real "
        "one, with a network connection: <code>make vgg16-weights &amp;&amp; make reproduce</code></div>\n");
}

static int section_baselines(report *r) {
    int row = baseline_row(r, "");
    char caption[1024];
    if (row < 0)
        return 0;
    snprintf(
        caption, sizeof caption,
        "Baselines were computed for %s of the scans. Top: mean distances, each as a share of its largest "
        "mean over all perturbations, so that those of different units share an axis. Bottom: a distance "
        "under pixel shifts divided by that under blur or noise where both have brought the SSIM of a scan "
        "to the same value, geometric mean over those scans; 1 is no difference, below it shifts count "
        "less. Bands and bars are 95 %% Student-t intervals. Cohort: %s.",
        csv_table_text(r->sweep, (size_t)row, csv_table_column(r->sweep, "n_scans")), r->cohort);
    section_figure(r,
                   &(figure){.name = "perturbation_baselines",
                             .title = "SSFD beside other feature distances",
                             .alt = "Top row: one plot per perturbation of the mean distances against the "
                                    "level. Bottom row: ratio of the distances under shifts to those under "
                                    "blur and under noise at equal SSIM. The values are in the CSV linked "
                                    "below.",
                             .caption = caption});
    if (baseline_row(r, VGG16_RANDOM_TITLE) >= 0)
        put_random_warning(r);
    return 0;
}

/* ---------------------------------------------------------------- head, data */

static void put_virtual_warning(report *r) {
    put(r,
        "<div class=\"warn\" role=\"note\"><strong>Virtual scans of one head.</strong> The default cohort "
        "is made from a single real volume (Colin27, T1), not from the poster's knees. It can show how the "
        "metrics behave when an image is degraded in a known way, and that the whole pipeline works. It "
        "cannot show anything about knee anatomy, pathology or radiologists' opinion. The intervals "
        "describe virtual scans of one head and say nothing about a population.</div>\n");
}

static void section_head(report *r) {
    put(r, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
           "<title>SSFD: results</title>\n");
    put(r, style);
    put(r, "</head><body>\n<h1>SSFD: an MR image quality metric from self-supervised features</h1>\n"
           "<p>A U-Net learns to in-paint masked patches of MR images. The self-supervised feature distance "
           "(SSFD) between an image and its reference is the mean squared difference of the features of that "
           "network's encoder. This page repeats the experiments of the poster by Adamson et al. that "
           "proposed it. All numbers come from the tables, weights and run records beside it.</p>\n"
           "<p>cohort: ");
    put_code(r, r->cohort);
    put(r, "</p>\n");
    if (strcmp(r->cohort, VIRTUAL_COHORT) == 0)
        put_virtual_warning(r);
}

/* Text behind "name: " among the table's comments; NULL when there is none. */
static const char *comment_of(const csv_table *t, const char *name) {
    size_t length = strlen(name);
    for (size_t k = 0; k < t->comment_count; k++)
        if (strncmp(t->comments[k], name, length) == 0 && strncmp(t->comments[k] + length, ": ", 2) == 0)
            return t->comments[k] + length + 2;
    return NULL;
}

static void put_split(report *r, const char *name, const char *poster, const char *here) {
    put(r, "<tr>");
    put_cell(r, name);
    put_cell(r, poster);
    put_cell(r, here);
    put(r, "</tr>\n");
}

/* What the weight file says about the slices it was trained and validated on. */
static void training_slices(const report *r, char *train, char *val, size_t size) {
    int64_t slices;
    char *settings = NULL;
    h5_file *f = h5_open(r->weights);
    snprintf(train, size, "not recorded");
    snprintf(val, size, "not recorded");
    if (f && h5_attr_exists(f, "training_slices") && h5_attr_integer(f, "training_slices", &slices) == 0)
        snprintf(train, size, "%lld slices", (long long)slices);
    if (f && h5_attr_exists(f, "training_settings") && h5_attr_text(f, "training_settings", &settings) == 0) {
        const char *at = strstr(settings, " validation_slices=");
        if (at)
            snprintf(val, size, "%d slices", atoi(strchr(at, '=') + 1));
    }
    free(settings);
    h5_close(f);
}

static void section_data(report *r) {
    char train[64], val[64];
    const char *test = comment_of(r->sweep, "split");
    training_slices(r, train, val, sizeof train);
    put(r, "<h2>Data and split</h2>\n<div class=\"scroll\"><table><thead><tr><th>split</th>"
           "<th>poster (fastMRI knee)</th><th>here</th></tr></thead><tbody>\n");
    put_split(r, "training", "778 scans, 27,774 slices", train);
    put_split(r, "validation", "195 scans, 6,968 slices", val);
    put_split(r, "measured on", "199 test scans, 7,135 slices", test ? test : "not recorded");
    put(r, "</tbody></table></div>\n<p>How it was measured:</p>\n<ul>");
    for (size_t k = 0; k < r->sweep->comment_count; k++) {
        const char *comment = r->sweep->comments[k];
        if (strncmp(comment, "cohort: ", 8) == 0 || strncmp(comment, "split: ", 7) == 0)
            continue;
        put(r, "<li>");
        put_text(r, comment);
        put(r, "</li>");
    }
    put(r, "</ul>\n<p class=\"soft\">The scan is the unit: slices are averaged within their scan; means and "
           "intervals are over scans.</p>\n");
}

/* ---------------------------------------------------------------- the network */

static void put_training_text(report *r, const h5_file *f, const char *label, const char *attribute) {
    char *text = NULL;
    put(r, "<li>");
    put_format(r, "%s: ", label);
    if (h5_attr_exists(f, attribute) && h5_attr_text(f, attribute, &text) == 0)
        put_code(r, text);
    else
        put(r, "not recorded");
    put(r, "</li>\n");
    free(text);
}

static int read_real(const h5_file *f, const char *attribute, double *value) {
    return h5_attr_exists(f, attribute) && h5_attr_real(f, attribute, value) == 0 && isfinite(*value);
}

static void put_validation(report *r, const h5_file *f) {
    double whole, masked, mean;
    put(r, "<p>");
    if (read_real(f, "validation_masked_mse", &masked) && masked > 0.0 &&
        read_real(f, "validation_masked_mse_local_mean", &mean)) {
        put_format(
            r,
            "In-painting validation slices, the mean squared error inside masked patches is %.4f of the "
            "image's variance, against %.4f for filling with the local mean: ",
            masked, mean);
        put_format(r,
                   mean >= masked ? "%.1f times smaller." : "%.1f times as small, so the network did worse.",
                   mean / masked);
        if (read_real(f, "validation_mse", &whole))
            put_format(r, " Over the whole image it is %.4f.", whole);
    } else {
        put(r, "This weight file carries no validation errors.");
    }
    put(r, "</p>\n");
}

/* The table names the weights that it was made with: other weights' record would mislead. */
static void put_weights_check(report *r) {
    char hex[65];
    const char *made_with = comment_of(r->sweep, "ssfd");
    if (made_with && file_checksum(r->weights, "sha256", hex) == 0 && !strstr(made_with, hex))
        put(r, "<p class=\"warn\">These are not the weights that perturbation_sweep.csv was made with: their "
               "SHA-256 differs from the one in the table.</p>\n");
}

/* What the training program left in the weight file. */
static void put_training_record(report *r, const h5_file *f, const char *weights) {
    put(r, "<ul><li>weights: ");
    put_code(r, weights);
    put(r, "</li>\n");
    put_training_text(r, f, "architecture", "architecture");
    put_training_text(r, f, "trained by", "training_program");
    put_training_text(r, f, "trained on", "training_cohort");
    put_training_text(r, f, "settings", "training_settings");
    put(r, "</ul>\n");
}

static void section_training(report *r) {
    h5_file *f = h5_open(r->weights);
    put(r, "<h2>The self-supervised network</h2>\n");
    if (f) {
        r->trained_here = h5_attr_exists(f, "training_program") > 0;
        put_training_record(r, f, r->weights);
        put_validation(r, f);
        put_weights_check(r);
    } else {
        put(r, "<p>The training record is missing: ");
        put_text(r, err_message());
        put(r, "</p>\n");
    }
    h5_close(f);
}

/* What the reconstruction network reaches on the validation scans, beside the image it starts from. */
static int put_reconstruction_quality(report *r, const h5_file *f) {
    static const char *const rows[][4] = {
        {"zero-filled", "zero_filled_ssim", "zero_filled_psnr_db", "zero_filled_nrmse"},
        {"U-Net", "ssim", "psnr_db", "nrmse"}};
    put(r, "<table><thead><tr><th>validation scans</th><th>SSIM</th><th>PSNR "
           "(dB)</th><th>NRMSE</th></tr></thead><tbody>\n");
    for (int row = 0; row < 2; row++) {
        double value[3];
        for (int k = 0; k < 3; k++)
            if (h5_attr_real(f, rows[row][k + 1], &value[k]) < 0)
                return -1;
        put(r, "<tr>");
        put_cell(r, rows[row][0]);
        for (int k = 0; k < 3; k++) {
            put(r, "<td class=\"number\">");
            put_format(r, k == 1 ? "%.2f" : "%.3f", value[k]);
            put(r, "</td>");
        }
        put(r, "</tr>\n");
    }
    put(r, "</tbody></table>\n");
    return 0;
}

static void section_reconstruction(report *r) {
    h5_file *f = h5_open(r->recon_weights);
    put(r, "<h2>The reconstruction network</h2>\n");
    if (f && h5_attr_exists(f, "training_program")) {
        put_training_record(r, f, r->recon_weights);
        if (put_reconstruction_quality(r, f) < 0)
            put(r, "<p>Its validation is not recorded.</p>\n");
    } else {
        put(r, "<p>The training record is missing: ");
        put_text(r, f ? "the weight file does not say how it was made" : err_message());
        put(r, "</p>\n");
    }
    h5_close(f);
}

/* ---------------------------------------------------------------- claims, differences */

static const char *verdict_class(const char *verdict) {
    return strcmp(verdict, "reproduced") == 0 ? "yes" : strcmp(verdict, "undecided") == 0 ? "open" : "no";
}

static int put_claim(report *r, size_t row) {
    static const char *const numbers[] = {"estimate", "ci_low", "ci_high"};
    const csv_table *t = r->claims;
    const char *verdict = csv_table_text(t, row, csv_table_column(t, "verdict"));
    double value[3];
    for (int k = 0; k < 3; k++)
        if (csv_table_real(t, row, csv_table_column(t, numbers[k]), &value[k]) < 0)
            return -1;
    put(r, "<tr>");
    put_cell(r, csv_table_text(t, row, csv_table_column(t, "claim")));
    fprintf(r->page, "<td class=\"%s\">", verdict_class(verdict));
    put_text(r, verdict);
    put(r, "</td>");
    put_cell(r, csv_table_text(t, row, csv_table_column(t, "effect")));
    put(r, "<td class=\"number\">");
    if (isnan(value[0]) || isnan(value[1]) || isnan(value[2]))
        put(r, "not available");
    else
        put_format(r, "%.3g [%.3g, %.3g]", value[0], value[1], value[2]);
    put(r, "</td><td data-label=\"scans\">");
    put_text(r, csv_table_text(t, row, csv_table_column(t, "n")));
    put(r, "</td><td data-label=\"test\">");
    put_text(r, csv_table_text(t, row, csv_table_column(t, "test")));
    put(r, "</td></tr>\n");
    return 0;
}

static int section_claims(report *r) {
    int status = 0;
    put(r, "<h2>The poster's claims</h2>\n");
    if (r->claims->rows == 0) {
        put(r, "<p>There are no claims: no experiment wrote any.</p>\n");
        return 0;
    }
    put(r,
        "<div class=\"scroll\"><table class=\"claims\"><thead><tr><th>claim</th><th>verdict</th>"
        "<th>effect</th><th>estimate [95 % interval]</th><th>scans</th><th>test</th></tr></thead><tbody>\n");
    for (size_t row = 0; row < r->claims->rows && status == 0; row++)
        status = put_claim(r, row);
    put(r,
        "</tbody></table></div>\n<p class=\"soft\">Figure 1: each scan's SSFD is interpolated where its "
        "SSIM has fallen to the stated value, so perturbations are compared at equal loss of SSIM. A ratio "
        "whose whole interval lies below 1 reproduces the claim, above 1 contradicts it, and around 1 "
        "leaves it undecided. ");
    put_link(r, "claims.csv", "claims.csv");
    put(r, "</p>\n");
    return status;
}

static void section_differences(report *r) {
    put(r, "<h2>What differs from the poster</h2>\n<ul>");
    if (strcmp(r->cohort, VIRTUAL_COHORT) == 0)
        put(r, "<li>Virtual scans of one head, acquired by a simulated coil array, instead of fastMRI knees. "
               "From the "
               "raw data on, everything is done as it is for fastMRI.</li>\n");
    put(r, r->trained_here
               ? "<li>The network was trained by this project, not by the authors. Weight files "
                 "in their layout are read, too.</li>\n"
               : "<li>Where the network's weights come from is not recorded in their file.</li>\n");
    put(r,
        "<li>The poster's text gives neither the ranges of the levels nor their units. Here blur and shift "
        "are in pixels and noise is a share of the slice's maximum; the ranges were chosen so that SSIM "
        "falls far under each. Shifts are along rows and wrap around.</li>\n"
        "<li>The poster prints \"513D scans\" for training. That is a misprint of 778: the counts of scans "
        "and slices are those of the authors' public split.</li></ul>\n");
}

/* ---------------------------------------------------------------- provenance, tables */

static int put_record(report *r, const char *json) {
    static const char *const keys[] = {"stage", "started", "wall_s", "peak_memory_mb", "threads", "cpu"};
    put(r, "<tr class=\"joined\">");
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        char *value = json_value(json, keys[k]);
        if (!value)
            return -1;
        put_cell(r, *value ? value : "not recorded");
        free(value);
    }
    char *command = json_value(json, "arguments");
    if (!command)
        return -1;
    put(r, "</tr>\n<tr><td colspan=\"6\">");
    put_code(r, *command ? command : "command not recorded");
    put(r, "</td></tr>\n");
    free(command);
    return 0;
}

static int section_provenance(report *r) {
    int status = 0;
    put(r, "<h2>Provenance</h2>\n");
    if (r->record_names.count)
        put(r, "<div class=\"scroll\"><table><thead><tr><th>stage</th><th>started (UTC)</th>"
               "<th>wall time (s)</th><th>peak memory (MB)</th><th>threads</th><th>CPU</th></tr></thead>"
               "<tbody>\n");
    for (int k = 0; k < r->record_names.count && status == 0; k++)
        status = put_record(r, r->records[k]);
    put(r, r->record_names.count ? "</tbody></table></div>\n" : "<p>There are no run records.</p>\n");
    put(r, "<p class=\"soft\">Settings, seeds, library versions and checksums of every stage: ");
    put_link(r, "manifest.json", "manifest.json");
    put_format(r, ". Put together by %s %s.", PROGRAM, SSFD_VERSION);
    put(r, "</p>\n");
    return status;
}

static int ends_with(const char *name, const char *ending) {
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

static void section_tables(report *r) {
    put(r, "<h2>Tables</h2>\n<ul>");
    for (int k = 0; k < r->tables.count; k++) {
        const char *name = r->tables.names[k];
        put(r, "<li>");
        put_link(r, name, name);
        put(r, strcmp(name, "claims.csv") == 0               ? ": all claims and their verdicts"
               : ends_with(name, "_claims.csv")              ? ": claims of this experiment"
               : ends_with(name, "_scans.csv")               ? ": values of every scan"
               : strcmp(name, "perturbation_sweep.csv") == 0 ? ": means over scans with intervals"
               : strcmp(name, "perturbation_baselines.csv") == 0
                   ? ": shifts against blur and noise at equal SSIM, of SSFD and baselines"
                   : "");
        put(r, "</li>\n");
    }
    put(r, "</ul>\n</body></html>\n");
}

/* ---------------------------------------------------------------- the three files */

static int append_claims(const report *r, const char *name, csv_writer *csv) {
    char path[PATH_LENGTH], *rest = NULL;
    size_t size;
    int status = 0, header = 1;
    snprintf(path, sizeof path, "%s/%s", r->results, name);
    char *text = read_file(path, &size);
    if (!text)
        return -1;
    for (char *line = strtok_r(text, "\r\n", &rest); line && status == 0;
         line = strtok_r(NULL, "\r\n", &rest)) {
        if (line[0] == '#')
            continue;
        if (header && strcmp(line, CLAIMS_HEADER) != 0)
            status = err_set("%s: header is '%s', expected '%s'", path, line, CLAIMS_HEADER);
        else if (!header)
            csv_writer_row(csv, "%s", line);
        header = 0;
    }
    free(text);
    return status;
}

/* All <experiment>_claims.csv, one behind the other. */
static int write_claims(const report *r) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/claims.csv", r->results);
    csv_writer *csv = csv_writer_open(path);
    int status = csv ? 0 : -1;
    if (csv) {
        csv_writer_comment(csv, "cohort: %s", r->cohort);
        csv_writer_row(csv, CLAIMS_HEADER);
    }
    for (int k = 0; status == 0 && k < r->tables.count; k++)
        if (ends_with(r->tables.names[k], "_claims.csv"))
            status = append_claims(r, r->tables.names[k], csv);
    if (status == 0)
        return csv_writer_close(csv);
    csv_writer_discard(csv);
    return -1;
}

/* Opens a file aside; `temporary` is the caller's until finish(). */
static FILE *begin(const char *path, char **temporary) {
    *temporary = atomic_begin(path);
    FILE *f = *temporary ? fopen(*temporary, "w") : NULL;
    if (*temporary && !f) {
        atomic_discard(*temporary);
        return err_set_null("%s: cannot be written", path);
    }
    return f;
}

/* Puts the file in place if all went well (status 0), else drops it. */
static int finish(FILE *f, char *temporary, const char *path, int status) {
    int failed = ferror(f);
    if (fclose(f) != 0 || failed)
        status = err_set("%s: cannot be written", path);
    if (status == 0)
        return atomic_commit(temporary, path);
    atomic_discard(temporary);
    return -1;
}

static int write_manifest(const report *r) {
    char path[PATH_LENGTH], now[32], *temporary;
    time_t seconds = time(NULL);
    struct tm utc;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    snprintf(path, sizeof path, "%s/manifest.json", r->results);
    FILE *f = begin(path, &temporary);
    if (!f)
        return -1;
    fprintf(f, "{\n\"version\": \"%s\",\n\"created\": \"%s\",\n\"cohort\": ", SSFD_VERSION, now);
    json_put_string(f, r->cohort);
    fputs(",\n\"stages\": [\n", f);
    for (int k = 0; k < r->record_names.count; k++)
        fprintf(f, "%s%s", k ? ",\n" : "", r->records[k]);
    fputs("\n]\n}\n", f);
    return finish(f, temporary, path, 0);
}

static int write_page(report *r) {
    char path[PATH_LENGTH], *temporary;
    snprintf(path, sizeof path, "%s/index.html", r->results);
    if (!(r->page = begin(path, &temporary)))
        return -1;
    section_head(r);
    section_data(r);
    section_training(r);
    section_reconstruction(r);
    int status =
        section_inpainting(r) < 0 || section_sweep(r) < 0 || section_baselines(r) < 0 || section_claims(r) < 0
            ? -1
            : 0;
    section_differences(r);
    if (status == 0)
        status = section_provenance(r);
    section_tables(r);
    return finish(r->page, temporary, path, status);
}

/* ---------------------------------------------------------------- what is read */

static char *read_record(const char *path) {
    size_t size;
    char *json = read_file(path, &size);
    if (!json)
        return NULL;
    while (size && isspace((unsigned char)json[size - 1]))
        json[--size] = '\0';
    if (size >= 2 && json[0] == '{' && json[size - 1] == '}' && strlen(json) == size)
        return json;
    free(json);
    return err_set_null("%s: not a run record: expected a JSON object", path);
}

static int read_records(report *r) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/records", r->results);
    if (list_files(path, ".json", &r->record_names) < 0 ||
        !(r->records = mem_calloc((size_t)r->record_names.count, sizeof *r->records)))
        return -1;
    for (int k = 0; k < r->record_names.count; k++) {
        snprintf(path, sizeof path, "%s/records/%s", r->results, r->record_names.names[k]);
        if (!(r->records[k] = read_record(path)))
            return -1;
    }
    return 0;
}

static int read_sweep(report *r) {
    static const char *const columns[] = {"perturbation", "level", "metric",
                                          "n_scans",      "title", "level_name"};
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%s/perturbation_sweep.csv", r->results);
    if (!(r->sweep = csv_table_read(path)))
        return -1;
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
        if (csv_table_column(r->sweep, columns[k]) < 0)
            return -1;
    if (next_curve(r, -1) < 0)
        return err_set("%s: has no rows of metric ssfd", path);
    const char *cohort = comment_of(r->sweep, "cohort");
    snprintf(r->cohort, sizeof r->cohort, "%s", cohort ? cohort : "not named");
    return 0;
}

static int run(report *r) {
    char path[PATH_LENGTH];
    if (read_sweep(r) < 0 || read_records(r) < 0 || list_files(r->results, ".csv", &r->tables) < 0 ||
        write_claims(r) < 0)
        return -1;
    free_names(&r->tables); /* again, now that claims.csv is there */
    snprintf(path, sizeof path, "%s/claims.csv", r->results);
    if (list_files(r->results, ".csv", &r->tables) < 0 || !(r->claims = csv_table_read(path)) ||
        write_manifest(r) < 0 || write_page(r) < 0)
        return -1;
    printf("%s/index.html\n", r->results);
    return 0;
}

static void report_free(report *r) {
    for (int k = 0; r->records && k < r->record_names.count; k++)
        free(r->records[k]);
    free(r->records);
    free_names(&r->record_names);
    free_names(&r->tables);
    csv_table_free(r->sweep);
    csv_table_free(r->claims);
}

int main(int argc, char **argv) {
    report r = {.results = "results",
                .weights = "lib/models/weights/ssl_unet.h5",
                .recon_weights = "lib/models/weights/recon_unet.h5"};
    const cli_option table[] = {
        {CLI_STRING, "results", &r.results, "DIR", "folder of the study's tables, figures and records", 0, 0},
        {CLI_STRING, "weights", &r.weights, "FILE", "weights that the study used, for their training record",
         0, 0},
        {CLI_STRING, "recon-weights", &r.recon_weights, "FILE", "reconstruction network, for its record", 0,
         0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {
        PROGRAM, "Puts the results together: index.html, claims.csv, manifest.json.", NULL, 0, 0, table,
        NULL};
    int first;
    cli_result parsed = cli_parse(&spec, argc, argv, &first, stdout, stderr);
    if (parsed != CLI_RUN)
        return parsed == CLI_DONE ? 0 : 2;
    int status = run(&r);
    report_free(&r);
    return status < 0 ? cli_fail(PROGRAM) : 0;
}
