/* Distances in the features of VGG-16 (models/vgg16.h). A magnitude image is made a grey picture in [0, 1], repeated
 * on the three channels, with the normalisation that belongs to the weights.
 *
 *   VGG_PL     Johnson et al. 2016 (arXiv:1603.08155): mean over C, H, W of the squared difference of the raw
 *              features after the ReLU, default layer relu2_2. Both images are scaled by the minimum and maximum of
 *              the reference: like SSIM's and PSNR's data range, so that a change of brightness counts and a single
 *              hot pixel of the compared image does not dim the rest of it.
 *   VGG_UNIT   the baseline that the authors of SSFD later published, LPIPS without its linear layers: features made
 *              unit vectors over the channels of each pixel, squared differences summed over channels, averaged over
 *              space, added over relu1_2, relu2_2, relu3_3, relu4_3, relu5_3. Each image is scaled by its own minimum
 *              and maximum, as there.
 *   VGG_LPIPS  Zhang et al. 2018 (arXiv:1801.03924): VGG_UNIT with learned weights of the channels, from a file (HDF5
 *              or safetensors) with the tensors of the package `lpips`, lin0.model.1.weight (1, 64, 1, 1) to
 *              lin4.model.1.weight (1, 512, 1, 1). They were learned on torchvision's weights, whose normalisation
 *              equals the scaling layer of that package.
 *
 * Without a file of weights the first two run on random weights, and are then called vgg16_random and
 * vgg16_random_unit, never VGG-PL. */
#ifndef SSFD_METRICS_VGG16_DISTANCE_H
#define SSFD_METRICS_VGG16_DISTANCE_H

#include "metrics/feature_distance.h"
#include "models/vgg16.h"

#define VGG16_RANDOM_TITLE "VGG-16 (random weights)"

typedef enum { VGG_PL, VGG_UNIT, VGG_LPIPS } vgg_distance;

typedef struct {
    const char *weights; /* NULL: random weights from `seed` */
    const char *linear;  /* VGG_LPIPS: its weights */
    const char *layers;  /* comma-separated; VGG_LPIPS needs VGG16_UNIT_LAYERS */
    uint64_t seed;
} vgg_options;

/* *layout says what kind of weights were found. On failure f is empty. */
int vgg_distance_open(feature_network *f, vgg_distance distance, const vgg_options *o, vgg16_layout *layout);

#endif
