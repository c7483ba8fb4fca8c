/* Networks as lists of layers: built once (models/ssl_unet.h), then run forward and, to train, backward.
 *
 * A net holds the layers and the parameters. A net_state holds the feature maps of one image of a given size;
 * every thread has its own, so that images run in parallel and nothing is allocated in the loop. A batch is a
 * loop over images: no layer looks across images. Gradients are summed over the images of a batch in a fixed
 * order, so results do not depend on the number of threads.
 *
 *     net *n = model_load("ssl_unet.h5", &model_ssl_unet);
 *     net_state *s = net_state_create(n, 320, 320, net_layer_find(n, "block4_relu2"), NET_INFER);
 *     net_forward(s, image, NULL);
 *     const tensor *features = net_output(s, net_layer_find(n, "block4_relu2"));
 */
#ifndef SSFD_NN_NET_H
#define SSFD_NN_NET_H

#include "nn/conv.h"
#include "nn/tensor.h"
#include <gsl/gsl_rng.h>
#include <stddef.h>
#include <stdint.h>

#define NET_MAX_LAYERS 128
#define NET_MAX_PARAMS 160
#define NET_NAME 64

typedef enum {
    NET_INPUT,
    NET_CONV3,   /* 3x3, zero padding 1, optional bias and ReLU */
    NET_CONV1,   /* 1x1, bias */
    NET_UP_CONV, /* transposed 2x2, stride 2, optional bias and ReLU */
    NET_GROUP_NORM,
    NET_INSTANCE_NORM, /* without parameters, then LeakyReLU */
    NET_MAX_POOL,      /* 2x2, stride 2 */
    NET_AVG_POOL,      /* 2x2, stride 2 */
    NET_DROPOUT,       /* only while training */
    NET_CONCAT         /* channels of the first input, then of the second */
} net_kind;

/* Flags of a convolution; 0: weights and bias. */
enum { NET_RELU = 1, NET_NO_BIAS = 2, NET_STANDARDIZE = 4 /* weights standardised; NET_CONV3 only */ };

/* One tensor of parameters, named as in the authors' PyTorch state dict; value and gradient live at `offset`
 * of the net's and of a gradient's flat array. */
typedef struct {
    char name[NET_NAME];
    int rank, dims[4];
    size_t offset, count;
    /* Initial values are uniform in +-1/sqrt(fan_in), PyTorch's default; 0: ones (scale) or zeros (offset). */
    int fan_in;
} net_param;

typedef struct {
    net_kind kind;
    char name[NET_NAME]; /* of the output, "block4_relu2"; "": none */
    int input[2];        /* layers; -1 for none */
    int channels, level; /* the output has image size >> level */
    int relu, groups, standardize;
    double dropout, slope;
    int weight, bias; /* parameters; -1 for none */
    /* NET_CONV3: offsets into net.derived, the last one into net.transposed. */
    size_t packed, standardized, packed_transposed;
} net_layer;

typedef struct {
    net_layer layers[NET_MAX_LAYERS];
    net_param params[NET_MAX_PARAMS];
    int layer_count, param_count;
    size_t param_floats;
    float *values;  /* [param_floats] */
    float *derived; /* weights as the kernels read them; made from values by net_update() */
    size_t derived_floats;
    float *transposed; /* the same for the backward pass; NULL before net_enable_training() */
    size_t transposed_floats;
    int failed;         /* a builder ran out of layers or parameters */
    int inference_only; /* net_inference_only() was called */
} net;

/* ---------------------------------------------------------------- building
 * Every net_add function returns the index of the new layer; net_finish() reports their errors. */
net *net_create(void);
void net_free(net *n);
int net_add_input(net *n, int channels);
int net_add_conv3(net *n, int input, int channels, int flags, const char *params, const char *name);
int net_add_conv1(net *n, int input, int channels, const char *params, const char *name);
int net_add_up_conv(net *n, int input, int channels, int flags, const char *params);
int net_add_group_norm(net *n, int input, int groups, const char *params);
int net_add_instance_norm(net *n, int input, double slope); /* of the LeakyReLU after it; 1: none */
int net_add_max_pool(net *n, int input);
int net_add_avg_pool(net *n, int input);
int net_add_dropout(net *n, int input, double p);
int net_add_concat(net *n, int first, int second);
/* Allocates the parameters (zero). */
int net_finish(net *n);
/* Allocates what only the backward pass needs: as much again as the packed weights. Must be called before the
 * first NET_TRAIN state is created. */
int net_enable_training(net *n);

/* Draws initial weights from the stream RNG_INIT_WEIGHTS of seed. */
int net_init(net *n, uint64_t seed);
/* Packs weights for the kernels. Must be called after values change, before the next forward pass. */
void net_update(net *n);

/* Frees what only training and the layers after `last` need: of the 3x3 kernels only the packed copies are
 * kept. From then on values cannot change and the net ends with `last`. */
int net_inference_only(net *n, int last);

/* Index of the layer of that name, or -1 with a message that lists the known names. */
int net_layer_find(const net *n, const char *name);
/* Deepest level: images must have rows and columns divisible by 1 << net_levels(n). */
int net_levels(const net *n, int last);

/* ---------------------------------------------------------------- running */
typedef enum {
    NET_INFER,    /* a layer's memory is reused once nothing needs it; only `last` remains at the end */
    NET_FEATURES, /* the same, but named layers are also kept to the end */
    NET_TRAIN     /* everything is kept, and gradients have memory */
} net_mode;

typedef struct net_state net_state;

/* For images of rows x columns, running layers 0 to `last`.
 *
 * A state created outside a parallel region splits an image over the available threads when it also runs
 * outside one; a state created by a thread of a team keeps to that thread. Results are the same. */
net_state *net_state_create(const net *n, int rows, int columns, int last, net_mode mode);
void net_state_free(net_state *s);
/* Bytes of feature maps and scratch memory. */
size_t net_state_bytes(const net_state *s);

/* Runs the net on a packed image [channels][rows][columns]. rng draws dropout while training; NULL: none. */
void net_forward(net_state *s, const float *image, gsl_rng *rng);
/* Output of a layer after net_forward(): of `last` or, except with NET_INFER, of a named layer. */
const tensor *net_output(const net_state *s, int layer);

/* After net_forward() on a NET_TRAIN state: memory for the gradient of the loss with respect to the output of
 * `last`. Fill it (pixels only, tensor_load()), then call net_backward(), which adds the gradients of the
 * parameters to `gradient` [param_floats]. */
const tensor *net_output_gradient(net_state *s);
void net_backward(net_state *s, float *gradient);

#endif
