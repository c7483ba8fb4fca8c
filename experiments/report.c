/* Puts the study together: results/index.html (one self-contained page), claims.csv, manifest.json. Every
 * number on the page is read from the tables, weights and run records of this study. The page says what is missing. */
#include "report/report.h"
#include "program/program.h"

static int run(void *given, run_record *record) {
    (void)record;
    report *r = given;
    if (report_open(r) < 0 || report_write_claims(r) < 0 || report_write_manifest(r) < 0 ||
        report_write_page(r) < 0)
        return -1;
    printf("%s/index.html\n", r->results);
    return 0;
}

static void close_report(void *r) {
    report_free(r);
}

int main(int argc, char **argv) {
    static report r = {.results = "results",
                       .weights = "lib/models/weights/ssl_unet.h5",
                       .recon_weights = "lib/models/weights/recon_unet.h5"};
    static const program_option table[] = {
        OPT_TEXT("results", &r.results, "DIR", "folder of the study's tables, figures and records"),
        OPT_TEXT("weights", &r.weights, "FILE", "weights that the study used, for their training record"),
        OPT_TEXT("recon-weights", &r.recon_weights, "FILE", "reconstruction network, for its record"),
        OPT_END};
    const program p = {
        .command = {.name = "report",
                    .summary = "Puts the results together: index.html, claims.csv, manifest.json.",
                    .options = table},
        .self = &r,
        .one_rank = 1,
        .run = run,
        .close = close_report};
    return program_main(&p, argc, argv);
}
