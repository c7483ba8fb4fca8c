#include "core/cli.h"

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

/* One line, even when the argument complained about holds several. */
static void usage_line(FILE *err, const char *program, const char *format, va_list arguments) {
    char text[ERR_MESSAGE_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    for (char *p = text; (p = strpbrk(p, "\r\n"));)
        *p = ' ';
    fprintf(err, "%s: %s (try --help)\n", program, text);
}

/* One line of wrong usage on `err`; gives CLI_USAGE back. */
__attribute__((format(printf, 3, 4))) static cli_result wrong(const cli_spec *spec, FILE *err,
                                                              const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    usage_line(err, spec->program, format, arguments);
    va_end(arguments);
    return CLI_USAGE;
}

int cli_usage(const char *program, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    usage_line(stderr, program, format, arguments);
    va_end(arguments);
    return CLI_USAGE;
}

int cli_fail(const char *program) {
    fprintf(stderr, "%s: %s\n", program, err_message());
    return 1;
}

static int count_options(const cli_spec *spec) {
    int count = 0;
    while (spec->options && spec->options[count].type != CLI_END)
        count++;
    return count;
}

/* --- help --- */

static void default_text(const cli_option *o, char *text, size_t size) {
    text[0] = '\0';
    switch (o->type) {
    case CLI_INT:
        snprintf(text, size, " (default: %d)", *(int *)o->target);
        break;
    case CLI_U64:
        snprintf(text, size, " (default: %" PRIu64 ")", *(uint64_t *)o->target);
        break;
    case CLI_REAL:
        snprintf(text, size, " (default: %g)", *(double *)o->target);
        break;
    case CLI_STRING: {
        const char *value = *(const char **)o->target;
        if (value && *value)
            snprintf(text, size, " (default: %s)", value);
        break;
    }
    case CLI_FLAG:
    case CLI_END:
        break;
    }
}

/* Words of `text`, wrapped and indented; the first line goes on behind `indent` columns already printed. */
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

static void print_help(const cli_spec *spec, FILE *out) {
    int width = (int)strlen("  --version") + 2;
    for (const cli_option *o = spec->options; o && o->type != CLI_END; o++) {
        int wanted = (int)(strlen(o->name) + (o->argument ? strlen(o->argument) + 1 : 0)) + 6;
        width = wanted > width ? wanted : width;
    }
    fprintf(out, "Usage: %s [options]%s%s\n\n%s\n\nOptions:\n", spec->program, spec->positionals ? " " : "",
            spec->positionals ? spec->positionals : "", spec->summary);
    for (const cli_option *o = spec->options; o && o->type != CLI_END; o++) {
        char text[256], help[1024];
        default_text(o, text, sizeof text);
        snprintf(help, sizeof help, "%s%s", o->help, text);
        print_option(out, o->name, o->argument, help, width);
    }
    print_option(out, "help", NULL, "show this and exit", width);
    print_option(out, "version", NULL, "show the version and exit", width);
    if (spec->epilogue)
        fprintf(out, "\n%s\n", spec->epilogue);
}

/* --- values --- */

static int outside(const cli_option *o, double value) {
    return o->min != o->max && !(value >= o->min && value <= o->max);
}

/* NULL when the value was stored; otherwise what was expected. */
static const char *store_number(const cli_option *o, const char *text) {
    char *end;
    errno = 0;
    if (o->type == CLI_INT) {
        long value = strtol(text, &end, 10);
        if (end == text || *end || errno || value < INT_MIN || value > INT_MAX)
            return "a whole number";
        if (outside(o, (double)value))
            return "";
        *(int *)o->target = (int)value;
    } else if (o->type == CLI_U64) {
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

static cli_result store(const cli_spec *spec, const cli_option *o, const char *text, FILE *err) {
    if (o->type == CLI_FLAG) {
        *(int *)o->target = 1;
        return CLI_RUN;
    }
    if (o->type == CLI_STRING) {
        *(const char **)o->target = text;
        return CLI_RUN;
    }
    const char *expected = store_number(o, text);
    if (!expected)
        return CLI_RUN;
    if (*expected)
        return wrong(spec, err, "--%s: '%s' is not %s", o->name, text, expected);
    return wrong(spec, err, "--%s: %s is outside %g to %g", o->name, text, o->min, o->max);
}

/* --- values as text --- */

static int is_among(const char *name, const char *const *list) {
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return 1;
    return 0;
}

static void put_value(FILE *out, const cli_option *o) {
    if (o->type == CLI_U64)
        fprintf(out, "%" PRIu64, *(uint64_t *)o->target);
    else if (o->type == CLI_REAL)
        fprintf(out, "%.9g", *(double *)o->target);
    else if (o->type == CLI_STRING)
        fputs(*(const char **)o->target ? *(const char **)o->target : "", out);
    else
        fprintf(out, "%d", *(int *)o->target);
}

static void put_setting(FILE *out, const cli_option *o) {
    for (const char *c = o->name; *c; c++)
        fputc(*c == '-' ? '_' : *c, out);
    fputc('=', out);
    put_value(out, o);
}

char *cli_values(const cli_option *options, const char *const *without, cli_style style) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return err_set_null("out of memory");
    const char *blank = "";
    for (const cli_option *o = options; o->type != CLI_END; o++) {
        if (is_among(o->name, without) ||
            (style == CLI_ARGUMENTS && o->type == CLI_FLAG && !*(int *)o->target))
            continue;
        fputs(blank, out);
        blank = " ";
        if (style == CLI_SETTINGS) {
            put_setting(out, o);
            continue;
        }
        fprintf(out, "--%s%s", o->name, o->type == CLI_FLAG ? "" : " ");
        if (o->type != CLI_FLAG)
            put_value(out, o);
    }
    fclose(out);
    return text;
}

/* --- parsing --- */

static void fill_table(const cli_spec *spec, struct option *table, int count) {
    for (int i = 0; i < count; i++) {
        const cli_option *o = &spec->options[i];
        int takes = o->type == CLI_FLAG ? no_argument : required_argument;
        table[i] = (struct option){o->name, takes, NULL, CODE_TABLE + i};
    }
    table[count] = (struct option){"help", no_argument, NULL, CODE_HELP};
    table[count + 1] = (struct option){"version", no_argument, NULL, CODE_VERSION};
    table[count + 2] = (struct option){0};
}

static cli_result bad_option(const cli_spec *spec, int code, const char *word, FILE *err) {
    if (code == ':')
        return wrong(spec, err, "%s needs a value", word);
    if (optopt >= CODE_HELP)
        return wrong(spec, err, "%s: this option takes no value", word);
    if (optopt)
        return wrong(spec, err, "unknown option -%c", optopt);
    return wrong(spec, err, "unknown option %s", word);
}

/* Goes through the options; CLI_RUN when all of them were taken. */
static cli_result parse_options(const cli_spec *spec, const struct option *table, int argc, char **argv,
                                FILE *out, FILE *err) {
    optind = 0; /* 0 makes glibc forget an earlier parse; tests call this many times */
    opterr = 0;
    int code;
    while ((code = getopt_long(argc, argv, ":", table, NULL)) != -1) {
        if (code == CODE_HELP) {
            print_help(spec, out);
            return CLI_DONE;
        }
        if (code == CODE_VERSION) {
            fprintf(out, "%s %s\n", spec->program, SSFD_VERSION);
            return CLI_DONE;
        }
        if (code < CODE_TABLE)
            return bad_option(spec, code, argv[optind - 1], err);
        if (store(spec, &spec->options[code - CODE_TABLE], optarg, err) != CLI_RUN)
            return CLI_USAGE;
    }
    return CLI_RUN;
}

cli_result cli_parse(const cli_spec *spec, int argc, char **argv, int *first, FILE *out, FILE *err) {
    int count = count_options(spec);
    struct option *table = mem_calloc((size_t)count + 3, sizeof *table);
    if (!table)
        return wrong(spec, err, "%s", err_message());
    fill_table(spec, table, count);
    cli_result result = parse_options(spec, table, argc, argv, out, err);
    free(table);
    if (result != CLI_RUN)
        return result;
    int given = argc - optind;
    if (given > spec->positionals_max)
        return wrong(spec, err, "unexpected argument '%s'", argv[optind + spec->positionals_max]);
    if (given < spec->positionals_min)
        return wrong(spec, err, "missing argument: %s", spec->positionals ? spec->positionals : "");
    if (first)
        *first = optind;
    return CLI_RUN;
}
