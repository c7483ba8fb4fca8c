/* A program: a table of options plus the functions that do the work.
 *
 *     int main(int argc, char **argv) {
 *         const program p = {
 *             .command = {.name = "perturbation_sweep", .summary = "...", .options = table},
 *             .options = &o.run, .self = &s, .check = check, .run = run, .close = close_all};
 *         return program_main(&p, argc, argv);
 *     } */
#ifndef SSFD_PROGRAM_PROGRAM_H
#define SSFD_PROGRAM_PROGRAM_H

#include "program/options.h"
#include "program/record.h"

/* What the programs that compute have in common; their options: OPT_RUN (program/groups.h). */
typedef struct {
    const char *out;
    const char *records; /* folder for the run record; NULL: <out>/records */
    int threads;         /* 0 before parsing: as many as OMP_NUM_THREADS says, else all processors */
    uint64_t seed;
    double save_every; /* seconds */
} run_options;

typedef struct {
    char **at;
    int count;
} operand_list;

typedef struct {
    command_line command;
    operand_list *operands;                     /* filled in; NULL when the program takes none */
    run_options *options;                       /* NULL: no threads to set up, and no run record */
    int one_rank;                               /* rank 0 runs alone: the program does not share its work */
    void *self;                                 /* passed to the functions below */
    int (*check)(void *self);                   /* of the options' values: -1 with a message is wrong usage */
    int (*run)(void *self, run_record *record); /* on every rank; rank 0 fills in the record */
    void (*close)(void *self);                  /* whatever run() returned */
} program;

/* main(): starts the ranks, parses and checks the command line, runs with a run record, closes, and lets all
 * ranks agree on the outcome. Returns the exit code: 0 done, 1 failed, 2 wrong usage. Functions other than run
 * may be NULL. */
int program_main(const program *p, int argc, char **argv);

/* Prints "name: message" on stderr from err_message() and returns 1, for `return program_fail("name")`. */
int program_fail(const char *name);

#endif
