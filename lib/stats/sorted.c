#include "stats/sorted.h"

#include "core/error.h"
#include "core/memory.h"
#include <gsl/gsl_sort.h>
#include <stdlib.h>

void sorted_free(sorted *s) {
    free(s->order);
    free(s->dense);
}

int sorted_init(sorted *s, const double *value, size_t n) {
    *s = (sorted){.n = n, .value = value, .order = mem_alloc(n * sizeof(size_t))};
    s->dense = s->order ? mem_alloc(n * sizeof(size_t)) : NULL;
    if (!s->dense)
        return -1;
    gsl_sort_index(s->order, value, 1, n);
    for (size_t k = 0, dense = 0; k < n; k++) {
        dense += k > 0 && value[s->order[k]] != value[s->order[k - 1]];
        s->dense[s->order[k]] = dense;
    }
    return 0;
}

int sorted_is_constant(const sorted *s) {
    return s->dense[s->order[s->n - 1]] == 0;
}

size_t sorted_run_end(const sorted *s, size_t k) {
    size_t end = k + 1;
    while (end < s->n && s->dense[s->order[end]] == s->dense[s->order[k]])
        end++;
    return end;
}

double sorted_run_weight(const sorted *s, const double *weight, size_t k, size_t end) {
    double sum = 0.0;
    for (; k < end; k++)
        sum += weight[s->order[k]];
    return sum;
}
