#include "report/experiments.h"

#include "study/sweep_claims.h"

static int describe(const study *s, const csv_table *t, json_t *item) {
    (void)s;
    int correlation = STUDY_ROW(t, 0, {"measure", "ssim_correlation"});
    int shift = STUDY_ROW(t, 0, {"measure", "shift_to_gaussian_blur"});
    template_set(item, "steps", "%s", study_text(t, 0, "training_steps"));
    template_set(item, "correlation_scans", "%s", study_text(t, correlation, "n_scans"));
    template_set(item, "shift_scans", "%s", study_text(t, shift, "n_scans"));
    template_set(item, "ssim", "%.2f", SWEEP_PRIMARY_SSIM);
    return 0;
}

TEMPLATE_EMBED(report_ablation_html, "report/ablation.html");

/* `make reproduce` does not make it. */
const experiment_section experiment_ablation = {.name = "ablation",
                                                .title = "What the pretext task's settings do",
                                                .table = "ablation.csv",
                                                .columns = "network,measure,training_steps,n_scans",
                                                .status = TABLE_OPTIONAL,
                                                .prose = report_ablation_html,
                                                .describe = describe};
