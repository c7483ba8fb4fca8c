/* One Check suite per file tests/test_*.c: suite_<name>() makes the suite <name>. They run from the
 * repository root. */
#ifndef SSFD_TESTS_SUITES_H
#define SSFD_TESTS_SUITES_H

#include <check.h>

/* clang-format off */
#define SUITES(S) \
    S(core) S(program) S(io) S(hostile) S(cohort) S(edges) S(mri) S(fastmri) S(metrics) S(perturb) S(stats) S(correlation) \
    S(sweep_claims) S(ssl_mask) S(layers) S(net) S(ssl_unet) S(recon_unet) S(vgg16) S(augment) S(trainer) \
    S(slice_prep) S(prepare) S(faults) S(quality_control) S(inpainting) S(score_table) S(ablation) S(make) \
    S(ranks) S(report) S(cli)
/* clang-format on */

#define DECLARE(name) Suite *suite_##name(void);
SUITES(DECLARE)
#undef DECLARE

/* What test_ranks.c runs as several processes: check_ssfd ranks-probe. */
int ranks_probe(int argc, char **argv);

#endif
