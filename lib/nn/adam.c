#include "nn/adam.h"

#include "core/error.h"
#include "core/memory.h"
#include <math.h>
#include <stdlib.h>

#define BETA1 0.9
#define BETA2 0.999
#define EPS 1e-8

int adam_init(adam *a, size_t count) {
    *a = (adam){.count = count};
    a->m = mem_aligned(count * sizeof(float));
    a->v = mem_aligned(count * sizeof(float));
    if (a->m && a->v)
        return 0;
    adam_free(a);
    return -1;
}

void adam_free(adam *a) {
    free(a->m);
    free(a->v);
    a->m = a->v = NULL;
}

void adam_update(adam *a, float *w, const float *g, double rate) {
    a->step++;
    float b1 = (float)BETA1, b2 = (float)BETA2;
    float step = (float)(rate / (1.0 - pow(BETA1, (double)a->step)));
    float root = (float)(1.0 / sqrt(1.0 - pow(BETA2, (double)a->step)));
#pragma omp parallel for schedule(static)
    for (size_t k = 0; k < a->count; k++) {
        a->m[k] = b1 * a->m[k] + (1.0f - b1) * g[k];
        a->v[k] = b2 * a->v[k] + (1.0f - b2) * g[k] * g[k];
        w[k] -= step * a->m[k] / (sqrtf(a->v[k]) * root + (float)EPS);
    }
}
