/* The settings of a virtual cohort, as the programs that make virtual scans take them. */
#ifndef SSFD_DATA_PREP_VIRTUAL_COHORT_H
#define SSFD_DATA_PREP_VIRTUAL_COHORT_H

#include "core/error.h"
#include "mri/scan_split.h"
#include "program/options.h"
#include <string.h>

typedef struct {
    const char *source;
    int scans[SPLIT_KINDS], slices[SPLIT_KINDS], size;
} virtual_cohort;

#define VIRTUAL_COHORT_DEFAULTS                                                                              \
    {                                                                                                        \
        .source = "/usr/share/mricron/templates/ch2.nii.gz", .scans = {160, 24, 199}, .slices = {12, 4, 2},  \
        .size = 320                                                                                          \
    }

#define OPT_VIRTUAL_COHORT(cohort) OPT_GROUP(virtual_cohort_group, OPT_TARGET(cohort, virtual_cohort *))

#define VIRTUAL_FIELD(field) OPT_FIELD(virtual_cohort, field)
static const program_option virtual_cohort_group[] = {
    OPT_TEXT("source", VIRTUAL_FIELD(source), "FILE", "virtual scans: Colin27 head volume (NIfTI, 1 mm)"),
    OPT_INT("train", VIRTUAL_FIELD(scans[SPLIT_TRAIN]), "N", 1, 9999, "virtual scans: how many to train on"),
    OPT_INT("val", VIRTUAL_FIELD(scans[SPLIT_VAL]), "N", 1, 9999, "virtual scans: how many to validate on"),
    OPT_INT("test", VIRTUAL_FIELD(scans[SPLIT_TEST]), "N", 1, 9999, "virtual scans: how many to test on"),
    OPT_INT("train-slices", VIRTUAL_FIELD(slices[SPLIT_TRAIN]), "N", 1, 256,
            "virtual scans: slices of a training scan"),
    OPT_INT("val-slices", VIRTUAL_FIELD(slices[SPLIT_VAL]), "N", 1, 256,
            "virtual scans: slices of a validation scan"),
    OPT_INT("test-slices", VIRTUAL_FIELD(slices[SPLIT_TEST]), "N", 1, 256,
            "virtual scans: slices of a test scan"),
    OPT_INT("size", VIRTUAL_FIELD(size), "PIXELS", 32, 1024, "virtual scans: rows and columns"),
    OPT_END};
#undef VIRTUAL_FIELD

/* --split: one split, or all of them. */
static inline int split_is_wanted(const char *given, int split) {
    return strcmp(given, "all") == 0 || split_find(given) == split;
}

static inline int split_check(const char *given) {
    if (strcmp(given, "all") == 0 || split_find(given) >= 0)
        return 0;
    return err_set("unknown split '%s': expected train, val, test or all", given);
}

#endif
