#include "core/progress.h"

#include "core/clock.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void duration_text(double seconds, char *text, size_t size) {
    long whole = (long)(seconds + 0.5);
    if (whole < 60)
        snprintf(text, size, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(text, size, "%ld min %02ld s", whole / 60, whole % 60);
    else
        snprintf(text, size, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
}

static void line_at(const progress *p, double now, char *line, size_t size) {
    double elapsed = now - p->started;
    double rate = elapsed > 0 ? (double)(p->done - p->skipped) / elapsed : 0;
    char left[48] = "?";
    if (rate > 0)
        duration_text((double)(p->total > p->done ? p->total - p->done : 0) / rate, left, sizeof left);
    double percent = p->total ? 100.0 * (double)p->done / (double)p->total : 100.0;
    snprintf(line, size, "%s %3.0f %%  %zu/%zu%s  %.3g%s/s  %s left%s%s", p->label, percent, p->done,
             p->total, p->unit, rate, p->unit, left, p->note[0] ? "  " : "", p->note);
}

/* "\033[K" clears what a longer line left behind. */
static void show(const progress *p, double now) {
    char line[PROGRESS_LINE];
    line_at(p, now, line, sizeof line);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void progress_line(const progress *p, char *line, size_t size) {
    line_at(p, clock_seconds(), line, size);
}

void progress_start(progress *p, const char *label, size_t total) {
    *p = (progress){.label = label, .unit = "", .total = total, .started = clock_seconds()};
    p->enabled = label && isatty(STDERR_FILENO);
    if (p->enabled)
        show(p, p->started);
}

void progress_skip(progress *p, size_t by) {
    p->done += by;
    p->skipped += by;
}

void progress_step(progress *p, size_t by) {
#pragma omp critical(progress)
    {
        p->done += by;
        double now = p->enabled ? clock_seconds() : 0;
        if (p->enabled && now - p->shown >= 0.2) { /* a terminal is slow: five updates a second at most */
            p->shown = now;
            show(p, now);
        }
    }
}

void progress_note(progress *p, const char *format, ...) {
    char note[sizeof p->note];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note, sizeof note, format, arguments);
    va_end(arguments);
#pragma omp critical(progress)
    memcpy(p->note, note, sizeof note);
}

void progress_end(progress *p) {
    if (!p->enabled)
        return;
    char total[48];
    duration_text(clock_seconds() - p->started, total, sizeof total);
    fprintf(stderr, "\r%s: %zu/%zu%s in %s%s%s\033[K\n", p->label, p->done, p->total, p->unit, total,
            p->note[0] ? "  " : "", p->note);
}
