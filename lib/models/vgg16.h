/* The convolutional part of VGG-16 (Simonyan & Zisserman 2015, arXiv:1409.1556, configuration D): five blocks
 * of 2, 2, 3, 3, 3 convolutions 3x3 with ReLU, of 64, 128, 256, 512, 512 channels, and 2x2 max-pooling
 * between the blocks. reluB_C, B = 1..5, is the output of convolution C of block B after its ReLU. A net is only
 * as deep as the deepest layer requested.
 *
 * Weight files, told apart by their content:
 *   Keras HDF5, plain or under a group `model_weights`: blockB_convC/<kernel>, <bias> with kernels (3, 3, in,
 *     out) and the names of Keras 1 (blockB_convC_W_1:0, ...) or 2 (blockB_convC/kernel:0, ...)
 *   torchvision's state dict as safetensors or HDF5: features.N.weight (out, in, 3, 3) and features.N.bias, where
 *     N also counts ReLUs and poolings
 * A file may end after the convolutions that are needed.
 *
 * The normalisation belongs to the weights. For a grey image x in [0, 1] repeated on the three channels,
 * channel c of the input is gain[c] x + offset[c]:
 *   Keras        BGR, 255 x - (103.939, 116.779, 123.68): the means that Simonyan & Zisserman trained with
 *   torchvision  RGB, (x - (.485, .456, .406)) / (.229, .224, .225); the scaling layer of LPIPS is the same
 *   random       as torchvision */
#ifndef SSFD_MODELS_VGG16_H
#define SSFD_MODELS_VGG16_H

#include "nn/net.h"

#define VGG16_DEFAULT_LAYER "relu2_2"
#define VGG16_UNIT_LAYERS "relu1_2,relu2_2,relu3_3,relu4_3,relu5_3" /* of LPIPS */

typedef enum { VGG16_RANDOM, VGG16_KERAS, VGG16_KERAS_MODEL_WEIGHTS, VGG16_TORCHVISION } vgg16_layout;
/* "Keras (HDF5, group model_weights)", for provenance. */
const char *vgg16_layout_name(vgg16_layout layout);

typedef struct {
    net *n; /* for inference: of the weights only the kernels' packed copy is kept */
    vgg16_layout layout;
    float gain[3], offset[3];
} vgg16;

/* 0 when every name of a comma-separated list is a layer; else -1 with a message that lists the layers. */
int vgg16_check_layers(const char *layers);

/* The net up to the deepest of `layers`, which alone have names in it, with zero weights. Its parameters are
 * named as torchvision's. NULL with a message. */
net *vgg16_create(const char *layers);

/* Reads weights. -1 with one line that names file and tensor: a layer beyond what the file has, a tensor of
 * another shape or not finite, the weights of another network. */
int vgg16_load(const char *path, const char *layers, vgg16 *out);

/* Random weights, the same for the same seed whatever the layers: kernels uniform in +-sqrt(6 / (9 in)) (He
 * et al. 2015, arXiv:1502.01852: activations keep their second moment through the ReLUs), biases zero,
 * parameter k of the net from the stream (seed, RNG_INIT_WEIGHTS, k, 1). */
int vgg16_random(uint64_t seed, const char *layers, vgg16 *out);

#endif
