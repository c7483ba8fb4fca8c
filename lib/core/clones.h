/* Loops that the compiler turns into vectors, compiled for several instruction sets: the loader picks the
 * best one that the CPU has. For plain C; kernels that need more have their own dispatch (nn/kernels.h). */
#ifndef SSFD_CORE_CLONES_H
#define SSFD_CORE_CLONES_H

#if defined(__x86_64__) && defined(__gnu_linux__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

#endif
