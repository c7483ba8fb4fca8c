#include "report/report.h"

#include "core/memory.h"
#include "core/file.h"
#include "core/cli.h"
#include "core/error.h"
#include "report/html.h"
#include "report/sections.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- files */

char *report_read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set_null("%s: cannot be read", path);
    char *data = NULL;
    long length = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (length >= 0 && fseek(f, 0, SEEK_SET) == 0 && (data = mem_alloc((size_t)length + 1)) &&
        fread(data, 1, (size_t)length, f) == (size_t)length) {
        data[length] = '\0';
        *size = (size_t)length;
    } else {
        free(data);
        data = err_set_null("%s: cannot be read", path);
    }
    fclose(f);
    return data;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void report_free_names(name_list *list) {
    for (int k = 0; k < list->count; k++)
        free(list->names[k]);
    free(list->names);
    *list = (name_list){0};
}

static int add_name(name_list *list, const char *name) {
    char **grown = realloc(list->names, ((size_t)list->count + 1) * sizeof *grown);
    if (!grown)
        return err_set("out of memory");
    list->names = grown;
    if (!(grown[list->count] = strdup(name)))
        return err_set("out of memory");
    list->count++;
    return 0;
}

/* Sorted names of a folder's visible files that end with `ending`; an absent folder has none. */
int report_list_files(const char *folder, const char *ending, name_list *list) {
    int status = 0;
    DIR *d = opendir(folder);
    *list = (name_list){0};
    for (struct dirent *e; d && status == 0 && (e = readdir(d));) {
        size_t length = strlen(e->d_name), tail = strlen(ending);
        if (e->d_name[0] != '.' && length > tail && strcmp(e->d_name + length - tail, ending) == 0)
            status = add_name(list, e->d_name);
    }
    if (d)
        closedir(d);
    if (list->count)
        qsort(list->names, (size_t)list->count, sizeof *list->names, compare_names);
    return status;
}

int report_has(const report *r, const char *file) {
    char path[REPORT_PATH];
    snprintf(path, sizeof path, "%s/%s", r->results, file);
    return access(path, R_OK) == 0;
}

const char *report_comment(const csv_table *t, const char *name) {
    size_t length = strlen(name);
    for (size_t k = 0; k < t->comment_count; k++)
        if (strncmp(t->comments[k], name, length) == 0 && strncmp(t->comments[k] + length, ": ", 2) == 0)
            return t->comments[k] + length + 2;
    return NULL;
}

int report_ends_with(const char *name, const char *ending) {
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

FILE *report_begin(const char *path, char **temporary) {
    *temporary = atomic_begin(path);
    FILE *f = *temporary ? fopen(*temporary, "w") : NULL;
    if (*temporary && !f) {
        atomic_discard(*temporary);
        return err_set_null("%s: cannot be written", path);
    }
    return f;
}

int report_finish(FILE *f, char *temporary, const char *path, int status) {
    int failed = ferror(f);
    if (fclose(f) != 0 || failed)
        status = err_set("%s: cannot be written", path);
    if (status == 0)
        return atomic_commit(temporary, path);
    atomic_discard(temporary);
    return -1;
}

/* ---------------------------------------------------------------- what is read */

static json_t *read_record(const char *path) {
    size_t size;
    json_error_t error;
    char *text = report_read_file(path, &size);
    if (!text)
        return NULL;
    json_t *record = json_loadb(text, size, JSON_ALLOW_NUL, &error);
    free(text);
    if (json_is_object(record))
        return record;
    json_decref(record);
    return err_set_null("%s: not a run record: expected a JSON object", path);
}

static int read_records(report *r, const char *folder) {
    char path[REPORT_PATH];
    name_list names;
    snprintf(path, sizeof path, "%s/%s", r->results, folder);
    int status = report_list_files(path, ".json", &names);
    json_t **grown = realloc(r->records, (size_t)(r->record_count + names.count + 1) * sizeof *grown);
    if (!grown)
        status = err_set("out of memory");
    else
        r->records = grown;
    for (int k = 0; status == 0 && k < names.count; k++) {
        snprintf(path, sizeof path, "%s/%s/%s", r->results, folder, names.names[k]);
        if ((r->records[r->record_count] = read_record(path)))
            r->record_count++;
        else
            status = -1;
    }
    report_free_names(&names);
    return status;
}

/* A table with these columns (ends with NULL); *t stays NULL where the file is not there and need not be. */
static int read_table(const report *r, const char *name, int needed, const char *const *columns,
                      csv_table **t) {
    char path[REPORT_PATH];
    snprintf(path, sizeof path, "%s/%s", r->results, name);
    if (!needed && access(path, F_OK) != 0)
        return 0;
    if (!(*t = csv_table_read(path)))
        return -1;
    for (; *columns; columns++)
        if (csv_table_column(*t, *columns) < 0)
            return -1;
    return (*t)->rows || needed ? 0 : err_set("%s: has no rows", path);
}

static int read_tables(report *r) {
    static const char *const sweep[] = {"perturbation", "level",      "metric", "n_scans",
                                        "title",        "level_name", NULL};
    static const char *const inpainting[] = {"method", "title", "mean", "n_scans", NULL};
    static const char *const layers[] = {"layer",   "group",    "unit",   "coefficient", "n",
                                         "n_scans", "estimate", "ci_low", "ci_high",     NULL};
    static const char *const quality[] = {"statistic", "metric",   "group", "unit",
                                          "fault",     "estimate", "title", NULL};
    static const char *const ablation[] = {"network", "measure", "training_steps", "n_scans", NULL};
    return read_table(r, "perturbation_sweep.csv", 1, sweep, &r->sweep) < 0 ||
                   read_table(r, "inpainting_summary.csv", 0, inpainting, &r->inpainting) < 0 ||
                   read_table(r, "layer_correlation.csv", 0, layers, &r->layers) < 0 ||
                   read_table(r, REPORT_FOREGROUND "layer_correlation.csv", 0, layers,
                              &r->foreground_layers) < 0 ||
                   read_table(r, REPORT_FOREGROUND "quality_control_summary.csv", 0, quality,
                              &r->foreground_quality) < 0 ||
                   read_table(r, "quality_control_summary.csv", 0, quality, &r->quality) < 0 ||
                   read_table(r, "ablation.csv", 0, ablation, &r->ablation) < 0
               ? -1
               : 0;
}

static int has_ssfd(const report *r) {
    int metric = csv_table_column(r->sweep, "metric");
    for (size_t k = 0; k < r->sweep->rows; k++)
        if (strcmp(csv_table_text(r->sweep, k, metric), "ssfd") == 0)
            return 1;
    return 0;
}

int report_open(report *r) {
    if (read_tables(r) < 0)
        return -1;
    if (!has_ssfd(r))
        return err_set("%s/perturbation_sweep.csv: has no rows of metric ssfd", r->results);
    const char *cohort = report_comment(r->sweep, "cohort");
    snprintf(r->cohort, sizeof r->cohort, "%s", cohort ? cohort : "not named");
    return read_records(r, "records") < 0 ? -1 : read_records(r, REPORT_FOREGROUND "records");
}

void report_free(report *r) {
    for (int k = 0; k < r->record_count; k++)
        json_decref(r->records[k]);
    free(r->records);
    report_free_names(&r->tables);
    report_free_names(&r->foreground_tables);
    csv_table *const tables[] = {r->sweep,
                                 r->claims,
                                 r->inpainting,
                                 r->layers,
                                 r->quality,
                                 r->ablation,
                                 r->foreground_layers,
                                 r->foreground_quality,
                                 r->foreground_claims};
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++)
        csv_table_free(tables[k]);
}

/* ---------------------------------------------------------------- the page */

/* In the order of the poster. */
static int write_sections(report *r) {
    section_head(r);
    if (section_summary(r) < 0)
        return -1;
    section_warnings(r);
    section_data(r);
    if (section_inpainting(r) < 0)
        return -1;
    section_training(r);
    if (section_sweep(r) < 0 || section_baselines(r) < 0 || section_layers(r) < 0 || section_quality(r) < 0 ||
        section_claims(r) < 0 || section_ablation(r) < 0)
        return -1;
    section_reconstruction(r);
    section_differences(r);
    section_provenance(r);
    section_tables(r);
    return 0;
}

int report_write_page(report *r) {
    char path[REPORT_PATH], *temporary;
    snprintf(path, sizeof path, "%s/index.html", r->results);
    if (!(r->page = report_begin(path, &temporary)))
        return -1;
    html_begin(r->page, "SSFD: results");
    int status = write_sections(r);
    html_end(r->page);
    return report_finish(r->page, temporary, path, status);
}
