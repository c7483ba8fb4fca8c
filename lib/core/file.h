/* Files that appear whole or not at all: written next to their final place, fsynced, then renamed. */
#ifndef SSFD_CORE_FILE_H
#define SSFD_CORE_FILE_H

#include <stdio.h>

/* Name of the temporary file that will become `path` ("path.part.<pid>"); its folder is made when missing.
 * The caller creates and writes the file by that name. Owned by the caller (free()). NULL on failure. */
char *atomic_begin(const char *path);

/* Flushes the temporary file to disk and renames it to `path`. Frees temporary. On failure the temporary is
 * removed. */
int atomic_commit(char *temporary, const char *path);

/* Removes the temporary file and frees its name. NULL is allowed. */
void atomic_discard(char *temporary);

/* mkdir -p. */
int path_make_dirs(const char *folder);

/* The whole file as text, which may be empty; pipes can be read as well. Owned by the caller (free()). NULL with a
 * message when it cannot be read or holds a zero byte. */
char *file_read_text(const char *path);

/* SHA-256 or MD5 ("sha256", "md5") of a whole file as lower-case hex. hex holds at least 65 bytes. */
int file_checksum(const char *path, const char *algorithm, char *hex);

#endif
