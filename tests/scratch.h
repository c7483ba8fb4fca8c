/* A scratch folder for the tests of one file: Check's checked fixture scratch_set_up, scratch_tear_down. */
#ifndef SSFD_TESTS_SCRATCH_H
#define SSFD_TESTS_SCRATCH_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64], path[256]; /* path: what in_folder() named last */

static inline void scratch_set_up(void) {
    strcpy(folder, "/tmp/ssfd_test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static inline void scratch_tear_down(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static inline const char *in_folder(const char *name) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* `name` in the folder. */
static inline void write_text(const char *name, const char *text) {
    FILE *f = fopen(in_folder(name), "w");
    ck_assert_msg(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s", path);
}

#endif
