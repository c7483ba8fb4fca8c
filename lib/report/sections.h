/* The sections of the page that belong to no experiment: data for their slots in page.html. */
#ifndef SSFD_REPORT_SECTIONS_H
#define SSFD_REPORT_SECTIONS_H

#include "report/study.h"
#include "report/template.h"

/* All <experiment>_claims.csv together as claims.csv, which is then read as s->claims. */
int claims_gather(study *s);
void section_claims(const study *s, json_t *page);

void section_data(const study *s,
                  json_t *page); /* the split, how it was measured, what differs from the poster */
void section_networks(const study *s, json_t *page); /* the training records of both */

int manifest_write(const study *s);
void section_provenance(const study *s, json_t *page);
int section_tables(const study *s, json_t *page);

#endif
