#include "metrics/baselines.h"

#include "core/error.h"
#include "core/file.h"
#include "metrics/ssfd.h"
#include "metrics/vgg16_distance.h"
#include <stdio.h>
#include <string.h>

#define NAME_LENGTH 160

typedef struct kind kind;
/* layers: separated by commas; list: the same by plus signs, for tables. */
typedef int opener(baseline *out, const kind *k, const char *layers, const char *list,
                   const baseline_files *files);
static opener open_vgg, open_ssfd;

/* Titles stand in CSVs: no commas. */
struct kind {
    const char *name, *title;               /* with trained weights */
    const char *random_name, *random_title; /* with random ones */
    const char *help;
    opener *open;
    const char *layers;         /* by default; NULL: those of SSFD */
    int (*check)(const char *); /* of layers given instead; NULL: only the weight file knows them */
    int takes_layers;
    int shows_layers; /* the default ones, too, in key and title */
    vgg_distance distance;
};

static const kind kinds[] = {{.name = "vgg_pl",
                              .title = "VGG-PL",
                              .random_name = "vgg16_random",
                              .random_title = VGG16_RANDOM_TITLE,
                              .help = "VGG-16 perceptual loss, layer " VGG16_DEFAULT_LAYER,
                              .open = open_vgg,
                              .layers = VGG16_DEFAULT_LAYER,
                              .check = vgg16_check_layers,
                              .takes_layers = 1,
                              .shows_layers = 1,
                              .distance = VGG_PL},
                             {.name = "vgg16_unit",
                              .title = "VGG-16 unit-normalised",
                              .random_name = "vgg16_random_unit",
                              .random_title = VGG16_RANDOM_TITLE " unit-normalised",
                              .help = "unit-normalised features of VGG-16, relu1_2 to relu5_3",
                              .open = open_vgg,
                              .layers = VGG16_UNIT_LAYERS,
                              .check = vgg16_check_layers,
                              .takes_layers = 1,
                              .distance = VGG_UNIT},
                             {.name = "lpips",
                              .title = "LPIPS (VGG-16)",
                              .help = "the same with learned linear weights (--lpips-weights)",
                              .open = open_vgg,
                              .layers = VGG16_UNIT_LAYERS,
                              .distance = VGG_LPIPS},
                             {.name = "ssfd_random",
                              .random_name = "ssfd_random",
                              .random_title = "SSFD (random weights)",
                              .help = "SSFD with random weights, the layer of SSFD",
                              .open = open_ssfd,
                              .takes_layers = 1,
                              .shows_layers = 1}};
#define KINDS (sizeof kinds / sizeof *kinds)

void baseline_help(char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "Baselines (name or name:layer, layer+layer adds up):\n");
    for (size_t k = 0; k < KINDS && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "  %-16s %s\n", kinds[k].name, kinds[k].help);
}

/* ---------------------------------------------------------------- names */

static const kind *unknown(const char *item, size_t length) {
    char known[ERR_MESSAGE_MAX / 2] = "";
    for (size_t k = 0; k < KINDS; k++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", k ? ", " : "", kinds[k].name);
    return err_set_null("unknown baseline '%.*s': expected one of %s", (int)length, item, known);
}

/* "name:layer+layer"; *layers is "" when none are given, else separated by commas. */
static const kind *parse(const char *item, char layers[NAME_LENGTH]) {
    size_t length = strcspn(item, ":");
    if (strlen(item + length) >= NAME_LENGTH)
        return err_set_null("baseline '%.*s': list of layers is longer than %d characters", (int)length, item,
                            NAME_LENGTH - 1);
    snprintf(layers, NAME_LENGTH, "%s", item[length] ? item + length + 1 : "");
    for (char *c = layers; *c; c++)
        *c = *c == '+' ? ',' : *c;
    for (size_t k = 0; k < KINDS; k++)
        if (strlen(kinds[k].name) == length && strncmp(kinds[k].name, item, length) == 0) {
            if (item[length] && !kinds[k].takes_layers)
                return err_set_null("baseline '%s' takes no layer", kinds[k].name);
            if (item[length] && !*layers)
                return err_set_null("baseline '%s': no layer behind the colon", item);
            return &kinds[k];
        }
    return unknown(item, length);
}

static int check_item(const char *item) {
    char layers[NAME_LENGTH];
    const kind *k = parse(item, layers);
    return k && (!*layers || !k->check || k->check(layers) == 0) ? 0 : -1;
}

int baseline_check(const char *list) {
    char copy[1024], seen[1024] = ",", *rest = NULL;
    if (strlen(list) + 2 >= sizeof copy)
        return err_set("list of baselines is longer than %zu characters", sizeof copy - 2);
    strcpy(copy, list);
    for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        char wanted[1026];
        snprintf(wanted, sizeof wanted, ",%s,", item);
        if (check_item(item) < 0)
            return -1;
        if (strstr(seen, wanted))
            return err_set("baseline '%s' is given twice", item);
        strcat(strcat(seen, item), ",");
    }
    return 0;
}

/* ---------------------------------------------------------------- opening */

/* "vgg_pl_relu2_2" and "VGG-PL relu2_2"; a distance over many layers by default goes without them. */
static void set_names(baseline *out, const kind *k, int random, const char *layers, const char *list) {
    int shown = k->shows_layers || strcmp(layers, k->layers) != 0;
    snprintf(out->key, sizeof out->key, "%s%s%s", random ? k->random_name : k->name, shown ? "_" : "",
             shown ? list : "");
    snprintf(out->title, sizeof out->title, "%s%s%s", random ? k->random_title : k->title, shown ? " " : "",
             shown ? list : "");
}

static int describe_vgg(baseline *out, const kind *k, const vgg_options *o, vgg16_layout layout,
                        const char *list) {
    char hex[65] = "", linear_hex[65] = "";
    int is_lpips = k->distance == VGG_LPIPS;
    if (!o->weights) {
        snprintf(out->about, sizeof out->about,
                 VGG16_RANDOM_TITLE ", layers %s, seed %llu; real weights: make vgg16-weights", list,
                 (unsigned long long)o->seed);
        return 0;
    }
    if (file_checksum(o->weights, "sha256", hex) < 0 ||
        (is_lpips && file_checksum(o->linear, "sha256", linear_hex) < 0))
        return -1;
    snprintf(out->about, sizeof out->about, "%s, layers %s, weights: %s, sha256 %s%s%s%s", k->title, list,
             vgg16_layout_name(layout), hex, is_lpips ? ", linear weights sha256 " : "", linear_hex,
             is_lpips && layout != VGG16_TORCHVISION ? " (learned on torchvision's weights)" : "");
    return 0;
}

static int open_vgg(baseline *out, const kind *k, const char *layers, const char *list,
                    const baseline_files *files) {
    const vgg_options o = {files->vgg16_weights, files->lpips_weights, layers, files->seed};
    vgg16_layout layout;
    if (k->distance == VGG_LPIPS && (!o.weights || !o.linear))
        return err_set(
            "baseline lpips needs --vgg16-weights and --lpips-weights: its linear weights belong to "
            "trained filters");
    if (vgg_distance_open(&out->network, k->distance, &o, &layout) < 0)
        return -1;
    set_names(out, k, !o.weights, layers, list);
    return describe_vgg(out, k, &o, layout, list);
}

static int open_ssfd(baseline *out, const kind *k, const char *layers, const char *list,
                     const baseline_files *files) {
    if (ssfd_open_random(&out->network, files->ssfd_weights, layers, files->seed) < 0)
        return -1;
    set_names(out, k, 1, layers, list);
    snprintf(out->about, sizeof out->about,
             "SSFD with the initial weights of its encoder, layers %s, seed %llu", list,
             (unsigned long long)files->seed);
    return 0;
}

int baseline_open(baseline *out, const char *item, const baseline_files *files) {
    char layers[NAME_LENGTH], list[NAME_LENGTH];
    const kind *k = parse(item, layers);
    *out = (baseline){.key = ""};
    if (!k)
        return -1;
    const char *chosen = *layers ? layers : k->layers ? k->layers : files->ssfd_layers;
    snprintf(list, sizeof list, "%s", chosen);
    for (char *c = list; *c; c++) /* no commas in tables */
        *c = *c == ',' ? '+' : *c;
    if (k->open(out, k, chosen, list, files) == 0)
        return 0;
    baseline_close(out);
    return -1;
}

void baseline_close(baseline *b) {
    feature_network_close(&b->network);
}
