#include "report/sections.h"

#include "io/h5.h"
#include "metrics/vgg16_distance.h"
#include <stdlib.h>
#include <string.h>

/* What the weight file says about the slices that it was trained and validated on. */
static void set_training_slices(const study *s, json_t *page) {
    int64_t slices;
    char *settings = NULL;
    h5_file *f = h5_open(s->weights);
    template_set(page, "training_slices", "not recorded");
    template_set(page, "validation_slices", "not recorded");
    if (f && h5_attr_exists(f, "training_slices") && h5_attr_integer(f, "training_slices", &slices) == 0)
        template_set(page, "training_slices", "%lld slices", (long long)slices);
    if (f && h5_attr_exists(f, "training_settings") && h5_attr_text(f, "training_settings", &settings) == 0) {
        const char *at = strstr(settings, " validation_slices=");
        if (at)
            template_set(page, "validation_slices", "%d slices", atoi(strchr(at, '=') + 1));
    }
    free(settings);
    h5_close(f);
}

/* Whether a table was made with a VGG-16 of random weights; its comments say so. */
static int has_random_vgg16(const csv_table *t) {
    for (size_t k = 0; t && k < t->comment_count; k++)
        if (strstr(t->comments[k], VGG16_RANDOM_TITLE))
            return 1;
    return 0;
}

void section_data(const study *s, json_t *page) {
    const csv_table *sweep = study_table(s, "perturbation_sweep.csv");
    const csv_table *quality = study_table(s, "quality_control_summary.csv");
    int is_random = has_random_vgg16(sweep) || has_random_vgg16(quality);
    template_set(page, "cohort", "%s", s->cohort);
    template_set(page, "split", "%s", study_comment(sweep, "split", ""));
    template_set(page, "is_virtual", "%s", strcmp(s->cohort, STUDY_VIRTUAL_COHORT) == 0 ? "yes" : "");
    template_set(page, "random_vgg16", "%s", is_random ? VGG16_RANDOM_TITLE : "");
    template_set(page, "faulty", "%s", study_comment(quality, "faulty", ""));
    set_training_slices(s, page);
    for (size_t k = 0; k < sweep->comment_count; k++) {
        const char *comment = sweep->comments[k];
        if (strncmp(comment, "cohort: ", 8) != 0 && strncmp(comment, "split: ", 7) != 0 &&
            strncmp(comment, "metric ", 7) != 0)
            template_set(template_add(page, "measured"), "comment", "%s", comment);
    }
}
