#include "report/sections.h"

#include "core/checksum.h"
#include "core/error.h"
#include "core/file.h"
#include "io/h5.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int read_real(const h5_file *f, const char *attribute, double *value) {
    return h5_attr_exists(f, attribute) && h5_attr_real(f, attribute, value) == 0 && isfinite(*value);
}

/* What the training program left in the weight file. */
static void set_record(const h5_file *f, const char *weights, json_t *network) {
    static const char *const parts[][2] = {{"architecture", "architecture"},
                                           {"trained by", "training_program"},
                                           {"trained on", "training_cohort"},
                                           {"command", "training_command"},
                                           {"settings", "training_settings"}};
    char hex[CHECKSUM_HEX] = "";
    template_set(network, "weights", "%s", weights);
    template_set(network, "sha256", "%s", file_checksum(weights, "sha256", hex) == 0 ? hex : "");
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        json_t *part = template_add(network, "parts");
        char *text = NULL;
        int is_there = h5_attr_exists(f, parts[k][1]) && h5_attr_text(f, parts[k][1], &text) == 0;
        template_set(part, "label", "%s", parts[k][0]);
        template_set(part, "text", "%s", is_there ? text : "");
        free(text);
    }
}

static void set_validation(const h5_file *f, json_t *network) {
    double whole, masked, mean;
    if (!read_real(f, "validation_masked_mse", &masked) || masked <= 0.0 ||
        !read_real(f, "validation_masked_mse_local_mean", &mean))
        return;
    json_t *validation = template_add(network, "validation");
    template_set(validation, "masked", "%.4f", masked);
    template_set(validation, "local_mean", "%.4f", mean);
    template_set(validation, "ratio", "%.1f", mean / masked);
    template_set(validation, "is_better", "%s", mean >= masked ? "yes" : "");
    template_set(validation, "whole", "%s", "");
    if (read_real(f, "validation_mse", &whole))
        template_set(validation, "whole", "%.4f", whole);
}

/* The tables name the weights that they were made with: the record of other weights would mislead. */
static void add_other_weights(const study *s, json_t *network) {
    static const char *const tables[][2] = {{"perturbation_sweep.csv", "ssfd"},
                                            {"inpainting_summary.csv", "network"},
                                            {"layer_correlation.csv", "ssfd"},
                                            {"quality_control_summary.csv", "ssfd"}};
    const char *hex = json_string_value(json_object_get(network, "sha256"));
    for (size_t k = 0; hex && *hex && k < sizeof tables / sizeof *tables; k++)
        if (!strstr(study_comment(study_table(s, tables[k][0]), tables[k][1], hex), hex))
            template_set(template_add(network, "others"), "table", "%s", tables[k][0]);
}

/* What the reconstruction network reaches on the validation scans, and the image that it starts from. */
static void add_quality(const h5_file *f, json_t *network) {
    static const char *const rows[][4] = {
        {"zero-filled", "zero_filled_ssim", "zero_filled_psnr_db", "zero_filled_nrmse"},
        {"U-Net", "ssim", "psnr_db", "nrmse"}};
    double value[2][3];
    for (int row = 0; row < 2; row++)
        for (int k = 0; k < 3; k++)
            if (h5_attr_real(f, rows[row][k + 1], &value[row][k]) < 0)
                return;
    json_t *quality = template_add(network, "quality");
    for (int row = 0; row < 2; row++) {
        json_t *item = template_add(quality, "rows");
        template_set(item, "image", "%s", rows[row][0]);
        template_set(item, "ssim", "%.3f", value[row][0]);
        template_set(item, "psnr_db", "%.2f", value[row][1]);
        template_set(item, "nrmse", "%.3f", value[row][2]);
    }
}

/* NULL, with the reason on the page, where the weights cannot be read. */
static h5_file *open_weights(const char *weights, json_t *network) {
    h5_file *f = h5_open(weights);
    template_set(network, "missing", "%s", f ? "" : err_message());
    return f;
}

void section_networks(const study *s, json_t *page) {
    json_t *ssl = template_add(page, "ssl_network"), *recon = template_add(page, "recon_network");
    h5_file *f = open_weights(s->weights, ssl);
    template_set(page, "trained_here", "%s", f && h5_attr_exists(f, "training_program") > 0 ? "yes" : "");
    if (f) {
        set_record(f, s->weights, ssl);
        set_validation(f, ssl);
        add_other_weights(s, ssl);
    }
    h5_close(f);
    f = open_weights(s->recon_weights, recon);
    if (f && h5_attr_exists(f, "training_program")) {
        set_record(f, s->recon_weights, recon);
        add_quality(f, recon);
    } else if (f) {
        template_set(recon, "missing", "the weight file does not say how it was made");
    }
    h5_close(f);
}
