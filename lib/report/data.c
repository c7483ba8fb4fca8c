#include "report/html.h"
#include "report/sections.h"

#include "io/h5.h"
#include "metrics/vgg16_distance.h"
#include <stdlib.h>
#include <string.h>

static void put_virtual_warning(report *r) {
    html_put(
        r->page,
        "<div class=\"warn\" role=\"note\"><strong>Virtual scans of one head.</strong> The default cohort "
        "is made from a single real volume (Colin27, T1), not from the poster's knees. It can show how the "
        "metrics behave when an image is degraded in a known way, and that the whole pipeline works. It "
        "cannot show anything about knee anatomy, pathology or radiologists' opinion. The intervals "
        "describe virtual scans of one head and say nothing about a population.</div>\n");
}

/* Whether a table was made with a VGG-16 of random weights; its comments say so. */
static int has_random_vgg16(const csv_table *t) {
    for (size_t k = 0; t && k < t->comment_count; k++)
        if (strstr(t->comments[k], VGG16_RANDOM_TITLE))
            return 1;
    return 0;
}

static void put_random_warning(report *r) {
    html_put(
        r->page,
        "<div class=\"warn\" role=\"note\"><strong>" VGG16_RANDOM_TITLE
        ".</strong> The weights that VGG-16 learned on ImageNet were not there, so this network has random "
        "ones: what it does here is what an untrained VGG-16 does and is not the poster's baseline. For the "
        "real one, with a network connection: <code>make vgg16-weights &amp;&amp; make reproduce</code>"
        "</div>\n");
}

void section_head(report *r) {
    html_put(
        r->page,
        "<h1>SSFD: an MR image quality metric from self-supervised features</h1>\n"
        "<p>A U-Net learns to in-paint masked patches of MR images. The self-supervised feature distance "
        "(SSFD) between an image and its reference is the mean squared difference of the features of that "
        "network's encoder. This page repeats the experiments of the poster by Adamson et al. that "
        "proposed it. All numbers come from the tables, weights and run records beside it, except "
        "where it says that they are the authors'.</p>\n");
}

void section_warnings(report *r) {
    if (strcmp(r->cohort, REPORT_VIRTUAL_COHORT) == 0)
        put_virtual_warning(r);
    if (has_random_vgg16(r->sweep) || has_random_vgg16(r->quality))
        put_random_warning(r);
}

static void put_split(report *r, const char *name, const char *poster, const char *here) {
    html_put(r->page, "<tr>");
    html_cell(r->page, name);
    html_cell(r->page, poster);
    html_cell(r->page, here);
    html_put(r->page, "</tr>\n");
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

void section_data(report *r) {
    char train[64], val[64];
    const char *test = report_comment(r->sweep, "split");
    training_slices(r, train, val, sizeof train);
    html_put(r->page, "<h2>Data and split</h2>\n<div class=\"scroll\"><table><thead><tr><th>split</th>"
                      "<th>poster (fastMRI knee)</th><th>here</th></tr></thead><tbody>\n");
    put_split(r, "training", "778 scans, 27,774 slices", train);
    put_split(r, "validation", "195 scans, 6,968 slices", val);
    put_split(r, "measured on", "199 test scans, 7,135 slices", test ? test : "not recorded");
    html_put(r->page, "</tbody></table></div>\n<p>How it was measured:</p>\n<ul>");
    for (size_t k = 0; k < r->sweep->comment_count; k++) {
        const char *comment = r->sweep->comments[k];
        if (strncmp(comment, "cohort: ", 8) == 0 || strncmp(comment, "split: ", 7) == 0)
            continue;
        html_put(r->page, "<li>");
        html_text(r->page, comment);
        html_put(r->page, "</li>");
    }
    html_put(r->page,
             "</ul>\n<p class=\"soft\">The scan is the unit: slices are averaged within their scan or, where "
             "points are slices, drawn together; all intervals are over scans.</p>\n");
}

/* Whether the weights carry our training program's record. */
static int trained_here(const report *r) {
    h5_file *f = h5_open(r->weights);
    int known = f && h5_attr_exists(f, "training_program") > 0;
    h5_close(f);
    return known;
}

void section_differences(report *r) {
    const char *faulty = r->quality ? report_comment(r->quality, "faulty") : NULL;
    html_heading(r->page, "What differs from the poster");
    html_put(r->page, "<ul>");
    if (strcmp(r->cohort, REPORT_VIRTUAL_COHORT) == 0)
        html_put(r->page,
                 "<li>Virtual scans of one head, acquired by a simulated coil array, instead of fastMRI "
                 "knees. From the raw data on, everything is done as it is for fastMRI.</li>\n"
                 "<li>Fewer slices: the table of the split has both counts.</li>\n");
    if (faulty) {
        html_put(r->page, "<li>Of the scans in figure 3, ");
        html_text(r->page, faulty);
        html_put(r->page,
                 " were acquired a second time with a fault, for quality control alone. The poster has real "
                 "scans, in which something may have gone wrong by itself.</li>\n");
    }
    html_put(r->page,
             trained_here(r)
                 ? "<li>The network was trained by this project, not by the authors. Weight files "
                   "in their layout are read, too.</li>\n"
                 : "<li>Where the network's weights come from is not recorded in their file.</li>\n");
    html_put(r->page,
             "<li>The poster's text gives neither the ranges of the levels nor their units. Here blur "
             "and shift are in pixels and noise is a share of the slice's maximum; the ranges were "
             "chosen so that SSIM falls far under each. Shifts are along rows and wrap around.</li>\n"
             "<li>The poster states its claims in words. Here each has an effect size, an interval and "
             "a rule for the verdict.</li>\n"
             "<li>The poster prints \"513D scans\" for training. That is a misprint of 778: the counts "
             "of scans and slices are those of the authors' public split.</li></ul>\n");
}
