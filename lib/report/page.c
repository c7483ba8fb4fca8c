#include "report/page.h"

#include "report/experiments.h"
#include "report/html.h"
#include "report/sections.h"
#include <stdlib.h>

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
    char png[512], pdf[512], csv[512], path[STUDY_PATH];
    snprintf(pdf, sizeof pdf, "figures/%s.pdf", name);
    snprintf(csv, sizeof csv, "%s.csv", name);
    snprintf(png, sizeof png, "figures/%s.png", name);
    study_path(s, png, path);
    char *image = html_png(path);
    if (!image)
        return -1;
    template_set(item, "image", "%s", image);
    template_set(item, "pdf", "%s", study_has(s, pdf) ? pdf : "");
    template_set(item, "csv", "%s", study_has(s, csv) ? csv : "");
    free(image);
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

static int fill_page(FILE *f, const json_t *page) {
    return template_fill(f, report_page_html, page);
}

static int write_page(const study *s) {
    json_t *page = json_object();
    int status = describe_page(s, page);
    if (status == 0)
        status = study_write(s, "index.html", fill_page, page);
    json_decref(page);
    return status;
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
