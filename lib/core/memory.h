/* Allocation that records an error when memory runs out. */
#ifndef SSFD_CORE_MEMORY_H
#define SSFD_CORE_MEMORY_H

#include <stddef.h>

/* malloc/calloc that record "out of memory" and return NULL. size 0 is rounded up to 1. */
void *mem_alloc(size_t size);
void *mem_calloc(size_t count, size_t size);
/* 64-byte aligned, zeroed, for arrays that SIMD kernels read. Release with free(). */
void *mem_aligned(size_t size);

#endif
