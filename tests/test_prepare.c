/* The programs of data preparation: raw data in, prepared scans and a reconstruction network out. */
#include "io/h5.h"
#include "suites.h"
#include "support.h"
#include <unistd.h>

#define COHORT                                                                                               \
    "--size 64 --train 3 --val 2 --test 3 --train-slices 2 --val-slices 2 --test-slices 2 --records "        \
    "@/records "
enum { SIZE = 64, SLICES = 2, FLOATS = SLICES * SIZE * SIZE };

static void read_images(const char *name, const char *dataset, float *images) {
    char path[256];
    const hsize_t dims[3] = {SLICES, SIZE, SIZE};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    h5_file *f = h5_open(path);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(h5_read_f32(f, dataset, 3, dims, images), 0);
    h5_close(f);
}

static void expect_same_images(const char *first, const char *second, const char *dataset) {
    static float a[FLOATS], b[FLOATS];
    read_images(first, dataset, a);
    read_images(second, dataset, b);
    ck_assert_msg(memcmp(a, b, sizeof a) == 0, "%s and %s: %s", first, second, dataset);
}

/* From files in fastMRI's layout comes what comes from virtual scans directly, whatever the number of
 * threads. */
START_TEST(files_and_streams_agree) {
    expect_done("simulate_cohort --out @/raw " COHORT "--threads 2");
    expect_done("prepare_scans @/raw --no-reconstruction --out @/files --records @/records --threads 3");
    ck_assert_msg(strstr(output, "train: 3 scans, 6 slices, 3 patients") &&
                      strstr(output, "val: 2 scans, 4 slices") && strstr(output, "test: 3 scans, 6 slices"),
                  "%s", output);
    expect_done("prepare_scans --no-reconstruction --out @/stream " COHORT "--threads 1");
    static const char *const scans[] = {"train/colin27_train_0002.h5", "val/colin27_val_0001.h5",
                                        "test/colin27_test_0003.h5"};
    for (int k = 0; k < 3; k++) {
        char files[64], stream[64];
        snprintf(files, sizeof files, "files/%s", scans[k]);
        snprintf(stream, sizeof stream, "stream/%s", scans[k]);
        expect_same_images(files, stream, "reference");
        expect_same_images(files, stream, "zero_filled");
    }
    expect_done("prepare_scans @/raw --no-reconstruction --out @/files --records @/records");
    ck_assert_msg(strstr(output, "0 scans prepared (0 slices), 8 kept, 0 removed"), "%s", output);
    expect_done("simulate_cohort --out @/raw " COHORT);
    ck_assert_msg(strstr(output, "0 scans of raw data made, 8 kept"), "%s", output);
}
END_TEST

/* ---------------------------------------------------------------- what is in the folder already */

#define PREPARE_TEST "prepare_scans --no-reconstruction --split test --out @/c " COHORT
#define PREPARE_RAW "prepare_scans @/raw --no-reconstruction --out @/c --records @/records "

/* The names in <scratch folder>/c/test are these. */
static void expect_scans(const char *names) {
    shell("[ \"$(cd @/c/test && echo *)\" = '%s' ]", names);
}

static void expect_output(const char *text) {
    ck_assert_msg(strstr(output, text) != NULL, "expected '%s' in: %s", text, output);
}

#define ONE "colin27_test_0001.h5"
#define TWO ONE " colin27_test_0002.h5"
#define THREE TWO " colin27_test_0003.h5"

START_TEST(a_smaller_cohort_leaves_scans_alone_unless_pruned) {
    expect_done(PREPARE_TEST);
    expect_done(PREPARE_TEST "--test 2");
    expect_output("2 kept, 0 removed");
    expect_output("/c/test is not part of this run: colin27_test_0003.h5; --prune removes");
    expect_scans(THREE);
    expect_done(PREPARE_TEST "--test 1 --dry-run --prune");
    expect_output("2 prepared scans in ");
    expect_output("colin27_test_0002.h5, colin27_test_0003.h5; --prune would remove");
    expect_scans(THREE);
    expect_done(PREPARE_TEST "--test 2 --prune");
    expect_output("2 kept, 1 removed");
    expect_output("/c/test/colin27_test_0003.h5\n");
    expect_scans(TWO);
}
END_TEST

START_TEST(a_folder_out_of_reach_removes_nothing) {
    expect_done("simulate_cohort --out @/raw " COHORT);
    shell("rm @/raw/*.txt");
    expect_done(PREPARE_RAW);
    shell("mv @/raw/multicoil_val @/away");
    expect_failure(PREPARE_RAW, 1, "found no scan of split test", "holds 3 prepared before");
    expect_failure(PREPARE_RAW "--prune", 1, "found no scan of split test", "nothing was changed");
    expect_failure(PREPARE_RAW "--split test", 1, "found no scan of split test", "c/test");
    expect_scans(THREE);
    expect_done(PREPARE_RAW "--split train"); /* the split requested is there */
    expect_failure(PREPARE_RAW "--split test --out @/new", 1, "found no scan of split test", "raw");
}
END_TEST

START_TEST(an_unreadable_file_removes_nothing) {
    expect_done("simulate_cohort --split test --out @/raw " COHORT);
    shell("rm @/raw/*.txt");
    expect_done(PREPARE_RAW);
    shell("truncate -s 3000 @/raw/multicoil_val/colin27_test_0002.h5");
    for (int prune = 0; prune < 2; prune++) {
        ck_assert_int_eq(run(prune ? PREPARE_RAW "--keep-going --prune" : PREPARE_RAW "--keep-going"), 1);
        expect_output("2 kept, 0 removed, 1 skipped");
        expect_output("is not part of this run: colin27_test_0002.h5");
        expect_scans(THREE);
    }
    expect_output("--prune: nothing is removed");
}
END_TEST

START_TEST(another_list_removes_nothing) {
    expect_done("simulate_cohort --split test --out @/raw " COHORT);
    expect_done(PREPARE_RAW);
    write_text("one.txt", ONE);
    expect_done(PREPARE_RAW "--test-list @/one.txt");
    expect_output("2 prepared scans in ");
    expect_scans(THREE);
    expect_done(PREPARE_RAW "--test-list @/one.txt --prune");
    expect_scans(ONE);
}
END_TEST

START_TEST(files_of_others_are_never_removed_or_replaced) {
    expect_done(PREPARE_TEST);
    shell("cd @/c/test && cp " ONE " mine.h5 && echo text >notes.h5 && mkdir folder.h5");
    expect_done(PREPARE_TEST "--test 2 --prune");
    expect_output("3 files in ");
    expect_output("folder.h5, mine.h5, notes.h5; left alone");
    expect_scans(TWO " folder.h5 mine.h5 notes.h5");
    shell("cd @/c/test && echo text >colin27_test_0003.h5");
    expect_failure(PREPARE_TEST "--prune", 1, "colin27_test_0003.h5: prepare_scans did not write this file",
                   "move it away");
    shell("[ \"$(cat @/c/test/colin27_test_0003.h5)\" = text ]");
}
END_TEST

/* Experiments would refuse the folder, or worse: so nothing is prepared. */
START_TEST(leftovers_of_other_settings_are_an_error) {
    expect_done(PREPARE_TEST);
    expect_failure(PREPARE_TEST "--test 2 --acceleration 2", 1,
                   "c/test: colin27_test_0003.h5 was prepared with other settings", "--prune");
    expect_failure(PREPARE_TEST "--test 2 --seed 5", 1, "colin27_test_0003.h5", "--prune");
    expect_done(PREPARE_TEST);
    expect_output("3 kept");
    expect_done(PREPARE_TEST "--test 2 --seed 5 --prune");
    expect_output("2 scans prepared (4 slices), 0 kept, 1 removed");
    shell("cp @/c/test/" ONE " @/c/test/mine.h5");
    expect_failure(PREPARE_TEST "--prune", 1, "mine.h5 was prepared with other settings", "move it away");
}
END_TEST

START_TEST(leftovers_of_other_raw_data_or_of_patients_elsewhere_are_an_error) {
    expect_done("simulate_cohort --out @/raw " COHORT);
    expect_done("simulate_cohort --out @/other --test 1 " COHORT "--test 2");
    expect_done(PREPARE_RAW);
    expect_failure("prepare_scans @/other --no-reconstruction --out @/c --records @/records", 1,
                   "colin27_test_0003.h5 was prepared from raw data in another folder", "--prune");
    write_text("test.txt", ONE);
    write_text("train.txt", "colin27_test_0002.h5");
    expect_failure(PREPARE_RAW "--split test --test-list @/test.txt --train-list @/train.txt", 1,
                   "colin27_test_0002.h5 is of a patient who is now in another split", "--prune");
    expect_scans(THREE);
}
END_TEST

START_TEST(raw_data_are_known_by_content_not_by_spelling) {
    static const char *const same[] = {"@/raw/", "@/./raw", "@/raw//", "@/link", "@/other/../raw"};
    char command[256];
    expect_done("simulate_cohort --split test --out @/raw " COHORT);
    shell("mkdir @/other && ln -s raw @/link");
    expect_done(PREPARE_RAW);
    for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
        snprintf(command, sizeof command,
                 "prepare_scans %s --no-reconstruction --out @/c --records @/records", same[k]);
        expect_done(command);
        expect_output("0 scans prepared (0 slices), 3 kept");
    }
    shell("touch @/raw/multicoil_val/" ONE);
    expect_done(PREPARE_RAW);
    expect_output("0 scans prepared (0 slices), 3 kept");
    shell("mv @/raw @/moved && rm @/link && cd @/moved/multicoil_val && cp " ONE " x && mv x " ONE);
    expect_done("prepare_scans @/moved --no-reconstruction --out @/c --records @/records");
    expect_output("0 scans prepared (0 slices), 3 kept");
    shell("cd @/moved/multicoil_val && cp colin27_test_0002.h5 " ONE); /* of the same size */
    ck_assert_int_eq(run("prepare_scans @/moved --no-reconstruction --out @/c --records @/records"), 0);
    expect_output("1 scans prepared (2 slices), 2 kept");
}
END_TEST

START_TEST(sizes_are_listed_and_may_be_given) {
    expect_done("simulate_cohort --split test --out @/raw " COHORT);
    expect_done(
        "simulate_cohort --split test --size 48 --out @/small --records @/records --test 1 --test-slices 1");
    shell("cp @/small/multicoil_val/" ONE " @/raw/multicoil_val/");
    expect_done(PREPARE_RAW "--dry-run");
    expect_output("image sizes: 48 x 48: 1 scan, 64 x 64: 2 scans\n");
    expect_done(PREPARE_RAW "--image-size 40x32");
    expect_output("image sizes: 40 x 32: 3 scans\n");
    expect_output("3 scans prepared");
    expect_failure(PREPARE_RAW "--image-size 40", 2, "--image-size", "'40'");
    expect_failure(PREPARE_RAW "--image-size 60x60", 1, "--image-size: expected images of at most 48 x 48",
                   ONE);
    expect_failure("prepare_scans --image-size 40x40", 2, "--image-size", "--size");
}
END_TEST

/* ---------------------------------------------------------------- what goes wrong */

static void damage(const char *name, const char *how) {
    char command[512];
    snprintf(command, sizeof command, "cd %s/raw/multicoil_val && %s colin27_test_%s.h5", folder, how, name);
    ck_assert_int_eq(system(command), 0);
}

static void write_nan(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/raw/multicoil_val/colin27_test_%s.h5", folder, name);
    hid_t f = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), d = H5Dopen2(f, "kspace", H5P_DEFAULT);
    hid_t type = H5Dget_type(d), space = H5Dget_space(d), one = H5Screate(H5S_SCALAR);
    const hsize_t at[4] = {1, 2, 3, 4};
    float value[2] = {0.0f, 0.0f / 0.0f};
    ck_assert(H5Sselect_elements(space, H5S_SELECT_SET, 1, at) >= 0);
    ck_assert(H5Dwrite(d, type, one, space, H5P_DEFAULT, value) >= 0);
    H5Sclose(one), H5Sclose(space), H5Tclose(type), H5Dclose(d), H5Fclose(f);
}

START_TEST(bad_files_are_named_and_skipped) {
    expect_done("simulate_cohort --split test --out @/raw " COHORT "--test 5");
    damage("0002", "truncate -s 100000");
    write_nan("0004");
    expect_failure("prepare_scans @/raw --no-reconstruction --split test --out @/c --records @/records", 1,
                   "colin27_test_0002.h5", "truncated");
    damage("0002", "rm");
    expect_failure("prepare_scans @/raw --no-reconstruction --split test --out @/c --records @/records", 1,
                   "test.txt", "colin27_test_0002.h5"); /* the list names it */
    int code = run(
        "prepare_scans @/raw --no-reconstruction --split test --keep-going --out @/c --records @/records");
    ck_assert_int_eq(code, 1);
    ck_assert_msg(error_lines == 3 && strstr(output, "colin27_test_0004.h5: dataset 'kspace', slice 1") &&
                      strstr(output, "3 scans prepared (6 slices), 0 kept, 0 removed, 2 skipped") &&
                      strstr(output, "2 scans skipped: 1 cannot be opened as fastMRI, 1 bad k-space"),
                  "%s", output);
    char path[128];
    snprintf(path, sizeof path, "%s/c/test/colin27_test_0004.h5", folder);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* Files may not grow beyond 8 KiB: what a full disk is to a program, without one. */
START_TEST(a_full_disk_leaves_no_half_files) {
    static const char *const commands[] = {
        "prepare_scans --no-reconstruction --split test --threads 1 --out @/c " COHORT,
        "simulate_cohort --split test --threads 1 --out @/c " COHORT};
    char limited[128];
    snprintf(limited, sizeof limited, "trap '' XFSZ; ulimit -f 8; %s/", programs());
    for (int k = 0; k < 2; k++) {
        int code = run_after(limited, commands[k]);
        ck_assert_msg(code == 1 && error_lines == 1 && strstr(output, "colin27_test_0001.h5: ") &&
                          strstr(output, "disk full?"),
                      "exit code %d: %s", code, output);
        char command[128];
        snprintf(command, sizeof command, "[ -z \"$(find %s/c -type f)\" ]", folder);
        ck_assert_int_eq(system(command), 0);
    }
}
END_TEST

START_TEST(prepare_scans_rejects_wrong_usage) {
    expect_failure("prepare_scans @/nowhere --out @/c", 1, "nowhere", "cannot list the scans");
    expect_failure("prepare_scans --mask spiral", 2, "spiral", "poisson");
    expect_failure("prepare_scans --test-list x.txt", 2, "lists", "fastMRI");
    expect_failure("prepare_scans --weights @/none.h5 --out @/c " COHORT, 1, "none.h5", "");
    expect_failure("prepare_scans --weights tests/golden/unet_plain.h5 --out @/c " COHORT, 1, "unet_plain.h5",
                   "recon-unet");
    expect_failure("prepare_scans --no-reconstruction --calibration-width 100 --out @/c " COHORT, 1,
                   "colin27_", "100");
    expect_failure(
        "prepare_scans --no-reconstruction --acceleration 20 --center-fraction 0.2 --out @/c " COHORT, 1,
        "colin27_", "acceleration");
    expect_done("prepare_scans --dry-run --out @/d " COHORT);
    char path[128];
    snprintf(path, sizeof path, "%s/d", folder);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* A scan that was left over from other settings, because its raw data are gone bad since, say. */
START_TEST(mixed_settings_are_refused) {
    expect_done("prepare_scans --no-reconstruction --split test --out @/c " COHORT);
    expect_done("prepare_scans --no-reconstruction --split test --acceleration 2 --out @/d " COHORT);
    char command[512];
    snprintf(command, sizeof command, "cp %s/d/test/colin27_test_0002.h5 %s/c/test", folder, folder);
    ck_assert_int_eq(system(command), 0);
    expect_failure("perturbation_sweep --cohort @/c --weights tests/golden/unet_plain.h5 --out @/r", 1,
                   "colin27_test_0002.h5: prepared with other settings", "acceleration=2");
}
END_TEST

START_TEST(masks_and_accelerations_change_the_images) {
    static const char *const masks[] = {"--acceleration 2", "--acceleration 6",
                                        "--acceleration 8 --center-fraction 0.04", "--mask poisson"};
    static float reference[FLOATS], first[FLOATS], found[FLOATS];
    expect_done("prepare_scans --no-reconstruction --split test --out @/c " COHORT);
    read_images("c/test/colin27_test_0001.h5", "reference", reference);
    read_images("c/test/colin27_test_0001.h5", "zero_filled", first);
    for (size_t k = 0; k < sizeof masks / sizeof *masks; k++) {
        char command[512];
        snprintf(command, sizeof command,
                 "prepare_scans --no-reconstruction --split test --out @/c " COHORT "%s", masks[k]);
        expect_done(command);
        ck_assert_msg(strstr(output, "3 scans prepared"), "%s", output); /* another setting: made anew */
        read_images("c/test/colin27_test_0001.h5", "reference", found);
        ck_assert_int_eq(memcmp(found, reference, sizeof found), 0);
        read_images("c/test/colin27_test_0001.h5", "zero_filled", found);
        ck_assert_int_ne(memcmp(found, first, sizeof found), 0);
    }
}
END_TEST

#define TRAIN                                                                                                \
    "train_recon --cohort @/cohort --channels 4 --steps 6 --batch 2 --validation-slices 3 --validate-every " \
    "3 --records @/records "

/* Trained, used, and in the files: interrupted or not, on any number of threads. */
START_TEST(the_network_reconstructs) {
    static float reference[FLOATS], zero_filled[FLOATS], found[FLOATS];
    expect_done("prepare_scans --no-reconstruction --out @/cohort " COHORT);
    expect_failure(TRAIN "--out @/straight", 1, "reference_complex", "--complex");
    expect_done("prepare_scans --no-reconstruction --complex --out @/cohort " COHORT);
    expect_done(TRAIN "--threads 2 --out @/straight");
    expect_done(TRAIN "--threads 1 --out @/resumed --stop-after 2");
    expect_done(TRAIN "--threads 2 --out @/resumed");
    ck_assert(same_file("straight/weights.h5", "resumed/weights.h5"));
    expect_done(TRAIN "--threads 1 --augment --warmup 2 --patience 9 --out @/flipped --stop-after 2");
    expect_done(TRAIN "--threads 2 --augment --warmup 2 --patience 9 --out @/flipped");
    expect_done(TRAIN "--threads 2 --augment --warmup 2 --patience 9 --out @/flipped_straight");
    ck_assert(same_file("flipped/weights.h5", "flipped_straight/weights.h5"));
    expect_done(TRAIN "--threads 2 --warmup 2 --patience 9 --out @/unflipped");
    char *flipped = read_table("flipped/training_loss.csv"),
         *unflipped = read_table("unflipped/training_loss.csv");
    ck_assert_str_ne(strchr(flipped, '\n'), strchr(unflipped, '\n')); /* after the line of settings */
    free(flipped);
    free(unflipped);
    expect_failure(TRAIN "--rate 0.5 --out @/resumed", 1, "checkpoint", "rate=0.001");
    expect_done(TRAIN "--evaluate @/straight/weights.h5 --out @/evaluated");
    ck_assert_ptr_nonnull(strstr(output, "zero-filled"));
    ck_assert_ptr_nonnull(strstr(output, "(3 validation slices)"));
    char *curve = read_table("straight/training_loss.csv");
    ck_assert_ptr_nonnull(strstr(curve, "validation_l1,ssim,psnr_db,nrmse,zero_filled_ssim"));
    ck_assert_ptr_nonnull(strstr(curve, ",zero_filled_l1\n"));
    free(curve);
    expect_done("prepare_scans --split test --complex --weights @/straight/weights.h5 --out @/r " COHORT);
    read_images("r/test/colin27_test_0001.h5", "reference", reference);
    read_images("r/test/colin27_test_0001.h5", "zero_filled", zero_filled);
    read_images("r/test/colin27_test_0001.h5", "reconstruction", found);
    ck_assert(memcmp(found, reference, sizeof found) != 0 && memcmp(found, zero_filled, sizeof found) != 0);
    expect_done(
        "perturbation_sweep --cohort @/r --weights tests/golden/unet_plain.h5 --levels 2 --out @/sweep");
}
END_TEST

Suite *suite_prepare(void) {
    Suite *s = suite_create("prepare");
    TCase *t = tcase_create("prepare");
    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, files_and_streams_agree);
    tcase_add_test(t, a_smaller_cohort_leaves_scans_alone_unless_pruned);
    tcase_add_test(t, a_folder_out_of_reach_removes_nothing);
    tcase_add_test(t, an_unreadable_file_removes_nothing);
    tcase_add_test(t, another_list_removes_nothing);
    tcase_add_test(t, files_of_others_are_never_removed_or_replaced);
    tcase_add_test(t, leftovers_of_other_settings_are_an_error);
    tcase_add_test(t, leftovers_of_other_raw_data_or_of_patients_elsewhere_are_an_error);
    tcase_add_test(t, raw_data_are_known_by_content_not_by_spelling);
    tcase_add_test(t, sizes_are_listed_and_may_be_given);
    tcase_add_test(t, bad_files_are_named_and_skipped);
    tcase_add_test(t, a_full_disk_leaves_no_half_files);
    tcase_add_test(t, prepare_scans_rejects_wrong_usage);
    tcase_add_test(t, mixed_settings_are_refused);
    tcase_add_test(t, masks_and_accelerations_change_the_images);
    tcase_add_test(t, the_network_reconstructs);
    suite_add_tcase(s, t);
    return s;
}
