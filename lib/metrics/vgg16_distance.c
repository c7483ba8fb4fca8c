#include "metrics/vgg16_distance.h"

#include "core/checksum.h"
#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "io/tensor_file.h"
#include <stdio.h>
#include <string.h>

/* The weights of the channels of every layer, in the order of the layers. */
static int read_linear(feature_network *f, const char *path) {
    tensor_file file;
    int status = tensor_file_open(&file, path);
    for (int k = 0; status == 0 && k < f->count; k++) {
        char name[NET_NAME];
        size_t channels = (size_t)f->n->layers[f->layers[k]].channels;
        const size_t dims[4] = {1, channels, 1, 1};
        snprintf(name, sizeof name, "lin%d.model.1.weight", k);
        f->linear[k] = mem_alloc(channels * sizeof(float));
        status = f->linear[k] ? tensor_file_read(&file, name, 4, dims, f->linear[k]) : -1;
    }
    tensor_file_close(&file);
    return status;
}

int vgg_distance_open(feature_network *f, vgg_distance distance, const vgg_options *o, vgg16_layout *layout) {
    vgg16 v;
    *f = (feature_network){.n = NULL};
    if (distance == VGG_LPIPS && (!o->weights || !o->linear))
        return err_set(
            "LPIPS needs --vgg16-weights and --lpips-weights: its linear weights belong to trained filters");
    if ((o->weights ? vgg16_load(o->weights, o->layers, &v) : vgg16_random(o->seed, o->layers, &v)) < 0)
        return -1;
    *f = (feature_network){.n = v.n,
                           .scaling = distance == VGG_PL ? FEATURE_RANGE_OF_REFERENCE : FEATURE_RANGE_OF_EACH,
                           .channels = 3,
                           .comparison = distance == VGG_PL ? FEATURE_MSE : FEATURE_UNIT};
    memcpy(f->gain, v.gain, sizeof v.gain);
    memcpy(f->offset, v.offset, sizeof v.offset);
    *layout = v.layout;
    if (feature_network_layers(f, o->layers) == 0 &&
        (distance != VGG_LPIPS || read_linear(f, o->linear) == 0))
        return 0;
    feature_network_close(f);
    return -1;
}

/* ---------------------------------------------------------------- the metrics */

extern const metric metric_vgg_pl, metric_lpips;

static int describe(metric_instance *m, const metric *type, vgg_distance distance, const vgg_options *o,
                    vgg16_layout layout) {
    char hex[CHECKSUM_HEX] = "", linear[CHECKSUM_HEX] = "";
    int is_lpips = distance == VGG_LPIPS;
    if (file_checksum(o->weights, "sha256", hex) < 0 ||
        (is_lpips && file_checksum(o->linear, "sha256", linear) < 0))
        return -1;
    snprintf(m->about, sizeof m->about, "%s, layers %s, weights: %s, sha256 %s%s%s%s", type->title, o->layers,
             vgg16_layout_name(layout), hex, is_lpips ? ", linear weights sha256 " : "", linear,
             is_lpips && layout != VGG16_TORCHVISION ? " (learned on torchvision's weights)" : "");
    return 0;
}

static void call_random(metric_instance *m, vgg_distance distance, const vgg_options *o) {
    snprintf(m->label.key, METRIC_NAME, "vgg16_random%s", distance == VGG_UNIT ? "_unit" : "");
    snprintf(m->label.title, METRIC_NAME, VGG16_RANDOM_TITLE "%s",
             distance == VGG_UNIT ? " unit-normalised" : "");
    snprintf(m->about, sizeof m->about,
             VGG16_RANDOM_TITLE ", layers %s, seed %llu; real weights: make vgg16-weights", o->layers,
             (unsigned long long)o->seed);
}

static int open_metric(metric_instance *m, const metric *type, const char *layers,
                       const metric_files *files) {
    const vgg_distance distance = type == &metric_vgg_pl  ? VGG_PL
                                  : type == &metric_lpips ? VGG_LPIPS
                                                          : VGG_UNIT;
    const vgg_options o = {files->vgg16_weights, files->lpips_weights, layers, files->seed};
    vgg16_layout layout;
    feature_network *f = m->shared = feature_network_create();
    if (!f || vgg_distance_open(f, distance, &o, &layout) < 0)
        return -1;
    m->values = 1 + f->count;
    if (!o.weights)
        call_random(m, distance, &o);
    else if (describe(m, type, distance, &o, layout) < 0)
        return -1;
    if (distance == VGG_PL || strcmp(layers, type->layers) != 0)
        metric_label_layers(&m->label, layers);
    return 0;
}

static const metric_method method = FEATURE_METHOD(open_metric);

const metric metric_vgg_pl = {
    .key = "vgg_pl",
    .title = "VGG-PL",
    .help = "VGG-16 perceptual loss, layer " VGG16_DEFAULT_LAYER,
    .direction = METRIC_LOWER_IS_BETTER,
    .roles = METRIC_CLAIMED | METRIC_BASELINE,
    .style = 4,
    .method = &method,
    .layers = VGG16_DEFAULT_LAYER,
    .check_layers = vgg16_check_layers,
    .takes_layers = 1,
};

const metric metric_vgg16_unit = {
    .key = "vgg16_unit",
    .title = "VGG-16 unit-normalised",
    .help = "unit-normalised features of VGG-16, relu1_2 to relu5_3",
    .direction = METRIC_LOWER_IS_BETTER,
    .roles = METRIC_CLAIMED | METRIC_BASELINE,
    .method = &method,
    .layers = VGG16_UNIT_LAYERS,
    .check_layers = vgg16_check_layers,
    .takes_layers = 1,
};

const metric metric_lpips = {
    .key = "lpips",
    .title = "LPIPS (VGG-16)",
    .help = "the same with learned linear weights (--lpips-weights)",
    .direction = METRIC_LOWER_IS_BETTER,
    .roles = METRIC_CLAIMED | METRIC_BASELINE,
    .method = &method,
    .layers = VGG16_UNIT_LAYERS,
};
