#include "io/scan_list.h"

#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r\n\v\f";

/* Appends an entry, for which there is room. Takes over `where` and copies the other texts. */
static int add_entry(scan_list *list, const char *name, const char *patient_id, int slices, char *where) {
    scan_list_entry *e = &list->entries[list->count++];
    *e = (scan_list_entry){.name = strdup(name), .where = where, .slices = slices};
    if (patient_id)
        e->patient_id = strdup(patient_id);
    return where && e->name && (e->patient_id || !patient_id) ? 0 : err_set("out of memory");
}

/* Where an entry is, for messages. Owned by the caller; NULL when out of memory. */
static char *place(const char *path, const char *before, size_t number, const char *after) {
    char *text;
    return asprintf(&text, "%s: %s%zu%s", path, before, number, after) >= 0 ? text : NULL;
}

/* ---------------------------------------------------------------- text */

/* Removes the comment and the blanks around a name. */
static char *bare_name(char *line) {
    for (char *c = strchr(line, '#'); c; c = strchr(c + 1, '#'))
        if (c == line || strchr(blanks, c[-1]))
            *c = '\0';
    line += strspn(line, blanks);
    size_t length = strlen(line);
    while (length > 0 && strchr(blanks, line[length - 1]))
        length--;
    line[length] = '\0';
    return line;
}

static int read_lines(scan_list *list, const char *path, char *text) {
    size_t lines = 1, number = 1;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    if (lines > INT_MAX)
        return err_set("%s: too many lines", path);
    list->entries = mem_calloc(lines, sizeof *list->entries);
    if (!list->entries)
        return -1;
    for (char *line; (line = strsep(&text, "\n")); number++) {
        const char *name = bare_name(line);
        if (*name && add_entry(list, name, NULL, 0, place(path, "line ", number, "")) != 0)
            return -1;
    }
    return 0;
}

/* ---------------------------------------------------------------- JSON */

static int read_image(scan_list *list, const json_t *image, char *where) {
    const json_t *name = json_object_get(image, "file_name"), *patient = json_object_get(image, "patient_id");
    const json_t *slices = json_object_get(image, "num_slices");
    int status = 0;
    if (!where)
        status = err_set("out of memory");
    else if (!json_is_object(image))
        status = err_set("%s: expected an object {...}", where);
    else if (!name)
        status = err_set("%s: key 'file_name' is missing", where);
    else if (!json_is_string(name) || json_string_length(name) == 0)
        status = err_set("%s: key 'file_name': expected the name of a file", where);
    else if (patient && !json_is_null(patient) && !json_is_string(patient))
        status = err_set("%s: key 'patient_id': expected a text", where);
    else if (slices && !json_is_null(slices) &&
             (!json_is_integer(slices) || json_integer_value(slices) < 1 ||
              json_integer_value(slices) > INT_MAX))
        status = err_set("%s: key 'num_slices': expected a whole number of at least 1", where);
    if (status == 0) /* the values are NULL and 0 where there are none */
        return add_entry(list, json_string_value(name), json_string_value(patient),
                         (int)json_integer_value(slices), where);
    free(where);
    return status;
}

static int read_images(scan_list *list, const char *path, const json_t *images) {
    size_t count = json_array_size(images);
    if (!json_is_array(images) || count > INT_MAX)
        return err_set("%s: expected an array under the key 'images'", path);
    list->entries = mem_calloc(count, sizeof *list->entries);
    for (size_t k = 0; k < count; k++)
        if (!list->entries ||
            read_image(list, json_array_get(images, k), place(path, "images[", k, "]")) != 0)
            return -1;
    return list->entries ? 0 : -1;
}

static int read_json(scan_list *list, const char *path, const char *text) {
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return err_set("%s: line %d, column %d: malformed JSON: %s", path, error.line, error.column,
                       error.text);
    int status = read_images(list, path, json_object_get(root, "images"));
    json_decref(root);
    return status;
}

scan_list *scan_list_read(const char *path) {
    char *text = file_read_text(path);
    scan_list *list = text ? mem_calloc(1, sizeof *list) : NULL;
    int status = -1;
    if (list && text[strspn(text, blanks)] == '{')
        status = read_json(list, path, text);
    else if (list)
        status = read_lines(list, path, text);
    free(text);
    if (status == 0 && list->count == 0)
        status = err_set("%s: names no file", path);
    if (status == 0)
        return list;
    scan_list_free(list);
    return NULL;
}

void scan_list_free(scan_list *list) {
    if (!list)
        return;
    for (int k = 0; k < list->count; k++) {
        free(list->entries[k].name);
        free(list->entries[k].where);
        free(list->entries[k].patient_id);
    }
    free(list->entries);
    free(list);
}
