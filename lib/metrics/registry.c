#include "metrics/metric.h"

#include "core/error.h"
#include "core/list.h"
#include "metrics/ssfd.h"
#include <stdio.h>
#include <string.h>

/* The list of metrics, in the order of tables and figures. To add one, add its line here. */
#define METRICS(ENTRY)                                                                                       \
    ENTRY(ssim)                                                                                              \
    ENTRY(ssim_foreground)                                                                                   \
    ENTRY(psnr)                                                                                              \
    ENTRY(nrmse)                                                                                             \
    ENTRY(hfen)                                                                                              \
    ENTRY(ssfd)                                                                                              \
    ENTRY(vgg_pl)                                                                                            \
    ENTRY(vgg16_unit)                                                                                        \
    ENTRY(lpips)                                                                                             \
    ENTRY(ssfd_random)

#define DECLARE(name) extern const metric metric_##name;
#define ADDRESS(name) &metric_##name,

METRICS(DECLARE)

static const metric *const all[] = {METRICS(ADDRESS) NULL};

const metric *const *metric_list(void) {
    return all;
}

static const metric *find(const char *key, size_t length) {
    for (const metric *const *m = all; *m; m++)
        if (strlen((*m)->key) == length && memcmp((*m)->key, key, length) == 0)
            return *m;
    return NULL;
}

static const metric *unknown(const char *key, size_t length) {
    char known[ERR_MESSAGE_MAX / 2] = "";
    size_t used = 0;
    for (const metric *const *m = all; *m && used < sizeof known; m++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", (*m)->key);
    return err_set_null("unknown metric '%.*s': expected one of %s", (int)length, key, known);
}

const metric *metric_find(const char *key) {
    const metric *m = find(key, strlen(key));
    return m ? m : unknown(key, strlen(key));
}

void metric_help(char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "Metrics, computed in any case:\n");
    for (int on_request = 0; on_request < 2; on_request++) {
        for (const metric *const *m = all; *m && used < size; m++)
            if (((*m)->roles & METRIC_ALWAYS) == (on_request ? 0 : METRIC_ALWAYS))
                used += (size_t)snprintf(text + used, size - used, "  %-16s %s\n", (*m)->key, (*m)->help);
        if (!on_request && used < size)
            used += (size_t)snprintf(text + used, size - used,
                                     "Baselines (NAME or NAME:LAYER; the distances of LAYER+LAYER add):\n");
    }
}

/* ---------------------------------------------------------------- items of --baseline */

static void replace(char *text, char from, char to) {
    for (; *text; text++)
        *text = *text == from ? to : *text;
}

const metric *metric_parse(const char *item, char layers[METRIC_NAME]) {
    size_t length = strcspn(item, ":");
    int has_layers = item[length] == ':';
    const metric *m = find(item, length);
    if (!m)
        return unknown(item, length);
    if (has_layers && !m->takes_layers)
        return err_set_null("'%s' takes no layer", m->key);
    if (has_layers && !item[length + 1])
        return err_set_null("'%s': no layer after the colon", item);
    if (strlen(item + length) >= METRIC_NAME)
        return err_set_null("'%s': its list of layers is longer than %d characters", m->key, METRIC_NAME - 2);
    snprintf(layers, METRIC_NAME, "%s", has_layers ? item + length + 1 : m->layers ? m->layers : "");
    replace(layers, '+', ',');
    return m;
}

static int check_item(const char *item) {
    char layers[METRIC_NAME];
    const metric *m = metric_parse(item, layers);
    if (!m)
        return -1;
    if (m->roles & METRIC_ALWAYS)
        return err_set("'%s' is computed in any case", m->key);
    return *layers && m->check_layers ? m->check_layers(layers) : 0;
}

int metric_list_check(const char *text) {
    name_list list;
    int status = name_list_split(&list, text, "baseline");
    for (size_t k = 0; status == 0 && k < list.count; k++)
        if (check_item(list.items[k]) < 0)
            status = err_prefix("baseline");
    name_list_free(&list);
    return status;
}

/* ---------------------------------------------------------------- labels */

metric_label metric_label_of(const metric *m) {
    metric_label label = {.direction = m->direction, .roles = m->roles, .style = m->style};
    snprintf(label.key, sizeof label.key, "%s", m->key);
    snprintf(label.title, sizeof label.title, "%s", m->title);
    return label;
}

/* Whether `key` is that of m with layers, "vgg_pl_relu2_2+relu3_3". */
static int has_layers(const metric *m, const char *key, char layers[METRIC_NAME]) {
    size_t own = strlen(m->key), length = strlen(key);
    if (!m->takes_layers || length < own + 2 || length >= METRIC_NAME || memcmp(m->key, key, own) != 0 ||
        key[own] != '_')
        return 0;
    strcpy(layers, key + own + 1);
    replace(layers, '+', ',');
    return m->check_layers ? m->check_layers(layers) == 0 : ssfd_is_layer(layers);
}

int metric_known(const char *key, metric_label *label) {
    char layers[METRIC_NAME];
    const metric *exact = find(key, strlen(key));
    if (exact) {
        *label = metric_label_of(exact);
        return 1;
    }
    for (const metric *const *m = all; *m; m++)
        if (has_layers(*m, key, layers)) {
            *label = metric_label_of(*m);
            metric_label_layers(label, layers);
            return 1;
        }
    if (!ssfd_is_layer(key))
        return 0;
    *label = ssfd_layer_label(key);
    return 1;
}

void metric_label_layers(metric_label *label, const char *layers) {
    char list[METRIC_NAME];
    size_t key = strlen(label->key), title = strlen(label->title);
    snprintf(list, sizeof list, "%s", layers);
    replace(list, ',', '+'); /* no commas in tables */
    snprintf(label->key + key, METRIC_NAME - key, "_%s", list);
    snprintf(label->title + title, METRIC_NAME - title, " %s", list);
}

static const char *const directions[] = {
    [METRIC_HIGHER_IS_BETTER] = "higher is better", [METRIC_LOWER_IS_BETTER] = "lower is better"};
static const struct {
    unsigned role;
    const char *word;
} roles[] = {{METRIC_ALWAYS, "always"},
             {METRIC_CLAIMED, "claimed"},
             {METRIC_BASELINE, "baseline"},
             {METRIC_LAYER, "layer"},
             {METRIC_UNBOUNDED, "unbounded"}};
enum { ROLES = sizeof roles / sizeof *roles };

void metric_label_write(const metric_label *label, csv_writer *csv) {
    char words[64] = "";
    for (int k = 0; k < ROLES; k++)
        if (label->roles & roles[k].role)
            strcat(strcat(words, *words ? " " : "; "), roles[k].word);
    csv_writer_comment(csv, "metric %s: %s; %s%s", label->key, label->title, directions[label->direction],
                       words);
}

/* The last "; direction" of the text: a title may hold one of its own. */
static char *find_direction(char *text, metric_direction *direction) {
    char *found = NULL;
    for (char *at = strstr(text, "; "); at; at = strstr(at + 2, "; "))
        for (int k = 0; k < 2; k++) {
            size_t length = strlen(directions[k]);
            if (strncmp(at + 2, directions[k], length) == 0 && (!at[2 + length] || at[2 + length] == ';')) {
                *direction = (metric_direction)k;
                found = at;
            }
        }
    return found;
}

int metric_label_read(metric_label *label, const csv_table *csv, const char *key) {
    char name[METRIC_NAME + 16], text[1024];
    snprintf(name, sizeof name, "metric %s", key);
    const char *comment = csv_table_comment(csv, name);
    if (!comment)
        return 0;
    *label = (metric_label){.roles = 0};
    snprintf(label->key, sizeof label->key, "%s", key);
    snprintf(text, sizeof text, "%s", comment);
    char *end = find_direction(text, &label->direction), *rest = NULL;
    if (!end)
        return err_set("%s: comment '%s: %s': expected '%s' or '%s'", csv->path, name, comment, directions[0],
                       directions[1]);
    *end = '\0';
    snprintf(label->title, sizeof label->title, "%.*s", METRIC_NAME - 1, text);
    strtok_r(end + 2, ";", &rest); /* the direction */
    for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        for (int k = 0; k < ROLES; k++)
            label->roles |= strcmp(word, roles[k].word) == 0 ? roles[k].role : 0;
    return 1;
}
