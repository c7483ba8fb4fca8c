/* Groups of options that programs share: a struct, its defaults, and the rows of the table. */
#ifndef SSFD_PROGRAM_GROUPS_H
#define SSFD_PROGRAM_GROUPS_H

#include "metrics/metric.h"
#include "models/ssl_unet.h"
#include "program/program.h"

/* clang-format off */
/* --cohort, --split, --scans: which prepared scans */
typedef struct {
    const char *folder, *split;
    int scans;
} cohort_options;
#define COHORT_DEFAULTS {.folder = "build/cohort", .split = "test"}
#define OPT_COHORT(cohort) OPT_GROUP(cohort_group, OPT_TARGET(cohort, cohort_options *))
extern const program_option cohort_group[];

/* --weights, --layer: the self-supervised network */
typedef struct {
    const char *weights, *layers;
} network_options;
#define NETWORK_DEFAULTS {.weights = "lib/models/weights/ssl_unet.h5", .layers = SSFD_DEFAULT_LAYER}
#define OPT_NETWORK(network) OPT_GROUP(network_group, OPT_TARGET(network, network_options *))
extern const program_option network_group[]; /* the first row alone: --weights */

/* --baseline, --vgg16-weights, --lpips-weights: what SSFD is compared with */
typedef struct {
    const char *names, *vgg16_weights, *lpips_weights;
} baseline_options;
#define BASELINE_DEFAULTS {.names = ""}
#define OPT_BASELINES(baselines) OPT_GROUP(baseline_group, OPT_TARGET(baselines, baseline_options *))
extern const program_option baseline_group[];

/* The files that metrics are computed with, by these options (baselines NULL: SSFD alone), and their entries in a run
 * record. */
metric_files metric_files_of(const network_options *network, const baseline_options *baselines,
                             uint64_t seed);
int metric_files_record(const metric_files *files, run_record *record);

/* --out, --seed, --threads, --records */
#define RUN_DEFAULTS {.out = "results", .seed = 2022, .save_every = 20.0}
#define OPT_RUN(run, out_help, seed_help)                                                                    \
    OPT_TEXT("out", &(run)->out, "DIR", out_help), OPT_SEED("seed", &(run)->seed, seed_help),                \
        OPT_THREADS(run),                                                                                    \
        OPT_TEXT("records", &(run)->records, "DIR", "folder for the run record (default: OUT/records)")
#define OPT_THREADS(run) OPT_INT("threads", &(run)->threads, "N", 1, 1024, "threads")

/* --save-every: of programs that resume */
#define OPT_SAVE_EVERY(run)                                                                                  \
    OPT_REAL("save-every", &(run)->save_every, "SECONDS", 0, 1e6,                                            \
             "time between saves from which an interrupted run resumes")

/* clang-format on */
#endif
