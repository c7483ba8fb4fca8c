/* Run records: what a program ran on, with which settings, and how long it took, as one small JSON file. The
 * results page and results/manifest.json are made from these files, so that no number is typed twice. */
#ifndef SSFD_PROGRAM_RECORD_H
#define SSFD_PROGRAM_RECORD_H

#include <stdint.h>

typedef struct run_record run_record;

/* Starts the clock of program `stage` ("perturbation_sweep"); notes argv, host CPU, threads and library versions. */
run_record *record_begin(const char *stage, int argc, char **argv);
void record_text(run_record *r, const char *key, const char *value);
void record_real(run_record *r, const char *key, double value);
void record_integer(run_record *r, const char *key, int64_t value);
/* Notes path and SHA-256 of an input or output file under "files". */
int record_file(run_record *r, const char *role, const char *path);
/* Whether record_end() writes: by default when the run went well. */
typedef enum { RECORD_SUCCESS, RECORD_ALWAYS, RECORD_NEVER } record_policy;
void record_when(run_record *r, record_policy policy);

/* Adds wall_s and peak_memory_mb, writes <folder>/<stage>.json (atomically), and frees. status: of the run, 0 or -1.
 * Returns it, or -1 with a message when the record cannot be written. */
int record_end(run_record *r, const char *folder, int status);
void record_discard(run_record *r); /* frees only; NULL is allowed */

#endif
