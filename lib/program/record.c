#include "program/record.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/ranks.h"
#include "core/version.h"
#include <cblas.h>
#include <errno.h>
#include <gsl/gsl_version.h>
#include <hdf5.h>
#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* A key with its value as JSON text. */
typedef struct {
    char *key, *json;
} record_entry;

struct run_record {
    char *stage;
    double started;
    char started_utc[32];
    char *arguments; /* JSON array */
    record_entry *values, *files;
    size_t value_count, file_count;
    record_policy policy;
};

/* ---------------------------------------------------------------- JSON text */

/* Length of the well-formed UTF-8 sequence at `s`, 0 when there is none: JSON may hold nothing else. */
static int utf8_length(const unsigned char *s) {
    int length = s[0] < 0x80                    ? 1
                 : s[0] >= 0xC2 && s[0] <= 0xDF ? 2
                 : (s[0] & 0xF0) == 0xE0        ? 3
                 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                                : 0;
    for (int i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    int overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    int surrogate = s[0] == 0xED && s[1] > 0x9F;
    int too_large = s[0] == 0xF4 && s[1] > 0x8F;
    return overlong || surrogate || too_large ? 0 : length;
}

static void put_string(FILE *out, const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    fputc('"', out);
    while (*s) {
        int length = utf8_length(s);
        if (length == 0)
            fputs("\\ufffd", out);
        else if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7F)
            fprintf(out, "\\u%04x", *s);
        else
            fwrite(s, 1, (size_t)length, out);
        s += length ? length : 1;
    }
    fputc('"', out);
}

static char *json_string(const char *text) {
    char *json = NULL;
    size_t size;
    FILE *out = open_memstream(&json, &size);
    if (!out)
        return err_set_null("out of memory");
    put_string(out, text);
    fclose(out);
    return json;
}

/* JSON has neither NaN nor infinity: null. */
static char *json_real(double value) {
    char *json = NULL;
    int printed = isfinite(value) ? asprintf(&json, "%.9g", value) : asprintf(&json, "null");
    return printed < 0 ? err_set_null("out of memory") : json;
}

static char *json_arguments(int argc, char **argv) {
    char *json = NULL;
    size_t size;
    FILE *out = open_memstream(&json, &size);
    if (!out)
        return err_set_null("out of memory");
    fputc('[', out);
    for (int i = 0; i < argc; i++) {
        fputs(i ? ", " : "", out);
        put_string(out, argv[i]);
    }
    fputc(']', out);
    fclose(out);
    return json;
}

/* ---------------------------------------------------------------- collecting */

/* Takes over `json`. A record is a note about the results: out of memory, the note is dropped. */
static void add_entry(record_entry **list, size_t *count, const char *key, char *json) {
    record_entry *grown = json ? realloc(*list, (*count + 1) * sizeof *grown) : NULL;
    char *name = grown ? strdup(key) : NULL;
    if (grown)
        *list = grown;
    if (name)
        grown[(*count)++] = (record_entry){name, json};
    else
        free(json);
}

/* A key given twice keeps its last value. */
static void set_value(run_record *r, const char *key, char *json) {
    for (size_t i = 0; json && i < r->value_count; i++) {
        if (strcmp(r->values[i].key, key) == 0) {
            free(r->values[i].json);
            r->values[i].json = json;
            return;
        }
    }
    add_entry(&r->values, &r->value_count, key, json);
}

run_record *record_begin(const char *stage, int argc, char **argv) {
    run_record *r = mem_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->started = clock_seconds();
    time_t now = time(NULL);
    struct tm utc;
    strftime(r->started_utc, sizeof r->started_utc, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    r->stage = strdup(stage);
    r->arguments = r->stage ? json_arguments(argc, argv) : err_set_null("out of memory");
    if (!r->arguments) {
        record_discard(r);
        return NULL;
    }
    return r;
}

void record_when(run_record *r, record_policy policy) {
    r->policy = policy;
}

void record_text(run_record *r, const char *key, const char *value) {
    set_value(r, key, json_string(value));
}

void record_real(run_record *r, const char *key, double value) {
    set_value(r, key, json_real(value));
}

void record_integer(run_record *r, const char *key, int64_t value) {
    char *json = NULL;
    set_value(r, key, asprintf(&json, "%" PRId64, value) < 0 ? NULL : json);
}

int record_file(run_record *r, const char *role, const char *path) {
    char hex[65], *json = NULL;
    if (file_checksum(path, "sha256", hex) != 0)
        return -1;
    char *quoted = json_string(path);
    if (!quoted)
        return -1;
    int printed = asprintf(&json, "\"path\": %s, \"sha256\": \"%s\"", quoted, hex);
    free(quoted);
    if (printed < 0)
        return err_set("out of memory");
    add_entry(&r->files, &r->file_count, role, json);
    return 0;
}

/* ---------------------------------------------------------------- host */

static void cpu_model(char *model, size_t size) {
    snprintf(model, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(model, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
        break;
    }
    if (file)
        fclose(file);
}

static void put_pair(FILE *out, const char *key, const char *value, const char *end) {
    put_string(out, key);
    fputs(": ", out);
    put_string(out, value);
    fputs(end, out);
}

static void put_host(FILE *out) {
    char cpu[256], hdf5[48];
    unsigned major = 0, minor = 0, release = 0;
    cpu_model(cpu, sizeof cpu);
    H5get_libversion(&major, &minor, &release);
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, release);
    fputs("  \"host\": {\n    ", out);
    put_pair(out, "cpu", cpu, ",\n    ");
    fprintf(out, "\"threads\": %d,\n    \"ranks\": %d,\n    ", omp_get_max_threads(), ranks_count());
    put_pair(out, "compiler", __VERSION__, ",\n    ");
    put_pair(out, "openblas", openblas_get_config(), ",\n    ");
    put_pair(out, "hdf5", hdf5, ",\n    ");
    put_pair(out, "gsl", gsl_version, "\n  },\n");
}

/* ---------------------------------------------------------------- writing */

static void put_record(FILE *out, const run_record *r) {
    fputs("{\n  ", out);
    put_pair(out, "stage", r->stage, ",\n  ");
    put_pair(out, "version", SSFD_VERSION, ",\n  ");
    put_pair(out, "started", r->started_utc, ",\n");
    fprintf(out, "  \"arguments\": %s,\n", r->arguments);
    put_host(out);
    fputs("  \"values\": {", out);
    for (size_t i = 0; i < r->value_count; i++) {
        fputs(i ? ",\n    " : "\n    ", out);
        put_string(out, r->values[i].key);
        fprintf(out, ": %s", r->values[i].json);
    }
    fputs("\n  },\n  \"files\": [", out);
    for (size_t i = 0; i < r->file_count; i++) {
        fputs(i ? ",\n    {" : "\n    {", out);
        put_pair(out, "role", r->files[i].key, ", ");
        fprintf(out, "%s}", r->files[i].json);
    }
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    fprintf(out, "\n  ],\n  \"wall_s\": %.3f,\n", clock_seconds() - r->started);
    fprintf(out, "  \"peak_memory_mb\": %.1f\n}\n", (double)usage.ru_maxrss / 1024.0);
}

static int write_record(const run_record *r, const char *path) {
    char *temporary = atomic_begin(path);
    FILE *out = temporary ? fopen(temporary, "w") : NULL;
    if (!temporary)
        return -1;
    if (out)
        put_record(out, r);
    int bad = !out || ferror(out);
    if ((out && fclose(out) != 0) || bad) {
        err_set("%s: cannot write: %s", path, strerror(errno));
        atomic_discard(temporary);
        return -1;
    }
    return atomic_commit(temporary, path);
}

int record_end(run_record *r, const char *folder, int status) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.json", folder, r->stage);
    int wanted = r->policy == RECORD_ALWAYS || (r->policy == RECORD_SUCCESS && status == 0);
    if (wanted && write_record(r, path) < 0)
        status = -1;
    record_discard(r);
    return status;
}

void record_discard(run_record *r) {
    if (!r)
        return;
    for (size_t i = 0; i < r->value_count; i++)
        free(r->values[i].key), free(r->values[i].json);
    for (size_t i = 0; i < r->file_count; i++)
        free(r->files[i].key), free(r->files[i].json);
    free(r->values);
    free(r->files);
    free(r->stage);
    free(r->arguments);
    free(r);
}
