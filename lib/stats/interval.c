#include "stats/interval.h"

#include <stdio.h>

interval interval_negate(interval i) {
    return (interval){-i.estimate, -i.high, -i.low};
}

const char *interval_verdict_below(interval i, double value) {
    if (isnan(i.low) || isnan(i.high))
        return "undecided";
    return i.high < value ? "reproduced" : i.low > value ? "not reproduced" : "undecided";
}

static void write_number(csv_writer *csv, double value, int digits) {
    char text[40];
    snprintf(text, sizeof text, "%.*g", digits, value);
    csv_writer_text(csv, isnan(value) ? "nan" : text);
}

void interval_write(csv_writer *csv, interval i, int digits) {
    write_number(csv, i.estimate, digits);
    write_number(csv, i.low, digits);
    write_number(csv, i.high, digits);
}

int interval_read(const csv_table *table, size_t row, interval *i) {
    if (csv_table_number(table, row, "estimate", &i->estimate) < 0 ||
        csv_table_number(table, row, "ci_low", &i->low) < 0)
        return -1;
    return csv_table_number(table, row, "ci_high", &i->high);
}
