/* Random streams, files that appear whole or not at all, CSV, error messages, loops. */
#include "suites.h"
#include "support.h"

#include "core/csv.h"
#include "core/error.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/rng.h"
#include "core/version.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int count_entries(const char *path) {
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    int count = -2; /* "." and ".." */
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Valid until the next call. */
static const char *read_text(const char *name) {
    static char *text;
    free(text);
    text = read_table(name);
    return text;
}

/* ---------------------------------------------------------------- random streams */

static const struct {
    uint32_t counter[4], key[2], expected[4];
} philox_vectors[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(philox_gives_known_answers) {
    uint32_t out[4];
    philox4x32_10(philox_vectors[_i].counter, philox_vectors[_i].key, out);
    for (int k = 0; k < 4; k++)
        ck_assert_uint_eq(out[k], philox_vectors[_i].expected[k]);
}
END_TEST

START_TEST(philox_is_a_gsl_generator) {
    gsl_rng *rng = gsl_rng_alloc(rng_philox);
    gsl_rng_set(rng, 0x123456789abcdef0u);
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, 0, 0, 0}, key[2] = {0x9abcdef0u, 0x12345678u};
        uint32_t expected[4];
        philox4x32_10(counter, key, expected);
        for (int k = 0; k < 4; k++)
            ck_assert_uint_eq(gsl_rng_get(rng), expected[k]);
    }
    gsl_rng_set(rng, 0);
    ck_assert_double_eq(gsl_rng_uniform(rng), 0x6627e8d5u / 4294967296.0);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(a_stream_ignores_earlier_draws) {
    enum { DRAWS = 23 };
    unsigned long alone[DRAWS];
    gsl_rng *rng = rng_stream(7, RNG_TEST, 1, 2);
    for (int k = 0; k < DRAWS; k++)
        alone[k] = gsl_rng_get(rng);
    gsl_rng *other = rng_stream(7, RNG_TEST, 1, 3), *again = rng_stream(7, RNG_TEST, 1, 2);
    for (int k = 0; k < DRAWS; k++) {
        for (int skip = 0; skip < k % 5; skip++)
            gsl_rng_get(other);
        ck_assert_uint_eq(gsl_rng_get(again), alone[k]);
    }
    rng_restart(other, 7, RNG_TEST, 1, 2); /* in the middle of a block of another stream */
    for (int k = 0; k < DRAWS; k++)
        ck_assert_uint_eq(gsl_rng_get(other), alone[k]);
    gsl_rng_free(rng);
    gsl_rng_free(other);
    gsl_rng_free(again);
}
END_TEST

START_TEST(streams_of_different_names_differ) {
    static const struct {
        uint64_t seed;
        rng_domain domain;
        uint64_t a, b;
    } names[] = {
        {1, RNG_TEST, 0, 0},          {2, RNG_TEST, 0, 0},          {1 + (1ull << 32), RNG_TEST, 0, 0},
        {1ull << 32, RNG_TEST, 0, 0}, {1, RNG_MASK, 0, 0},          {1, RNG_DROPOUT, 0, 0},
        {1, RNG_TEST, 1, 0},          {1, RNG_TEST, 1ull << 32, 0}, {1, RNG_TEST, 0, 1},
        {1, RNG_TEST, 0, 1ull << 32}, {1, RNG_TEST, 1, 1},
    };
    enum { NAMES = sizeof names / sizeof *names, DRAWS = 8 };
    unsigned long draws[NAMES][DRAWS];
    for (int n = 0; n < NAMES; n++) {
        gsl_rng *rng = rng_stream(names[n].seed, names[n].domain, names[n].a, names[n].b);
        for (int k = 0; k < DRAWS; k++)
            draws[n][k] = gsl_rng_get(rng);
        gsl_rng_free(rng);
    }
    /* No word is shared at any offset: that would have a chance of 2e-6. */
    for (int n = 0; n < NAMES * DRAWS; n++)
        for (int m = 0; m < n; m++)
            ck_assert_msg(draws[n / DRAWS][n % DRAWS] != draws[m / DRAWS][m % DRAWS],
                          "streams %d and %d share a word", n / DRAWS, m / DRAWS);
}
END_TEST

START_TEST(uniform_draws_have_uniform_moments) {
    enum { DRAWS = 200000 };
    gsl_rng *rng = rng_stream(2022, RNG_TEST, 5, 6);
    double sum = 0, squares = 0, lagged = 0, before = 0.5;
    for (int k = 0; k < DRAWS; k++) {
        double u = gsl_rng_uniform(rng);
        ck_assert(u >= 0 && u < 1);
        sum += u;
        squares += (u - 0.5) * (u - 0.5);
        lagged += (u - 0.5) * (before - 0.5);
        before = u;
    }
    gsl_rng_free(rng);
    /* five standard errors each */
    ck_assert_double_eq_tol(sum / DRAWS, 0.5, 5 * sqrt(1.0 / 12 / DRAWS));
    ck_assert_double_eq_tol(squares / DRAWS, 1.0 / 12, 5 * sqrt(1.0 / 180 / DRAWS));
    ck_assert_double_eq_tol(lagged / DRAWS, 0, 5.0 / 12 / sqrt(DRAWS));
}
END_TEST

/* As many as wanted, every one as often as any other. */
START_TEST(some_of_many_are_chosen_evenly) {
    int chosen[10], again[10], often[10] = {0};
    for (uint64_t seed = 0; seed < 2000; seed++) {
        int count = 0;
        ck_assert_int_eq(rng_choose(seed, RNG_TEST, 0, 0, 10, 3, chosen), 0);
        for (int k = 0; k < 10; k++) {
            count += chosen[k];
            often[k] += chosen[k];
        }
        ck_assert_int_eq(count, 3);
    }
    for (int k = 0; k < 10; k++)
        ck_assert_msg(abs(often[k] - 600) < 100, "%d: %d of 2000", k,
                      often[k]); /* five standard deviations */
    rng_choose(1999, RNG_TEST, 0, 0, 10, 3, again);
    ck_assert_int_eq(memcmp(chosen, again, sizeof chosen), 0);
    for (int wanted = 0; wanted <= 11; wanted += 11) { /* none said, or more than there are: all */
        rng_choose(1, RNG_TEST, 0, 0, 10, wanted, chosen);
        for (int k = 0; k < 10; k++)
            ck_assert_int_eq(chosen[k], 1);
    }
}
END_TEST

START_TEST(hash_gives_known_answers) {
    ck_assert_uint_eq(rng_hash(""), 0xcbf29ce484222325u);
    ck_assert_uint_eq(rng_hash("a"), 0xaf63dc4c8601ec8cu);
    ck_assert_uint_eq(rng_hash("foobar"), 0x85944171f73967e8u);
}
END_TEST

/* ---------------------------------------------------------------- files */

START_TEST(atomic_commit_replaces_the_file) {
    const char *path = in_folder("deep/er/file.txt");
    char *temporary = atomic_begin(path);
    ck_assert_msg(temporary != NULL, "%s", err_message());
    ck_assert_int_eq(access(in_folder("deep/er"), F_OK), 0);
    write_text(temporary, "old");
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(atomic_commit(temporary, path), 0);
    ck_assert_str_eq(read_text(path), "old");

    temporary = atomic_begin(path);
    write_text(temporary, "new");
    ck_assert_str_eq(read_text(path), "old");
    ck_assert_int_eq(atomic_commit(temporary, path), 0);
    ck_assert_str_eq(read_text(path), "new");
    ck_assert_int_eq(count_entries(in_folder("deep/er")), 1);
}
END_TEST

START_TEST(atomic_discard_leaves_nothing) {
    const char *path = in_folder("file.txt");
    write_text(path, "old");
    char *temporary = atomic_begin(path);
    write_text(temporary, "new");
    ck_assert_int_eq(count_entries(folder), 2);
    atomic_discard(temporary);
    ck_assert_int_eq(count_entries(folder), 1);
    ck_assert_str_eq(read_text(path), "old");
    atomic_discard(NULL);
}
END_TEST

START_TEST(atomic_failures_name_the_file) {
    const char *path = in_folder("file.txt");
    write_text(path, "old");
    ck_assert_int_eq(atomic_commit(atomic_begin(path), path), -1); /* never written */
    expect_error(path, "cannot open");
    ck_assert_str_eq(read_text(path), "old");

    ck_assert_int_eq(path_make_dirs(in_folder("taken/below")), 0);
    char *temporary = atomic_begin(in_folder("taken"));
    write_text(temporary, "new");
    ck_assert_int_eq(atomic_commit(temporary, in_folder("taken")), -1); /* a folder is in the way */
    expect_error("/taken", "cannot put the finished file in place");
    ck_assert_int_eq(count_entries(folder), 2);

    ck_assert_ptr_null(atomic_begin(in_folder("file.txt/below.txt")));
    expect_error("/file.txt", "Not a directory");
}
END_TEST

START_TEST(folders_are_made_with_their_parents) {
    struct stat info;
    ck_assert_int_eq(path_make_dirs(in_folder("a/b/c")), 0);
    ck_assert_int_eq(path_make_dirs(in_folder("a/b/c/")), 0);
    ck_assert(stat(in_folder("a/b/c"), &info) == 0 && S_ISDIR(info.st_mode));
    write_text(in_folder("plain"), "");
    ck_assert_int_eq(path_make_dirs(in_folder("plain/sub")), -1);
    expect_error("plain", "Not a directory");
}
END_TEST

START_TEST(checksums_give_known_answers) {
    const char *path = in_folder("abc");
    char hex[65];
    write_text(path, "abc");
    ck_assert_int_eq(file_checksum(path, "sha256", hex), 0);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_assert_int_eq(file_checksum(path, "md5", hex), 0);
    ck_assert_str_eq(hex, "900150983cd24fb0d6963f7d28e17f72");
    write_text(path, "");
    ck_assert_int_eq(file_checksum(path, "md5", hex), 0);
    ck_assert_str_eq(hex, "d41d8cd98f00b204e9800998ecf8427e");

    ck_assert_int_eq(file_checksum(in_folder("none"), "sha256", hex), -1);
    expect_error(in_folder("none"), "No such file");
    ck_assert_int_eq(file_checksum(path, "crc7", hex), -1);
    expect_error("crc7", "sha256 or md5");
    ck_assert_int_eq(file_checksum(path, "sha512", hex), -1); /* would not fit into 65 bytes */
    ck_assert_int_eq(file_checksum(folder, "sha256", hex), -1);
    expect_error(folder, "cannot read");
}
END_TEST

START_TEST(checksum_joins_chunks) {
    const char *path = in_folder("a");
    char hex[65];
    FILE *f = fopen(path, "w");
    for (int k = 0; k < 1000000; k++)
        fputc('a', f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(file_checksum(path, "sha256", hex), 0);
    ck_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

/* ---------------------------------------------------------------- CSV */

static csv_table *table_of(const char *text) {
    write_text(in_folder("table.csv"), text);
    return csv_table_read(in_folder("table.csv"));
}

START_TEST(csv_reads_what_it_writes) {
    const char *path = in_folder("sub/out.csv");
    csv_writer *csv = csv_writer_open(path);
    ck_assert_msg(csv != NULL, "%s", err_message());
    csv_writer_comment(csv, "seed %d, \"quoted\"", 2022);
    csv_writer_comment(csv, "second");
    csv_writer_row(csv, "name,value,note");
    csv_writer_row(csv, "%s,%.9g,%s", "\"a, \"\"b\"\"\"", 0.1f, "\"two\nlines\"");
    csv_writer_row(csv, "plain,%.9g,", -1.5e-300);
    csv_writer_row(csv, "# no comment,nan,\"\"");
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_msg(csv_writer_close(csv) == 0, "%s", err_message());
    ck_assert_int_eq(count_entries(in_folder("sub")), 1);

    csv_table *t = csv_table_read(path);
    ck_assert_msg(t != NULL, "%s", err_message());
    ck_assert_uint_eq(t->comment_count, 2);
    ck_assert_str_eq(t->comments[0], "seed 2022, \"quoted\"");
    ck_assert_str_eq(t->comments[1], "second");
    ck_assert_uint_eq(t->rows, 3);
    ck_assert_uint_eq(t->columns, 3);
    int name = csv_table_column(t, "name"), value = csv_table_column(t, "value"),
        note = csv_table_column(t, "note");
    ck_assert_str_eq(csv_table_text(t, 0, name), "a, \"b\"");
    ck_assert_str_eq(csv_table_text(t, 0, note), "two\nlines");
    ck_assert_str_eq(csv_table_text(t, 1, note), "");
    ck_assert_str_eq(csv_table_text(t, 2, name), "# no comment");
    ck_assert_str_eq(csv_table_text(t, 2, note), "");
    double x;
    ck_assert_int_eq(csv_table_real(t, 0, value, &x), 0);
    ck_assert_float_eq((float)x, 0.1f);
    ck_assert_int_eq(csv_table_real(t, 1, value, &x), 0);
    ck_assert_double_eq(x, -1.5e-300);
    ck_assert_int_eq(csv_table_real(t, 2, value, &x), 0);
    ck_assert_double_nan(x);
    csv_table_free(t);
}
END_TEST

START_TEST(csv_takes_any_line_ends) {
    csv_table *t = table_of("# note\r\n\r\na,\"b\",c\r\n1,\"2\",\r\n\r\n3,4,\"5\"");
    ck_assert_msg(t != NULL, "%s", err_message());
    static const char *const expected[] = {"1", "2", "", "3", "4", "5"};
    ck_assert_str_eq(t->comments[0], "note");
    ck_assert_uint_eq(t->rows, 2);
    ck_assert_int_eq(csv_table_column(t, "b"), 1);
    ck_assert_int_eq(csv_table_column(t, "c"), 2);
    for (size_t k = 0; k < 6; k++)
        ck_assert_str_eq(csv_table_text(t, k / 3, (int)(k % 3)), expected[k]);
    csv_table_free(t);
}
END_TEST

/* What spreadsheets and people write. */
START_TEST(csv_drops_blanks) {
    static const char *const expected[] = {"1", "x y", "", " 2 ", "z", "3"};
    csv_table *t = table_of("\xef\xbb\xbf# note\n a ,b\t, c\r\n 1, x y ,\t\r\n\" 2 \",z , 3 ");
    ck_assert_msg(t != NULL, "%s", err_message());
    ck_assert_uint_eq(t->comment_count, 1);
    ck_assert_int_eq(csv_table_column(t, "a"), 0);
    ck_assert_int_eq(csv_table_column(t, "c"), 2);
    for (size_t k = 0; k < 6; k++)
        ck_assert_str_eq(csv_table_text(t, k / 3, (int)(k % 3)), expected[k]);
    csv_table_free(t);
}
END_TEST

/* Text comes back as it was, but for csv_writer_plain(); a comment has one line. */
START_TEST(csv_quotes_text) {
    static const char *const texts[] = {" a", "a\t", "a,\"b\"", "", "two\nlines", "#1"};
    csv_writer *csv = csv_writer_open(in_folder("out.csv"));
    csv_writer_comment(csv, "cohort: %s", "two\r\nlines");
    csv_writer_row(csv, "text,plain");
    for (size_t k = 0; k < 6; k++) {
        csv_writer_text(csv, texts[k]);
        csv_writer_plain(csv, texts[k]);
        csv_writer_end_row(csv);
    }
    ck_assert_int_eq(csv_writer_close(csv), 0);
    csv_table *t = csv_table_read(in_folder("out.csv"));
    ck_assert_msg(t != NULL, "%s", err_message());
    ck_assert_str_eq(t->comments[0], "cohort: two  lines");
    for (size_t k = 0; k < 6; k++)
        ck_assert_str_eq(csv_table_text(t, k, 0), texts[k]);
    ck_assert_str_eq(csv_table_text(t, 2, 1), "a;'b'");
    ck_assert_str_eq(csv_table_text(t, 4, 1), "two lines");
    csv_table_free(t);
    char *text = NULL;
    size_t room = 0;
    FILE *f = fopen(in_folder("out.csv"), "r"); /* gnuplot takes a line that begins with # for a comment */
    for (int line = 1; f && getline(&text, &room, f) > 0; line++)
        ck_assert(line == 1 || text[0] != '#');
    fclose(f);
    free(text);
}
END_TEST

/* More than the reader's first buffer and list hold. */
START_TEST(csv_holds_many_rows) {
    enum { ROWS = 20000 };
    csv_writer *csv = csv_writer_open(in_folder("table.csv"));
    csv_writer_row(csv, "k,square");
    for (int k = 0; k < ROWS; k++)
        csv_writer_row(csv, "%d,%d", k, k * k);
    ck_assert_int_eq(csv_writer_close(csv), 0);
    csv_table *t = csv_table_read(in_folder("table.csv"));
    ck_assert_msg(t != NULL, "%s", err_message());
    ck_assert_uint_eq(t->rows, ROWS);
    for (size_t k = 0; k < ROWS; k++) {
        double square;
        ck_assert_int_eq(csv_table_real(t, k, 1, &square), 0);
        ck_assert_double_eq(square, (double)(k * k));
    }
    csv_table_free(t);
}
END_TEST

START_TEST(csv_messages_name_file_row_and_column) {
    csv_table *t = table_of("name,value\nx,1\ny,1.5mm\nz,\n");
    ck_assert_msg(t != NULL, "%s", err_message());
    double x;
    ck_assert_int_eq(csv_table_real(t, 0, 1, &x), 0);
    ck_assert_int_eq(csv_table_real(t, 1, 1, &x), -1);
    expect_error("table.csv", "row 2, column 'value': '1.5mm'");
    ck_assert_int_eq(csv_table_real(t, 2, 1, &x), -1);
    expect_error("table.csv", "row 3, column 'value': ''");
    ck_assert_int_eq(csv_table_column(t, "price"), -1);
    expect_error("table.csv: no column 'price'", "name, value");
    csv_table_free(t);

    ck_assert_ptr_null(csv_table_read(in_folder("none.csv")));
    expect_error("none.csv", "No such file");
    ck_assert_ptr_null(table_of("# only\n"));
    expect_error("table.csv", "no header row");
    ck_assert_ptr_null(table_of("# note\na,b\n1,2\n3\n"));
    expect_error("table.csv: line 4", "1 fields, expected 2");
    ck_assert_ptr_null(table_of("a,b\n1,\"2\n3,4\n"));
    expect_error("table.csv: line 2", "no end");
    ck_assert_ptr_null(table_of("a,b\n1,\"2\"3\n"));
    expect_error("table.csv: line 2", "after a quoted field");
}
END_TEST

START_TEST(csv_discard_leaves_nothing) {
    csv_writer *csv = csv_writer_open(in_folder("out.csv"));
    csv_writer_row(csv, "a,b");
    csv_writer_discard(csv);
    csv_writer_discard(NULL);
    ck_assert_int_eq(count_entries(folder), 0);
}
END_TEST

/* ---------------------------------------------------------------- errors */

START_TEST(error_messages_are_formatted) {
    ck_assert_int_eq(err_set("%s: %d", "file", 3), -1);
    ck_assert_str_eq(err_message(), "file: 3");
    ck_assert_int_eq(err_prefix("scan %d", 7), -1);
    ck_assert_str_eq(err_message(), "scan 7: file: 3");
    ck_assert_ptr_null(err_set_null("again: %s", err_message())); /* the message as its own argument */
    ck_assert_str_eq(err_message(), "again: scan 7: file: 3");
    err_set("two\nlines\r\nor three");
    ck_assert_str_eq(err_message(), "two lines  or three");
    err_prefix("a\nb");
    ck_assert_str_eq(err_message(), "a b: two lines  or three");
}
END_TEST

START_TEST(long_messages_are_cut) {
    char text[3 * ERR_MESSAGE_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set("begin %s", text);
    ck_assert_uint_eq(strlen(err_message()), ERR_MESSAGE_MAX - 1);
    ck_assert_int_eq(strncmp(err_message(), "begin xxx", 9), 0);
    err_prefix("file");
    ck_assert_uint_eq(strlen(err_message()), ERR_MESSAGE_MAX - 1);
    ck_assert_int_eq(strncmp(err_message(), "file: begin xxx", 15), 0);
    err_set("short");
    err_prefix("%s", text);
    ck_assert_uint_eq(strlen(err_message()), ERR_MESSAGE_MAX - 1);
    err_set("back");
    ck_assert_str_eq(err_message(), "back");
}
END_TEST

START_TEST(an_error_leaves_a_parallel_region) {
    err_box box = {0};
    err_set("of the thread that opens the region");
#pragma omp parallel for num_threads(4)
    for (int k = 0; k < 64; k++)
        if (k % 16 == 5) {
            err_set("task %d failed", k);
            err_box_take(&box);
        }
    ck_assert_int_eq(err_box_failed(&box), 1);
    err_set("something else");
    ck_assert_int_eq(err_box_raise(&box), -1);
    int k, end = 0;
    ck_assert_int_eq(sscanf(err_message(), "task %d failed%n", &k, &end), 1);
    ck_assert_int_eq(err_message()[end], '\0');
    ck_assert_int_eq(k % 16, 5);
    char kept[ERR_MESSAGE_MAX];
    strcpy(kept, err_message());
    err_set("later");
    err_box_take(&box); /* the first failure stays */
    ck_assert_int_eq(err_box_raise(&box), -1);
    ck_assert_str_eq(err_message(), kept);
}
END_TEST

START_TEST(an_empty_error_box_raises_nothing) {
    err_box box = {0};
    err_set("untouched");
    ck_assert_int_eq(err_box_failed(&box), 0);
    ck_assert_int_eq(err_box_raise(&box), 0);
    ck_assert_str_eq(err_message(), "untouched");
    int strangers = 0;
#pragma omp parallel num_threads(4) reduction(+ : strangers)
    {
        char own[32];
        snprintf(own, sizeof own, "thread %p", (void *)own);
        err_set("%s", own);
#pragma omp barrier
        strangers += strcmp(err_message(), own) != 0;
    }
    ck_assert_int_eq(strangers, 0);
}
END_TEST

/* ---------------------------------------------------------------- loops */

typedef struct {
    int opened, closed, fail_at;
    int done[8];
} counts;

static int count_open(void *worker, void *self) {
    *(int *)worker = 1;
#pragma omp atomic
    ((counts *)self)->opened++;
    return 0;
}

static void count_close(void *worker, void *self) {
    (void)worker;
#pragma omp atomic
    ((counts *)self)->closed++;
}

static int count_item(void *worker, void *self, int item) {
    counts *c = self;
    if (*(int *)worker != 1 || item == c->fail_at)
        return err_set("item %d", item);
    c->done[item]++; /* one thread alone has the item */
    return 0;
}

static int loop_over(counts *c, int items) {
    const work_loop loop = {.label = "items",
                            .count = items,
                            .self = c,
                            .worker_size = sizeof(int),
                            .open = count_open,
                            .close = count_close,
                            .run = count_item};
    return work_loop_run(&loop);
}

START_TEST(a_loop_has_no_more_workers_than_items) {
    counts c = {.fail_at = -1}, none = {.fail_at = -1};
    omp_set_num_threads(64);
    ck_assert_int_eq(loop_over(&c, 3), 0);
    ck_assert_int_eq(loop_over(&none, 0), 0);
    omp_set_num_threads(2);
    ck_assert(c.opened >= 1 && c.opened <= 3 && c.closed == c.opened);
    ck_assert(c.done[0] == 1 && c.done[1] == 1 && c.done[2] == 1);
    ck_assert_int_eq(none.opened, 0);
}
END_TEST

START_TEST(an_error_ends_a_loop) {
    counts c = {.fail_at = 4};
    ck_assert_int_eq(loop_over(&c, 8), -1);
    ck_assert_str_eq(err_message(), "item 4");
    ck_assert_int_eq(c.closed, c.opened);
}
END_TEST

START_TEST(aligned_memory_is_aligned) {
    for (size_t size = 0; size < 200; size += 13) {
        unsigned char *memory = mem_aligned(size);
        ck_assert_uint_eq((uintptr_t)memory % 64, 0);
        for (size_t k = 0; k < size; k++)
            ck_assert_uint_eq(memory[k], 0);
        free(memory);
    }
    ck_assert_ptr_null(mem_aligned(SIZE_MAX - 1));
    expect_error("out of memory", "bytes wanted");
}
END_TEST

static void add_files(Suite *s) {
    TCase *t = tcase_create("files");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_test(t, atomic_commit_replaces_the_file);
    tcase_add_test(t, atomic_discard_leaves_nothing);
    tcase_add_test(t, atomic_failures_name_the_file);
    tcase_add_test(t, folders_are_made_with_their_parents);
    tcase_add_test(t, checksums_give_known_answers);
    tcase_add_test(t, checksum_joins_chunks);
    tcase_add_test(t, csv_reads_what_it_writes);
    tcase_add_test(t, csv_takes_any_line_ends);
    tcase_add_test(t, csv_drops_blanks);
    tcase_add_test(t, csv_quotes_text);
    tcase_add_test(t, csv_holds_many_rows);
    tcase_add_test(t, csv_messages_name_file_row_and_column);
    tcase_add_test(t, csv_discard_leaves_nothing);
    suite_add_tcase(s, t);
}

Suite *suite_core(void) {
    Suite *s = suite_create("core");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, philox_gives_known_answers, 0, 3);
    tcase_add_test(t, philox_is_a_gsl_generator);
    tcase_add_test(t, a_stream_ignores_earlier_draws);
    tcase_add_test(t, streams_of_different_names_differ);
    tcase_add_test(t, uniform_draws_have_uniform_moments);
    tcase_add_test(t, some_of_many_are_chosen_evenly);
    tcase_add_test(t, hash_gives_known_answers);
    tcase_add_test(t, error_messages_are_formatted);
    tcase_add_test(t, long_messages_are_cut);
    tcase_add_test(t, an_error_leaves_a_parallel_region);
    tcase_add_test(t, an_empty_error_box_raises_nothing);
    tcase_add_test(t, aligned_memory_is_aligned);
    tcase_add_test(t, a_loop_has_no_more_workers_than_items);
    tcase_add_test(t, an_error_ends_a_loop);
    suite_add_tcase(s, t);
    add_files(s);
    return s;
}
