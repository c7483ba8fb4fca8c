#include "mri/raw_scan.h"

#include "core/error.h"
#include "core/memory.h"
#include <stdlib.h>
#include <string.h>

raw_scan *raw_scan_new(const char *scan_id, const char *patient_id, const char *acquisition,
                       const char *cohort, const char *source) {
    raw_scan *scan = mem_calloc(1, sizeof *scan);
    if (!scan)
        return NULL;
    scan->scan_id = strdup(scan_id);
    scan->patient_id = strdup(patient_id);
    scan->acquisition = strdup(acquisition);
    scan->cohort = strdup(cohort);
    scan->source = strdup(source);
    if (scan->scan_id && scan->patient_id && scan->acquisition && scan->cohort && scan->source)
        return scan;
    raw_scan_close(scan);
    return err_set_null("out of memory");
}

void raw_scan_close(raw_scan *scan) {
    if (!scan)
        return;
    if (scan->release)
        scan->release(scan->self);
    free(scan->scan_id);
    free(scan->patient_id);
    free(scan->acquisition);
    free(scan->cohort);
    free(scan->source);
    free(scan);
}
