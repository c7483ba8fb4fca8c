/* `make reproduce` on a small cohort: the same tables from two jobs at once, and later only what has changed.
 */
#include "programs.h"
#include "suites.h"

/* The build that the programs under test are of: programs() without "/bin". */
#define MAKE                                                                                                 \
    "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s BUILD=$(dirname %s) COHORT=%s/cohort TEST_SCANS=12 "    \
    "BASELINE_SCANS=3 PREPARE='--size 64 --test-slices 1' "

static void reproduce(const char *arguments) {
    char before[1024];
    snprintf(before, sizeof before, MAKE, programs(), folder);
    int code = run_after(before, arguments);
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

#define PAGE "claims.csv " /* is put together with the page */
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
    ck_assert_str_eq(changed("one"),
                     PAGE "figures/inpainting.pdf figures/inpainting.png index.html manifest.json ");
    reproduce("LEVELS=3 RESULTS=@/two reproduce");
    snprintf(command, sizeof command,
             "cd %s && for f in one/*.csv one/panels/*; do cmp $f two/${f#one/} || exit 1; done", folder);
    ck_assert_int_eq(system(command), 0);
    stamp();
    reproduce("LEVELS=4 RESULTS=@/one reproduce");
    ck_assert_msg(strstr(changed("one"), " perturbation_sweep.csv ") != NULL, "%s", changed("one"));
}
END_TEST

Suite *suite_make(void) {
    Suite *s = suite_create("make");
    TCase *t = tcase_create("make");
    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, test_reproduce_redoes_what_changed);
    suite_add_tcase(s, t);
    return s;
}
