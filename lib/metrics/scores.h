/* The scores of an image against its reference that the experiments tabulate: SSFD, SSIM (over the whole
 * slice, and over its foreground alone), PSNR, NRMSE and the baselines asked for. A score_set says which and
 * holds their networks; every thread scores with a scorer of its own, which computes the features of a
 * reference once for any number of images. */
#ifndef SSFD_METRICS_SCORES_H
#define SSFD_METRICS_SCORES_H

#include "core/csv.h"
#include "metrics/baselines.h"

#define SCORES_MAX 20
enum {
    SCORE_SSFD,
    SCORE_SSIM,
    SCORE_PSNR,
    SCORE_NRMSE,
    SCORE_SSIM_FOREGROUND,
    SCORE_BASELINES /* the first of them */
};

typedef struct {
    int count;            /* scores of an image */
    char ssfd_about[512]; /* layer and weights of SSFD, for provenance */
    feature_network ssfd;
    baseline baselines[SCORES_MAX - SCORE_BASELINES];
} score_set;

/* Opens SSFD and a comma-separated list of baselines ("": none). Behind a failure, too: score_set_close(). */
int score_set_open(score_set *s, const char *baselines, const baseline_files *files);
void score_set_close(score_set *s);
/* Name of a score in tables ("ssfd", "ssim", "psnr_db", "nrmse", "ssim_foreground", a
 * baseline's key), and in figures. s may be NULL for those before SCORE_BASELINES. */
const char *score_key(const score_set *s, int score);
const char *score_title(const score_set *s, int score);
/* Comments of a table of such scores: networks and layers, SSIM's settings, what each baseline is. */
void score_set_comments(const score_set *s, csv_writer *csv);

typedef struct scorer scorer;

scorer *scorer_create(const score_set *s, int rows, int columns);
void scorer_free(scorer *w);
/* The reference (kept by address: it has to stay) of the images that follow. Without with_baselines their
 * scores are NaN, and cost nothing. */
int scorer_reference(scorer *w, const float *reference, int with_baselines);
/* scores holds s->count values. SSIM: Gaussian window, data range = maximum of the reference; PSNR: the same
 * peak, infinite for equal images (metrics/image_metrics.h). */
int scorer_score(scorer *w, const float *image, double *scores);
/* The same, and SSFD's distance at each of its layers, whose sum is scores[SCORE_SSFD]: layers holds
 * s->ssfd.count values. */
int scorer_score_layers(scorer *w, const float *image, double *scores, double *layers);

#endif
