#include "core/rng.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/philox.h"

/* Word 0 of the counter numbers the blocks of a stream (2^34 draws), words 1 to 3 name the stream. */
typedef struct {
    uint32_t key[2], counter[4], block[4];
    uint32_t used; /* words of `block` already given out */
} philox_state;

static void set_key(philox_state *state, uint64_t seed) {
    *state = (philox_state){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)}, .used = 4};
}

/* What gsl_rng_set() does: the stream whose counter starts at 0. */
static void philox_set(void *memory, unsigned long seed) {
    set_key(memory, seed);
}

static unsigned long philox_get(void *memory) {
    philox_state *state = memory;
    if (state->used == 4) {
        philox4x32_10(state->counter, state->key, state->block);
        state->counter[0]++;
        state->used = 0;
    }
    return state->block[state->used++];
}

static double philox_get_double(void *memory) {
    return (double)philox_get(memory) * 0x1p-32;
}

static const gsl_rng_type philox_type = {
    .name = "philox4x32-10",
    .max = 0xFFFFFFFFul,
    .min = 0,
    .size = sizeof(philox_state),
    .set = philox_set,
    .get = philox_get,
    .get_double = philox_get_double,
};
const gsl_rng_type *rng_philox = &philox_type;

/* A name (domain, a, b) has more bits than the counter has left, so it is hashed to 96 bits by Philox itself:
 * two names meet with a chance of 2^-96. The domain enters the key of that hash, never that of the stream. */
void rng_restart(gsl_rng *rng, uint64_t seed, rng_domain domain, uint64_t a, uint64_t b) {
    philox_state *state = rng->state;
    const uint32_t name[4] = {(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b, (uint32_t)(b >> 32)};
    const uint32_t naming_key[2] = {(uint32_t)seed ^ (uint32_t)domain * 0x85EBCA6Bu,
                                    (uint32_t)(seed >> 32) ^ 0x53534644u};
    uint32_t hashed[4];
    philox4x32_10(name, naming_key, hashed);
    set_key(state, seed);
    for (int i = 1; i < 4; i++)
        state->counter[i] = hashed[i];
}

gsl_rng *rng_stream(uint64_t seed, rng_domain domain, uint64_t a, uint64_t b) {
    /* gsl_rng_alloc() would call the GSL error handler, which may end the program. */
    gsl_rng *rng = mem_alloc(sizeof *rng);
    if (!rng)
        return NULL;
    *rng = (gsl_rng){.type = rng_philox, .state = mem_alloc(rng_philox->size)};
    if (!rng->state) {
        free(rng);
        return NULL;
    }
    rng_restart(rng, seed, domain, a, b);
    return rng;
}

/* Knuth's algorithm S: each in turn with the chance that is left for it. */
int rng_choose(uint64_t seed, rng_domain domain, uint64_t a, uint64_t b, int n, int wanted, int *is_chosen) {
    gsl_rng *rng = rng_stream(seed, domain, a, b);
    if (!rng)
        return -1;
    int left = wanted == 0 || wanted > n ? n : wanted;
    for (int k = 0; k < n; k++) {
        is_chosen[k] = gsl_rng_uniform(rng) * (n - k) < left;
        left -= is_chosen[k];
    }
    gsl_rng_free(rng);
    return 0;
}

uint64_t rng_hash(const char *text) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash;
}
