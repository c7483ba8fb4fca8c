/* Runs every suite, in the order of suites.h. CK_RUN_SUITE=name runs one; CK_FORK=no keeps all in one
 * process, for debuggers. check_ssfd --suites lists their names. */
#include "suites.h"
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    Suite *(*create)(void);
} suites[] = {
#define SUITE(name) {#name, suite_##name},
    SUITES(SUITE)
#undef SUITE
};
enum { COUNT = sizeof suites / sizeof *suites };

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "ranks-probe") == 0)
        return ranks_probe(argc, argv);
    if (argc > 1 && strcmp(argv[1], "--suites") == 0) {
        for (int k = 0; k < COUNT; k++)
            puts(suites[k].name);
        return EXIT_SUCCESS;
    }
    openblas_set_num_threads(1); /* as every program does: threads work on different images */
    SRunner *runner = srunner_create(suites[0].create());
    for (int k = 1; k < COUNT; k++)
        srunner_add_suite(runner, suites[k].create());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
