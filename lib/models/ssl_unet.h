/* The self-supervised in-painting U-Net of SSFD.
 *
 * Encoder as in the authors' `SSFD_Encoder`: blocks of 20/40/80/160/320 channels with 2x2 max-pooling between
 * them; a block is conv3x3, ReLU, conv3x3, ReLU, GroupNorm(10), dropout 0.1. The decoder is its mirror image,
 * as in their framework's generalised U-Net: transposed 2x2 convolution, ReLU, GroupNorm, concatenation
 * [upsampled, skip], block; then a 1x1 convolution.
 *
 * Named layers: block1_relu1, block1_relu2, ..., block5_relu2 (features, after the ReLU and before GroupNorm)
 * and output (the in-painted image).
 *
 * Parameters: firstblock.{conv1,conv2,GN}.{weight,bias}, encoderK.conv_block.{...}, K = 1..4, as in the
 * authors' state dict; decoderK.{up,GN,conv_block.conv1,conv_block.conv2,conv_block.GN}, K = 4..1, and head
 * are ours. Attributes of a weight file: architecture = "ssfd-unet", channels (one value per block),
 * norm_groups, weight_standardization. */
#ifndef SSFD_MODELS_SSL_UNET_H
#define SSFD_MODELS_SSL_UNET_H

#include "models/model.h"

#define SSL_UNET_ARCHITECTURE "ssfd-unet"
#define SSL_UNET_BLOCKS 5
#define SSL_UNET_MAX_CHANNELS 4096
#define SSFD_DEFAULT_LAYER "block4_relu2"

typedef struct {
    int channels[SSL_UNET_BLOCKS]; /* 20, 40, 80, 160, 320 */
    int norm_groups;               /* 10 */
    int weight_standardization;    /* of the second convolution of each block: the authors' later release */
    double dropout;                /* 0.1, while training */
} ssl_unet_config;

ssl_unet_config ssl_unet_defaults(void);

extern const model model_ssl_unet;
/* The encoder alone, which suffices for SSFD, from the same files: the decoder's tensors may be absent and are not
 * read. */
extern const model model_ssl_encoder;

#endif
