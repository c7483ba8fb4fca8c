/* What the programs that make virtual scans have in common: the settings of a virtual cohort. */
#ifndef SSFD_DATA_PREP_VIRTUAL_COHORT_H
#define SSFD_DATA_PREP_VIRTUAL_COHORT_H

#include "core/cli.h"
#include "mri/scan_split.h"
#include <stdint.h>

typedef struct {
    const char *source;
    int scans[SPLIT_KINDS], slices[SPLIT_KINDS], size;
} virtual_cohort;

/* clang-format off */
#define VIRTUAL_COHORT_DEFAULTS \
    {.source = "/usr/share/mricron/templates/ch2.nii.gz", .scans = {160, 24, 199}, .slices = {12, 4, 2}, .size = 320}

#define VIRTUAL_COHORT_OPTIONS(c) \
    {CLI_STRING, "source", &(c).source, "FILE", "virtual scans: Colin27 head volume (NIfTI, 1 mm)", 0, 0}, \
    {CLI_INT, "train", &(c).scans[SPLIT_TRAIN], "N", "virtual scans: how many to train on", 1, 9999}, \
    {CLI_INT, "val", &(c).scans[SPLIT_VAL], "N", "virtual scans: how many to validate on", 1, 9999}, \
    {CLI_INT, "test", &(c).scans[SPLIT_TEST], "N", "virtual scans: how many to test on", 1, 9999}, \
    {CLI_INT, "train-slices", &(c).slices[SPLIT_TRAIN], "N", "virtual scans: slices of a training scan", 1, 256}, \
    {CLI_INT, "val-slices", &(c).slices[SPLIT_VAL], "N", "virtual scans: slices of a validation scan", 1, 256}, \
    {CLI_INT, "test-slices", &(c).slices[SPLIT_TEST], "N", "virtual scans: slices of a test scan", 1, 256}, \
    {CLI_INT, "size", &(c).size, "PIXELS", "virtual scans: rows and columns", 32, 1024}
/* clang-format on */

#endif
