/* Which fastMRI files train, validate and test.
 *
 * Without lists, as in the reproduced study:
 *   test        every <folder>/multicoil_val/X.h5
 *   train, val  every <folder>/multicoil_train/X.h5, split by patient: the patients, sorted by id (byte
 *               order) and then shuffled with the stream (seed, RNG_SPLIT, 0, 0), go to val one after another
 *               until it holds at least round(val_share * number of files) scans; the others train.
 * A folder that is missing gives no scans. Where neither exists, all *.h5 files in <folder> itself are test;
 * otherwise those are ignored.
 *
 * With lists (io/scan_list.h), a split is what its list names, and empty when it has none. A name is looked
 * up below <folder> as it is listed, then by its last part in <folder>, <folder>/multicoil_train and
 * <folder>/multicoil_val; the first that is there counts.
 *
 * The result depends on the files and the settings alone, not on the order in which folders list them. No
 * patient is in two splits. */
#ifndef SSFD_MRI_SCAN_SPLIT_H
#define SSFD_MRI_SCAN_SPLIT_H

#include "mri/fastmri.h"
#include <stdint.h>

typedef enum { SPLIT_TRAIN, SPLIT_VAL, SPLIT_TEST, SPLIT_KINDS } split_kind;
const char *split_name(split_kind kind); /* "train", "val", "test" */
int split_find(const char *name);        /* its split_kind; -1: none */

#define SPLIT_VAL_SHARE 0.2 /* of the scans in multicoil_train; the usual value */

typedef struct {
    const char *folder;
    const char *lists[SPLIT_KINDS]; /* files, NULL for none; one is enough */
    double val_share;               /* within [0, 1] */
    uint64_t seed;
    fastmri_image_size image; /* rows 0: as the files say */
    int keep_going;           /* skip what cannot be opened instead of failing */
} split_settings;

typedef struct {
    char *path, *scan_id, *patient_id;
    int slices, image_rows, image_columns;
} split_scan;

typedef struct {
    split_scan *scans; /* sorted by scan_id, byte order */
    int count, patients;
    int64_t slices;
} split_part;

typedef struct {
    char *path;    /* of a missing file: the name as listed */
    char *message; /* why */
} split_skipped;

typedef struct {
    split_part parts[SPLIT_KINDS];
    split_skipped *skipped; /* in the order they were met */
    int skipped_count;
    int one_coil; /* scans of a single coil */
} scan_split;

/* Opens every file to read its patient and shape (mri/fastmri.h: not from within critical(hdf5)).
 *
 * With keep_going a file that cannot be opened, or that a list names and is not there, goes to `skipped`, and
 * the rest is split as if it did not exist; otherwise the first one is the error. In either case NULL for: val_share outside [0, 1]; neither folder nor any *.h5 file; a list that cannot be read; a file
 * that is named twice, or by two lists; a listed num_slices or patient_id other than the file's; two scans of
 * a split with the same id; a patient in two splits; no scan at all. */
scan_split *scan_split_open(const split_settings *settings);
void scan_split_free(scan_split *split); /* NULL is allowed */

#endif
