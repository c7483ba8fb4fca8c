/* Command lines, run records, and how a program runs. */
#include "core/version.h"
#include "program/groups.h"
#include "suites.h"
#include "support.h"
#include <omp.h>
#include <unistd.h>

/* ---------------------------------------------------------------- command line */

typedef struct {
    int unused;
    uint64_t seed;
} drawn;

static struct {
    int quiet, levels;
    drawn drawn;
    double rate;
    const char *out, *in;
} o;

static const program_option seed_group[] = {OPT_SEED("seed", &((drawn *)0)->seed, "seed of all draws"),
                                            OPT_END};

static const program_option options[] = {OPT_FLAG("quiet", &o.quiet, "say nothing"),
                                         OPT_INT("levels", &o.levels, "N", 2, 21, "number of levels"),
                                         OPT_GROUP(seed_group, &o.drawn),
                                         OPT_REAL("rate", &o.rate, "RATE", 0.5, 4.5, "learning rate"),
                                         OPT_TEXT("out", &o.out, "DIR", "where the results go"),
                                         OPT_TEXT("in", &o.in, "DIR", "where the scans are"),
                                         OPT_END};
static const command_line command = {.name = "prog",
                                     .summary = "Does things.",
                                     .operands = "FILE...",
                                     .operands_max = 2,
                                     .options = options,
                                     .epilogue = "The end."};
static char *printed, *complained;
static int first;

/* Parses "prog <words>" against `with`; printed and complained hold what went to out and err. */
static options_result parse_with(const command_line *with, char *const *words) {
    char *argv[16] = {"prog"};
    int argc = 1;
    size_t size;
    while (words[argc - 1]) {
        argv[argc] = words[argc - 1];
        argc++;
    }
    free(printed);
    free(complained);
    FILE *out = open_memstream(&printed, &size), *err = open_memstream(&complained, &size);
    first = -1;
    o.quiet = 0, o.levels = 11, o.drawn.seed = 2022, o.rate = 1.25, o.out = "results", o.in = NULL;
    options_result result = options_parse(with, argc, argv, &first, out, err);
    fclose(out);
    fclose(err);
    return result;
}
#define PARSE(...) parse_with(&command, (char *[]){__VA_ARGS__, NULL})

START_TEST(options_keep_their_defaults) {
    ck_assert_int_eq(PARSE(NULL), OPTIONS_RUN);
    ck_assert_int_eq(o.quiet, 0);
    ck_assert_int_eq(o.levels, 11);
    ck_assert_uint_eq(o.drawn.seed, 2022);
    ck_assert_double_eq(o.rate, 1.25);
    ck_assert_str_eq(o.out, "results");
    ck_assert_ptr_null(o.in);
    ck_assert_int_eq(first, 1);
    ck_assert_str_eq(printed, "");
    ck_assert_str_eq(complained, "");
}
END_TEST

START_TEST(options_of_every_type_are_read) {
    ck_assert_int_eq(PARSE("a", "--quiet", "--levels", "21", "--seed=9223372036854775807", "--rate", "5e-1",
                           "--out", "x y", "b"),
                     OPTIONS_RUN);
    ck_assert_int_eq(o.quiet, 1);
    ck_assert_int_eq(o.levels, 21);
    ck_assert_uint_eq(o.drawn.seed, INT64_MAX);
    ck_assert_double_eq(o.rate, 0.5);
    ck_assert_str_eq(o.out, "x y");
    ck_assert_int_eq(first, 9); /* getopt moves the operands to the end */
    ck_assert_int_eq(PARSE("--levels", "2", "--", "--quiet"), OPTIONS_RUN);
    ck_assert_int_eq(o.levels, 2);
    ck_assert_int_eq(o.quiet, 0);
    ck_assert_int_eq(first, 4);
}
END_TEST

static void expect_usage(options_result result, const char *a, const char *b) {
    ck_assert_int_eq(result, OPTIONS_USAGE);
    const char *line = strchr(complained, '\n');
    ck_assert_msg(line && line[1] == '\0', "expected one line: %s", complained);
    ck_assert_msg(strncmp(complained, "prog: ", 6) == 0 && strstr(complained, a) && strstr(complained, b),
                  "expected '%s' and '%s' in: %s", a, b, complained);
    ck_assert_str_eq(printed, "");
}

START_TEST(bad_numbers_are_wrong_usage) {
    expect_usage(PARSE("--seed", "9223372036854775808"), "--seed", "from 0 to 2^63 - 1");
    expect_usage(PARSE("--levels", "many"), "--levels", "'many' is not a whole number");
    expect_usage(PARSE("--levels", "3.5"), "--levels", "3.5");
    expect_usage(PARSE("--levels", "5x"), "--levels", "5x");
    expect_usage(PARSE("--levels", ""), "--levels", "''");
    expect_usage(PARSE("--levels", "99999999999999999999"), "--levels", "whole number");
    expect_usage(PARSE("--levels", "4294967300"), "--levels", "whole number"); /* 4 when cut to 32 bits */
    expect_usage(PARSE("--seed", "-1"), "--seed", "from 0 to 2^63 - 1");
    expect_usage(PARSE("--seed", "18446744073709551616"), "--seed", "from 0 to 2^63 - 1");
    expect_usage(PARSE("--seed", "0x10"), "--seed", "0x10");
    expect_usage(PARSE("--rate", "fast"), "--rate", "'fast' is not a finite number");
    expect_usage(PARSE("--rate", "nan"), "--rate", "finite");
    expect_usage(PARSE("--rate", "inf"), "--rate", "finite");
    expect_usage(PARSE("--rate", "1e999"), "--rate", "finite");
}
END_TEST

START_TEST(numbers_stay_within_bounds) {
    expect_usage(PARSE("--levels", "1"), "--levels", "outside 2 to 21");
    ck_assert_int_eq(o.levels, 11);
    expect_usage(PARSE("--levels=22"), "--levels", "outside 2 to 21");
    expect_usage(PARSE("--rate", "0.49"), "--rate", "outside 0.5 to 4.5");
    expect_usage(PARSE("--rate", "4.51"), "--rate", "outside 0.5 to 4.5");
    ck_assert_double_eq(o.rate, 1.25);
    ck_assert_int_eq(PARSE("--rate", "4.5"), OPTIONS_RUN);
}
END_TEST

START_TEST(wrong_usage_is_one_line) {
    expect_usage(PARSE("--levels"), "--levels", "needs a value");
    expect_usage(PARSE("--nothing"), "unknown option", "--nothing");
    expect_usage(PARSE("--nothing=3"), "unknown option", "--nothing");
    expect_usage(PARSE("-x"), "unknown option", "-x");
    expect_usage(PARSE("--quiet=3"), "--quiet", "takes no value");
    expect_usage(PARSE("a", "b", "c"), "unexpected argument", "'c'");
    command_line needs = command;
    needs.operands_min = 1;
    char *none[] = {NULL};
    expect_usage(parse_with(&needs, none), "missing argument", "FILE...");
    expect_usage(PARSE("--levels", "two\nlines"), "--levels", "two");
    expect_usage(PARSE("--no\nthing"), "unknown option", "--no");
}
END_TEST

START_TEST(help_shows_options_and_defaults) {
    ck_assert_int_eq(PARSE("--help"), OPTIONS_DONE);
    ck_assert_str_eq(complained, "");
    static const char *const wanted[] = {"Usage: prog [options] FILE...",
                                         "Does things.",
                                         "--quiet ",
                                         "say nothing",
                                         "--levels N ",
                                         "number of levels (default: 11)",
                                         "--seed N ",
                                         "(default: 2022)",
                                         "--rate RATE ",
                                         "(default: 1.25)",
                                         "--out DIR ",
                                         "(default: results)",
                                         "--in DIR ",
                                         "where the scans are\n",
                                         "--help ",
                                         "--version ",
                                         "The end."};
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
        ck_assert_msg(strstr(printed, wanted[k]) != NULL, "expected '%s' in:\n%s", wanted[k], printed);
    ck_assert_int_eq(PARSE("--version"), OPTIONS_DONE);
    ck_assert_str_eq(printed, "prog " SSFD_VERSION "\n");
    ck_assert_str_eq(complained, "");
}
END_TEST

START_TEST(help_is_wrapped) {
    char words[600] = "";
    for (int k = 0; k < 50; k++)
        strcat(words, "word ");
    const program_option table[] = {OPT_FLAG("long", &o.quiet, words), OPT_END};
    const command_line wordy = {.name = "prog", .summary = "Talks.", .options = table};
    char *help[] = {"--help", NULL};
    ck_assert_int_eq(parse_with(&wordy, help), OPTIONS_DONE);
    int count = 0;
    for (const char *p = printed; (p = strstr(p, "word")); p++)
        count++;
    ck_assert_int_eq(count, 50);
    for (const char *line = printed; *line; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 100);
}
END_TEST

static void expect_values(options_style style, const char *expected) {
    static const char *const without[] = {"out", NULL};
    char *text = options_values(options, without, style);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(values_are_arguments_or_settings) {
    PARSE("--in", "scans", "--seed", "7");
    expect_values(OPTIONS_AS_ARGUMENTS, "--levels 11 --seed 7 --rate 1.25 --in scans");
    expect_values(OPTIONS_AS_SETTINGS, "quiet=0 levels=11 seed=7 rate=1.25 in=scans");
}
END_TEST

/* ---------------------------------------------------------------- running */

static run_options probe_options;
static int probe_outcome, probe_closed, probe_threads;
static operand_list probe_operands;

static int probe_check(void *self) {
    (void)self;
    return probe_options.seed == 13 ? err_set("--seed: 13 is unlucky") : 0;
}

static int probe_run(void *self, run_record *record) {
    (void)self;
    probe_threads = omp_get_max_threads();
    record_text(record, "key", "value");
    return probe_outcome < 0 ? err_set("it failed") : 0;
}

static void probe_close(void *self) {
    (void)self;
    probe_closed++;
}

/* Runs "probe <words>" as main() would; what it prints on stderr goes to the scratch folder. */
static int run_probe(int outcome, char *const *words) {
    static const program_option table[] = {OPT_RUN(&probe_options, "folder", "seed"), OPT_END};
    const program p = {.command = {.name = "probe", .operands = "FILE", .operands_max = 1, .options = table},
                       .operands = &probe_operands,
                       .options = &probe_options,
                       .check = probe_check,
                       .run = probe_run,
                       .close = probe_close};
    static char *argv[16] = {"probe"};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = words[argc - 1];
    argv[argc] = NULL;
    probe_options = (run_options)RUN_DEFAULTS;
    probe_options.out = in_folder("out");
    probe_outcome = outcome;
    probe_closed = 0;
    ck_assert_ptr_nonnull(freopen(in_folder("errors"), "w", stderr));
    int code = program_main(&p, argc, argv);
    fflush(stderr);
    return code;
}
#define PROBE(outcome, ...) run_probe(outcome, (char *[]){__VA_ARGS__, NULL})

static void expect_errors(const char *expected) {
    char *text = read_table("errors");
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(a_run_that_went_well_leaves_a_record) {
    ck_assert_int_eq(PROBE(0, "--threads", "3", "file"), 0);
    ck_assert_int_eq(probe_closed, 1);
    ck_assert_int_eq(probe_threads, 3);
    ck_assert_int_eq(probe_operands.count, 1);
    ck_assert_str_eq(probe_operands.at[0], "file");
    char *text = read_table("out/records/probe.json");
    ck_assert_ptr_nonnull(strstr(text, "\"key\": \"value\""));
    free(text);
    ck_assert_int_eq(PROBE(0, "--records", (char *)in_folder("elsewhere")), 0);
    free(read_table("elsewhere/probe.json"));
}
END_TEST

START_TEST(a_run_that_failed_closes_and_leaves_no_record) {
    ck_assert_int_eq(PROBE(-1, "--threads", "1"), 1);
    ck_assert_int_eq(probe_closed, 1);
    expect_errors("probe: it failed\n");
    ck_assert_int_ne(access(in_folder("out"), F_OK), 0);
}
END_TEST

START_TEST(values_that_do_not_fit_are_wrong_usage) {
    ck_assert_int_eq(PROBE(0, "--seed", "13"), 2);
    ck_assert_int_eq(probe_closed, 0);
    expect_errors("probe: --seed: 13 is unlucky (try --help)\n");
}
END_TEST

START_TEST(threads_default_to_what_openmp_was_told) {
    omp_set_num_threads(5); /* as OMP_NUM_THREADS=5 does */
    ck_assert_int_eq(PROBE(0, NULL), 0);
    ck_assert_int_eq(probe_threads, 5);
}
END_TEST

/* ---------------------------------------------------------------- run records */

/* Every bracket outside a text is closed by its partner, and no text holds a raw control character. */
static void expect_json(const char *text) {
    char open[64];
    int depth = 0, quoted = 0, closed = 0;
    for (const char *p = text; *p; p++) {
        if (quoted) {
            ck_assert_msg((unsigned char)*p >= 0x20, "control character in: %s", text);
            if (*p == '\\')
                ck_assert_msg(strchr("\"\\/bfnrtu", *++p) && *p, "bad escape in: %s", text);
            else
                quoted = *p != '"';
            continue;
        }
        ck_assert_msg(!closed || *p == '\n', "text after the end: %s", text);
        if (*p == '"')
            quoted = 1;
        else if (*p == '{' || *p == '[')
            open[depth++] = *p == '{' ? '}' : ']';
        else if (*p == '}' || *p == ']')
            ck_assert_msg(depth > 0 && *p == open[--depth], "brackets do not match: %s", text);
        closed |= depth == 0 && (*p == '}');
        ck_assert_int_lt(depth, 60);
    }
    ck_assert_msg(closed && !quoted && depth == 0, "no end: %s", text);
}

static void expect_in(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "expected '%s' in:\n%s", part, text);
}

static void expect_entries(const char *name, int count) {
    shell("test $(ls -A %s | wc -l) -eq %d", in_folder(name), count);
}

START_TEST(a_record_is_json_with_all_values) {
    char *argv[] = {"prog", "--name", "a \"b\"\n{[\\", NULL};
    run_record *r = record_begin("stage_one", 3, argv);
    ck_assert_ptr_nonnull(r);
    write_text("abc", "abc");
    record_text(r, "quotes", "say \"yes\"\n\tor \\ no }]");
    record_text(r, "latin1", "caf\xe9");
    record_text(r, "utf8", "caf\xc3\xa9");
    record_text(r, "twice", "before");
    record_text(r, "twice", "after");
    record_real(r, "loss", 0.125);
    record_real(r, "undefined", NAN);
    record_real(r, "endless", -INFINITY);
    record_integer(r, "count", INT64_MIN);
    ck_assert_int_eq(record_file(r, "input", in_folder("abc")), 0);
    ck_assert_int_eq(record_file(r, "input", in_folder("none")), -1);
    expect_error("/none", "No such file");
    ck_assert_msg(record_end(r, in_folder("records"), 0) == 0, "%s", err_message());

    char *text = read_table("records/stage_one.json");
    expect_json(text);
    expect_in(text, "\"stage\": \"stage_one\"");
    expect_in(text, "\"version\": \"" SSFD_VERSION "\"");
    expect_in(text, "\"arguments\": [\"prog\", \"--name\", \"a \\\"b\\\"\\u000a{[\\\\\"]");
    expect_in(text, "\"quotes\": \"say \\\"yes\\\"\\u000a\\u0009or \\\\ no }]\"");
    expect_in(text, "\"latin1\": \"caf\\ufffd\"");
    expect_in(text, "\"utf8\": \"caf\xc3\xa9\"");
    expect_in(text, "\"twice\": \"after\"");
    ck_assert_ptr_null(strstr(text, "before"));
    expect_in(text, "\"loss\": 0.125");
    expect_in(text, "\"undefined\": null");
    expect_in(text, "\"endless\": null");
    expect_in(text, "\"count\": -9223372036854775808");
    expect_in(text,
              "/abc\", \"sha256\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
    ck_assert_ptr_null(strstr(text, "/none"));
    expect_in(text, "\"threads\": ");
    expect_in(text, "\"wall_s\": ");
    expect_in(text, "\"peak_memory_mb\": ");
    expect_entries("records", 1);
    free(text);
}
END_TEST

START_TEST(a_discarded_record_leaves_nothing) {
    run_record *r = record_begin("empty", 0, NULL);
    ck_assert_int_eq(record_end(r, folder, 0), 0);
    char *text = read_table("empty.json");
    expect_json(text);
    free(text);
    r = record_begin("dropped", 0, NULL);
    record_text(r, "key", "value");
    record_discard(r);
    record_discard(NULL);
    expect_entries(".", 1);
    r = record_begin("cancelled", 0, NULL);
    record_when(r, RECORD_NEVER);
    ck_assert_int_eq(record_end(r, folder, 0), 0);
    ck_assert_int_eq(record_end(record_begin("failed", 0, NULL), folder, -1), -1);
    expect_entries(".", 1);
    r = record_begin("skipped", 0, NULL);
    record_when(r, RECORD_ALWAYS);
    ck_assert_int_eq(record_end(r, folder, -1), -1);
    expect_entries(".", 2);
    r = record_begin("homeless", 0, NULL);
    ck_assert_int_eq(record_end(r, in_folder("empty.json"), 0), -1);
    expect_error("empty.json", "Not a directory");
}
END_TEST

Suite *suite_program(void) {
    Suite *s = suite_create("program");
    TCase *t = tcase_create("program");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, options_keep_their_defaults);
    tcase_add_test(t, options_of_every_type_are_read);
    tcase_add_test(t, bad_numbers_are_wrong_usage);
    tcase_add_test(t, numbers_stay_within_bounds);
    tcase_add_test(t, wrong_usage_is_one_line);
    tcase_add_test(t, help_shows_options_and_defaults);
    tcase_add_test(t, help_is_wrapped);
    tcase_add_test(t, values_are_arguments_or_settings);
    tcase_add_test(t, a_run_that_went_well_leaves_a_record);
    tcase_add_test(t, a_run_that_failed_closes_and_leaves_no_record);
    tcase_add_test(t, values_that_do_not_fit_are_wrong_usage);
    tcase_add_test(t, threads_default_to_what_openmp_was_told);
    tcase_add_test(t, a_record_is_json_with_all_values);
    tcase_add_test(t, a_discarded_record_leaves_nothing);
    suite_add_tcase(s, t);
    return s;
}
