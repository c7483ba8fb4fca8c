/* Reproducible random streams.
 *
 * A stream is named by (seed, domain, a, b): "the noise of slice b of scan a", say. Its numbers depend on
 * that name alone, never on which thread draws or on what was drawn before, so a run gives the same numbers
 * for any number of threads and after any interruption. The generator is Philox4x32-10 (Salmon et al., SC
 * 2011, "Parallel random numbers: as easy as 1, 2, 3"), made a gsl_rng type so that every GSL distribution
 * works on it. */
#ifndef SSFD_CORE_RNG_H
#define SSFD_CORE_RNG_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

extern const gsl_rng_type *rng_philox; /* 32 random bits per gsl_rng_get() */

/* A domain keeps the streams of different uses apart. Add a new use at the end: numbers are part of every
 * result. */
typedef enum {
    RNG_INIT_WEIGHTS = 1, /* a = parameter index, b = 1 for VGG-16 */
    RNG_SHUFFLE,          /* a = epoch */
    RNG_MASK,             /* a = step or slice, b = position in the batch */
    RNG_DROPOUT,          /* a = step, b = position in the batch */
    RNG_PERTURB,          /* a = hash of perturbation and scan, b = slice */
    RNG_COHORT,           /* a = virtual scan, b = what is drawn */
    RNG_BOOTSTRAP,        /* a = statistic, b = replicate */
    RNG_AUGMENT,          /* a = step, b = position in the batch */
    RNG_TEST,             /* tests */
    RNG_SAMPLING,         /* a = hash of the scan, b = slice */
    RNG_SPLIT,            /* a = 0: which patients validate; 1: which scans the baselines are computed for;
                           * 2: which scans a share of the training set keeps */
    RNG_FAULT             /* a = hash of the scan, b = 0: how bad it is, slice + 1; a = 0: which scans */
} rng_domain;

/* A new stream. Release with gsl_rng_free(). NULL when out of memory. */
gsl_rng *rng_stream(uint64_t seed, rng_domain domain, uint64_t a, uint64_t b);

/* Restarts an existing philox generator at the head of another stream: no allocation in hot loops. */
void rng_restart(gsl_rng *rng, uint64_t seed, rng_domain domain, uint64_t a, uint64_t b);

/* Chooses `wanted` of n (0 or more than n: all) by the stream of that name: is_chosen[k] becomes 0 or 1. */
int rng_choose(uint64_t seed, rng_domain domain, uint64_t a, uint64_t b, int n, int wanted, int *is_chosen);

/* FNV-1a hash of a string, to name a stream by a scan's id. */
uint64_t rng_hash(const char *text);

#endif
