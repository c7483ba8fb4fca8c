/* What a long computation has so far, kept in a file from which an interrupted run goes on: an array of
 * numbers, NaN where nothing has been computed yet, and the settings that it belongs to. */
#ifndef SSFD_IO_UNFINISHED_H
#define SSFD_IO_UNFINISHED_H

#include <stddef.h>

/* On several ranks (core/ranks.h) each saves to a file of its own, <path> for rank 0 and <path>.<rank> for
 * the others. */
int unfinished_save(const char *path, const char *settings, const double *values, size_t count);
/* Takes over what was saved under the same settings, by however many ranks: a number that is NaN in one file
 * is taken from another. Anything else is ignored, and all values are NaN. */
void unfinished_load(const char *path, const char *settings, double *values, size_t count);
/* When all is done. */
void unfinished_remove(const char *path);

#endif
