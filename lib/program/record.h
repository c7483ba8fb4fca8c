/* Run records: what a program ran on, with which settings, and how long it took, as one small JSON file. The
 * results page and results/manifest.json are put together from these files, so that no number is typed twice.
 */
#ifndef SSFD_PROGRAM_RECORD_H
#define SSFD_PROGRAM_RECORD_H

#include <stdint.h>

typedef struct run_record run_record;

/* Starts the clock of program `stage` ("perturbation_sweep"); notes argv, host CPU, threads and library
 * versions. */
run_record *record_begin(const char *stage, int argc, char **argv);
void record_text(run_record *r, const char *key, const char *value);
void record_real(run_record *r, const char *key, double value);
void record_integer(run_record *r, const char *key, int64_t value);
/* Notes path and SHA-256 of an input or output file under "files". */
int record_file(run_record *r, const char *role, const char *path);
/* Adds wall_s and peak_memory_mb, writes `folder`/`stage`.json (atomically) and frees. */
int record_end(run_record *r, const char *folder);
void record_discard(run_record *r);

#endif
