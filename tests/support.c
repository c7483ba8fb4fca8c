#include "support.h"
#include "core/memory.h"
#include <stdarg.h>
#include <sys/wait.h>

/* ---------------------------------------------------------------- scratch folder */

char folder[64];
char *path;

void scratch_set_up(void) {
    strcpy(folder, "/tmp/ssfd_test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

void scratch_tear_down(void) {
    shell("rm -rf @");
}

const char *in_folder(const char *name) {
    static char paths[8][256];
    static int next;
    char *place = paths[next++ % 8];
    int length =
        snprintf(place, sizeof *paths, *name == '/' ? "%s%s" : "%s/%s", *name == '/' ? "" : folder, name);
    ck_assert_int_lt(length, (int)sizeof *paths);
    path = place;
    return path;
}

void write_text(const char *name, const char *text) {
    FILE *f = fopen(in_folder(name), "w");
    ck_assert_msg(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s", path);
}

char *read_table(const char *name) {
    FILE *f = fopen(in_folder(name), "r");
    ck_assert_msg(f != NULL, "%s", path);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(f);
    char *text = calloc(1, size + 1);
    rewind(f);
    ck_assert(size > 0 && fread(text, 1, size, f) == size);
    fclose(f);
    return text;
}

/* Appends text to a command, with @ for the scratch folder. */
static void append(char *command, size_t size, const char *text) {
    size_t used = strlen(command);
    for (const char *p = text; *p; p++) {
        used += (size_t)(*p == '@' ? snprintf(command + used, size - used, "%s", folder)
                                   : snprintf(command + used, size - used, "%c", *p));
        ck_assert_uint_lt(used, size);
    }
}

void shell(const char *format, ...) {
    char text[2048], command[4096] = "";
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ck_assert_int_lt(length, (int)sizeof text);
    append(command, sizeof command, text);
    ck_assert_msg(system(command) == 0, "%s", command);
}

int same_file(const char *a, const char *b) {
    char command[600];
    snprintf(command, sizeof command, "cmp -s %s %s", in_folder(a), in_folder(b));
    return system(command) == 0;
}

void expect_same_file(const char *name, const char *a, const char *b) {
    shell("cmp @/%s/%s @/%s/%s", a, name, b, name);
}

/* ---------------------------------------------------------------- programs */

char output[65536];
int error_lines;

const char *programs(void) {
    const char *given = getenv("SSFD_BIN");
    return given ? given : "build/bin";
}

static size_t append_file(const char *name, size_t used) {
    FILE *f = fopen(in_folder(name), "r");
    ck_assert_ptr_nonnull(f);
    used += fread(output + used, 1, sizeof output - 1 - used, f);
    output[used] = '\0';
    fclose(f);
    return used;
}

int run_after(const char *before, const char *arguments) {
    char command[4096];
    snprintf(command, sizeof command, "{ %s", before);
    append(command, sizeof command, arguments);
    append(command, sizeof command, "; } >@/out 2>@/err");
    int status = system(command);
    ck_assert(WIFEXITED(status));
    size_t split = append_file("out", 0);
    append_file("err", split);
    error_lines = 0;
    for (const char *p = output + split; *p; p++)
        error_lines += *p == '\n';
    return WEXITSTATUS(status);
}

int run(const char *arguments) {
    char before[256];
    snprintf(before, sizeof before, "%s/", programs());
    return run_after(before, arguments);
}

void expect_done(const char *arguments) {
    int code = run(arguments);
    ck_assert_msg(code == 0, "%s: exit code %d: %s", arguments, code, output);
}

void expect_failure(const char *arguments, int code, const char *a, const char *b) {
    int found = run(arguments);
    ck_assert_msg(found == code, "%s: exit code %d, expected %d: %s", arguments, found, code, output);
    ck_assert_msg(error_lines == 1, "%s: %d lines of error: %s", arguments, error_lines, output);
    ck_assert_msg(strstr(output, a) && strstr(output, b), "%s: expected '%s' and '%s' in: %s", arguments, a,
                  b, output);
}

void expect_figure(const char *name, const char *results) {
    if (system("command -v gnuplot >/dev/null 2>&1") != 0)
        return;
    shell("there=\"@/it's a \\\"folder\\\"\" && rm -rf \"$there\" && mkdir \"$there\" && cp -r plots "
          "\"$there\" && "
          "ln -s ../%s \"$there/results\" && cd / && "
          "LC_ALL=C.UTF-8 gnuplot -c \"$there/plots/%s.gp\" \"$there/results\" \"$there/f\" >@/said 2>&1 && "
          "! [ -s @/said ] && [ -s \"$there/f.pdf\" ] && [ -s \"$there/f.png\" ]",
          results, name);
}

/* ---------------------------------------------------------------- the library's messages and tables */

void expect_error(const char *a, const char *b) {
    const char *message = err_message();
    ck_assert_msg(strstr(message, a) && strstr(message, b) && !strchr(message, '\n'),
                  "expected '%s' and '%s' in: %s", a, b, message);
}

csv_table *table_open(const char *name) {
    csv_table *t = csv_table_read(in_folder(name));
    ck_assert_msg(t != NULL, "%s", err_message());
    return t;
}

double table_number(const csv_table *t, size_t row, const char *column) {
    double value;
    ck_assert_msg(csv_table_number(t, row, column, &value) == 0, "%s", err_message());
    return value;
}

const char *table_text(const csv_table *t, size_t row, const char *column) {
    const char *text = csv_table_text_at(t, row, column);
    ck_assert_msg(text != NULL, "%s", err_message());
    return text;
}

size_t table_row(const csv_table *t, const char *const (*wanted)[2], size_t count) {
    for (size_t row = 0; row < t->rows; row++) {
        size_t found = 0;
        while (found < count && strcmp(table_text(t, row, wanted[found][0]), wanted[found][1]) == 0)
            found++;
        if (found == count)
            return row;
    }
    ck_abort_msg("%s: no row of %s %s", t->path, wanted[0][0], wanted[0][1]);
    return t->rows;
}

static int same_field(const char *found, const char *expected, double tolerance) {
    char *found_end, *expected_end;
    if (strcmp(found, expected) == 0)
        return 1;
    double a = strtod(found, &found_end), b = strtod(expected, &expected_end);
    return found_end != found && !*found_end && expected_end != expected && !*expected_end &&
           fabs(a - b) <= tolerance * fmax(1.0, fabs(b));
}

void expect_same_table(const csv_table *found, const csv_table *expected, double tolerance) {
    ck_assert_uint_eq(found->columns, expected->columns);
    ck_assert_uint_eq(found->rows, expected->rows);
    for (size_t c = 0; c < expected->columns; c++)
        ck_assert_str_eq(found->header[c], expected->header[c]);
    for (size_t k = 0; k < expected->rows * expected->columns; k++)
        ck_assert_msg(same_field(found->fields[k], expected->fields[k], tolerance),
                      "%s: row %d, column %s: found %s, expected %s", found->path,
                      (int)(k / expected->columns), expected->header[k % expected->columns], found->fields[k],
                      expected->fields[k]);
}

/* ---------------------------------------------------------------- golden values */

float *read_golden(const h5_file *f, const char *dataset, size_t *count) {
    int rank;
    hsize_t dims[H5_MAX_RANK];
    ck_assert_msg(h5_shape(f, dataset, &rank, dims) == 0, "%s", err_message());
    *count = 1;
    for (int k = 0; k < rank; k++)
        *count *= dims[k];
    float *values = mem_alloc(*count * sizeof(float));
    ck_assert_msg(h5_read_f32(f, dataset, rank, dims, values) == 0, "%s", err_message());
    return values;
}

double relative(const float *a, const float *b, size_t n) {
    double e = 0.0, s = 0.0;
    for (size_t k = 0; k < n; k++) {
        e += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
        s += (double)b[k] * (double)b[k];
    }
    return sqrt(e / s);
}

/* ---------------------------------------------------------------- prepared scans */

void make_scan(const char *name, const prepared_content *content, double acceleration, const float *images) {
    const int rows = content->rows, columns = content->columns;
    h5_file *f = prepared_create(in_folder(name), content);
    ck_assert_msg(f != NULL, "%s", err_message());
    if (acceleration != 0.0)
        h5_set_real(f, "acceleration", acceleration);
    for (int kind = 0; kind < PREPARED_REFERENCE_COMPLEX; kind++)
        for (int k = 0; content->has[kind] && k < content->slices; k++)
            ck_assert_msg(prepared_write(f, kind, k, rows, columns, images + (size_t)k * rows * columns) == 0,
                          "%s", err_message());
    ck_assert_msg(h5_commit(f) == 0, "%s", err_message());
}
