#include "stats/correlation.h"

#include "core/error.h"
#include "core/memory.h"
#include "stats/sorted.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    correlation_kind kind;
    size_t m;
    const size_t *first; /* [scans + 1] */
    sorted *x, y;        /* x[m] */
} study;

/* Of one thread. */
typedef struct {
    double *weight;          /* [n] */
    double *rank_x, *rank_y; /* [n] */
    double *tree;            /* [n + 1], zero between uses */
} scratch;

static size_t scratch_doubles(size_t n) {
    return 4 * n + 1;
}

static scratch scratch_in(double *room, size_t n) {
    return (scratch){room, room + n, room + 2 * n, room + 3 * n};
}

const char *correlation_name(correlation_kind kind) {
    static const char *const names[CORRELATION_KINDS] = {"pearson", "spearman", "kendall"};
    return names[kind];
}

/* ---------------------------------------------------------------- coefficients */

/* Sums of squares and of products of deviations from the means, of numbers times 2^-shift. */
typedef struct {
    double xx, yy, xy;
} moments;

static double shifted(double value, int shift) {
    return shift ? ldexp(value, -shift) : value;
}

static moments moments_of(const double *x, int shift_x, const double *y, int shift_y, const double *weight,
                          size_t n) {
    double total = 0.0, mean_x = 0.0, mean_y = 0.0;
    moments m = {0};
    for (size_t k = 0; k < n; k++) {
        total += weight[k];
        mean_x += weight[k] * shifted(x[k], shift_x);
        mean_y += weight[k] * shifted(y[k], shift_y);
    }
    mean_x /= total;
    mean_y /= total;
    for (size_t k = 0; k < n; k++) {
        double dx = shifted(x[k], shift_x) - mean_x, dy = shifted(y[k], shift_y) - mean_y;
        m.xx += weight[k] * dx * dx;
        m.yy += weight[k] * dy * dy;
        m.xy += weight[k] * dx * dy;
    }
    return m;
}

/* Of the largest magnitude that has a weight. */
static int exponent_of(const double *x, const double *weight, size_t n) {
    double largest = 0.0;
    int exponent;
    for (size_t k = 0; k < n; k++)
        largest = weight[k] > 0.0 ? fmax(largest, fabs(x[k])) : largest;
    frexp(largest, &exponent);
    return exponent;
}

/* Once more near 1 where squares are too large or too small for a double. */
static double pearson(const double *x, const double *y, const double *weight, size_t n) {
    moments m = moments_of(x, 0, y, 0, weight, n);
    if (!isnormal(m.xx) || !isnormal(m.yy) || !isfinite(m.xy))
        m = moments_of(x, exponent_of(x, weight, n), y, exponent_of(y, weight, n), weight, n);
    return fmin(fmax(m.xy / (sqrt(m.xx) * sqrt(m.yy)), -1.0), 1.0);
}

static void rank(const sorted *s, const double *weight, double *ranks) {
    double before = 0.0;
    for (size_t k = 0, end; k < s->n; k = end) {
        end = sorted_run_end(s, k);
        double size = sorted_run_weight(s, weight, k, end);
        for (size_t j = k; j < end; j++)
            ranks[s->order[j]] = before + 0.5 * (size + 1.0);
        before += size;
    }
}

static double spearman(const sorted *x, const sorted *y, const scratch *w) {
    rank(x, w->weight, w->rank_x);
    rank(y, w->weight, w->rank_y);
    return pearson(w->rank_x, w->rank_y, w->weight, x->n);
}

/* Pairs of equal values. */
static double tied_pairs(const sorted *s, const double *weight) {
    double pairs = 0.0;
    for (size_t k = 0, end; k < s->n; k = end) {
        end = sorted_run_end(s, k);
        double size = sorted_run_weight(s, weight, k, end);
        pairs += 0.5 * size * (size - 1.0);
    }
    return pairs;
}

/* A Fenwick tree of weights by dense rank: sums of all ranks below one in O(log n). */
static void tree_add(double *tree, size_t n, size_t rank, double weight) {
    for (size_t k = rank + 1; k <= n; k += k & -k)
        tree[k] += weight;
}

static double tree_below(const double *tree, size_t rank) {
    double sum = 0.0;
    for (size_t k = rank; k > 0; k -= k & -k)
        sum += tree[k];
    return sum;
}

/* Weights are whole numbers, so that all sums are exact. */
static double kendall(const sorted *x, const sorted *y, const scratch *w) {
    double concordant = 0.0, total = 0.0;
    for (size_t k = 0, end; k < x->n; k = end) {
        end = sorted_run_end(x, k);
        for (size_t j = k; j < end; j++) {
            size_t point = x->order[j], dense = y->dense[point];
            double below = tree_below(w->tree, dense), above = total - tree_below(w->tree, dense + 1);
            concordant += w->weight[point] * (below - above);
        }
        for (size_t j = k; j < end; j++)
            tree_add(w->tree, x->n, y->dense[x->order[j]], w->weight[x->order[j]]);
        total += sorted_run_weight(x, w->weight, k, end);
    }
    memset(w->tree, 0, (x->n + 1) * sizeof *w->tree);
    double pairs = 0.5 * total * (total - 1.0);
    return concordant / sqrt((pairs - tied_pairs(x, w->weight)) * (pairs - tied_pairs(y, w->weight)));
}

static int is_constant(const sorted *s, const double *weight) {
    size_t seen = s->n;
    for (size_t k = 0; k < s->n; k++) {
        if (weight[k] > 0.0 && seen < s->n && s->dense[k] != s->dense[seen])
            return 0;
        if (weight[k] > 0.0)
            seen = k;
    }
    return 1;
}

static double coefficient(correlation_kind kind, const sorted *x, const sorted *y, const scratch *w) {
    if (is_constant(x, w->weight) || is_constant(y, w->weight))
        return NAN;
    return kind == CORRELATION_PEARSON    ? pearson(x->value, y->value, w->weight, x->n)
           : kind == CORRELATION_SPEARMAN ? spearman(x, y, w)
                                          : kendall(x, y, w);
}

static int check(const double *x, const double *y, size_t n) {
    for (size_t k = 0; k < n; k++)
        if (!isfinite(x[k]) || !isfinite(y[k]))
            return err_set("correlation: point %zu is (%g, %g), expected finite numbers", k, x[k], y[k]);
    return 0;
}

/* ---------------------------------------------------------------- over scans */

/* Least-squares slope of r over 1 .. m. */
static double slope(const double *r, size_t m) {
    double middle = 0.5 * (double)(m + 1), rr = 0.0, squares = 0.0;
    for (size_t k = 0; k < m; k++) {
        double d = (double)(k + 1) - middle;
        rr += d * r[k];
        squares += d * d;
    }
    return m > 1 ? rr / squares : NAN;
}

/* values: r[m], trend, drop. */
static void correlate_sample(const void *self, void *work, const size_t *scan, size_t n, double *values) {
    const study *s = self;
    scratch w = scratch_in(work, s->y.n);
    memset(w.weight, 0, s->y.n * sizeof *w.weight);
    memset(w.tree, 0, (s->y.n + 1) * sizeof *w.tree);
    for (size_t k = 0; k < n; k++)
        for (size_t p = s->first[scan[k]]; p < s->first[scan[k] + 1]; p++)
            w.weight[p] += 1.0;
    for (size_t score = 0; score < s->m; score++)
        values[score] = coefficient(s->kind, &s->x[score], &s->y, &w);
    values[s->m] = slope(values, s->m);
    values[s->m + 1] = s->m > 1 ? values[s->m - 1] - values[0] : NAN;
}

static int study_init(study *s, const double *const *x, const double *y, size_t n, size_t scans) {
    if (scans < 3)
        return err_set("correlation: %zu scans, expected at least 3", scans);
    for (size_t k = 0; k < scans; k++)
        if (s->first[k + 1] <= s->first[k])
            return err_set("correlation: scan %zu has no points", k);
    if (!(s->x = mem_calloc(s->m, sizeof *s->x)) || sorted_init(&s->y, y, n) < 0)
        return -1;
    if (sorted_is_constant(&s->y))
        return err_set("correlation: the outcome is %g at all %zu points", y[0], n);
    for (size_t k = 0; k < s->m; k++) {
        if (check(x[k], y, n) < 0)
            return err_prefix("score %zu", k);
        if (sorted_init(&s->x[k], x[k], n) < 0)
            return -1;
        if (sorted_is_constant(&s->x[k]))
            return err_set("correlation: score %zu is %g at all %zu points", k, x[k][0], n);
    }
    return 0;
}

static void study_free(study *s) {
    for (size_t k = 0; s->x && k < s->m; k++)
        sorted_free(&s->x[k]);
    free(s->x);
    sorted_free(&s->y);
}

int correlation_study(correlation_kind kind, size_t m, const double *const *x, const double *y,
                      const size_t *first, const bootstrap_plan *plan, interval *r, interval *trend,
                      interval *drop) {
    size_t n = first[plan->scans];
    study s = {.kind = kind, .m = m, .first = first};
    interval *all = mem_alloc((m + 2) * sizeof *all);
    int status = all ? study_init(&s, x, y, n, plan->scans) : -1;
    if (status == 0)
        status = bootstrap_bca(plan, correlate_sample, &s, scratch_doubles(n) * sizeof(double), m + 2, all);
    if (status == 0) {
        memcpy(r, all, m * sizeof *r);
        if (trend)
            *trend = all[m];
        if (drop)
            *drop = all[m + 1];
    }
    study_free(&s);
    free(all);
    return status;
}
