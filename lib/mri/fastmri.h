/* Multi-coil files of the fastMRI data set (Zbontar et al. 2018, arXiv:1811.08839), read as raw scans and
 * written from them.
 *
 * One HDF5 file per scan:
 *   kspace              complex64 (slices, coils, rows, columns)        centre at n / 2; rows are readout
 *   reconstruction_rss  float32   (slices, image_rows, image_columns)   what fastMRI takes for the truth
 *   ismrmrd_header      text                                            XML, namespace of ISMRMRD
 * with the root attributes acquisition ("CORPD_FBK"), patient_id, max (largest pixel of reconstruction_rss)
 * and norm (its 2-norm over all slices). Written files also have cohort, and snr where it is known; a file
 * without them is of cohort "fastmri-brain" if its acquisition is axial, else "fastmri-knee". complex64 is
 * a compound of the floats r and i, as h5py writes it.
 *
 * reconstruction_rss is sqrt(sum over coils |x|^2), x the centred, orthonormal inverse FFT of kspace
 * (mri/fft.h), of which the centre is kept: rows (n - m) / 2 to (n - m) / 2 + m - 1, columns alike.
 *
 * HDF5 is not thread-safe: all calls of it here are inside `#pragma omp critical(hdf5)`. So any thread may call
 * these functions at any time, except from within that critical section. */
#ifndef SSFD_MRI_FASTMRI_H
#define SSFD_MRI_FASTMRI_H

#include "io/h5.h"
#include "mri/raw_scan.h"
#include <stdint.h>

/* Opens a file, reading only shapes and attributes. scan_id is the file's name without ".h5", source
 * is `path`. The file stays open until raw_scan_close(), which like read() enters the critical section.
 *
 * read() checks what it has read. Errors are a sample that is NaN or infinite, a slice of nothing but zeros, and
 * undersampling: rows or columns that are 0 in all coils between others that are not, or as good as that, more than a
 * tenth of all points. Zero padding at the edges and empty corners are normal.
 *
 * NULL with a message that names the file: it is missing, truncated or not HDF5; a dataset or one of the
 * attributes acquisition and patient_id is missing, or patient_id is empty; kspace has three axes
 * (single-coil data) or is not complex; reconstruction_rss has another number of slices than kspace, or is
 * larger in rows or columns; a dataset `mask` (one number for each column, 0: not sampled) leaves out columns between
 * others; more than 65536 slices, 1024 coils, 16384 rows or columns or 2^28 samples in a
 * slice, or an image of less than 16 x 16 (what io/prepared.h takes). */
raw_scan *fastmri_open(const char *path);

/* The same with images of another size. rows 0 or NULL: the size is that of reconstruction_rss, where there is none that
 * of the first reconSpace in ismrmrd_header (x: rows, y: columns); without either it is an error. */
typedef struct {
    int rows, columns;
} fastmri_image_size;
raw_scan *fastmri_open_sized(const char *path, const fastmri_image_size *size);

/* What the header of a file holds besides the sizes. The field of view is that of the image: k-space covers it
 * times rows / image_rows and columns / image_columns. */
typedef struct {
    double rows_mm, columns_mm, thickness_mm;
    int64_t resonance_hz; /* of hydrogen: 123 million at 3 T */
} fastmri_protocol;

/* Begins `path` with everything above, read from the scan one slice at a time; the caller adds its own
 * root attributes, then h5_commit()s, both inside `#pragma omp critical(hdf5)`. Memory: one slice of
 * k-space. The header is the least that ISMRMRD's schema takes and fastMRI's own loader reads: matrix sizes
 * and fields of view, limits of the phase encoding (0 to columns - 1, centre at columns / 2), a Cartesian
 * trajectory.
 *
 * NULL with a message, and no file, when the scan has no slice, coil or pixel, its image is larger than its
 * k-space, a slice cannot be read, or the disk is full. */
h5_file *fastmri_create(const char *path, const raw_scan *scan, const fastmri_protocol *protocol);

/* The same for a file without attributes of its own: it appears whole or not at all. */
int fastmri_write(const char *path, const raw_scan *scan, const fastmri_protocol *protocol);

#endif
