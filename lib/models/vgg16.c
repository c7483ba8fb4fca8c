#include "models/vgg16.h"

#include "core/error.h"
#include "core/list.h"
#include "core/memory.h"
#include "core/rng.h"
#include "io/tensor_file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 5
#define CONVOLUTIONS 13
#define TORCHVISION_MODULES 53 /* of the largest, VGG-19 with batch normalisation */
#define LAYER_NAMES                                                                                          \
    "relu1_1, relu1_2, relu2_1, relu2_2, relu3_1, relu3_2, relu3_3, relu4_1, relu4_2, relu4_3, relu5_1, "    \
    "relu5_2, relu5_3"

static const int widths[BLOCKS] = {64, 128, 256, 512, 512}, depths[BLOCKS] = {2, 2, 3, 3, 3};

/* Convolution k = 0..12: its block and place in the block, both from 1, and its number in torchvision. */
typedef struct {
    int block, place, module;
} position;

static position position_of(int k) {
    position p = {1, 1, 0};
    while (k-- > 0) {
        p.module += 2;
        if (p.place++ == depths[p.block - 1])
            p = (position){p.block + 1, 1, p.module + 1};
    }
    return p;
}

const char *vgg16_layout_name(vgg16_layout layout) {
    static const char *const names[] = {"random", "Keras (HDF5)", "Keras (HDF5, group model_weights)",
                                        "torchvision"};
    return names[layout];
}

/* ---------------------------------------------------------------- the net */

static void layer_name(int k, char *name) {
    position p = position_of(k);
    snprintf(name, NET_NAME, "relu%d_%d", p.block, p.place);
}

/* Convolution of a layer's name, -1 with a message. */
static int convolution_of(const char *layer) {
    char name[NET_NAME];
    for (int k = 0; k < CONVOLUTIONS; k++) {
        layer_name(k, name);
        if (strcmp(name, layer) == 0)
            return k;
    }
    return err_set("unknown layer '%s': VGG-16 has " LAYER_NAMES, layer);
}

/* Which convolutions are needed; returns how many have to be computed, -1 with a message. */
static int read_layers(const char *layers, int asked[CONVOLUTIONS]) {
    name_list names;
    int count = name_list_split(&names, layers, "layer");
    memset(asked, 0, CONVOLUTIONS * sizeof *asked);
    for (size_t i = 0; count >= 0 && i < names.count; i++) {
        int k = convolution_of(names.items[i]);
        count = k < 0 ? -1 : k + 1 > count ? k + 1 : count;
        if (k >= 0)
            asked[k] = 1;
    }
    name_list_free(&names);
    return count ? count : err_set("no layer given: VGG-16 has " LAYER_NAMES);
}

int vgg16_check_layers(const char *layers) {
    int asked[CONVOLUTIONS];
    return read_layers(layers, asked) < 0 ? -1 : 0;
}

net *vgg16_create(const char *layers) {
    int asked[CONVOLUTIONS], count = read_layers(layers, asked);
    net *n = count > 0 ? net_create() : NULL;
    if (!n)
        return NULL;
    int at = net_add_input(n, 3);
    for (int k = 0; k < count; k++) {
        position p = position_of(k);
        char params[NET_NAME], name[NET_NAME];
        snprintf(params, sizeof params, "features.%d", p.module);
        layer_name(k, name);
        if (k > 0 && p.place == 1)
            at = net_add_max_pool(n, at);
        at = net_add_conv3(n, at, widths[p.block - 1], NET_RELU, params, asked[k] ? name : NULL);
    }
    if (net_finish(n) == 0)
        return n;
    net_free(n);
    return NULL;
}

/* ---------------------------------------------------------------- weight files */

typedef struct {
    tensor_file file;
    vgg16_layout layout;
} source;

/* What names of kernel and bias append to blockB_convC/blockB_convC. */
static const char *const keras_names[][2] = {
    {"_W_1:0", "_b_1:0"},         /* Keras 1 on TensorFlow: the published files */
    {"_W:0", "_b:0"},             /* the same in a session of its own */
    {"_W", "_b"},                 /* Keras 1 on Theano */
    {"/kernel:0", "/bias:0"},     /* Keras 2 */
    {"_1/kernel:0", "_1/bias:0"}, /* Keras 2, a second network in its session */
    {"/kernel", "/bias"},         /* Keras 3 writing HDF5 */
};
#define KERAS_NAMES (sizeof keras_names / sizeof *keras_names)

/* Name of a convolution's weight or bias, whether the file has it or not: for Keras the variant that it has, or
 * the published one. */
static void tensor_name(const source *s, int block, int place, int module, int is_bias, char *name) {
    if (s->layout == VGG16_TORCHVISION) {
        snprintf(name, 2 * NET_NAME, "features.%d.%s", module, is_bias ? "bias" : "weight");
        return;
    }
    const char *group = s->layout == VGG16_KERAS_MODEL_WEIGHTS ? "model_weights/" : "";
    for (size_t k = 0; k <= KERAS_NAMES; k++) {
        snprintf(name, 2 * NET_NAME, "%sblock%d_conv%d/block%d_conv%d%s", group, block, place, block, place,
                 keras_names[k % KERAS_NAMES][is_bias]);
        if (tensor_file_exists(&s->file, name))
            return;
    }
}

static void convolution_name(const source *s, int k, int is_bias, char *name) {
    position p = position_of(k);
    tensor_name(s, p.block, p.place, p.module, is_bias, name);
}

static int has(const source *s, int block, int place, int module) {
    char name[2 * NET_NAME];
    tensor_name(s, block, place, module, 0, name);
    return tensor_file_exists(&s->file, name);
}

/* The layout in which the first convolution is found. */
static int find_layout(source *s) {
    static const vgg16_layout layouts[] = {VGG16_KERAS, VGG16_KERAS_MODEL_WEIGHTS, VGG16_TORCHVISION};
    for (size_t k = s->file.h5 ? 0 : 2; k < sizeof layouts / sizeof *layouts; k++) {
        s->layout = layouts[k];
        if (has(s, 1, 1, 0))
            return 0;
    }
    return err_set("%s: no weights of VGG-16: neither features.0.weight (torchvision)%s is there",
                   s->file.path,
                   s->file.h5 ? " nor block1_conv1, in or outside of model_weights (Keras)," : "");
}

/* The tensor at a place where VGG-16 has none. */
static int refuse_extra(const source *s, int block, int place, int module) {
    char name[2 * NET_NAME];
    if (!has(s, block, place, module))
        return 0;
    tensor_name(s, block, place, module, 0, name);
    return err_set("%s: %s is no tensor of VGG-16: the weights of another network", s->file.path, name);
}

/* A fourth convolution in a block means VGG-19; tensors between VGG-16's mean batch normalisation or another
 * depth. */
static int check_network(const source *s) {
    for (int block = 1; s->layout != VGG16_TORCHVISION && block <= BLOCKS; block++)
        if (refuse_extra(s, block, depths[block - 1] + 1, 0) < 0)
            return -1;
    for (int module = 0, k = 0; s->layout == VGG16_TORCHVISION && module < TORCHVISION_MODULES; module++)
        if (k < CONVOLUTIONS && position_of(k).module == module)
            k++;
        else if (refuse_extra(s, 0, 0, module) < 0)
            return -1;
    return 0;
}

/* The file must have all convolutions needed; if not, the message says which layers it serves. */
static int check_depth(const source *s, int needed) {
    char name[2 * NET_NAME], last[NET_NAME], asked[NET_NAME];
    for (int k = 0; k < needed; k++) {
        position p = position_of(k);
        if (has(s, p.block, p.place, p.module))
            continue;
        convolution_name(s, k, 0, name);
        layer_name(k - 1, last);
        layer_name(needed - 1, asked);
        return err_set("%s: %s is missing: %s cannot be computed, the file serves relu1_1 to %s",
                       s->file.path, name, asked, last);
    }
    return 0;
}

/* (3, 3, in, out) to (out, in, 3, 3). */
static void turn_kernel(const float *hwio, size_t in, size_t out, float *oihw) {
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t tap = 0; tap < 9; tap++)
                *oihw++ = hwio[(tap * in + i) * out + o];
}

static int read_convolution(const source *s, net *n, int k, float *scratch) {
    const net_param *weight = &n->params[2 * k], *bias = &n->params[2 * k + 1];
    char name[2 * NET_NAME];
    size_t out = (size_t)weight->dims[0], in = (size_t)weight->dims[1];
    int is_keras = s->layout != VGG16_TORCHVISION;
    const size_t hwio[4] = {3, 3, in, out}, oihw[4] = {out, in, 3, 3};
    convolution_name(s, k, 0, name);
    if (tensor_file_read(&s->file, name, 4, is_keras ? hwio : oihw,
                         is_keras ? scratch : n->values + weight->offset) < 0)
        return -1;
    if (is_keras)
        turn_kernel(scratch, in, out, n->values + weight->offset);
    convolution_name(s, k, 1, name);
    return tensor_file_read(&s->file, name, 1, &out, n->values + bias->offset);
}

static int read_weights(const source *s, net *n) {
    size_t largest = 0;
    for (int k = 0; k < n->param_count; k++)
        largest = n->params[k].count > largest ? n->params[k].count : largest;
    float *scratch = mem_alloc(largest * sizeof *scratch);
    int status = scratch ? 0 : -1;
    for (int k = 0; status == 0 && 2 * k < n->param_count; k++)
        status = read_convolution(s, n, k, scratch);
    free(scratch);
    return status;
}

/* ---------------------------------------------------------------- either way */

static void set_normalisation(vgg16 *v) {
    static const float bgr[3] = {103.939f, 116.779f, 123.68f};
    static const double mean[3] = {0.485, 0.456, 0.406}, std[3] = {0.229, 0.224, 0.225};
    int is_keras = v->layout == VGG16_KERAS || v->layout == VGG16_KERAS_MODEL_WEIGHTS;
    for (int c = 0; c < 3; c++) {
        v->gain[c] = is_keras ? 255.0f : (float)(1.0 / std[c]);
        v->offset[c] = is_keras ? -bgr[c] : (float)(-mean[c] / std[c]);
    }
}

/* v takes over the net, whose weights are read. */
static int finish(vgg16 *v, int status) {
    if (status == 0)
        net_update(v->n);
    if (status == 0 && net_inference_only(v->n, v->n->layer_count - 1) == 0) {
        set_normalisation(v);
        return 0;
    }
    net_free(v->n);
    v->n = NULL;
    return -1;
}

static int read_file(source *s, const char *layers, net **n) {
    if (find_layout(s) < 0 || check_network(s) < 0 || !(*n = vgg16_create(layers)) ||
        check_depth(s, (*n)->param_count / 2) < 0)
        return -1;
    return read_weights(s, *n);
}

int vgg16_load(const char *path, const char *layers, vgg16 *out) {
    source s;
    *out = (vgg16){.n = NULL};
    if (vgg16_check_layers(layers) < 0 || tensor_file_open(&s.file, path) < 0)
        return -1;
    int status = read_file(&s, layers, &out->n);
    out->layout = s.layout;
    tensor_file_close(&s.file);
    return finish(out, status);
}

int vgg16_random(uint64_t seed, const char *layers, vgg16 *out) {
    *out = (vgg16){.n = vgg16_create(layers), .layout = VGG16_RANDOM};
    gsl_rng *rng = out->n ? rng_stream(seed, RNG_INIT_WEIGHTS, 0, 1) : NULL;
    for (int k = 0; rng && k < out->n->param_count; k += 2) {
        const net_param *p = &out->n->params[k];
        double bound = sqrt(6.0 / p->fan_in);
        rng_restart(rng, seed, RNG_INIT_WEIGHTS, (uint64_t)k, 1);
        for (size_t i = 0; i < p->count; i++)
            out->n->values[p->offset + i] = (float)((2.0 * gsl_rng_uniform(rng) - 1.0) * bound);
    }
    int status = rng ? 0 : -1;
    if (rng)
        gsl_rng_free(rng);
    return finish(out, status);
}
