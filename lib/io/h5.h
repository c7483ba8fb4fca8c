/* A thin layer over HDF5: every failure names the file, the dataset, what was expected and what was found.
 * HDF5's own error stack is not printed but told in the message, with what helps: locks, a missing filter, truncation,
 * a full disk. Files are not trusted: links and storage that leave the file are refused, and so are datasets larger
 * than the file can hold; variable-length text is read by a child process (h5_guard.h). Text is written with a fixed
 * length. The library is not thread-safe: call from one thread at a time. */
#ifndef SSFD_IO_H5_H
#define SSFD_IO_H5_H

#include <complex.h>
#include <hdf5.h>
#include <stddef.h>
#include <stdint.h>

#define H5_MAX_RANK 8

typedef struct {
    hid_t id;
    char *path;      /* final name, for messages */
    char *temporary; /* name while being written; NULL for files opened to read */
} h5_file;

h5_file *h5_open(const char *path);   /* to read */
h5_file *h5_create(const char *path); /* to write: the file appears under `path` at h5_commit() */
int h5_commit(h5_file *file);         /* closes, fsyncs, renames, frees */
void h5_close(h5_file *file); /* closes and frees; drops a file that was being written. NULL is allowed */

int h5_exists(const h5_file *file, const char *dataset);
/* Rank and dimensions of a dataset. dims holds H5_MAX_RANK. */
int h5_shape(const h5_file *file, const char *dataset, int *rank, hsize_t *dims);
/* Whole dataset as float32 (integers and float16 are converted), whose shape must be `dims` exactly. */
int h5_read_f32(const h5_file *file, const char *dataset, int rank, const hsize_t *dims, float *out);
/* Element `index` along the first axis of a dataset of shape (n, dims[0], ...); rank counts `dims` only. */
int h5_read_slab_f32(const h5_file *file, const char *dataset, hsize_t index, int rank, const hsize_t *dims,
                     float *out);
/* The same for complex numbers: a compound of two floats "r" and "i", as h5py and fastMRI write complex64. */
int h5_read_slab_c64(const h5_file *file, const char *dataset, hsize_t index, int rank, const hsize_t *dims,
                     float complex *out);
/* 0 when a dataset holds complex numbers, -1 with a message when it does not. */
int h5_check_complex(const h5_file *file, const char *dataset);
int h5_read_f64(const h5_file *file, const char *dataset, int rank, const hsize_t *dims, double *out);
int h5_read_i32(const h5_file *file, const char *dataset, int rank, const hsize_t *dims, int32_t *out);

typedef enum { H5_F32, H5_F16 } h5_float; /* float16 is IEEE binary16, as h5py and NumPy write it */
int h5_write_f32(h5_file *file, const char *dataset, int rank, const hsize_t *dims, const float *data,
                 h5_float as);
int h5_write_f64(h5_file *file, const char *dataset, int rank, const hsize_t *dims, const double *data);
int h5_write_i32(h5_file *file, const char *dataset, int rank, const hsize_t *dims, const int32_t *data);

/* A dataset of float32 or complex64 with all `rank` axes in dims, to be filled element by element along its
 * first axis; elements never written are 0. For the element, rank and dims leave the first axis out. */
typedef enum { H5_REAL, H5_COMPLEX } h5_number;
int h5_begin_slabs(h5_file *file, const char *dataset, int rank, const hsize_t *dims, h5_number number);
int h5_write_slab_f32(h5_file *file, const char *dataset, hsize_t index, int rank, const hsize_t *dims,
                      const float *data);
int h5_write_slab_c64(h5_file *file, const char *dataset, hsize_t index, int rank, const hsize_t *dims,
                      const float complex *data);
/* A dataset of one string. *text is owned by the caller (free()). */
int h5_read_text(const h5_file *file, const char *dataset, char **text);
int h5_write_text(h5_file *file, const char *dataset, const char *text);

/* Attributes of the root group. Text attributes of any HDF5 string type are read; *text is owned by the caller
 * (free()). */
int h5_attr_exists(const h5_file *file, const char *name);
/* Whether an attribute of that name is this text. */
int h5_attr_equals(const h5_file *file, const char *name, const char *text);
/* The same for a file by its name; 0 when it does not exist or cannot be opened. */
int h5_file_says(const char *path, const char *name, const char *text);
int h5_attr_text(const h5_file *file, const char *name, char **text);
int h5_attr_real(const h5_file *file, const char *name, double *value);
int h5_attr_integer(const h5_file *file, const char *name, int64_t *value);
int h5_attr_integers(const h5_file *file, const char *name, int capacity, int64_t *values, int *count);
int h5_set_text(h5_file *file, const char *name, const char *text);
int h5_set_real(h5_file *file, const char *name, double value);
int h5_set_integer(h5_file *file, const char *name, int64_t value);
int h5_set_integers(h5_file *file, const char *name, int count, const int64_t *values);

#endif
