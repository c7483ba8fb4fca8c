/* Puts the study together: results/index.html (one self-contained page), claims.csv, manifest.json. Every
 * number on the page is read from the tables, weights and run records of this study. The page says what is
 * missing. */
#include "program/program.h"
#include "report/page.h"

static int run(void *given, run_record *record) {
    (void)record;
    const page_source *from = given;
    if (page_write(from) < 0)
        return -1;
    printf("%s/index.html\n", from->results);
    return 0;
}

int main(int argc, char **argv) {
    static page_source from = {.results = "results",
                               .weights = "lib/models/weights/ssl_unet.h5",
                               .recon_weights = "lib/models/weights/recon_unet.h5"};
    static const program_option table[] = {
        OPT_TEXT("results", &from.results, "DIR", "folder of the study's tables, figures and records"),
        OPT_TEXT("weights", &from.weights, "FILE", "weights that the study used, for their training record"),
        OPT_TEXT("recon-weights", &from.recon_weights, "FILE", "reconstruction network, for its record"),
        OPT_END};
    const program p = {
        .command = {.name = "report",
                    .summary = "Puts the results together: index.html, claims.csv, manifest.json.",
                    .options = table},
        .self = &from,
        .one_rank = 1,
        .run = run};
    return program_main(&p, argc, argv);
}
