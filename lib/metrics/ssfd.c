#include "metrics/ssfd.h"

#include "core/checksum.h"
#include "core/file.h"
#include "models/ssl_unet.h"
#include <stdio.h>
#include <string.h>

static int open_encoder(feature_network *f, const char *weights, const char *layers, const uint64_t *seed) {
    *f = (feature_network){.scaling = FEATURE_ZSCORE, .channels = 1, .gain = {1.0f}};
    f->n = model_load(weights, &model_ssl_encoder);
    if (f->n && feature_network_layers(f, layers) == 0 && (!seed || net_init(f->n, *seed) == 0) &&
        net_inference_only(f->n, f->last) == 0)
        return 0;
    feature_network_close(f);
    return -1;
}

int ssfd_open(feature_network *f, const char *weights, const char *layers) {
    return open_encoder(f, weights, layers, NULL);
}

int ssfd_open_random(feature_network *f, const char *weights, const char *layers, uint64_t seed) {
    return open_encoder(f, weights, layers, &seed);
}

/* ---------------------------------------------------------------- layers by themselves */

int ssfd_is_layer(const char *name) {
    int block, relu, end = 0;
    return sscanf(name, "block%1d_relu%1d%n", &block, &relu, &end) == 2 && !name[end] && block >= 1 &&
           block <= SSL_UNET_BLOCKS && (relu == 1 || relu == 2);
}

metric_label ssfd_layer_label(const char *name) {
    metric_label label = {.direction = METRIC_LOWER_IS_BETTER, .roles = METRIC_LAYER};
    snprintf(label.key, sizeof label.key, "%s", name);
    snprintf(label.title, sizeof label.title, "%s", name);
    return label;
}

/* ---------------------------------------------------------------- the metrics */

static int open_trained(metric_instance *m, const metric *type, const char *layers,
                        const metric_files *files) {
    char hex[CHECKSUM_HEX];
    feature_network *f = m->shared = feature_network_create();
    (void)type;
    if (!f || ssfd_open(f, files->ssfd_weights, layers) < 0 ||
        file_checksum(files->ssfd_weights, "sha256", hex) < 0)
        return -1;
    m->values = 1 + f->count;
    snprintf(m->about, sizeof m->about, "layer %s, weights sha256 %s", layers, hex);
    return 0;
}

static int open_random(metric_instance *m, const metric *type, const char *layers,
                       const metric_files *files) {
    feature_network *f = m->shared = feature_network_create();
    (void)type;
    if (!f || ssfd_open_random(f, files->ssfd_weights, layers, files->seed) < 0)
        return -1;
    m->values = 1 + f->count;
    metric_label_layers(&m->label, layers);
    snprintf(m->about, sizeof m->about, "SSFD with the initial weights of its encoder, layers %s, seed %llu",
             layers, (unsigned long long)files->seed);
    return 0;
}

static const metric_method trained = FEATURE_METHOD(open_trained);
static const metric_method random_weights = FEATURE_METHOD(open_random);

const metric metric_ssfd = {
    .key = "ssfd",
    .title = "SSFD",
    .help = "self-supervised feature distance, layer " SSFD_DEFAULT_LAYER " by default",
    .direction = METRIC_LOWER_IS_BETTER,
    .roles = METRIC_ALWAYS,
    .style = 1,
    .method = &trained,
};

const metric metric_ssfd_random = {
    .key = "ssfd_random",
    .title = "SSFD (random weights)",
    .help = "SSFD with random weights, at the layer of SSFD: what the training adds",
    .direction = METRIC_LOWER_IS_BETTER,
    .roles = METRIC_BASELINE,
    .style = 5,
    .method = &random_weights,
    .takes_layers = 1,
};
