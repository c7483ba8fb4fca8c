/* Prepared scans: the file between data preparation and the experiments, the same for the default cohort and
 * fastMRI.
 *
 * One HDF5 file per scan, `<cohort folder>/<split>/<scan id>.h5`, split one of train, val, test:
 *   reference       float32 (slices, rows, columns)  ground-truth magnitude, arbitrary units, finite, >= 0
 *   zero_filled     float32 (slices, rows, columns)  zero-filled reconstruction, magnitude (optional)
 *   reconstruction  float32 (slices, rows, columns)  accelerated reconstruction, magnitude (optional)
 *   reconstruction_faulty
 *                   float32 (slices, rows, columns)  the same of a second acquisition of the same scan, in
 *                                                    which something went wrong (mri/faults.h; optional)
 *   reference_complex, zero_filled_complex, reconstruction_complex
 *                   complex64 (slices, rows, columns)  the same before the magnitude was taken (optional)
 *   slice           int32   (slices)                 index of each slice in its scan
 * Root attributes: format = "ssfd-prepared", format_version = 1, cohort ("colin27-virtual", "fastmri-knee"),
 * scan_id, patient_id, split, acquisition, source_file, source_sha256, generator (program and version), seed.
 * Optional: settings, a text that names everything the images were made with, and acceleration, the
 * undersampling factor of all images but the reference; scans of one split agree in both.
 * With reconstruction_faulty, and only then: fault, what went wrong ("motion", "lost_coil", "low_snr",
 * "spikes"), and fault_about, a sentence with its numbers. All other images are those of the good
 * acquisition. A producer may add more (see prepare_scans.c). rows = columns = 320 for both cohorts; readers
 * take any size of at least 16. */
#ifndef SSFD_IO_PREPARED_H
#define SSFD_IO_PREPARED_H

#include "core/csv.h"
#include "io/h5.h"
#include <stddef.h>
#include <stdint.h>

#define PREPARED_FORMAT "ssfd-prepared"
#define PREPARED_VERSION 1
#define PREPARED_NO_FAULT "none"
#define PREPARED_ID_MAX 200 /* bytes of a scan id, which has no control characters: tables take no other */

typedef enum {
    PREPARED_REFERENCE,
    PREPARED_ZERO_FILLED,
    PREPARED_RECONSTRUCTION,
    PREPARED_RECONSTRUCTION_FAULTY,
    PREPARED_REFERENCE_COMPLEX,
    PREPARED_ZERO_FILLED_COMPLEX,
    PREPARED_RECONSTRUCTION_COMPLEX,
    PREPARED_KINDS
} prepared_kind;
const char *prepared_kind_name(prepared_kind kind); /* the dataset's name */

typedef struct {
    h5_file *file;
    char *scan_id, *patient_id, *split, *cohort;
    char *settings;      /* how its images were made; "" when the file does not say */
    char *fault;         /* of its second acquisition; PREPARED_NO_FAULT where there is none */
    double acceleration; /* 0 when the file does not state it */
    int slices, rows, columns;
    int32_t *slice;          /* [slices] */
    int has[PREPARED_KINDS]; /* which of prepared_kind are there */
} prepared_scan;

/* Opens and checks a prepared file: format, version, shapes that agree, a fault with its images. */
prepared_scan *prepared_open(const char *path);
void prepared_close(prepared_scan *scan);
/* Slice `index` (0-based within the file) as rows*columns floats. NaN, infinite or constant images are errors
 * that name file, dataset and slice. */
int prepared_read(const prepared_scan *scan, prepared_kind kind, int index, float *image);
int prepared_read_complex(const prepared_scan *scan, prepared_kind kind, int index, float complex *image);

/* What a producer states about a scan. */
typedef struct {
    const char *cohort, *scan_id, *patient_id, *split, *acquisition, *source_file, *source_sha256, *generator;
    uint64_t seed;
    int slices, rows, columns;
    const int32_t *slice;    /* [slices]; NULL: 0, 1, 2, ... */
    int has[PREPARED_KINDS]; /* which images will be written; the reference is required */
} prepared_content;

/* Begins `path` with the attributes and with room for the images; the caller writes them slice by slice, adds
 * attributes of its own, then h5_commit()s. */
h5_file *prepared_create(const char *path, const prepared_content *content);
int prepared_write(h5_file *file, prepared_kind kind, int index, int rows, int columns, const float *image);
int prepared_write_complex(h5_file *file, prepared_kind kind, int index, int rows, int columns,
                           const float complex *image);

/* The scans of one split of a cohort folder, sorted by name. */
typedef struct {
    char *folder, *split, *cohort, *settings; /* cohort and settings: the same for all scans, checked */
    double acceleration;                      /* so is this; 0 when they do not state it */
    int scans;
    char **paths;    /* [scans] */
    char **scan_ids; /* [scans] */
    char **faults;   /* [scans] PREPARED_NO_FAULT or what its reconstruction_faulty suffers from */
    int *slices;     /* [scans] */
    int total_slices;
    int rows, columns; /* the same for all scans: checked */
} prepared_split;

/* Lists and checks a split. limit > 0 takes the first `limit` scans only. An empty or missing folder is an
 * error. */
prepared_split *prepared_split_open(const char *folder, const char *split, int limit);
void prepared_split_free(prepared_split *split);
/* A number that changes when scans or their files do (names, sizes, times of change). What a long computation saves is
 * valid for one such number. */
int prepared_split_fingerprint(const prepared_split *split, uint64_t *fingerprint);
/* Comments of a table about a split: its name and size, and how its images were made. */
void prepared_split_comments(const prepared_split *split, csv_writer *csv);
/* prepared_read() of a scan of the split, from any thread. */
int prepared_split_read(const prepared_split *split, int scan, prepared_kind kind, int index, float *image);

#endif
