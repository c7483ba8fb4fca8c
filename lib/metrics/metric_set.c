#include "metrics/metric_set.h"

#include "core/error.h"
#include "core/list.h"
#include "core/memory.h"
#include "core/rng.h"
#include "metrics/ssfd.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- opening */

/* The pass of an open metric of the same method without anything of its own; -1: there is none. */
static int shared_pass(const metric_set *s, const metric *m) {
    for (int k = 0; k < s->passes && !m->method->open; k++)
        if (s->pass[k].method == m->method)
            return k;
    return -1;
}

/* The pass is counted before it is opened, so that metric_set_close() releases what a failure leaves. */
static int open_pass(metric_set *s, const metric *m, const char *layers, const metric_files *files) {
    metric_pass *p = &s->pass[s->passes++];
    *p = (metric_pass){.method = m->method,
                       .instance = {.label = metric_label_of(m), .values = m->method->values},
                       .on_request = !(m->roles & METRIC_ALWAYS)};
    return m->method->open ? m->method->open(&p->instance, m, layers, files) : 0;
}

static int add_entry(metric_set *s, metric_entry e) {
    if (s->count == METRICS_MAX)
        return err_set("more than %d metrics", METRICS_MAX);
    for (int k = 0; k < s->count; k++)
        if (strcmp(s->entry[k].label.key, e.label.key) == 0)
            return err_set("'%s' is given twice", e.label.key);
    s->entry[s->count++] = e;
    return 0;
}

/* Number 0 of the pass of a feature network is the sum over its layers, which follow. */
static int add_layers(metric_set *s, int pass, const char *layers) {
    name_list names;
    int status = name_list_split(&names, layers, "layer");
    for (size_t k = 0; status == 0 && k < names.count; k++)
        status = add_entry(
            s, (metric_entry){.label = ssfd_layer_label(names.items[k]), .pass = pass, .value = 1 + (int)k});
    name_list_free(&names);
    return status;
}

static int add_metric(metric_set *s, const metric *m, const char *layers, const metric_files *files) {
    int pass = shared_pass(s, m), is_new = pass < 0;
    if (is_new && s->passes == METRICS_MAX)
        return err_set("more than %d metrics", METRICS_MAX);
    if (is_new && open_pass(s, m, *layers ? layers : files->ssfd_layers, files) < 0)
        return -1;
    pass = is_new ? s->passes - 1 : pass;
    return add_entry(s, (metric_entry){.type = m,
                                       .label = is_new ? s->pass[pass].instance.label : metric_label_of(m),
                                       .pass = pass,
                                       .value = m->value,
                                       .on_request = !(m->roles & METRIC_ALWAYS)});
}

static int add_requested(metric_set *s, const char *list, const metric_files *files) {
    name_list items;
    int status = name_list_split(&items, list, "baseline");
    for (size_t k = 0; status == 0 && k < items.count; k++) {
        char layers[METRIC_NAME];
        const metric *m = metric_parse(items.items[k], layers);
        if (!m || add_metric(s, m, layers, files) < 0)
            status = err_prefix("baseline '%s'", items.items[k]);
    }
    name_list_free(&items);
    return status;
}

int metric_set_open(metric_set *s, const char *baselines, int layers_apart, const metric_files *files) {
    s->count = s->passes = 0;
    if (metric_list_check(baselines) < 0)
        return -1;
    for (const metric *const *m = metric_list(); *m; m++) {
        int apart = layers_apart && *m == &metric_ssfd;
        if (!((*m)->roles & METRIC_ALWAYS))
            continue;
        if ((apart ? open_pass(s, *m, files->ssfd_layers, files) : add_metric(s, *m, "", files)) < 0)
            return -1;
        if (apart && add_layers(s, s->passes - 1, files->ssfd_layers) < 0)
            return -1;
    }
    return add_requested(s, baselines, files);
}

void metric_set_close(metric_set *s) {
    for (int k = 0; k < s->passes; k++)
        if (s->pass[k].method->close)
            s->pass[k].method->close(s->pass[k].instance.shared);
    s->count = s->passes = 0;
}

/* ---------------------------------------------------------------- what is in it */

int metric_set_find(const metric_set *s, const char *key) {
    char known[ERR_MESSAGE_MAX / 2] = "";
    size_t used = 0;
    for (int k = 0; k < s->count; k++) {
        if (strcmp(s->entry[k].label.key, key) == 0)
            return k;
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", k ? ", " : "",
                                     s->entry[k].label.key);
    }
    return err_set("no metric '%s'; there are %s", key, known);
}

int metric_set_distance(const metric_set *s, int k) {
    const metric *wanted = s->entry[k].type ? s->entry[k].type->distance : NULL;
    for (int other = 0; wanted && other < s->count; other++)
        if (s->entry[other].type == wanted)
            return other;
    return k;
}

const char *metric_set_about(const metric_set *s, const char *key) {
    int k = metric_set_find(s, key);
    return k < 0 ? "" : s->pass[s->entry[k].pass].instance.about;
}

void metric_set_labels(const metric_set *s, csv_writer *csv) {
    for (int k = 0; k < s->count; k++)
        metric_label_write(&s->entry[k].label, csv);
}

void metric_set_comments(const metric_set *s, csv_writer *csv) {
    for (int k = 0; k < s->passes; k++)
        if (*s->pass[k].instance.about)
            csv_writer_comment(csv, "%s: %s", s->pass[k].instance.label.key, s->pass[k].instance.about);
    for (int k = 0; k < s->count; k++)
        if (s->entry[k].type && s->entry[k].type->about)
            csv_writer_comment(csv, "%s: %s", s->entry[k].label.key, s->entry[k].type->about);
}

int metric_set_settings(const metric_set *s, char *text, size_t size) {
    size_t used = 0;
    for (int k = 0; k < s->count && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%s=%llx", k ? " " : "", s->entry[k].label.key,
                                 (unsigned long long)rng_hash(s->pass[s->entry[k].pass].instance.about));
    return used < size ? 0 : err_set("settings of %d metrics are longer than %zu characters", s->count, size);
}

/* ---------------------------------------------------------------- one thread */

struct scorer {
    const metric_set *s;
    metric_reference reference;
    int with_requested;
    void *workspace[METRICS_MAX]; /* by pass */
};

scorer *scorer_create(const metric_set *s, int rows, int columns) {
    scorer *w = mem_calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->s = s;
    w->reference.image = (image){.rows = rows, .columns = columns};
    for (int k = 0; k < s->passes; k++) {
        const metric_method *method = s->pass[k].method;
        if (method->workspace &&
            !(w->workspace[k] = method->workspace(s->pass[k].instance.shared, rows, columns))) {
            scorer_free(w);
            return NULL;
        }
    }
    return w;
}

void scorer_free(scorer *w) {
    if (!w)
        return;
    for (int k = 0; k < w->s->passes; k++)
        if (w->workspace[k])
            w->s->pass[k].method->workspace_free(w->workspace[k]);
    free(w);
}

static int is_wanted(const scorer *w, const metric_pass *p) {
    return w->with_requested || !p->on_request;
}

int scorer_reference(scorer *w, const float *reference, int with_requested) {
    w->with_requested = with_requested;
    w->reference.image.pixels = reference;
    w->reference.range = image_max_abs(reference, w->reference.image.rows, w->reference.image.columns);
    for (int k = 0; k < w->s->passes; k++) {
        const metric_pass *p = &w->s->pass[k];
        if (p->method->reference && is_wanted(w, p) &&
            p->method->reference(w->workspace[k], &w->reference) < 0)
            return err_prefix("%s", p->instance.label.key);
    }
    return 0;
}

int scorer_score(scorer *w, const float *compared, double *scores) {
    double values[METRICS_MAX][METRIC_VALUES];
    for (int k = 0; k < w->s->passes; k++) {
        const metric_pass *p = &w->s->pass[k];
        for (int v = 0; v < METRIC_VALUES; v++)
            values[k][v] = NAN;
        if (is_wanted(w, p) && p->method->score(w->workspace[k], &w->reference, compared, values[k]) < 0)
            return err_prefix("%s", p->instance.label.key);
    }
    for (int k = 0; k < w->s->count; k++)
        scores[k] = values[w->s->entry[k].pass][w->s->entry[k].value];
    return 0;
}
