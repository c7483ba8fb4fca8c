#include "stats/interval.h"

#include "core/error.h"
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>

int interval_check_confidence(const char *what, double confidence) {
    if (confidence > 0.0 && confidence < 1.0)
        return 0;
    return err_set("%s: confidence %g, expected a number between 0 and 1", what, confidence);
}

int interval_of_mean(const double *values, size_t n, double confidence, interval *mean, double *sd) {
    if (n < 2)
        return err_set("mean with interval: %zu values, expected at least 2", n);
    if (interval_check_confidence("mean with interval", confidence) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return err_set("mean with interval: value %zu of %zu is not finite", i + 1, n);
    const double middle = gsl_stats_mean(values, 1, n), spread = gsl_stats_sd_m(values, 1, n, middle);
    const double t = gsl_cdf_tdist_Pinv(0.5 + 0.5 * confidence, (double)(n - 1));
    const double half = t * spread / sqrt((double)n);
    *mean = (interval){middle, middle - half, middle + half};
    if (sd)
        *sd = spread;
    return 0;
}

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
