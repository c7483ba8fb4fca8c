#include "report/experiments.h"

#include <math.h>
#include <string.h>

TEMPLATE_EMBED(report_layer_correlation_html, "report/layer_correlation.html");
TEMPLATE_EMBED(report_published_csv, "experiments/published.csv");

/* "0.61 [0.50, 0.70]": how strong a correlation is, without its sign, as the authors published theirs. */
static void set_found(json_t *item, const csv_table *t, int row) {
    interval r;
    if (row < 0 || interval_read(t, (size_t)row, &r) < 0 || isnan(r.estimate)) {
        template_set(item, "found", "not available");
        return;
    }
    if (r.estimate < 0.0)
        r = interval_negate(r);
    template_set(item, "found", "%.2f [%.2f, %.2f]", r.estimate, r.low, r.high);
}

/* A published row and what was found here: Pearson's r with SSIM over scans. */
static void add_published(const csv_table *layers, const csv_table *quality, const csv_table *published,
                          int row, json_t *item) {
    const char *score = study_text(published, row, "score");
    int is_baseline = strcmp(score, "baseline") == 0;
    if (is_baseline)
        score = study_comment(quality, "baseline", "");
    int of_layer = STUDY_ROW(layers, 0, {"layer", score}, {"group", "pooled"}, {"unit", "scan"},
                             {"coefficient", "pearson"});
    int of_score = STUDY_ROW(quality, 0, {"metric", score}, {"statistic", "pearson"},
                             {"group", "without faults"}, {"unit", "scan"});
    template_set(item, "title", "%s", study_text(published, row, "title"));
    template_set(item, "all_methods", "%s", study_text(published, row, "all_methods"));
    template_set(item, "unet_4x", "%s", study_text(published, row, "unet_4x"));
    template_set(item, "here", "%s",
                 is_baseline && of_score >= 0 ? study_text(quality, of_score, "title") : "");
    set_found(item, of_layer >= 0 ? layers : quality, of_layer >= 0 ? of_layer : of_score);
}

/* Of all points of the figure: the first row says what a point is. */
static void add_layers(const csv_table *t, json_t *item) {
    const char *unit = study_text(t, 0, "unit");
    int row = -1;
    while ((row = STUDY_ROW(t, row + 1, {"group", "pooled"}, {"unit", unit}, {"coefficient", "pearson"})) >=
           0) {
        json_t *layer = template_add(item, "layers");
        template_set(layer, "layer", "%s", study_text(t, row, "layer"));
        template_set(layer, "r", "%.2f", study_number(t, row, "estimate"));
    }
}

static int describe(const study *s, const csv_table *t, json_t *item) {
    const csv_table *quality = study_table(s, "quality_control_summary.csv");
    csv_table *published = csv_table_parse("experiments/published.csv", report_published_csv);
    if (!published)
        return -1;
    template_set(item, "acceleration", "%s", study_comment(t, "acceleration", ""));
    template_set(item, "outcome", "%s", study_comment(t, "outcome", "SSIM"));
    template_set(item, "sign", "%s", study_comment(t, "sign", "-1"));
    template_set(item, "unit", "%s", study_text(t, 0, "unit"));
    template_set(item, "scans", "%s", study_text(t, 0, "n_scans"));
    add_layers(t, item);
    for (size_t row = 0; row < published->rows; row++)
        add_published(t, quality, published, (int)row, template_add(item, "published"));
    csv_table_free(published);
    return 0;
}

const experiment_section experiment_layer_correlation = {
    .name = "layer_correlation",
    .title = "Figure 2: SSFD against SSIM, by encoder layer",
    .table = "layer_correlation.csv",
    .columns = "layer,group,unit,coefficient,n,n_scans,estimate,ci_low,ci_high",
    .prose = report_layer_correlation_html,
    .describe = describe};
