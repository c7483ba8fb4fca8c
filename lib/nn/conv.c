#include "nn/conv.h"

#include "nn/direct.h"
#include "nn/winograd.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int direct_only; /* both set before main() */
static char kernels_name[32];

__attribute__((constructor)) static void choose(void) {
    const char *algorithm = getenv("SSFD_CONV");
    direct_only = algorithm && strcmp(algorithm, "direct") == 0;
    snprintf(kernels_name, sizeof kernels_name, "%s%s", kernels_best()->name, direct_only ? " direct" : "");
}

const char *conv_kernels_name(void) {
    return kernels_name;
}

static int is_winograd(int out, int in) {
    return !direct_only && out >= CONV_WINOGRAD_CHANNELS && in >= CONV_WINOGRAD_CHANNELS;
}

size_t conv_packed_floats(int out, int in) {
    return (size_t)out * in * (is_winograd(out, in) ? WINOGRAD_POINTS : 9);
}

void conv_pack(const float *w, int out, int in, conv_packed *packed) {
    packed->in = in;
    packed->out = out;
    (is_winograd(out, in) ? winograd_pack : direct_pack)(w, out, in, (size_t)in * 9, 9, 0, packed->data);
}

void conv_pack_transposed(const float *w, int out, int in, conv_packed *packed) {
    packed->in = out;
    packed->out = in;
    (is_winograd(out, in) ? winograd_pack : direct_pack)(w, in, out, 9, (size_t)in * 9, 1, packed->data);
}

void conv_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const tensor *y,
                  int threads, float *scratch) {
    if (is_winograd(w->out, w->in))
        winograd_forward(x, w, bias, relu, NULL, y, threads, scratch, NULL);
    else
        direct_forward(x, w, bias, relu, y);
}

size_t conv_scratch(const tensor *x, int out) {
    return is_winograd(out, x->channels) ? winograd_scratch(x, out) : 0;
}

int conv_pool_parts(const tensor *x, int out) {
    return is_winograd(out, x->channels) && x->rows % 4 == 0 && x->columns % 4 == 0 ? winograd_parts(x) : 0;
}

void conv_pool_forward(const tensor *x, const conv_packed *w, const float *bias, int relu, const float *gamma,
                       const tensor *y, int threads, float *scratch, conv_moments *moments) {
    winograd_forward(x, w, bias, relu, gamma, y, threads, scratch, moments);
}

void conv_weight_gradient(const tensor *x, const tensor *dy, float *dw, float *scratch) {
    if (is_winograd(dy->channels, x->channels))
        winograd_weight_gradient(x, dy, dw, scratch);
    else
        direct_weight_gradient(x, dy, dw);
}

size_t conv_gradient_scratch(const tensor *x, int out) {
    return is_winograd(out, x->channels) ? winograd_gradient_scratch(x, out) : 0;
}
