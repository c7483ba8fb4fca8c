/* What the tests share: a scratch folder, running the programs in it, reading their tables, golden values, and
 * small prepared scans. A helper that cannot do its work fails the test. */
#ifndef SSFD_TESTS_SUPPORT_H
#define SSFD_TESTS_SUPPORT_H

#include "core/csv.h"
#include "core/error.h"
#include "io/h5.h"
#include "io/prepared.h"
#include <check.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- scratch folder */

/* Fixture of a test case: tcase_add_checked_fixture(c, scratch_set_up, scratch_tear_down). */
extern char folder[64];
void scratch_set_up(void);
void scratch_tear_down(void);

/* The path of `name` in the folder (an absolute one stays as it is), valid for seven more calls; `path` is the
 * latest. */
extern char *path;
const char *in_folder(const char *name);

void write_text(const char *name, const char *text);
/* The whole file, which must not be empty. Owned by the caller. */
char *read_table(const char *name);
/* Whether two files of the folder have the same bytes. */
int same_file(const char *a, const char *b);
/* <a>/<name> and <b>/<name> are the same. */
void expect_same_file(const char *name, const char *a, const char *b);

/* Runs a command of the shell, with @ for the folder; it must succeed. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---------------------------------------------------------------- programs */

extern char output[65536]; /* of the last run: stdout, then stderr */
extern int error_lines;

/* The folder of the programs: $SSFD_BIN, or build/bin. */
const char *programs(void);

/* Runs a program, "name arguments", with @ for the scratch folder. Returns its exit code. */
int run(const char *arguments);
/* The same with `before` in front of the program's name: a launcher or another program's path. */
int run_after(const char *before, const char *arguments);

void expect_done(const char *arguments);
/* The exit code is `code`, and the one line of error holds a and b. */
void expect_failure(const char *arguments, int code, const char *a, const char *b);

/* Draws plots/<name>.gp from a folder of results where gnuplot is installed; it must print nothing. Scripts and
 * results are in a folder with blanks and quotes in its name, and the working directory is another one. */
void expect_figure(const char *name, const char *results);

/* ---------------------------------------------------------------- the library's messages and tables */

/* err_message() is one line and holds a and b. */
void expect_error(const char *a, const char *b);

/* csv_table_read() of a table in the scratch folder. */
csv_table *table_open(const char *name);
double table_number(const csv_table *t, size_t row, const char *column);
const char *table_text(const csv_table *t, size_t row, const char *column);

/* The first row that has the texts given: TABLE_ROW(t, {"layer", "block3_relu1"}, {"unit", "slice"}). */
size_t table_row(const csv_table *t, const char *const (*wanted)[2], size_t count);
#define TABLE_ROW(t, ...)                                                                                    \
    table_row(t, (const char *const[][2]){__VA_ARGS__},                                                      \
              sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

/* The same columns and rows; texts are equal, numbers to `tolerance` (absolute, relative above 1). */
void expect_same_table(const csv_table *found, const csv_table *expected, double tolerance);

/* ---------------------------------------------------------------- golden values */

/* A whole dataset. Owned by the caller. */
float *read_golden(const h5_file *f, const char *dataset, size_t *count);

/* ||a - b|| / ||b|| */
double relative(const float *a, const float *b, size_t n);

/* ---------------------------------------------------------------- prepared scans */

/* Writes `name` in the scratch folder. Every kind of image it has is `images`, [slices][rows * columns]. Where
 * acceleration is 0 the file does not give it. */
void make_scan(const char *name, const prepared_content *content, double acceleration, const float *images);

#endif
