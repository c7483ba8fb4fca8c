#include "report/html.h"
#include "report/sections.h"

#include "study/claim.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 9

static const char *verdict_class(const char *verdict) {
    return strcmp(verdict, "reproduced") == 0 ? "yes" : strcmp(verdict, "undecided") == 0 ? "open" : "no";
}

static const char *claim_text(const csv_table *t, size_t row, const char *column) {
    return csv_table_text(t, row, csv_table_column(t, column));
}

/* "0.0439 [0.0393, 0.0490]" into text[size]. */
static int describe_effect(const csv_table *t, size_t row, char *text, size_t size) {
    static const char *const numbers[] = {"estimate", "ci_low", "ci_high"};
    double value[3];
    for (int k = 0; k < 3; k++)
        if (csv_table_real(t, row, csv_table_column(t, numbers[k]), &value[k]) < 0)
            return -1;
    if (isnan(value[0]))
        snprintf(text, size, "not available");
    else if (isnan(value[1]) || isnan(value[2]))
        snprintf(text, size, "%.3g, no interval", value[0]);
    else
        snprintf(text, size, "%.3g [%.3g, %.3g]", value[0], value[1], value[2]);
    return 0;
}

static int put_summary_line(report *r, size_t row) {
    char effect[96];
    const char *verdict = claim_text(r->claims, row, "verdict");
    if (describe_effect(r->claims, row, effect, sizeof effect) < 0)
        return -1;
    html_put(r->page, "<li><span class=\"");
    html_put(r->page, verdict_class(verdict));
    html_put(r->page, "\">");
    html_text(r->page, verdict);
    html_put(r->page, "</span>: ");
    html_text(r->page, claim_text(r->claims, row, "claim"));
    html_put(r->page, " <span class=\"soft\">");
    html_format(r->page, "(%s: %s)", claim_text(r->claims, row, "effect"), effect);
    html_put(r->page, "</span></li>\n");
    return 0;
}

int section_summary(report *r) {
    const char *split = report_comment(r->sweep, "split");
    int status = 0;
    html_heading(r->page, "In short");
    html_put(r->page, "<p>Measured on ");
    html_format(r->page, "%s (cohort ", split ? split : "a split that is not recorded");
    html_code(r->page, r->cohort);
    html_put(r->page,
             "): how SSFD follows blur, noise and shifts, how it goes with SSIM at each layer of the "
             "encoder, and whether it finds poor reconstructions. ");
    if (r->claims->rows == 0) {
        html_put(r->page, "No experiment has made a claim yet.</p>\n");
        return 0;
    }
    html_put(r->page, "Of the poster's claims, with 95 % intervals:</p>\n<ul class=\"plain\">");
    for (size_t row = 0; row < r->claims->rows && status == 0; row++)
        status = put_summary_line(r, row);
    html_put(r->page, "</ul>\n");
    return status;
}

static int put_claim(report *r, const csv_table *t, size_t row) {
    char effect[96];
    const char *verdict = claim_text(t, row, "verdict");
    if (describe_effect(t, row, effect, sizeof effect) < 0)
        return -1;
    html_put(r->page, "<tr>");
    html_cell(r->page, claim_text(t, row, "claim"));
    fprintf(r->page, "<td class=\"%s\">", verdict_class(verdict));
    html_text(r->page, verdict);
    html_put(r->page, "</td>");
    html_cell(r->page, claim_text(t, row, "effect"));
    html_number_cell(r->page, "%s", effect);
    html_put(r->page, "<td data-label=\"scans\">");
    html_text(r->page, claim_text(t, row, "n"));
    html_put(r->page, "</td><td data-label=\"test\">");
    html_text(r->page, claim_text(t, row, "test"));
    html_put(r->page, "</td></tr>\n");
    return 0;
}

static void begin_claims(report *r) {
    html_put(
        r->page,
        "<div class=\"scroll\"><table class=\"claims\"><thead><tr><th>claim</th><th>verdict</th>"
        "<th>effect</th><th>estimate [95 % interval]</th><th>scans</th><th>test</th></tr></thead><tbody>\n");
}

static int is_among(const csv_table *t, const char *claim) {
    for (size_t row = 0; row < t->rows; row++)
        if (strcmp(claim_text(t, row, "claim"), claim) == 0)
            return 1;
    return 0;
}

/* Those of the foreground's claims that are about SSIM; the others are among the poster's as they are. */
static int put_foreground_claims(report *r) {
    const csv_table *t = r->foreground_claims;
    int status = 0;
    if (!t)
        return 0;
    html_put(r->page,
             "<h3>With SSIM over the foreground</h3>\n<p>Air, and what is as dark, holds mostly noise, "
             "which counts for SSIM like anything else. Here SSIM is averaged over windows with signal "
             "only. The poster does not do this, and it was added here when "
             "the results above had been seen: these rows help to read those above and do not replace "
             "them.</p>\n");
    begin_claims(r);
    for (size_t row = 0; row < t->rows && status == 0; row++)
        if (!is_among(r->claims, claim_text(t, row, "claim")))
            status = put_claim(r, t, row);
    html_put(r->page, "</tbody></table></div>\n<p class=\"soft\">");
    html_link(r->page, REPORT_FOREGROUND "claims.csv", REPORT_FOREGROUND "claims.csv");
    html_put(r->page, "</p>\n");
    return status;
}

int section_claims(report *r) {
    int status = 0;
    html_put(r->page, "<h2>The poster's claims</h2>\n");
    if (r->claims->rows == 0) {
        html_put(r->page, "<p>There are no claims: no experiment wrote any.</p>\n");
        return 0;
    }
    begin_claims(r);
    for (size_t row = 0; row < r->claims->rows && status == 0; row++)
        status = put_claim(r, r->claims, row);
    html_put(
        r->page,
        "</tbody></table></div>\n<p class=\"soft\">A claim is reproduced when the whole 95 % "
        "interval of its effect lies on the claimed side of no effect (a ratio of 1, a difference or a slope "
        "of 0), not reproduced when it lies on the other side, and undecided when it holds no effect. "
        "At equal SSIM means that each scan's SSFD is interpolated where its SSIM has fallen to the "
        "stated value. The poster's robustness to perturbations is tested for shifts: a metric's robustness "
        "ratio is its mean response to shifts over the geometric mean of those to blur and noise. ");
    html_link(r->page, "claims.csv", "claims.csv");
    html_put(r->page, "</p>\n");
    return status == 0 ? put_foreground_claims(r) : -1;
}

/* folder: "" or REPORT_FOREGROUND */
static int append_claims(const report *r, const char *folder, const char *name, csv_writer *csv) {
    char path[REPORT_PATH];
    claim_list claims;
    snprintf(path, sizeof path, "%s/%s%s", r->results, folder, name);
    int status = claim_list_read(&claims, path);
    for (size_t k = 0; k < claims.count && status == 0; k++)
        claim_write(csv, &claims.items[k], DIGITS);
    claim_list_free(&claims);
    return status;
}

static int is_in(const name_list *list, const char *name) {
    for (int k = 0; k < list->count; k++)
        if (strcmp(list->names[k], name) == 0)
            return 1;
    return 0;
}

/* The experiments in the order of the poster, then whatever else there is. */
static int append_all(const report *r, const char *folder, const name_list *files, csv_writer *csv) {
    static const char *const first[] = {"perturbation_sweep_claims.csv", "layer_correlation_claims.csv",
                                        "quality_control_claims.csv"};
    enum { FIRST = sizeof first / sizeof *first };
    int status = 0;
    for (int k = 0; k < FIRST && status == 0; k++)
        status = is_in(files, first[k]) ? append_claims(r, folder, first[k], csv) : 0;
    for (int k = 0; k < files->count && status == 0; k++) {
        int done = 0;
        for (int j = 0; j < FIRST; j++)
            done = done || strcmp(files->names[k], first[j]) == 0;
        status = done ? 0 : append_claims(r, folder, files->names[k], csv);
    }
    return status;
}

/* All claims of a folder as its claims.csv, which is then read. */
static csv_table *gather(const report *r, const char *folder, const name_list *files) {
    char path[REPORT_PATH];
    snprintf(path, sizeof path, "%s/%sclaims.csv", r->results, folder);
    csv_writer *csv = csv_writer_open(path);
    if (!csv)
        return NULL;
    csv_writer_comment(csv, "cohort: %s", r->cohort);
    claim_write_header(csv);
    return csv_writer_end(csv, append_all(r, folder, files, csv)) == 0 ? csv_table_read(path) : NULL;
}

int report_write_claims(report *r) {
    char folder[REPORT_PATH];
    name_list files, foreground;
    snprintf(folder, sizeof folder, "%s/" REPORT_FOREGROUND, r->results);
    int status = report_list_files(r->results, "_claims.csv", &files);
    if (report_list_files(folder, "_claims.csv", &foreground) < 0)
        status = -1;
    if (status == 0 && !(r->claims = gather(r, "", &files)))
        status = -1;
    if (status == 0 && foreground.count &&
        !(r->foreground_claims = gather(r, REPORT_FOREGROUND, &foreground)))
        status = -1;
    report_free_names(&files);
    report_free_names(&foreground);
    if (status < 0)
        return -1;
    return report_list_files(folder, ".csv", &r->foreground_tables) < 0
               ? -1
               : report_list_files(r->results, ".csv", &r->tables);
}
