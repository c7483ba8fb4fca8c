#include "report/experiments.h"

/* In the order of the page. To add one, add its line here. */
#define EXPERIMENTS(ENTRY)                                                                                   \
    ENTRY(inpainting)                                                                                        \
    ENTRY(perturbation_sweep)                                                                                \
    ENTRY(perturbation_baselines)                                                                            \
    ENTRY(layer_correlation)                                                                                 \
    ENTRY(quality_control)                                                                                   \
    ENTRY(ablation)

#define DECLARE(name) extern const experiment_section experiment_##name;
#define ADDRESS(name) &experiment_##name,

EXPERIMENTS(DECLARE)

static const experiment_section *const all[] = {EXPERIMENTS(ADDRESS) NULL};

const experiment_section *const *experiment_sections(void) {
    return all;
}
