/* Runs every suite. CK_RUN_SUITE=name runs one; CK_FORK=no keeps all in one process, for debuggers. */
#include "suites.h"
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "ranks-probe") == 0)
        return ranks_probe(argc, argv);
    openblas_set_num_threads(1); /* as every program does: threads work on different images */
    SRunner *runner = srunner_create(suite_core());
    srunner_add_suite(runner, suite_io());
    srunner_add_suite(runner, suite_cohort());
    srunner_add_suite(runner, suite_edges());
    srunner_add_suite(runner, suite_mri());
    srunner_add_suite(runner, suite_fastmri());
    srunner_add_suite(runner, suite_metrics());
    srunner_add_suite(runner, suite_perturb());
    srunner_add_suite(runner, suite_stats());
    srunner_add_suite(runner, suite_correlation());
    srunner_add_suite(runner, suite_sweep_claims());
    srunner_add_suite(runner, suite_ssl_mask());
    srunner_add_suite(runner, suite_layers());
    srunner_add_suite(runner, suite_net());
    srunner_add_suite(runner, suite_ssl_unet());
    srunner_add_suite(runner, suite_recon_unet());
    srunner_add_suite(runner, suite_vgg16());
    srunner_add_suite(runner, suite_augment());
    srunner_add_suite(runner, suite_trainer());
    srunner_add_suite(runner, suite_slice_prep());
    srunner_add_suite(runner, suite_prepare());
    srunner_add_suite(runner, suite_faults());
    srunner_add_suite(runner, suite_quality_control());
    srunner_add_suite(runner, suite_inpainting());
    srunner_add_suite(runner, suite_score_table());
    srunner_add_suite(runner, suite_ablation());
    srunner_add_suite(runner, suite_make());
    srunner_add_suite(runner, suite_ranks());
    srunner_add_suite(runner, suite_cli());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
