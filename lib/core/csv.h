/* Tidy CSV: '#' comments at the top, one header row, one row per observation. */
#ifndef SSFD_CORE_CSV_H
#define SSFD_CORE_CSV_H

#include <stddef.h>
#include <stdio.h>

/* ---------------------------------------------------------------- writing: the file appears at csv_writer_close() */
typedef struct csv_writer csv_writer;

csv_writer *csv_writer_open(const char *path);
/* Before the header only: "# text", always one line, 4095 bytes at most. */
void csv_writer_comment(csv_writer *csv, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One line, header or row, in printf format; the newline is added. Real numbers: use %.9g. */
void csv_writer_row(csv_writer *csv, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A row, field by field: text is quoted where necessary, real numbers are %.9g. csv_writer_end_row() ends the row. */
void csv_writer_text(csv_writer *csv, const char *text);
/* The same for gnuplot, which ends a quoted field at its first comma: a comma becomes a semicolon, a quote an
 * apostrophe; 1023 bytes at most. */
void csv_writer_plain(csv_writer *csv, const char *text);
void csv_writer_real(csv_writer *csv, double value);
void csv_writer_integer(csv_writer *csv, long long value);
void csv_writer_end_row(csv_writer *csv);
/* Commits and frees. Any earlier write error shows here. */
int csv_writer_close(csv_writer *csv);
/* Drops what was written and frees. NULL is allowed. */
void csv_writer_discard(csv_writer *csv);
/* For status 0 closes; else, and for NULL, discards and returns -1. */
int csv_writer_end(csv_writer *csv, int status);

/* ---------------------------------------------------------------- reading */

/* The whole table in memory, fields as text. Quotes as in RFC 4180; blanks around an unquoted field and a byte order mark
 * are dropped. */
typedef struct {
    char *path;
    size_t rows, columns;
    char **header;   /* [columns] */
    char **fields;   /* [rows * columns] */
    char **comments; /* [comment_count], without "# " */
    size_t comment_count;
    char *storage;
} csv_table;

csv_table *csv_table_read(const char *path);
/* The same for text in memory; `name` is for messages. */
csv_table *csv_table_parse(const char *name, const char *text);
void csv_table_free(csv_table *table);
/* Index of a column; -1 with a message when no column has that name (the message lists those that exist) or two do. */
int csv_table_column(const csv_table *table, const char *name);
const char *csv_table_text(const csv_table *table, size_t row, int column);
/* Parses a real number ("nan" is accepted); -1 with file, row and column named when it is not one. */
int csv_table_real(const csv_table *table, size_t row, int column, double *value);

/* The same by the column's name; the text is NULL when there is no such column. */
const char *csv_table_text_at(const csv_table *table, size_t row, const char *name);
int csv_table_number(const csv_table *table, size_t row, const char *name, double *value);
/* The first row, counted from `from`, whose column `name` is `text`; table->rows when there is no such row or column. */
size_t csv_table_find(const csv_table *table, size_t from, const char *name, const char *text);
/* What follows "key: " in the first comment that begins with it; NULL when there is none. */
const char *csv_table_comment(const csv_table *table, const char *key);

#endif
