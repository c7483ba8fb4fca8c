/* Errors: one clear line per failure, no exit() and no printing inside the library.
 *
 * Convention of the whole library: a function that can fail returns int, 0 on success and -1 on failure
 * (or a pointer, NULL on failure), and leaves exactly one line that says what was wrong, where (file,
 * dataset) and what was expected. The line is kept per thread. A function that fails releases what it acquired. */
#ifndef SSFD_CORE_ERROR_H
#define SSFD_CORE_ERROR_H

#include <stddef.h>

#define ERR_MESSAGE_MAX 1024

/* Records the message (printf format) of this thread. Returns -1, so that `return err_set(...)` reads well. */
int err_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, returning NULL, for functions that return a pointer. */
void *err_set_null(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Puts "context: " in front of the message of this thread. Returns -1. */
int err_prefix(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The last message of this thread; "" when there was none. Valid until the next err_* call of the thread. */
const char *err_message(void);

/* Carries the first failure out of a parallel region: a thread calls err_box_take() after a failed call, and the
 * thread that opened the region calls err_box_raise() after the region. Initialise with {0}. */
typedef struct {
    int failed;
    char message[ERR_MESSAGE_MAX];
} err_box;

/* Keeps this thread's message, unless one is kept already. */
void err_box_take(err_box *box);
/* Whether anything has failed so far. Any thread may ask, to stop early. */
int err_box_failed(const err_box *box);
/* 0 when nothing failed; else sets this thread's message and returns -1. */
int err_box_raise(const err_box *box);

#endif
