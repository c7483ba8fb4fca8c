#include "report/page.h"

#include "report/experiments.h"
#include "report/html.h"
#include "report/sections.h"
#include <stdlib.h>
#include <string.h>

TEMPLATE_EMBED(report_page_html, "report/page.html");

/* ---------------------------------------------------------------- experiments */

static int read_tables(study *s) {
    for (const experiment_section *const *e = experiment_sections(); *e; e++)
        if (study_read_table(s, (*e)->table, (*e)->columns, (*e)->status) < 0)
            return -1;
    const csv_table *sweep = study_table(s, "perturbation_sweep.csv");
    snprintf(s->cohort, sizeof s->cohort, "%s", study_comment(sweep, "cohort", "not named"));
    return 0;
}

/* figures/<name>.png inside the page, and what is linked: "" where it is missing. */
static int set_figure(const study *s, const char *name, json_t *item) {
    char png[STUDY_PATH], pdf[STUDY_PATH], csv[STUDY_PATH], *text = NULL;
    size_t size;
    snprintf(png, sizeof png, "figures/%s.png", name);
    snprintf(pdf, sizeof pdf, "figures/%s.pdf", name);
    snprintf(csv, sizeof csv, "%s.csv", name);
    char *image = study_read_file(s, png, &size);
    if (size > 0 && !(text = html_png((unsigned char *)image, size))) {
        free(image);
        return -1;
    }
    template_set(item, "image", "%s", text ? text : "");
    template_set(item, "pdf", "%s", study_has(s, pdf) ? pdf : "");
    template_set(item, "csv", "%s", study_has(s, csv) ? csv : "");
    free(image);
    free(text);
    return 0;
}

static int add_experiment(const study *s, const experiment_section *e, json_t *page) {
    const csv_table *t = study_table(s, e->table);
    if (!t && e->status == TABLE_OPTIONAL)
        return 0;
    json_t *item = template_add(page, "experiments");
    template_set(item, "name", "%s", e->name);
    template_set(item, "title", "%s", e->title);
    template_set(item, "is_missing", "%s", t ? "" : "yes");
    if (!t)
        return 0;
    template_set(item, "cohort", "%s", study_comment(t, "cohort", "not named"));
    template_set_parts(item, e->prose);
    return set_figure(s, e->name, item) < 0 ? -1 : e->describe(s, t, item);
}

/* ---------------------------------------------------------------- the page */

static int describe_page(const study *s, json_t *page) {
    section_data(s, page);
    section_networks(s, page);
    section_claims(s, page);
    section_provenance(s, page);
    for (const experiment_section *const *e = experiment_sections(); *e; e++)
        if (add_experiment(s, *e, page) < 0)
            return -1;
    return section_tables(s, page);
}

static int write_page(const study *s) {
    char *temporary;
    json_t *page = json_object();
    FILE *f = describe_page(s, page) == 0 ? study_begin(s, "index.html", &temporary) : NULL;
    int status = f ? template_fill(f, report_page_html, page) : -1;
    json_decref(page);
    return f ? study_finish(s, f, temporary, "index.html", status) : -1;
}

int page_write(const page_source *from) {
    study s;
    int status = study_open(&s, from->results, from->weights, from->recon_weights);
    if (status == 0)
        status = read_tables(&s);
    if (status == 0)
        status = claims_gather(&s);
    if (status == 0)
        status = manifest_write(&s);
    if (status == 0)
        status = write_page(&s);
    study_close(&s);
    return status;
}
