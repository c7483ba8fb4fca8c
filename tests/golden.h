/* Reading golden files, and the measure by which the tests of networks compare with them. */
#ifndef SSFD_TESTS_GOLDEN_H
#define SSFD_TESTS_GOLDEN_H

#include "core/memory.h"
#include "core/error.h"
#include "io/h5.h"
#include <check.h>
#include <math.h>

/* A whole dataset, the caller's. */
static inline float *read_golden(const h5_file *f, const char *dataset, size_t *count) {
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

/* ||a - b|| / ||b|| */
static inline double relative(const float *a, const float *b, size_t n) {
    double e = 0.0, s = 0.0;
    for (size_t k = 0; k < n; k++) {
        e += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
        s += (double)b[k] * (double)b[k];
    }
    return sqrt(e / s);
}

#endif
