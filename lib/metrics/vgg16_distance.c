#include "metrics/vgg16_distance.h"

#include "core/error.h"
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
        return err_set("LPIPS needs two files of weights: VGG-16's and its own linear layers'");
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
