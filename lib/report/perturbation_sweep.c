#include "report/experiments.h"

#include "core/error.h"
#include <string.h>

/* The last row of a metric under a perturbation, and how many there are. */
static int last_row(const csv_table *t, const char *perturbation, const char *metric, int *levels) {
    int last = -1, row = -1;
    for (*levels = 0; (row = STUDY_ROW(t, row + 1, {"perturbation", perturbation}, {"metric", metric})) >= 0;
         ++*levels)
        last = row;
    return last;
}

/* The curve of SSFD that begins at `row`. */
static void describe_curve(const csv_table *t, int row, json_t *curve) {
    const char *perturbation = study_text(t, row, "perturbation");
    int levels, last_ssim = last_row(t, perturbation, "ssim", &levels);
    int last = last_row(t, perturbation, "ssfd", &levels);
    template_set(curve, "title", "%s", study_text(t, row, "title"));
    template_set(curve, "level_name", "%s", study_text(t, row, "level_name"));
    template_set(curve, "first", "%s", study_text(t, row, "level"));
    template_set(curve, "last", "%s", study_text(t, last, "level"));
    template_set(curve, "levels", "%d", levels);
    template_set(curve, "ssfd", "%.3g", study_number(t, last, "mean"));
    template_set(curve, "ssim", "%.3g", study_number(t, last_ssim, "mean"));
}

static int describe(const study *s, const csv_table *t, json_t *item) {
    const char *previous = "";
    (void)s;
    if (STUDY_ROW(t, 0, {"metric", "ssfd"}) < 0)
        return err_set("%s: has no rows of metric ssfd", t->path);
    for (int row = -1; (row = STUDY_ROW(t, row + 1, {"metric", "ssfd"})) >= 0;) {
        const char *perturbation = study_text(t, row, "perturbation");
        if (strcmp(perturbation, previous) != 0)
            describe_curve(t, row, template_add(item, "curves"));
        previous = perturbation;
    }
    template_set(item, "scans", "%s", study_text(t, STUDY_ROW(t, 0, {"metric", "ssfd"}), "n_scans"));
    return 0;
}

TEMPLATE_EMBED(report_perturbation_sweep_html, "report/perturbation_sweep.html");

const experiment_section experiment_perturbation_sweep = {
    .name = "perturbation_sweep",
    .title = "Figure 1: SSFD under image perturbations",
    .table = "perturbation_sweep.csv",
    .columns = "perturbation,level,metric,n_scans,mean,title,level_name",
    .status = TABLE_NEEDED,
    .prose = report_perturbation_sweep_html,
    .describe = describe};
