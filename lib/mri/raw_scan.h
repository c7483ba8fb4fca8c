/* A scan as it leaves the scanner: fully sampled multi-coil k-space, slice by slice, from any source (a fastMRI
 * file: mri/fastmri.h; a virtual scan: mri/virtual_scan.h). Code that prepares scans needs to know no more. */
#ifndef SSFD_MRI_RAW_SCAN_H
#define SSFD_MRI_RAW_SCAN_H

#include <complex.h>

typedef struct raw_scan raw_scan;
struct raw_scan {
    char *scan_id, *patient_id, *acquisition; /* acquisition: fastMRI's name of the sequence, "CORPD_FBK" */
    char *cohort;                             /* "fastmri-knee", "colin27-virtual" */
    char *source;                             /* the file that the data come from */
    int slices, coils, rows, columns;         /* of k-space */
    int image_rows, image_columns;            /* of the image: the centre of the field of view */
    double snr;                               /* stated by a simulation; 0: unknown */
    void *self;
    /* Reads slice `slice` as [coils][rows][columns], the centre of k-space at n / 2 (mri/fft.h); -1 with a
     * message that names the file, dataset and slice. Threads may call it at the same time. */
    int (*read)(const raw_scan *scan, int slice, float complex *kspace);
    void (*release)(void *self);
};

/* An empty scan, its texts copied; NULL when memory runs out. */
raw_scan *raw_scan_new(const char *scan_id, const char *patient_id, const char *acquisition,
                       const char *cohort, const char *source);
void raw_scan_close(raw_scan *scan); /* NULL is allowed */

#endif
