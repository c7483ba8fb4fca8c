/* Tables of scores, those of all reconstructions of a cohort, and layer_correlation, which studies them. */
#include "core/csv.h"
#include "core/error.h"
#include "core/image.h"
#include "io/prepared.h"
#include "metrics/ssfd.h"
#include "metrics/ssim.h"
#include "study/score_table.h"
#include "suites.h"
#include "support.h"
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <unistd.h>

static score_table *read_scores(const char *text, const char *columns, const char *metrics,
                                const char *optional) {
    write_text("t.csv", text);
    return score_table_read(in_folder("t.csv"), &(score_columns){columns, metrics, optional, "", ""});
}

static score_table *expect_scores(const char *text, const char *columns, const char *metrics,
                                  const char *optional) {
    score_table *t = read_scores(text, columns, metrics, optional);
    ck_assert_msg(t != NULL, "%s", err_message());
    return t;
}

/* ---------------------------------------------------------------- reading and writing */

/* Rows of a scan apart from each other, names that need quotes, more columns than requested. */
static const char foreign[] = "# metric l1: l1; lower is better\n"
                              "# metric SSIM (full): Similarity; higher is better\n"
                              "case,R,extra,SSIM (full),n,recon,l1,psnr\n"
                              "b,4,x,0.5,0,unet,1.5,30\n"
                              "a,4,x,0.75,0,unet,2.5,31\n"
                              "b,8,y,0.25,1,\"a, b\",3.5,32\n"
                              "\"c \"\"left\"\"\",8,,0.125,7,,4.5,33\n";

START_TEST(a_foreign_table_is_read) {
    score_table *t = expect_scores(
        foreign, "scan_id=case,slice=n,method=recon,acceleration=R,ssim=SSIM (full),psnr_db=psnr", "ssim,l1",
        "nrmse,psnr_db");
    static const double ssim[] = {0.5, 0.25, 0.75, 0.125};
    static const int slices[] = {0, 1, 0, 7};
    static const char *const methods[] = {"unet", "a, b", "unet", ""};
    ck_assert(t->rows == 4 && t->scans == 3 && t->metrics == 3);
    ck_assert(t->first[0] == 0 && t->first[1] == 2 && t->first[2] == 3 && t->first[3] == 4);
    ck_assert_str_eq(t->scan_ids[0], "b");
    ck_assert_str_eq(t->scan_ids[2], "c \"left\"");
    for (int row = 0; row < 4; row++) {
        ck_assert(t->values[0][row] == ssim[row] && t->slice[row] == slices[row]);
        ck_assert_str_eq(t->method[row], methods[row]);
        ck_assert_str_eq(t->fault[row], "none");
    }
    ck_assert_str_eq(t->acceleration[1], "8");
    ck_assert_str_eq(t->metric[0].key, "ssim");
    ck_assert_str_eq(t->metric[0].title, "Similarity");
    ck_assert_str_eq(t->metric[1].title, "l1");
    ck_assert_str_eq(t->metric[2].key, "psnr_db");
    ck_assert_str_eq(t->metric[2].title, "PSNR (dB)");
    ck_assert_str_eq(t->cohort, "table t.csv");
    ck_assert(score_table_metric(t, "l1") == 1 && score_table_metric(t, "nrmse") == -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "ssim, l1, psnr_db"));
    score_table_free(t);
}
END_TEST

static void expect_same_tables(const score_table *a, const score_table *b) {
    ck_assert(a->rows == b->rows && a->scans == b->scans && a->metrics == b->metrics);
    ck_assert_str_eq(a->cohort, b->cohort);
    for (size_t s = 0; s < a->scans; s++) {
        ck_assert_str_eq(a->scan_ids[s], b->scan_ids[s]);
        ck_assert_uint_eq(a->first[s + 1], b->first[s + 1]);
    }
    for (size_t row = 0; row < a->rows; row++) {
        ck_assert_int_eq(a->slice[row], b->slice[row]);
        ck_assert_str_eq(a->method[row], b->method[row]);
        ck_assert_str_eq(a->acceleration[row], b->acceleration[row]);
        ck_assert_str_eq(a->fault[row], b->fault[row]);
    }
    for (size_t m = 0; m < a->metrics; m++) {
        ck_assert_str_eq(a->metric[m].key, b->metric[m].key);
        ck_assert_str_eq(a->metric[m].title, b->metric[m].title);
        ck_assert_int_eq(a->metric[m].direction, b->metric[m].direction);
        ck_assert_uint_eq(a->metric[m].roles, b->metric[m].roles);
        ck_assert_int_eq(memcmp(a->values[m], b->values[m], a->rows * sizeof(double)), 0);
    }
}

START_TEST(what_is_written_is_read_again) {
    score_table *t = expect_scores("# cohort: knees\n"
                                   "# metric x: x; lower is better\n"
                                   "scan_id,slice,fault,ssim,x\n"
                                   "a,,none,1,-2.5\n\"b, c\",3,motion,2,1e-7\nd,4,,3,0\n",
                                   "", "ssim,x", "");
    ck_assert_str_eq(t->cohort, "knees");
    t->metric[1] =
        (metric_label){"x", "The \"x\"; higher is better than x", METRIC_LOWER_IS_BETTER, METRIC_BASELINE, 0};
    csv_writer *csv = csv_writer_open(in_folder("again.csv"));
    score_table_write(t, csv);
    ck_assert_int_eq(csv_writer_close(csv), 0);
    score_table *again = score_table_read(in_folder("again.csv"), &(score_columns){"", "ssim,x", "", "", ""});
    ck_assert_msg(again != NULL, "%s", err_message());
    expect_same_tables(t, again);
    score_table_free(t);
    score_table_free(again);
}
END_TEST

START_TEST(wrong_tables_are_refused) {
    static const struct {
        const char *text, *columns, *metrics, *a, *b;
    } cases[] = {
        {"case,ssim\na,1\n", "", "ssim", "no column 'scan_id'", "case, ssim"},
        {"scan_id,ssim\na,1\n", "", "ssfd", "no column 'ssfd'", "scan_id, ssim"},
        {"scan_id,ssim\na,1\n", "method=recon", "ssim", "no column 'recon'", "scan_id, ssim"},
        {"scan_id,ssim\na,1\nb,nan\nc,2\n", "", "ssim", "row 2, column 'ssim'", "'nan', expected a finite"},
        {"scan_id,S\na,1\nb,2\nc,inf\n", "ssim=S", "ssim", "row 3, column 'S'", "finite"},
        {"scan_id,ssim\na,1\nb,good\nc,2\n", "", "ssim", "row 2, column 'ssim'", "'good' is not a number"},
        {"scan_id,ssim\na,1\nb,\nc,2\n", "", "ssim", "row 2, column 'ssim'", "not a number"},
        {"scan_id,ssim\na,1\nb,2\na,3\n", "", "ssim", "2 scans in column 'scan_id'", "at least 3"},
        {"scan_id,ssim\n", "", "ssim", "0 scans", "at least 3"},
        {"scan_id,ssim\na,1\n,2\nc,2\n", "", "ssim", "row 2, column 'scan_id'", "without a name"},
        {"scan_id,slice,ssim\na,1.5,1\nb,2,1\nc,3,2\n", "", "ssim", "row 1, column 'slice'", "'1.5'"},
        {"scan_id,slice,ssim\na,0,1\nb,-2,1\nc,3,2\n", "", "ssim", "row 2, column 'slice'", "'-2'"},
        {"", "", "ssim", "t.csv", "no header"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        score_table *t = read_scores(cases[k].text, cases[k].columns, cases[k].metrics, "");
        ck_assert_msg(t == NULL, "case %zu", k);
        ck_assert_msg(strstr(err_message(), "t.csv") && strstr(err_message(), cases[k].a) &&
                          strstr(err_message(), cases[k].b),
                      "case %zu: %s", k, err_message());
    }
}
END_TEST

/* What a higher value means is never guessed. */
START_TEST(directions_come_from_the_table_the_registry_or_the_user) {
    static const char table[] =
        "# metric a: A; higher is better; baseline\n# metric bad: Bad; whatever\n"
        "scan_id,ssim,a,PSNR,ms_ssim,vgg_pl_relu2_2,bad\nx,1,1,1,1,1,1\ny,2,2,2,2,2,2\nz,3,3,3,3,3,3\n";
    static const struct {
        score_columns columns;
        const char *message;
    } cases[] = {
        {{"", "ssim,PSNR", "", "", ""}, "column 'PSNR': is a higher or a lower value better?"},
        {{"", "ssim", "ms_ssim", "", ""}, "--higher-is-better ms_ssim or --lower-is-better ms_ssim"},
        {{"", "ssim,PSNR", "", "PSNR", "PSNR"}, "PSNR is named in both"},
        {{"", "ssim,a", "", "", "a"}, "of A a higher value is better"},
        {{"", "vgg_pl_relu2_2", "", "vgg_pl_relu2_2", ""}, "of VGG-PL relu2_2 a lower value is better"},
        {{"", "ssim", "", "PSNR", ""}, "'PSNR' has a direction and is not among the metrics"},
        {{"", "bad", "", "", ""}, "expected 'higher is better' or 'lower is better'"},
        {{"ssim=PSNR", "ssim", "", "", "ssim"}, "of SSIM a higher value is better"},
    };
    write_text("d.csv", table);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ck_assert_msg(score_table_read(in_folder("d.csv"), &cases[k].columns) == NULL, "case %zu", k);
        ck_assert_msg(strstr(err_message(), cases[k].message), "case %zu: %s", k, err_message());
    }
    write_text("d.csv", strchr(strchr(table, '\n') + 1, '\n') + 1);
    score_table *t =
        score_table_read(in_folder("d.csv"), &(score_columns){"", "ssim,PSNR", NULL, "PSNR", ""});
    ck_assert_msg(t && t->metrics == 3, "%s",
                  err_message()); /* a and ms_ssim: nobody knows them or asks for them */
    ck_assert(t->metric[1].direction == METRIC_HIGHER_IS_BETTER && (t->metric[1].roles & METRIC_BASELINE));
    ck_assert_str_eq(t->metric[2].title, "VGG-PL relu2_2");
    ck_assert_int_eq(t->metric[2].direction, METRIC_LOWER_IS_BETTER);
    score_table_free(t);
}
END_TEST

START_TEST(wrong_columns_are_refused) {
    static const struct {
        score_columns columns;
        const char *message;
    } cases[] = {
        {{"scan_id", "ssim", "", "", ""}, "'scan_id': expected NAME=COLUMN"},
        {{"=case", "ssim", "", "", ""}, "expected NAME=COLUMN"},
        {{"ssim=", "ssim", "", "", ""}, "expected NAME=COLUMN"},
        {{"scan=case", "ssim", "", "", ""}, "'scan' is neither"},
        {{"ssim=a,ssim=b", "ssim", "", "", ""}, "'ssim' is given twice"},
        {{"", "ssim,a,ssim", "", "", ""}, "'ssim' is given twice"},
        {{"", "", "ssim", "", ""}, "no metric is requested"},
        {{"", "a\"b", "", "", ""}, "cannot be the name"},
        {{"", "ssim,slice", "", "", ""}, "'slice' cannot be the name"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ck_assert_int_eq(score_columns_check(&cases[k].columns), -1);
        ck_assert_msg(strstr(err_message(), cases[k].message), "case %zu: %s", k, err_message());
    }
    ck_assert_int_eq(score_columns_check(&(score_columns){"scan_id=a=b,x=c,y=d", "x", "y,z", "", ""}), 0);
}
END_TEST

/* ---------------------------------------------------------------- parts and means */

START_TEST(parts_and_means_keep_their_scans) {
    score_table *t = expect_scores("scan_id,slice,method,ssim\n"
                                   "a,0,u,1\na,1,u,2\na,0,v,10\na,1,v,30\n"
                                   "b,0,u,4\n"
                                   "c,0,v,5\nc,1,v,8\nc,2,u,6\n",
                                   "", "ssim", "");
    static const double means[] = {1.5, 20, 4, 6.5, 6};
    static const double only_v[] = {10, 30, 5, 8};
    const char **methods = malloc(t->label_count * sizeof *methods);
    ck_assert_uint_eq(score_table_distinct(t, t->method, methods), 2);
    ck_assert(strcmp(methods[0], "u") == 0 && strcmp(methods[1], "v") == 0);
    free(methods);

    score_table *m = score_table_scan_means(t);
    ck_assert(m && m->rows == 5 && m->scans == 3);
    ck_assert(m->first[1] == 2 && m->first[2] == 3 && m->first[3] == 5);
    for (int row = 0; row < 5; row++)
        ck_assert(m->values[0][row] == means[row] && m->slice[row] == -1);
    ck_assert_str_eq(m->method[1], "v");

    score_table *v = score_table_select(t, t->method, "v");
    ck_assert(v && v->rows == 4 && v->scans == 2 && v->first[1] == 2 && v->first[2] == 4);
    ck_assert_str_eq(v->scan_ids[1], "c");
    ck_assert_int_eq(memcmp(v->values[0], only_v, sizeof only_v), 0);
    ck_assert_int_eq(v->slice[3], 1);
    score_table *nothing = score_table_select(t, t->method, "w");
    ck_assert(nothing && nothing->rows == 0 && nothing->scans == 0);
    score_table_free(nothing);
    score_table_free(v);
    score_table_free(m);
    score_table_free(t);
}
END_TEST

/* ---------------------------------------------------------------- layer_correlation: scores of a cohort */

#define GOLDEN "tests/golden/unet_plain.h5"
#define STUDY "layer_correlation --replicates 200 --cohort @/cohort --weights " GOLDEN " "
#define TABLE "layer_correlation --replicates 200 --table @/t.csv "

static void make_cohort(void) {
    expect_done(
        "prepare_scans --weights tests/golden/recon_unet.h5 --out @/cohort --records @/records --size 64 "
        "--split test --test 5 --test-slices 3 --threads 2");
}

static const char *const tables[] = {"layer_correlation.csv", "layer_correlation_scores.csv",
                                     "layer_correlation_trend.csv", "layer_correlation_claims.csv",
                                     "panels/layer_correlation_marks.tsv"};

static void expect_same_tables_in(const char *a, const char *b) {
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++)
        expect_same_file(tables[k], a, b);
}

START_TEST(threads_do_not_matter) {
    make_cohort();
    expect_done(STUDY "--threads 1 --out @/one");
    expect_done(STUDY "--threads 3 --out @/three");
    expect_same_tables_in("one", "three");
    char *scores = read_table("one/layer_correlation_scores.csv");
    ck_assert(strstr(scores, "# cohort: colin27-virtual\n") && strstr(scores, "sha256 "));
    free(scores);
}
END_TEST

/* SSFD at one layer and SSIM of a slice, by the library. */
static void expected_scores(double *ssfd, double *ssim, double *foreground) {
    enum { N = 64 };
    float reference[N * N], image[N * N];
    double threshold;
    feature_network f;
    prepared_scan *scan = prepared_open(in_folder("cohort/test/colin27_test_0002.h5"));
    ck_assert_ptr_nonnull(scan);
    ck_assert(prepared_read(scan, PREPARED_REFERENCE, 1, reference) == 0 &&
              prepared_read(scan, PREPARED_RECONSTRUCTION, 1, image) == 0);
    prepared_close(scan);
    ck_assert_int_eq(image_foreground_threshold(reference, N, N, SSIM_WANG, &threshold), 0);
    ck_assert_int_eq(image_ssim_foreground(reference, image, N, N, SSIM_WANG, image_max_abs(reference, N, N),
                                           threshold, ssim, foreground),
                     0);
    ck_assert_int_eq(ssfd_open(&f, GOLDEN, "block3_relu1"), 0);
    feature_metric *m = feature_metric_create(&f, N, N);
    ck_assert(m && feature_metric_reference(m, reference) == 0 &&
              feature_metric_distance(m, image, ssfd) == 0);
    feature_metric_free(m);
    feature_network_close(&f);
}

START_TEST(scores_and_correlations_are_those_of_the_library) {
    double ssfd, ssim, foreground;
    make_cohort();
    expect_done(STUDY "--out @/r");
    score_table *t =
        score_table_read(in_folder("r/layer_correlation_scores.csv"),
                         &(score_columns){"", "ssim,block3_relu1,block5_relu2,ssim_foreground", "", "", ""});
    ck_assert_msg(t && t->rows == 15 && t->scans == 5, "%s", err_message());
    ck_assert_str_eq(t->acceleration[14], "4");
    expected_scores(&ssfd, &ssim, &foreground);
    ck_assert_double_eq_tol(t->values[0][4], ssim, 1e-8);
    ck_assert_double_eq_tol(t->values[3][4], foreground, 1e-8);
    ck_assert_str_eq(t->metric[3].title, "SSIM (foreground)");
    ck_assert_double_eq_tol(t->values[1][4] / ssfd, 1.0, 1e-6);
    csv_table *r = table_open("r/layer_correlation.csv");
    ck_assert_uint_eq(r->rows, 10 * 2 * 3); /* layers, units, coefficients */
    size_t row = TABLE_ROW(r, {"layer", "block3_relu1"}, {"unit", "slice"}, {"coefficient", "pearson"});
    ck_assert(table_number(r, row, "depth") == 5 && table_number(r, row, "n") == 15 &&
              table_number(r, row, "n_scans") == 5);
    ck_assert_double_eq_tol(table_number(r, row, "estimate"),
                            gsl_stats_correlation(t->values[0], 1, t->values[1], 1, 15), 1e-5);
    score_table *means = score_table_scan_means(t);
    row = TABLE_ROW(r, {"layer", "block5_relu2"}, {"unit", "scan"}, {"coefficient", "pearson"});
    ck_assert(table_number(r, row, "depth") == 10 && table_number(r, row, "n") == 5);
    ck_assert_double_eq_tol(table_number(r, row, "estimate"),
                            gsl_stats_correlation(means->values[0], 1, means->values[2], 1, 5), 1e-5);
    score_table_free(means);
    score_table_free(t);
    csv_table_free(r);
}
END_TEST

/* Scores go through a CSV of nine digits there, which moves the sixth digit of a statistic by one. */
START_TEST(own_scores_give_the_same_statistics_as_a_table) {
    static const char *const names[] = {"layer_correlation.csv", "layer_correlation_trend.csv"};
    make_cohort();
    expect_done(STUDY "--out @/r");
    expect_done("layer_correlation --replicates 200 --table @/r/layer_correlation_scores.csv --out @/again");
    for (int k = 0; k < 2; k++) {
        char name[64], again[64];
        snprintf(name, sizeof name, "r/%s", names[k]);
        snprintf(again, sizeof again, "again/%s", names[k]);
        csv_table *one = table_open(name), *other = table_open(again);
        expect_same_table(other, one, 1e-5);
        csv_table_free(one);
        csv_table_free(other);
    }
}
END_TEST

/* Killed when the first slices are saved; the statistics of the run that is killed would take for ever. */
static void kill_study(const char *environment) {
    shell("%s %s/layer_correlation --cohort @/cohort --weights " GOLDEN
          " --replicates 10000000 --threads 1 --save-every 0 --out @/killed & pid=$!; "
          "while kill -0 $pid 2>/dev/null && [ ! -f @/killed/.layer_correlation.unfinished.h5 ]; do "
          "sleep 0.01; done; kill -9 $pid; ! [ -f @/killed/layer_correlation.csv ]",
          environment, programs());
}

START_TEST(interrupted_scores_resume) {
    make_cohort();
    expect_done(STUDY "--out @/straight");
    kill_study("");
    expect_done(STUDY "--out @/killed");
    ck_assert_msg(strstr(output, "taken over from an interrupted run") != NULL, "%s", output);
    expect_same_tables_in("straight", "killed");
    ck_assert_int_ne(access(in_folder("killed/.layer_correlation.unfinished.h5"), F_OK), 0);
    expect_done(STUDY "--out @/killed");
    ck_assert_msg(strstr(output, "taken over") == NULL, "%s", output);
    ck_assert_int_eq(remove(in_folder("killed/layer_correlation.csv")), 0);
    kill_study("SSFD_CONV=direct"); /* whose last digits are others */
    expect_done(STUDY "--out @/killed");
    ck_assert_msg(strstr(output, "taken over") == NULL, "%s", output);
    expect_same_tables_in("straight", "killed");
}
END_TEST

/* ---------------------------------------------------------------- layer_correlation: tables of anyone's */

/* `scans` scans by two methods, at two accelerations; scores a, b, c follow the outcome with less and less
 * noise (direction 1) or more and more (-1). The noise is fixed and of no pattern. */
static void write_study(int scans, int direction) {
    FILE *f = fopen(in_folder("t.csv"), "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "case,recon,R,S,a,b,c\n");
    for (int k = 0; k < 4 * scans; k++) {
        double quality = sin(1.7 * k + 0.3 * k * k), noise[3];
        for (int m = 0; m < 3; m++)
            noise[m] = (direction > 0 ? 2.5 - m : 0.5 + m) * sin(k * (2.3 + m) + 0.7 * k * k);
        fprintf(f, "s%d,%s,%d,%.6f,%.6f,%.6f,%.6f\n", k / 4, k % 2 ? "\"one, two\"" : "three",
                k % 4 < 2 ? 4 : 8, quality, noise[0] - quality, noise[1] - quality, noise[2] - quality);
    }
    fclose(f);
}

#define STUDY_COLUMNS                                                                                        \
    "--columns scan_id=case,method=recon,acceleration=R,ssim=S --layers a,b,c --lower-is-better a,b,c "

static void expect_verdict(const char *verdict, double sign) {
    csv_table *claims = table_open("r/layer_correlation_claims.csv");
    ck_assert_uint_eq(claims->rows, 1);
    ck_assert_str_eq(csv_table_text(claims, 0, csv_table_column(claims, "verdict")), verdict);
    ck_assert_msg(sign * table_number(claims, 0, "estimate") > 0.0, "%g",
                  table_number(claims, 0, "estimate"));
    csv_table_free(claims);
}

START_TEST(verdicts_follow_the_trend) {
    write_study(40, -1);
    expect_done(TABLE STUDY_COLUMNS "--out @/r");
    expect_verdict("reproduced", -1);
    write_study(40, 1);
    expect_done(TABLE STUDY_COLUMNS "--out @/r");
    expect_verdict("not reproduced", 1);
    write_study(3, -1);
    expect_done(TABLE STUDY_COLUMNS "--out @/r");
    csv_table *claims = table_open("r/layer_correlation_claims.csv");
    ck_assert_uint_eq(claims->rows, 1);
    csv_table_free(claims);
}
END_TEST

START_TEST(groups_of_a_table_are_kept_apart) {
    write_study(10, 1);
    expect_done(TABLE STUDY_COLUMNS "--out @/r");
    csv_table *r = table_open("r/layer_correlation.csv");
    ck_assert_uint_eq(r->rows, 3 * 3 * 5); /* layers, coefficients, groups; one row per reconstruction */
    size_t row = TABLE_ROW(r, {"layer", "b"}, {"group", "pooled"}, {"coefficient", "kendall"});
    ck_assert(table_number(r, row, "n") == 40 && table_number(r, row, "n_scans") == 10);
    row = TABLE_ROW(r, {"layer", "c"}, {"group", "acceleration 8"}, {"coefficient", "spearman"});
    ck_assert(table_number(r, row, "n") == 20 && table_number(r, row, "n_scans") == 10);
    ck_assert(table_number(r, row, "ci_low") < table_number(r, row, "estimate") &&
              table_number(r, row, "estimate") < table_number(r, row, "ci_high"));
    row = TABLE_ROW(r, {"layer", "c"}, {"group", "method one; two"}, {"coefficient", "pearson"},
                    {"unit", "scan"});
    ck_assert(table_number(r, row, "n") == 20);
    csv_table_free(r);
}
END_TEST

/* A score that is constant in one group, a group of two scans, rows with a fault. */
START_TEST(constant_scores_have_no_correlation) {
    write_text("t.csv", "scan_id,slice,method,fault,ssim,block1_relu1,block2_relu1\n"
                        "a,0,u,,0.1,3,5\na,1,u,,0.2,3,6\na,0,v,,0.3,1,4\n"
                        "b,0,u,,0.5,3,2\nb,1,u,,0.4,3,3\nb,0,v,none,0.6,2,5\n"
                        "c,0,u,,0.7,3,1\nc,1,u,,0.9,3,1\nc,0,u,motion,99,99,99\n"
                        "d,0,u,,0.6,3,2\nd,1,u,,0.8,3,7\n");
    expect_done(TABLE "--out @/r");
    csv_table *r = table_open("r/layer_correlation.csv");
    size_t row = TABLE_ROW(r, {"layer", "block1_relu1"}, {"group", "pooled"});
    ck_assert(table_number(r, row, "n") == 10 && isfinite(table_number(r, row, "estimate")));
    row = TABLE_ROW(r, {"layer", "block1_relu1"}, {"group", "method u"});
    ck_assert(table_number(r, row, "n") == 8 && isnan(table_number(r, row, "estimate")) &&
              isnan(table_number(r, row, "ci_low")));
    row = TABLE_ROW(r, {"layer", "block2_relu1"}, {"group", "method u"});
    ck_assert(isfinite(table_number(r, row, "estimate")));
    row = TABLE_ROW(r, {"layer", "block2_relu1"}, {"group", "method v"});
    ck_assert(table_number(r, row, "n_scans") == 2 && isnan(table_number(r, row, "estimate")));
    csv_table_free(r);
    csv_table *trend = table_open("r/layer_correlation_trend.csv");
    row = TABLE_ROW(trend, {"group", "method u"}, {"coefficient", "pearson"});
    ck_assert(isnan(table_number(trend, row, "estimate")));
    csv_table_free(trend);
    char *text = read_table("r/layer_correlation.csv");
    ck_assert(strstr(text, "# excluded: 1 rows with a fault\n") && !strstr(text, "-nan"));
    free(text);
    expect_figure("layer_correlation", "r");
}
END_TEST

/* One layer and no trend; many, names that gnuplot might take for something else, large and negative scores.
 */
START_TEST(figures_take_any_table) {
    write_text("t.csv", "scan_id,ssim,block1_relu1\na,0.5,1\nb,0.7,2\nc,0.6,4\n");
    expect_done(TABLE "--out @/r");
    expect_figure("layer_correlation", "r");
    write_study(10, 1);
    expect_done(TABLE STUDY_COLUMNS "--panels c,a --out @/r");
    expect_figure("layer_correlation", "r");
    char *panels = read_table("r/panels/layer_correlation_axes.tsv");
    ck_assert(strstr(panels, "\n1\tc\t") || strstr(panels, "\n1\ta\t"));
    ck_assert(!strstr(panels, "\tb\t") && strstr(panels, "# scatters: 2\n"));
    free(panels);
    write_text("t.csv", "scan_id,my 'rating',it's 5 % {x_1},1\nq\"1,4,-1e6,1e-9\nb,2,-3e6,2e-9\n"
                        "\"d,e\",1,-2e6,5e-9\nf,5,-9e6,4e-9\n");
    expect_failure(TABLE "--out @/r", 1, "t.csv", "ssim");
    expect_done("layer_correlation --replicates 200 --table @/t.csv --outcome \"my 'rating'\" "
                "--higher-is-better \"my 'rating'\" "
                "--layers \"1,it's 5 % {x_1}\" --lower-is-better \"1,it's 5 % {x_1}\" --out @/r");
    expect_figure("layer_correlation", "r");
}
END_TEST

START_TEST(layer_correlation_rejects_wrong_input) {
    make_cohort();
    expect_failure(STUDY "--layers block1_relu1,block2_relu1,block1_relu1 --out @/r", 2, "block1_relu1",
                   "twice");
    expect_failure(STUDY "--scans 2 --out @/r", 1, "2 scans", "at least 3");
    expect_failure(STUDY "--layers block9_relu1 --out @/r", 1, "block9_relu1", "block5_relu2");
    expect_failure(STUDY "--layers block1_relu1 --panels block2_relu1 --out @/r", 1, "block2_relu1",
                   "layers");
    expect_failure("layer_correlation --cohort @/nowhere --out @/r", 1, "nowhere/test", "cannot list");
    expect_failure(STUDY "--replicates 0 --out @/r", 2, "replicates", "0");
    expect_failure(STUDY "--columns ssim=S --out @/r", 2, "--columns", "--table");
    expect_failure(TABLE "--columns ssim --out @/r", 2, "ssim", "NAME=COLUMN");
    expect_failure(TABLE "--columns scan=case --out @/r", 2, "scan", "scan_id");
    expect_failure(TABLE "--layers a,ssim --out @/r", 2, "ssim", "twice");
    expect_failure("layer_correlation --table @/none.csv --out @/r", 1, "none.csv", "open");
    write_text("t.csv", "scan_id,ssim,a\nx,1,1\ny,2,2\nz,3,1\n");
    expect_failure(TABLE "--out @/r", 1, "t.csv", "--layers");
    expect_failure(TABLE "--layers b --out @/r", 1, "no column 'b'", "scan_id, ssim, a");
    write_text("t.csv", "scan_id,ssim,a\nx,1,7\ny,2,7\nz,3,7\n");
    expect_failure(TABLE "--layers a --lower-is-better a --out @/r", 1, "'a' is 7 in all 3 rows", "t.csv");
    write_text("t.csv", "scan_id,ssim,a\nx,1,7\ny,1,8\nz,1,7\n");
    expect_failure(TABLE "--layers a --lower-is-better a --out @/r", 1, "'ssim' is 1 in all 3 rows", "t.csv");
    write_text("t.csv", "scan_id,fault,ssim,a\nx,motion,1,7\ny,,2,8\nz,,3,7\n");
    expect_failure(TABLE "--layers a --lower-is-better a --out @/r", 1, "2 scans without a fault", "t.csv");
    ck_assert_int_ne(access(in_folder("r/layer_correlation.csv"), F_OK), 0);
    ck_assert_int_ne(access(in_folder("r/records"), F_OK), 0);
    ck_assert_int_eq(truncate(in_folder("cohort/test/colin27_test_0003.h5"), 9000), 0);
    expect_failure(STUDY "--out @/r", 1, "colin27_test_0003.h5", "");
}
END_TEST

Suite *suite_score_table(void) {
    Suite *s = suite_create("score_table");
    TCase *t = tcase_create("score_table"), *p = tcase_create("layer_correlation");
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, a_foreign_table_is_read);
    tcase_add_test(t, what_is_written_is_read_again);
    tcase_add_test(t, wrong_tables_are_refused);
    tcase_add_test(t, directions_come_from_the_table_the_registry_or_the_user);
    tcase_add_test(t, wrong_columns_are_refused);
    tcase_add_test(t, parts_and_means_keep_their_scans);
    suite_add_tcase(s, t);
    tcase_set_timeout(p, 120);
    tcase_add_checked_fixture(p, scratch_set_up, scratch_tear_down);
    tcase_add_test(p, threads_do_not_matter);
    tcase_add_test(p, scores_and_correlations_are_those_of_the_library);
    tcase_add_test(p, own_scores_give_the_same_statistics_as_a_table);
    tcase_add_test(p, interrupted_scores_resume);
    tcase_add_test(p, verdicts_follow_the_trend);
    tcase_add_test(p, groups_of_a_table_are_kept_apart);
    tcase_add_test(p, constant_scores_have_no_correlation);
    tcase_add_test(p, figures_take_any_table);
    tcase_add_test(p, layer_correlation_rejects_wrong_input);
    suite_add_tcase(s, p);
    return s;
}
