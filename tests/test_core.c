/* Errors, random streams, atomic files, command lines, CSV, run records. */
#include "core/atomic_file.h"
#include "core/cli.h"
#include "core/csv.h"
#include "core/error.h"
#include "core/philox.h"
#include "core/record.h"
#include "core/rng.h"
#include "suites.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[256];

static void set_up(void) {
    strcpy(folder, "/tmp/ssfd_core_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void tear_down(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_folder(const char *name) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static const char *read_text(const char *name) {
    static char text[8192];
    FILE *f = fopen(in_folder(name), "r");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

/* ---------------------------------------------------------------- errors */

START_TEST(test_error_messages) {
    char big[3 * ERR_MESSAGE_MAX];
    ck_assert_int_eq(err_set("file %s: bad", "a.h5"), -1);
    ck_assert_str_eq(err_message(), "file a.h5: bad");
    ck_assert_int_eq(err_prefix("slice %d", 3), -1);
    ck_assert_str_eq(err_message(), "slice 3: file a.h5: bad");
    err_set("one\ntwo");
    ck_assert_str_eq(err_message(), "one two");
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    err_set("%s", big);
    ck_assert_uint_eq(strlen(err_message()), ERR_MESSAGE_MAX - 1);
    err_prefix("%s", "long");
    ck_assert_uint_eq(strlen(err_message()), ERR_MESSAGE_MAX - 1);
    ck_assert_int_eq(strncmp(err_message(), "long: xxx", 9), 0);
}
END_TEST

START_TEST(test_error_leaves_a_parallel_region) {
    err_box box = {0};
    ck_assert_int_eq(err_box_raise(&box), 0);
#pragma omp parallel for num_threads(4)
    for (int k = 0; k < 8; k++)
        if (k == 5) {
            err_set("number %d failed", k);
            err_box_take(&box);
        }
    ck_assert_int_eq(err_box_failed(&box), 1);
    err_set("something else");
    ck_assert_int_eq(err_box_raise(&box), -1);
    ck_assert_str_eq(err_message(), "number 5 failed");
}
END_TEST

/* ---------------------------------------------------------------- random streams */

/* Known answers of Random123's philox4x32-10. */
START_TEST(test_philox_known_answers) {
    static const uint32_t zero[4] = {0}, ones[4] = {~0u, ~0u, ~0u, ~0u};
    static const uint32_t expected[2][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                            {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}};
    uint32_t out[4];
    philox4x32_10(zero, zero, out);
    ck_assert_int_eq(memcmp(out, expected[0], sizeof out), 0);
    philox4x32_10(ones, ones, out);
    ck_assert_int_eq(memcmp(out, expected[1], sizeof out), 0);
}
END_TEST

START_TEST(test_streams_depend_on_their_name_alone) {
    gsl_rng *a = rng_stream(7, RNG_TEST, 1, 2), *b = rng_stream(0, RNG_MASK, 0, 0);
    unsigned long first[100];
    for (int k = 0; k < 100; k++)
        first[k] = gsl_rng_get(a);
    for (int k = 0; k < 37; k++)
        gsl_rng_get(b);
    rng_restart(b, 7, RNG_TEST, 1, 2);
    for (int k = 0; k < 100; k++)
        ck_assert_uint_eq(gsl_rng_get(b), first[k]);
    static const uint64_t others[][3] = {{8, 1, 2}, {7, 2, 2}, {7, 1, 3}, {7, 2, 1}, {7, 1ull << 40, 2}};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        int same = 0;
        rng_restart(b, others[k][0], RNG_TEST, others[k][1], others[k][2]);
        for (int i = 0; i < 100; i++)
            same += gsl_rng_get(b) == first[i];
        ck_assert_int_lt(same, 3);
    }
    rng_restart(b, 7, RNG_MASK, 1, 2);
    ck_assert_uint_ne(gsl_rng_get(b), first[0]);
    gsl_rng_free(a);
    gsl_rng_free(b);
}
END_TEST

START_TEST(test_uniform_moments) {
    gsl_rng *rng = rng_stream(3, RNG_TEST, 0, 0);
    double sum = 0.0, square = 0.0;
    for (int k = 0; k < 1000000; k++) {
        double u = gsl_rng_uniform(rng);
        ck_assert(u >= 0.0 && u < 1.0);
        sum += u;
        square += u * u;
    }
    ck_assert_double_eq_tol(sum / 1e6, 0.5, 0.0015); /* five standard errors */
    ck_assert_double_eq_tol(square / 1e6, 1.0 / 3.0, 0.0015);
    gsl_rng_free(rng);
    ck_assert_uint_ne(rng_hash("scan_1"), rng_hash("scan_2"));
}
END_TEST

/* ---------------------------------------------------------------- files */

START_TEST(test_files_appear_whole_or_not_at_all) {
    char final[256];
    strcpy(final, in_folder("deep/down/file.txt"));
    char *temporary = atomic_begin(final);
    ck_assert_ptr_nonnull(temporary);
    FILE *f = fopen(temporary, "w");
    fputs("first", f);
    fclose(f);
    ck_assert_int_ne(access(final, F_OK), 0);
    ck_assert_int_eq(atomic_commit(temporary, final), 0);
    ck_assert_str_eq(read_text("deep/down/file.txt"), "first");

    temporary = atomic_begin(final);
    f = fopen(temporary, "w");
    fputs("second", f);
    fclose(f);
    ck_assert_str_eq(read_text("deep/down/file.txt"), "first");
    char keep[256];
    strcpy(keep, temporary);
    atomic_discard(temporary);
    ck_assert_int_ne(access(keep, F_OK), 0);
    ck_assert_str_eq(read_text("deep/down/file.txt"), "first");
    atomic_discard(NULL);

    write_text("plain", "x");
    ck_assert_ptr_null(atomic_begin(in_folder("plain/below")));
    ck_assert_ptr_nonnull(strstr(err_message(), "plain"));
}
END_TEST

START_TEST(test_checksums) {
    char hex[65];
    write_text("abc", "abc");
    ck_assert_int_eq(file_checksum(path, "sha256", hex), 0);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_assert_int_eq(file_checksum(path, "md5", hex), 0);
    ck_assert_str_eq(hex, "900150983cd24fb0d6963f7d28e17f72");
    ck_assert_int_eq(file_checksum(in_folder("none"), "md5", hex), -1);
    ck_assert_ptr_nonnull(strstr(err_message(), "none"));
    ck_assert_int_eq(file_checksum(in_folder("abc"), "crc99", hex), -1);
}
END_TEST

/* ---------------------------------------------------------------- command lines */

typedef struct {
    int flag, count;
    double rate;
    const char *name;
    uint64_t seed;
    char out[4096], err[1024];
    int first;
} parsed;

static cli_result parse(parsed *p, int argc, char **argv) {
    *p = (parsed){.count = 3, .rate = 0.5, .name = "default", .seed = 11};
    const cli_option options[] = {{CLI_FLAG, "flag", &p->flag, NULL, "a flag", 0, 0},
                                  {CLI_INT, "count", &p->count, "N", "a count", 1, 10},
                                  {CLI_REAL, "rate", &p->rate, "R", "a rate", 0, 0},
                                  {CLI_STRING, "name", &p->name, "TEXT", "a name", 0, 0},
                                  {CLI_U64, "seed", &p->seed, "N", "a seed", 0, 0},
                                  {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {"tool", "Does a thing.", "[FILE]", 0, 1, options, "The end."};
    FILE *out = fmemopen(p->out, sizeof p->out, "w"), *err = fmemopen(p->err, sizeof p->err, "w");
    cli_result result = cli_parse(&spec, argc, argv, &p->first, out, err);
    fclose(out);
    fclose(err);
    return result;
}

#define PARSE(p, ...)                                                                                        \
    parse(p, (int)(sizeof((char *[]){"tool", __VA_ARGS__}) / sizeof(char *)),                                \
          (char *[]){"tool", __VA_ARGS__, NULL})

START_TEST(test_command_lines) {
    parsed p;
    ck_assert_int_eq(PARSE(&p, "--flag", "--count", "7", "--rate=1e-3", "--name", "x y", "--seed",
                           "18446744073709551615", "file"),
                     CLI_RUN);
    ck_assert(p.flag == 1 && p.count == 7 && p.rate == 1e-3 && p.seed == UINT64_MAX);
    ck_assert_str_eq(p.name, "x y");
    ck_assert_int_eq(p.first, 9);
    ck_assert_int_eq(PARSE(&p, "--name", "only"), CLI_RUN);
    ck_assert(p.count == 3 && p.rate == 0.5 && p.seed == 11 && p.flag == 0);
}
END_TEST

START_TEST(test_wrong_usage_is_one_line) {
    static char *const wrong[][3] = {
        {"--count", "11", "11"},   {"--count", "0", "count"}, {"--count", "3x", "3x"},
        {"--rate", "inf", "rate"}, {"--rate", "", "rate"},    {"--seed", "-1", "-1"},
        {"--nope", "1", "nope"},   {"--flag=1", "f", "flag"}, {"a", "b", "tool"}};
    parsed p;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        ck_assert_msg(PARSE(&p, wrong[k][0], wrong[k][1]) == CLI_USAGE, "%s %s was accepted", wrong[k][0],
                      wrong[k][1]);
        ck_assert_msg(strstr(p.err, wrong[k][2]) && strchr(p.err, '\n') == p.err + strlen(p.err) - 1, "%s",
                      p.err);
        ck_assert_str_eq(p.out, "");
    }
    ck_assert_int_eq(PARSE(&p, "--count"), CLI_USAGE);
}
END_TEST

START_TEST(test_help_tells_everything) {
    parsed p;
    ck_assert_int_eq(PARSE(&p, "--help"), CLI_DONE);
    static const char *const parts[] = {"Does a thing.", "--flag", "--count",  "a rate",   "default", "11",
                                        "0.5",           "[FILE]", "The end.", "--version"};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        ck_assert_msg(strstr(p.out, parts[k]) != NULL, "--help lacks '%s': %s", parts[k], p.out);
    ck_assert_int_eq(PARSE(&p, "--version"), CLI_DONE);
    ck_assert_str_eq(p.out, "tool " SSFD_VERSION "\n");
}
END_TEST

/* ---------------------------------------------------------------- CSV */

START_TEST(test_csv_round_trip) {
    csv_writer *w = csv_writer_open(in_folder("t.csv"));
    csv_writer_comment(w, "cohort: %s", "x");
    csv_writer_row(w, "name,value");
    csv_writer_row(w, "%s,%.9g", "\"a, \"\"b\"\"\"", 0.1);
    csv_writer_row(w, "plain,nan");
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(csv_writer_close(w), 0);
    csv_table *t = csv_table_read(in_folder("t.csv"));
    ck_assert_msg(t != NULL, "%s", err_message());
    ck_assert(t->rows == 2 && t->columns == 2 && t->comment_count == 1);
    ck_assert_str_eq(t->comments[0], "cohort: x");
    double value;
    int column = csv_table_column(t, "value");
    ck_assert_str_eq(csv_table_text(t, 0, csv_table_column(t, "name")), "a, \"b\"");
    ck_assert(csv_table_real(t, 0, column, &value) == 0 && value == 0.1);
    ck_assert(csv_table_real(t, 1, column, &value) == 0 && isnan(value));
    ck_assert_int_eq(csv_table_real(t, 1, csv_table_column(t, "name"), &value), -1);
    ck_assert(strstr(err_message(), "t.csv") && strstr(err_message(), "row 2") &&
              strstr(err_message(), "plain"));
    ck_assert_int_eq(csv_table_column(t, "none"), -1);
    ck_assert(strstr(err_message(), "none") && strstr(err_message(), "name") &&
              strstr(err_message(), "value"));
    csv_table_free(t);
    w = csv_writer_open(in_folder("dropped.csv"));
    csv_writer_row(w, "a");
    csv_writer_discard(w);
    ck_assert_int_ne(access(in_folder("dropped.csv"), F_OK), 0);
}
END_TEST

START_TEST(test_damaged_csv_is_refused) {
    write_text("ragged.csv", "a,b\n1,2\n3\n");
    ck_assert_ptr_null(csv_table_read(path));
    ck_assert(strstr(err_message(), "ragged.csv") && strstr(err_message(), "line 3"));
    write_text("open.csv", "a\n\"never closed\n");
    ck_assert_ptr_null(csv_table_read(path));
    write_text("empty.csv", "# only a comment\n");
    ck_assert_ptr_null(csv_table_read(path));
    ck_assert_ptr_nonnull(strstr(err_message(), "header"));
    ck_assert_ptr_null(csv_table_read(in_folder("none.csv")));
}
END_TEST

/* ---------------------------------------------------------------- records */

START_TEST(test_run_record) {
    char *argv[] = {"tool", "--name", "a \"quoted\"\nline\\"};
    run_record *r = record_begin("stage", 3, argv);
    record_text(r, "cohort", "x\ty");
    record_real(r, "speed", 2.5);
    record_integer(r, "seed", -7);
    write_text("input", "abc");
    ck_assert_int_eq(record_file(r, "input", path), 0);
    ck_assert_int_eq(record_end(r, folder), 0);
    const char *json = read_text("stage.json");
    static const char *const parts[] = {"\"stage\": \"stage\"",
                                        "a \\\"quoted\\\"\\u000aline\\\\",
                                        "\"cohort\": \"x\\u0009y\"",
                                        "\"speed\": 2.5",
                                        "\"seed\": -7",
                                        "\"wall_s\": ",
                                        "ba7816bf8f01cfea"};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        ck_assert_msg(strstr(json, parts[k]) != NULL, "record lacks %s: %s", parts[k], json);
    r = record_begin("other", 1, argv);
    ck_assert_int_eq(record_file(r, "input", in_folder("none")), -1);
    record_discard(r);
    ck_assert_int_ne(access(in_folder("other.json"), F_OK), 0);
}
END_TEST

Suite *suite_core(void) {
    Suite *s = suite_create("core");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, test_error_messages);
    tcase_add_test(t, test_error_leaves_a_parallel_region);
    tcase_add_test(t, test_philox_known_answers);
    tcase_add_test(t, test_streams_depend_on_their_name_alone);
    tcase_add_test(t, test_uniform_moments);
    tcase_add_test(t, test_files_appear_whole_or_not_at_all);
    tcase_add_test(t, test_checksums);
    tcase_add_test(t, test_command_lines);
    tcase_add_test(t, test_wrong_usage_is_one_line);
    tcase_add_test(t, test_help_tells_everything);
    tcase_add_test(t, test_csv_round_trip);
    tcase_add_test(t, test_damaged_csv_is_refused);
    tcase_add_test(t, test_run_record);
    suite_add_tcase(s, t);
    return s;
}
