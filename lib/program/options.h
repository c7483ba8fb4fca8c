/* Command lines declared as a table of typed options. Every program also has --help and --version.
 *
 *     static struct { int levels; const char *out; } o = {.levels = 11, .out = "results"};
 *     static const program_option table[] = {
 *         OPT_INT("levels", &o.levels, "N", 2, 1001, "points of each level grid"),
 *         OPT_TEXT("out", &o.out, "DIR", "folder for the tables"),
 *         OPT_END};
 *
 * A target holds the default before parsing; --help shows it. A target of the wrong type does not compile. */
#ifndef SSFD_PROGRAM_OPTIONS_H
#define SSFD_PROGRAM_OPTIONS_H

#include <stdint.h>
#include <stdio.h>

typedef enum {
    OPTION_END,
    OPTION_FLAG,
    OPTION_INT,
    OPTION_SEED,
    OPTION_REAL,
    OPTION_TEXT,
    OPTION_GROUP
} option_type;

/* A row of the table. Write rows with the macros below. */
typedef struct program_option {
    option_type type;
    const char *name; /* without the dashes */
    void *target;
    const char *argument; /* name of the value in --help */
    const char *help;
    double min, max; /* equal: no bounds */
    const struct program_option *group;
} program_option;

#define OPT_TARGET(target, type) _Generic((target), type : (target))

/* int, set to 1 */
#define OPT_FLAG(name, target, help)                                                                         \
    { OPTION_FLAG, name, OPT_TARGET(target, int *), NULL, help, 0, 0, NULL }
/* int, within [min, max] */
#define OPT_INT(name, target, argument, min, max, help)                                                      \
    { OPTION_INT, name, OPT_TARGET(target, int *), argument, help, min, max, NULL }
/* double, finite, within [min, max] */
#define OPT_REAL(name, target, argument, min, max, help)                                                     \
    { OPTION_REAL, name, OPT_TARGET(target, double *), argument, help, min, max, NULL }
/* const char *, points into argv */
#define OPT_TEXT(name, target, argument, help)                                                               \
    { OPTION_TEXT, name, OPT_TARGET(target, const char **), argument, help, 0, 0, NULL }
/* uint64_t, up to 2^63 - 1: what files and records hold */
#define OPT_SEED(name, target, help)                                                                         \
    { OPTION_SEED, name, OPT_TARGET(target, uint64_t *), "N", help, 0, 0, NULL }
/* Includes the rows of another table, whose targets are OPT_FIELD()s of the struct at `base`. */
#define OPT_GROUP(table, base)                                                                               \
    { OPTION_GROUP, NULL, base, NULL, NULL, 0, 0, table }
#define OPT_FIELD(type, field) (&((type *)0)->field)
#define OPT_END                                                                                              \
    { OPTION_END, NULL, NULL, NULL, NULL, 0, 0, NULL }

/* What a program calls itself and takes. */
typedef struct {
    const char *name;
    const char *summary;  /* what it does, one or more lines */
    const char *operands; /* "FILE...", what follows the options; NULL when nothing does */
    int operands_min, operands_max;
    const program_option *options;
    const char *epilogue; /* printed at the end of --help, or NULL */
} command_line;

typedef enum { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_USAGE } options_result;

/* Parses argv. OPTIONS_RUN: *first is the index of the first operand. OPTIONS_DONE: --help or --version was
 * answered on `out` (exit 0). OPTIONS_USAGE: wrong usage, one line was printed on `err` (exit 2). */
options_result options_parse(const command_line *command, int argc, char **argv, int *first, FILE *out,
                             FILE *err);

/* Prints one line of wrong usage with a hint at --help on `err`; returns OPTIONS_USAGE. */
options_result options_usage(const char *name, FILE *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The present values of a table's options, in its order, without those named in `without` (ends with NULL): as
 * arguments, "--steps 4 --augment", or as settings, "steps=4 augment=1 validate_every=2". Owned by the caller
 * (free()); NULL with a message when out of memory. */
typedef enum { OPTIONS_AS_ARGUMENTS, OPTIONS_AS_SETTINGS } options_style;
char *options_values(const program_option *table, const char *const *without, options_style style);

#endif
