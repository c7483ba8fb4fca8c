/* VGG-16 and its perceptual distances against PyTorch and the package lpips
 * (tests/golden/make_vgg16_golden.py), its weight files in all layouts, and what is refused. */
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/rng.h"
#include "io/safetensors.h"
#include "metrics/vgg16_distance.h"
#include "suites.h"
#include "support.h"
#include <math.h>
#include <stdint.h>
#include <unistd.h>

#define GOLDEN_VGG "tests/golden/vgg16.h5"
#define ROWS 96
#define COLUMNS 80
#define PIXELS (ROWS * COLUMNS)
#define PAIRS 4
#define SEED 16
#define CONVOLUTIONS 13
#define ALL_LAYERS                                                                                           \
    "relu1_1,relu1_2,relu2_1,relu2_2,relu3_1,relu3_2,relu3_3,relu4_1,relu4_2,relu4_3,relu5_1,relu5_2,relu5_" \
    "3"
#define LAYERS_TO_BLOCK_3 "relu1_1,relu1_2,relu2_1,relu2_2,relu3_1,relu3_2,relu3_3"

/* ---------------------------------------------------------------- weight files */

static const char *const keras_layer[CONVOLUTIONS] = {
    "block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2", "block3_conv1",
    "block3_conv2", "block3_conv3", "block4_conv1", "block4_conv2", "block4_conv3",
    "block5_conv1", "block5_conv2", "block5_conv3"};
static const int modules[CONVOLUTIONS] = {0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28};
static const int widths[CONVOLUTIONS + 1] = {3,   64,  64,  128, 128, 256, 256,
                                             256, 512, 512, 512, 512, 512, 512};

/* Kernel (out, in, 3, 3) and bias of convolution k, as the golden values' script draws them. */
static void draw(int k, float *kernel, float *bias) {
    double bound = sqrt(6.0 / (9 * widths[k]));
    gsl_rng *rng = rng_stream(SEED, RNG_INIT_WEIGHTS, 2 * (uint64_t)k, 1);
    for (int i = 0; i < 9 * widths[k] * widths[k + 1]; i++)
        kernel[i] = (float)((2.0 * gsl_rng_uniform(rng) - 1.0) * bound);
    rng_restart(rng, SEED, RNG_INIT_WEIGHTS, 2 * (uint64_t)k + 1, 1);
    for (int o = 0; o < widths[k + 1]; o++)
        bias[o] = (float)(0.1 * gsl_rng_uniform(rng));
    gsl_rng_free(rng);
}

static void to_hwio(const float *oihw, int in, int out, float *hwio) {
    for (int o = 0; o < out; o++)
        for (int i = 0; i < in; i++)
            for (int tap = 0; tap < 9; tap++)
                hwio[(tap * in + i) * out + o] = oihw[(o * in + i) * 9 + tap];
}

static float kernel[512 * 512 * 9], turned[512 * 512 * 9], bias[512];

/* How a file is laid out: group and the endings of Keras names; NULL for torchvision's. */
typedef struct {
    const char *group, *kernel, *bias;
    vgg16_layout layout;
} layout_case;
static const layout_case cases[] = {{"", "_W_1:0", "_b_1:0", VGG16_KERAS},
                                    {"", "/kernel:0", "/bias:0", VGG16_KERAS},
                                    {"model_weights/", "_W", "_b", VGG16_KERAS_MODEL_WEIGHTS},
                                    {"model_weights/", "/kernel:0", "/bias:0", VGG16_KERAS_MODEL_WEIGHTS},
                                    {NULL, "weight", "bias", VGG16_TORCHVISION}};

static void write_tensor(h5_file *f, const char *name, int rank, const hsize_t *dims, const float *values) {
    ck_assert_msg(h5_write_f32(f, name, rank, dims, values, H5_F32) == 0, "%s", err_message());
}

static h5_file *begin_weights(const char *name, const layout_case *c, int convolutions) {
    h5_file *f = h5_create(in_folder(name));
    ck_assert_msg(f != NULL, "%s", err_message());
    for (int k = 0; k < convolutions; k++) {
        char tensor[128];
        hsize_t in = (hsize_t)widths[k], out = (hsize_t)widths[k + 1];
        draw(k, kernel, bias);
        to_hwio(kernel, widths[k], widths[k + 1], turned);
        for (int part = 0; part < 2; part++) {
            const char *ending = part ? c->bias : c->kernel;
            if (c->group)
                snprintf(tensor, sizeof tensor, "%s%s/%s%s", c->group, keras_layer[k], keras_layer[k],
                         ending);
            else
                snprintf(tensor, sizeof tensor, "features.%d.%s", modules[k], ending);
            if (part)
                write_tensor(f, tensor, 1, (hsize_t[]){out}, bias);
            else if (c->group)
                write_tensor(f, tensor, 4, (hsize_t[]){3, 3, in, out}, turned);
            else
                write_tensor(f, tensor, 4, (hsize_t[]){out, in, 3, 3}, kernel);
        }
    }
    return f;
}

static void write_weights(const char *name, const layout_case *c, int convolutions) {
    h5_file *f = begin_weights(name, c, convolutions);
    ck_assert_msg(h5_commit(f) == 0, "%s", err_message());
}

/* torchvision's names in a safetensors file of float32. */
static void write_safetensors(const char *name, int convolutions) {
    static char header[8192];
    size_t used = 8, at = 0;
    used += (size_t)sprintf(header + used, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (int k = 0; k < convolutions; k++) {
        size_t count = 9 * (size_t)widths[k] * (size_t)widths[k + 1], out = (size_t)widths[k + 1];
        used += (size_t)sprintf(
            header + used,
            ",\"features.%d.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d,3,3],\"data_offsets\":"
            "[%zu,%zu]},\"features.%d.bias\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":"
            "[%zu,%zu]}",
            modules[k], widths[k + 1], widths[k], at, at + 4 * count, modules[k], widths[k + 1],
            at + 4 * count, at + 4 * (count + out));
        at += 4 * (count + out);
    }
    header[used++] = '}';
    memset(header, 0, 8);
    header[0] = (char)((used - 8) & 0xff);
    header[1] = (char)((used - 8) >> 8);
    FILE *f = fopen(in_folder(name), "wb");
    ck_assert(f && fwrite(header, 1, used, f) == used);
    for (int k = 0; k < convolutions; k++) {
        size_t count = 9 * (size_t)widths[k] * (size_t)widths[k + 1], out = (size_t)widths[k + 1];
        draw(k, kernel, bias);
        ck_assert(fwrite(kernel, 4, count, f) == count && fwrite(bias, 4, out, f) == out);
    }
    ck_assert_int_eq(fclose(f), 0);
}

/* ---------------------------------------------------------------- golden values */

static float *references, *images; /* [2][PIXELS], [PAIRS][PIXELS]: two images of each reference */

static void read_images(void) {
    size_t count;
    h5_file *f = h5_open("tests/golden/metrics.h5");
    ck_assert_msg(f != NULL, "%s", err_message());
    references = read_golden(f, "references", &count);
    ck_assert_uint_eq(count, 2 * PIXELS);
    images = read_golden(f, "images", &count);
    ck_assert_uint_eq(count, PAIRS * PIXELS);
    h5_close(f);
}

static void read_values(const char *dataset, int columns, double *values) {
    h5_file *f = h5_open(GOLDEN_VGG);
    hsize_t dims[2] = {PAIRS, (hsize_t)columns};
    ck_assert_msg(f && h5_read_f64(f, dataset, columns > 1 ? 2 : 1, dims, values) == 0, "%s", err_message());
    h5_close(f);
}

/* Every layer of every pair, or their sums for a single column, to 1e-5. */
static void expect_distances(const feature_network *f, const char *dataset, int columns) {
    double expected[PAIRS * CONVOLUTIONS], found[FEATURE_MAX_LAYERS], same;
    feature_metric *m = feature_metric_create(f, ROWS, COLUMNS);
    ck_assert_msg(m != NULL, "%s", err_message());
    read_values(dataset, columns, expected);
    for (int pair = 0; pair < PAIRS; pair++) {
        const float *reference = references + pair / 2 * PIXELS;
        ck_assert_msg(feature_metric_reference(m, reference) == 0, "%s", err_message());
        ck_assert_int_eq(columns > 1 ? feature_metric_layers(m, images + pair * PIXELS, found)
                                     : feature_metric_distance(m, images + pair * PIXELS, found),
                         0);
        for (int k = 0; k < columns; k++) {
            double e = expected[pair * columns + k];
            ck_assert_msg(fabs(found[k] - e) < 1e-5 * e, "%s: pair %d, layer %d: %.9g, expected %.9g",
                          dataset, pair, k, found[k], e);
        }
        ck_assert_int_eq(feature_metric_distance(m, reference, &same), 0);
        ck_assert_double_eq(same, 0.0);
    }
    feature_metric_free(m);
}

static void check_distances(vgg_distance distance, const vgg_options *o, vgg16_layout expected_layout,
                            const char *dataset, int columns) {
    feature_network f;
    vgg16_layout layout;
    ck_assert_msg(vgg_distance_open(&f, distance, o, &layout) == 0, "%s", err_message());
    ck_assert_int_eq(layout, expected_layout);
    expect_distances(&f, dataset, columns);
    feature_network_close(&f);
}

START_TEST(random_weights_match_pytorch) {
    check_distances(VGG_PL, &(vgg_options){.layers = ALL_LAYERS, .seed = SEED}, VGG16_RANDOM, "vgg_pl", 13);
    check_distances(VGG_UNIT, &(vgg_options){.layers = VGG16_UNIT_LAYERS, .seed = SEED}, VGG16_RANDOM,
                    "vgg16_unit", 1);
}
END_TEST

START_TEST(layouts_match_pytorch) {
    const layout_case *c = &cases[_i];
    write_weights("vgg.h5", c, CONVOLUTIONS);
    if (c->group)
        check_distances(VGG_PL, &(vgg_options){.weights = path, .layers = ALL_LAYERS}, c->layout,
                        "vgg_pl_keras", 13);
    else
        check_distances(VGG_LPIPS,
                        &(vgg_options){.weights = path, .linear = GOLDEN_VGG, .layers = VGG16_UNIT_LAYERS},
                        c->layout, "lpips", 1);
}
END_TEST

START_TEST(safetensors_match_the_lpips_package) {
    write_safetensors("vgg.safetensors", CONVOLUTIONS);
    check_distances(VGG_LPIPS,
                    &(vgg_options){.weights = path, .linear = GOLDEN_VGG, .layers = VGG16_UNIT_LAYERS},
                    VGG16_TORCHVISION, "lpips", 1);
}
END_TEST

/* With VGG16_WEIGHTS in the environment, a file that the golden values know. */
START_TEST(real_weights_match_pytorch) {
    const char *weights = getenv("VGG16_WEIGHTS");
    char *known = NULL, hex[65] = "";
    h5_file *f = h5_open(GOLDEN_VGG);
    ck_assert_int_eq(h5_attr_text(f, "real_sha256", &known), 0);
    h5_close(f);
    if (!weights || !*weights || file_checksum(weights, "sha256", hex) < 0 || strcmp(hex, known) != 0) {
        printf("vgg16: real weights not compared: VGG16_WEIGHTS %s\n",
               weights && *weights ? "names a file without golden values" : "is not set");
    } else {
        double started = clock_seconds();
        vgg16 v;
        ck_assert_msg(vgg16_load(weights, "relu3_3", &v) == 0, "%s", err_message());
        net_free(v.n);
        ck_assert(clock_seconds() - started < 1.0);
        check_distances(VGG_PL, &(vgg_options){.weights = weights, .layers = LAYERS_TO_BLOCK_3}, VGG16_KERAS,
                        "real/vgg_pl", 7);
        check_distances(VGG_UNIT, &(vgg_options){.weights = weights, .layers = "relu1_2,relu2_2,relu3_3"},
                        VGG16_KERAS, "real/vgg16_unit", 3);
        ck_assert_int_eq(vgg16_load(weights, VGG16_UNIT_LAYERS, &v), -1);
        ck_assert(strstr(err_message(), "block4_conv1") && strstr(err_message(), "relu1_1 to relu3_3"));
    }
    free(known);
}
END_TEST

/* ---------------------------------------------------------------- what is refused */

static void expect_refused(const char *layers, const char *a, const char *b) {
    vgg16 v;
    ck_assert_msg(vgg16_load(path, layers, &v) < 0, "%s: taken", a);
    ck_assert_ptr_null(v.n);
    ck_assert_msg(strstr(err_message(), path) && strstr(err_message(), a) && strstr(err_message(), b), "%s",
                  err_message());
}

START_TEST(a_file_that_stops_early_serves_shallow_layers) {
    vgg16 v;
    if (_i)
        write_safetensors("short", 2);
    else
        write_weights("short", &cases[0], 2);
    ck_assert_msg(vgg16_load(path, "relu1_2,relu1_1", &v) == 0, "%s", err_message());
    ck_assert_int_eq(v.n->param_count, 4); /* nothing after the deepest layer */
    net_free(v.n);
    expect_refused("relu2_2", _i ? "features.5.weight" : "block2_conv1", "relu1_1 to relu1_2");
    expect_refused("relu2_2", "relu2_2", "missing");
}
END_TEST

START_TEST(wrong_weights_are_refused) {
    const layout_case *keras = &cases[1], *torch = &cases[4];
    h5_file *f = begin_weights("vgg19.h5", keras, 2);
    write_tensor(f, "block3_conv4/block3_conv4/kernel:0", 1, (hsize_t[]){1}, kernel);
    ck_assert_int_eq(h5_commit(f), 0);
    expect_refused("relu1_1", "block3_conv4", "another network");
    f = begin_weights("vgg13.h5", torch, 2);
    write_tensor(f, "features.15.weight", 1, (hsize_t[]){1}, kernel);
    ck_assert_int_eq(h5_commit(f), 0);
    expect_refused("relu1_1", "features.15.weight", "another network");
    f = begin_weights("shape.h5", keras, 1);
    write_tensor(f, "block1_conv2/block1_conv2/kernel:0", 4, (hsize_t[]){3, 3, 64, 32}, kernel);
    ck_assert_int_eq(h5_commit(f), 0);
    expect_refused("relu1_2", "block1_conv2/block1_conv2/kernel:0", "(3, 3, 64, 64), found (3, 3, 64, 32)");
    f = begin_weights("nan.h5", keras, 1);
    kernel[7] = NAN;
    write_tensor(f, "block1_conv2/block1_conv2/kernel:0", 4, (hsize_t[]){3, 3, 64, 64}, kernel);
    write_tensor(f, "block1_conv2/block1_conv2/bias:0", 1, (hsize_t[]){64}, bias);
    ck_assert_int_eq(h5_commit(f), 0);
    expect_refused("relu1_2", "block1_conv2/block1_conv2/kernel:0", "not finite");
    strcpy(path, "tests/golden/unet_plain.h5");
    expect_refused("relu1_1", "block1_conv1", "features.0.weight");
    strcpy(path, "README.md");
    expect_refused("relu1_1", "neither an HDF5 nor a safetensors file", "");
    vgg16 v;
    ck_assert_int_eq(vgg16_load(path, "relu6_1", &v), -1);
    ck_assert(strstr(err_message(), "relu6_1") && strstr(err_message(), "relu5_3"));
}
END_TEST

/* Cut anywhere, either kind of file is refused in one line that names it. */
START_TEST(truncated_files_are_refused) {
    if (_i)
        write_safetensors("cut", 2);
    else
        write_weights("cut", &cases[1], 2);
    FILE *f = fopen(path, "rb");
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    fclose(f);
    for (int k = 15; k >= 0; k--) {
        ck_assert_int_eq(truncate(path, size * k / 16), 0);
        expect_refused("relu1_2", "cut", "");
    }
}
END_TEST

START_TEST(safetensors_of_the_package_are_read) {
    static const float full[6] = {0.0f, -0.0f, 1.0f, -2.5f, 65504.0f, 0x1p-24f};
    const size_t dims[2] = {2, 3}, three[1] = {3};
    float out[6];
    safetensors *s = safetensors_open("tests/golden/small.safetensors");
    ck_assert_msg(s != NULL, "%s", err_message());
    ck_assert(safetensors_exists(s, "half") && !safetensors_exists(s, "quarter"));
    ck_assert_msg(safetensors_read_f32(s, "full", 2, dims, out) == 0, "%s", err_message());
    ck_assert_int_eq(memcmp(out, full, sizeof full), 0);
    ck_assert_msg(safetensors_read_f32(s, "half", 2, dims, out) == 0, "%s", err_message());
    ck_assert_int_eq(memcmp(out, full, sizeof full), 0);
    ck_assert_msg(safetensors_read_f32(s, "brain", 2, dims, out) == 0, "%s", err_message());
    ck_assert_float_eq(out[4], 65536.0f); /* eight bits of mantissa */
    out[4] = full[4];
    ck_assert_int_eq(memcmp(out, full, sizeof full), 0);
    ck_assert_int_eq(safetensors_read_f32(s, "whole", 1, three, out), -1);
    ck_assert(strstr(err_message(), "whole") && strstr(err_message(), "I64"));
    ck_assert_int_eq(safetensors_read_f32(s, "half", 1, three, out), -1);
    ck_assert(strstr(err_message(), "expected shape (3), found (2, 3)"));
    safetensors_close(s);
}
END_TEST

/* Headers that lie. */
START_TEST(malformed_safetensors_are_refused) {
    static const struct {
        const char *header, *why;
    } bad[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "'a'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", "'a'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9],\"data_offsets\":[0,36]}}", "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "expected 8 bytes, found 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "'a'"},
        {"{\"a\":[1]}", "'a'"},
        {"{\"a\":", "JSON"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char bytes[256] = {0};
        size_t length = strlen(bad[k].header), dims[1] = {2};
        float out[2];
        bytes[0] = (char)length;
        memcpy(bytes + 8, bad[k].header, length);
        FILE *f = fopen(in_folder("bad.safetensors"), "wb");
        ck_assert(f && fwrite(bytes, 1, length + 16, f) == length + 16 && fclose(f) == 0);
        safetensors *s = safetensors_open(path);
        ck_assert_msg(!s || safetensors_read_f32(s, "a", 1, dims, out) < 0, "%s", bad[k].header);
        ck_assert_msg(strstr(err_message(), path) && strstr(err_message(), bad[k].why), "%s", err_message());
        safetensors_close(s);
    }
}
END_TEST

START_TEST(scaling_errors_are_named) {
    static float constant[PIXELS], bad[PIXELS];
    feature_network f;
    vgg16_layout layout;
    double d;
    bad[5] = NAN;
    for (int unit = 0; unit < 2; unit++) {
        const vgg_options o = {.layers = "relu1_1", .seed = 1};
        ck_assert_int_eq(vgg_distance_open(&f, unit ? VGG_UNIT : VGG_PL, &o, &layout), 0);
        feature_metric *m = feature_metric_create(&f, ROWS, COLUMNS);
        ck_assert_int_eq(feature_metric_reference(m, constant), -1);
        ck_assert(strstr(err_message(), "constant"));
        ck_assert_int_eq(feature_metric_reference(m, references), 0);
        ck_assert_int_eq(feature_metric_distance(m, bad, &d), -1);
        ck_assert(strstr(err_message(), "not finite"));
        /* only where the image's own range is its scale */
        ck_assert_int_eq(feature_metric_distance(m, constant, &d), unit ? -1 : 0);
        feature_metric_free(m);
        feature_network_close(&f);
    }
    ck_assert_int_eq(vgg_distance_open(&f, VGG_LPIPS, &(vgg_options){.layers = VGG16_UNIT_LAYERS}, &layout),
                     -1);
}
END_TEST

/* ---------------------------------------------------------------- downloading */

static int fetch(const char *arguments) {
    return run_after("data_prep/download_checked.sh ", arguments);
}

START_TEST(downloads_are_checked) {
    char md5[65], arguments[512];
    if (system("command -v curl >/dev/null") != 0) {
        printf("vgg16: downloading not tested: curl is not installed\n");
        return;
    }
    write_safetensors("sent", 1);
    ck_assert_int_eq(file_checksum(path, "md5", md5), 0);
    ck_assert_int_eq(fetch("file://@/nowhere 0 @/new/weights"), 1);
    ck_assert_msg(strstr(output, "cannot be downloaded") && error_lines == 1, "%s", output);
    ck_assert_int_ne(access(in_folder("new/weights.part"), F_OK), 0);
    ck_assert_int_eq(fetch("file://@/sent 0123 @/new/weights"), 1); /* another file than expected */
    ck_assert_msg(strstr(output, "expected MD5 0123") && strstr(output, md5) && error_lines == 1, "%s",
                  output);
    ck_assert_int_ne(access(in_folder("new/weights"), F_OK), 0);
    ck_assert_int_eq(access(in_folder("new/weights.rejected"), F_OK), 0);
    snprintf(arguments, sizeof arguments, "file://@/sent %s @/new/weights", md5);
    ck_assert_msg(fetch(arguments) == 0, "%s", output);
    ck_assert_int_eq(access(in_folder("new/weights"), F_OK), 0);
    snprintf(arguments, sizeof arguments, "file://@/nowhere %s @/new/weights", md5); /* not needed any more */
    ck_assert_msg(fetch(arguments) == 0, "%s", output);
    ck_assert_int_eq(truncate(in_folder("new/weights"), 100), 0); /* damaged since */
    ck_assert_int_eq(fetch(arguments), 1);
    ck_assert_int_ne(access(in_folder("new/weights"), F_OK), 0);
}
END_TEST

/* ---------------------------------------------------------------- cost */

static double best_seconds(const char *layers) {
    feature_network f;
    vgg16_layout layout;
    float *image = mem_alloc(320 * 320 * sizeof *image);
    double best = INFINITY, d;
    for (int k = 0; k < 320 * 320; k++)
        image[k] = references[k % PIXELS];
    ck_assert_int_eq(vgg_distance_open(&f, VGG_PL, &(vgg_options){.layers = layers, .seed = 1}, &layout), 0);
    feature_metric *m = feature_metric_create(&f, 320, 320);
    ck_assert_msg(m != NULL, "%s", err_message());
    for (int k = 0; k < 3; k++) {
        double started = clock_seconds();
        ck_assert_int_eq(feature_metric_reference(m, image), 0);
        ck_assert_int_eq(feature_metric_distance(m, image, &d), 0);
        best = fmin(best, clock_seconds() - started);
    }
    feature_metric_free(m);
    feature_network_close(&f);
    free(image);
    return best;
}

/* Nothing after the deepest layer is computed. */
START_TEST(shallow_layers_cost_less) {
    double shallow = INFINITY, whole = INFINITY;
    for (int k = 0; k < 4 && !(shallow < 0.5 * whole); k++) { /* other work may be running */
        shallow = fmin(shallow, best_seconds("relu2_2"));
        whole = fmin(whole, best_seconds("relu5_3"));
    }
    ck_assert_msg(shallow < 0.5 * whole, "relu2_2: %.0f ms, relu5_3: %.0f ms", 1e3 * shallow, 1e3 * whole);
}
END_TEST

Suite *suite_vgg16(void) {
    Suite *s = suite_create("vgg16");
    TCase *t = tcase_create("vgg16");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_set_up, scratch_tear_down);
    tcase_add_checked_fixture(t, read_images, NULL);
    tcase_add_test(t, random_weights_match_pytorch);
    tcase_add_loop_test(t, layouts_match_pytorch, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, safetensors_match_the_lpips_package);
    tcase_add_test(t, real_weights_match_pytorch);
    tcase_add_loop_test(t, a_file_that_stops_early_serves_shallow_layers, 0, 2);
    tcase_add_test(t, wrong_weights_are_refused);
    tcase_add_loop_test(t, truncated_files_are_refused, 0, 2);
    tcase_add_test(t, safetensors_of_the_package_are_read);
    tcase_add_test(t, malformed_safetensors_are_refused);
    tcase_add_test(t, scaling_errors_are_named);
    tcase_add_test(t, downloads_are_checked);
    tcase_add_test(t, shallow_layers_cost_less);
    suite_add_tcase(s, t);
    return s;
}
