/* What a long computation has so far, in a file from which an interrupted run resumes: an array of numbers, NaN where
 * nothing has been computed yet, and the settings that it belongs to. */
#ifndef SSFD_IO_UNFINISHED_H
#define SSFD_IO_UNFINISHED_H

#include <stddef.h>

/* Of several ranks (core/ranks.h) each saves to a file of its own: rank 0 to <path>, the others to <path>.<rank>. */
int unfinished_save(const char *path, const char *settings, const double *values, size_t count);
/* Loads what was saved with the same settings, by any number of ranks: a number that is NaN in one file is taken from
 * another. Other files are ignored; without any file, all values are NaN. */
void unfinished_load(const char *path, const char *settings, double *values, size_t count);
/* To be called when everything is done. */
void unfinished_remove(const char *path);

#endif
