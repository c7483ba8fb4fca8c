#include "nn/kernels.h"

#include <stdlib.h>
#include <string.h>

/* The set of that name if the CPU can run it; name NULL: the best it can run. */
static const kernel_set *find_supported(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    if (avx512 && (!name || !strcmp(name, "avx512")))
        return &kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && (!name || !strcmp(name, "avx2")))
        return &kernels_avx2;
#endif
    return !name || !strcmp(name, "generic") ? &kernels_generic : NULL;
}

static const kernel_set *best;

/* Runs before main() and before constructors without a priority, as conv.c has one. */
__attribute__((constructor(101))) static void choose(void) {
    best = find_supported(getenv("SSFD_ISA"));
    if (!best)
        best = find_supported(NULL);
}

const kernel_set *kernels_best(void) {
    return best;
}
