/* Progress on stderr with the time left; silent when stderr is not a terminal. Any thread may step. */
#ifndef SSFD_CORE_PROGRESS_H
#define SSFD_CORE_PROGRESS_H

#include <stddef.h>

#define PROGRESS_LINE 320

typedef struct {
    const char *label;
    const char *unit; /* with a blank in front, " images"; "" at the start */
    size_t total, done, skipped;
    double started, shown; /* seconds, monotonic */
    int enabled;
    char note[96]; /* shown after the bar: the loss, say */
} progress;

void progress_start(progress *p, const char *label, size_t total); /* label NULL: nothing is shown */
void progress_step(progress *p, size_t by);
/* Counts what an earlier run did. Rate and time left are those of this run. */
void progress_skip(progress *p, size_t by);
void progress_note(progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "training  45 %  90/200 images  8.1 images/s  13.6 s left  <note>", for a log. */
void progress_line(const progress *p, char *line, size_t size);
void progress_end(progress *p); /* leaves one line with the total time */

#endif
