/* Several processes on one task: MPI's ranks, on one machine or many, behind a few functions.
 *
 * Built without MPI, or started without a launcher, there is one rank, and everything below is a plain loop
 * or nothing. `mpirun -np 4 program` runs four. Calls are collective: every rank makes the same ones in the
 * same order, on the thread that began, outside of parallel regions. The ranks share a file system; rank 0
 * alone writes results to it (what a rank has of an unfinished run: io/unfinished.h).
 *
 * Work is dealt out in turn: item k belongs to rank k % ranks. Results never depend on the number of ranks,
 * as long as all run on the same kind of CPU.
 *
 * Errors: a rank must not leave while others wait for it. So every collective call stands behind
 *     if (ranks_agree(status) < 0) return -1;
 * and a program's last word is ranks_agree() on what its run gave back: then an error of any rank ends all,
 * with one message. */
#ifndef SSFD_CORE_RANKS_H
#define SSFD_CORE_RANKS_H

#include <stddef.h>
#include <stdint.h>

/* First of all in main(). Every rank but 0 gets /dev/null for stdout and stderr, so that what is said is said
 * once. Ends by itself when the program exits. -1: MPI fails, or a launcher started several processes of a
 * program that was built without MPI (under PMIx, which does not say how many, in all but the first). */
int ranks_begin(int *argc, char ***argv);

int ranks_count(void);
int ranks_me(void); /* 0 .. ranks_count() - 1 */
static inline int ranks_is_mine(int64_t item) {
    return item % ranks_count() == ranks_me();
}

/* 0 if every rank gave 0. Else -1 on every rank, with the message of the lowest one that failed; from then on
 * it is -1 at once, so that all ranks find their way out however deep they are. */
int ranks_agree(int status);

/* -1 on every rank, naming `what`, unless `value` is the same on all. */
int ranks_check_same(int64_t value, const char *what);

/* Everybody gets everybody's items: every byte has to be 0 but on the rank whose item it belongs to. */
void ranks_merge(void *items, size_t size);

/* gradients: [batch][count], image b filled in by the rank that it belongs to; the others' are scratch. The
 * first becomes ((g0 + g1) + g2) + ..., in that order for any number of ranks: the same bytes on every rank
 * as on a single one. Each rank sums a share of the floats, so that every float travels about twice. count
 * fits in an int. */
void ranks_sum_batch(float *gradients, int batch, size_t count);

#endif
