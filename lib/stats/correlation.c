#include "stats/correlation.h"

#include "core/error.h"
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[CORRELATION_KINDS] = {"pearson", "spearman", "kendall"};
static const char *const titles[CORRELATION_KINDS] = {"Pearson's r", "Spearman's rho", "Kendall's tau-b"};

const char *correlation_name(correlation_kind kind) {
    return names[kind];
}

const char *correlation_title(correlation_kind kind) {
    return titles[kind];
}

/* One variable, sorted once: a sample is then a weight for each point, and needs no sort of its own. */
typedef struct {
    const double *values; /* [n] */
    size_t *order;        /* [n]: points, ascending */
    size_t *rank;         /* [n]: 0 for the smallest value, equal for equal values, without gaps */
    size_t groups;        /* different values */
} variable;

typedef struct {
    correlation_kind kind;
    size_t m, n;
    const size_t *first;
    variable *x, y; /* x[m] */
} study;

/* ---------------------------------------------------------------- coefficients of weighted points */

/* Work of a thread: everything is [n + 1]. `weight` counts the copies of each point in the sample. */
typedef struct {
    double *weight;
    double *groups, *u, *v, *tree;
} scratch;

static scratch lay_out(void *work, size_t n) {
    double *a = work;
    return (scratch){a, a + (n + 1), a + 2 * (n + 1), a + 3 * (n + 1), a + 4 * (n + 1)};
}

static size_t scratch_size(size_t n) {
    return 5 * (n + 1) * sizeof(double);
}

static int is_constant(const double *values, const double *weight, size_t n) {
    size_t k = 0;
    while (k < n && weight[k] == 0.0)
        k++;
    for (size_t i = k; i < n; i++)
        if (weight[i] > 0.0 && values[i] != values[k])
            return 0;
    return 1;
}

/* NaN where there is no variance: found by comparing values, for rounding would hide it. */
static double pearson(const double *x, const double *y, const double *weight, size_t n) {
    double total = 0.0, mean_x = 0.0, mean_y = 0.0, xx = 0.0, yy = 0.0, xy = 0.0;
    if (is_constant(x, weight, n) || is_constant(y, weight, n))
        return NAN;
    for (size_t k = 0; k < n; k++) {
        total += weight[k];
        mean_x += weight[k] * x[k];
        mean_y += weight[k] * y[k];
    }
    mean_x /= total;
    mean_y /= total;
    for (size_t k = 0; k < n; k++) {
        double dx = x[k] - mean_x, dy = y[k] - mean_y;
        xx += weight[k] * dx * dx;
        yy += weight[k] * dy * dy;
        xy += weight[k] * dx * dy;
    }
    return fmin(fmax(xy / (sqrt(xx) * sqrt(yy)), -1.0), 1.0);
}

/* groups[g]: how many points of the sample have the g-th value. */
static void count_groups(const variable *x, const double *weight, size_t n, double *groups) {
    memset(groups, 0, x->groups * sizeof *groups);
    for (size_t k = 0; k < n; k++)
        groups[x->rank[k]] += weight[k];
}

/* ranks[k]: rank of point k in the sample, counted from 1, the mean of their ranks for equal values. */
static void mid_ranks(const variable *x, const double *weight, size_t n, double *groups, double *ranks) {
    double below = 0.0;
    count_groups(x, weight, n, groups);
    for (size_t g = 0; g < x->groups; g++) {
        double here = groups[g];
        groups[g] = below + 0.5 * (here + 1.0);
        below += here;
    }
    for (size_t k = 0; k < n; k++)
        ranks[k] = groups[x->rank[k]];
}

static double pairs(double n) {
    return 0.5 * n * (n - 1.0);
}

static double tied_pairs(const variable *x, const double *weight, size_t n, double *groups) {
    double tied = 0.0;
    count_groups(x, weight, n, groups);
    for (size_t g = 0; g < x->groups; g++)
        tied += pairs(groups[g]);
    return tied;
}

/* A Fenwick tree (1994) over the ranks of y: weights of the points seen so far. */
static void tree_add(double *tree, size_t groups, size_t rank, double weight) {
    for (size_t k = rank + 1; k <= groups; k += k & -k)
        tree[k] += weight;
}

static double tree_below(const double *tree, size_t rank) {
    double sum = 0.0;
    for (size_t k = rank; k > 0; k -= k & -k)
        sum += tree[k];
    return sum;
}

/* Concordant less discordant pairs: every point against those of smaller x, which are in the tree. Exact, for
 * all numbers are whole. */
static double concordance(const variable *x, const variable *y, const double *weight, size_t n,
                          double *tree) {
    double sum = 0.0, seen = 0.0;
    memset(tree, 0, (y->groups + 1) * sizeof *tree);
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin; end < n && x->rank[x->order[end]] == x->rank[x->order[begin]]; end++) {
            size_t k = x->order[end];
            if (weight[k] > 0.0)
                sum += weight[k] * (tree_below(tree, y->rank[k]) - (seen - tree_below(tree, y->rank[k] + 1)));
        }
        for (size_t i = begin; i < end; i++) {
            size_t k = x->order[i];
            if (weight[k] > 0.0)
                tree_add(tree, y->groups, y->rank[k], weight[k]);
            seen += weight[k];
        }
    }
    return sum;
}

static double kendall(const variable *x, const variable *y, size_t n, double total, double tied_y,
                      scratch *s) {
    double untied_x = pairs(total) - tied_pairs(x, s->weight, n, s->groups), untied_y = pairs(total) - tied_y;
    if (untied_x == 0.0 || untied_y == 0.0)
        return NAN;
    double r = concordance(x, y, s->weight, n, s->tree) / (sqrt(untied_x) * sqrt(untied_y));
    return fmin(fmax(r, -1.0), 1.0);
}

/* ---------------------------------------------------------------- the study */

/* Points of the sample: their number. */
static double weigh(const study *s, const size_t *scan, size_t drawn, double *weight) {
    double total = 0.0;
    memset(weight, 0, s->n * sizeof *weight);
    for (size_t i = 0; i < drawn; i++) {
        size_t from = s->first[scan[i]], to = s->first[scan[i] + 1];
        for (size_t k = from; k < to; k++)
            weight[k] += 1.0;
        total += (double)(to - from);
    }
    return total;
}

static double slope(const double *r, size_t m) {
    double middle = 0.5 * (double)(m - 1), above = 0.0, below = 0.0;
    for (size_t k = 0; k < m; k++) {
        above += ((double)k - middle) * r[k];
        below += ((double)k - middle) * ((double)k - middle);
    }
    return above / below;
}

/* values: r[m], and behind them trend and drop when there are several scores. */
static void statistic(const void *self, void *work, const size_t *scan, size_t drawn, double *values) {
    const study *s = self;
    scratch t = lay_out(work, s->n);
    double total = weigh(s, scan, drawn, t.weight), tied_y = 0.0;
    if (s->kind == CORRELATION_SPEARMAN)
        mid_ranks(&s->y, t.weight, s->n, t.groups, t.v);
    else if (s->kind == CORRELATION_KENDALL)
        tied_y = tied_pairs(&s->y, t.weight, s->n, t.groups);
    for (size_t k = 0; k < s->m; k++) {
        const variable *x = &s->x[k];
        if (s->kind == CORRELATION_PEARSON) {
            values[k] = pearson(x->values, s->y.values, t.weight, s->n);
        } else if (s->kind == CORRELATION_SPEARMAN) {
            mid_ranks(x, t.weight, s->n, t.groups, t.u);
            values[k] = pearson(t.u, t.v, t.weight, s->n);
        } else {
            values[k] = kendall(x, &s->y, s->n, total, tied_y, &t);
        }
    }
    if (s->m > 1) {
        values[s->m] = slope(values, s->m);
        values[s->m + 1] = values[s->m - 1] - values[0];
    }
}

static void sort_variable(variable *x, size_t n) {
    gsl_sort_index(x->order, x->values, 1, n);
    x->groups = 0;
    for (size_t i = 0; i < n; i++) {
        x->groups += i == 0 || x->values[x->order[i]] != x->values[x->order[i - 1]];
        x->rank[x->order[i]] = x->groups - 1;
    }
}

/* `what` names the variable in the message. */
static int check_variable(const char *what, const double *values, size_t n) {
    size_t k = 1;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return err_set("correlation: %s is %g at point %zu, expected finite numbers", what, values[i], i);
    while (k < n && values[k] == values[0])
        k++;
    if (k >= n)
        return err_set("correlation: %s is constant (%g at all of %zu points)", what, values[0], n);
    return 0;
}

static int check(size_t m, const double *const *x, const double *y, const size_t *first, size_t scans,
                 int several) {
    char what[64];
    if (scans < 3)
        return err_set("correlation: %zu scans, expected at least 3", scans);
    if (m < 1 || (several && m < 2))
        return err_set("correlation: %zu scores, expected at least %d", m, several ? 2 : 1);
    for (size_t s = 0; s < scans; s++)
        if (first[s + 1] <= first[s])
            return err_set("correlation: scan %zu has no points", s);
    for (size_t k = 0; k < m; k++) {
        snprintf(what, sizeof what, "score %zu", k);
        if (check_variable(what, x[k], first[scans]) < 0)
            return -1;
    }
    return check_variable("the outcome", y, first[scans]);
}

static int run(study *s, const double *const *x, const double *y, const bootstrap_plan *plan,
               stats_interval *found) {
    size_t n = s->n, *ranks = mem_alloc((s->m + 1) * 2 * n * sizeof *ranks);
    s->x = ranks ? mem_alloc(s->m * sizeof *s->x) : NULL;
    int status = s->x ? 0 : -1;
    for (size_t k = 0; status == 0 && k <= s->m; k++) {
        variable *to = k < s->m ? &s->x[k] : &s->y;
        *to = (variable){
            .values = k < s->m ? x[k] : y, .order = ranks + 2 * k * n, .rank = ranks + (2 * k + 1) * n};
        sort_variable(to, n);
    }
    if (status == 0)
        status = bootstrap_bca(plan, statistic, s, scratch_size(n), s->m > 1 ? s->m + 2 : 1, found);
    free(ranks);
    free(s->x);
    return status;
}

int correlation_study(correlation_kind kind, size_t m, const double *const *x, const double *y,
                      const size_t *first, const bootstrap_plan *plan, stats_interval *r,
                      stats_interval *trend, stats_interval *drop) {
    if (check(m, x, y, first, plan->scans, trend || drop) < 0)
        return -1;
    study s = {.kind = kind, .m = m, .n = first[plan->scans], .first = first};
    stats_interval *found = mem_alloc((m + 2) * sizeof *found);
    int status = found ? run(&s, x, y, plan, found) : -1;
    if (status == 0) {
        memcpy(r, found, m * sizeof *r);
        if (trend)
            *trend = found[m];
        if (drop)
            *drop = found[m + 1];
    }
    free(found);
    return status;
}
