/* Variable-length text is read in a short-lived child process. libhdf5 trusts the heap where such text is stored: one
 * damaged byte there can crash it or keep it in an endless loop. The child only reads, sends the text through a pipe
 * and calls _exit(); it is ended after two seconds of processor time. A plain fork() serves: the child has this thread
 * alone, glibc keeps malloc usable in it, and HDF5 is only ever used by one thread at a time. */
#ifndef SSFD_IO_H5_GUARD_H
#define SSFD_IO_H5_GUARD_H

#include <hdf5.h>

/* The text of an attribute or a dataset of one variable-length string, remembered while the file stays as it is, so
 * that it costs one child per file and text. Owned by the caller (free()). NULL with a message that starts with
 * `path` and names `name`. */
char *h5_guard_text(const char *path, const char *name, hid_t id, hid_t type);

#endif
