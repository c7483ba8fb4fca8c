#include "models/ssl_unet.h"

#include "core/error.h"
#include <stdio.h>

ssl_unet_config ssl_unet_defaults(void) {
    return (ssl_unet_config){.channels = {20, 40, 80, 160, 320}, .norm_groups = 10, .dropout = 0.1};
}

/* conv, ReLU, conv, ReLU, GroupNorm, dropout. number > 0 names the features. */
static int add_block(net *n, const ssl_unet_config *c, int input, int channels, const char *prefix,
                     int number) {
    char params[NET_NAME], name[NET_NAME] = "";
    for (int k = 1; k <= 2; k++) {
        snprintf(params, sizeof params, "%s.conv%d", prefix, k);
        if (number > 0)
            snprintf(name, sizeof name, "block%d_relu%d", number, k);
        int flags = NET_RELU | (k == 2 && c->weight_standardization ? NET_STANDARDIZE : 0);
        input = net_add_conv3(n, input, channels, flags, params, name);
    }
    snprintf(params, sizeof params, "%s.GN", prefix);
    input = net_add_group_norm(n, input, c->norm_groups, params);
    return net_add_dropout(n, input, c->dropout);
}

static void add_decoder(net *n, const ssl_unet_config *c, const int *skip) {
    int at = skip[SSL_UNET_BLOCKS - 1];
    char prefix[NET_NAME / 2], params[NET_NAME];
    for (int k = SSL_UNET_BLOCKS - 1; k >= 1; k--) {
        int channels = c->channels[k - 1];
        snprintf(params, sizeof params, "decoder%d.up", k);
        at = net_add_up_conv(n, at, channels, NET_RELU, params);
        snprintf(params, sizeof params, "decoder%d.GN", k);
        at = net_add_group_norm(n, at, c->norm_groups, params);
        at = net_add_concat(n, at, skip[k - 1]);
        snprintf(prefix, sizeof prefix, "decoder%d.conv_block", k);
        at = add_block(n, c, at, channels, prefix, 0);
    }
    net_add_conv1(n, at, 1, "head", "output");
}

static net *build(const ssl_unet_config *c, int with_decoder) {
    for (int k = 0; k < SSL_UNET_BLOCKS; k++)
        if (c->norm_groups < 1 || c->channels[k] < 1 || c->channels[k] % c->norm_groups)
            return err_set_null("block %d: %d channels cannot be divided into %d groups", k + 1,
                                c->channels[k], c->norm_groups);
    net *n = net_create();
    if (!n)
        return NULL;
    int skip[SSL_UNET_BLOCKS], at = net_add_input(n, 1);
    for (int k = 0; k < SSL_UNET_BLOCKS; k++) {
        char prefix[NET_NAME / 2] = "firstblock";
        if (k > 0) {
            snprintf(prefix, sizeof prefix, "encoder%d.conv_block", k);
            at = net_add_max_pool(n, at);
        }
        skip[k] = at = add_block(n, c, at, c->channels[k], prefix, k + 1);
    }
    if (with_decoder)
        add_decoder(n, c, skip);
    if (net_finish(n) == 0)
        return n;
    net_free(n);
    return NULL;
}

/* ---------------------------------------------------------------- weight files */

static net *create(const void *config) {
    return build(config, 1);
}

static net *create_encoder(const void *config) {
    return build(config, 0);
}

static int read_config(const h5_file *file, void *self) {
    ssl_unet_config *config = self;
    int64_t channels[H5_MAX_RANK];
    int count;
    *config = ssl_unet_defaults();
    if (h5_attr_integers(file, "channels", H5_MAX_RANK, channels, &count) < 0)
        return -1;
    if (count != SSL_UNET_BLOCKS)
        return err_set("%s: attribute channels has %d values, expected %d", file->path, count,
                       SSL_UNET_BLOCKS);
    for (int k = 0; k < SSL_UNET_BLOCKS; k++) {
        if (channels[k] < 1 || channels[k] > SSL_UNET_MAX_CHANNELS)
            return err_set("%s: attribute channels holds %lld, expected 1..%d", file->path,
                           (long long)channels[k], SSL_UNET_MAX_CHANNELS);
        config->channels[k] = (int)channels[k];
    }
    if (model_read_integer(file, "norm_groups", 1, SSL_UNET_MAX_CHANNELS, &config->norm_groups) < 0)
        return -1;
    return model_read_integer(file, "weight_standardization", 0, 1, &config->weight_standardization);
}

static int write_config(h5_file *file, const void *self) {
    const ssl_unet_config *config = self;
    int64_t channels[SSL_UNET_BLOCKS];
    for (int k = 0; k < SSL_UNET_BLOCKS; k++)
        channels[k] = config->channels[k];
    if (h5_set_integers(file, "channels", SSL_UNET_BLOCKS, channels) < 0 ||
        h5_set_integer(file, "norm_groups", config->norm_groups) < 0)
        return -1;
    return h5_set_integer(file, "weight_standardization", config->weight_standardization);
}

#define SSL_UNET(create_function)                                                                            \
    { SSL_UNET_ARCHITECTURE, sizeof(ssl_unet_config), read_config, write_config, create_function }
const model model_ssl_unet = SSL_UNET(create);
const model model_ssl_encoder = SSL_UNET(create_encoder);
