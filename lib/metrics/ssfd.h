/* SSFD: the distance between a reference and an image in the features of the self-supervised encoder.
 *
 *   SSFD(a, b) = sum over layers l of  1 / (C_l H_l W_l) || f_l(z(a)) - f_l(z(b)) ||^2
 *
 * z is the z-score of a magnitude image by its own mean and std (N-1), f_l the features of layer l (after its
 * ReLU). */
#ifndef SSFD_METRICS_SSFD_H
#define SSFD_METRICS_SSFD_H

#include "metrics/feature_distance.h"

/* With the weights of a file (models/ssl_unet.h) and a comma-separated list of layers, such as
 * SSFD_DEFAULT_LAYER. On failure f is empty. */
int ssfd_open(feature_network *f, const char *weights, const char *layers);

/* The same encoder as the file's with the initial weights that training with this seed starts from: what the
 * architecture alone gives. */
int ssfd_open_random(feature_network *f, const char *weights, const char *layers, uint64_t seed);

/* Whether `name` is a layer of the encoder, "block4_relu2", and the label of that layer as a metric by itself. */
int ssfd_is_layer(const char *name);
metric_label ssfd_layer_label(const char *name);

extern const metric metric_ssfd;

#endif
