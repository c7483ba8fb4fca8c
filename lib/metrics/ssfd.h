/* SSFD: the distance between a reference and an image in the features of the self-supervised encoder.
 *
 *   SSFD(a, b) = sum over layers l of  1 / (C_l H_l W_l) || f_l(z(a)) - f_l(z(b)) ||^2
 *
 * z is the z-score of a magnitude image by its own mean and std (N-1), f_l the features of layer l (after its
 * ReLU). The features of the reference are computed once and serve any number of images. */
#ifndef SSFD_METRICS_SSFD_H
#define SSFD_METRICS_SSFD_H

#include "nn/net.h"

#define SSFD_MAX_LAYERS 16

/* The layers of one distance: a comma-separated list of names, "block4_relu2" or "block1_relu1,block3_relu2".
 */
typedef struct {
    int count;
    int layers[SSFD_MAX_LAYERS]; /* indices in the net, in the order given */
    int last;                    /* the deepest: nothing behind it is computed */
} ssfd_layers;

int ssfd_layers_parse(const net *n, const char *names, ssfd_layers *out);

/* A workspace of one thread for images of rows x columns. The net outlives it. */
typedef struct ssfd_metric ssfd_metric;

ssfd_metric *ssfd_metric_create(const net *n, const ssfd_layers *layers, int rows, int columns);
void ssfd_metric_free(ssfd_metric *m);

/* Computes and keeps the features of a reference (rows*columns floats). A constant or non-finite image is an
 * error. */
int ssfd_metric_reference(ssfd_metric *m, const float *reference);
/* Distance of each layer to the reference's features; distances holds layers->count values, their sum is
 * SSFD. */
int ssfd_metric_distance(ssfd_metric *m, const float *image, double *distances);

#endif
