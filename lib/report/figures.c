#include "report/html.h"
#include "report/sections.h"

#include "core/error.h"
#include "metrics/metric.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;    /* of figures/<name>.png */
    const char *title;   /* heading */
    const char *alt;     /* what the image shows, for those who do not see it */
    const char *caption; /* what it means */
    const char *table;   /* its numbers; NULL: <name>.csv */
} figure;

static void put_figure_links(report *r, const figure *f) {
    char file[256];
    snprintf(file, sizeof file, "figures/%s.pdf", f->name);
    if (report_has(r, file)) {
        html_put(r->page, " ");
        html_link(r->page, file, "Figure as PDF");
        html_put(r->page, ".");
    }
    snprintf(file, sizeof file, "%s%s", f->table ? f->table : f->name, f->table ? "" : ".csv");
    if (report_has(r, file)) {
        html_put(r->page, " ");
        html_link(r->page, file, "Its numbers as CSV");
        html_put(r->page, ".");
    }
}

/* The PNG inside the page, links to the PDF and the table. */
static int section_figure(report *r, const figure *f) {
    char path[REPORT_PATH];
    size_t size;
    int status = 0;
    html_heading(r->page, f->title);
    html_put(r->page, "<figure>");
    snprintf(path, sizeof path, "%s/figures/%s.png", r->results, f->name);
    char *image = report_read_file(path, &size);
    if (image && size > 0) {
        html_put(r->page, "<div class=\"scroll\">");
        status = html_image(r->page, (const unsigned char *)image, size, f->alt);
        html_put(r->page, "</div>");
    } else {
        html_format(r->page, "figures/%s.png is missing. To draw it: ", f->name);
        html_code(r->page, "make figures");
    }
    free(image);
    html_put(r->page, "<figcaption>");
    html_text(r->page, f->caption);
    put_figure_links(r, f);
    html_put(r->page, "</figcaption></figure>\n");
    return status;
}

static int section_missing(report *r, const char *title, const char *table, const char *command) {
    html_heading(r->page, title);
    html_put(r->page, "<p>");
    html_code(r->page, table);
    html_put(r->page, " is missing. To make it: ");
    html_code(r->page, command);
    html_put(r->page, "</p>\n");
    return 0;
}

/* The cohort that a table was made from: a table of somebody's scores has another one than the sweep's. */
static const char *cohort_of(const csv_table *t) {
    const char *cohort = report_comment(t, "cohort");
    return cohort ? cohort : "not named";
}

/* "4x reconstruction"; a table of somebody's scores may not say. */
static const char *reconstruction_of(const csv_table *t, char *text, size_t size) {
    const char *acceleration = report_comment(t, "acceleration");
    snprintf(text, size, "%s%s", acceleration ? acceleration : "",
             acceleration ? "x reconstruction" : "reconstruction");
    return text;
}

/* printf into memory that is the caller's; NULL with a message. */
static char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *format_text(const char *format, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return length < 0 ? err_set_null("out of memory") : text;
}

/* Draws the section of a figure whose texts are the caller's memory, and frees them. */
static int section_figure_free(report *r, const char *name, const char *title, const char *table, char *alt,
                               char *caption) {
    int status = alt && caption ? section_figure(r, &(figure){name, title, alt, caption, table}) : -1;
    free(alt);
    free(caption);
    return status;
}

static const char *text_at(const csv_table *t, int row, const char *name) {
    return csv_table_text(t, (size_t)row, csv_table_column(t, name));
}

static double number_at(const csv_table *t, int row, const char *name) {
    double value = NAN;
    int column = csv_table_column(t, name);
    return row >= 0 && column >= 0 && csv_table_real(t, (size_t)row, column, &value) == 0 ? value : NAN;
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

/* Mean of a metric at the last level of the perturbation of this row; NAN. */
static double last_mean(const csv_table *t, int row, const char *wanted) {
    int name = csv_table_column(t, "perturbation"), metric = csv_table_column(t, "metric");
    double value = NAN;
    for (size_t k = 0; k < t->rows; k++)
        if (strcmp(csv_table_text(t, k, name), csv_table_text(t, (size_t)row, name)) == 0 &&
            strcmp(csv_table_text(t, k, metric), wanted) == 0)
            value = number_at(t, (int)k, "mean");
    return value;
}

/* How many of at most `most` bytes of a text can be shown without cutting a UTF-8 character. */
static int cut(const char *text, int most) {
    int length = (int)strnlen(text, (size_t)most);
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static char *sweep_alt(const report *r) {
    char list[1024] = "";
    for (int row = next_curve(r, -1); row >= 0 && strlen(list) < 850; row = next_curve(r, row)) {
        const char *title = text_at(r->sweep, row, "title");
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.*s SSFD %.3g and SSIM %.3g",
                 *list ? "; " : "", cut(title, 60), title, last_mean(r->sweep, row, "ssfd"),
                 last_mean(r->sweep, row, "ssim"));
    }
    return format_text(
        "Top row: an original slice and one example of each perturbation. Bottom row: one plot per "
        "perturbation of mean SSFD and mean SSIM against the level, with 95 %% confidence bands, from SSFD 0 "
        "and SSIM 1 of the untouched image. Means at the largest level: %s.",
        list);
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

int section_sweep(report *r) {
    return section_figure_free(r, "perturbation_sweep", "Figure 1: SSFD under image perturbations", NULL,
                               sweep_alt(r), sweep_caption(r));
}

/* "0.038 for the network, 0.147 for ..." */
static char *inpainting_alt(const csv_table *t) {
    char list[512] = "";
    int title = csv_table_column(t, "title"), mean = csv_table_column(t, "mean"),
        n = csv_table_column(t, "n_scans");
    for (size_t row = 0; row < t->rows && strlen(list) < 300; row++) {
        double value;
        if (csv_table_real(t, row, mean, &value) < 0)
            return NULL;
        const char *name = csv_table_text(t, row, title);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.3g (%.*s)", row ? ", " : "", value,
                 cut(name, 60), name);
    }
    return format_text(
        "Test slices with masked patches, filled by the network, filled by harmonic interpolation, as "
        "they are, and the network's error. Below, a dot plot of the error inside the patches over %s "
        "scans; means, as a share of the image's variance: %s.",
        csv_table_text(t, 0, n), list);
}

int section_inpainting(report *r) {
    static const char title[] = "Method: what the network learns from";
    const csv_table *t = r->inpainting;
    if (!t)
        return section_missing(r, title, "inpainting.csv", "make reproduce");
    return section_figure_free(
        r, "inpainting", title, NULL, inpainting_alt(t),
        format_text(
            "The pretext task on test scans, which training has not seen: masked input, the network's "
            "output, "
            "harmonic interpolation, the original, and the network's error, in the scans with the median "
            "and the largest error. Below: mean squared error inside the patches as a share of the image's "
            "variance, one dot per scan, with mean and 95 %% Student-t interval. n = %s scans. Cohort: %s.",
            csv_table_text(t, 0, csv_table_column(t, "n_scans")), cohort_of(t)));
}

static int is_baseline(const csv_table *t, const char *metric) {
    metric_label label;
    return metric_label_read(&label, t, metric) > 0 && (label.roles & METRIC_BASELINE);
}

/* First row of a baseline; -1 when there is none. */
static int baseline_row(const report *r) {
    int metric = csv_table_column(r->sweep, "metric");
    for (size_t k = 0; k < r->sweep->rows; k++)
        if (is_baseline(r->sweep, csv_table_text(r->sweep, k, metric)))
            return (int)k;
    return -1;
}

int section_baselines(report *r) {
    int row = baseline_row(r);
    char caption[1024];
    if (row < 0)
        return 0;
    snprintf(
        caption, sizeof caption,
        "Baselines were computed for %s of the scans. Top: mean distances, each as a share of its largest "
        "mean over all perturbations, so that those of different units share an axis. Bottom: a distance "
        "under pixel shifts divided by that under blur or noise where both have brought the SSIM of a scan "
        "to the same value, geometric mean over those scans; 1 is no difference, below it shifts count "
        "less; where fewer than half of the scans get there is no point. Bands and bars are 95 %% Student-t "
        "intervals. Cohort: %s.",
        csv_table_text(r->sweep, (size_t)row, csv_table_column(r->sweep, "n_scans")), r->cohort);
    return section_figure(
        r, &(figure){.name = "perturbation_baselines",
                     .title = "SSFD beside other feature distances",
                     .alt = "Top row: one plot per perturbation of the mean distances against the "
                            "level. Bottom row: ratio of the distances under shifts to those under "
                            "blur and under noise at equal SSIM. The values are in the CSV linked "
                            "below.",
                     .caption = caption});
}

/* ---------------------------------------------------------------- figures 2 and 3 */

/* First row in which each named column holds its text (ends with NULL); -1 when there is none. */
static int find_row(const csv_table *t, const char *const (*conditions)[2]) {
    for (size_t row = 0; row < t->rows; row++) {
        int met = 1;
        for (int k = 0; met && conditions[k][0]; k++) {
            int column = csv_table_column(t, conditions[k][0]);
            met = column >= 0 && strcmp(csv_table_text(t, row, column), conditions[k][1]) == 0;
        }
        if (met)
            return (int)row;
    }
    return -1;
}

/* Pearson's correlation of a layer with SSIM over scans. */
static int layer_row(const csv_table *t, const char *layer) {
    const char *const conditions[][2] = {
        {"layer", layer}, {"group", "pooled"}, {"unit", "scan"}, {"coefficient", "pearson"}, {NULL, NULL}};
    return t ? find_row(t, conditions) : -1;
}

/* Pearson's r of the points that the figure shows: those of the table come before the scans' means. */
static int drawn_row(const csv_table *t, const char *layer) {
    const char *const conditions[][2] = {
        {"layer", layer}, {"group", "pooled"}, {"coefficient", "pearson"}, {NULL, NULL}};
    return find_row(t, conditions);
}

/* The same of another score, of the reconstructions without a fault. */
static int quality_row(const csv_table *t, const char *metric) {
    const char *const conditions[][2] = {{"statistic", "pearson"},
                                         {"metric", metric},
                                         {"group", "without faults"},
                                         {"unit", "scan"},
                                         {NULL, NULL}};
    return t ? find_row(t, conditions) : -1;
}

/* First row of the baseline that is VGG-16's; -1. */
static int vgg_row(const csv_table *t) {
    int metric = t ? csv_table_column(t, "metric") : -1;
    for (size_t row = 0; metric >= 0 && row < t->rows; row++)
        if (strncmp(csv_table_text(t, row, metric), "vgg", 3) == 0)
            return (int)row;
    return -1;
}

/* VGG-16's correlation, likewise. */
static int vgg_quality_row(const csv_table *t) {
    int row = vgg_row(t);
    return row < 0 ? -1 : quality_row(t, text_at(t, row, "metric"));
}

static void put_found(report *r, const csv_table *t, int row) {
    double found = t ? number_at(t, row, "estimate") : NAN;
    if (isnan(found)) {
        html_cell(r->page, "not available");
        return;
    }
    double low = number_at(t, row, "ci_low"), high = number_at(t, row, "ci_high");
    html_number_cell(r->page, "%.2f [%.2f, %.2f]", fabs(found), found < 0 ? -high : low,
                     found < 0 ? -low : high);
}

/* What was published, and what is in the row of t; the same for SSIM over the foreground. */
static void put_published(report *r, const char *name, double pooled, double unet, const csv_table *t,
                          int row, const csv_table *foreground, int foreground_row) {
    html_put(r->page, "<tr>");
    html_cell(r->page, name);
    html_number_cell(r->page, "%.2f", pooled);
    if (isnan(unet))
        html_cell(r->page, "");
    else
        html_number_cell(r->page, "%.2f", unet);
    put_found(r, t, row);
    put_found(r, foreground, foreground_row);
    html_put(r->page, "</tr>\n");
}

/* The authors' published correlations beside ours. */
static void put_published_table(report *r) {
    static const double pooled[] = {.79, .92, .88, .84, .81}, unet[] = {.63, .74, .59, .40, .49};
    int vgg = vgg_row(r->quality);
    char name[320], layer[32];
    html_put(
        r->page,
        "<h3>Beside the authors' later numbers</h3>\n<div class=\"scroll\"><table class=\"tight\"><thead><tr>"
        "<th>|Pearson's r| with SSIM</th><th>knees, all methods (n = 366)</th>"
        "<th>knees, 4x U-Net (n = 61)</th><th>here [95 % interval]</th><th>here, SSIM over the "
        "foreground</th></tr></thead><tbody>\n");
    for (int block = 1; block <= 5; block++) {
        snprintf(layer, sizeof layer, "block%d_relu2", block);
        snprintf(name, sizeof name, "SSFD, block %d", block);
        put_published(r, name, pooled[block - 1], unet[block - 1], r->layers, layer_row(r->layers, layer),
                      r->foreground_layers, layer_row(r->foreground_layers, layer));
    }
    snprintf(name, sizeof name, "VGG-16%s%s",
             vgg < 0 ? "" : "; here: ", vgg < 0 ? "" : text_at(r->quality, vgg, "title"));
    put_published(r, name, .84, .07, r->quality, vgg_quality_row(r->quality), r->foreground_quality,
                  vgg_quality_row(r->foreground_quality));
    put_published(r, "PSNR", .80, NAN, r->quality, quality_row(r->quality, "psnr_db"), r->foreground_quality,
                  quality_row(r->foreground_quality, "psnr_db"));
    html_put(
        r->page,
        "</tbody></table></div>\n<p class=\"soft\">Another data set, another method: theirs are 366 "
        "reconstructions of real knees "
        "(StanfordMIMI/deep-feature-mr-recon): other anatomy, another training and, in the first "
        "column, other reconstruction methods. The columns can be alike in tendency only. Here: means "
        "of each scan's slices, layers blockK_relu2; SSFD's rows take the ordinary reconstruction of every "
        "scan, the others leave out the scans with a faulty acquisition.</p>\n");
}

static char *layers_alt(const csv_table *t) {
    char list[1024] = "";
    int layer = csv_table_column(t, "layer");
    for (size_t row = 0; row < t->rows && strlen(list) < 900; row++)
        if (drawn_row(t, csv_table_text(t, row, layer)) == (int)row)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.*s %.2f", *list ? ", " : "",
                     cut(csv_table_text(t, row, layer), 60), csv_table_text(t, row, layer),
                     number_at(t, (int)row, "estimate"));
    return format_text(
        "Scatter plots of SSFD against SSIM for encoder layers, each with a fitted line, and a plot of "
        "the correlation against depth with intervals. Pearson's r of all points by layer: %s.",
        list);
}

/* Figure 2 once more. */
static int section_foreground_layers(report *r) {
    const csv_table *t = r->foreground_layers;
    return section_figure_free(
        r, "layer_correlation_foreground", "Figure 2 with SSIM over the foreground",
        REPORT_FOREGROUND "layer_correlation.csv", layers_alt(t),
        format_text(
            "The same scores of SSFD against SSIM averaged over the foreground: windows that are brighter in "
            "the reference than the minimum cross-entropy threshold of its windows. The rest is air and what "
            "is as dark: mostly noise. Not in the poster, and added when the figure above had been seen. "
            "n = %s scans. Cohort: %s.",
            csv_table_text(t, 0, csv_table_column(t, "n_scans")), cohort_of(t)));
}

int section_layers(report *r) {
    static const char title[] = "Figure 2: SSFD against SSIM, by encoder layer";
    const csv_table *t = r->layers;
    char image[64];
    if (!t)
        return section_missing(r, title, "layer_correlation.csv", "make reproduce");
    const char *scans = csv_table_text(t, 0, csv_table_column(t, "n_scans"));
    char *caption = format_text(
        "SSFD between %s and reference against the SSIM of the same pair, one point per "
        "slice, at "
        "different depths of the encoder, with correlations; and these against depth for all layers, with 95 "
        "%% BCa "
        "bootstrap intervals over scans. The better the image, the higher SSIM and the lower SSFD: a "
        "correlation of -1 is perfect agreement. n = %s scans. Cohort: %s.",
        reconstruction_of(t, image, sizeof image), scans, cohort_of(t));
    if (section_figure_free(r, "layer_correlation", title, NULL, layers_alt(t), caption) < 0)
        return -1;
    put_published_table(r);
    return r->foreground_layers ? section_foreground_layers(r) : 0;
}

/* "SSIM 0.73, SSFD 0.86": areas for all faults together. */
static char *quality_alt(const csv_table *t) {
    char list[1024] = "";
    int metric = csv_table_column(t, "title"), statistic = csv_table_column(t, "statistic"),
        fault = csv_table_column(t, "fault"), group = csv_table_column(t, "group");
    for (size_t row = 0; row < t->rows && strlen(list) < 800; row++)
        if (strcmp(csv_table_text(t, row, statistic), "roc_area") == 0 &&
            strcmp(csv_table_text(t, row, fault), "any") == 0 &&
            strcmp(csv_table_text(t, row, group), "pooled") == 0)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.*s %.2f", *list ? ", " : "",
                     cut(csv_table_text(t, row, metric), 100), csv_table_text(t, row, metric),
                     number_at(t, (int)row, "estimate"));
    return format_text(
        "Two scatter plots, SSIM against the baseline and SSIM against SSFD, with two points marked blue "
        "and orange, and those two as reference, reconstruction and error map.%s%s%s",
        *list ? " Areas under the ROC curve for finding faulty acquisitions: " : "", list, *list ? "." : "");
}

int section_quality(report *r) {
    static const char title[] = "Figure 3: SSFD as a tool for quality control";
    const csv_table *t = r->quality;
    if (!t)
        return section_missing(r, title, "quality_control.csv", "make reproduce");
    const char *points = report_comment(t, "points"), *faulty = report_comment(t, "faulty");
    char *caption =
        format_text("SSIM against the baseline and against SSFD, one point per slice of the test set (%s; "
                    "acquired with a fault: %s). "
                    "Blue: what SSFD alone calls poor; orange: what all call good; both chosen by a rule "
                    "that stands in the "
                    "table of the panels. Their reference, reconstruction and error are beside them. The ROC "
                    "area is the chance that a scan with a "
                    "fault gets a poorer score than one without. Cohort: %s.",
                    points ? points : "number not recorded", faulty ? faulty : "not recorded", cohort_of(t));
    return section_figure_free(r, "quality_control", title, NULL, quality_alt(t), caption);
}

/* Scans behind the first row of a measure whose name begins so. */
static const char *ablation_scans(const csv_table *t, const char *measure) {
    int column = csv_table_column(t, "measure");
    for (size_t row = 0; row < t->rows; row++)
        if (strncmp(csv_table_text(t, row, column), measure, strlen(measure)) == 0)
            return csv_table_text(t, row, csv_table_column(t, "n_scans"));
    return "0";
}

int section_ablation(report *r) {
    const csv_table *t = r->ablation;
    if (!t)
        return 0; /* not part of make reproduce */
    return section_figure_free(
        r, "ablation", "What the pretext task's settings do", NULL,
        format_text("Four plots: the correlation of SSFD with SSIM, and the ratio of SSFD under shifts to "
                    "SSFD under blur and "
                    "noise at equal SSIM, against patch size and against coverage. The values are in the CSV "
                    "linked below."),
        format_text("Networks trained alike for %s steps but for the size of the masked patches (left) and "
                    "the share of "
                    "the image that they cover (right). Top: correlation of SSFD with SSIM, n = %s scans. "
                    "Bottom: SSFD of "
                    "a shift over SSFD of "
                    "a blur or a noise that costs the same SSIM, 0.80, n = %s scans. Cohort: %s.",
                    csv_table_text(t, 0, csv_table_column(t, "training_steps")),
                    ablation_scans(t, "ssim_correlation"), ablation_scans(t, "shift_to_"), cohort_of(t)));
}
