#include "metrics/scores.h"

#include "core/error.h"
#include "core/file.h"
#include "core/image.h"
#include "core/memory.h"
#include "metrics/image_metrics.h"
#include "metrics/ssfd.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int score_set_open(score_set *s, const char *baselines, const baseline_files *files) {
    char list[1024], hex[65], *rest = NULL;
    *s = (score_set){.count = SCORE_BASELINES};
    if (baseline_check(baselines) < 0 || ssfd_open(&s->ssfd, files->ssfd_weights, files->ssfd_layers) < 0 ||
        file_checksum(files->ssfd_weights, "sha256", hex) < 0)
        return -1;
    snprintf(s->ssfd_about, sizeof s->ssfd_about, "layer %s, weights sha256 %s", files->ssfd_layers, hex);
    snprintf(list, sizeof list, "%s", baselines);
    for (char *item = strtok_r(list, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        if (s->count == SCORES_MAX)
            return err_set("more than %d baselines", SCORES_MAX - SCORE_BASELINES);
        baseline *b = &s->baselines[s->count - SCORE_BASELINES];
        if (baseline_open(b, item, files) < 0)
            return -1;
        for (int k = SCORE_BASELINES; k < s->count; k++)
            if (strcmp(score_key(s, k), b->key) == 0) {
                baseline_close(b);
                return err_set("baseline '%s' is given twice: both are %s", item, score_key(s, k));
            }
        s->count++;
    }
    return 0;
}

void score_set_close(score_set *s) {
    feature_network_close(&s->ssfd);
    for (int k = SCORE_BASELINES; k < s->count; k++)
        baseline_close(&s->baselines[k - SCORE_BASELINES]);
    s->count = 0;
}

const char *score_key(const score_set *s, int score) {
    static const char *const keys[SCORE_BASELINES] = {"ssfd", "ssim", "psnr_db", "nrmse", "ssim_foreground"};
    return score < SCORE_BASELINES ? keys[score] : s->baselines[score - SCORE_BASELINES].key;
}

const char *score_title(const score_set *s, int score) {
    static const char *const titles[SCORE_BASELINES] = {"SSFD", "SSIM", "PSNR (dB)", "NRMSE",
                                                        "SSIM (foreground)"};
    return score < SCORE_BASELINES ? titles[score] : s->baselines[score - SCORE_BASELINES].title;
}

void score_set_comments(const score_set *s, csv_writer *csv) {
    csv_writer_comment(csv, "ssfd: %s", s->ssfd_about);
    csv_writer_comment(csv,
                       "ssim: Gaussian window 11x11, sigma 1.5, data range = maximum of the reference slice");
    csv_writer_comment(csv,
                       "ssim_foreground: the same over windows that are brighter in the reference than the "
                       "minimum cross-entropy threshold of its windows");
    for (int k = SCORE_BASELINES; k < s->count; k++)
        csv_writer_comment(csv, "%s: %s", score_key(s, k), s->baselines[k - SCORE_BASELINES].about);
}

/* ---------------------------------------------------------------- one thread */

struct scorer {
    const score_set *s;
    int rows, columns, with_baselines;
    const float *reference;
    double peak, threshold; /* of the reference: its maximum, where its foreground begins */
    feature_metric *ssfd, *baselines[SCORES_MAX - SCORE_BASELINES];
};

scorer *scorer_create(const score_set *s, int rows, int columns) {
    scorer *w = mem_calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->s = s;
    w->rows = rows;
    w->columns = columns;
    w->ssfd = feature_metric_create(&s->ssfd, rows, columns);
    int ok = w->ssfd != NULL;
    for (int k = 0; ok && k < s->count - SCORE_BASELINES; k++) {
        w->baselines[k] = feature_metric_create(&s->baselines[k].network, rows, columns);
        ok = w->baselines[k] != NULL;
    }
    if (ok)
        return w;
    scorer_free(w);
    return NULL;
}

void scorer_free(scorer *w) {
    if (!w)
        return;
    feature_metric_free(w->ssfd);
    for (int k = 0; k < SCORES_MAX - SCORE_BASELINES; k++)
        feature_metric_free(w->baselines[k]);
    free(w);
}

int scorer_reference(scorer *w, const float *reference, int with_baselines) {
    w->reference = reference;
    w->with_baselines = with_baselines;
    w->peak = image_max_abs(reference, w->rows, w->columns);
    if (metric_foreground_threshold(reference, w->rows, w->columns, SSIM_WANG, &w->threshold) < 0 ||
        feature_metric_reference(w->ssfd, reference) < 0)
        return -1;
    for (int k = 0; with_baselines && k < w->s->count - SCORE_BASELINES; k++)
        if (feature_metric_reference(w->baselines[k], reference) < 0)
            return err_prefix("%s", w->s->baselines[k].key);
    return 0;
}

int scorer_score(scorer *w, const float *image, double *scores) {
    double layers[FEATURE_MAX_LAYERS];
    return scorer_score_layers(w, image, scores, layers);
}

int scorer_score_layers(scorer *w, const float *image, double *scores, double *layers) {
    const float *reference = w->reference;
    if (feature_metric_layers(w->ssfd, image, layers) < 0 ||
        metric_ssim_foreground(reference, image, w->rows, w->columns, SSIM_WANG, w->peak, w->threshold,
                               &scores[SCORE_SSIM], &scores[SCORE_SSIM_FOREGROUND]) < 0 ||
        metric_psnr(reference, image, w->rows, w->columns, w->peak, &scores[SCORE_PSNR]) < 0 ||
        metric_nrmse(reference, image, w->rows, w->columns, &scores[SCORE_NRMSE]) < 0)
        return -1;
    scores[SCORE_SSFD] = 0.0;
    for (int k = 0; k < w->s->ssfd.count; k++)
        scores[SCORE_SSFD] += layers[k];
    for (int k = 0; k < w->s->count - SCORE_BASELINES; k++) {
        double *score = &scores[SCORE_BASELINES + k];
        *score = NAN;
        if (w->with_baselines && feature_metric_distance(w->baselines[k], image, score) < 0)
            return err_prefix("%s", w->s->baselines[k].key);
    }
    return 0;
}
