/* What the programs of the experiments have in common: how they begin, run and end, on one process or many.
 */
#ifndef SSFD_EXPERIMENTS_EXPERIMENT_H
#define SSFD_EXPERIMENTS_EXPERIMENT_H

#include "core/cli.h"
#include "core/error.h"
#include "core/ranks.h"
#include "program/record.h"
#include <cblas.h>
#include <omp.h>
#include <stdio.h>

typedef struct {
    const char *program;
    const char *out, *records; /* folders; records NULL: <out>/records */
    int threads;
    int (*run)(void *study, run_record *record); /* rank 0 fills in the record */
    void (*close)(void *study);
} experiment;

/* CLI_RUN: go on. Else main() returns *code. */
static inline cli_result experiment_begin(const cli_spec *spec, int *argc, char ***argv, int *first,
                                          int *code) {
    cli_result parsed = CLI_USAGE;
    if (ranks_begin(argc, argv) < 0)
        *code = cli_fail(spec->program);
    else if ((parsed = cli_parse(spec, *argc, *argv, first, stdout, stderr)) != CLI_RUN)
        *code = parsed == CLI_DONE ? 0 : 2;
    return parsed;
}

/* Runs the study, closes it, leaves the run record; the program's exit code. */
static inline int experiment_run(const experiment *e, void *study, int argc, char **argv) {
    char records[4096];
    snprintf(records, sizeof records, "%s/records", e->out);
    omp_set_num_threads(e->threads);
    openblas_set_num_threads(1); /* threads work on different scans */
    run_record *record = record_begin(e->program, argc, argv);
    int status = ranks_agree(record ? e->run(study, record) : -1);
    e->close(study);
    if (status == 0 && ranks_me() == 0)
        status = record_end(record, e->records ? e->records : records, 0);
    else
        record_discard(record);
    return status < 0 ? cli_fail(e->program) : 0;
}

#endif
