#include "program/groups.h"

const program_option cohort_group[] = {
    OPT_TEXT("cohort", OPT_FIELD(cohort_options, folder), "DIR", "prepared scans"),
    OPT_TEXT("split", OPT_FIELD(cohort_options, split), "NAME", "split of the cohort"),
    OPT_INT("scans", OPT_FIELD(cohort_options, scans), "N", 0, 1e9, "take the first N scans only (0: all)"),
    OPT_END};

const program_option network_group[] = {
    OPT_TEXT("weights", OPT_FIELD(network_options, weights), "FILE",
             "weights of the self-supervised network"),
    OPT_TEXT("layer", OPT_FIELD(network_options, layers), "NAMES",
             "feature layers of SSFD, comma-separated (their distances add)"),
    OPT_END};

const program_option baseline_group[] = {
    OPT_TEXT("baseline", OPT_FIELD(baseline_options, names), "NAMES",
             "distances to compare with, comma-separated, each NAME or NAME:LAYER (see below)"),
    OPT_TEXT("vgg16-weights", OPT_FIELD(baseline_options, vgg16_weights), "FILE",
             "weights of VGG-16: Keras HDF5 or torchvision safetensors (default: random, and called so)"),
    OPT_TEXT("lpips-weights", OPT_FIELD(baseline_options, lpips_weights), "FILE", "linear weights of LPIPS"),
    OPT_END};

metric_files metric_files_of(const network_options *network, const baseline_options *baselines,
                             uint64_t seed) {
    metric_files files = {.ssfd_weights = network->weights, .ssfd_layers = network->layers, .seed = seed};
    if (baselines) {
        files.vgg16_weights = baselines->vgg16_weights;
        files.lpips_weights = baselines->lpips_weights;
    }
    return files;
}

int metric_files_record(const metric_files *files, run_record *record) {
    const char *const names[][2] = {{"weights", files->ssfd_weights},
                                    {"vgg16_weights", files->vgg16_weights},
                                    {"lpips_weights", files->lpips_weights}};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (names[k][1] && record_file(record, names[k][0], names[k][1]) < 0)
            return -1;
    return 0;
}
