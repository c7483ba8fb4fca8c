#include "report/html.h"
#include "report/sections.h"

#include "core/file.h"
#include "core/checksum.h"
#include "core/error.h"
#include "io/h5.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_training_text(report *r, const h5_file *f, const char *label, const char *attribute) {
    char *text = NULL;
    html_put(r->page, "<li>");
    html_format(r->page, "%s: ", label);
    if (h5_attr_exists(f, attribute) && h5_attr_text(f, attribute, &text) == 0)
        html_code(r->page, text);
    else
        html_put(r->page, "not recorded");
    html_put(r->page, "</li>\n");
    free(text);
}

static int read_real(const h5_file *f, const char *attribute, double *value) {
    return h5_attr_exists(f, attribute) && h5_attr_real(f, attribute, value) == 0 && isfinite(*value);
}

static void put_validation(report *r, const h5_file *f) {
    double whole, masked, mean;
    html_put(r->page, "<p>");
    if (read_real(f, "validation_masked_mse", &masked) && masked > 0.0 &&
        read_real(f, "validation_masked_mse_local_mean", &mean)) {
        html_format(
            r->page,
            "In-painting validation slices, the mean squared error inside masked patches is %.4f of the "
            "image's variance, against %.4f for filling with the local mean: ",
            masked, mean);
        html_format(r->page,
                    mean >= masked ? "%.1f times smaller." : "%.1f times as small, so the network did worse.",
                    mean / masked);
        if (read_real(f, "validation_mse", &whole))
            html_format(r->page, " Over the whole image it is %.4f.", whole);
    } else {
        html_put(r->page, "This weight file carries no validation errors.");
    }
    html_put(r->page, "</p>\n");
}

/* The tables name the weights that they were made with: other weights' record would mislead. */
static void put_weights_check(report *r) {
    const struct {
        const csv_table *table;
        const char *comment, *name;
    } made[] = {{r->sweep, "ssfd", "perturbation_sweep.csv"},
                {r->inpainting, "network", "inpainting.csv"},
                {r->layers, "ssfd", "layer_correlation.csv"},
                {r->quality, "ssfd", "quality_control.csv"}};
    char hex[CHECKSUM_HEX];
    if (file_checksum(r->weights, "sha256", hex) < 0)
        return;
    for (size_t k = 0; k < sizeof made / sizeof *made; k++) {
        const char *with = made[k].table ? report_comment(made[k].table, made[k].comment) : NULL;
        if (!with || strstr(with, hex))
            continue;
        html_put(r->page, "<p class=\"warn\">These are not the weights that ");
        html_text(r->page, made[k].name);
        html_put(r->page, " was made with: their SHA-256 differs from the one in the table.</p>\n");
    }
}

/* What the training program left in the weight file. */
static void put_training_record(report *r, const h5_file *f, const char *weights) {
    char hex[CHECKSUM_HEX];
    html_put(r->page, "<ul><li>weights used: ");
    html_code(r->page, weights);
    if (file_checksum(weights, "sha256", hex) == 0) {
        html_put(r->page, ", SHA-256 ");
        html_code(r->page, hex);
    }
    html_put(r->page, "</li>\n");
    put_training_text(r, f, "architecture", "architecture");
    put_training_text(r, f, "trained by", "training_program");
    put_training_text(r, f, "trained on", "training_cohort");
    put_training_text(r, f, "command", "training_command");
    put_training_text(r, f, "settings", "training_settings");
    html_put(r->page, "</ul>\n");
}

void section_training(report *r) {
    h5_file *f = h5_open(r->weights);
    html_put(r->page, "<h2>The self-supervised network</h2>\n");
    if (f) {
        put_training_record(r, f, r->weights);
        put_validation(r, f);
        put_weights_check(r);
    } else {
        html_put(r->page, "<p>The training record is missing: ");
        html_text(r->page, err_message());
        html_put(r->page, "</p>\n");
    }
    h5_close(f);
}

/* What the reconstruction network reaches on the validation scans, beside the image it starts from. */
static int put_reconstruction_quality(report *r, const h5_file *f) {
    static const char *const rows[][4] = {
        {"zero-filled", "zero_filled_ssim", "zero_filled_psnr_db", "zero_filled_nrmse"},
        {"U-Net", "ssim", "psnr_db", "nrmse"}};
    double value[2][3];
    for (int row = 0; row < 2; row++)
        for (int k = 0; k < 3; k++)
            if (h5_attr_real(f, rows[row][k + 1], &value[row][k]) < 0)
                return -1;
    html_put(r->page, "<table><thead><tr><th>validation scans</th><th>SSIM</th><th>PSNR "
                      "(dB)</th><th>NRMSE</th></tr></thead><tbody>\n");
    for (int row = 0; row < 2; row++) {
        html_put(r->page, "<tr>");
        html_cell(r->page, rows[row][0]);
        for (int k = 0; k < 3; k++) {
            html_number_cell(r->page, k == 1 ? "%.2f" : "%.3f", value[row][k]);
        }
        html_put(r->page, "</tr>\n");
    }
    html_put(r->page, "</tbody></table>\n");
    return 0;
}

void section_reconstruction(report *r) {
    h5_file *f = h5_open(r->recon_weights);
    html_put(r->page, "<h2>The reconstruction network</h2>\n");
    if (f && h5_attr_exists(f, "training_program")) {
        put_training_record(r, f, r->recon_weights);
        if (put_reconstruction_quality(r, f) < 0)
            html_put(r->page, "<p>Its validation is not recorded.</p>\n");
    } else {
        html_put(r->page, "<p>The training record is missing: ");
        html_text(r->page, f ? "the weight file does not say how it was made" : err_message());
        html_put(r->page, "</p>\n");
    }
    h5_close(f);
}
