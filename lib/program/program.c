#include "program/program.h"

#include "core/error.h"
#include "core/ranks.h"
#include <cblas.h>
#include <omp.h>

int program_fail(const char *name) {
    fprintf(stderr, "%s: %s\n", name, err_message());
    return 1;
}

static void set_up_threads(const run_options *o) {
    omp_set_num_threads(o->threads);
    openblas_set_num_threads(1); /* threads work on different images */
}

/* Rank 0 writes the record. */
static int end_record(const program *p, run_record *record, int status) {
    char folder[4096];
    if (!record || ranks_me() > 0) {
        record_discard(record);
        return status;
    }
    snprintf(folder, sizeof folder, "%s/records", p->options->out);
    return record_end(record, p->options->records ? p->options->records : folder, status);
}

static int run(const program *p, int argc, char **argv) {
    run_record *record = p->options ? record_begin(p->command.name, argc, argv) : NULL;
    int status = p->options && !record ? -1 : 0;
    if (status == 0 && !(p->one_rank && ranks_me() > 0))
        status = p->run(p->self, record);
    status = ranks_agree(status);
    if (p->close)
        p->close(p->self);
    return end_record(p, record, status);
}

int program_main(const program *p, int argc, char **argv) {
    int first;
    if (p->options && p->options->threads == 0)
        p->options->threads = omp_get_max_threads();
    if (ranks_begin(&argc, &argv) < 0)
        return program_fail(p->command.name);
    options_result parsed = options_parse(&p->command, argc, argv, &first, stdout, stderr);
    if (parsed != OPTIONS_RUN)
        return parsed == OPTIONS_DONE ? 0 : 2;
    if (p->operands)
        *p->operands = (operand_list){argv + first, argc - first};
    if (p->check && p->check(p->self) < 0)
        return options_usage(p->command.name, stderr, "%s", err_message());
    if (p->options)
        set_up_threads(p->options);
    return run(p, argc, argv) < 0 ? program_fail(p->command.name) : 0;
}
