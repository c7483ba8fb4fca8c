/* A loop whose items are shared by threads, each with a workspace of its own; it shows progress, and the first error
 * ends it. There are no more threads than items, so that memory follows the work. */
#ifndef SSFD_CORE_LOOP_H
#define SSFD_CORE_LOOP_H

#include <stddef.h>

typedef struct {
    const char *label;  /* of the progress bar; NULL: none is shown */
    int count;          /* items 0 .. count - 1, in no order */
    void *self;         /* passed to the functions below, all of which run on several threads at a time */
    size_t worker_size; /* workspace of one thread: zeroed, then opened */
    int (*open)(void *worker, void *self);   /* NULL: a zeroed one will do */
    void (*close)(void *worker, void *self); /* NULL: nothing to close; also called when open() has failed */
    int (*run)(void *worker, void *self, int item);
} work_loop;

int work_loop_run(const work_loop *loop);

/* Of `count` items that ranks share (core/ranks.h), how many are this rank's, and which is its k-th. */
int work_loop_share(int count);
int work_loop_mine(int k);

#endif
