/* The bootstrap over scans, correlations and ROC areas, against SciPy and scikit-learn. */
#include "suites.h"
#include "support.h"

#include "stats/correlation.h"
#include "stats/roc.h"

#include <omp.h>

static csv_table *read_csv(const char *name) {
    csv_table *t = csv_table_read(name);
    ck_assert_msg(t != NULL, "%s", err_message());
    return t;
}

/* ---------------------------------------------------------------- bootstrap */

/* Mean; a constant; undefined where scan 0 is in the sample; undefined where scan 1 is not. */
static void four_statistics(const void *self, void *work, const size_t *scan, size_t n, double *values) {
    const double *x = self;
    double *copy = work; /* written to the end, for the sanitizers */
    int has_first = 0, has_second = 0;
    values[0] = 0.0;
    for (size_t k = 0; k < n; k++) {
        copy[k] = x[scan[k]];
        values[0] += copy[k] / (double)n;
        has_first |= scan[k] == 0;
        has_second |= scan[k] == 1;
    }
    values[1] = 5.0;
    values[2] = has_first ? NAN : values[0];
    values[3] = has_second ? values[0] : NAN;
}

START_TEST(bootstrap_says_what_is_undefined) {
    const double x[] = {3.0, 1.0, 4.0, 1.5, 5.0, 9.0, 2.0, 6.0};
    const bootstrap_plan plan = {.scans = 8, .replicates = 2000, .confidence = 0.95, .seed = 1};
    interval found[4];
    ck_assert_int_eq(bootstrap_bca(&plan, four_statistics, x, sizeof x, 4, found), 0);
    ck_assert_double_eq_tol(found[0].estimate, 3.9375, 1e-12);
    ck_assert(found[0].low > 1.5 && found[0].low < 3.0 && found[0].high > 5.0 && found[0].high < 7.5);
    ck_assert(found[1].estimate == 5.0 && found[1].low == 5.0 && found[1].high == 5.0);
    ck_assert(isnan(found[2].estimate) && isnan(found[2].low) && isnan(found[2].high));
    ck_assert(found[3].estimate == found[0].estimate && isnan(found[3].low) && isnan(found[3].high));
}
END_TEST

/* Each stratum has equal values, so that nothing varies; without strata it does. */
START_TEST(bootstrap_resamples_strata_apart) {
    const double x[] = {1.0, 7.0, 1.0, 7.0, 7.0, 1.0};
    const int stratum[] = {4, -2, 4, -2, -2, 4};
    bootstrap_plan plan = {.scans = 6, .stratum = stratum, .replicates = 200, .confidence = 0.95};
    interval found[4];
    ck_assert_int_eq(bootstrap_bca(&plan, four_statistics, x, sizeof x, 4, found), 0);
    ck_assert_double_eq_tol(found[0].low, 4.0, 1e-12);
    ck_assert_double_eq_tol(found[0].high, 4.0, 1e-12);
    plan.stratum = NULL;
    ck_assert_int_eq(bootstrap_bca(&plan, four_statistics, x, sizeof x, 4, found), 0);
    ck_assert(found[0].low < 3.0 && found[0].high > 5.0);
}
END_TEST

/* One outlier drives the acceleration towards 1/6, and replicates that all but never lie above the estimate
 * drive z0 up: beyond the pole of the formula the upper end is the largest replicate, not the smallest. */
static void skewed(const void *self, void *work, const size_t *scan, size_t n, double *values) {
    size_t others = 0;
    (void)self;
    (void)work;
    for (size_t k = 0; k < n; k++)
        others += scan[k] != 0;
    /* all scans once: the highest value; without scan 0 far lower than without any other */
    values[0] = n == 200 && others == 199 ? 1.0 : others == n ? -50.0 : -1.0;
}

START_TEST(bootstrap_has_no_end_beyond_the_pole) {
    const bootstrap_plan plan = {.scans = 200, .replicates = 100, .confidence = 1.0 - 1e-9};
    interval found;
    ck_assert_int_eq(bootstrap_bca(&plan, skewed, NULL, 0, 1, &found), 0);
    ck_assert(found.low <= found.high && found.high == 1.0);
}
END_TEST

static void expect_no_bootstrap(bootstrap_plan plan, const char *message) {
    const double x[4] = {0};
    interval found[4];
    ck_assert_int_eq(bootstrap_bca(&plan, four_statistics, x, sizeof x, 4, found), -1);
    expect_error(message, "");
}

START_TEST(bootstrap_rejects_bad_plans) {
    const bootstrap_plan good = {.scans = 4, .replicates = 100, .confidence = 0.95};
    bootstrap_plan plan = good;
    plan.scans = 2;
    expect_no_bootstrap(plan, "2 scans, expected at least 3");
    plan = good;
    plan.replicates = 99;
    expect_no_bootstrap(plan, "99 replicates");
    plan = good;
    plan.confidence = 95.0;
    expect_no_bootstrap(plan, "confidence 95");
}
END_TEST

/* ---------------------------------------------------------------- correlation */

enum { SCANS = 20, SCORES = 4, MOST_POINTS = 60 };

typedef struct {
    double x[SCORES][MOST_POINTS], y[MOST_POINTS];
    size_t first[SCANS + 1];
} points;

typedef struct {
    interval r[SCORES], trend, drop;
} correlations;

/* Sets of golden/make_correlation_golden.py: 0 has one slice of each scan, 1 three, 2 three with ties. */
static points read_points(int set) {
    static const char *const columns[SCORES] = {"x0", "x1", "x2", "x3"};
    csv_table *t = read_csv("tests/golden/correlation_points.csv");
    points p = {.first = {0}};
    size_t n = 0;
    for (size_t row = 0; row < t->rows; row++)
        if (table_number(t, row, "set") == set) {
            for (int k = 0; k < SCORES; k++)
                p.x[k][n] = table_number(t, row, columns[k]);
            p.y[n] = table_number(t, row, "y");
            p.first[(size_t)table_number(t, row, "scan") + 1] = ++n;
        }
    csv_table_free(t);
    return p;
}

static int correlate(correlation_kind kind, const points *p, size_t scans, size_t replicates, uint64_t seed,
                     correlations *found) {
    const double *x[SCORES] = {p->x[0], p->x[1], p->x[2], p->x[3]};
    const bootstrap_plan plan = {
        .scans = scans, .replicates = replicates, .confidence = 0.95, .seed = seed, .statistic = 3};
    return correlation_study(kind, SCORES, x, p->y, p->first, &plan, found->r, &found->trend, &found->drop);
}

static correlations correlated(correlation_kind kind, const points *p, size_t replicates, uint64_t seed) {
    correlations found;
    ck_assert_msg(correlate(kind, p, SCANS, replicates, seed, &found) == 0, "%s", err_message());
    return found;
}

static const interval *find(const correlations *found, const char *name) {
    return strcmp(name, "trend") == 0  ? &found->trend
           : strcmp(name, "drop") == 0 ? &found->drop
                                       : &found->r[name[1] - '0'];
}

/* With these replicates the ends have an error of about 0.001 of their own. */
START_TEST(correlations_agree_with_scipy) {
    csv_table *t = read_csv("tests/golden/correlation.csv");
    points p = read_points(_i / CORRELATION_KINDS);
    correlation_kind kind = _i % CORRELATION_KINDS;
    correlations c = correlated(kind, &p, 100000, 1);
    int compared = 0;
    for (size_t row = 0; row < t->rows; row++) {
        const char *name = csv_table_text(t, row, csv_table_column(t, "statistic"));
        if (table_number(t, row, "set") != _i / CORRELATION_KINDS ||
            strcmp(csv_table_text(t, row, csv_table_column(t, "coefficient")), correlation_name(kind)) != 0)
            continue;
        const interval *found = find(&c, name);
        double low = table_number(t, row, "ci_low"), high = table_number(t, row, "ci_high");
        ck_assert_double_eq_tol(found->estimate, table_number(t, row, "estimate"), 1e-8);
        ck_assert_msg(fabs(found->low - low) < 0.006 && fabs(found->high - high) < 0.006,
                      "%s: found %g to %g, expected %g to %g", name, found->low, found->high, low, high);
        compared++;
    }
    ck_assert_int_eq(compared, SCORES + 2);
    csv_table_free(t);
}
END_TEST

START_TEST(correlations_do_not_depend_on_threads) {
    points p = read_points(2);
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    correlations one = correlated(_i, &p, 1000, 1);
    omp_set_num_threads(7);
    correlations seven = correlated(_i, &p, 1000, 1), other = correlated(_i, &p, 1000, 2);
    omp_set_num_threads(before);
    ck_assert(memcmp(&one, &seven, sizeof one) == 0);
    ck_assert_double_ne(one.r[0].low, other.r[0].low);
}
END_TEST

/* Copies of a slice add nothing to what is known. */
START_TEST(correlations_count_scans_not_slices) {
    points one = read_points(0), three = one;
    for (size_t s = 0; s < SCANS; s++)
        for (size_t k = 3 * s; k < 3 * s + 3; k++) {
            for (int score = 0; score < SCORES; score++)
                three.x[score][k] = one.x[score][s];
            three.y[k] = one.y[s];
            three.first[s + 1] = k + 1;
        }
    correlations a = correlated(_i, &one, 1000, 1), b = correlated(_i, &three, 1000, 1);
    static const char *const names[] = {"r0", "r1", "r2", "r3", "trend", "drop"};
    for (int k = 0; k < SCORES + 2; k++) {
        const interval *x = find(&a, names[k]), *y = find(&b, names[k]);
        ck_assert_double_eq_tol(x->estimate, y->estimate, 1e-9);
        ck_assert_double_eq_tol(x->low, y->low, 1e-9);
        ck_assert_double_eq_tol(x->high, y->high, 1e-9);
    }
}
END_TEST

/* The outcome itself, a third of it turned round, the negative of that, the negative of the outcome: what
 * trend and drop are is then known, and that the drop is certain. */
START_TEST(known_correlations_have_a_known_trend) {
    points p = read_points(0);
    for (int k = 0; k < SCANS; k++) {
        p.y[k] = p.x[0][k] = k;
        p.x[1][k] = k % 3 ? k : -k;
        p.x[2][k] = -p.x[1][k];
        p.x[3][k] = -k;
    }
    correlations c = correlated(_i, &p, 1000, 1);
    ck_assert_double_eq_tol(c.r[0].estimate, 1.0, 1e-12);
    ck_assert_double_eq_tol(c.r[0].low, 1.0, 1e-12);
    ck_assert_double_eq_tol(c.r[3].estimate, -1.0, 1e-12);
    ck_assert_double_eq_tol(c.r[1].estimate, -c.r[2].estimate, 1e-12);
    ck_assert_double_eq_tol(c.trend.estimate, (-3.0 - c.r[1].estimate) / 5.0, 1e-12);
    ck_assert_double_eq_tol(c.trend.low, (-3.0 - c.r[1].high) / 5.0, 1e-9);
    ck_assert_double_eq_tol(c.trend.high, (-3.0 - c.r[1].low) / 5.0, 1e-9);
    ck_assert_double_eq_tol(c.drop.estimate, -2.0, 1e-12);
    ck_assert_double_eq_tol(c.drop.high, -2.0, 1e-12);
}
END_TEST

/* Three scans have an interval. A score that differs in one scan only has none: without that scan it has no
 * correlation. The other scores keep theirs. */
START_TEST(correlations_of_little) {
    points p = read_points(1);
    correlations c;
    ck_assert_int_eq(correlate(_i, &p, 3, 100, 1, &c), 0);
    for (int k = 0; k < SCORES; k++)
        ck_assert(c.r[k].low >= -1.0 && c.r[k].low <= c.r[k].high && c.r[k].high <= 1.0);
    for (int k = 0; k < MOST_POINTS; k++)
        p.x[2][k] = k == 5 ? 0.2 : 0.1;
    c = correlated(_i, &p, 100, 1);
    ck_assert(isfinite(c.r[2].estimate) && isnan(c.r[2].low) && isnan(c.r[2].high));
    ck_assert(isfinite(c.r[1].low) && isfinite(c.drop.low) && isnan(c.trend.low));
}
END_TEST

START_TEST(one_score_has_no_trend) {
    points p = read_points(0);
    const double *x[] = {p.x[0]};
    const bootstrap_plan plan = {.scans = SCANS, .replicates = 100, .confidence = 0.95};
    interval r, trend, drop;
    ck_assert_int_eq(correlation_study(_i, 1, x, p.y, p.first, &plan, &r, &trend, &drop), 0);
    ck_assert(r.low < r.estimate && r.estimate < r.high);
    ck_assert(isnan(trend.estimate) && isnan(drop.low));
}
END_TEST

/* Numbers whose squares a double cannot hold. */
START_TEST(correlations_of_extreme_numbers) {
    static const int shifts[] = {-900, 900};
    points p = read_points(0);
    for (int kind = 0; kind < CORRELATION_KINDS; kind++)
        for (size_t k = 0; k < 2; k++) {
            points extreme = p;
            for (int i = 0; i < SCANS; i++)
                extreme.x[0][i] = ldexp(p.x[0][i], shifts[k]);
            correlations c = correlated((correlation_kind)kind, &extreme, 100, 1);
            ck_assert_double_eq_tol(c.r[0].estimate,
                                    correlated((correlation_kind)kind, &p, 100, 1).r[0].estimate, 1e-14);
        }
}
END_TEST

static void expect_no_correlation(const points *p, size_t scans, const char *message) {
    correlations c;
    ck_assert_int_eq(correlate(CORRELATION_SPEARMAN, p, scans, 100, 1, &c), -1);
    expect_error(message, "");
}

START_TEST(correlations_reject_bad_input) {
    const points good = read_points(0);
    points p = good;
    expect_no_correlation(&p, 2, "2 scans, expected at least 3");
    p.y[5] = NAN;
    expect_no_correlation(&p, SCANS, "point 5");
    p = good;
    p.x[2][7] = INFINITY;
    expect_no_correlation(&p, SCANS, "score 2: correlation: point 7 is (inf");
    p = good;
    for (int k = 0; k < SCANS; k++)
        p.x[3][k] = 0.1;
    expect_no_correlation(&p, SCANS, "score 3 is 0.1 at all 20 points");
    p = good;
    for (int k = 0; k < SCANS; k++)
        p.y[k] = -4.0;
    expect_no_correlation(&p, SCANS, "the outcome is -4 at all 20 points");
    p = good;
    p.first[4] = p.first[3];
    expect_no_correlation(&p, SCANS, "scan 3 has no points");
}
END_TEST

/* ---------------------------------------------------------------- ROC */

enum { MOST_ROWS = 80, ROC_SETS = 4, CLUSTERED = 3 };

typedef struct {
    size_t n, scans, first[MOST_ROWS + 1];
    int is_case[MOST_ROWS];
    double a[MOST_ROWS], b[MOST_ROWS];
    interval area_a, area_b, difference;
} roc_points;

static interval interval_at(const csv_table *t, size_t row, const char *estimate, const char *low,
                            const char *high) {
    return (interval){table_number(t, row, estimate), table_number(t, row, low), table_number(t, row, high)};
}

/* Sets of golden/make_roc_golden.py: 1 has ties; in 2 a separates cases from controls, and b the wrong way
 * round; in CLUSTERED a scan has one to four rows, in the others one. */
static roc_points read_roc(int set) {
    csv_table *t = read_csv("tests/golden/roc.csv");
    roc_points p = {0};
    for (size_t row = 0; row < t->rows; row++)
        if (table_number(t, row, "set") == set) {
            p.scans = (size_t)table_number(t, row, "scan") + 1;
            p.is_case[p.n] = (int)table_number(t, row, "is_case");
            p.a[p.n] = table_number(t, row, "a");
            p.b[p.n++] = table_number(t, row, "b");
            p.first[p.scans] = p.n;
            p.area_a = interval_at(t, row, "area_a", "low_a", "high_a");
            p.area_b = interval_at(t, row, "area_b", "low_b", "high_b");
            p.difference = interval_at(t, row, "difference", "ci_low", "ci_high");
        }
    csv_table_free(t);
    return p;
}

static void expect_area(const double *score, const roc_points *p, interval expected) {
    interval found;
    ck_assert_double_eq_tol(roc_area(score, p->is_case, p->n), expected.estimate, 1e-9);
    ck_assert_msg(roc_interval(score, p->is_case, p->n, 0.95, &found) == 0, "%s", err_message());
    ck_assert_double_eq_tol(found.estimate, expected.estimate, 1e-9);
    ck_assert_double_eq_tol(found.low, expected.low, 1e-8);
    ck_assert_double_eq_tol(found.high, expected.high, 1e-8);
}

START_TEST(roc_areas_agree_with_golden_values) {
    roc_points p = read_roc(_i);
    expect_area(p.a, &p, p.area_a);
    expect_area(p.b, &p, p.area_b);
}
END_TEST

/* Ends of 400000 replicates of SciPy's. */
static void expect_resampled(interval found, interval expected) {
    ck_assert_double_eq_tol(found.estimate, expected.estimate, 1e-9);
    ck_assert_msg(fabs(found.low - expected.low) < 0.006 && fabs(found.high - expected.high) < 0.006,
                  "found %g to %g, expected %g to %g", found.low, found.high, expected.low, expected.high);
}

START_TEST(roc_difference_agrees_with_scipy) {
    static const int sets[] = {0, 1, CLUSTERED};
    roc_points p = read_roc(sets[_i]);
    const bootstrap_plan plan = {.scans = p.scans, .replicates = 100000, .confidence = 0.95, .seed = 1};
    interval one, five;
    int before = omp_get_max_threads();
    for (size_t k = 0; k < p.n; k++) /* any number but 0 says case */
        p.is_case[k] *= 1 + (int)(k % 2);
    omp_set_num_threads(1);
    ck_assert_msg(roc_bootstrap(p.a, p.b, p.is_case, p.first, &plan, &one) == 0, "%s", err_message());
    omp_set_num_threads(5);
    ck_assert_int_eq(roc_bootstrap(p.a, p.b, p.is_case, p.first, &plan, &five), 0);
    omp_set_num_threads(before);
    ck_assert(memcmp(&one, &five, sizeof one) == 0);
    expect_resampled(one, p.difference);
}
END_TEST

START_TEST(roc_area_over_scans_agrees_with_scipy) {
    roc_points p = read_roc(CLUSTERED);
    const bootstrap_plan plan = {.scans = p.scans, .replicates = 100000, .confidence = 0.95, .seed = 1};
    interval found;
    ck_assert_msg(roc_bootstrap(p.a, NULL, p.is_case, p.first, &plan, &found) == 0, "%s", err_message());
    expect_resampled(found, p.area_a);
    ck_assert_msg(roc_bootstrap(p.b, NULL, p.is_case, p.first, &plan, &found) == 0, "%s", err_message());
    expect_resampled(found, p.area_b);
}
END_TEST

/* Rows that say nothing new make no interval narrower. */
START_TEST(roc_counts_scans_not_rows) {
    enum { TIMES = 2 };
    roc_points p = read_roc(1), more = p;
    for (size_t k = 0; k < TIMES * p.n; k++) {
        more.a[k] = p.a[k / TIMES];
        more.b[k] = p.b[k / TIMES];
        more.is_case[k] = p.is_case[k / TIMES];
    }
    for (size_t s = 0; s <= p.scans; s++)
        more.first[s] = TIMES * p.first[s];
    const bootstrap_plan plan = {.scans = p.scans, .replicates = 2000, .confidence = 0.95, .seed = 1};
    interval once, often;
    ck_assert_int_eq(roc_bootstrap(p.a, p.b, p.is_case, p.first, &plan, &once), 0);
    ck_assert_int_eq(roc_bootstrap(more.a, more.b, more.is_case, more.first, &plan, &often), 0);
    ck_assert_double_eq_tol(once.low, often.low, 1e-12);
    ck_assert_double_eq_tol(once.high, often.high, 1e-12);
    ck_assert_int_eq(roc_bootstrap(p.a, NULL, p.is_case, p.first, &plan, &once), 0);
    ck_assert_int_eq(roc_bootstrap(more.a, NULL, more.is_case, more.first, &plan, &often), 0);
    ck_assert_double_eq_tol(once.low, often.low, 1e-12);
    ck_assert_double_eq_tol(once.high, often.high, 1e-12);
}
END_TEST

/* A constant score tells nothing; scores that are perfect, whichever way, cannot be told apart from these
 * scans. */
START_TEST(roc_of_scores_without_spread) {
    roc_points p = read_roc(2);
    double constant[MOST_ROWS] = {0}, twice[MOST_ROWS];
    const bootstrap_plan plan = {.scans = p.scans, .replicates = 1000, .confidence = 0.95};
    interval found;
    ck_assert_double_eq(roc_area(constant, p.is_case, p.n), 0.5);
    ck_assert_int_eq(roc_interval(constant, p.is_case, p.n, 0.95, &found), 0);
    ck_assert(found.low > 0.1 && found.low < 0.4 && fabs(found.high - (1.0 - found.low)) < 1e-9);
    for (size_t k = 0; k < p.n; k++)
        twice[k] = 2.0 * p.a[k];
    ck_assert_int_eq(roc_bootstrap(p.a, twice, p.is_case, p.first, &plan, &found), 0);
    ck_assert(found.estimate == 0.0 && isnan(found.low) && isnan(found.high));
    ck_assert_int_eq(roc_bootstrap(p.a, p.b, p.is_case, p.first, &plan, &found), 0);
    ck_assert(found.estimate == 1.0 && isnan(found.low) && isnan(found.high));
    ck_assert_int_eq(roc_bootstrap(p.a, NULL, p.is_case, p.first, &plan, &found), 0);
    ck_assert(found.estimate == 1.0 && isnan(found.low) && isnan(found.high));
}
END_TEST

START_TEST(roc_rejects_bad_input) {
    roc_points p = read_roc(0);
    const int none[MOST_ROWS] = {0}, one[MOST_ROWS] = {1};
    const bootstrap_plan plan = {.scans = p.scans, .replicates = 100, .confidence = 0.95};
    interval found;
    ck_assert_int_eq(roc_interval(p.a, none, p.n, 0.95, &found), -1);
    expect_error("0 cases and 30 controls", "");
    ck_assert_double_nan(roc_area(p.a, none, p.n));
    ck_assert_int_eq(roc_interval(p.a, one, p.n, 0.95, &found), 0);
    ck_assert_int_eq(roc_bootstrap(p.a, p.b, one, p.first, &plan, &found), -1);
    expect_error("1 scans with cases and 29 scans with controls, expected at least 2", "");
    ck_assert_int_eq(roc_interval(p.a, p.is_case, p.n, 95.0, &found), -1);
    expect_error("confidence 95", "");
    p.b[4] = NAN;
    ck_assert_int_eq(roc_bootstrap(p.a, p.b, p.is_case, p.first, &plan, &found), -1);
    expect_error("the second score of row 4", "");
    ck_assert_int_eq(roc_interval(p.b, p.is_case, p.n, 0.95, &found), -1);
    ck_assert_int_eq(roc_bootstrap(p.b, NULL, p.is_case, p.first, &plan, &found), -1);
    ck_assert_double_nan(roc_area(p.b, p.is_case, p.n));
    p.first[7] = p.first[8];
    ck_assert_int_eq(roc_bootstrap(p.a, NULL, p.is_case, p.first, &plan, &found), -1);
    expect_error("scan 7 has no rows", "");
}
END_TEST

Suite *suite_correlation(void) {
    Suite *suite = suite_create("correlation");
    TCase *tcase = tcase_create("correlation");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, bootstrap_says_what_is_undefined);
    tcase_add_test(tcase, bootstrap_resamples_strata_apart);
    tcase_add_test(tcase, bootstrap_has_no_end_beyond_the_pole);
    tcase_add_test(tcase, bootstrap_rejects_bad_plans);
    tcase_add_loop_test(tcase, correlations_agree_with_scipy, 0, 3 * CORRELATION_KINDS);
    tcase_add_loop_test(tcase, correlations_do_not_depend_on_threads, 0, CORRELATION_KINDS);
    tcase_add_loop_test(tcase, correlations_count_scans_not_slices, 0, CORRELATION_KINDS);
    tcase_add_loop_test(tcase, known_correlations_have_a_known_trend, 0, CORRELATION_KINDS);
    tcase_add_loop_test(tcase, correlations_of_little, 0, CORRELATION_KINDS);
    tcase_add_loop_test(tcase, one_score_has_no_trend, 0, CORRELATION_KINDS);
    tcase_add_test(tcase, correlations_of_extreme_numbers);
    tcase_add_test(tcase, correlations_reject_bad_input);
    tcase_add_loop_test(tcase, roc_areas_agree_with_golden_values, 0, CLUSTERED);
    tcase_add_loop_test(tcase, roc_difference_agrees_with_scipy, 0, ROC_SETS - 1);
    tcase_add_test(tcase, roc_area_over_scans_agrees_with_scipy);
    tcase_add_test(tcase, roc_counts_scans_not_rows);
    tcase_add_test(tcase, roc_of_scores_without_spread);
    tcase_add_test(tcase, roc_rejects_bad_input);
    suite_add_tcase(suite, tcase);
    return suite;
}
