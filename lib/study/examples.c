#include "study/examples.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

#define NO_ROW ((size_t)-1)

static int rank_rows(const score_table *t, size_t metric, double *poorer_than) {
    size_t *order = mem_alloc(t->rows * sizeof *order), end;
    const double *x = t->values[metric], sign = metric_poor_sign(&t->metric[metric]);
    if (!order)
        return -1;
    for (size_t row = 0; row < t->rows; row++)
        poorer_than[row] = sign * x[row];
    gsl_sort_index(order, poorer_than, 1, t->rows);
    for (size_t k = 0; k < t->rows; k = end) {
        for (end = k + 1; end < t->rows && x[order[end]] == x[order[k]];)
            end++;
        double share = t->rows > 1 ? 0.5 * (double)(k + end - 1) / (double)(t->rows - 1) : 0.5;
        for (size_t i = k; i < end; i++)
            poorer_than[order[i]] = share;
    }
    free(order);
    return 0;
}

/* The row with the largest value that is not `other`; among equals the one with the largest number drawn. */
static size_t largest(const double *value, const double *drawn, size_t rows, size_t other) {
    size_t best = other == 0 && rows > 1 ? 1 : 0;
    for (size_t row = 0; row < rows; row++)
        if (row != other &&
            (value[row] > value[best] || (value[row] == value[best] && drawn[row] > drawn[best])))
            best = row;
    return best;
}

/* work: [3][rows]. */
static int choose(example_choice *e, const score_table *t, int ssfd, const int *others, int count,
                  uint64_t seed, double *work) {
    size_t rows = t->rows;
    double *alone = work, *good = work + rows, *drawn = work + 2 * rows;
    gsl_rng *rng = rng_stream(seed, RNG_SPLIT, 3, 0);
    if (!rng)
        return -1;
    for (size_t row = 0; row < rows; row++) {
        double of_ssfd = e->poorer_than[(size_t)ssfd * rows + row], of_others = 0.0;
        for (int k = 0; k < count; k++)
            of_others = fmax(of_others, e->poorer_than[(size_t)others[k] * rows + row]);
        alone[row] = of_ssfd - of_others;
        good[row] = -fmax(of_ssfd, of_others);
        drawn[row] = gsl_rng_uniform(rng);
    }
    gsl_rng_free(rng);
    e->alone = largest(alone, drawn, rows, NO_ROW);
    e->good = largest(good, drawn, rows, e->alone);
    return 0;
}

int examples_choose(example_choice *e, const score_table *t, int ssfd, const int *others, int count,
                    uint64_t seed) {
    double *work = mem_alloc(3 * t->rows * sizeof *work);
    *e = (example_choice){.poorer_than = mem_alloc(t->metrics * t->rows * sizeof *e->poorer_than)};
    int status = work && e->poorer_than ? 0 : -1;
    for (size_t m = 0; status == 0 && m < t->metrics; m++)
        status = rank_rows(t, m, e->poorer_than + m * t->rows);
    if (status == 0)
        status = choose(e, t, ssfd, others, count, seed, work);
    free(work);
    if (status < 0)
        examples_free(e);
    return status;
}

void examples_free(example_choice *e) {
    free(e->poorer_than);
    *e = (example_choice){0};
}
