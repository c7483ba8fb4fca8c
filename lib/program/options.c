#include "program/options.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/version.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_HELP = 1000, CODE_VERSION, CODE_TABLE }; /* above any character; CODE_TABLE + i is options[i] */
enum { HELP_WIDTH = 100 };

options_result options_usage(const char *name, FILE *err, const char *format, ...) {
    char text[ERR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *p = text; (p = strpbrk(p, "\r\n"));)
        *p = ' ';
    fprintf(err, "%s: %s (try --help)\n", name, text);
    return OPTIONS_USAGE;
}

/* ---------------------------------------------------------------- groups */

/* Counts the rows of a table and its groups; writes them to `rows` unless that is NULL. */
static int flatten(const program_option *table, void *base, program_option *rows) {
    int count = 0;
    for (const program_option *o = table; o && o->type != OPTION_END; o++) {
        void *target = base ? (char *)base + (uintptr_t)o->target : o->target;
        if (o->type == OPTION_GROUP) {
            count += flatten(o->group, target, rows ? rows + count : NULL);
            continue;
        }
        if (rows) {
            rows[count] = *o;
            rows[count].target = target;
        }
        count++;
    }
    return count;
}

/* The rows of a table and its groups, ended by OPTION_END; owned by the caller. */
static program_option *flat_table(const program_option *table) {
    program_option *rows = mem_calloc((size_t)flatten(table, NULL, NULL) + 1, sizeof *rows);
    if (rows)
        flatten(table, NULL, rows);
    return rows;
}

/* ---------------------------------------------------------------- help */

static void default_text(const program_option *o, char *text, size_t size) {
    text[0] = '\0';
    switch (o->type) {
    case OPTION_INT:
        snprintf(text, size, " (default: %d)", *(int *)o->target);
        break;
    case OPTION_SEED:
        snprintf(text, size, " (default: %" PRIu64 ")", *(uint64_t *)o->target);
        break;
    case OPTION_REAL:
        snprintf(text, size, " (default: %g)", *(double *)o->target);
        break;
    case OPTION_TEXT: {
        const char *value = *(const char **)o->target;
        if (value && *value)
            snprintf(text, size, " (default: %s)", value);
        break;
    }
    default:
        break;
    }
}

/* Words of `text`, wrapped and indented; the first line starts after `indent` columns that are printed already. */
static void print_wrapped(FILE *out, const char *text, int indent) {
    int column = indent;
    while (*text) {
        int word = (int)strcspn(text, " \n");
        if (column > indent && column + 1 + word > HELP_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        }
        column += fprintf(out, "%s%.*s", column > indent ? " " : "", word, text);
        text += word;
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const char *name, const char *argument, const char *help, int width) {
    int used = fprintf(out, "  --%s%s%s", name, argument ? " " : "", argument ? argument : "");
    fprintf(out, "%*s", width - used, "");
    print_wrapped(out, help, width);
}

static void print_help(const command_line *command, const program_option *rows, FILE *out) {
    int width = (int)strlen("  --version") + 2;
    for (const program_option *o = rows; o->type != OPTION_END; o++) {
        int wanted = (int)(strlen(o->name) + (o->argument ? strlen(o->argument) + 1 : 0)) + 6;
        width = wanted > width ? wanted : width;
    }
    fprintf(out, "Usage: %s [options]%s%s\n\n%s\n\nOptions:\n", command->name, command->operands ? " " : "",
            command->operands ? command->operands : "", command->summary);
    for (const program_option *o = rows; o->type != OPTION_END; o++) {
        char text[256], help[1024];
        default_text(o, text, sizeof text);
        snprintf(help, sizeof help, "%s%s", o->help, text);
        print_option(out, o->name, o->argument, help, width);
    }
    print_option(out, "help", NULL, "show this and exit", width);
    print_option(out, "version", NULL, "show the version and exit", width);
    if (command->epilogue)
        fprintf(out, "\n%s\n", command->epilogue);
}

/* ---------------------------------------------------------------- values */

static int outside(const program_option *o, double value) {
    return o->min != o->max && !(value >= o->min && value <= o->max);
}

/* NULL when the value was stored; otherwise what was expected. */
static const char *store_number(const program_option *o, const char *text) {
    char *end;
    errno = 0;
    if (o->type == OPTION_INT) {
        long value = strtol(text, &end, 10);
        if (end == text || *end || errno || value < INT_MIN || value > INT_MAX)
            return "a whole number";
        if (outside(o, (double)value))
            return "";
        *(int *)o->target = (int)value;
    } else if (o->type == OPTION_SEED) {
        uint64_t value = strtoull(text, &end, 10);
        if (end == text || *end || errno || strchr(text, '-') || value > INT64_MAX)
            return "a whole number from 0 to 2^63 - 1";
        if (outside(o, (double)value))
            return "";
        *(uint64_t *)o->target = value;
    } else {
        double value = strtod(text, &end);
        if (end == text || *end || !isfinite(value))
            return "a finite number";
        if (outside(o, value))
            return "";
        *(double *)o->target = value;
    }
    return NULL;
}

static options_result store(const command_line *command, const program_option *o, const char *text,
                            FILE *err) {
    if (o->type == OPTION_FLAG) {
        *(int *)o->target = 1;
        return OPTIONS_RUN;
    }
    if (o->type == OPTION_TEXT) {
        *(const char **)o->target = text;
        return OPTIONS_RUN;
    }
    const char *expected = store_number(o, text);
    if (!expected)
        return OPTIONS_RUN;
    if (*expected)
        return options_usage(command->name, err, "--%s: '%s' is not %s", o->name, text, expected);
    return options_usage(command->name, err, "--%s: %s is outside %g to %g", o->name, text, o->min, o->max);
}

static int is_among(const char *name, const char *const *list) {
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return 1;
    return 0;
}

static void put_value(FILE *out, const program_option *o) {
    if (o->type == OPTION_SEED)
        fprintf(out, "%" PRIu64, *(uint64_t *)o->target);
    else if (o->type == OPTION_REAL)
        fprintf(out, "%.9g", *(double *)o->target);
    else if (o->type == OPTION_TEXT)
        fputs(*(const char **)o->target ? *(const char **)o->target : "", out);
    else
        fprintf(out, "%d", *(int *)o->target);
}

static void put_setting(FILE *out, const program_option *o) {
    for (const char *c = o->name; *c; c++)
        fputc(*c == '-' ? '_' : *c, out);
    fputc('=', out);
    put_value(out, o);
}

static void put_argument(FILE *out, const program_option *o) {
    fprintf(out, "--%s", o->name);
    if (o->type == OPTION_FLAG)
        return;
    fputc(' ', out);
    put_value(out, o);
}

char *options_values(const program_option *table, const char *const *without, options_style style) {
    char *text = NULL;
    size_t size;
    program_option *rows = flat_table(table);
    if (!rows)
        return NULL;
    FILE *out = open_memstream(&text, &size);
    const char *blank = "";
    for (const program_option *o = rows; out && o->type != OPTION_END; o++) {
        int unset = o->type == OPTION_FLAG && !*(int *)o->target;
        if (is_among(o->name, without) || (style == OPTIONS_AS_ARGUMENTS && unset))
            continue;
        fputs(blank, out);
        blank = " ";
        (style == OPTIONS_AS_SETTINGS ? put_setting : put_argument)(out, o);
    }
    free(rows);
    if (!out || fclose(out) != 0)
        return err_set_null("out of memory");
    return text;
}

/* ---------------------------------------------------------------- parsing */

/* The table as getopt has it; owned by the caller. */
static struct option *getopt_table(const program_option *rows) {
    int count = flatten(rows, NULL, NULL);
    struct option *table = mem_calloc((size_t)count + 3, sizeof *table);
    if (!table)
        return NULL;
    for (int i = 0; i < count; i++) {
        int takes = rows[i].type == OPTION_FLAG ? no_argument : required_argument;
        table[i] = (struct option){rows[i].name, takes, NULL, CODE_TABLE + i};
    }
    table[count] = (struct option){"help", no_argument, NULL, CODE_HELP};
    table[count + 1] = (struct option){"version", no_argument, NULL, CODE_VERSION};
    return table;
}

static options_result bad_option(const command_line *command, int code, const char *word, FILE *err) {
    if (code == ':')
        return options_usage(command->name, err, "%s needs a value", word);
    if (optopt >= CODE_HELP)
        return options_usage(command->name, err, "%s: this option takes no value", word);
    if (optopt)
        return options_usage(command->name, err, "unknown option -%c", optopt);
    return options_usage(command->name, err, "unknown option %s", word);
}

/* Goes through the options; OPTIONS_RUN when all of them were taken. */
static options_result parse_options(const command_line *command, const program_option *rows,
                                    const struct option *table, int argc, char **argv, FILE *out, FILE *err) {
    optind = 0; /* 0 makes glibc forget an earlier parse; tests call this many times */
    opterr = 0;
    int code;
    while ((code = getopt_long(argc, argv, ":", table, NULL)) != -1) {
        if (code == CODE_HELP) {
            print_help(command, rows, out);
            return OPTIONS_DONE;
        }
        if (code == CODE_VERSION) {
            fprintf(out, "%s %s\n", command->name, SSFD_VERSION);
            return OPTIONS_DONE;
        }
        if (code < CODE_TABLE)
            return bad_option(command, code, argv[optind - 1], err);
        if (store(command, &rows[code - CODE_TABLE], optarg, err) != OPTIONS_RUN)
            return OPTIONS_USAGE;
    }
    return OPTIONS_RUN;
}

options_result options_parse(const command_line *command, int argc, char **argv, int *first, FILE *out,
                             FILE *err) {
    program_option *rows = flat_table(command->options);
    struct option *table = rows ? getopt_table(rows) : NULL;
    options_result result = table ? parse_options(command, rows, table, argc, argv, out, err)
                                  : options_usage(command->name, err, "%s", err_message());
    free(table);
    free(rows);
    if (result != OPTIONS_RUN)
        return result;
    int given = argc - optind;
    if (given > command->operands_max)
        return options_usage(command->name, err, "unexpected argument '%s'",
                             argv[optind + command->operands_max]);
    if (given < command->operands_min)
        return options_usage(command->name, err, "missing argument: %s", command->operands);
    *first = optind;
    return OPTIONS_RUN;
}
