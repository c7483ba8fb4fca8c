/* Distances between a reference and an image in the features of a network: what SSFD, the VGG-16 perceptual loss
 * and LPIPS have in common. A feature network is a net, the layers it is read at, the normalisation of a magnitude
 * image to its input, and the comparison of features. A new one needs a reader of its weights that fills in these
 * fields, and a metric that opens it (metrics/ssfd.c, metrics/vgg16_distance.c).
 *
 * Normalisation. A magnitude image v becomes s(v), one number per pixel, then channel c of the input is
 *   gain[c] s(v) + offset[c],   one of
 *   FEATURE_ZSCORE              s(v) = (v - mean) / std, of the image itself, std with N-1
 *   FEATURE_RANGE_OF_EACH       s(v) = (v - min) / (max - min), of the image itself
 *   FEATURE_RANGE_OF_REFERENCE  the same with min and max of the reference, for both images: as with the data range
 *                               of SSIM and PSNR, a change of brightness counts, and the noisiest pixel does not set
 *                               the scale. Values outside [0, 1] stay as they are.
 *
 * Comparison at layer l with features f (C, H, W) of the reference and g of the image:
 *   FEATURE_MSE   1 / (C H W) sum (f - g)^2
 *   FEATURE_UNIT  1 / (H W) sum over pixels, over channels c of w_c (f_c / (|f| + e) - g_c / (|g| + e))^2,
 * |.| over the channels of the pixel, e = 1e-10, w = linear[l], or 1 without (Zhang et al. 2018, arXiv:1801.03924;
 * package lpips). The distances of the layers add. */
#ifndef SSFD_METRICS_FEATURE_DISTANCE_H
#define SSFD_METRICS_FEATURE_DISTANCE_H

#include "metrics/metric.h"
#include "nn/net.h"

#define FEATURE_MAX_LAYERS 16
#define FEATURE_MAX_CHANNELS 3

typedef enum { FEATURE_ZSCORE, FEATURE_RANGE_OF_EACH, FEATURE_RANGE_OF_REFERENCE } feature_scaling;
typedef enum { FEATURE_MSE, FEATURE_UNIT } feature_comparison;

typedef struct {
    net *n; /* owned */
    feature_scaling scaling;
    int channels; /* of the net's input */
    float gain[FEATURE_MAX_CHANNELS], offset[FEATURE_MAX_CHANNELS];
    feature_comparison comparison;
    int count;                         /* layers */
    int layers[FEATURE_MAX_LAYERS];    /* indices in the net, in the order given */
    int last;                          /* the deepest: nothing after it is computed */
    float *linear[FEATURE_MAX_LAYERS]; /* FEATURE_UNIT: one weight per channel, owned; NULL: 1 */
} feature_network;

/* Takes the layers from a comma-separated list of names, "block4_relu2" or "block1_relu1,block3_relu2". */
int feature_network_layers(feature_network *f, const char *names);
/* Frees what f owns and empties it. */
void feature_network_close(feature_network *f);

/* A workspace of one thread for images of rows x columns. The network, a feature_network, outlives it. */
typedef struct feature_metric feature_metric;
void *feature_metric_create(const void *network, int rows, int columns);
void feature_metric_free(void *m);

/* Computes and keeps the features of a reference (rows*columns floats), which serve any number of images. An image that
 * is not finite is an error, and so is a constant one where its own values set the scale. */
int feature_metric_reference(feature_metric *m, const float *reference);
/* Distance to the reference at each layer; distances holds f->count values. */
int feature_metric_layers(feature_metric *m, const float *image, double *distances);
/* Their sum. */
int feature_metric_distance(feature_metric *m, const float *image, double *distance);

/* The method of a metric on a feature network: number 0 is the distance, then come those of its layers. `open_metric`
 * sets m->shared to a feature_network from feature_network_create() and m->values to 1 + its layers. */
#define FEATURE_METHOD(open_metric)                                                                          \
    {                                                                                                        \
        .open = open_metric, .close = feature_network_free, .workspace = feature_metric_create,              \
        .workspace_free = feature_metric_free, .reference = feature_reference, .score = feature_score        \
    }
feature_network *feature_network_create(void); /* empty */
void feature_network_free(void *network);
int feature_reference(void *workspace, const metric_reference *reference);
int feature_score(void *workspace, const metric_reference *reference, const float *compared, double *values);

#endif
