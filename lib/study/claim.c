#include "study/claim.h"

#include "core/memory.h"
#include <stdlib.h>
#include <string.h>

void claim_write_header(csv_writer *csv) {
    csv_writer_row(csv, "key,claim,effect,estimate,ci_low,ci_high,n,test,verdict");
}

void claim_write(csv_writer *csv, const claim *c, int digits) {
    csv_writer_text(csv, c->key);
    csv_writer_text(csv, c->text);
    csv_writer_text(csv, c->effect);
    interval_write(csv, c->value, digits);
    csv_writer_integer(csv, (long long)c->n);
    csv_writer_text(csv, c->test);
    csv_writer_text(csv, c->verdict);
    csv_writer_end_row(csv);
}

static int read_claim(const csv_table *t, size_t row, claim *c) {
    const struct {
        const char *column, **text;
    } texts[] = {{"key", &c->key},
                 {"claim", &c->text},
                 {"effect", &c->effect},
                 {"test", &c->test},
                 {"verdict", &c->verdict}};
    double n;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        if (!(*texts[k].text = csv_table_text_at(t, row, texts[k].column)))
            return -1;
    if (interval_read(t, row, &c->value) < 0 || csv_table_number(t, row, "n", &n) < 0)
        return -1;
    c->n = n > 0.0 ? (size_t)n : 0;
    return 0;
}

int claim_list_read(claim_list *list, const char *path) {
    *list = (claim_list){.table = csv_table_read(path)};
    if (!list->table || csv_table_column(list->table, "key") < 0 ||
        !(list->items = mem_calloc(list->table->rows, sizeof *list->items)))
        return -1;
    for (; list->count < list->table->rows; list->count++)
        if (read_claim(list->table, list->count, &list->items[list->count]) < 0)
            return -1;
    return 0;
}

void claim_list_free(claim_list *list) {
    free(list->items);
    csv_table_free(list->table);
    *list = (claim_list){0};
}

const claim *claim_list_find(const claim_list *list, const char *key) {
    for (size_t k = 0; k < list->count; k++)
        if (strcmp(list->items[k].key, key) == 0)
            return &list->items[k];
    return NULL;
}
