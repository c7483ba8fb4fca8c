/* fastMRI's U-Net for reconstruction (Zbontar et al. 2018, arXiv:1811.08839; class `Unet` of
 * facebookresearch/fastMRI), and its use on complex images.
 *
 * Input and output have 2 channels: the real and the imaginary part of a zero-filled image and of its
 * reconstruction. With c = channels (32) and p = pools (4): p blocks of c, 2c, 4c, ... channels, each followed
 * by 2x2 average pooling; a block of 2^p c channels; then p times a transposed 2x2 convolution, concatenation
 * [upsampled, skip] and a block; last a 1x1 convolution with bias, the layer named "output". A block is twice:
 * 3x3 convolution, instance normalisation, LeakyReLU 0.2. The last two also follow a transposed convolution.
 * Only the 1x1 convolution has a bias.
 *
 * Parameters as in fastMRI's state dict: down_sample_layers.K.layers.{0,4}.weight and
 * conv.layers.{0,4}.weight; up_transpose_conv.K.layers.0.weight and up_conv.K.layers.{0,4}.weight, K = 0 at
 * the deepest level; at the last level, K = p - 1, up_conv.K.0.layers.{0,4}.weight and
 * up_conv.K.1.{weight,bias}. Attributes of a weight file: architecture = "recon-unet", channels, pools,
 * negative_slope = 0.2.
 *
 * The network knows nothing of the images' scale. Where it is fed directly, as in training, input and target
 * must both be divided by recon_unet_scale() of the input. A recon_unet_runner does that itself. */
#ifndef SSFD_MODELS_RECON_UNET_H
#define SSFD_MODELS_RECON_UNET_H

#include "models/model.h"
#include <complex.h>

#define RECON_UNET_ARCHITECTURE "recon-unet"
#define RECON_UNET_SLOPE 0.2
#define RECON_UNET_MAX_CHANNELS 8192 /* of the deepest block */
#define RECON_UNET_MAX_POOLS 8

typedef struct {
    int channels; /* 32, of the first block */
    int pools;    /* 4 */
} recon_unet_config;

recon_unet_config recon_unet_defaults(void);

extern const model model_recon_unet;

/* The number by which a zero-filled image of n pixels and its target are divided: the 95th percentile of the
 * magnitudes, the one at index floor(0.95 (n - 1)) in ascending order. An image that is not finite, or so
 * empty that the percentile is zero, is an error. scratch: n floats. */
int recon_unet_scale(const float complex *image, size_t n, float *scratch, float *scale);

/* Real and imaginary parts of n pixels, divided by scale: what the network is fed. */
void recon_unet_split(const float complex *image, size_t n, float scale, float *re, float *im);

/* Reconstructs images of rows x columns, one after the other; one per thread, on a network that they share.
 * Any size: where 2^pools does not divide it, the network sees the image with zeros around it (as many before
 * as after, or one more after), which are cut off again. Nothing is allocated after creation. */
typedef struct recon_unet_runner recon_unet_runner;

/* n is borrowed and must outlive the runner. */
recon_unet_runner *recon_unet_runner_create(const net *n, int rows, int columns);
void recon_unet_runner_free(recon_unet_runner *r);

/* Scales, runs the network, undoes the scale. out may be zero_filled; fails where recon_unet_scale() does. */
int recon_unet_run(recon_unet_runner *r, const float complex *zero_filled, float complex *out);

#endif
