/* What lies in the folder of a split besides the scans of a run. Nothing here removes a file unasked, and never one that
 * the program did not write. */
#ifndef SSFD_IO_LEFTOVERS_H
#define SSFD_IO_LEFTOVERS_H

#include "core/list.h"

/* A run: what it writes into the folder. */
typedef struct {
    const char *program;                 /* as in the attribute generator, without its version */
    const char *settings;                /* of all scans of the split: see io/prepared.h */
    const char *source_folder;           /* of the raw files; "": there is none */
    const name_list *ids;                /* scan ids, in byte order */
    const name_list *patients_elsewhere; /* in other splits of this run */
} leftovers_run;

typedef struct {
    name_list ours;   /* files that the program wrote, and that still have the name it gave them */
    name_list others; /* other *.h5: copies under another name, scans of other producers, anything else */
    char *
        mixed; /* why readers of the folder must not see one of these next to the scans of the run: it has other
                       * settings, other raw data, or a patient of another split; NULL: they may */
    int mixed_is_ours; /* so are all that are mixed */
} leftovers;

/* Lists them; none when there is no such folder. -1 with a message when the folder cannot be read, or a file stands where
 * the run would write a scan and the program did not write it (a damaged HDF5 file may be replaced). Release with leftovers_free() in either case. */
int leftovers_find(const char *folder, const leftovers_run *run, leftovers *found);
void leftovers_free(leftovers *l);

/* One line on stdout with their number and names, or nothing if there are none. what: "file". */
void leftovers_say(const char *folder, const name_list *names, const char *what, const char *consequence);

/* Removes `ours`, naming each on stdout, and counts them. */
int leftovers_remove(const char *folder, const leftovers *l, int *removed);

#endif
