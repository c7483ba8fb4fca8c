/* Several processes on one task: the same bytes as from one, and one message when one of them fails. */
#include "core/error.h"
#include "core/file.h"
#include "core/ranks.h"
#include "program/program.h"
#include "suites.h"
#include "support.h"
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(one_rank_is_a_plain_loop) {
    float gradients[3][4] = {{1e8f, 1, 2, 3}, {-1e8f, 10, 20, 30}, {0.5f, 100, 200, 300}};
    const float expected[4] = {0.5f, 111, 222, 333}; /* in another order the first would be 0 */
    ck_assert(ranks_count() == 1 && ranks_me() == 0 && ranks_is_mine(5));
    ck_assert(ranks_agree(0) == 0 && ranks_agree(-1) == -1 && ranks_agree(0) == 0);
    ck_assert_int_eq(ranks_check_same(3, "steps"), 0);
    ranks_sum_batch(gradients[0], 3, 4);
    ck_assert_int_eq(memcmp(gradients[0], expected, sizeof expected), 0);
}
END_TEST

/* -q: a program's exit code is not news. Containers run as root, machines may have fewer cores, and OpenMPI
 * does not free all that it takes. */
#define MPIRUN                                                                                               \
    "env ASAN_OPTIONS=detect_leaks=0 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun -q "   \
    "--oversubscribe --bind-to none "

/* Whether programs can be started as several processes here; says so where not. */
static int can_launch(void) {
#ifdef SSFD_MPI
    if (system("test -z \"$(timeout 30 " MPIRUN "-np 2 true 2>&1 || echo failed)\"") == 0)
        return 1;
    fprintf(stderr, "ranks: SKIPPED, mpirun does not start two processes here\n");
#else
    fprintf(stderr, "ranks: SKIPPED, built without MPI\n");
#endif
    return 0;
}

static int run_ranks(int count, const char *arguments) {
    char before[512];
    snprintf(before, sizeof before, MPIRUN "-np %d %s/", count, programs());
    return run_after(before, arguments);
}

static void expect_ranks_done(int count, const char *arguments) {
    int code = run_ranks(count, arguments);
    ck_assert_msg(code == 0, "%d ranks: %s: exit code %d: %s", count, arguments, code, output);
    ck_assert_msg(error_lines == 0, "%s", output);
}

static void make_cohort(void) {
    expect_done("prepare_scans --no-reconstruction --complex --out @/cohort --records @/records --size 64 "
                "--test 5 --train 3 --val 2 --train-slices 2 --val-slices 2 --test-slices 2 --threads 2");
}

#define PREPARE                                                                                              \
    "prepare_scans @/raw --weights tests/golden/recon_unet.h5 --split test --faults 0.4 --records "          \
    "@/records --out @/"

static void expect_same_scans(const char *name) {
    for (int k = 1; k <= 5; k++) {
        char file[64];
        snprintf(file, sizeof file, "test/colin27_test_%04d.h5", k);
        expect_same_file(file, "one", name);
    }
}

/* More ranks than some have scans; a scan that cannot be read is reported whichever rank it belongs to. */
START_TEST(scans_are_prepared_on_any_number_of_ranks) {
    if (!can_launch())
        return;
    expect_done(
        "simulate_cohort --split test --size 64 --test 5 --test-slices 2 --out @/raw --records @/records");
    expect_done(PREPARE "one");
    expect_ranks_done(2, PREPARE "two");
    ck_assert_ptr_nonnull(strstr(output, "5 scans prepared (10 slices), 0 kept, 0 removed, 0 skipped"));
    expect_same_scans("two");
    shell("rm @/two/test/colin27_test_0002.h5 && cp @/two/test/colin27_test_0001.h5 @/two/test/old.h5");
    expect_ranks_done(6, PREPARE "two");
    ck_assert_ptr_nonnull(strstr(output, "1 scans prepared (2 slices), 4 kept, 0 removed, 0 skipped"));
    expect_same_scans("two");
    shell("printf x | dd of=@/raw/multicoil_val/colin27_test_0002.h5 bs=1 count=1 conv=notrunc 2>/dev/null");
    ck_assert_int_eq(run_ranks(2, PREPARE "three"), 1);
    ck_assert_int_eq(error_lines, 1);
    ck_assert_int_eq(run_ranks(2, PREPARE "three --keep-going --calibration-width 100"), 1);
    ck_assert_msg(strstr(output, "colin27_test_0003.h5") && strstr(output, "colin27_test_0004.h5") &&
                      strstr(output, "0 scans prepared (0 slices), 0 kept, 0 removed, 5 skipped"),
                  "%s", output);
}
END_TEST

#define TRAIN                                                                                                \
    " --cohort @/cohort --steps 4 --batch 3 --validation-slices 3 --validate-every 2 --augment --threads 1 " \
    "--records @/records "
#define TRAIN_SSL "train_ssl --rotation 5" TRAIN
#define TRAIN_RECON "train_recon --channels 4" TRAIN

/* More ranks than some batches' images, and a pause on as many ranks as one likes. */
START_TEST(training_is_the_same_on_any_number_of_ranks) {
    if (!can_launch())
        return;
    make_cohort();
    expect_done(TRAIN_SSL "--out @/one");
    expect_ranks_done(2, TRAIN_SSL "--out @/two");
    expect_ranks_done(4, TRAIN_SSL "--out @/four --stop-after 3");
    expect_ranks_done(2, TRAIN_SSL "--out @/four");
    for (int k = 0; k < 2; k++) {
        expect_same_file("weights.h5", "one", k ? "two" : "four");
        expect_same_file("training_loss.csv", "one", k ? "two" : "four");
    }
    expect_done(TRAIN_RECON "--out @/recon_one");
    expect_ranks_done(2, TRAIN_RECON "--out @/recon_two");
    expect_same_file("weights.h5", "recon_one", "recon_two");
    expect_same_file("training_loss.csv", "recon_one", "recon_two");
}
END_TEST

#define INPAINTING                                                                                           \
    "inpainting --cohort @/cohort --weights tests/golden/unet_plain.h5 --slices 2 --threads 1 --out @/"

/* Sets a pixel of the reference of scan 2, which is rank 1's alone, and gives back what it was. The file
 * seems as old as before, so that a run takes it for the same. */
static float set_first_pixel(float value) {
    static float images[2 * 64 * 64];
    struct stat info;
    const char *path = in_folder("cohort/test/colin27_test_0002.h5");
    ck_assert_int_eq(stat(path, &info), 0);
    hid_t f = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), d = H5Dopen2(f, "reference", H5P_DEFAULT);
    ck_assert(d >= 0 && H5Dread(d, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, images) >= 0);
    float before = images[0];
    images[0] = value;
    ck_assert(H5Dwrite(d, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, images) >= 0);
    H5Dclose(d);
    H5Fclose(f);
    const struct timespec times[2] = {info.st_atim, info.st_mtim};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    return before;
}

static void expect_same_sweep(const char *name) {
    static const char *const tables[] = {"", "_scans", "_claims"};
    char file[64];
    for (int k = 0; k < 3; k++) {
        snprintf(file, sizeof file, "perturbation_sweep%s.csv", tables[k]);
        expect_same_file(file, "one", name);
    }
    expect_same_file("perturbation_baselines.csv", "one", name);
}

#define SWEEP                                                                                                \
    "perturbation_sweep --cohort @/cohort --weights tests/golden/unet_plain.h5 --levels 3 --threads 1 "      \
    "--baseline ssfd_random --baseline-scans 2 --save-every 0 --out @/"

START_TEST(scans_are_dealt_out_to_ranks) {
    if (!can_launch())
        return;
    make_cohort();
    expect_done(INPAINTING "one");
    expect_ranks_done(3, INPAINTING "three");
    expect_same_file("inpainting.csv", "one", "three");
    expect_same_file("inpainting_summary.csv", "one", "three");
    expect_same_file("panels/inpainting_examples.csv", "one", "three");
    expect_done(SWEEP "one");
    expect_ranks_done(3, SWEEP "three");
    expect_same_sweep("three");
}
END_TEST

#define LAYERS                                                                                               \
    "layer_correlation --cohort @/cohort --weights tests/golden/unet_plain.h5 --replicates 200 --threads 1 " \
    "--save-every 0 --out @/"

#define CONTROL                                                                                              \
    "quality_control --cohort @/cohort --weights tests/golden/unet_plain.h5 --replicates 200 --threads 1 "   \
    "--save-every 0 --out @/"

static void expect_same_layers(const char *name) {
    expect_same_file("layer_correlation.csv", "one", name);
    expect_same_file("layer_correlation_scores.csv", "one", name);
    expect_same_file("layer_correlation_trend.csv", "one", name);
    expect_same_file("panels/layer_correlation_marks.tsv", "one", name);
}

/* No rank leaves the file that an interrupted run would resume from. */
static void expect_nothing_unfinished(const char *name) {
    shell("! find @/%s -name '*unfinished*' | grep .", name);
}

/* Scores of every scan on every rank, also where a run of three ranks ended early and two went on. */
START_TEST(scores_are_the_same_on_any_number_of_ranks) {
    if (!can_launch())
        return;
    expect_done("prepare_scans --weights tests/golden/recon_unet.h5 --out @/cohort --records @/records "
                "--size 64 --split test --test 5 --test-slices 2 --faults 0.4 --threads 2");
    expect_done(CONTROL "control_one");
    expect_ranks_done(2, CONTROL "control_two");
    expect_same_file("quality_control.csv", "control_one", "control_two");
    expect_same_file("quality_control_summary.csv", "control_one", "control_two");
    expect_nothing_unfinished("control_two");
    expect_done(LAYERS "one");
    expect_ranks_done(2, LAYERS "two");
    expect_same_layers("two");
    float before = set_first_pixel(NAN);
    ck_assert_int_eq(run_ranks(3, LAYERS "three"), 1);
    ck_assert_int_eq(access(in_folder("three/.layer_correlation.unfinished.h5.2"), R_OK), 0);
    set_first_pixel(before);
    expect_ranks_done(2, LAYERS "three");
    ck_assert_ptr_nonnull(strstr(output, "taken over from an interrupted run"));
    expect_same_layers("three");
    expect_nothing_unfinished("three");
}
END_TEST

START_TEST(ablation_is_the_same_on_any_number_of_ranks) {
    if (!can_launch())
        return;
    expect_done("prepare_scans --weights tests/golden/recon_unet.h5 --complex --out @/cohort --records "
                "@/records --size 64 --test 5 --train 2 --val 1 --train-slices 2 --val-slices 2 --threads 2");
    expect_done("train_ssl --cohort @/cohort --steps 1 --batch 2 --validation-slices 2 --records @/records "
                "--out @/network");
    expect_done(
        "perturbation_sweep --cohort @/cohort --weights @/network/weights.h5 --levels 3 --out @/network");
    expect_done("ablation --cohort @/cohort --out @/one @/network");
    expect_ranks_done(3, "ablation --cohort @/cohort --out @/three @/network");
    expect_same_file("ablation.csv", "one", "three");
    expect_nothing_unfinished("three");
}
END_TEST

/* A scan that cannot be read ends the sweep of three ranks; when it can, two resume. */
START_TEST(an_interrupted_run_resumes_on_other_ranks) {
    if (!can_launch())
        return;
    make_cohort();
    expect_done(SWEEP "one");
    float before = set_first_pixel(NAN);
    ck_assert_int_eq(run_ranks(3, SWEEP "two"), 1);
    ck_assert_int_eq(access(in_folder("two/.perturbation_sweep.unfinished.h5.2"), R_OK), 0);
    set_first_pixel(before);
    expect_ranks_done(2, SWEEP "two");
    expect_same_sweep("two");
    expect_nothing_unfinished("two");
}
END_TEST

static void expect_rank_failure(int code, const char *arguments, const char *message) {
    int found = run_ranks(3, arguments);
    ck_assert_msg(found == code && error_lines == 1 && strstr(output, message), "exit code %d: %s", found,
                  output);
}

START_TEST(an_error_of_any_rank_ends_all_with_one_message) {
    if (!can_launch())
        return;
    make_cohort();
    expect_rank_failure(2, "train_ssl --steps none", "--steps");
    expect_rank_failure(1, TRAIN_SSL "--cohort @/nowhere --out @/x", "nowhere/train");
    ck_assert_int_eq(path_make_dirs(in_folder("x/training_loss.csv")), 0); /* where rank 0 writes a file */
    expect_rank_failure(1, TRAIN_SSL "--out @/x", "training_loss.csv");
    set_first_pixel(NAN);
    expect_rank_failure(1, INPAINTING "x", "colin27_test_0002.h5");
}
END_TEST

/* Rank 1 fails early and gives its last word where the others are still inside of their run. */
int ranks_probe(int argc, char **argv) {
    if (ranks_begin(&argc, &argv) < 0)
        return program_fail("probe");
    int status = ranks_me() == 1 ? err_set("rank 1 of %d", ranks_count()) : ranks_agree(0);
    if (ranks_agree(status) == 0)
        return 0;
    if (ranks_check_same(ranks_me(), "anything") == 0)
        return 3;
    return program_fail("probe");
}

START_TEST(ranks_that_are_deep_inside_find_out) {
    char before[512], self[256] = "";
    if (!can_launch())
        return;
    ck_assert(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(before, sizeof before, "timeout 20 " MPIRUN "-np 3 %s ", self);
    int code = run_after(before, "ranks-probe");
    ck_assert_msg(code == 1 && error_lines == 1 && strstr(output, "probe: rank 1 of 3"), "%d: %s", code,
                  output);
}
END_TEST

Suite *suite_ranks(void) {
    Suite *s = suite_create("ranks");
    TCase *t = tcase_create("ranks");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, one_rank_is_a_plain_loop);
    tcase_add_test(t, scans_are_prepared_on_any_number_of_ranks);
    tcase_add_test(t, training_is_the_same_on_any_number_of_ranks);
    tcase_add_test(t, scans_are_dealt_out_to_ranks);
    tcase_add_test(t, scores_are_the_same_on_any_number_of_ranks);
    tcase_add_test(t, ablation_is_the_same_on_any_number_of_ranks);
    tcase_add_test(t, an_interrupted_run_resumes_on_other_ranks);
    tcase_add_test(t, ranks_that_are_deep_inside_find_out);
    tcase_add_test(t, an_error_of_any_rank_ends_all_with_one_message);
    suite_add_tcase(s, t);
    return s;
}
