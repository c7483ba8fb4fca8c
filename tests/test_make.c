/* `make reproduce` and `make ablation` on a small cohort: the same tables from two jobs at once, and later
 * only what has changed. */
#include "programs.h"
#include "suites.h"
#include <unistd.h>

/* The build that the programs under test are of: programs() without "/bin". Its flags are not known here: -o
 * keeps it as it is. */
#define MAKE                                                                                                 \
    "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s BUILD=$(dirname %s) -o $(dirname %s)/.compiler "        \
    "COHORT=%s/cohort TEST_SCANS=12 "                                                                        \
    "BASELINE_SCANS=3 PREPARE='--size 64 --test-slices 1' "

static int make(const char *arguments) {
    char before[1024];
    snprintf(before, sizeof before, MAKE, programs(), programs(), folder);
    return run_after(before, arguments);
}

static void reproduce(const char *arguments) {
    int code = make(arguments);
    ck_assert_msg(code == 0, "make %s: exit code %d: %s", arguments, code, output);
}

/* Names of files under the folder `name` that are newer than the stamp, sorted, each with a blank behind. */
static const char *changed(const char *name) {
    static char names[4096];
    char command[512];
    snprintf(command, sizeof command,
             "cd %s/%s && find . -type f -newer ../stamp ! -path './records/*' -printf '%%P\\n' | LC_ALL=C "
             "sort | tr '\\n' ' '",
             folder, name);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    names[fread(names, 1, sizeof names - 1, f)] = '\0';
    ck_assert_int_eq(pclose(f), 0);
    return names;
}

static void stamp(void) {
    char command[512];
    snprintf(command, sizeof command, "sleep 0.02; touch %s/stamp; sleep 0.02", folder);
    ck_assert_int_eq(system(command), 0);
}

#define CLAIMS "claims.csv " /* are put together with the page */
#define PAGE "foreground/claims.csv index.html manifest.json "
START_TEST(test_reproduce_redoes_what_changed) {
    char command[512];
    reproduce("LEVELS=3 RESULTS=@/one -j2 reproduce");
    snprintf(command, sizeof command, "%s/one/index.html\n", folder);
    ck_assert_msg(strstr(output, command) != NULL, "%s", output);
    stamp();
    reproduce("LEVELS=3 RESULTS=@/one reproduce");
    ck_assert_str_eq(changed("one"), "");
    /* -W: as if that file had just been written */
    reproduce("LEVELS=3 RESULTS=@/one -W plots/inpainting.gp reproduce");
    ck_assert_str_eq(changed("one"), CLAIMS "figures/inpainting.pdf figures/inpainting.png " PAGE);
    stamp();
    reproduce("LEVELS=3 RESULTS=@/one -W plots/layer_correlation.gp reproduce");
    ck_assert_str_eq(changed("one"), CLAIMS "figures/layer_correlation.pdf figures/layer_correlation.png "
                                            "figures/layer_correlation_foreground.pdf "
                                            "figures/layer_correlation_foreground.png " PAGE);
    reproduce("LEVELS=3 RESULTS=@/two reproduce");
    snprintf(command, sizeof command,
             "cd %s && for f in one/*.csv one/panels/* one/foreground/*.csv; do cmp $f two/${f#one/} || exit "
             "1; done",
             folder);
    ck_assert_int_eq(system(command), 0);
    /* A table that was lost comes again. */
    snprintf(command, sizeof command, "rm %s/one/perturbation_baselines.csv", folder);
    ck_assert_int_eq(system(command), 0);
    reproduce("LEVELS=3 RESULTS=@/one reproduce");
    ck_assert_int_eq(access(in_folder("one/perturbation_baselines.csv"), R_OK), 0);
    snprintf(command, sizeof command, "rm -r %s/one/foreground %s/one/layer_correlation_scores.csv", folder,
             folder);
    ck_assert_int_eq(system(command), 0);
    reproduce("LEVELS=3 RESULTS=@/one reproduce");
    snprintf(command, sizeof command, "diff -r -x records %s/one/foreground %s/two/foreground", folder,
             folder);
    ck_assert_int_eq(system(command), 0);
    /* An ablation that was made meanwhile comes onto the page. */
    snprintf(command, sizeof command, "cp %s/one/figures/inpainting.png %s/one/figures/ablation.png", folder,
             folder);
    ck_assert_int_eq(system(command), 0);
    write_text("one/ablation.csv", "network,measure,training_steps,n_scans\n16_25,ssim_correlation,100,12\n"
                                   "16_25,shift_to_gaussian_blur,100,7\n");
    stamp();
    reproduce("LEVELS=3 RESULTS=@/one reproduce");
    ck_assert_str_eq(changed("one"), CLAIMS PAGE);
    char *page = read_table("one/index.html");
    ck_assert(strstr(page, "SSIM, n = 12 scans") && strstr(page, "0.80, n = 7 scans"));
    free(page);
    stamp();
    reproduce("LEVELS=4 RESULTS=@/one reproduce");
    ck_assert_msg(strstr(changed("one"), " perturbation_sweep.csv ") != NULL, "%s", changed("one"));
    ck_assert_str_eq(changed("cohort"), "");
    reproduce("LEVELS=4 FAULTS=0.4 REPLICATES=150 RESULTS=@/one reproduce");
    char *found = read_table("one/foreground/layer_correlation_claims.csv");
    ck_assert(strstr(found, "# ci: 95 % BCa bootstrap over scans, 150 replicates") &&
              strstr(found, "the correlation of SSFD with SSIM (foreground),"));
    free(found);
    found = read_table("one/foreground/quality_control_claims.csv");
    ck_assert(strstr(found, "with 150 replicates") && strstr(found, "that SSIM (foreground) misses,"));
    free(found);
    ck_assert_msg(strstr(changed("cohort"), ".settings .test test/") != NULL, "%s", changed("cohort"));
}
END_TEST

#define ABLATION                                                                                             \
    "RESULTS=@/results MODELS=@/models LEVELS=3 ABLATION_STEPS=2 PREPARE='--size 64 --test-slices 1 "        \
    "--train "                                                                                               \
    "3 --val 2 --train-slices 2 --val-slices 1' "

/* The table says what was asked for last, and no network is trained twice. */
START_TEST(test_ablation_redoes_what_changed) {
    reproduce(ABLATION "ABLATION_SCANS=4 ABLATION_NETWORKS='8_25 4_10' -j2 ablation");
    stamp();
    reproduce(ABLATION "ABLATION_SCANS=4 ABLATION_NETWORKS='8_25 4_10' ablation");
    ck_assert_str_eq(changed("results"), "");
    reproduce(ABLATION "ABLATION_SCANS=4 ABLATION_NETWORKS=8_25 ablation");
    ck_assert_str_eq(changed("results"), ".ablation ablation.csv figures/ablation.pdf figures/ablation.png ");
    ck_assert_str_eq(changed("models"), "");
    char *table = read_table("results/ablation.csv");
    ck_assert(strstr(table, "\n8_25,8,25,2,") && !strstr(table, "\n4_10,"));
    free(table);
    reproduce(ABLATION "ABLATION_SCANS=5 ABLATION_NETWORKS=8_25 ablation");
    table = read_table("results/ablation.csv");
    ck_assert(strstr(table, "# split: test, 12 scans") && strstr(table, ",ssim_correlation,12,"));
    free(table);
    ck_assert_ptr_nonnull(strstr(changed("models"), "8_25/perturbation_sweep.csv "));
    ck_assert_int_eq(make(ABLATION "ABLATION_NETWORKS='8_25 16' ablation"), 2);
    ck_assert_msg(strstr(output, "'16' is not <patch>_<coverage") != NULL, "%s", output);
}
END_TEST

/* Paused before its first validation, of fewer steps than the usual warm-up; a study's records are not
 * touched. */
START_TEST(test_models_may_pause_at_once) {
    reproduce(ABLATION "STEPS=10 RECON_STEPS=10 TRAINING='--stop-after 1 --validation-slices 1' models");
    ck_assert_ptr_nonnull(strstr(output, "not finished: make models goes on"));
    ck_assert_ptr_null(strstr(output, "warning"));
    ck_assert_int_eq(access(in_folder("models/ssl_unet/learning_curve.pdf"), R_OK), 0);
    ck_assert_int_eq(access(in_folder("models/recon_unet/learning_curve.pdf"), R_OK), 0);
    ck_assert_int_eq(access(in_folder("models/records/prepare_scans.json"), R_OK), 0);
    ck_assert_int_ne(access(in_folder("results"), F_OK), 0);
}
END_TEST

/* A build with other flags makes everything again, and only that. */
START_TEST(test_build_with_other_flags) {
    reproduce("BUILD=@/build OPT=-O0 @/build/lib/core/error.o");
    stamp();
    reproduce("BUILD=@/build OPT=-O0 @/build/lib/core/error.o");
    ck_assert_str_eq(changed("build"), "");
    reproduce("BUILD=@/build OPT=-O1 @/build/lib/core/error.o");
    ck_assert_str_eq(changed("build"), ".compiler lib/core/error.d lib/core/error.o ");
}
END_TEST

Suite *suite_make(void) {
    Suite *s = suite_create("make");
    TCase *t = tcase_create("make");
    tcase_set_timeout(t, 900);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, test_build_with_other_flags);
    tcase_add_test(t, test_reproduce_redoes_what_changed);
    tcase_add_test(t, test_ablation_redoes_what_changed);
    tcase_add_test(t, test_models_may_pause_at_once);
    suite_add_tcase(s, t);
    return s;
}
