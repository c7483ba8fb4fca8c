/* What the experiments say about the poster's claims. A claim is found by its key; its sentence is for
 * readers only. */
#ifndef SSFD_STUDY_CLAIM_H
#define SSFD_STUDY_CLAIM_H

#include "core/csv.h"
#include "stats/interval.h"

/* Keys: shift_to_<perturbation>, robustness_<metric>, layer_trend, detection_<metric>. */
typedef struct {
    const char *key, *text; /* "layer_trend", "the earlier the encoder layer the higher ..." */
    const char *effect;     /* what the interval is of: "slope of r per layer" */
    interval value;
    size_t n; /* scans */
    const char *test, *verdict;
} claim;

/* Header and rows of a table of claims; digits: significant ones of the numbers. */
void claim_write_header(csv_writer *csv);
void claim_write(csv_writer *csv, const claim *c, int digits);

typedef struct {
    size_t count;
    claim *items;     /* [count], whose texts belong to the table */
    csv_table *table; /* with the comments of the program that wrote it */
} claim_list;

/* A table of claims. Release with claim_list_free() in either case. */
int claim_list_read(claim_list *list, const char *path);
void claim_list_free(claim_list *list);
const claim *claim_list_find(const claim_list *list, const char *key); /* NULL: there is none */

#endif
