/* Puts the study together: results/index.html (one self-contained page), claims.csv, manifest.json. Every
 * number on the page is read from the tables, weights and run records of this study; what is missing is said
 * to be missing. */
#include "report/report.h"
#include "core/cli.h"

#define PROGRAM "report"

int main(int argc, char **argv) {
    report r = {.results = "results",
                .weights = "lib/models/weights/ssl_unet.h5",
                .recon_weights = "lib/models/weights/recon_unet.h5"};
    const cli_option table[] = {
        {CLI_STRING, "results", &r.results, "DIR", "folder of the study's tables, figures and records", 0, 0},
        {CLI_STRING, "weights", &r.weights, "FILE", "weights that the study used, for their training record",
         0, 0},
        {CLI_STRING, "recon-weights", &r.recon_weights, "FILE", "reconstruction network, for its record", 0,
         0},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {
        PROGRAM, "Puts the results together: index.html, claims.csv, manifest.json.", NULL, 0, 0, table,
        NULL};
    int first;
    cli_result parsed = cli_parse(&spec, argc, argv, &first, stdout, stderr);
    if (parsed != CLI_RUN)
        return parsed == CLI_DONE ? 0 : 2;
    int status = report_open(&r) == 0 && report_write_claims(&r) == 0 && report_write_manifest(&r) == 0 &&
                         report_write_page(&r) == 0
                     ? 0
                     : -1;
    if (status == 0)
        printf("%s/index.html\n", r.results);
    report_free(&r);
    return status < 0 ? cli_fail(PROGRAM) : 0;
}
