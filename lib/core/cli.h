/* Command lines declared as a table. Every program has --help and --version by itself. */
#ifndef SSFD_CORE_CLI_H
#define SSFD_CORE_CLI_H

#include <stdio.h>

typedef enum {
    CLI_END,    /* ends the table */
    CLI_FLAG,   /* int *, set to 1 */
    CLI_INT,    /* int *, within [min, max] */
    CLI_U64,    /* uint64_t *, up to 2^63 - 1: what files and records hold */
    CLI_REAL,   /* double *, finite, within [min, max] */
    CLI_STRING, /* const char **, points into argv */
} cli_type;

/* `*target` holds the default before parsing; --help shows it. min == max means no bounds. */
typedef struct {
    cli_type type;
    const char *name; /* long option without the dashes */
    void *target;
    const char *argument; /* name of the value in --help; NULL for flags */
    const char *help;
    double min, max;
} cli_option;

typedef struct {
    const char *program;
    const char *summary;     /* what it does, one or more lines */
    const char *positionals; /* "DIR" or NULL when it takes none */
    int positionals_min, positionals_max;
    const cli_option *options;
    const char *epilogue; /* printed at the end of --help, or NULL */
} cli_spec;

typedef enum { CLI_RUN = 0, CLI_DONE = 1, CLI_USAGE = 2 } cli_result;

/* Parses argv. CLI_RUN: go on, *first is the index of the first positional argument. CLI_DONE: --help or
 * --version was answered on `out` (exit 0). CLI_USAGE: wrong usage, one line was printed on `err` (exit 2).
 */
cli_result cli_parse(const cli_spec *spec, int argc, char **argv, int *first, FILE *out, FILE *err);

/* The present values of the options, in the order of the table, without those named in `without` (ends with
 * NULL): as arguments, "--steps 4 --augment", or as settings, "steps=4 augment=1 validate_every=2". Owned by
 * the caller (free()); NULL when out of memory. */
typedef enum { CLI_ARGUMENTS, CLI_SETTINGS } cli_style;
char *cli_values(const cli_option *options, const char *const *without, cli_style style);

/* Prints "program: message" on stderr from err_message() and returns 1, for `return cli_fail("program")`. */
int cli_fail(const char *program);

/* Prints one line of wrong usage with a hint at --help and returns 2. */
int cli_usage(const char *program, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
