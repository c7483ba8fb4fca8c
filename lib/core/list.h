/* Lists of names: comma-separated, as options and settings have them, and of the files in a folder. */
#ifndef SSFD_CORE_LIST_H
#define SSFD_CORE_LIST_H

#include <stddef.h>

typedef struct {
    size_t count;
    char **items; /* [count], owned */
} name_list;

/* Splits "a,b,c"; empty items are dropped, so "" gives an empty list. A name given twice is an error, whose
 * message calls it `what` ("perturbation"). Release with name_list_free() in either case. */
int name_list_split(name_list *list, const char *text, const char *what);
void name_list_free(name_list *list);

/* Appends a copy; names may be equal here. */
int name_list_add(name_list *list, const char *name);
/* The visible files of a folder whose names end with `ending`, in byte order; none when there is no such folder. -1
 * with a message when the folder cannot be read. Release with name_list_free() in either case. */
int name_list_folder(name_list *list, const char *folder, const char *ending);
/* Position of a name, or -1. */
int name_list_find(const name_list *list, const char *name);

/* Writes "a, b, c" for messages; a text that is too long is cut. */
void name_list_join(const name_list *list, char *text, size_t size);

#endif
