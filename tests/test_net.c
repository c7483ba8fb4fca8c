/* The network engine: what it shares, fuses and leaves out must not show in its results. */
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "models/ssl_unet.h"
#include "nn/arena.h"
#include "suites.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- allocations */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(SANITIZED)
#define COUNTS_ALLOCATIONS
static long allocations;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *malloc(size_t size) {
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_calloc(count, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_memalign(alignment, size);
}
#endif

/* ---------------------------------------------------------------- arena */

START_TEST(memory_is_reused_in_an_arena) {
    gsl_rng *rng = rng_stream(7, RNG_TEST, 0, 0);
    arena_item items[40];
    for (int trial = 0; trial < 50; trial++) {
        size_t busiest = 0;
        for (int k = 0; k < 40; k++) {
            int from = (int)gsl_rng_uniform_int(rng, 30);
            items[k] = (arena_item){gsl_rng_uniform_int(rng, 8) ? gsl_rng_uniform_int(rng, 1000) : 0, from,
                                    from + (int)gsl_rng_uniform_int(rng, 9), 0};
        }
        size_t floats = arena_place(items, 40);
        for (int a = 0; a < 40; a++) {
            size_t busy = 0;
            ck_assert_uint_eq(items[a].offset % 16, 0);
            ck_assert_uint_le(items[a].offset + items[a].floats, floats);
            for (int b = 0; b < 40; b++) {
                int together = items[a].from <= items[b].until && items[b].from <= items[a].until;
                ck_assert(a == b || !together || !arena_overlap(&items[a], &items[b]));
                busy += items[b].from <= items[a].from && items[a].from <= items[b].until
                            ? (items[b].floats + 15) / 16 * 16
                            : 0;
            }
            busiest = busy > busiest ? busy : busiest;
        }
        ck_assert_uint_ge(floats, busiest);
        ck_assert_msg((double)floats <= 1.5 * (double)busiest, "%zu floats for %zu", floats, busiest);
    }
    gsl_rng_free(rng);
}
END_TEST

/* ---------------------------------------------------------------- encoder */

enum { ROWS = 48, COLUMNS = 80, PIXELS = ROWS * COLUMNS };

/* Initial weights, with some of the normalisations' factors negative. */
static net *random_encoder(int only) {
    ssl_unet_config config = ssl_unet_defaults();
    net *n = (only ? model_ssl_encoder : model_ssl_unet).create(&config);
    ck_assert(n && net_init(n, 5) == 0);
    for (int k = 0; k < n->param_count; k++)
        for (size_t i = 0; strstr(n->params[k].name, "GN.weight") && i < n->params[k].count; i += 3)
            n->values[n->params[k].offset + i] = -0.7f;
    net_update(n);
    return n;
}

static void random_image(float *image, int pixels, uint64_t which) {
    gsl_rng *rng = rng_stream(11, RNG_TEST, which, 0);
    for (int k = 0; k < pixels; k++)
        image[k] = (float)(gsl_rng_uniform(rng) - 0.5);
    gsl_rng_free(rng);
}

/* What training computes layer by layer, each in memory of its own, is what inference computes. */
START_TEST(modes_agree) {
    static float image[PIXELS];
    net *n = random_encoder(_i % 2);
    int last = net_layer_find(n, _i % 2 ? "block5_relu2" : "output");
    ck_assert_int_eq(net_enable_training(n), 0);
    net_state *train = net_state_create(n, ROWS, COLUMNS, last, NET_TRAIN);
    net_state *other = net_state_create(n, ROWS, COLUMNS, last, _i / 2 ? NET_FEATURES : NET_INFER);
    ck_assert(train && other);
    for (uint64_t which = 0; which < 3; which++) { /* memory has held another image */
        random_image(image, PIXELS, which);
        net_forward(train, image, NULL);
        net_forward(other, image, NULL);
        for (int k = 0; k <= last; k++) {
            if (k != last && !(_i / 2 && n->layers[k].name[0] && k))
                continue;
            double error = 0.0, norm = 0.0;
            const tensor *a = net_output(train, k), *b = net_output(other, k);
            for (int c = 0; c < a->channels; c++)
                for (int row = 0; row < a->rows; row++)
                    for (int q = 0; q < a->columns; q++) {
                        double e = (double)tensor_row(a, c, row)[q] - (double)tensor_row(b, c, row)[q];
                        error += e * e;
                        norm += (double)tensor_row(a, c, row)[q] * (double)tensor_row(a, c, row)[q];
                    }
            ck_assert_msg(error <= 1e-10 * norm, "image %d, layer %s: error %g of norm", (int)which,
                          n->layers[k].name, sqrt(error / norm));
        }
    }
    net_state_free(train);
    net_state_free(other);
    net_free(n);
}
END_TEST

/* What is given up for inference is not missed. */
START_TEST(inference_only_keeps_the_output) {
    static float image[PIXELS];
    net *whole = random_encoder(0), *kept = random_encoder(0);
    int last = net_layer_find(whole, "block3_relu1");
    random_image(image, PIXELS, 0);
    ck_assert_int_eq(net_inference_only(kept, last), 0);
    ck_assert_int_eq(net_layer_find(kept, "block3_relu2"), -1);
    ck_assert_int_eq(net_enable_training(kept), -1);
    ck_assert_uint_lt(kept->derived_floats + kept->param_floats, whole->derived_floats / 20);
    net_state *a = net_state_create(whole, ROWS, COLUMNS, last, NET_INFER);
    net_state *b = net_state_create(kept, ROWS, COLUMNS, last, NET_INFER);
    ck_assert(a && b);
    net_forward(a, image, NULL);
    net_forward(b, image, NULL);
    const tensor *t = net_output(a, last);
    ck_assert(memcmp(t->data, net_output(b, last)->data, tensor_floats(t) * sizeof(float)) == 0);
    net_state_free(a);
    net_state_free(b);
    net_free(whole);
    net_free(kept);
}
END_TEST

START_TEST(the_encoder_takes_little_memory) {
    enum { SIZE = 320 };
    float *image = mem_alloc(SIZE * SIZE * sizeof(float));
    net *n = random_encoder(1);
    net_state *s = net_state_create(n, SIZE, SIZE, net_layer_find(n, "block5_relu2"), NET_INFER);
    ck_assert(image && s);
    random_image(image, SIZE * SIZE, 0);
    ck_assert_int_eq(net_inference_only(n, n->layer_count - 1), 0);
    double megabytes =
        1e-6 * (double)(net_state_bytes(s) + (n->param_floats + n->derived_floats) * sizeof(float));
    ck_assert_msg(megabytes < 60.0, "weights, feature maps and scratch take %.1f MB", megabytes);
    net_forward(s, image, NULL);
#ifdef COUNTS_ALLOCATIONS
    long before = allocations;
    net_forward(s, image, NULL);
    long after = allocations;
    ck_assert_int_gt(before, 0); /* they are counted */
    ck_assert_int_eq(after, before);
#endif
    net_state_free(s);
    net_free(n);
    free(image);
}
END_TEST

Suite *suite_net(void) {
    Suite *s = suite_create("net");
    TCase *t = tcase_create("net");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, memory_is_reused_in_an_arena);
    tcase_add_loop_test(t, modes_agree, 0, 4);
    tcase_add_test(t, inference_only_keeps_the_output);
    tcase_add_test(t, the_encoder_takes_little_memory);
    suite_add_tcase(s, t);
    return s;
}
