/* quality_control: which acquisitions it scores, what its tables say of scores with known answers, and wrong
 * tables. */
#include "core/csv.h"
#include "core/error.h"
#include "stats/bootstrap.h"
#include "suites.h"
#include "support.h"
#include <math.h>

#define PREPARE                                                                                              \
    "prepare_scans --size 64 --train 1 --val 1 --test 24 --test-slices 1 --split test --records @/records "  \
    "--weights @/recon/weights.h5 "
#define CONTROL "quality_control --weights tests/golden/unet_plain.h5 --replicates 100 "

/* A row of the summary. */
static size_t find_row(const csv_table *t, const char *statistic, const char *metric, const char *other,
                       const char *group, const char *fault) {
    return TABLE_ROW(t, {"statistic", statistic}, {"metric", metric}, {"other", other}, {"group", group},
                     {"fault", fault});
}

static void prepare_cohorts(void) {
    expect_done("prepare_scans --no-reconstruction --complex --size 64 --train 1 --val 1 --test 1 "
                "--train-slices 2 --out @/cohort --records @/records");
    expect_done("train_recon --cohort @/cohort --channels 4 --steps 1 --batch 1 --validation-slices 1 "
                "--records @/records --out @/recon");
    expect_done(PREPARE "--faults 0.5 --out @/faulty");
    expect_done(PREPARE "--faults 0 --out @/good");
}

/* Of a scan with a fault the faulty acquisition is scored, of the others the same one as without faults.
 * Threads and an own table read back change nothing. */
START_TEST(cohort_with_faults_is_scored) {
    static const char *const files[] = {"quality_control.csv",
                                        "quality_control_summary.csv",
                                        "quality_control_claims.csv",
                                        "panels/quality_control_examples.csv",
                                        "panels/quality_control_blue_reference.f32",
                                        "panels/quality_control_orange_error.f32"};
    prepare_cohorts();
    expect_done(CONTROL "--cohort @/faulty --threads 1 --out @/one");
    expect_done(CONTROL "--cohort @/faulty --threads 2 --out @/two");
    expect_done(CONTROL "--cohort @/good --out @/three");
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        char a[64], b[64];
        snprintf(a, sizeof a, "one/%s", files[k]);
        snprintf(b, sizeof b, "two/%s", files[k]);
        ck_assert_msg(same_file(a, b), "%s", files[k]);
    }
    csv_table *t = table_open("one/quality_control.csv"), *good = table_open("three/quality_control.csv");
    int faults = 0;
    ck_assert_uint_eq(t->rows, 24);
    for (size_t row = 0; row < t->rows; row++) {
        int is_fault = strcmp(table_text(t, row, "fault"), "none") != 0;
        ck_assert_int_eq(is_fault, table_number(t, row, "ssfd") != table_number(good, row, "ssfd"));
        faults += is_fault;
    }
    ck_assert_int_eq(faults, 12);
    csv_table_free(t);
    csv_table_free(good);
    expect_done(CONTROL "--table @/one/quality_control.csv --out @/table");
    t = table_open("one/quality_control_summary.csv");
    good = table_open("table/quality_control_summary.csv");
    ck_assert_uint_eq(t->rows, good->rows);
    for (size_t row = 0; row < t->rows; row++) {
        size_t same =
            find_row(good, table_text(t, row, "statistic"), table_text(t, row, "metric"),
                     table_text(t, row, "other"), table_text(t, row, "group"), table_text(t, row, "fault"));
        ck_assert_str_eq(table_text(t, row, "note"), table_text(good, same, "note"));
        double a = table_number(t, row, "estimate"), b = table_number(good, same, "estimate");
        ck_assert_msg(fabs(a - b) < 1e-6 || (isnan(a) && isnan(b)), "row %zu: %g and %g", row, a, b);
    }
    csv_table_free(t);
    csv_table_free(good);
    t = table_open("three/quality_control_claims.csv"); /* nothing to find */
    ck_assert_uint_eq(t->rows, 0);
    csv_table_free(t);
}
END_TEST

/* ---------------------------------------------------------------- tables */

static FILE *begin_file(const char *name, const char *header) {
    FILE *f = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%s\n", header);
    return f;
}

/* 12 faults of 40 scans: SSFD finds all, "blind" none at all, "weak" ten, SSIM nine; PSNR is as
 * good as SSFD.
 */
static void write_known(void) {
    FILE *f = begin_file("known.csv", "case,problem,S,Q,psnr_db,blind,weak,how");
    for (int k = 0; k < 40; k++) {
        int is_case = k % 10 < 3;
        fprintf(f, "c%d,%s,%g,%g,%g,0.25,%g,%s\n", k, is_case ? k % 2 ? "motion" : "spikes" : "none",
                is_case + 0.01 * k, 0.9 - 0.1 * (is_case && k < 30) - 0.001 * (k % 7),
                30.0 - is_case - 0.01 * k, is_case && k < 31 ? 1.0 : 0.25, k % 4 < 2 ? "a" : "b");
    }
    fclose(f);
}

#define KNOWN                                                                                                \
    "--table @/known.csv --metrics psnr_db,vgg_pl --columns scan_id=case,ssim=Q,fault=problem,method=how,"

START_TEST(areas_of_known_scores_are_known) {
    write_known();
    expect_done(CONTROL KNOWN "ssfd=S,vgg_pl=blind --out @/r");
    csv_table *t = table_open("r/quality_control_summary.csv");
    size_t row = find_row(t, "roc_area", "ssfd", "", "pooled", "any");
    ck_assert(table_number(t, row, "estimate") == 1.0 && table_number(t, row, "n") == 40 &&
              table_number(t, row, "n_faulty") == 12);
    ck_assert(table_number(t, row, "ci_low") > 0.8 && table_number(t, row, "ci_low") < 1.0);
    row = find_row(t, "roc_area", "psnr_db", "", "pooled", "any");
    ck_assert(table_number(t, row, "estimate") == 1.0);
    row = find_row(t, "roc_area", "ssim", "", "pooled", "any");
    ck_assert(table_number(t, row, "estimate") > 0.75 && table_number(t, row, "estimate") < 1.0);
    row = find_row(t, "roc_area", "vgg_pl", "", "pooled", "any");
    ck_assert(table_number(t, row, "estimate") == 0.5);
    row = find_row(t, "roc_area_difference", "ssfd", "vgg_pl", "pooled", "any");
    ck_assert(table_number(t, row, "estimate") == 0.5);
    row = find_row(t, "roc_area", "ssfd", "", "pooled", "motion");
    ck_assert(table_number(t, row, "estimate") == 1.0 && isnan(table_number(t, row, "ci_low")));
    ck_assert_ptr_nonnull(strstr(table_text(t, row, "note"), "too few"));
    ck_assert(table_number(t, row, "n_faulty") < 12);
    row = find_row(t, "pearson", "vgg_pl", "ssim", "pooled", "");
    ck_assert(isnan(table_number(t, row, "estimate")));
    ck_assert_str_eq(table_text(t, row, "note"), "the metric is constant");
    find_row(t, "kendall", "ssfd", "ssim", "without faults", "");
    find_row(t, "spearman", "ssfd", "ssim", "method b", "");
    csv_table_free(t);
}
END_TEST

static void expect_verdict(const char *name, size_t row, const char *verdict) {
    csv_table *t = table_open(name);
    ck_assert_msg(t->rows > row && strcmp(table_text(t, row, "verdict"), verdict) == 0, "%s: claim %zu: %s",
                  name, row, table_text(t, row, "verdict"));
    csv_table_free(t);
}

START_TEST(verdicts_follow_the_intervals) {
    write_known();
    expect_done(CONTROL KNOWN "ssfd=S,vgg_pl=blind --out @/r");
    expect_verdict("r/quality_control_claims.csv", 0, "reproduced"); /* SSIM finds some only */
    expect_verdict("r/quality_control_claims.csv", 1, "undecided");  /* PSNR all, too */
    expect_done(CONTROL KNOWN "ssfd=weak,vgg_pl=S --out @/r");
    expect_verdict("r/quality_control_claims.csv", 0, "undecided"); /* one more than SSIM */
    expect_done(CONTROL KNOWN "ssfd=blind,vgg_pl=S --out @/r");
    expect_verdict("r/quality_control_claims.csv", 0, "not reproduced");
}
END_TEST

/* `methods` reconstructions, all equally good, of each of 30 scans, of which `faulty` have a fault. */
static void study_methods(int methods, int faulty, const char *out) {
    char command[128];
    FILE *f = begin_file("methods.csv", "scan_id,method,ssim,ssfd,fault");
    for (int k = 0; k < 30; k++)
        for (int m = 0; m < methods; m++)
            fprintf(f, "s%d,m%d,%g,%g,%s\n", k, m, 0.9 - 0.01 * (k * 7 % 11) - 0.02 * (k < faulty),
                    1.0 + 0.1 * (k * 5 % 13) + 0.4 * (k < faulty), k < faulty ? "motion" : "none");
    fclose(f);
    snprintf(command, sizeof command, CONTROL "--table @/methods.csv --out @/%s", out);
    expect_done(command);
}

static interval interval_at(const csv_table *t, size_t row) {
    return (interval){table_number(t, row, "estimate"), table_number(t, row, "ci_low"),
                      table_number(t, row, "ci_high")};
}

static int has_comment(const csv_table *t, const char *wanted) {
    int found = 0;
    for (size_t k = 0; k < t->comment_count; k++)
        found |= strcmp(t->comments[k], wanted) == 0;
    return found;
}

static void expect_interval(const char *out, int is_there) {
    char name[64];
    snprintf(name, sizeof name, "%s/quality_control_summary.csv", out);
    csv_table *t = table_open(name);
    size_t row = find_row(t, "roc_area", "ssfd", "", "pooled", "any");
    ck_assert_msg(isnan(table_number(t, row, "ci_low")) == !is_there, "%s: %g", out,
                  table_number(t, row, "ci_low"));
    csv_table_free(t);
}

/* Several reconstructions of a scan are not several scans. */
START_TEST(methods_are_not_scans) {
    study_methods(1, 9, "nine"); /* too few by one, whichever are the fewer */
    expect_interval("nine", 0);
    study_methods(1, 10, "ten");
    expect_interval("ten", 1);
    study_methods(4, 20, "twenty");
    expect_interval("twenty", 1);
    study_methods(4, 21, "most");
    expect_interval("most", 0);
    study_methods(4, 3, "few");
    csv_table *t = table_open("few/quality_control_summary.csv");
    size_t row = find_row(t, "roc_area", "ssfd", "", "pooled", "any");
    ck_assert(table_number(t, row, "n") == 120 && table_number(t, row, "n_faulty") == 12);
    ck_assert(isnan(table_number(t, row, "ci_low")));
    ck_assert_ptr_nonnull(strstr(table_text(t, row, "note"), "too few scans"));
    ck_assert_str_eq(table_text(t, row, "unit"), "row");
    ck_assert(has_comment(t, "faulty: 3 scans") && has_comment(t, "points: 120 of 30 scans"));
    row = find_row(t, "roc_area_difference", "ssfd", "ssim", "pooled", "any");
    ck_assert(!isnan(table_number(t, row, "estimate")) && isnan(table_number(t, row, "ci_low")));
    csv_table_free(t);
    study_methods(1, 12, "one");
    study_methods(4, 12, "four");
    csv_table *one = table_open("one/quality_control_claims.csv");
    csv_table *four = table_open("four/quality_control_claims.csv");
    ck_assert(table_number(four, 0, "n") == 30);
    ck_assert_ptr_nonnull(
        strstr(table_text(four, 0, "effect"), "(12 of 30 scans with a faulty acquisition)"));
    interval a = interval_at(one, 0), b = interval_at(four, 0);
    ck_assert(fabs(a.estimate - b.estimate) < 1e-6 && fabs(a.low - b.low) < 1e-6 &&
              fabs(a.high - b.high) < 1e-6);
    csv_table_free(one);
    csv_table_free(four);
    t = table_open("four/quality_control_summary.csv");
    a = interval_at(t, find_row(t, "roc_area", "ssfd", "", "method m0", "any")); /* Newcombe's */
    b = interval_at(t, find_row(t, "roc_area", "ssfd", "", "pooled", "any"));
    ck_assert(b.high - b.low > 0.8 * (a.high - a.low));
    csv_table_free(t);
}
END_TEST

/* e: poor by SSFD alone; a: best by all but SSFD, by which g is a little better. */
START_TEST(examples_are_marked) {
    FILE *f = begin_file("e.csv", "scan_id,slice,ssim,ssfd,vgg_pl");
    fprintf(f,
            "a,0,0.99,0.20,0.1\nb,3,0.80,0.30,0.3\nc,0,0.70,0.40,0.4\nd,0,0.60,0.95,0.6\ne,7,0.90,0.90,0.2\n"
            "g,1,0.95,0.10,0.35\n");
    fclose(f);
    expect_done(CONTROL "--table @/e.csv --out @/r");
    csv_table *t = table_open("r/panels/quality_control_examples.csv");
    ck_assert_uint_eq(t->rows, 6);
    ck_assert_str_eq(table_text(t, 0, "example"), "blue");
    ck_assert_str_eq(table_text(t, 0, "scan_id"), "e");
    ck_assert_str_eq(table_text(t, 0, "slice"), "7");
    ck_assert(fabs(table_number(t, 0, "poorer_than") - 0.4) < 1e-6); /* SSIM: a and g are better */
    ck_assert(fabs(table_number(t, 1, "poorer_than") - 0.8) < 1e-6); /* SSFD: all but d are */
    ck_assert_str_eq(table_text(t, 3, "example"), "orange");
    ck_assert_str_eq(table_text(t, 5, "scan_id"), "a");
    csv_table_free(t);
}
END_TEST

/* Ties everywhere: the seed decides, between different points; areas are 0.5, correlations have a note. */
START_TEST(constant_scores_are_undefined) {
    FILE *f = begin_file("c.csv", "scan_id,ssim,ssfd,psnr_db,fault");
    for (int k = 0; k < 24; k++)
        fprintf(f, "s%d,0.5,0.5,%d,%s\n", k, k, k < 12 ? "motion" : "none");
    fclose(f);
    int differ = 0;
    char first[64] = "";
    for (int seed = 1; seed <= 4; seed++) {
        char command[256];
        snprintf(command, sizeof command, CONTROL "--table @/c.csv --seed %d --out @/r", seed);
        expect_done(command);
        csv_table *t = table_open("r/panels/quality_control_examples.csv");
        ck_assert_str_ne(table_text(t, 0, "scan_id"), table_text(t, t->rows - 1, "scan_id"));
        if (seed == 1)
            snprintf(first, sizeof first, "%s", table_text(t, 0, "scan_id"));
        differ |= strcmp(first, table_text(t, 0, "scan_id")) != 0;
        csv_table_free(t);
    }
    ck_assert(differ);
    csv_table *t = table_open("r/quality_control_summary.csv");
    size_t row = find_row(t, "pearson", "ssfd", "ssim", "pooled", "");
    ck_assert_str_eq(table_text(t, row, "note"), "the outcome is constant");
    row = find_row(t, "roc_area", "ssfd", "", "pooled", "any");
    ck_assert(table_number(t, row, "estimate") == 0.5);
    row = find_row(t, "roc_area_difference", "ssfd", "ssim", "pooled", "any");
    ck_assert(table_number(t, row, "estimate") == 0.0);
    ck_assert_ptr_nonnull(strstr(table_text(t, row, "note"), "cannot tell"));
    csv_table_free(t);
    expect_verdict("r/quality_control_claims.csv", 0, "undecided");
    /* several rows of a scan: the bootstrap finds no spread */
    f = begin_file("c.csv", "scan_id,method,ssim,ssfd,fault");
    for (int k = 0; k < 48; k++)
        fprintf(f, "s%d,%s,%d,0.5,%s\n", k / 2, k % 2 ? "u" : "v", k, k < 24 ? "motion" : "none");
    fclose(f);
    expect_done(CONTROL "--table @/c.csv --out @/r");
    t = table_open("r/quality_control_summary.csv");
    row = find_row(t, "roc_area", "ssfd", "", "pooled", "any");
    ck_assert(table_number(t, row, "estimate") == 0.5 && isnan(table_number(t, row, "ci_low")));
    ck_assert_str_eq(table_text(t, row, "note"), "no resample differs");
    csv_table_free(t);
}
END_TEST

/* A baseline of two words, a title with a comma, more scores than colours; a figure that lacks a panel fails.
 */
START_TEST(figure_takes_any_names) {
    char names[512] = "", command[2048] = CONTROL "--table @/many.csv --out @/r --metrics \"my score";
    FILE *f = begin_file("many.csv", "# metric my score: Mine, of course; lower is better");
    fprintf(f, "scan_id,fault,ssim,ssfd,my score");
    for (int m = 0; m < 40; m++) {
        fprintf(f, ",m%d", m);
        snprintf(names + strlen(names), sizeof names - strlen(names), ",m%d", m);
    }
    for (int k = 0; k < 30; k++) {
        fprintf(f, "\n\"s, %d\",%s,%g,%g,%g", k, k < 12 ? "low_snr" : "none", 0.9 - 0.01 * (k * 7 % 11),
                0.1 * (k * 5 % 13), 1.0 + 0.1 * (k * 3 % 7));
        for (int m = 0; m < 40; m++)
            fprintf(f, ",%d", k * (m + 3) % 17);
    }
    fprintf(f, "\n");
    fclose(f);
    snprintf(command + strlen(command), sizeof command - strlen(command), "%s\" --lower-is-better %s", names,
             names + 1);
    expect_done(command);
    expect_figure("quality_control", "r");
    csv_table *t = table_open("r/quality_control_summary.csv");
    size_t row = find_row(t, "roc_area", "my score", "", "pooled", "any");
    ck_assert_str_eq(table_text(t, row, "title"), "Mine; of course");
    csv_table_free(t);
}
END_TEST

/* Nothing to compare the faults with. */
START_TEST(a_table_of_faulty_rows_alone_is_refused) {
    FILE *f = begin_file("all.csv", "scan_id,ssim,ssfd,fault");
    for (int k = 0; k < 12; k++)
        fprintf(f, "s%d,%g,%g,%s\n", k, 0.9 - 0.01 * (k * 7 % 11), 0.1 * (k * 5 % 13),
                k % 2 ? "motion" : "spikes");
    fclose(f);
    expect_failure(CONTROL "--table @/all.csv --out @/r", 1, "all.csv: no row without a fault", "'none'");
}
END_TEST

START_TEST(no_fault_may_be_written_in_the_usual_ways) {
    static const char *const words[] = {"None", "0", "nan", "good", "OK", "\"No fault\"", "n/a", "FALSE"};
    FILE *f = begin_file("words.csv", "scan_id,ssim,ssfd,fault");
    for (int k = 0; k < 24; k++)
        fprintf(f, "s%d,%g,%g,%s\n", k, 0.9 - 0.01 * (k * 7 % 11), 0.1 * (k * 5 % 13),
                k < 12 ? "motion" : words[k % 8]);
    fclose(f);
    expect_done(CONTROL "--table @/words.csv --out @/r");
    csv_table *t = table_open("r/quality_control_summary.csv");
    size_t row = find_row(t, "roc_area", "ssfd", "", "pooled", "any");
    ck_assert(table_number(t, row, "n") == 24 && table_number(t, row, "n_faulty") == 12);
    ck_assert(isfinite(table_number(t, row, "estimate")));
    for (size_t k = 0; k < t->rows; k++) /* motion is the only kind */
        ck_assert_msg(strstr("any motion ", table_text(t, k, "fault")), "%s", table_text(t, k, "fault"));
    csv_table_free(t);
}
END_TEST

/* The PSNR of an image that equals its reference is infinite, and such a table of one's own can be read again. */
START_TEST(infinite_psnr_is_written_and_read_again) {
    FILE *f = begin_file("inf.csv", "scan_id,slice,ssim,psnr_db,ssfd");
    fprintf(f, "a,0,1,inf,0\na,1,0.9,30,0.1\nb,0,0.8,28,0.2\nc,0,0.7,27,0.4\n");
    fclose(f);
    expect_done(CONTROL "--table @/inf.csv --out @/r");
    expect_done(CONTROL "--table @/r/quality_control.csv --out @/again");
    csv_table *t = table_open("again/quality_control.csv");
    ck_assert(isinf(table_number(t, 0, "psnr_db")));
    csv_table_free(t);
    f = begin_file("inf.csv", "scan_id,ssim,nrmse,ssfd");
    fprintf(f, "a,1,inf,0\nb,0.8,0.1,0.2\nc,0.7,0.2,0.4\n");
    fclose(f);
    expect_failure(CONTROL "--table @/inf.csv --out @/r", 1, "row 1, column 'nrmse'", "finite");
    f = begin_file("inf.csv", "scan_id,ssim,psnr_db,ssfd");
    fprintf(f, "a,1,-inf,0\nb,0.8,20,0.2\nc,0.7,21,0.4\n");
    fclose(f);
    expect_failure(CONTROL "--table @/inf.csv --out @/r", 1, "row 1, column 'psnr_db'", "finite");
}
END_TEST

START_TEST(a_slice_given_twice_is_refused) {
    FILE *f = begin_file("twice.csv", "scan_id,slice,method,ssim,ssfd,fault");
    fprintf(
        f,
        "a,0,u,1,0,none\nb,0,u,0.8,0.2,none\nc,0,u,0.7,0.4,none\na,0,v,0.6,0.4,none\na,0,u,0.5,0.4,none\n");
    fclose(f);
    expect_failure(CONTROL "--table @/twice.csv --out @/r", 1,
                   "twice.csv: rows 1 and 5: the same scan 'a', slice 0", "");
    f = begin_file("twice.csv", "scan_id,slice,ssim,ssfd,fault"); /* acquired twice, well and badly */
    fprintf(f, "a,0,1,0,none\nb,0,0.8,0.2,none\nc,0,0.7,0.4,none\na,0,0.5,0.4,motion\n");
    fclose(f);
    expect_done(CONTROL "--table @/twice.csv --out @/r");
    f = begin_file("twice.csv", "scan_id,acceleration,slice,ssim,ssfd");
    fprintf(f, "a,4,7,1,0\nb,4,0,0.8,0.2\nc,4,0,0.7,0.4\na,4,7,0.5,0.4\n");
    fclose(f);
    expect_failure("layer_correlation --table @/twice.csv --layers ssfd --out @/r", 1, "rows 1 and 4",
                   "slice 7");
}
END_TEST

START_TEST(wrong_tables_are_refused) {
    FILE *f = begin_file("w.csv", "scan_id,ssim,distance");
    fprintf(f, "a,0.9,0.1\nb,0.8,nan\nc,0.7,0.3\n");
    fclose(f);
    expect_failure(CONTROL "--table @/w.csv --out @/r", 1, "w.csv", "ssfd");
    expect_failure(CONTROL "--table @/w.csv --columns ssfd=distance --out @/r", 1, "row 2", "distance");
    expect_failure(CONTROL "--table @/none.csv --out @/r", 1, "none.csv", "");
    expect_failure(CONTROL "--table @/w.csv --columns ssfd --out @/r", 2, "NAME=COLUMN", "ssfd");
    expect_failure(CONTROL "--table @/w.csv --columns colour=distance --out @/r", 2, "colour", "");
    expect_failure(CONTROL "--columns ssfd=distance --out @/r", 2, "--columns", "--table");
    expect_failure(CONTROL "--baseline vgg17 --out @/r", 2, "vgg17", "");
    f = begin_file("good.csv", "scan_id,ssim,ssfd,lpips,lpips_note");
    fprintf(f, "a,0.9,0.1,1,\"fine, I think\"\nb,0.8,0.2,2,\nc,0.7,0.3,4,poor\n");
    fclose(f);
    expect_failure(CONTROL "--table @/good.csv --metrics lpips,vgg_pl --out @/r", 1, "good.csv",
                   "no column 'vgg_pl'");
    expect_failure(CONTROL "--table @/good.csv --metrics ssim --out @/r", 2, "'ssim' is given twice", "");
    expect_done(CONTROL "--table @/good.csv --out @/r"); /* a column of words is not taken for a score */
    csv_table *t = table_open("r/quality_control.csv");
    ck_assert(csv_table_column(t, "lpips") >= 0 && csv_table_column(t, "lpips_note") < 0);
    csv_table_free(t);
    expect_failure(CONTROL "--table @/r --metrics lpips --out @/r", 1, "expected a file", "");
    f = begin_file("two_ssims.csv", "scan_id,ssim,ssfd,ssim_foreground");
    fprintf(f, "a,0.9,0.1,0.8\nb,0.8,0.2,0.7\nc,0.7,0.3,0.9\n");
    fclose(f);
    expect_done(CONTROL "--table @/two_ssims.csv --out @/r");
    t = table_open("r/quality_control.csv");
    ck_assert_int_ge(csv_table_column(t, "ssim_foreground"), 0);
    csv_table_free(t);
    expect_done(CONTROL "--table @/two_ssims.csv --columns ssim=ssim_foreground --out @/r");
    t = table_open("r/quality_control.csv"); /* once, by the name that it was given */
    ck_assert_int_lt(csv_table_column(t, "ssim_foreground"), 0);
    ck_assert(table_number(t, 0, "ssim") == 0.8);
    csv_table_free(t);
    f = begin_file("renamed.csv", "scan_id,ssim,first,a=lpips,vgg_pl_x,lpips_v2,lpips");
    fprintf(f, "a,0.9,1,0.1,0.1,5,7\nb,0.8,2,0.2,0.3,6,8\nc,0.7,3,0.4,0.2,7,9\n");
    fclose(f);
    expect_done(CONTROL "--table @/renamed.csv --columns ssfd=lpips_v2,ssim=vgg_pl_x --out @/r");
    ck_assert_ptr_nonnull(strstr(output, "not used, as no metric has such a name: first, a=lpips ("));
    t = table_open("r/quality_control.csv"); /* the first and the last, and not what begins alike */
    ck_assert(csv_table_column(t, "lpips_v2") < 0 && csv_table_column(t, "vgg_pl_x") < 0);
    ck_assert(table_number(t, 0, "lpips") == 7);
    csv_table_free(t);
    expect_done(CONTROL "--table @/renamed.csv --columns ssfd=a=lpips --out @/r");
    t = table_open("r/quality_control.csv");
    ck_assert(table_number(t, 0, "ssfd") == 0.1 && table_number(t, 0, "lpips") == 7);
    csv_table_free(t);
    f = begin_file("lines.csv", "scan_id,ssim,ssfd");
    fprintf(f, "a,0.9,0.1\n\"b\nc\",0.8,0.2\nd,0.7,0.3\n");
    fclose(f);
    expect_failure(CONTROL "--table @/lines.csv --out @/r", 1, "lines.csv: row 2, column 'scan_id'",
                   "control character (0xa)");
    f = begin_file("label.csv", "scan_id,ssim,ssfd,method");
    fprintf(f, "a,0.9,0.1,u\nb,0.8,0.2,\"u\nv\"\nd,0.7,0.3,%0201d\n", 0);
    fclose(f);
    expect_failure(CONTROL "--table @/label.csv --out @/r", 1, "label.csv: row 2, column 'method'",
                   "control");
    expect_failure(CONTROL "--table @/label.csv --columns method=scan_id,scan_id=method --out @/r", 1,
                   "label.csv: row 2, column 'method'", "control");
    f = begin_file("label.csv", "scan_id,ssim,ssfd,method");
    fprintf(f, "a,0.9,0.1,u\nb,0.8,0.2,v\nd,0.7,0.3,%0201d\n", 0);
    fclose(f);
    expect_failure(CONTROL "--table @/label.csv --out @/r", 1, "label.csv: row 3, column 'method'",
                   "201 bytes, expected at most 200");
    f = begin_file("twice.csv", "scan_id,ssim,ssfd,ssfd");
    fprintf(f, "a,0.9,0.1,1\nb,0.8,0.2,2\nc,0.7,0.3,3\n");
    fclose(f);
    expect_failure(CONTROL "--table @/twice.csv --out @/r", 1, "twice.csv: two columns 'ssfd'", "");
    f = begin_file("any.csv", "scan_id,ssim,ssfd,fault");
    fprintf(f, "a,0.9,0.1,none\nb,0.8,0.2,any\nc,0.7,0.3,motion\n");
    fclose(f);
    expect_failure(CONTROL "--table @/any.csv --out @/r", 1, "any.csv", "a fault is called 'any'");
    f = begin_file("two.csv", "scan_id,ssim,ssfd");
    fprintf(f, "a,0.9,0.1\nb,0.8,0.2\nb,0.7,0.3\n");
    fclose(f);
    expect_failure(CONTROL "--table @/two.csv --out @/r", 1, "two.csv", "2 scans");
}
END_TEST

Suite *suite_quality_control(void) {
    Suite *s = suite_create("quality_control");
    TCase *t = tcase_create("quality_control");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, cohort_with_faults_is_scored);
    tcase_add_test(t, areas_of_known_scores_are_known);
    tcase_add_test(t, verdicts_follow_the_intervals);
    tcase_add_test(t, methods_are_not_scans);
    tcase_add_test(t, examples_are_marked);
    tcase_add_test(t, constant_scores_are_undefined);
    tcase_add_test(t, figure_takes_any_names);
    tcase_add_test(t, a_table_of_faulty_rows_alone_is_refused);
    tcase_add_test(t, no_fault_may_be_written_in_the_usual_ways);
    tcase_add_test(t, infinite_psnr_is_written_and_read_again);
    tcase_add_test(t, a_slice_given_twice_is_refused);
    tcase_add_test(t, wrong_tables_are_refused);
    suite_add_tcase(s, t);
    return s;
}
