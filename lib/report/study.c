#include "report/study.h"

#include "core/error.h"
#include "core/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- files */

void study_path(const study *s, const char *name, char path[STUDY_PATH]) {
    snprintf(path, STUDY_PATH, "%s/%s", s->results, name);
}

int study_has(const study *s, const char *name) {
    char path[STUDY_PATH];
    study_path(s, name, path);
    return access(path, R_OK) == 0;
}

int study_list_files(const study *s, const char *folder, const char *ending, name_list *list) {
    char path[STUDY_PATH];
    study_path(s, folder, path);
    return name_list_folder(list, path, ending);
}

int study_write(const study *s, const char *name, int (*write)(FILE *f, const json_t *data),
                const json_t *data) {
    char path[STUDY_PATH];
    study_path(s, name, path);
    char *temporary = atomic_begin(path);
    FILE *f = temporary ? fopen(temporary, "w") : NULL;
    int status = f ? write(f, data) : err_set("%s: cannot be written", path);
    int failed = f && ferror(f);
    if (f && (fclose(f) != 0 || failed))
        status = err_set("%s: cannot be written", path);
    if (status == 0)
        return atomic_commit(temporary, path);
    atomic_discard(temporary);
    return -1;
}

/* ---------------------------------------------------------------- run records */

static json_t *read_record(const study *s, const char *name) {
    char path[STUDY_PATH];
    json_error_t error;
    study_path(s, name, path);
    json_t *record = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (json_is_object(record))
        return record;
    json_decref(record);
    return err_set_null("%s: not a run record: expected a JSON object", path);
}

int study_open(study *s, const char *results, const char *weights, const char *recon_weights) {
    name_list names;
    *s = (study){
        .results = results, .weights = weights, .recon_weights = recon_weights, .records = json_array()};
    int status = study_list_files(s, "records", ".json", &names);
    for (size_t k = 0; status == 0 && k < names.count; k++) {
        char name[512];
        snprintf(name, sizeof name, "records/%s", names.items[k]);
        json_t *record = read_record(s, name);
        status = record ? json_array_append_new(s->records, record) : -1;
    }
    name_list_free(&names);
    return status;
}

void study_close(study *s) {
    for (size_t k = 0; k < s->table_count; k++)
        csv_table_free(s->tables[k]);
    claim_list_free(&s->claims);
    json_decref(s->records);
}

/* ---------------------------------------------------------------- tables */

static int check_columns(const csv_table *t, const char *columns) {
    name_list list;
    int status = name_list_split(&list, columns, "column");
    for (size_t k = 0; status == 0 && k < list.count; k++)
        status = csv_table_column(t, list.items[k]) < 0 ? -1 : 0;
    name_list_free(&list);
    return status;
}

int study_read_table(study *s, const char *name, const char *columns, table_status status) {
    char path[STUDY_PATH];
    study_path(s, name, path);
    if (study_table(s, name) || (status != TABLE_NEEDED && access(path, F_OK) != 0))
        return 0;
    csv_table *t =
        s->table_count < STUDY_TABLES ? csv_table_read(path) : err_set_null("%s: one table too many", path);
    if (!t)
        return -1;
    s->tables[s->table_count++] = t;
    if (check_columns(t, columns) < 0)
        return -1;
    return t->rows || status == TABLE_OPTIONAL ? 0 : err_set("%s: has no rows", path);
}

const csv_table *study_table(const study *s, const char *name) {
    char path[STUDY_PATH];
    study_path(s, name, path);
    for (size_t k = 0; k < s->table_count; k++)
        if (strcmp(s->tables[k]->path, path) == 0)
            return s->tables[k];
    return NULL;
}

int study_find_row(const csv_table *t, int from, const char *const (*wanted)[2], size_t count) {
    int column[8];
    for (size_t k = 0; t && k < count; k++)
        if (k == 8 || (column[k] = csv_table_column(t, wanted[k][0])) < 0)
            return -1;
    for (size_t row = (size_t)from; t && row < t->rows; row++) {
        size_t k = 0;
        while (k < count && strcmp(csv_table_text(t, row, column[k]), wanted[k][1]) == 0)
            k++;
        if (k == count)
            return (int)row;
    }
    return -1;
}

const char *study_text(const csv_table *t, int row, const char *column) {
    const char *text = row >= 0 && (size_t)row < t->rows ? csv_table_text_at(t, (size_t)row, column) : NULL;
    return text ? text : "not recorded";
}

double study_number(const csv_table *t, int row, const char *column) {
    double value;
    if (row < 0 || (size_t)row >= t->rows || csv_table_number(t, (size_t)row, column, &value) < 0)
        return NAN;
    return value;
}

const char *study_comment(const csv_table *t, const char *key, const char *otherwise) {
    const char *comment = t ? csv_table_comment(t, key) : NULL;
    return comment ? comment : otherwise;
}
