#include "io/leftovers.h"

#include "core/error.h"
#include "io/prepared.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int is_of_run(const leftovers_run *run, const char *id) {
    return run->ids->count > 0 &&
           bsearch(&id, run->ids->items, run->ids->count, sizeof *run->ids->items, compare_names) != NULL;
}

/* Written by the program, and under the name that it gave the file. */
static int is_ours(const h5_file *f, const char *program, const char *id) {
    char *generator = NULL;
    size_t length = strlen(program);
    int ours = h5_attr_equals(f, "format", PREPARED_FORMAT) && h5_attr_exists(f, "scan_settings") &&
               h5_attr_equals(f, "scan_id", id) && h5_attr_exists(f, "generator") &&
               h5_attr_text(f, "generator", &generator) == 0 && strncmp(generator, program, length) == 0 &&
               generator[length] == ' ';
    free(generator);
    return ours;
}

/* Why a prepared scan does not belong next to those of the run; NULL: it may. */
static const char *mixture(const h5_file *f, const leftovers_run *run) {
    char *patient = NULL;
    if (!h5_attr_equals(f, "format", PREPARED_FORMAT))
        return NULL;
    if (!h5_attr_equals(f, "settings", run->settings))
        return "was prepared with other settings";
    if (h5_attr_exists(f, "source_folder") && !h5_attr_equals(f, "source_folder", run->source_folder))
        return "was prepared from raw data in another folder";
    int elsewhere = h5_attr_exists(f, "patient_id") && h5_attr_text(f, "patient_id", &patient) == 0 &&
                    name_list_find(run->patients_elsewhere, patient) >= 0;
    free(patient);
    return elsewhere ? "is of a patient who is now in another split" : NULL;
}

/* An HDF5 file that nobody can read or is writing to: what a crash of the machine left of a scan. */
static int is_wreck(const char *path) {
    static const char signature[] = "\x89HDF\r\n\x1a\n";
    char start[sizeof signature] = "";
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    int wreck = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0 && read(fd, start, 8) == 8 &&
                memcmp(start, signature, 8) == 0;
    if (fd >= 0)
        close(fd);
    return wreck;
}

static int note(leftovers *l, const char *name, int ours, const char *why) {
    if (why && (!l->mixed || (l->mixed_is_ours && !ours))) {
        free(l->mixed);
        l->mixed_is_ours = ours;
        if (asprintf(&l->mixed, "%s %s and is not part of this run", name, why) < 0) {
            l->mixed = NULL;
            return err_set("out of memory");
        }
    }
    return name_list_add(ours ? &l->ours : &l->others, name);
}

static int look_at(const char *folder, const char *name, const leftovers_run *run, leftovers *l) {
    char *path, id[256];
    snprintf(id, sizeof id, "%.*s", (int)strlen(name) - 3, name);
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return err_set("out of memory");
    h5_file *f = h5_open(path);
    int ours = f && is_ours(f, run->program, id), status = 0;
    if (!is_of_run(run, id))
        status = note(l, name, ours, f ? mixture(f, run) : NULL);
    else if (!ours && (f || !is_wreck(path)))
        status = err_set("%s: %s did not write this file and will not replace it: move it away, or choose "
                         "another folder with --out",
                         path, run->program);
    h5_close(f);
    free(path);
    return status;
}

int leftovers_find(const char *folder, const leftovers_run *run, leftovers *found) {
    name_list names;
    *found = (leftovers){0};
    int status = name_list_folder(&names, folder, ".h5");
    for (size_t k = 0; status == 0 && k < names.count; k++)
        status = look_at(folder, names.items[k], run, found);
    name_list_free(&names);
    return status;
}

void leftovers_free(leftovers *l) {
    name_list_free(&l->ours);
    name_list_free(&l->others);
    free(l->mixed);
    *l = (leftovers){0};
}

void leftovers_say(const char *folder, const name_list *names, const char *what, const char *consequence) {
    char text[1024];
    if (names->count == 0)
        return;
    name_list_join(names, text, sizeof text);
    printf("%zu %s%s in %s %s not part of this run: %s; %s\n", names->count, what,
           names->count == 1 ? "" : "s", folder, names->count == 1 ? "is" : "are", text, consequence);
}

int leftovers_remove(const char *folder, const leftovers *l, int *removed) {
    for (size_t k = 0; k < l->ours.count; k++) {
        char *path;
        if (asprintf(&path, "%s/%s", folder, l->ours.items[k]) < 0)
            return err_set("out of memory");
        int status = unlink(path) == 0 ? 0 : err_set("%s: cannot be removed", path);
        if (status == 0)
            printf("removed %s\n", path);
        free(path);
        if (status < 0)
            return -1;
        *removed += 1;
    }
    return 0;
}
