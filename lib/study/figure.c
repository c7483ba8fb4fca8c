#include "study/figure.h"

#include "core/csv.h"
#include "core/memory.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_LENGTH 4096

enum { AXES, SERIES, MARKS, TICKS, IMAGES, TABLES };
static const char *const names[TABLES] = {"axes", "series", "marks", "ticks", "images"};
static const char *const headers[TABLES] = {
    "axes\ttitle\tx_title\ty_title\tx_low\tx_high\tx_step\ty_low\ty_high\ty_step",
    "series\taxes\tstyle\tlabel", "series\tx\ty\tlow\thigh", "axes\tat\tlabel\tvalue",
    "row\tcolumn\tfile\ttitle\tnote\tcaption"};

struct figure {
    csv_writer *tables[TABLES];
    int rows[TABLES];
};

/* ---------------------------------------------------------------- tables */

figure *figure_open(const char *out, const char *name) {
    char path[PATH_LENGTH];
    figure *f = mem_calloc(1, sizeof *f);
    for (int t = 0; f && t < TABLES; t++) {
        snprintf(path, sizeof path, "%s/panels/%s_%s.tsv", out, name, names[t]);
        if (!(f->tables[t] = csv_writer_open(path))) {
            figure_close(f, -1);
            return NULL;
        }
    }
    return f;
}

void figure_note(figure *f, const char *key, const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    csv_writer_comment(f->tables[AXES], "%s: %s", key, text);
}

/* The writer of a table whose next row begins; the first one is preceded by the header. */
static csv_writer *begin_row(figure *f, int table) {
    if (f->rows[table]++ == 0)
        csv_writer_row(f->tables[table], "%s", headers[table]);
    return f->tables[table];
}

#define TEXT 1024

/* As gnuplot can read it: no tab, line break or quote inside; never empty. */
static const char *plain(char out[TEXT], const char *text) {
    snprintf(out, TEXT, "%s", *text ? text : "\" \"");
    for (char *p = *text ? out : ""; (p = strpbrk(p, "\t\r\n\"")); p++)
        *p = *p == '"' ? '\'' : ' ';
    return out;
}

int figure_axes(figure *f, const char *title, const char *x_title, figure_range x, const char *y_title,
                figure_range y) {
    char a[TEXT], b[TEXT], c[TEXT];
    csv_writer *csv = begin_row(f, AXES);
    csv_writer_row(csv, "%d\t%s\t%s\t%s\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g", f->rows[AXES], plain(a, title),
                   plain(b, x_title), plain(c, y_title), x.low, x.high, x.step, y.low, y.high, y.step);
    return f->rows[AXES];
}

int figure_series(figure *f, int axes, int style, const char *label) {
    char a[TEXT];
    csv_writer *csv = begin_row(f, SERIES);
    csv_writer_row(csv, "%d\t%d\t%d\t%s", f->rows[SERIES], axes, style, plain(a, label));
    return f->rows[SERIES];
}

void figure_mark(figure *f, int series, double x, interval y) {
    csv_writer *csv = begin_row(f, MARKS);
    csv_writer_row(csv, "%d\t%.9g\t%.9g\t%.9g\t%.9g", series, x, y.estimate, y.low, y.high);
}

void figure_point(figure *f, int series, double x, double y) {
    figure_mark(f, series, x, (interval){y, NAN, NAN});
}

void figure_tick(figure *f, int axes, double at, const char *label, const char *value) {
    char a[TEXT], b[TEXT];
    csv_writer *csv = begin_row(f, TICKS);
    csv_writer_row(csv, "%d\t%.9g\t%s\t%s", axes, at, plain(a, label), plain(b, value));
}

void figure_image(figure *f, int row, int column, const char *file, const char *title, const char *note,
                  const char *caption) {
    char a[TEXT], b[TEXT], c[TEXT], d[TEXT];
    csv_writer *csv = begin_row(f, IMAGES);
    csv_writer_row(csv, "%d\t%d\t%s\t%s\t%s\t%s", row, column, plain(a, file), plain(b, title),
                   plain(c, note), plain(d, caption));
}

int figure_close(figure *f, int status) {
    if (!f)
        return -1;
    for (int t = 0; t < TABLES; t++) {
        if (f->tables[t] && f->rows[t] == 0)
            csv_writer_row(f->tables[t], "%s", headers[t]);
        status = csv_writer_end(f->tables[t], status);
    }
    free(f);
    return status;
}

/* ---------------------------------------------------------------- ends of axes, numbers as text */

static double step_of(double length, int ticks) {
    double raw = length / ticks, decade = pow(10.0, floor(log10(raw)));
    return raw < 1.5 * decade   ? decade
           : raw < 3.5 * decade ? 2 * decade
           : raw < 7.5 * decade ? 5 * decade
                                : 10 * decade;
}

figure_range figure_range_around(double least, double most, double margin, int ticks) {
    double room = most > least ? margin * (most - least) : 0.5;
    figure_range range = {least - room, most + room, 0.0};
    range.step = step_of(range.high - range.low, ticks);
    return range;
}

int figure_power(double least, double most, double small) {
    double largest = fmax(fabs(least), fabs(most));
    return largest > 0 && (largest < small || largest >= 1e4) ? (int)floor(log10(largest)) : 0;
}

void figure_in_units(char *text, size_t size, const char *title, int power) {
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char number[16];
    int used = snprintf(text, size, power ? "%s / 10" : "%s", title);
    snprintf(number, sizeof number, "%d", power);
    for (const char *p = number; power && *p && used < (int)size; p++)
        used += snprintf(text + used, size - (size_t)used, "%s", *p == '-' ? "⁻" : digits[*p - '0']);
}

/* One number; returns how many bytes it takes. */
static int put_number(char *text, size_t size, const char *before, double value, int digits) {
    return snprintf(text, size, "%s%s%.*f", before, value < 0 ? "−" : "", digits, fabs(value));
}

void figure_number(char *text, size_t size, interval value, int digits) {
    if (isnan(value.estimate)) {
        snprintf(text, size, "undefined");
        return;
    }
    size_t used = (size_t)put_number(text, size, "", value.estimate, digits);
    if (isnan(value.low) || used >= size)
        return;
    used += (size_t)put_number(text + used, size - used, " [", value.low, digits);
    used += used < size ? (size_t)put_number(text + used, size - used, ", ", value.high, digits) : 0;
    if (used < size)
        snprintf(text + used, size - used, "]");
}
