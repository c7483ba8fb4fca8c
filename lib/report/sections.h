/* The sections of the results page, in the order of the poster. -1 with a message where a table lacks what
 * the section needs; a table that is not there at all is said to be missing. */
#ifndef SSFD_REPORT_SECTIONS_H
#define SSFD_REPORT_SECTIONS_H

#include "report/report.h"

void section_head(report *r);
void section_warnings(report *r);
int section_summary(report *r);
void section_data(report *r);
int section_inpainting(report *r);
void section_training(report *r);
int section_sweep(report *r);
int section_baselines(report *r);
int section_layers(report *r);
int section_quality(report *r);
int section_claims(report *r);
int section_ablation(report *r);
void section_reconstruction(report *r);
void section_differences(report *r);
void section_provenance(report *r);
void section_tables(report *r);

#endif
