/* `make` and what it knows about the study, on a small cohort: the same tables from two jobs at once, and later only
 * what has changed. */
#include "suites.h"
#include "support.h"
#include <unistd.h>

/* The build that the programs under test are of: programs() without "/bin". Its flags are not known here: -o keeps it
 * as it is. */
#define MAKE                                                                                                 \
    "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s BUILD=$(dirname %s) -o $(dirname %s)/.compiler "        \
    "COHORT=%s/cohort TEST_SCANS=12 BASELINE_SCANS=3 PREPARE='--size 64 --test-slices 1' "

static int make(const char *arguments) {
    char before[1024];
    snprintf(before, sizeof before, MAKE, programs(), programs(), folder);
    return run_after(before, arguments);
}

static void reproduce(const char *arguments) {
    int code = make(arguments);
    ck_assert_msg(code == 0, "make %s: exit code %d: %s", arguments, code, output);
}

static void expect_refusal(const char *arguments, const char *message) {
    int code = make(arguments);
    ck_assert_msg(code == 2 && error_lines == 1 && strstr(output, message), "make %s: exit code %d: %s",
                  arguments, code, output);
}

/* Names of files under the folder `name` that are newer than the stamp, sorted, each followed by a blank. */
static const char *changed(const char *name) {
    static char names[4096];
    char command[512];
    snprintf(command, sizeof command,
             "cd %s/%s && find . -type f -newer ../stamp ! -path './records/*' "
             "-printf '%%P\\n' | LC_ALL=C "
             "sort | tr '\\n' ' '",
             folder, name);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    names[fread(names, 1, sizeof names - 1, f)] = '\0';
    ck_assert_int_eq(pclose(f), 0);
    return names;
}

static void stamp(void) {
    shell("sleep 0.02; touch @/stamp; sleep 0.02");
}

#define CLAIMS "claims.csv " /* are put together with the page */
#define PAGE "index.html manifest.json "
START_TEST(reproduce_remakes_what_changed) {
    reproduce("LEVELS=3 RESULTS=@/one -j2 reproduce");
    ck_assert_msg(strstr(output, in_folder("one/index.html\n")) != NULL, "%s", output);
    stamp();
    reproduce("LEVELS=3 RESULTS=@/one reproduce");
    ck_assert_str_eq(changed("one"), "");
    /* -W: as if that file had just been written */
    reproduce("LEVELS=3 RESULTS=@/one -W plots/inpainting.gp reproduce");
    ck_assert_str_eq(changed("one"), CLAIMS "figures/inpainting.pdf figures/inpainting.png " PAGE);
    reproduce("LEVELS=3 RESULTS=@/two reproduce");
    shell("cd @ && for f in one/*.csv one/panels/*; do cmp $f two/${f#one/} || exit 1; done");

    stamp();
    reproduce("LEVELS=4 RESULTS=@/one reproduce");
    ck_assert_msg(strstr(changed("one"), " perturbation_sweep.csv ") != NULL, "%s", changed("one"));
    ck_assert_str_eq(changed("cohort"), "");
    reproduce("LEVELS=4 FAULTS=0.4 REPLICATES=150 RESULTS=@/one reproduce");
    char *found = read_table("one/layer_correlation_claims.csv");
    ck_assert(strstr(found, "# ci: 95 % BCa bootstrap over scans, 150 replicates"));
    free(found);
    ck_assert_msg(strstr(changed("cohort"), ".settings .test test/") != NULL, "%s", changed("cohort"));
}
END_TEST

START_TEST(a_table_that_was_lost_comes_again) {
    reproduce("LEVELS=3 RESULTS=@/one reproduce");
    shell("cp -r @/one @/two && rm @/one/perturbation_baselines.csv @/one/layer_correlation_scores.csv");
    reproduce("LEVELS=3 RESULTS=@/one reproduce");
    expect_same_file("perturbation_baselines.csv", "one", "two");
    expect_same_file("layer_correlation_scores.csv", "one", "two");
}
END_TEST

START_TEST(an_ablation_that_was_made_meanwhile_comes_onto_the_page) {
    reproduce("LEVELS=3 RESULTS=@/one reproduce");
    shell("cp @/one/figures/inpainting.png @/one/figures/ablation.png");
    write_text("one/ablation.csv", "network,measure,training_steps,n_scans\n16_25,ssim_correlation,100,12\n"
                                   "16_25,shift_to_gaussian_blur,100,7\n");
    stamp();
    reproduce("LEVELS=3 RESULTS=@/one reproduce");
    ck_assert_str_eq(changed("one"), CLAIMS PAGE);
    char *page = read_table("one/index.html");
    ck_assert(strstr(page, "SSIM, n = 12 scans") && strstr(page, "0.80, n = 7 scans"));
    free(page);
}
END_TEST

#define ABLATION                                                                                             \
    "RESULTS=@/results MODELS=@/models LEVELS=3 ABLATION_STEPS=2 PREPARE='--size 64 --test-slices 1 "        \
    "--train "                                                                                               \
    "3 --val 2 --train-slices 2 --val-slices 1' "

/* The table has what was requested last, and no network is trained twice. */
START_TEST(ablation_remakes_what_changed) {
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
START_TEST(models_may_pause_at_once) {
    reproduce(ABLATION "STEPS=10 RECON_STEPS=10 TRAINING='--stop-after 1 --validation-slices 1' models");
    ck_assert_ptr_nonnull(strstr(output, "not finished: make models resumes"));
    ck_assert_ptr_null(strstr(output, "warning"));
    ck_assert_int_eq(access(in_folder("models/ssl_unet/learning_curve.pdf"), R_OK), 0);
    ck_assert_int_eq(access(in_folder("models/recon_unet/learning_curve.pdf"), R_OK), 0);
    ck_assert_int_eq(access(in_folder("models/records/prepare_scans.json"), R_OK), 0);
    ck_assert_int_ne(access(in_folder("results"), F_OK), 0);
}
END_TEST

/* A build with other flags makes everything again, and only that. */
START_TEST(other_flags_rebuild_everything) {
    reproduce("BUILD=@/build OPT=-O0 WERROR= @/build/lib/core/error.o");
    stamp();
    reproduce("BUILD=@/build OPT=-O0 WERROR= @/build/lib/core/error.o");
    ck_assert_str_eq(changed("build"), "");
    reproduce("BUILD=@/build OPT=-O0 WERROR=1 @/build/lib/core/error.o");
    ck_assert_str_eq(changed("build"), ".compiler lib/core/error.d lib/core/error.o ");
    shell("grep -q -e -Werror @/build/.compiler");
}
END_TEST

START_TEST(warnings_are_errors_on_demand_only) {
    reproduce("-n BUILD=@/build WERROR= @/build/lib/core/error.o");
    ck_assert_ptr_null(strstr(output, "-Werror"));
}
END_TEST

START_TEST(help_lists_every_target) {
    char *found = NULL;
    shell("env -u MAKEFLAGS make -qp help | sed -n 's/^\\.PHONY: *//p' | tr ' ' '\\n' | grep -v '^always$' "
          ">@/targets");
    reproduce("help");
    found = read_table("targets");
    int targets = 0;
    for (const char *name = strtok(found, "\n"); name; name = strtok(NULL, "\n"), targets++) {
        char line[128];
        snprintf(line, sizeof line, "make %s ", name);
        ck_assert_msg(strstr(output, line) != NULL, "help does not list %s: %s", name, output);
    }
    ck_assert_int_ge(targets, 17);
    ck_assert(strstr(output, "\n  TEST_SCANS=12 ") && strstr(output, "\n  ABLATION_STEPS=100 "));
    free(found);
}
END_TEST

/* The program's message names the whole folder, so the folder came through as one word. */
START_TEST(files_of_the_user_may_have_blanks_and_quotes) {
    shell("mkdir \"@/O'Neil's Passport\" '@/my networks' && cp lib/models/weights/recon_unet.h5 '@/my "
          "networks'");
    ck_assert_int_eq(make("FASTMRI=\"@/O'Neil's Passport\" RECON_WEIGHTS='@/my networks/recon_unet.h5' "
                          "RESULTS=@/one @/cohort/.test"),
                     2);
    ck_assert_msg(strstr(output, in_folder("O'Neil's Passport: expected")) != NULL, "%s", output);
    reproduce("help FASTMRI=\"@/O'Neil's Passport\"");
    ck_assert_msg(strstr(output, in_folder("O'Neil's Passport ")) != NULL, "%s", output);
}
END_TEST

START_TEST(a_learning_curve_without_a_number_says_so) {
    shell("mkdir -p @/models/a");
    write_text(
        "models/a/training_loss.csv",
        "# settings: batch=4\nstep,epoch,learning_rate,train_loss,validation_mse,validation_mse_local_mean\n"
        "0,0,0.001,nan,nan,nan\n");
    if (system("command -v gnuplot >/dev/null 2>&1") != 0)
        return;
    ck_assert_int_eq(make("MODELS=@/models learning-curves"), 2);
    ck_assert_msg(strstr(output, "no number in column validation_mse") != NULL, "%s", output);
    shell("! ls -A @/models/a | grep -v training_loss");
}
END_TEST

START_TEST(folders_that_make_writes_have_no_blanks) {
    expect_refusal("RESULTS='my results' help", "RESULTS=my results: make cannot write");
    expect_refusal("MODELS='my models' help", "MODELS=my models: make cannot write");
}
END_TEST

Suite *suite_make(void) {
    Suite *s = suite_create("make");
    TCase *t = tcase_create("make");
    tcase_set_timeout(t, 900);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, other_flags_rebuild_everything);
    tcase_add_test(t, warnings_are_errors_on_demand_only);
    tcase_add_test(t, help_lists_every_target);
    tcase_add_test(t, files_of_the_user_may_have_blanks_and_quotes);
    tcase_add_test(t, folders_that_make_writes_have_no_blanks);
    tcase_add_test(t, a_learning_curve_without_a_number_says_so);
    tcase_add_test(t, reproduce_remakes_what_changed);
    tcase_add_test(t, a_table_that_was_lost_comes_again);
    tcase_add_test(t, an_ablation_that_was_made_meanwhile_comes_onto_the_page);
    tcase_add_test(t, ablation_remakes_what_changed);
    tcase_add_test(t, models_may_pause_at_once);
    suite_add_tcase(s, t);
    return s;
}
