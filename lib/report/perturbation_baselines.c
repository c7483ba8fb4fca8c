#include "report/experiments.h"

#include "metrics/metric.h"

/* The first row of a baseline in the sweep's table; -1. */
static int baseline_row(const csv_table *sweep) {
    for (int row = 0; row < (int)sweep->rows; row++) {
        metric_label label;
        if (metric_label_read(&label, sweep, study_text(sweep, row, "metric")) > 0 &&
            label.roles & METRIC_BASELINE)
            return row;
    }
    return -1;
}

static int describe(const study *s, const csv_table *t, json_t *item) {
    const csv_table *sweep = study_table(s, "perturbation_sweep.csv");
    (void)t;
    template_set(item, "scans", "%s", study_text(sweep, baseline_row(sweep), "n_scans"));
    return 0;
}

TEMPLATE_EMBED(report_perturbation_baselines_html, "report/perturbation_baselines.html");

const experiment_section experiment_perturbation_baselines = {
    .name = "perturbation_baselines",
    .title = "SSFD compared with other feature distances",
    .table = "perturbation_baselines.csv",
    .columns = "metric",
    .status = TABLE_OPTIONAL,
    .prose = report_perturbation_baselines_html,
    .describe = describe};
