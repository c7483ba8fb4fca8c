/* Feature distances that SSFD is compared with, chosen by name:
 *
 *   vgg_pl       VGG-16 perceptual loss (metrics/vgg16_distance.h), layer relu2_2
 *   vgg16_unit   unit-normalised features of VGG-16, five layers
 *   lpips        the same with LPIPS's learned linear weights
 *   ssfd_random  SSFD with the encoder's initial weights: what its training adds
 *
 * "vgg_pl:relu3_3" takes another layer, "vgg_pl:relu2_2+relu3_3" several, whose distances add. Without a file
 * of VGG-16 weights the network has random ones, and its baselines are called so and never VGG-PL. To add a
 * baseline: a row in the table of baselines.c and a function that opens its feature network; --help, tables
 * and figures follow. */
#ifndef SSFD_METRICS_BASELINES_H
#define SSFD_METRICS_BASELINES_H

#include "metrics/feature_distance.h"

#define VGG16_RANDOM_TITLE "VGG-16 (random weights)"

typedef struct {
    const char *ssfd_weights, *ssfd_layers;
    const char *vgg16_weights; /* NULL: random */
    const char *lpips_weights; /* NULL: lpips is refused */
    uint64_t seed;             /* of random weights */
} baseline_files;

typedef struct {
    char key[192];   /* in tables: "vgg_pl_relu2_2", "vgg16_random_relu2_2" */
    char title[224]; /* in figures and tables: "VGG-PL relu2_2", "VGG-16 (random weights) relu2_2" */
    char about[640]; /* one line of provenance: weights, their layout and checksum, layers */
    feature_network network;
} baseline;

/* Checks a comma-separated list of names without opening anything; "" is allowed. -1 with a message for an
 * unknown name or layer and for one given twice. */
int baseline_check(const char *list);
/* Opens one item of such a list. On failure out is empty. */
int baseline_open(baseline *out, const char *item, const baseline_files *files);
void baseline_close(baseline *b);

/* The names with a line about each, for --help. */
void baseline_help(char *text, size_t size);

#endif
