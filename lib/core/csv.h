/* Tidy CSV: '#' comments at the top, one header row, one row per observation. */
#ifndef SSFD_CORE_CSV_H
#define SSFD_CORE_CSV_H

#include <stddef.h>
#include <stdio.h>

/* --- writing: the file appears whole at csv_writer_close() --- */
typedef struct csv_writer csv_writer;

csv_writer *csv_writer_open(const char *path);
/* Before the header only: "# text", on one line whatever is in it, 4095 bytes at most. */
void csv_writer_comment(csv_writer *csv, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One line, header or row, in printf format; the newline is added. Real numbers: use %.9g. */
void csv_writer_row(csv_writer *csv, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A row field by field: text is quoted where it has to be, real numbers are %.9g; csv_writer_end_row() ends
 * it. */
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
/* The one for status 0, the other with -1 for what failed before, csv_writer_open() (NULL) included. */
int csv_writer_end(csv_writer *csv, int status);

/* --- reading: whole table in memory, fields as text (quotes as in RFC 4180; blanks around
 * an unquoted field and a byte order mark are dropped) --- */
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
csv_table *csv_table_parse(const char *name,
                           const char *text); /* of a text in memory; name is for messages */
void csv_table_free(csv_table *table);
/* Index of a column; -1 with a message where there is none of that name (it lists those there are) or two. */
int csv_table_column(const csv_table *table, const char *name);
const char *csv_table_text(const csv_table *table, size_t row, int column);
/* Parses a real number ("nan" is accepted); -1 with file, row and column named when it is none. */
int csv_table_real(const csv_table *table, size_t row, int column, double *value);

/* The same by the column's name; the text is NULL where there is no such column. */
const char *csv_table_text_at(const csv_table *table, size_t row, const char *name);
int csv_table_number(const csv_table *table, size_t row, const char *name, double *value);
/* The first row from `from` on whose column `name` is `text`; table->rows where there is none, and where there
 * is no such column. */
size_t csv_table_find(const csv_table *table, size_t from, const char *name, const char *text);
/* What follows "key: " in the first comment that begins so; NULL where there is none. */
const char *csv_table_comment(const csv_table *table, const char *key);

#endif
