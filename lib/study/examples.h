/* Two reconstructions to look at, chosen by rule and not by eye. */
#ifndef SSFD_STUDY_EXAMPLES_H
#define SSFD_STUDY_EXAMPLES_H

#include "study/score_table.h"
#include <stdint.h>

/* p(score): the share of rows that are better by that score, ties by half: 1 is the poorest image, 0 the
 * best. */
typedef struct {
    double *poorer_than; /* [metrics][rows]: p */
    size_t alone;        /* row with the largest p(SSFD) - max(p(others)): what SSFD alone flags */
    size_t good;         /* row with the smallest max(p(SSFD), p(others)): what all call good */
} example_choice;

/* ssfd: its metric; others: [count] metrics to compare with, one or more. Among equals the stream (seed,
 * RNG_SPLIT, 3, 0) decides. The two are different rows where there is more than one. -1 when out of memory.
 */
int examples_choose(example_choice *e, const score_table *t, int ssfd, const int *others, int count,
                    uint64_t seed);
void examples_free(example_choice *e);

#endif
