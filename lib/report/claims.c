#include "report/experiments.h"
#include "report/sections.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- claims.csv */

static int append_claims(const study *s, const char *name, csv_writer *csv) {
    char path[STUDY_PATH];
    claim_list claims;
    study_path(s, name, path);
    int status = claim_list_read(&claims, path);
    for (size_t k = 0; status == 0 && k < claims.count; k++)
        claim_write(csv, &claims.items[k], 9);
    claim_list_free(&claims);
    return status;
}

/* Those of the experiments in the page's order, then what else there is. */
static int append_all(const study *s, const name_list *files, csv_writer *csv) {
    name_list done = {0};
    int status = 0;
    for (const experiment_section *const *e = experiment_sections(); *e && status == 0; e++) {
        char name[STUDY_PATH];
        snprintf(name, sizeof name, "%s_claims.csv", (*e)->name);
        if (name_list_find(files, name) >= 0 && (status = append_claims(s, name, csv)) == 0)
            status = name_list_add(&done, name);
    }
    for (size_t k = 0; k < files->count && status == 0; k++)
        if (name_list_find(&done, files->items[k]) < 0)
            status = append_claims(s, files->items[k], csv);
    name_list_free(&done);
    return status;
}

int claims_gather(study *s) {
    char path[STUDY_PATH];
    name_list files;
    study_path(s, "claims.csv", path);
    int status = study_list_files(s, "", "_claims.csv", &files);
    csv_writer *csv = status == 0 ? csv_writer_open(path) : NULL;
    if (csv) {
        csv_writer_comment(csv, "cohort: %s", s->cohort);
        claim_write_header(csv);
        status = append_all(s, &files, csv);
    }
    name_list_free(&files);
    return csv_writer_end(csv, status) < 0 ? -1 : claim_list_read(&s->claims, path);
}

/* ---------------------------------------------------------------- on the page */

static const char *verdict_class(const char *verdict) {
    return strcmp(verdict, "reproduced") == 0 ? "yes" : strcmp(verdict, "undecided") == 0 ? "open" : "no";
}

/* "0.0439 [0.0393, 0.0490]" */
static void set_estimate(json_t *item, interval i) {
    if (isnan(i.estimate))
        template_set(item, "estimate", "not available");
    else if (isnan(i.low) || isnan(i.high))
        template_set(item, "estimate", "%.3g, no interval", i.estimate);
    else
        template_set(item, "estimate", "%.3g [%.3g, %.3g]", i.estimate, i.low, i.high);
}

void section_claims(const study *s, json_t *page) {
    json_t *claims = s->claims.count ? template_add(page, "claims") : NULL;
    for (size_t k = 0; k < s->claims.count; k++) {
        const claim *c = &s->claims.items[k];
        json_t *item = template_add(claims, "rows");
        template_set(item, "claim", "%s", c->text);
        template_set(item, "effect", "%s", c->effect);
        set_estimate(item, c->value);
        template_set(item, "n", "%zu", c->n);
        template_set(item, "test", "%s", c->test);
        template_set(item, "verdict", "%s", c->verdict);
        template_set(item, "class", "%s", verdict_class(c->verdict));
    }
}
