/* Several processes on one task: a few functions around MPI's ranks, on one machine or many.
 *
 * Built without MPI, or started without a launcher, there is one rank, and every function below does nothing or
 * is a plain loop. `mpirun -np 4 program` runs four. Calls are collective: every rank makes the same calls in the
 * same order, on its first thread, outside of parallel regions. The ranks share a file system. Rank 0 alone writes
 * results to it; where each rank saves an unfinished run: io/unfinished.h.
 *
 * Work is shared in turn: item k belongs to rank k % ranks. Results never depend on the number of ranks,
 * as long as all run on the same kind of CPU.
 *
 * Errors: a rank must not leave while others wait for it. So call
 *     if (ranks_agree(status) < 0) return -1;
 * before every collective call, and at the end of the program: then an error on any rank ends all of them, with one
 * message. */
#ifndef SSFD_CORE_RANKS_H
#define SSFD_CORE_RANKS_H

#include <stddef.h>
#include <stdint.h>

/* Must be called first in main(). Ranks other than 0 get /dev/null for stdout and stderr, so that everything is printed
 * once. MPI ends when the program exits. -1: MPI fails, or a launcher started several processes of a
 * program that was built without MPI (under PMIx, which does not say how many, in all but the first). */
int ranks_begin(int *argc, char ***argv);

int ranks_count(void);
int ranks_me(void); /* 0 .. ranks_count() - 1 */
static inline int ranks_is_mine(int64_t item) {
    return item % ranks_count() == ranks_me();
}

/* 0 if every rank passed 0. Else -1 on every rank, with the message of the lowest rank that failed. From then on it
 * returns -1 at once, so that all ranks leave, however deep they are. */
int ranks_agree(int status);

/* -1 on every rank, naming `what`, unless `value` is the same on all. */
int ranks_check_same(int64_t value, const char *what);

/* Every rank gets all items. Each byte must be 0 on all ranks but the one that owns its item. */
void ranks_merge(void *items, size_t size);

/* gradients: [batch][count], image b filled in by the rank that owns it; the others are scratch. The first
 * becomes ((g0 + g1) + g2) + ..., in that order for any number of ranks: the same bytes on every rank
 * as on a single one. Each rank sums a share of the floats, so every float travels about twice. count must
 * fit in an int. */
void ranks_sum_batch(float *gradients, int batch, size_t count);

#endif
