#include "core/memory.h"

#include "core/error.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *mem_alloc(size_t size) {
    void *memory = malloc(size ? size : 1);
    return memory ? memory : err_set_null("out of memory: %zu bytes wanted", size);
}

void *mem_calloc(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    return memory ? memory : err_set_null("out of memory: %zu x %zu bytes wanted", count, size);
}

void *mem_aligned(size_t size) {
    if (size > SIZE_MAX - 64)
        return err_set_null("out of memory: %zu bytes wanted", size);
    size_t rounded = ((size ? size : 1) + 63) / 64 * 64; /* aligned_alloc wants a multiple of the alignment */
    void *memory = aligned_alloc(64, rounded);
    if (!memory)
        return err_set_null("out of memory: %zu bytes wanted", size);
    return memset(memory, 0, rounded);
}
