/* The self-supervised in-painting U-Net of SSFD, and its weight files.
 *
 * Encoder as in the authors' `SSFD_Encoder`: blocks of 20/40/80/160/320 channels, 2x2 max-pooling between
 * them; a block is conv3x3, ReLU, conv3x3, ReLU, GroupNorm(10), dropout 0.1. Decoder mirrored, as in their
 * framework's generalised U-Net: transposed 2x2 convolution, ReLU, GroupNorm, concatenation [upsampled,
 * skip], block; then a 1x1 convolution.
 *
 * Layers that can be asked for by name: block1_relu1, block1_relu2, ..., block5_relu2 (features, after the
 * ReLU and before GroupNorm) and output (the in-painted image).
 *
 * Parameters: firstblock.{conv1,conv2,GN}.{weight,bias}, encoderK.conv_block.{...}, K = 1..4, as in the
 * authors' state dict; decoderK.{up,GN,conv_block.conv1,conv_block.conv2,conv_block.GN}, K = 4..1, and head,
 * are ours. */
#ifndef SSFD_MODELS_SSL_UNET_H
#define SSFD_MODELS_SSL_UNET_H

#include "io/h5.h"
#include "nn/net.h"

#define SSL_UNET_ARCHITECTURE "ssfd-unet"
#define SSL_UNET_BLOCKS 5
#define SSFD_DEFAULT_LAYER "block4_relu2"

typedef struct {
    int channels[SSL_UNET_BLOCKS]; /* 20, 40, 80, 160, 320 */
    int norm_groups;               /* 10 */
    int weight_standardization;    /* of the second convolution of each block: the authors' later release */
    int encoder_only;              /* no decoder: files that hold the encoder alone, and SSFD needs no more */
    double dropout;                /* 0.1, while training */
} ssl_unet_config;

ssl_unet_config ssl_unet_defaults(void);

/* The network, with zero weights: net_init() or ssl_unet_load() fill them. */
net *ssl_unet_create(const ssl_unet_config *config);

/* Reads a weight file: one dataset per parameter, root attributes architecture = "ssfd-unet", channels,
 * norm_groups, weight_standardization. float32 or float16. encoder_only: the decoder's tensors may be absent
 * and are not read. A missing tensor, another shape or a NaN is an error that names file and tensor. */
net *ssl_unet_load(const char *path, int encoder_only, ssl_unet_config *config);

/* Writes the parameters and the four attributes into an open file; the caller may add attributes and commits.
 */
int ssl_unet_write(h5_file *file, const net *n, const ssl_unet_config *config, h5_float as);

#endif
