/* Built with -mavx512f and friends (see the Makefile); runs only on CPUs that have them. */
#if defined(__x86_64__)
#define LANES 16
#define VECTORS 4
#define ISA avx512
#include "kernels.inc"
#else
typedef int kernels_avx512_are_for_x86;
#endif
