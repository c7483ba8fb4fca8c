#include "core/list.h"

#include "core/error.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int name_list_add(name_list *list, const char *name) {
    char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items)
        return err_set("out of memory");
    list->items = items;
    if (!(items[list->count] = strdup(name)))
        return err_set("out of memory");
    list->count++;
    return 0;
}

int name_list_split(name_list *list, const char *text, const char *what) {
    char *copy = strdup(text), *rest = NULL;
    int status = copy ? 0 : err_set("out of memory");
    *list = (name_list){0};
    for (char *item = copy ? strtok_r(copy, ",", &rest) : NULL; item && status == 0;
         item = strtok_r(NULL, ",", &rest)) {
        if (name_list_find(list, item) >= 0)
            status = err_set("%s '%s' is given twice", what, item);
        else
            status = name_list_add(list, item);
    }
    free(copy);
    return status;
}

/* Byte order: alphasort() would follow the locale. */
static int compare_entries(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

int name_list_folder(name_list *list, const char *folder, const char *ending) {
    struct dirent **entries;
    *list = (name_list){0};
    int count = scandir(folder, &entries, NULL, compare_entries), status = 0;
    if (count < 0)
        return errno == ENOENT ? 0 : err_set("%s: cannot list the files: %s", folder, strerror(errno));
    for (int k = 0; k < count; k++) {
        const char *name = entries[k]->d_name;
        size_t length = strlen(name), tail = strlen(ending);
        if (status == 0 && name[0] != '.' && length > tail && strcmp(name + length - tail, ending) == 0)
            status = name_list_add(list, name);
        free(entries[k]);
    }
    free(entries);
    return status;
}

void name_list_free(name_list *list) {
    for (size_t k = 0; k < list->count; k++)
        free(list->items[k]);
    free(list->items);
    *list = (name_list){0};
}

int name_list_find(const name_list *list, const char *name) {
    for (size_t k = 0; k < list->count; k++)
        if (strcmp(list->items[k], name) == 0)
            return (int)k;
    return -1;
}

void name_list_join(const name_list *list, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; k < list->count && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", k ? ", " : "", list->items[k]);
}
