/* Four lanes: SSE2 on x86-64, NEON on arm64, plain code elsewhere. */
#define LANES 4
#define VECTORS 2
#define ISA generic
#include "kernels.inc"
