#include "core/csv.h"

#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- writing */

struct csv_writer {
    char *path, *temporary;
    FILE *file;
    int fields; /* of the present row */
};

csv_writer *csv_writer_open(const char *path) {
    csv_writer *csv = mem_calloc(1, sizeof *csv);
    if (!csv)
        return NULL;
    csv->path = strdup(path);
    csv->temporary = csv->path ? atomic_begin(path) : err_set_null("out of memory");
    if (csv->temporary) {
        csv->file = fopen(csv->temporary, "w");
        if (!csv->file)
            err_set("%s: cannot create: %s", csv->temporary, strerror(errno));
    }
    if (!csv->file) {
        csv_writer_discard(csv);
        return NULL;
    }
    return csv;
}

void csv_writer_comment(csv_writer *csv, const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; (c = strpbrk(c, "\r\n")); c++)
        *c = ' ';
    fprintf(csv->file, "# %s\n", text);
}

void csv_writer_row(csv_writer *csv, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(csv->file, format, arguments);
    fputc('\n', csv->file);
    va_end(arguments);
}

static void begin_field(csv_writer *csv) {
    if (csv->fields++)
        fputc(',', csv->file);
}

static int is_blank(char c) {
    return c == ' ' || c == '\t';
}

void csv_writer_text(csv_writer *csv, const char *text) {
    size_t length = strlen(text);
    begin_field(csv);
    int is_plain = !length || (!is_blank(text[0]) && text[0] != '#' && !is_blank(text[length - 1]));
    if (is_plain && !strpbrk(text, ",\"\r\n")) {
        fputs(text, csv->file);
        return;
    }
    fputc('"', csv->file);
    for (; *text; text++)
        fputs(*text == '"' ? "\"\"" : (char[]){*text, '\0'}, csv->file);
    fputc('"', csv->file);
}

void csv_writer_plain(csv_writer *csv, const char *text) {
    char plain[1024];
    snprintf(plain, sizeof plain, "%s", text);
    for (char *c = plain; (c = strpbrk(c, ",\"\r\n")); c++)
        *c = *c == ',' ? ';' : *c == '"' ? '\'' : ' ';
    csv_writer_text(csv, plain);
}

void csv_writer_real(csv_writer *csv, double value) {
    begin_field(csv);
    fprintf(csv->file, "%.9g", value);
}

void csv_writer_integer(csv_writer *csv, long long value) {
    begin_field(csv);
    fprintf(csv->file, "%lld", value);
}

void csv_writer_end_row(csv_writer *csv) {
    fputc('\n', csv->file);
    csv->fields = 0;
}

int csv_writer_close(csv_writer *csv) {
    int bad = ferror(csv->file);
    if (fclose(csv->file) != 0 || bad) {
        csv->file = NULL;
        err_set("%s: cannot write: %s", csv->path, strerror(errno));
        csv_writer_discard(csv);
        return -1;
    }
    int status = atomic_commit(csv->temporary, csv->path);
    free(csv->path);
    free(csv);
    return status;
}

void csv_writer_discard(csv_writer *csv) {
    if (!csv)
        return;
    if (csv->file)
        fclose(csv->file);
    atomic_discard(csv->temporary);
    free(csv->path);
    free(csv);
}

int csv_writer_end(csv_writer *csv, int status) {
    if (csv && status == 0)
        return csv_writer_close(csv);
    csv_writer_discard(csv);
    return -1;
}

/* ---------------------------------------------------------------- reading */

typedef struct {
    char **items;
    size_t count, room;
} text_list;

static int list_add(text_list *list, char *text) {
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        char **items = realloc(list->items, room * sizeof *items);
        if (!items)
            return err_set("out of memory");
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = text;
    return 0;
}

/* Unquotes in place: the unquoted text is never longer. *at is left on the character that ends the field. */
static char *read_quoted(char **at, size_t *line) {
    char *from = *at + 1, *to = *at, *start = *at;
    for (;; from++) {
        if (*from == '\0')
            return NULL;
        *line += *from == '\n';
        if (*from == '"') {
            if (from[1] != '"')
                break;
            from++;
        }
        *to++ = *from;
    }
    *at = from + 1;
    if (to < *at)
        *to = '\0';
    return start;
}

static char *trim(char *field) {
    while (is_blank(*field))
        field++;
    for (size_t n = strlen(field); n && is_blank(field[n - 1]); n--)
        field[n - 1] = '\0';
    return field;
}

/* Splits one record at *at into `list` and moves *at to the next. `line` counts lines for messages. */
static int read_record(const char *path, char **at, size_t *line, text_list *list) {
    for (;;) {
        char *field = *at;
        size_t started = *line;
        int is_quoted = *field == '"';
        if (is_quoted) {
            if (!read_quoted(at, line))
                return err_set("%s: line %zu: a quoted field has no end", path, started);
            if (!strchr(",\r\n", **at))
                return err_set("%s: line %zu: text after a quoted field", path, *line);
        } else {
            *at += strcspn(*at, ",\n");
        }
        char end = **at;
        if (end == '\n' && *at > field && (*at)[-1] == '\r')
            (*at)[-1] = '\0';
        if (end == '\r' && (*at)[1] == '\n')
            *(*at)++ = '\0', end = '\n';
        **at = '\0';
        if (list_add(list, is_quoted ? field : trim(field)) != 0)
            return -1;
        *at += end != '\0';
        *line += end == '\n';
        if (end != ',')
            return 0;
    }
}

static int skip_blank(char **at, size_t *line) {
    while (**at == '\n' || (**at == '\r' && (*at)[1] == '\n')) {
        *at += **at == '\r' ? 2 : 1;
        ++*line;
    }
    return **at != '\0';
}

static int read_comments(char **at, size_t *line, text_list *comments) {
    while (**at == '#') {
        char *text = *at + 1 + ((*at)[1] == ' ');
        *at += strcspn(*at, "\n");
        if (**at)
            *(*at)++ = '\0';
        ++*line;
        size_t length = strlen(text);
        if (length && text[length - 1] == '\r')
            text[length - 1] = '\0';
        if (list_add(comments, text) != 0)
            return -1;
    }
    return 0;
}

static int read_table(csv_table *table, text_list *comments, text_list *header, text_list *fields) {
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    char *at = table->storage;
    if (strncmp(at, byte_order_mark, 3) == 0)
        at += 3;
    size_t line = 1;
    if (read_comments(&at, &line, comments) != 0)
        return -1;
    if (!skip_blank(&at, &line))
        return err_set("%s: no header row", table->path);
    if (read_record(table->path, &at, &line, header) != 0)
        return -1;
    while (skip_blank(&at, &line)) {
        size_t before = fields->count, here = line;
        if (read_record(table->path, &at, &line, fields) != 0)
            return -1;
        if (fields->count - before != header->count)
            return err_set("%s: line %zu: %zu fields, expected %zu as in the header", table->path, here,
                           fields->count - before, header->count);
    }
    return 0;
}

/* storage: owned by the table; NULL after an error. */
static csv_table *make_table(const char *path, char *storage) {
    csv_table *table = storage ? mem_calloc(1, sizeof *table) : NULL;
    if (!table) {
        free(storage);
        return NULL;
    }
    table->path = strdup(path);
    table->storage = storage;
    text_list comments = {0}, header = {0}, fields = {0};
    int status = table->path ? read_table(table, &comments, &header, &fields) : err_set("out of memory");
    table->comments = comments.items;
    table->comment_count = comments.count;
    table->header = header.items;
    table->columns = header.count;
    table->fields = fields.items;
    table->rows = header.count ? fields.count / header.count : 0;
    if (status != 0) {
        csv_table_free(table);
        return NULL;
    }
    return table;
}

csv_table *csv_table_read(const char *path) {
    return make_table(path, file_read_text(path));
}

csv_table *csv_table_parse(const char *name, const char *text) {
    char *copy = strdup(text);
    return copy ? make_table(name, copy) : err_set_null("out of memory");
}

void csv_table_free(csv_table *table) {
    if (!table)
        return;
    free(table->path);
    free(table->storage);
    free(table->header);
    free(table->fields);
    free(table->comments);
    free(table);
}

int csv_table_column(const csv_table *table, const char *name) {
    char known[ERR_MESSAGE_MAX / 2] = "";
    int found = -1;
    for (size_t i = 0; i < table->columns; i++) {
        if (strcmp(table->header[i], name) == 0 && found >= 0)
            return err_set("%s: two columns '%s'", table->path, name);
        if (strcmp(table->header[i], name) == 0)
            found = (int)i;
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", table->header[i]);
    }
    return found >= 0 ? found : err_set("%s: no column '%s'; it has %s", table->path, name, known);
}

const char *csv_table_text(const csv_table *table, size_t row, int column) {
    return table->fields[row * table->columns + (size_t)column];
}

int csv_table_real(const csv_table *table, size_t row, int column, double *value) {
    const char *text = csv_table_text(table, row, column);
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end)
        return err_set("%s: row %zu, column '%s': '%s' is not a number", table->path, row + 1,
                       table->header[column], text);
    return 0;
}

const char *csv_table_text_at(const csv_table *table, size_t row, const char *name) {
    int column = csv_table_column(table, name);
    return column < 0 ? NULL : csv_table_text(table, row, column);
}

int csv_table_number(const csv_table *table, size_t row, const char *name, double *value) {
    int column = csv_table_column(table, name);
    return column < 0 ? -1 : csv_table_real(table, row, column, value);
}

size_t csv_table_find(const csv_table *table, size_t from, const char *name, const char *text) {
    int column = csv_table_column(table, name);
    size_t row = column < 0 ? table->rows : from;
    while (row < table->rows && strcmp(csv_table_text(table, row, column), text) != 0)
        row++;
    return row;
}

const char *csv_table_comment(const csv_table *table, const char *key) {
    size_t length = strlen(key);
    for (size_t k = 0; k < table->comment_count; k++)
        if (strncmp(table->comments[k], key, length) == 0 &&
            strncmp(table->comments[k] + length, ": ", 2) == 0)
            return table->comments[k] + length + 2;
    return NULL;
}
