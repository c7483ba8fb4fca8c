/* Runs the programs for a test, in a scratch folder: Check's fixture of scratch.h. */
#ifndef SSFD_TESTS_PROGRAMS_H
#define SSFD_TESTS_PROGRAMS_H

#include "scratch.h"
#include <sys/wait.h>

static char output[65536]; /* of the last command: stdout, then stderr */
static int error_lines;

static inline const char *programs(void) {
    const char *path = getenv("SSFD_BIN");
    return path ? path : "build/bin";
}

static inline size_t append_file(const char *name, size_t used) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    used += fread(output + used, 1, sizeof output - 1 - used, f);
    output[used] = '\0';
    fclose(f);
    return used;
}

/* Runs "<before><arguments>", where @ in the arguments stands for the scratch folder. Returns the exit code.
 */
static inline int run_after(const char *before, const char *arguments) {
    char command[4096];
    size_t used = (size_t)snprintf(command, sizeof command, "{ %s", before);
    for (const char *p = arguments; *p && used < sizeof command - 256; p++)
        used += (size_t)(*p == '@' ? snprintf(command + used, 128, "%s", folder)
                                   : snprintf(command + used, 2, "%c", *p));
    snprintf(command + used, sizeof command - used, "; } >%s/out 2>%s/err", folder, folder);
    int status = system(command);
    ck_assert(WIFEXITED(status));
    size_t split = append_file("out", 0);
    append_file("err", split);
    error_lines = 0;
    for (const char *p = output + split; *p; p++)
        error_lines += *p == '\n';
    return WEXITSTATUS(status);
}

/* Runs a program. */
static inline int run(const char *arguments) {
    char before[256];
    snprintf(before, sizeof before, "%s/", programs());
    return run_after(before, arguments);
}

static inline void expect_done(const char *arguments) {
    int code = run(arguments);
    ck_assert_msg(code == 0, "%s: exit code %d: %s", arguments, code, output);
}

static inline void expect_failure(const char *arguments, int code, const char *a, const char *b) {
    int found = run(arguments);
    ck_assert_msg(found == code, "%s: exit code %d, expected %d: %s", arguments, found, code, output);
    ck_assert_msg(error_lines == 1, "%s: %d lines of error: %s", arguments, error_lines, output);
    ck_assert_msg(strstr(output, a) && strstr(output, b), "%s: %s", arguments, output);
}

/* Whether two files of the scratch folder have the same bytes. */
static inline int same_file(const char *a, const char *b) {
    char command[512];
    snprintf(command, sizeof command, "cmp -s %s/%s %s/%s", folder, a, folder, b);
    return system(command) == 0;
}

/* Draws plots/<name>.gp from a folder of results where there is gnuplot; it must have nothing to say. */
static inline void expect_figure(const char *name, const char *results) {
    char command[1024];
    if (system("command -v gnuplot >/dev/null 2>&1") != 0)
        return;
    snprintf(command, sizeof command,
             "LC_ALL=C.UTF-8 gnuplot -e \"results='%s/%s'; output='%s/f'\" plots/%s.gp >%s/said 2>&1 && "
             "! [ -s %s/said ] && [ -s %s/f.pdf ] && [ -s %s/f.png ]",
             folder, results, folder, name, folder, folder, folder, folder);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static inline char *read_table(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s", path);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(f);
    char *text = calloc(1, size + 1);
    rewind(f);
    ck_assert(size > 0 && fread(text, 1, size, f) == size);
    fclose(f);
    return text;
}

#endif
