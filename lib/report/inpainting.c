#include "report/experiments.h"

static int describe(const study *s, const csv_table *t, json_t *item) {
    (void)s;
    template_set(item, "scans", "%s", study_text(t, 0, "n_scans"));
    for (size_t row = 0; row < t->rows; row++) {
        json_t *method = template_add(item, "methods");
        double mean;
        if (csv_table_number(t, row, "mean", &mean) < 0)
            return -1;
        template_set(method, "mean", "%.3g", mean);
        template_set(method, "title", "%s", study_text(t, (int)row, "title"));
    }
    return 0;
}

TEMPLATE_EMBED(report_inpainting_html, "report/inpainting.html");

const experiment_section experiment_inpainting = {.name = "inpainting",
                                                  .title = "Method: what the network learns from",
                                                  .table = "inpainting_summary.csv",
                                                  .columns = "method,title,mean,n_scans",
                                                  .prose = report_inpainting_html,
                                                  .describe = describe};
