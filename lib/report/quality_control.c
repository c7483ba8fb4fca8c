#include "report/experiments.h"

#include "metrics/metric.h"

static int describe(const study *s, const csv_table *t, json_t *item) {
    int row = -1;
    json_t *detection = NULL;
    metric_label against = {.title = "SSIM"};
    (void)s;
    if (metric_label_read(&against, t, study_comment(t, "against", "ssim")) < 0)
        return -1;
    template_set(item, "against", "%s", against.title);
    template_set(item, "points", "%s", study_comment(t, "points", "number not recorded"));
    template_set(item, "faulty", "%s", study_comment(t, "faulty", "not recorded"));
    while ((row = STUDY_ROW(t, row + 1, {"statistic", "roc_area"}, {"fault", "any"}, {"group", "pooled"})) >=
           0) {
        if (!detection)
            detection = template_add(item, "detection");
        json_t *area = template_add(detection, "areas");
        template_set(area, "title", "%s", study_text(t, row, "title"));
        template_set(area, "area", "%.2f", study_number(t, row, "estimate"));
    }
    return 0;
}

TEMPLATE_EMBED(report_quality_control_html, "report/quality_control.html");

const experiment_section experiment_quality_control = {
    .name = "quality_control",
    .title = "Figure 3: SSFD as a tool for quality control",
    .table = "quality_control_summary.csv",
    .columns = "statistic,metric,group,unit,fault,estimate,ci_low,ci_high,title",
    .prose = report_quality_control_html,
    .describe = describe};
