/* The metrics of an experiment: those that are always computed and those on request, with their networks.
 * Every thread scores with a scorer of its own, which prepares a reference once for any number of images. */
#ifndef SSFD_METRICS_METRIC_SET_H
#define SSFD_METRICS_METRIC_SET_H

#include "metrics/metric.h"

#define METRICS_MAX 48

/* One metric of a set: a number of one of its passes. */
typedef struct {
    const metric *type; /* NULL for a layer of SSFD */
    metric_label label;
    int pass, value;
    int on_request; /* it came from `baselines` */
} metric_entry;

/* One computation, shared by the metrics that come from it. */
typedef struct {
    const metric_method *method;
    metric_instance instance;
    int on_request;
} metric_pass;

typedef struct {
    int count, passes;
    metric_entry entry[METRICS_MAX];
    metric_pass pass[METRICS_MAX];
} metric_set;

/* Opens the metrics of the registry with METRIC_ALWAYS and a comma-separated list of others ("": none), in
 * that order. layers_apart: in place of SSFD, the sum over its layers, a metric for each of them, with the
 * layer's name as its key. -1 with a message; call metric_set_close() then, too. */
int metric_set_open(metric_set *s, const char *baselines, int layers_apart, const metric_files *files);
void metric_set_close(metric_set *s);

/* Position of a key; -1 with a message that lists those there are. */
int metric_set_find(const metric_set *s, const char *key);
/* Position of the metric that stands for metric k where a distance is needed (metric.distance): k, mostly. */
int metric_set_distance(const metric_set *s, int k);

/* What a metric was computed with; "" where there is nothing to say or no such metric. */
const char *metric_set_about(const metric_set *s, const char *key);
/* Comments of a table: what each metric is, and what it was computed with. */
void metric_set_labels(const metric_set *s, csv_writer *csv);
void metric_set_comments(const metric_set *s, csv_writer *csv);
/* "ssfd=<hash> ..." of what each metric was computed with, for settings that saved work belongs to. */
int metric_set_settings(const metric_set *s, char *text, size_t size);

typedef struct scorer scorer;

scorer *scorer_create(const metric_set *s, int rows, int columns);
void scorer_free(scorer *w); /* NULL is allowed */
/* The reference of the images that follow, borrowed until the next one; its maximum magnitude is the data
 * range. Without with_requested the metrics on request are NaN, and cost nothing. */
int scorer_reference(scorer *w, const float *reference, int with_requested);
/* scores holds s->count values. */
int scorer_score(scorer *w, const float *compared, double *scores);

#endif
