#include "core/ranks.h"

#include "core/error.h"
#include "core/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Variables by which launchers tell a process how many there are (OpenMPI; MPICH and Slurm) and, without
 * that, which it is (PMIx). */
static const char *launched_processes(void) {
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    return size ? size : getenv("PMI_SIZE");
}

static const char *launched_rank(void) {
    return getenv("PMIX_RANK");
}

static void add(float *to, const float *from, size_t count) {
#pragma omp parallel for schedule(static)
    for (size_t k = 0; k < count; k++)
        to[k] += from[k];
}

#ifdef SSFD_MPI
#include <mpi.h>

static int count = 1, me, failed;
static int *share, *start; /* [count] floats of ranks_sum_batch() that each rank sums, and where they begin */

static void end(void) {
    free(share);
    free(start);
    MPI_Finalize();
}

int ranks_begin(int *argc, char ***argv) {
    int level;
    if (!launched_processes() &&
        !launched_rank()) /* starting MPI takes time that a single process need not spend */
        return 0;
    if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS ||
        level < MPI_THREAD_FUNNELED)
        return err_set("MPI does not start");
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    atexit(end);
    share = mem_alloc((size_t)count * sizeof *share);
    start = mem_alloc((size_t)count * sizeof *start);
    int status = share && start ? 0 : -1;
    if (me > 0 && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
        status = err_set("/dev/null: cannot open");
    return ranks_agree(status);
}

int ranks_count(void) {
    return count;
}

int ranks_me(void) {
    return me;
}

int ranks_agree(int status) {
    if (failed || count == 1)
        return failed ? -1 : status;
    int mine = status < 0 ? me : count, first;
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (first == count)
        return 0;
    char message[ERR_MESSAGE_MAX];
    snprintf(message, sizeof message, "%s", err_message());
    MPI_Bcast(message, sizeof message, MPI_CHAR, first, MPI_COMM_WORLD);
    failed = 1;
    return err_set("%s", message);
}

int ranks_check_same(int64_t value, const char *what) {
    int64_t both[2] = {value, -value}, least[2];
    if (failed || count == 1)
        return failed ? -1 : 0;
    MPI_Allreduce(both, least, 2, MPI_INT64_T, MPI_MIN, MPI_COMM_WORLD);
    if (least[0] == -least[1])
        return 0;
    return ranks_agree(err_set("%s: ranks find %lld and %lld; they have to share a file system", what,
                               (long long)least[0], (long long)-least[1]));
}

void ranks_merge(void *items, size_t size) {
    const size_t most = 1 << 24;
    unsigned char *bytes = items;
    for (size_t at = 0; count > 1 && at < size; at += most)
        MPI_Allreduce(MPI_IN_PLACE, bytes + at, (int)(size - at < most ? size - at : most), MPI_BYTE, MPI_BOR,
                      MPI_COMM_WORLD);
}

/* Everybody gets their share of the floats of image b, from its owner, in its place. */
static void hand_out(float *gradient, int owner) {
    if (me == owner)
        MPI_Scatterv(gradient, share, start, MPI_FLOAT, MPI_IN_PLACE, 0, MPI_FLOAT, owner, MPI_COMM_WORLD);
    else
        MPI_Scatterv(NULL, NULL, NULL, MPI_FLOAT, gradient + start[me], share[me], MPI_FLOAT, owner,
                     MPI_COMM_WORLD);
}

void ranks_sum_batch(float *gradients, int batch, size_t floats) {
    if (count == 1) {
        for (int b = 1; b < batch; b++)
            add(gradients, gradients + (size_t)b * floats, floats);
        return;
    }
    for (int r = 0; r < count; r++) {
        start[r] = (int)((uint64_t)floats * (unsigned)r / (unsigned)count);
        share[r] = (int)((uint64_t)floats * (unsigned)(r + 1) / (unsigned)count) - start[r];
    }
    for (int b = 0; b < batch; b++) {
        hand_out(gradients + (size_t)b * floats, b % count);
        if (b > 0)
            add(gradients + start[me], gradients + (size_t)b * floats + start[me], (size_t)share[me]);
    }
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_FLOAT, gradients, share, start, MPI_FLOAT, MPI_COMM_WORLD);
}

#else

int ranks_begin(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *size = launched_processes(), *rank = launched_rank();
    if (size && atoi(size) > 1)
        return err_set("started as one of %s processes, but built without MPI: make MPI=1", size);
    return !size && rank && atoi(rank) > 0
               ? err_set("started as process %s of several, but built without MPI: make MPI=1", rank)
               : 0;
}

int ranks_count(void) {
    return 1;
}

int ranks_me(void) {
    return 0;
}

int ranks_agree(int status) {
    return status;
}

int ranks_check_same(int64_t value, const char *what) {
    (void)value, (void)what;
    return 0;
}

void ranks_merge(void *items, size_t size) {
    (void)items, (void)size;
}

void ranks_sum_batch(float *gradients, int batch, size_t floats) {
    for (int b = 1; b < batch; b++)
        add(gradients, gradients + (size_t)b * floats, floats);
}
#endif
