#include "study/score_table.h"

#include "core/error.h"
#include "core/list.h"
#include "core/memory.h"
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- making */

score_table *score_table_create(size_t rows, size_t scans, size_t metrics) {
    score_table *t = mem_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (score_table){.rows = rows, .scans = scans, .metrics = metrics};
    int ok = (t->scan_ids = mem_calloc(scans, sizeof *t->scan_ids)) &&
             (t->first = mem_calloc(scans + 1, sizeof *t->first)) &&
             (t->slice = mem_alloc(rows * sizeof *t->slice)) &&
             (t->acceleration = mem_alloc(rows * sizeof *t->acceleration)) &&
             (t->method = mem_alloc(rows * sizeof *t->method)) &&
             (t->fault = mem_alloc(rows * sizeof *t->fault)) &&
             (t->metric = mem_calloc(metrics, sizeof *t->metric)) &&
             (t->values = mem_calloc(metrics, sizeof *t->values));
    for (size_t m = 0; ok && m < metrics; m++)
        ok = (t->values[m] = mem_calloc(rows, sizeof(double))) != NULL;
    const char *none = ok ? score_table_label(t, "") : NULL;
    const char *no_fault = none ? score_table_label(t, SCORE_NO_FAULT) : NULL;
    for (size_t row = 0; no_fault && row < rows; row++) {
        t->slice[row] = -1;
        t->acceleration[row] = t->method[row] = none;
        t->fault[row] = no_fault;
    }
    if (no_fault)
        return t;
    score_table_free(t);
    return NULL;
}

static void free_texts(char **texts, size_t count) {
    for (size_t k = 0; texts && k < count; k++)
        free(texts[k]);
    free(texts);
}

static void keep(void *label) { /* it belongs to t->labels */
    (void)label;
}

void score_table_free(score_table *t) {
    if (!t)
        return;
    free_texts(t->scan_ids, t->scans);
    tdestroy(t->label_tree, keep);
    free_texts(t->labels, t->label_count);
    for (size_t m = 0; t->values && m < t->metrics; m++)
        free(t->values[m]);
    free(t->values);
    free(t->metric);
    free(t->first);
    free(t->slice);
    free(t->acceleration);
    free(t->method);
    free(t->fault);
    free(t);
}

static int set_text(char **at, const char *text) {
    char *copy = strdup(text);
    if (!copy)
        return err_set("out of memory");
    free(*at);
    *at = copy;
    return 0;
}

int score_table_set_scan(score_table *t, size_t scan, const char *id) {
    return set_text(&t->scan_ids[scan], id);
}

static int by_text(const void *a, const void *b) {
    return strcmp(a, b);
}

/* NULL where the table has no such text. */
static const char *find_label(const score_table *t, const char *text) {
    char *const *found = tfind(text, &t->label_tree, by_text);
    return found ? *found : NULL;
}

const char *score_table_label(score_table *t, const char *text) {
    const char *found = find_label(t, text);
    if (found)
        return found;
    char **labels = realloc(t->labels, (t->label_count + 1) * sizeof *labels);
    if (!labels)
        return err_set_null("out of memory");
    t->labels = labels;
    labels[t->label_count] = NULL;
    if (set_text(&labels[t->label_count], text) < 0)
        return NULL;
    char *label = labels[t->label_count++];
    return tsearch(label, &t->label_tree, by_text) ? label : err_set_null("out of memory");
}

/* ---------------------------------------------------------------- files: writing */

enum { SCAN_ID, SLICE, ACCELERATION, METHOD, FAULT, KEYS };
static const char *const key_names[KEYS] = {"scan_id", "slice", "acceleration", "method", "fault"};

static void write_row(const score_table *t, csv_writer *csv, size_t scan, size_t row) {
    csv_writer_text(csv, t->scan_ids[scan]);
    if (t->slice[row] < 0)
        csv_writer_text(csv, "");
    else
        csv_writer_integer(csv, t->slice[row]);
    csv_writer_plain(csv, t->acceleration[row]);
    csv_writer_plain(csv, t->method[row]);
    csv_writer_plain(csv, t->fault[row]);
    for (size_t m = 0; m < t->metrics; m++)
        csv_writer_real(csv, t->values[m][row]);
    csv_writer_end_row(csv);
}

void score_table_labels(const score_table *t, csv_writer *csv) {
    for (size_t m = 0; m < t->metrics; m++)
        metric_label_write(&t->metric[m], csv);
}

void score_table_write(const score_table *t, csv_writer *csv) {
    csv_writer_comment(csv, "cohort: %s", t->cohort);
    score_table_labels(t, csv);
    for (int k = 0; k < KEYS; k++)
        csv_writer_text(csv, key_names[k]);
    for (size_t m = 0; m < t->metrics; m++)
        csv_writer_text(csv, t->metric[m].key);
    csv_writer_end_row(csv);
    for (size_t s = 0; s < t->scans; s++)
        for (size_t row = t->first[s]; row < t->first[s + 1]; row++)
            write_row(t, csv, s, row);
}

/* ---------------------------------------------------------------- files: which columns */

#define MAX_NAME 200 /* bytes of a scan's id and of a label */

static int is_key(const char *name) {
    for (int k = 0; k < KEYS; k++)
        if (strcmp(key_names[k], name) == 0)
            return 1;
    return 0;
}

/* The columns requested. */
typedef struct {
    name_list metrics, optional, higher, lower;
    name_list names, columns; /* names[k] has the column columns[k] */
} request;

static void request_free(request *r) {
    name_list *lists[] = {&r->metrics, &r->optional, &r->higher, &r->lower, &r->names, &r->columns};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
        name_list_free(lists[k]);
}

/* A metric of such a name would have the column of something else. */
static int split_metrics(name_list *list, const char *text) {
    if (name_list_split(list, text, "metric") < 0)
        return -1;
    for (size_t k = 0; k < list->count; k++)
        if (is_key(list->items[k]) || strchr(list->items[k], '"') || strlen(list->items[k]) >= METRIC_NAME)
            return err_set("'%s' cannot be the name of a metric", list->items[k]);
    return 0;
}

static int is_requested(const request *r, const char *name) {
    return name_list_find(&r->metrics, name) >= 0 || name_list_find(&r->optional, name) >= 0;
}

static int add_renamed(request *r, char *item) {
    char *sign = strchr(item, '=');
    if (!sign || sign == item || !sign[1] || strchr(item, '"'))
        return err_set("columns: '%s': expected NAME=COLUMN", item);
    *sign = '\0';
    if (!is_key(item) && !is_requested(r, item))
        return err_set("columns: '%s' is neither a requested metric nor one of scan_id, slice, acceleration, "
                       "method, fault",
                       item);
    if (name_list_find(&r->names, item) >= 0)
        return err_set("columns: '%s' is given twice", item);
    return name_list_add(&r->names, item) < 0 ? -1 : name_list_add(&r->columns, sign + 1);
}

static int split_renamed(request *r, const char *text) {
    name_list items;
    int status = name_list_split(&items, text, "columns:");
    for (size_t k = 0; status == 0 && k < items.count; k++)
        status = add_renamed(r, items.items[k]);
    name_list_free(&items);
    return status;
}

static int request_parse(request *r, const score_columns *c) {
    *r = (request){.metrics = {0}};
    if (split_metrics(&r->metrics, c->metrics) < 0 ||
        split_metrics(&r->optional, c->optional ? c->optional : "") < 0 ||
        split_metrics(&r->higher, c->higher) < 0 || split_metrics(&r->lower, c->lower) < 0)
        return -1;
    if (!r->metrics.count)
        return err_set("no metric is requested");
    return split_renamed(r, c->columns);
}

int score_columns_check(const score_columns *c) {
    request r;
    int status = request_parse(&r, c);
    request_free(&r);
    return status;
}

/* ---------------------------------------------------------------- files: reading */

typedef struct {
    const csv_table *csv;
    int key[KEYS];       /* columns of scan_id, ...; -1: there is none */
    int *column;         /* [metrics] */
    metric_label *label; /* [metrics] */
    size_t metrics;
    size_t *order;  /* [rows]: rows of the file, those of a scan together */
    size_t *opener; /* [rows]: the first row of the same scan */
    size_t scans;
    char unused[512]; /* of score_table */
} reader;

static int has_column(const csv_table *csv, const char *name) {
    for (size_t k = 0; k < csv->columns; k++)
        if (strcmp(csv->header[k], name) == 0)
            return 1;
    return 0;
}

/* A renamed column is required; one that is given to another name is no optional metric of its own. *column is -1
 * where there is none. */
static int find_column(const reader *in, const request *r, const char *name, int is_required, int *column) {
    int renamed = name_list_find(&r->names, name);
    *column = -1;
    if (renamed < 0 && !is_required && (!has_column(in->csv, name) || name_list_find(&r->columns, name) >= 0))
        return 0;
    *column = csv_table_column(in->csv, renamed < 0 ? name : r->columns.items[renamed]);
    return *column < 0 ? -1 : 0;
}

/* Key and column differ where a column is renamed: a comment is about the column. 1: described, 0: not. */
static int describe(const csv_table *csv, int column, const char *key, metric_label *label) {
    int found = metric_label_read(label, csv, csv->header[column]);
    if (found == 0)
        found = metric_known(key, label);
    snprintf(label->key, sizeof label->key, "%s", key);
    return found;
}

/* The direction is that of the table or the registry; what the user says must agree with it. */
static int find_metric_label(const reader *in, const request *r, int column, const char *key,
                             metric_label *label) {
    int is_higher = name_list_find(&r->higher, key) >= 0, is_lower = name_list_find(&r->lower, key) >= 0;
    metric_direction said = is_higher ? METRIC_HIGHER_IS_BETTER : METRIC_LOWER_IS_BETTER;
    int found = describe(in->csv, column, key, label);
    if (found < 0)
        return -1;
    if (is_higher && is_lower)
        return err_set("%s: %s is named in both --higher-is-better and --lower-is-better", in->csv->path,
                       key);
    if (!found && !is_higher && !is_lower)
        return err_set("%s: column '%s': is a higher or a lower value better? say --higher-is-better %s or "
                       "--lower-is-better %s",
                       in->csv->path, in->csv->header[column], key, key);
    if (found && (is_higher || is_lower) && label->direction != said)
        return err_set("%s: column '%s': of %s a %s value is better", in->csv->path, in->csv->header[column],
                       label->title, label->direction == METRIC_HIGHER_IS_BETTER ? "higher" : "lower");
    if (!found) {
        *label = (metric_label){.direction = said, .roles = METRIC_CLAIMED | METRIC_BASELINE};
        label->roles |= said == METRIC_HIGHER_IS_BETTER ? METRIC_UNBOUNDED : 0;
        snprintf(label->key, sizeof label->key, "%s", key);
        snprintf(label->title, sizeof label->title, "%s", key);
    }
    return 0;
}

static int add_metric(reader *in, const request *r, const char *key, int is_required) {
    int column;
    if (find_column(in, r, key, is_required, &column) < 0)
        return -1;
    if (column < 0)
        return 0;
    in->column[in->metrics] = column;
    return find_metric_label(in, r, column, key, &in->label[in->metrics++]);
}

static int has_number(const csv_table *csv, int column) {
    double value;
    for (size_t row = 0; row < csv->rows; row++)
        if (csv_table_real(csv, row, column, &value) == 0)
            return 1;
    return 0;
}

static void note_unused(reader *in, const char *name) {
    size_t used = strlen(in->unused);
    snprintf(in->unused + used, sizeof in->unused - used, "%s%s", used ? ", " : "", name);
}

/* A column that was not requested is a metric where it is described and has a number in it. */
static int add_column(reader *in, const request *r, int column) {
    const char *name = in->csv->header[column];
    metric_label label;
    if (is_key(name) || strpbrk(name, ",\"\r\n") || strlen(name) >= METRIC_NAME || is_requested(r, name) ||
        name_list_find(&r->columns, name) >= 0 || !has_number(in->csv, column))
        return 0;
    int found = describe(in->csv, column, name, &label);
    if (found > 0 && !(label.roles & METRIC_LAYER))
        return add_metric(in, r, name, 0);
    if (found == 0)
        note_unused(in, name);
    return found < 0 ? -1 : 0;
}

static int check_directions(const reader *in, const name_list *list) {
    for (size_t k = 0; k < list->count; k++) {
        size_t m = 0;
        while (m < in->metrics && strcmp(in->label[m].key, list->items[k]) != 0)
            m++;
        if (m == in->metrics)
            return err_set("%s: '%s' has a direction and is not among the metrics", in->csv->path,
                           list->items[k]);
    }
    return 0;
}

static int find_columns(reader *in, const request *r, int take_all) {
    size_t most = r->metrics.count + r->optional.count + in->csv->columns;
    in->column = mem_alloc(most * sizeof *in->column);
    in->label = mem_alloc(most * sizeof *in->label);
    if (!in->column || !in->label)
        return -1;
    for (int k = 0; k < KEYS; k++)
        if (find_column(in, r, key_names[k], k == SCAN_ID, &in->key[k]) < 0)
            return -1;
    for (size_t k = 0; k < r->metrics.count; k++)
        if (add_metric(in, r, r->metrics.items[k], 1) < 0)
            return -1;
    for (size_t k = 0; k < r->optional.count; k++)
        if (add_metric(in, r, r->optional.items[k], 0) < 0)
            return -1;
    for (size_t k = 0; take_all && k < in->csv->columns; k++)
        if (add_column(in, r, (int)k) < 0)
            return -1;
    return check_directions(in, &r->higher) < 0 ? -1 : check_directions(in, &r->lower);
}

static const char *scan_of(const reader *in, size_t row) {
    return csv_table_text(in->csv, row, in->key[SCAN_ID]);
}

static int by_scan(const void *a, const void *b, void *in) {
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    int order = strcmp(scan_of(in, i), scan_of(in, j));
    return order ? order : (i > j) - (i < j);
}

static int by_opener(const void *a, const void *b, void *opener) {
    const size_t *of = opener, i = *(const size_t *)a, j = *(const size_t *)b;
    return of[i] != of[j] ? (of[i] > of[j]) - (of[i] < of[j]) : (i > j) - (i < j);
}

/* Names go into tables and figures, a line each. */
static int check_text(const reader *in, size_t row, int column) {
    const char *text = csv_table_text(in->csv, row, column);
    if (strlen(text) > MAX_NAME)
        return err_set("%s: row %zu, column '%s': a name of %zu bytes, expected at most %d", in->csv->path,
                       row + 1, in->csv->header[column], strlen(text), MAX_NAME);
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return err_set("%s: row %zu, column '%s': a name with a control character (%#x)", in->csv->path,
                           row + 1, in->csv->header[column], (unsigned char)*c);
    return 0;
}

/* Puts the rows of a scan together, scans in the order they first appear. */
static int group_rows(reader *in) {
    size_t rows = in->csv->rows, opener = 0;
    for (size_t row = 0; row < rows; row++) {
        in->order[row] = row;
        if (*scan_of(in, row) == '\0')
            return err_set("%s: row %zu, column '%s': a scan without a name", in->csv->path, row + 1,
                           in->csv->header[in->key[SCAN_ID]]);
        if (check_text(in, row, in->key[SCAN_ID]) < 0)
            return -1;
    }
    qsort_r(in->order, rows, sizeof *in->order, by_scan, in);
    for (size_t k = 0; k < rows; k++) {
        size_t row = in->order[k];
        if (k == 0 || strcmp(scan_of(in, row), scan_of(in, opener)) != 0) {
            opener = row;
            in->scans++;
        }
        in->opener[row] = opener;
    }
    if (in->scans < SCORE_MIN_SCANS)
        return err_set("%s: %zu scan%s in column '%s', expected at least %d", in->csv->path, in->scans,
                       in->scans == 1 ? "" : "s", in->csv->header[in->key[SCAN_ID]], SCORE_MIN_SCANS);
    qsort_r(in->order, rows, sizeof *in->order, by_opener, in->opener);
    return 0;
}

/* Without such a column, or without a word in it, the label stays what it is. */
static int read_label(score_table *t, const reader *in, int key, size_t row, const char **label) {
    const char *text = in->key[key] < 0 ? "" : csv_table_text(in->csv, row, in->key[key]);
    if (*text && check_text(in, row, in->key[key]) < 0)
        return -1;
    if (*text)
        *label = score_table_label(t, text);
    return *label ? 0 : -1;
}

static int read_slice(const reader *in, size_t row, int *slice) {
    int column = in->key[SLICE];
    double value;
    if (column < 0 || *csv_table_text(in->csv, row, column) == '\0')
        return 0;
    if (csv_table_real(in->csv, row, column, &value) < 0)
        return -1;
    if (!(value >= 0.0 && value <= INT_MAX) || value != floor(value))
        return err_set("%s: row %zu, column '%s': '%s' is not the number of a slice", in->csv->path, row + 1,
                       in->csv->header[column], csv_table_text(in->csv, row, column));
    *slice = (int)value;
    return 0;
}

static int read_metric(const reader *in, size_t row, size_t metric, double *value) {
    int column = in->column[metric];
    if (csv_table_real(in->csv, row, column, value) < 0)
        return -1;
    if (isfinite(*value) || (*value > 0.0 && (in->label[metric].roles & METRIC_UNBOUNDED)))
        return 0;
    return err_set("%s: row %zu, column '%s': found '%s', expected a finite number", in->csv->path, row + 1,
                   in->csv->header[column], csv_table_text(in->csv, row, column));
}

/* What people write where nothing is wrong. */
static int is_no_fault(const char *text) {
    static const char *const words[] = {SCORE_NO_FAULT, "no",      "0",     "0.0",    "nan",      "na",
                                        "n/a",          "null",    "false", "good",   "ok",       "okay",
                                        "fine",         "normal",  "clean", "-",      "no fault", "nofault",
                                        "no_fault",     "without", "pass",  "passed", "healthy",  "nil"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (strcasecmp(text, words[k]) == 0)
            return 1;
    return 0;
}

/* Row `from` of the file becomes row `to` of the table. */
static int read_row(score_table *t, const reader *in, size_t from, size_t to) {
    if (read_slice(in, from, &t->slice[to]) < 0 ||
        read_label(t, in, ACCELERATION, from, &t->acceleration[to]) < 0 ||
        read_label(t, in, METHOD, from, &t->method[to]) < 0 ||
        read_label(t, in, FAULT, from, &t->fault[to]) < 0)
        return -1;
    if (is_no_fault(t->fault[to]))
        t->fault[to] = score_table_label(t, SCORE_NO_FAULT);
    for (size_t m = 0; m < in->metrics; m++)
        if (read_metric(in, from, m, &t->values[m][to]) < 0)
            return -1;
    return 0;
}

static int is_same_reconstruction(const score_table *t, size_t a, size_t b) {
    return t->acceleration[a] == t->acceleration[b] && t->method[a] == t->method[b] &&
           t->fault[a] == t->fault[b];
}

/* A slice that is there twice would count twice. Rows of a scan stand together. */
static int check_unique(const score_table *t, const reader *in) {
    for (size_t s = 0; s < t->scans; s++)
        for (size_t a = t->first[s]; a < t->first[s + 1]; a++)
            for (size_t b = t->first[s]; b < a && t->slice[a] >= 0; b++)
                if (t->slice[a] == t->slice[b] && is_same_reconstruction(t, a, b))
                    return err_set(
                        "%s: rows %zu and %zu: the same scan '%s', slice %d, method, acceleration and fault",
                        in->csv->path, in->order[b] + 1, in->order[a] + 1, t->scan_ids[s], t->slice[a]);
    return 0;
}

static int read_rows(score_table *t, const reader *in) {
    size_t scan = 0;
    for (size_t k = 0; k < t->rows; k++) {
        size_t row = in->order[k];
        if (in->opener[row] == row) {
            t->first[scan] = k;
            if (score_table_set_scan(t, scan++, scan_of(in, row)) < 0)
                return -1;
        }
        if (read_row(t, in, row, k) < 0)
            return -1;
    }
    t->first[scan] = t->rows;
    return check_unique(t, in);
}

static void read_names(score_table *t, const reader *in) {
    const char *cohort = csv_table_comment(in->csv, "cohort"), *slash = strrchr(in->csv->path, '/');
    if (cohort)
        snprintf(t->cohort, sizeof t->cohort, "%s", cohort);
    else
        snprintf(t->cohort, sizeof t->cohort, "table %s", slash ? slash + 1 : in->csv->path);
    memcpy(t->metric, in->label, in->metrics * sizeof *t->metric);
    memcpy(t->unused, in->unused, sizeof t->unused);
}

static score_table *read_table(reader *in, const request *r, int take_all) {
    size_t rows = in->csv->rows;
    in->order = mem_alloc(rows * sizeof *in->order);
    in->opener = mem_alloc(rows * sizeof *in->opener);
    if (!in->order || !in->opener || find_columns(in, r, take_all) < 0 || group_rows(in) < 0)
        return NULL;
    score_table *t = score_table_create(rows, in->scans, in->metrics);
    if (!t)
        return NULL;
    read_names(t, in);
    if (read_rows(t, in) == 0)
        return t;
    score_table_free(t);
    return NULL;
}

score_table *score_table_read(const char *path, const score_columns *c) {
    request r;
    csv_table *csv = request_parse(&r, c) == 0 ? csv_table_read(path) : NULL;
    reader in = {.csv = csv};
    score_table *t = csv ? read_table(&in, &r, !c->optional) : NULL;
    free(in.order);
    free(in.opener);
    free(in.column);
    free(in.label);
    csv_table_free(csv);
    request_free(&r);
    return t;
}

/* ---------------------------------------------------------------- parts and means */

int score_table_metric(const score_table *t, const char *key) {
    char known[ERR_MESSAGE_MAX / 2] = "";
    size_t used = 0;
    for (size_t m = 0; m < t->metrics; m++) {
        if (strcmp(t->metric[m].key, key) == 0)
            return (int)m;
        if (used < sizeof known)
            used +=
                (size_t)snprintf(known + used, sizeof known - used, "%s%s", m ? ", " : "", t->metric[m].key);
    }
    return err_set("no metric '%s'; there are %s", key, known);
}

size_t score_table_distinct(const score_table *t, const char *const *texts, const char **values) {
    size_t count = 0;
    for (size_t row = 0; row < t->rows; row++) {
        size_t k = 0;
        while (k < count && values[k] != texts[row])
            k++;
        if (k == count)
            values[count++] = texts[row];
    }
    return count;
}

/* Slice and texts of a row. */
static int copy_keys(score_table *out, size_t to, const score_table *t, size_t from) {
    out->slice[to] = t->slice[from];
    return (out->acceleration[to] = score_table_label(out, t->acceleration[from])) &&
                   (out->method[to] = score_table_label(out, t->method[from])) &&
                   (out->fault[to] = score_table_label(out, t->fault[from]))
               ? 0
               : -1;
}

/* Fills `out`: row k of t goes to row target[k], or nowhere (NOWHERE). Rows of the same target are averaged,
 * their keys are those of the first. Targets begin at 0 and grow from scan to scan without a gap. */
#define NOWHERE ((size_t)-1)
static int gather(score_table *out, const score_table *t, const size_t *target) {
    size_t rows = 0, scans = 0;
    memcpy(out->metric, t->metric, t->metrics * sizeof *out->metric);
    memcpy(out->cohort, t->cohort, sizeof out->cohort);
    for (size_t s = 0; s < t->scans; s++) {
        size_t before = rows;
        for (size_t row = t->first[s]; row < t->first[s + 1]; row++)
            if (target[row] == rows && copy_keys(out, rows++, t, row) < 0)
                return -1;
        if (rows > before && score_table_set_scan(out, scans++, t->scan_ids[s]) < 0)
            return -1;
        out->first[scans] = rows;
    }
    return 0;
}

static void average(score_table *out, const score_table *t, const size_t *target, size_t *count) {
    memset(count, 0, t->rows * sizeof *count);
    for (size_t row = 0; row < t->rows; row++)
        if (target[row] != NOWHERE)
            count[target[row]]++;
    for (size_t m = 0; m < t->metrics; m++) {
        for (size_t row = 0; row < t->rows; row++)
            if (target[row] != NOWHERE)
                out->values[m][target[row]] += t->values[m][row];
        for (size_t k = 0; k < out->rows; k++)
            out->values[m][k] /= (double)count[k];
    }
}

/* target: [2 * t->rows], the second half for this function to use. */
static score_table *regroup(const score_table *t, size_t *target, size_t rows, size_t scans) {
    score_table *out = score_table_create(rows, scans, t->metrics);
    if (out && gather(out, t, target) == 0) {
        average(out, t, target, target + t->rows);
        return out;
    }
    score_table_free(out);
    return NULL;
}

score_table *score_table_select(const score_table *t, const char *const *texts, const char *value) {
    const char *label = find_label(t, value);
    size_t *target = mem_alloc(2 * t->rows * sizeof *target), rows = 0, scans = 0;
    if (!target)
        return NULL;
    for (size_t s = 0; s < t->scans; s++) {
        size_t before = rows;
        for (size_t row = t->first[s]; row < t->first[s + 1]; row++)
            target[row] = texts[row] == label ? rows++ : NOWHERE;
        scans += rows > before;
    }
    score_table *out = regroup(t, target, rows, scans);
    free(target);
    return out;
}

score_table *score_table_scan_means(const score_table *t) {
    size_t *target = mem_alloc(2 * t->rows * sizeof *target), rows = 0;
    if (!target)
        return NULL;
    for (size_t s = 0; s < t->scans; s++)
        for (size_t row = t->first[s]; row < t->first[s + 1]; row++) {
            size_t like = t->first[s];
            while (!is_same_reconstruction(t, like, row))
                like++;
            target[row] = like < row ? target[like] : rows++;
        }
    score_table *out = regroup(t, target, rows, t->scans);
    for (size_t k = 0; out && k < rows; k++)
        out->slice[k] = -1;
    free(target);
    return out;
}

const char *score_table_unit(const score_table *t) {
    score_table *means = score_table_scan_means(t);
    if (!means)
        return NULL;
    int is_mean = means->rows == t->rows, has_slices = 0;
    for (size_t row = 0; row < t->rows; row++)
        has_slices |= t->slice[row] >= 0;
    score_table_free(means);
    return is_mean ? "scan" : has_slices ? "slice" : "row";
}
