/* Progress on stderr with the time left; silent when stderr is not a terminal. Safe to step from any thread.
 */
#ifndef SSFD_CORE_PROGRESS_H
#define SSFD_CORE_PROGRESS_H

#include <stddef.h>

typedef struct {
    const char *label;
    size_t total, done;
    double started, shown; /* seconds, monotonic */
    int enabled;
    char note[96]; /* shown behind the bar: the loss, say */
} progress;

void progress_start(progress *p, const char *label, size_t total);
void progress_step(progress *p, size_t by);
void progress_note(progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_end(progress *p); /* leaves one line with the total time */

double clock_seconds(void); /* monotonic wall clock */

#endif
