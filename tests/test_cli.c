/* The programs as a user meets them: exit codes, one clear line for wrong input, nothing half-written, and
 * the whole way from the head volume to the table on a small cohort. */
#include "core/error.h"
#include "io/h5.h"
#include "suites.h"
#include "support.h"
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_program(const char *name) {
    char command[300];
    snprintf(command, sizeof command, "%s --help", name);
    ck_assert_int_eq(run(command), 0);
    ck_assert_msg(strstr(output, name) && strstr(output, "--") && error_lines == 0, "%s", output);
    snprintf(command, sizeof command, "%s --version", name);
    ck_assert_int_eq(run(command), 0);
    ck_assert_ptr_nonnull(strstr(output, name));
    snprintf(command, sizeof command, "%s --no-such-option", name);
    expect_failure(command, 2, name, "no-such-option");
}

/* Whatever is in their folder. */
START_TEST(every_program_has_help_and_a_version) {
    struct dirent **entries;
    int count = scandir(programs(), &entries, NULL, alphasort);
    ck_assert_int_gt(count, 2 + 8); /* "." and "..", and more than the study needs at least */
    for (int k = 0; k < count; k++) {
        if (entries[k]->d_name[0] != '.')
            expect_program(entries[k]->d_name);
        free(entries[k]);
    }
    free(entries);
}
END_TEST

#define GOLDEN "tests/golden/unet_plain.h5"

/* Three test scans and two of the other splits, 64 x 64. */
static void make_cohort(void) {
    int code = run(
        "prepare_scans --no-reconstruction --out @/cohort --records @/records --size 64 --test 3 --train 2 "
        "--val 2 --train-slices 2 --val-slices 1 --threads 2");
    ck_assert_msg(code == 0, "%s", output);
}

#define SWEEP "perturbation_sweep --cohort @/cohort --weights " GOLDEN " --layer block3_relu2 --levels 3 "

#define BASELINES "--baseline vgg_pl:relu1_2,ssfd_random,vgg16_unit:relu1_1 "

START_TEST(sweep_rejects_wrong_usage) {
    expect_failure("perturbation_sweep --levels 1 --out @/r", 2, "levels", "1");
    expect_failure("perturbation_sweep --levels two --out @/r", 2, "levels", "two");
    expect_failure("perturbation_sweep --perturbations nosuch --out @/r", 2, "nosuch", "gaussian_blur");
    expect_failure("perturbation_sweep --perturbations gaussian_blur,gaussian_blur --out @/r", 2,
                   "gaussian_blur", "twice");
    expect_failure("perturbation_sweep --max pixel_shift=-3 --out @/r", 2, "pixel_shift", "above 0");
    expect_failure("perturbation_sweep --baseline vgg --out @/r", 2, "'vgg'", "vgg_pl, vgg16_unit");
    expect_failure("perturbation_sweep --baseline vgg_pl,ssfd_random,vgg_pl --out @/r", 2, "vgg_pl", "twice");
    expect_failure("perturbation_sweep --baseline vgg_pl:relu2_2+relu9_9 --out @/r", 2, "relu9_9", "relu5_3");
    expect_failure("perturbation_sweep --baseline vgg_pl: --out @/r", 2, "vgg_pl:", "layer");
    expect_failure("perturbation_sweep --baseline lpips:relu1_2 --out @/r", 2, "lpips", "no layer");
    expect_failure("perturbation_sweep --baseline-scans 1 --out @/r", 2, "baseline-scans", "2");
    expect_failure("prepare_scans --split tests", 2, "tests", "train, val");
}
END_TEST

START_TEST(sweep_rejects_wrong_input) {
    make_cohort();
    expect_failure("perturbation_sweep --cohort @/nowhere --weights " GOLDEN " --out @/r", 1, "nowhere", "");
    expect_failure("perturbation_sweep --cohort @/cohort --weights @/none.h5 --out @/r", 1, "none.h5", "");
    expect_failure("perturbation_sweep --cohort @/cohort --weights README.md --out @/r", 1, "README.md",
                   "HDF5");
    expect_failure("perturbation_sweep --cohort @/cohort --weights tests/golden/metrics.h5 --out @/r", 1,
                   "metrics.h5", "architecture");
    expect_failure("perturbation_sweep --cohort @/cohort --weights " GOLDEN
                   " --layer block1_relu1,block1_relu1 --out @/r",
                   1, "layer 'block1_relu1' is given twice", "");
    expect_failure("perturbation_sweep --cohort @/cohort --weights " GOLDEN " --layer block7_relu1 --out @/r",
                   1, "block7_relu1", "block4_relu2");
    expect_failure("perturbation_sweep --cohort @/cohort --weights " GOLDEN " --scans 1 --out @/r", 1,
                   "cohort", "2");
    expect_failure(SWEEP "--out @/r --baseline lpips", 1, "lpips", "--lpips-weights");
    expect_failure(SWEEP "--out @/r --baseline vgg_pl --vgg16-weights @/none.h5", 1, "none.h5", "");
    expect_failure(SWEEP "--out @/r --baseline vgg_pl --vgg16-weights README.md", 1, "README.md",
                   "safetensors");
    expect_failure(SWEEP "--out @/r --baseline vgg_pl --vgg16-weights " GOLDEN, 1, "unet_plain.h5",
                   "features.0.weight");
    expect_failure(SWEEP "--out @/r --baseline vgg_pl,vgg_pl:relu2_2", 1, "vgg_pl:relu2_2",
                   "vgg16_random_relu2_2");
    char path[128];
    snprintf(path, sizeof path, "%s/r/perturbation_sweep.csv", folder);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(damaged_scans_are_named) {
    char path[128];
    make_cohort();
    snprintf(path, sizeof path, "%s/cohort/test/colin27_test_0002.h5", folder);
    ck_assert_int_eq(truncate(path, 9000), 0);
    expect_failure("perturbation_sweep --cohort @/cohort --weights " GOLDEN " --out @/r", 1,
                   "colin27_test_0002.h5", "");
    ck_assert_int_eq(run("prepare_scans --no-reconstruction --out @/cohort --records @/records --size 64 "
                         "--test 3 --split test"),
                     0);
    ck_assert_msg(strstr(output, "1 scans prepared (2 slices), 2 kept"), "%s",
                  output); /* the damaged one is redone */

    /* a NaN in the last slice that the sweep comes to */
    hid_t f = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), d = H5Dopen2(f, "reference", H5P_DEFAULT);
    static float images[2 * 64 * 64];
    ck_assert(H5Dread(d, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, images) >= 0);
    images[64 * 64 + 77] = 0.0f / 0.0f;
    ck_assert(H5Dwrite(d, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, images) >= 0);
    H5Dclose(d);
    H5Fclose(f);
    expect_failure("perturbation_sweep --cohort @/cohort --weights " GOLDEN " --out @/r", 1,
                   "colin27_test_0002.h5", "reference");
    snprintf(path, sizeof path, "%s/r/perturbation_sweep.csv", folder);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(sweep_is_the_same_for_any_number_of_threads) {
    make_cohort();
    ck_assert_msg(run(SWEEP BASELINES "--baseline-scans 2 --threads 1 --out @/one") == 0, "%s", output);
    ck_assert_msg(run(SWEEP BASELINES "--baseline-scans 2 --threads 3 --out @/three") == 0, "%s", output);
    static const char *const tables[] = {"perturbation_sweep.csv", "perturbation_sweep_scans.csv",
                                         "perturbation_sweep_claims.csv", "perturbation_baselines.csv",
                                         "panels/perturbation_examples.csv"};
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
        char one[128], three[128];
        snprintf(one, sizeof one, "one/%s", tables[k]);
        snprintf(three, sizeof three, "three/%s", tables[k]);
        char *a = read_table(one), *b = read_table(three);
        ck_assert_str_eq(a, b);
        free(a);
        free(b);
    }
    char *means = read_table("one/perturbation_sweep.csv");
    ck_assert_ptr_nonnull(strstr(means, "# cohort: colin27-virtual\n"));
    ck_assert_ptr_nonnull(strstr(means, "\ngaussian_blur,0,pixels,ssfd,3,0,0,0,0,"));
    ck_assert_ptr_nonnull(strstr(means, "\npixel_shift,0,pixels,ssim,3,1,0,1,1,"));
    ck_assert_ptr_nonnull(strstr(means, "\npixel_shift,0,pixels,ssim_foreground,3,1,0,1,1,"));
    ck_assert_ptr_nonnull(strstr(means, "\npixel_shift,0,pixels,ssfd_random_block3_relu2,2,0,0,0,0,"));
    ck_assert_ptr_null(strstr(means, "nan"));
    free(means);
}
END_TEST

#define LONG_SWEEP " --levels 60 --baseline ssfd_random --baseline-scans 2 --weights " GOLDEN

/* Killed once the first slices are saved. */
static void kill_sweep(const char *environment) {
    char command[2048];
    snprintf(command, sizeof command,
             "%s %s/perturbation_sweep --cohort %s/cohort" LONG_SWEEP " --threads 1 --save-every 0 --out "
             "%s/killed & pid=$!; "
             "while kill -0 $pid 2>/dev/null && [ ! -f %s/killed/.perturbation_sweep.unfinished.h5 ]; do "
             "sleep 0.01; "
             "done; kill -9 $pid; ! [ -f %s/killed/perturbation_sweep.csv ]",
             environment, programs(), folder, folder, folder, folder);
    ck_assert_int_eq(system(command), 0);
}

/* It resumes from what is saved and ends with the same table; of kernels whose last digits are others it
 * takes nothing. */
START_TEST(interrupted_sweep_resumes) {
    make_cohort();
    expect_done("perturbation_sweep --cohort @/cohort" LONG_SWEEP " --out @/straight");
    kill_sweep("");
    expect_done("perturbation_sweep --cohort @/cohort" LONG_SWEEP " --out @/killed");
    ck_assert_msg(strstr(output, "taken over from an interrupted run") != NULL, "%s", output);
    ck_assert(same_file("straight/perturbation_sweep_scans.csv", "killed/perturbation_sweep_scans.csv"));
    ck_assert_int_eq(remove(in_folder("killed/perturbation_sweep.csv")), 0);
    kill_sweep("SSFD_CONV=direct");
    expect_done("perturbation_sweep --cohort @/cohort" LONG_SWEEP " --out @/killed");
    ck_assert_msg(strstr(output, "taken over") == NULL, "%s", output);
    ck_assert(same_file("straight/perturbation_sweep_scans.csv", "killed/perturbation_sweep_scans.csv"));
}
END_TEST

/* Baselines do not change what was there without them, and random weights are called so wherever they show.
 */
START_TEST(sweep_computes_baselines) {
    static const char *const files[] = {"perturbation_sweep.csv", "perturbation_sweep_scans.csv",
                                        "perturbation_baselines.csv", "index.html"};
    make_cohort();
    ck_assert_msg(run(SWEEP "--out @/without") == 0, "%s", output);
    ck_assert_msg(run(SWEEP BASELINES "--out @/with") == 0, "%s", output);
    ck_assert_msg(run("report --results @/with --weights " GOLDEN) == 0, "%s", output);
    char command[512];
    snprintf(command, sizeof command,
             "grep -Ev 'vgg16_|ssfd_random' %s/with/perturbation_sweep.csv | cmp -s - "
             "%s/without/perturbation_sweep.csv",
             folder, folder);
    ck_assert_int_eq(system(command), 0);
    expect_figure("perturbation_baselines", "with");
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        char name[64];
        snprintf(name, sizeof name, "with/%s", files[k]);
        char *text = read_table(name);
        ck_assert_msg(strstr(text, "VGG-16 (random weights)") && strstr(text, "make vgg16-weights"), "%s",
                      files[k]);
        ck_assert_msg(!strstr(text, "VGG-PL") && !strstr(text, "vgg_pl_"), "%s", files[k]);
        free(text);
    }
    char *page = read_table("with/index.html");
    ck_assert(strstr(page, "is not the poster's baseline")); /* the warning */
    ck_assert_ptr_nonnull(strstr(page, "Baselines were computed for 3 of the scans"));
    free(page);
    char *claims = read_table("with/perturbation_sweep_claims.csv");
    ck_assert(strstr(claims, "less to pixel_shift than SSIM,") &&
              strstr(claims, "less to pixel_shift than PSNR (dB),"));
    ck_assert(strstr(claims, "less to pixel_shift than VGG-16 (random weights)") &&
              !strstr(claims, "/ ssfd_random"));
    free(claims);
    char *table = read_table("with/perturbation_baselines.csv");
    ck_assert(strstr(table, "\nssfd,pixel_shift,gaussian_blur,0.95,3,"));
    ck_assert(strstr(table, "\nssfd_random_block3_relu2,pixel_shift,gaussian_blur,0.95,3,"));
    free(table);
}
END_TEST

#define TRAIN                                                                                                \
    "train_ssl --cohort @/cohort --steps 3 --batch 2 --validation-slices 2 --validate-every 2 --records "    \
    "@/records "

START_TEST(training_resumes_to_the_same_weights) {
    make_cohort();
    expect_done(TRAIN "--threads 2 --out @/straight");
    expect_done(TRAIN "--threads 1 --out @/resumed --stop-after 1");
    expect_done(TRAIN "--threads 2 --out @/resumed");
    ck_assert(same_file("straight/weights.h5", "resumed/weights.h5"));
    expect_done("perturbation_sweep --cohort @/cohort --weights @/straight/weights.h5 --levels 2 --out @/r");
    char *curve = read_table("straight/training_loss.csv");
    double masked = 0.0;
    for (char *row = curve, *next; (next = strchr(row, '\n')); row = next + 1) /* the last row stays */
        sscanf(row, "3,%*[^,],%*[^,],%*[^,],%*[^,],%lf", &masked);
    free(curve);
    expect_done(TRAIN "--evaluate @/straight/weights.h5");
    const char *said = strstr(output, "in-painting MSE ");
    ck_assert_msg(said && masked > 0.0 && fabs(strtod(said + 16, NULL) - masked) < 1e-3 * masked, "%g: %s",
                  masked, output); /* the weights are float16 */
    expect_failure(TRAIN "--evaluate @/none.h5", 1, "none.h5", "");
    expect_failure(TRAIN "--evaluate tests/golden/recon_unet.h5", 1, "recon-unet", "expected 'ssfd-unet'");
    expect_failure(TRAIN "--out @/resumed --patch 8", 1, "(patch=16)", "(patch=8)");
    expect_failure("train_ssl --cohort @/cohort --patch 100 --out @/p --records @/records", 1, "100", "64");
    ck_assert_int_eq(truncate(in_folder("resumed/checkpoint.h5"), 3000), 0);
    expect_failure(TRAIN "--out @/resumed", 1, "resumed/checkpoint.h5", "truncated");
}
END_TEST

/* Killed for good between the first checkpoint and the end, as soon as there is one. */
START_TEST(killed_training_resumes_from_its_checkpoint) {
#define LONG "train_ssl --steps 12 --batch 1 --validation-slices 1 --validate-every 5 --checkpoint-every 2 "
    char command[1024];
    int64_t step = 0;
    make_cohort();
    expect_done(LONG "--cohort @/cohort --records @/records --threads 2 --out @/straight");
    snprintf(command, sizeof command,
             "%s/" LONG
             "--cohort %s/cohort --records %s/records --threads 1 --out %s/killed >%s/out & pid=$!; "
             "while kill -0 $pid 2>/dev/null && [ ! -f %s/killed/checkpoint.h5 ]; do sleep 0.01; done; "
             "kill -9 $pid",
             programs(), folder, folder, folder, folder, folder);
    ck_assert_msg(system(command) == 0, "%s", command); /* there was something to kill */
    ck_assert_int_ne(access(in_folder("killed/weights.h5"), F_OK), 0);
    h5_file *f = h5_open(in_folder("killed/checkpoint.h5"));
    ck_assert_msg(f && h5_attr_integer(f, "step", &step) == 0, "%s", err_message());
    h5_close(f);
    ck_assert_msg(step > 0 && step < 12 && step % 2 == 0, "step %d", (int)step);
    expect_done(LONG "--cohort @/cohort --records @/records --threads 2 --out @/killed");
    ck_assert(same_file("straight/weights.h5", "killed/weights.h5"));
    ck_assert(same_file("straight/training_loss.csv", "killed/training_loss.csv"));
#undef LONG
}
END_TEST

/* Other kernels round in another way, as another CPU's do. */
START_TEST(trainings_are_compared) {
    char before[256];
    snprintf(before, sizeof before, "SSFD_CONV=direct %s/", programs());
    make_cohort();
    expect_done(TRAIN "--out @/one");
    expect_done(TRAIN "--out @/again --threads 2");
    ck_assert_msg(run_after(before, TRAIN "--out @/direct") == 0, "%s", output);
    expect_done(TRAIN "--out @/other --seed 3");
    expect_done("compare_weights @/again/weights.h5 @/one/weights.h5");
    ck_assert_msg(strstr(output, "same bytes as") != NULL, "%s", output);
    expect_done("compare_weights @/direct/weights.h5 @/one/weights.h5");
    ck_assert_msg(strstr(output, "other bytes than") && strstr(output, "within 5 %") &&
                      strstr(output, "trained on the same images"),
                  "%s", output);
    expect_failure("compare_weights --tolerance 0 @/direct/weights.h5 @/one/weights.h5", 1,
                   "direct/weights.h5: validation loss", "within 0 %");
    expect_failure("compare_weights @/other/weights.h5 @/one/weights.h5", 1, "--seed 3", "--seed 2022");
    expect_failure("compare_weights @/none.h5 @/one/weights.h5", 1, "none.h5", "");
    expect_failure("compare_weights " GOLDEN " @/one/weights.h5", 1, GOLDEN, "training_command");
    expect_failure("compare_weights @/one/weights.h5", 2, "EXPECTED", "");
}
END_TEST

/* Everything that draws or counts, in one run: paused after every step, by the clock and by the number. */
START_TEST(training_with_all_options_resumes) {
#define ALL                                                                                                  \
    TRAIN "--augment --rotation 10 --warmup 1 --patience 1 --validate-every 1 --schedule step --fraction "   \
          "0.5 "
    make_cohort();
    expect_done(ALL "--threads 2 --out @/straight");
    for (int step = 1; step < 3; step++) {
        expect_done(step == 1 ? ALL "--threads 1 --out @/resumed --budget 1e-9"
                              : ALL "--threads 2 --out @/resumed --stop-after 2");
        if (strstr(output, "paused after step") == NULL)
            break; /* it had stopped early */
        ck_assert_int_ne(access(in_folder("resumed/weights.h5"), F_OK), 0);
    }
    expect_done(ALL "--threads 1 --out @/resumed --budget 60");
    ck_assert(same_file("straight/weights.h5", "resumed/weights.h5"));
    ck_assert(same_file("straight/training_loss.csv", "resumed/training_loss.csv"));
    for (int k = 1; k <= 3; k++) { /* killed wherever it may be */
        char before[256];
        snprintf(before, sizeof before, "timeout -s KILL 0.%d %s/", 2 * k, programs());
        run_after(before, ALL "--threads 2 --checkpoint-every 1 --out @/killed");
    }
    expect_done(ALL "--threads 2 --out @/killed");
    ck_assert(same_file("straight/weights.h5", "killed/weights.h5"));
#undef ALL
}
END_TEST

/* Whether two weight files hold the same first convolution. */
static int same_filters(const char *a, const char *b) {
    const hsize_t dims[4] = {20, 1, 3, 3};
    float filters[2][180];
    for (int k = 0; k < 2; k++) {
        h5_file *f = h5_open(in_folder(k ? b : a));
        ck_assert_msg(f && h5_read_f32(f, "firstblock.conv1.weight", 4, dims, filters[k]) == 0, "%s",
                      err_message());
        h5_close(f);
    }
    return memcmp(filters[0], filters[1], sizeof filters[0]) == 0;
}

/* Each of them changes the weights, and stands in the settings. */
START_TEST(training_options_matter) {
    static const char *const options[] = {"--schedule constant", "--schedule step",
                                          "--warmup 2",          "--augment",
                                          "--rotation 20",       "--fraction 0.4",
                                          "--rate 0.002",        "--clip 0.001",
                                          "--batch 3",           "--seed 1",
                                          "--dropout 0.3",       "--patch 8",
                                          "--coverage 0.5",      "--weight-standardization"};
    make_cohort();
    expect_done(TRAIN "--out @/base");
    for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
        char command[512], other[64];
        snprintf(command, sizeof command, TRAIN "--out @/%zu %s", k, options[k]);
        expect_done(command);
        /* another run has another record in any case: compare what was learned */
        snprintf(other, sizeof other, "%zu/weights.h5", k);
        ck_assert_msg(!same_filters("base/weights.h5", other), "%s changes nothing", options[k]);
        snprintf(command, sizeof command, TRAIN "--out @/base %s", options[k]);
        expect_failure(command, 1, "checkpoint of another run", "");
    }
    expect_done(TRAIN
                "--out @/small_angles --rotation 2"); /* the angle matters, not only the interpolation */
    expect_done(TRAIN "--out @/large_angles --rotation 20");
    ck_assert(!same_filters("small_angles/weights.h5", "large_angles/weights.h5"));
    expect_done(
        "train_ssl --cohort @/cohort --validation-slices 2 --validate-every 2 --records @/records --batch 2 "
        "--epochs 1.5 --out @/epochs"); /* of 4 slices */
    ck_assert(same_file("base/weights.h5", "epochs/weights.h5"));
    expect_failure(TRAIN "--schedule linear --out @/wrong", 2, "linear", "cosine");
    expect_failure(TRAIN "--warmup 3 --out @/wrong", 1, "--warmup 3", "3");
    expect_failure(TRAIN "--fraction 0 --out @/wrong", 2, "--fraction", "");
}
END_TEST

/* What the file says of its training. */
START_TEST(training_is_recorded) {
    static const char *const texts[][2] = {
        {"training_program", "train_ssl "},
        {"training_cohort", "colin27-virtual"},
        {"training_command", "train_ssl --steps 3 --patience 5 --batch 2 --rate 0.001 --schedule cosine"},
        {"training_settings", " seed=7 "},
        {"training_settings", " train_sha256="}};
    static const char *const reals[] = {"training_loss", "validation_loss_best", "validation_loss_last",
                                        "validation_mse", "validation_masked_mse_local_mean"};
    char *train = NULL, *validation = NULL;
    int64_t seed = 0, steps = 0, best = 0, slices = 0;
    make_cohort();
    expect_done(TRAIN "--seed 7 --patience 5 --augment --out @/a");
    h5_file *f = h5_open(in_folder("a/weights.h5"));
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        char *found = NULL;
        ck_assert_msg(h5_attr_text(f, texts[k][0], &found) == 0, "%s", err_message());
        ck_assert_msg(strstr(found, texts[k][1]) != NULL, "%s: %s", texts[k][0], found);
        free(found);
    }
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++) {
        double value = 0.0;
        ck_assert(h5_attr_real(f, reals[k], &value) == 0 && value > 0.0 && isfinite(value));
    }
    ck_assert(h5_attr_integer(f, "training_seed", &seed) == 0 &&
              h5_attr_integer(f, "training_steps", &steps) == 0 &&
              h5_attr_integer(f, "training_best_step", &best) == 0 &&
              h5_attr_integer(f, "training_slices", &slices) == 0);
    ck_assert(seed == 7 && steps == 3 && best > 0 && slices == 4);
    ck_assert(h5_attr_text(f, "training_data_sha256", &train) == 0 && strlen(train) == 64);
    ck_assert(h5_attr_text(f, "validation_data_sha256", &validation) == 0 && strcmp(train, validation) != 0);
    free(train);
    free(validation);
    h5_close(f);
}
END_TEST

Suite *suite_cli(void) {
    Suite *s = suite_create("cli");
    TCase *t = tcase_create("cli");
    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, every_program_has_help_and_a_version);
    tcase_add_test(t, sweep_rejects_wrong_usage);
    tcase_add_test(t, sweep_rejects_wrong_input);
    tcase_add_test(t, damaged_scans_are_named);
    tcase_add_test(t, sweep_is_the_same_for_any_number_of_threads);
    tcase_add_test(t, interrupted_sweep_resumes);
    tcase_add_test(t, sweep_computes_baselines);
    tcase_add_test(t, training_resumes_to_the_same_weights);
    tcase_add_test(t, killed_training_resumes_from_its_checkpoint);
    tcase_add_test(t, trainings_are_compared);
    tcase_add_test(t, training_with_all_options_resumes);
    tcase_add_test(t, training_options_matter);
    tcase_add_test(t, training_is_recorded);
    suite_add_tcase(s, t);
    return s;
}
