/* One Check suite per file tests/test_*.c, listed in tests/check_ssfd.c. They run from the repository root.
 */
#ifndef SSFD_TESTS_SUITES_H
#define SSFD_TESTS_SUITES_H

#include <check.h>

Suite *suite_core(void);
Suite *suite_io(void);
Suite *suite_cohort(void);
Suite *suite_edges(void);
Suite *suite_mri(void);
Suite *suite_fastmri(void);
Suite *suite_metrics(void);
Suite *suite_perturb(void);
Suite *suite_stats(void);
Suite *suite_correlation(void);
Suite *suite_sweep_claims(void);
Suite *suite_ssl_mask(void);
Suite *suite_inpainting(void);
Suite *suite_score_table(void);
Suite *suite_ablation(void);
Suite *suite_make(void);
Suite *suite_ranks(void);
/* What test_ranks.c runs as several processes: check_ssfd ranks-probe. */
int ranks_probe(int argc, char **argv);
Suite *suite_layers(void);
Suite *suite_net(void);
Suite *suite_ssl_unet(void);
Suite *suite_recon_unet(void);
Suite *suite_vgg16(void);
Suite *suite_augment(void);
Suite *suite_trainer(void);
Suite *suite_cli(void);
Suite *suite_slice_prep(void);
Suite *suite_prepare(void);
Suite *suite_faults(void);
Suite *suite_quality_control(void);

#endif
