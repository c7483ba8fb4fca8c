#include "metrics/ssfd.h"

#include "models/ssl_unet.h"

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
