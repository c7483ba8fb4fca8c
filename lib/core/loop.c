#include "core/loop.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/ranks.h"
#include <omp.h>
#include <stdlib.h>

/* What one thread does: its workspace, and its share of the items. */
static void work(const work_loop *l, progress *bar, err_box *failure) {
    void *worker = mem_calloc(1, l->worker_size);
    if (!worker || (l->open && l->open(worker, l->self) < 0))
        err_box_take(failure);
#pragma omp for schedule(dynamic, 1)
    for (int k = 0; k < l->count; k++) {
        if (!err_box_failed(failure) && l->run(worker, l->self, k) < 0)
            err_box_take(failure);
        progress_step(bar, 1);
    }
    if (worker && l->close)
        l->close(worker, l->self);
    free(worker);
}

int work_loop_run(const work_loop *l) {
    int threads = omp_get_max_threads() < l->count ? omp_get_max_threads() : l->count;
    err_box failure = {0};
    progress bar;
    if (l->count == 0)
        return 0;
    progress_start(&bar, l->label, (size_t)l->count);
#pragma omp parallel num_threads(threads)
    work(l, &bar, &failure);
    progress_end(&bar);
    return err_box_raise(&failure);
}

int work_loop_share(int count) {
    return (count - ranks_me() + ranks_count() - 1) / ranks_count();
}

int work_loop_mine(int k) {
    return ranks_me() + k * ranks_count();
}
