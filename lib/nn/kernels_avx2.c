/* Built with -mavx2 -mfma (see the Makefile); runs only on CPUs that have them. */
#if defined(__x86_64__)
#define LANES 8
#define VECTORS 2
#define ISA avx2
#include "kernels.inc"
#else
typedef int kernels_avx2_are_for_x86;
#endif
