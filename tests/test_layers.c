/* Kernels against plain definitions in double, for every instruction set this CPU has; and the training loop.
 */
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "nn/conv.h"
#include "nn/kernels.h"
#include "nn/layers.h"
#include "nn/net.h"
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

/* Everything between and after the planes' pixels is zero: the next convolution relies on it. */
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
} shapes[] = {{1, 20, 33, 40},   {20, 20, 17, 64}, {3, 7, 5, 5},      {40, 45, 20, 19}, {4, 8, 1, 1},
              {2, 6, 64, 2},     {5, 1, 40, 130},  {80, 40, 10, 12},  {16, 16, 1, 1},   {168, 18, 9, 67},
              {100, 17, 30, 30}, {16, 23, 66, 72}, {20, 16, 131, 160}};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

static void check_forward(int k, int transposed) {
    int in = shapes[k].in, out = shapes[k].out;
    tensor x = random_tensor(transposed ? out : in, shapes[k].rows, shapes[k].columns, 1);
    tensor y = random_tensor(transposed ? in : out, shapes[k].rows, shapes[k].columns, 2);
    size_t count = (size_t)in * (size_t)out * 9;
    float *w = mem_alloc(count * sizeof(float)), bias[192];
    enum { THREADS = 3 };
    conv_packed packed = {.data = mem_alloc(conv_packed_floats(y.channels, x.channels) * sizeof(float))};
    float *scratch = mem_aligned(THREADS * conv_scratch(&x, y.channels) * sizeof(float));
    fill(w, count, 3);
    fill(bias, 192, 4);
    (transposed ? conv_pack_transposed : conv_pack)(w, out, in, &packed);
    conv_forward(&x, &packed, bias, k % 2, &y, 1, scratch);
    double error = 0.0, norm = 0.0, largest = 0.0;
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
                double difference = pixel(&y, o, row, col) - sum;
                error += difference * difference;
                norm += sum * sum;
                largest = fmax(largest, fabs(difference));
            }
    double rms = sqrt(norm / ((double)y.channels * y.rows * y.columns));
    ck_assert_msg(largest < 1e-4 * rms, "%s, shape %d: largest error %g of the rms", kernels_best()->name, k,
                  largest / rms);
    ck_assert_msg(sqrt(error / norm) < 4e-6, "%s, shape %d: error %g", kernels_best()->name, k,
                  sqrt(error / norm));
    ck_assert(padding_is_zero(&y));
    tensor again = random_tensor(y.channels, y.rows, y.columns, 5);
    conv_forward(&x, &packed, bias, k % 2, &again, THREADS, scratch);
    ck_assert_int_eq(memcmp(again.data, y.data, tensor_floats(&y) * sizeof(float)), 0);
    free(w);
    free(packed.data);
    free(scratch);
    tensor_free(&x);
    tensor_free(&y);
    tensor_free(&again);
}

static void check_weight_gradient(int k) {
    int in = shapes[k].in, out = shapes[k].out;
    tensor x = random_tensor(in, shapes[k].rows, shapes[k].columns, 1);
    tensor dy = random_tensor(out, shapes[k].rows, shapes[k].columns, 2);
    size_t count = (size_t)in * (size_t)out * 9;
    float *dw = mem_alloc(count * sizeof(float));
    float *scratch = mem_alloc(conv_gradient_scratch(&x, out) * sizeof(float));
    for (size_t q = 0; q < count; q++)
        dw[q] = 0.5f; /* gradients add */
    conv_weight_gradient(&x, &dy, dw, scratch);
    double error = 0.0, norm = 0.0;
    for (int o = 0; o < out; o++)
        for (int i = 0; i < in; i++)
            for (int tap = 0; tap < 9; tap++) {
                double sum = 0.5;
                for (int row = 0; row < dy.rows; row++)
                    for (int col = 0; col < dy.columns; col++)
                        sum += pixel(&dy, o, row, col) * pixel(&x, i, row + tap / 3 - 1, col + tap % 3 - 1);
                double found = (double)dw[((size_t)o * (size_t)in + (size_t)i) * 9 + (size_t)tap];
                error += (found - sum) * (found - sum);
                norm += sum * sum;
            }
    ck_assert_msg(sqrt(error / norm) < 4e-6, "%s, shape %d: error %g", kernels_best()->name, k,
                  sqrt(error / norm));
    free(dw);
    free(scratch);
    tensor_free(&x);
    tensor_free(&dy);
}

START_TEST(convolution_matches_a_plain_loop) {
    check_forward(_i, 0);
}
END_TEST

START_TEST(convolution_backward_matches_a_plain_loop) {
    check_forward(_i, 1);
}
END_TEST

START_TEST(weight_gradient_matches_a_plain_loop) {
    check_weight_gradient(_i);
}
END_TEST

/* The same numbers from the kernels of every instruction set, side by side. */
START_TEST(instruction_sets_agree) {
    const kernel_set *sets[3] = {&kernels_generic};
    int count = 1;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[count++] = &kernels_avx2;
    if (strcmp(kernels_best()->name, "avx512") == 0)
        sets[count++] = &kernels_avx512;
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
            sets[s]->direct_forward(x.data + first, x.plane, 6, w, bias, 1, block, y[s].data + first,
                                    y[s].plane, span, (ptrdiff_t)x.ld);
            sets[s]->direct_gradient(x.data + first, dy.data + first, dy.plane, block, span, (ptrdiff_t)x.ld,
                                     dw[s], 9);
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

START_TEST(max_pool_gradient_goes_to_the_first_maximum) {
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

START_TEST(dropout_has_its_rate_and_scale) {
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

/* ---------------------------------------------------------------- instance norm, average pooling, no bias */

/* Both in double, by their definition; x, y: one plane of n pixels. */
static void plain_instance_norm(const double *x, int n, double slope, double *y) {
    double mean = 0.0, variance = 0.0;
    for (int k = 0; k < n; k++)
        mean += x[k] / n;
    for (int k = 0; k < n; k++)
        variance += (x[k] - mean) * (x[k] - mean) / n;
    for (int k = 0; k < n; k++) {
        y[k] = (x[k] - mean) / sqrt(variance + 1e-5);
        y[k] *= y[k] > 0.0 ? 1.0 : slope;
    }
}

/* sum of weight * y */
static double weighted_norm(const double *x, int n, double slope, const float *weight) {
    double *y = mem_alloc((size_t)n * sizeof *y), sum = 0.0;
    plain_instance_norm(x, n, slope, y);
    for (int k = 0; k < n; k++)
        sum += (double)weight[k] * y[k];
    free(y);
    return sum;
}

/* Values against the definition, gradients against its central differences; rows longer and shorter than the
 * vectors of the sums. */
START_TEST(instance_norm_matches_its_formula) {
    enum { CHANNELS = 3, ROWS = 5 };
    const int columns = _i / 2 ? 37 : 6, n = ROWS * columns;
    const double slope = _i % 2 ? 1.0 : 0.2;
    tensor x = random_tensor(CHANNELS, ROWS, columns, 1), dy = random_tensor(CHANNELS, ROWS, columns, 2);
    tensor y = x, dx = x;
    float saved[2 * CHANNELS], *packed = mem_alloc((size_t)(CHANNELS * n) * sizeof(float));
    float *weight = mem_alloc((size_t)(CHANNELS * n) * sizeof(float));
    double *plane = mem_alloc((size_t)n * sizeof(double)), *expected = mem_alloc((size_t)n * sizeof(double));
    ck_assert(tensor_alloc(&y) == 0 && tensor_alloc(&dx) == 0);
    tensor_store(&x, packed);
    for (int k = 0; k < n; k++) {
        packed[k] = 300.0f + packed[k]; /* a mean far above the spread */
        packed[2 * n + k] = 0.125f;     /* constant: eps alone */
    }
    tensor_load(&x, packed);
    tensor_store(&dy, weight);
    norm_forward(&x, CHANNELS, NULL, NULL, (float)slope, &y, saved);
    norm_backward(&x, CHANNELS, NULL, (float)slope, saved, &dy, &dx, NULL, NULL);
    for (int c = 0; c < CHANNELS; c++) {
        for (int k = 0; k < n; k++)
            plane[k] = (double)packed[c * n + k];
        plain_instance_norm(plane, n, slope, expected);
        for (int k = 0; k < n; k++) {
            double h = 1e-6, keep = plane[k], side[2];
            for (int up = 0; up < 2; up++) {
                plane[k] = keep + (up ? h : -h);
                side[up] = weighted_norm(plane, n, slope, weight + c * n);
            }
            plane[k] = keep;
            double found = pixel(&dx, c, k / columns, k % columns), g = (side[1] - side[0]) / (2.0 * h);
            ck_assert_double_eq_tol(pixel(&y, c, k / columns, k % columns), expected[k], c ? 1e-5 : 2e-4);
            /* At the constant plane every pixel sits on the kink, where there is no difference quotient. */
            ck_assert_msg(c == 2 || fabs(found - g) < 1e-3, "channel %d: gradient %g, expected %g", c, found,
                          g);
        }
    }
    ck_assert(padding_is_zero(&y) && padding_is_zero(&dx));
    free(packed);
    free(weight);
    free(plane);
    free(expected);
    tensor_free(&x);
    tensor_free(&dy);
    tensor_free(&y);
    tensor_free(&dx);
}
END_TEST

/* Linear, so its gradient is exact: a quarter of dy, added to what is there. */
START_TEST(average_pool_is_a_mean) {
    tensor x = random_tensor(3, 6, 10, 1), y = random_tensor(3, 3, 5, 2), dx = random_tensor(3, 6, 10, 3);
    tensor dy = random_tensor(3, 3, 5, 4), before = dx;
    ck_assert_int_eq(tensor_alloc(&before), 0);
    memcpy(before.data, dx.data, tensor_floats(&dx) * sizeof(float));
    avg_pool_forward(&x, &y);
    avg_pool_backward(&dy, &dx);
    for (int c = 0; c < 3; c++)
        for (int row = 0; row < 6; row++)
            for (int col = 0; col < 10; col++) {
                int r = row / 2 * 2, k = col / 2 * 2;
                double mean = (pixel(&x, c, r, k) + pixel(&x, c, r, k + 1) + pixel(&x, c, r + 1, k) +
                               pixel(&x, c, r + 1, k + 1)) /
                              4.0;
                ck_assert_double_eq_tol(pixel(&y, c, row / 2, col / 2), mean, 1e-6);
                ck_assert_double_eq_tol(pixel(&dx, c, row, col),
                                        pixel(&before, c, row, col) + pixel(&dy, c, row / 2, col / 2) / 4.0,
                                        1e-6);
            }
    ck_assert(padding_is_zero(&y) && padding_is_zero(&dx));
    tensor_free(&x);
    tensor_free(&y);
    tensor_free(&dx);
    tensor_free(&dy);
    tensor_free(&before);
}
END_TEST

START_TEST(up_convolution_matches_a_plain_loop) {
    enum { IN = 6, OUT = 5 };
    tensor x = random_tensor(IN, 7, 9, 1), y = random_tensor(OUT, 14, 18, 2),
           dy = random_tensor(OUT, 14, 18, 3);
    tensor dx = random_tensor(IN, 7, 9, 4);
    float w[IN][OUT][2][2], dw[IN][OUT][2][2] = {0}, bias[OUT];
    float *scratch = mem_alloc(up_conv_scratch(&x, OUT) * sizeof(float));
    fill(&w[0][0][0][0], IN * OUT * 4, 5);
    fill(bias, OUT, 6);
    up_conv_forward(&x, &w[0][0][0][0], _i ? bias : NULL, 0, &y, scratch);
    up_conv_backward(&x, &w[0][0][0][0], &dy, &dx, &dw[0][0][0][0], scratch);
    for (int o = 0; o < OUT; o++)
        for (int row = 0; row < 14; row++)
            for (int col = 0; col < 18; col++) {
                double sum = _i ? (double)bias[o] : 0.0;
                for (int i = 0; i < IN; i++)
                    sum += (double)w[i][o][row % 2][col % 2] * pixel(&x, i, row / 2, col / 2);
                ck_assert_double_eq_tol(pixel(&y, o, row, col), sum, 1e-5);
            }
    for (int i = 0; i < IN; i++)
        for (int row = 0; row < 7; row++)
            for (int col = 0; col < 9; col++) {
                double sum = 0.0;
                for (int o = 0; o < OUT; o++)
                    for (int q = 0; q < 4; q++)
                        sum +=
                            (double)w[i][o][q / 2][q % 2] * pixel(&dy, o, 2 * row + q / 2, 2 * col + q % 2);
                ck_assert_double_eq_tol(pixel(&dx, i, row, col), sum, 1e-5);
            }
    for (int i = 0; i < IN; i++)
        for (int o = 0; o < OUT; o++)
            for (int q = 0; q < 4; q++) {
                double sum = 0.0;
                for (int k = 0; k < 7 * 9; k++)
                    sum +=
                        pixel(&x, i, k / 9, k % 9) * pixel(&dy, o, 2 * (k / 9) + q / 2, 2 * (k % 9) + q % 2);
                ck_assert_double_eq_tol((double)dw[i][o][q / 2][q % 2], sum, 1e-5);
            }
    ck_assert(padding_is_zero(&y) && padding_is_zero(&dx));
    free(scratch);
    tensor_free(&x);
    tensor_free(&y);
    tensor_free(&dy);
    tensor_free(&dx);
}
END_TEST

START_TEST(convolution_works_without_bias) {
    tensor x = random_tensor(4, 9, 11, 1), y = random_tensor(6, 9, 11, 2), z = random_tensor(6, 9, 11, 3);
    float w[6 * 4 * 9], zero[6] = {0.0f};
    conv_packed packed = {.data = mem_alloc(sizeof w)};
    fill(w, 6 * 4 * 9, 4);
    conv_pack(w, 6, 4, &packed);
    conv_forward(&x, &packed, NULL, 0, &y, 1, NULL);
    conv_forward(&x, &packed, zero, 0, &z, 1, NULL);
    ck_assert_int_eq(memcmp(y.data, z.data, tensor_floats(&y) * sizeof(float)), 0);
    free(packed.data);
    tensor_free(&x);
    tensor_free(&y);
    tensor_free(&z);
}
END_TEST

/* An average pool whose input feeds a skip connection, too: the net's gradient of the first weights against
 * central differences, with buffers of their own (training) and shared ones (inference) giving the same
 * output. */
START_TEST(gradients_join_around_average_pool) {
    enum { N = 8, PIXELS = N * N };
    net *n = net_create();
    int first = net_add_conv3(n, net_add_input(n, 2), 3, NET_NO_BIAS, "first", NULL);
    int skip = net_add_instance_norm(n, first, 0.2);
    int deep = net_add_conv3(n, net_add_avg_pool(n, skip), 3, NET_NO_BIAS | NET_RELU, "deep", NULL);
    int up = net_add_up_conv(n, deep, 3, NET_NO_BIAS, "up");
    net_add_conv1(n, net_add_concat(n, up, skip), 1, "last", "output");
    ck_assert_int_eq(net_finish(n), 0);
    ck_assert_int_eq(n->param_count, 5); /* four weights, and the bias of the last */
    ck_assert_int_eq(net_init(n, 3), 0);
    ck_assert_int_eq(net_enable_training(n), 0);
    net_state *s = net_state_create(n, N, N, n->layer_count - 1, NET_TRAIN);
    net_state *inferring = net_state_create(n, N, N, n->layer_count - 1, NET_INFER);
    float image[2 * PIXELS], weight[PIXELS], y[PIXELS], z[PIXELS];
    fill(image, 2 * PIXELS, 1);
    fill(weight, PIXELS, 2);
    float *gradient = mem_calloc(n->param_floats, sizeof(float));
    net_forward(s, image, NULL);
    tensor_load(net_output_gradient(s), weight);
    net_backward(s, gradient);
    net_forward(inferring, image, NULL);
    tensor_store(net_output(s, n->layer_count - 1), y);
    tensor_store(net_output(inferring, n->layer_count - 1), z);
    ck_assert_int_eq(memcmp(y, z, sizeof y), 0);
    for (size_t k = 0; k < n->params[0].count; k++) {
        float h = 1e-3f, keep = n->values[k];
        double side[2] = {0.0};
        for (int q = 0; q < 2; q++) {
            n->values[k] = keep + (q ? h : -h);
            net_update(n);
            net_forward(s, image, NULL);
            tensor_store(net_output(s, n->layer_count - 1), y);
            for (int p = 0; p < PIXELS; p++)
                side[q] += (double)weight[p] * (double)y[p];
        }
        n->values[k] = keep;
        double g = (side[1] - side[0]) / (2.0 * (double)h);
        ck_assert_msg(fabs((double)gradient[k] - g) < 0.01 * (1.0 + fabs(g)),
                      "weight %zu: gradient %g, expected %g", k, (double)gradient[k], g);
    }
    free(gradient);
    net_state_free(s);
    net_state_free(inferring);
    net_free(n);
}
END_TEST

START_TEST(planes_hold_their_padding) {
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
    tcase_add_loop_test(t, convolution_matches_a_plain_loop, 0, SHAPES);
    tcase_add_loop_test(t, convolution_backward_matches_a_plain_loop, 0, SHAPES);
    tcase_add_loop_test(t, weight_gradient_matches_a_plain_loop, 0, SHAPES);
    tcase_add_test(t, instruction_sets_agree);
    tcase_add_test(t, max_pool_gradient_goes_to_the_first_maximum);
    tcase_add_test(t, dropout_has_its_rate_and_scale);
    tcase_add_loop_test(t, instance_norm_matches_its_formula, 0, 4);
    tcase_add_test(t, average_pool_is_a_mean);
    tcase_add_loop_test(t, up_convolution_matches_a_plain_loop, 0, 2);
    tcase_add_test(t, convolution_works_without_bias);
    tcase_add_test(t, gradients_join_around_average_pool);
    tcase_add_test(t, planes_hold_their_padding);
    suite_add_tcase(s, t);
    return s;
}
