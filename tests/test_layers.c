/* Kernels against plain definitions in double, for every instruction set this CPU has; and the training loop.
 */
#include "core/error.h"
#include "core/rng.h"
#include "nn/conv.h"
#include "nn/conv_kernel.h"
#include "nn/layers.h"
#include "suites.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void fill(float *x, size_t n, uint64_t stream) {
    gsl_rng *rng = rng_stream(2, RNG_TEST, stream, 0);
    for (size_t k = 0; k < n; k++)
        x[k] = (float)(2.0 * gsl_rng_uniform(rng) - 1.0);
    gsl_rng_free(rng);
}

static tensor random_tensor(int channels, int rows, int columns, uint64_t stream) {
    tensor t = tensor_shape(channels, rows, columns);
    size_t n = (size_t)channels * (size_t)rows * (size_t)columns;
    float *packed = mem_alloc(n * sizeof(float));
    ck_assert_int_eq(tensor_alloc(&t), 0);
    fill(packed, n, stream);
    tensor_load(&t, packed);
    free(packed);
    return t;
}

static double pixel(const tensor *t, int c, int y, int x) {
    return y < 0 || x < 0 || y >= t->rows || x >= t->columns ? 0.0 : (double)tensor_row(t, c, y)[x];
}

/* Everything between and behind the planes' pixels is zero: the next convolution relies on it. */
static int padding_is_zero(const tensor *t) {
    double all = 0.0, pixels = 0.0;
    for (size_t k = 0; k < tensor_floats(t); k++)
        all += fabs((double)t->data[k]);
    for (int c = 0; c < t->channels; c++)
        for (int y = 0; y < t->rows; y++)
            for (int x = 0; x < t->columns; x++)
                pixels += fabs(pixel(t, c, y, x));
    return fabs(all - pixels) <= 1e-9 * all;
}

static const struct {
    int in, out, rows, columns;
} shapes[] = {{1, 20, 33, 40}, {20, 20, 17, 64}, {3, 7, 5, 5},    {40, 45, 20, 19},
              {4, 8, 1, 1},    {2, 6, 64, 2},    {5, 1, 40, 130}, {80, 40, 10, 12}};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

static void check_forward(int k, int transposed) {
    int in = shapes[k].in, out = shapes[k].out;
    tensor x = random_tensor(transposed ? out : in, shapes[k].rows, shapes[k].columns, 1);
    tensor y = random_tensor(transposed ? in : out, shapes[k].rows, shapes[k].columns, 2);
    size_t count = (size_t)in * (size_t)out * 9;
    float *w = mem_alloc(count * sizeof(float)), bias[128];
    conv_packed packed = {.data = mem_alloc(count * sizeof(float))};
    fill(w, count, 3);
    fill(bias, 128, 4);
    (transposed ? conv3_pack_transposed : conv3_pack)(w, out, in, &packed);
    conv3_forward(&x, &packed, bias, k % 2, &y);
    for (int o = 0; o < y.channels; o++)
        for (int row = 0; row < y.rows; row++)
            for (int col = 0; col < y.columns; col++) {
                double sum = (double)bias[o];
                for (int i = 0; i < x.channels; i++)
                    for (int tap = 0; tap < 9; tap++) {
                        size_t at = transposed ? ((size_t)i * (size_t)in + (size_t)o) * 9 + (size_t)(8 - tap)
                                               : ((size_t)o * (size_t)in + (size_t)i) * 9 + (size_t)tap;
                        sum += (double)w[at] * pixel(&x, i, row + tap / 3 - 1, col + tap % 3 - 1);
                    }
                if (k % 2 && sum < 0.0)
                    sum = 0.0;
                ck_assert_msg(fabs(pixel(&y, o, row, col) - sum) < 3e-5 * (1.0 + fabs(sum)),
                              "%s, shape %d: %g, expected %g", conv_isa(), k, pixel(&y, o, row, col), sum);
            }
    ck_assert(padding_is_zero(&y));
    free(w);
    free(packed.data);
    tensor_free(&x);
    tensor_free(&y);
}

static void check_weight_gradient(int k) {
    int in = shapes[k].in, out = shapes[k].out;
    tensor x = random_tensor(in, shapes[k].rows, shapes[k].columns, 1);
    tensor dy = random_tensor(out, shapes[k].rows, shapes[k].columns, 2);
    size_t count = (size_t)in * (size_t)out * 9;
    float *dw = mem_alloc(count * sizeof(float));
    float *scratch = mem_alloc(conv3_gradient_scratch(out, in) * sizeof(float));
    for (size_t q = 0; q < count; q++)
        dw[q] = 0.5f; /* gradients add */
    conv3_weight_gradient(&x, &dy, dw, scratch);
    for (int o = 0; o < out; o++)
        for (int i = 0; i < in; i++)
            for (int tap = 0; tap < 9; tap++) {
                double sum = 0.5;
                for (int row = 0; row < dy.rows; row++)
                    for (int col = 0; col < dy.columns; col++)
                        sum += pixel(&dy, o, row, col) * pixel(&x, i, row + tap / 3 - 1, col + tap % 3 - 1);
                ck_assert_double_eq_tol((double)dw[((size_t)o * (size_t)in + (size_t)i) * 9 + (size_t)tap],
                                        sum, 2e-5);
            }
    free(dw);
    free(scratch);
    tensor_free(&x);
    tensor_free(&dy);
}

START_TEST(test_conv_forward) {
    check_forward(_i, 0);
}
END_TEST

START_TEST(test_conv_transposed) {
    check_forward(_i, 1);
}
END_TEST

START_TEST(test_conv_weight_gradient) {
    check_weight_gradient(_i);
}
END_TEST

/* The same numbers from the kernels of every instruction set, side by side. */
START_TEST(test_instruction_sets_agree) {
    const conv_kernels *sets[3] = {&conv_kernels_generic};
    int count = 1;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[count++] = &conv_kernels_avx2;
    if (strcmp(conv_isa(), "avx512") == 0)
        sets[count++] = &conv_kernels_avx512;
#endif
    tensor x = random_tensor(6, 21, 30, 1), dy = random_tensor(5, 21, 30, 2);
    float w[6 * 9 * 5], bias[5] = {1, 2, 3, 4, 5};
    size_t first = tensor_first(&x), span = tensor_span(&x);
    fill(w, sizeof w / sizeof *w, 3);
    for (int block = 1; block <= CONV_BLOCK; block++) {
        tensor y[3];
        float dw[3][CONV_BLOCK * 9];
        for (int s = 0; s < count; s++) {
            y[s] = tensor_shape(CONV_BLOCK, 21, 30);
            tensor_alloc(&y[s]);
            memset(dw[s], 0, sizeof dw[s]);
            sets[s]->forward(x.data + first, x.plane, 6, w, bias, 1, block, y[s].data + first, y[s].plane,
                             span, (ptrdiff_t)x.ld);
            sets[s]->gradient(x.data + first, dy.data + first, dy.plane, block, span, (ptrdiff_t)x.ld, dw[s],
                              9);
            for (size_t k = 0; k < tensor_floats(&y[0]); k++)
                ck_assert_float_eq_tol(y[s].data[k], y[0].data[k], 1e-5f);
            for (int k = 0; k < block * 9; k++)
                ck_assert_float_eq_tol(dw[s][k], dw[0][k], 1e-4f);
        }
        for (int s = 0; s < count; s++)
            tensor_free(&y[s]);
    }
    tensor_free(&x);
    tensor_free(&dy);
}
END_TEST

START_TEST(test_max_pool_gradient_goes_to_the_first_maximum) {
    tensor x = tensor_shape(1, 2, 4), y = tensor_shape(1, 1, 2), dx = x, dy = y;
    tensor_alloc(&x);
    tensor_alloc(&y);
    tensor_alloc(&dx);
    tensor_alloc(&dy);
    tensor_load(&x, (float[]){1, 3, 5, 5, 3, 2, 5, 4});
    max_pool_forward(&x, &y);
    ck_assert(tensor_row(&y, 0, 0)[0] == 3.0f && tensor_row(&y, 0, 0)[1] == 5.0f);
    tensor_load(&dy, (float[]){10, 20});
    max_pool_backward(&x, &dy, &dx);
    float found[8], expected[8] = {0, 10, 20, 0, 0, 0, 0, 0};
    tensor_store(&dx, found);
    ck_assert_int_eq(memcmp(found, expected, sizeof found), 0);
    tensor_free(&x);
    tensor_free(&y);
    tensor_free(&dx);
    tensor_free(&dy);
}
END_TEST

START_TEST(test_dropout_rate_and_scale) {
    tensor x = tensor_shape(4, 100, 101), y = x, dx = x;
    unsigned char *mask = malloc(4 * 100 * 101);
    gsl_rng *rng = rng_stream(1, RNG_TEST, 0, 0);
    tensor_alloc(&x);
    tensor_alloc(&y);
    tensor_alloc(&dx);
    long dropped = 0;
    float *ones = malloc(4 * 100 * 101 * sizeof(float)), *out = malloc(4 * 100 * 101 * sizeof(float));
    for (int k = 0; k < 4 * 100 * 101; k++)
        ones[k] = 1.0f;
    tensor_load(&x, ones);
    dropout_forward(&x, 0.1, rng, &y, mask);
    dropout_backward(mask, 0.1, &x, &dx);
    tensor_store(&y, out);
    for (int k = 0; k < 4 * 100 * 101; k++) {
        dropped += out[k] == 0.0f;
        ck_assert(out[k] == 0.0f || fabsf(out[k] - 1.0f / 0.9f) < 1e-6f);
    }
    ck_assert_int_eq(memcmp(y.data, dx.data, tensor_floats(&y) * sizeof(float)), 0);
    /* 40400 draws: sd of the share 0.0015 */
    ck_assert_msg(fabs((double)dropped / (4 * 100 * 101) - 0.1) < 0.006, "dropped %ld", dropped);
    ck_assert(padding_is_zero(&y));
    gsl_rng_free(rng);
    free(mask);
    free(ones);
    free(out);
    tensor_free(&x);
    tensor_free(&y);
    tensor_free(&dx);
}
END_TEST

START_TEST(test_planes_hold_their_padding) {
    tensor t = tensor_shape(3, 7, 9);
    ck_assert_uint_eq(t.ld, 10);
    ck_assert_uint_eq(t.plane % 16, 0);
    ck_assert_uint_ge(t.plane, tensor_first(&t) + tensor_span(&t) + t.ld + 1);
}
END_TEST

Suite *suite_layers(void) {
    Suite *s = suite_create("layers");
    TCase *t = tcase_create("layers");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_conv_forward, 0, SHAPES);
    tcase_add_loop_test(t, test_conv_transposed, 0, SHAPES);
    tcase_add_loop_test(t, test_conv_weight_gradient, 0, SHAPES);
    tcase_add_test(t, test_instruction_sets_agree);
    tcase_add_test(t, test_max_pool_gradient_goes_to_the_first_maximum);
    tcase_add_test(t, test_dropout_rate_and_scale);
    tcase_add_test(t, test_planes_hold_their_padding);
    suite_add_tcase(s, t);
    return s;
}
