#include "study/sweep_claims.h"

#include "core/error.h"
#include "core/memory.h"
#include "study/claim.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95
#define LEAST_SCANS 3
#define SHIFT "pixel_shift"

static const char *const others[] = {"gaussian_blur", "gaussian_noise"};
enum { OTHERS = sizeof others / sizeof *others };

/* SSIM at which perturbations are compared for the baselines. */
static const double matched_ssim[] = {0.95, 0.9, SWEEP_PRIMARY_SSIM, 0.7};

int sweep_check_against(const metric *m) {
    if (m->direction == METRIC_HIGHER_IS_BETTER && !m->distance)
        return 0;
    return err_set("'%s' is not a similarity that is 1 for equal images", m->key);
}

double *sweep_curve_at(const sweep_curves *c, int scan, int perturbation, int level) {
    size_t curve = (size_t)scan * c->perturbations + perturbation;
    return c->values + (curve * c->levels + level) * c->metrics->count;
}

static const metric_label *label_of(const sweep_curves *c, int metric) {
    return &c->metrics->entry[metric].label;
}

static int find(const sweep_curves *c, const char *name) {
    return perturb_index(c->perturbation, c->perturbations, name);
}

/* 1 where enough of `wanted` scans have both for a statement about the cohort. */
static int ratio_over_scans(const double *a, const double *b, int scans, int wanted, interval *ratio,
                            size_t *n) {
    int both = 0;
    for (int scan = 0; scan < scans; scan++)
        both += !isnan(a[scan]) && !isnan(b[scan]);
    if (2 * both < wanted || both < LEAST_SCANS)
        return 0;
    return matched_log_ratio(a, b, (size_t)scans, CONFIDENCE, ratio, n) < 0 ? -1 : 1;
}

static int count_requested(const sweep_curves *c) {
    int n = 0;
    for (int scan = 0; scan < c->scans; scan++)
        n += c->has_requested[scan] != 0;
    return n;
}

/* ---------------------------------------------------------------- at equal SSIM */

/* A score of every scan where its SSIM under perturbation p has fallen to `target`; NaN where it never does,
 * and where the scan is left out. */
static int score_at_ssim(const sweep_curves *c, int metric, int only_requested, int p, double target,
                         double *out) {
    double *ssim = mem_alloc(2 * (size_t)c->levels * sizeof *ssim), *score = ssim + c->levels;
    int status = ssim ? 0 : -1;
    for (int scan = 0; status == 0 && scan < c->scans; scan++) {
        out[scan] = NAN;
        if (only_requested && !c->has_requested[scan])
            continue;
        for (int level = 0; level < c->levels; level++) {
            ssim[level] = sweep_curve_at(c, scan, p, level)[c->against];
            score[level] = sweep_curve_at(c, scan, p, level)[metric];
        }
        status = matched_value(ssim, score, (size_t)c->levels, target, &out[scan]);
    }
    free(ssim);
    return status;
}

int sweep_compare_at_ssim(const sweep_curves *c, int metric, int only_requested, int shift, int other,
                          double target, interval *ratio, size_t *n) {
    double *a = mem_alloc(2 * (size_t)c->scans * sizeof *a), *b = a + c->scans;
    int wanted = only_requested ? count_requested(c) : c->scans, status = -1;
    if (a && score_at_ssim(c, metric, only_requested, shift, target, a) == 0 &&
        score_at_ssim(c, metric, only_requested, other, target, b) == 0)
        status = ratio_over_scans(a, b, c->scans, wanted, ratio, n);
    free(a);
    return status;
}

/* ---------------------------------------------------------------- robustness */

/* Mean distance over the levels above 0; NaN where the metric was not computed. */
static double response(const sweep_curves *c, int scan, int p, int metric) {
    double sum = 0.0;
    for (int level = 1; level < c->levels; level++) {
        double value = sweep_curve_at(c, scan, p, level)[metric];
        sum += metric_as_distance(label_of(c, metric), value);
    }
    return sum / (c->levels - 1);
}

int sweep_robustness(const sweep_curves *c, int metric, double *ratio) {
    int shift = find(c, SHIFT), blur = find(c, others[0]), noise = find(c, others[1]);
    if (shift < 0 || blur < 0 || noise < 0)
        return err_set("robustness: the sweep needs " SHIFT ", %s and %s", others[0], others[1]);
    metric = metric_set_distance(c->metrics, metric);
    for (int scan = 0; scan < c->scans; scan++) {
        double a = response(c, scan, shift, metric), b = response(c, scan, blur, metric),
               n = response(c, scan, noise, metric);
        ratio[scan] = a > 0.0 && b > 0.0 && n > 0.0 ? a / (sqrt(b) * sqrt(n)) : NAN;
    }
    return 0;
}

int sweep_compare_robustness(const sweep_curves *c, int metric, interval *ratio, size_t *n) {
    int status = 0, wanted = c->metrics->entry[metric].on_request ? count_requested(c) : c->scans;
    if (find(c, SHIFT) < 0 || find(c, others[0]) < 0 || find(c, others[1]) < 0)
        return 0;
    double *a = mem_alloc(2 * (size_t)c->scans * sizeof *a), *b = a + c->scans;
    if (!a || sweep_robustness(c, c->ssfd, a) < 0 || sweep_robustness(c, metric, b) < 0)
        status = -1;
    if (status == 0)
        status = ratio_over_scans(a, b, c->scans, wanted, ratio, n);
    free(a);
    return status;
}

/* ---------------------------------------------------------------- claims */

static void write_result(csv_writer *csv, claim *c) {
    c->test = "paired t on log ratio over scans";
    c->verdict = interval_verdict_below(c->value, 1.0);
    claim_write(csv, c, 6);
}

static int write_shift_claim(const sweep_curves *c, csv_writer *csv, const char *other) {
    char key[128], text[256], effect[128];
    claim found = {.key = key, .text = text, .effect = effect};
    int shift = find(c, SHIFT), p = find(c, other);
    if (shift < 0 || p < 0)
        return 0;
    int status = sweep_compare_at_ssim(c, c->ssfd, 0, shift, p, SWEEP_PRIMARY_SSIM, &found.value, &found.n);
    snprintf(key, sizeof key, "shift_to_%s", other);
    snprintf(text, sizeof text, "at equal %s (%.2f) SSFD reacts less to " SHIFT " than to %s",
             label_of(c, c->against)->title, SWEEP_PRIMARY_SSIM, other);
    snprintf(effect, sizeof effect, "ratio of SSFD (" SHIFT " / %s)", other);
    if (status > 0)
        write_result(csv, &found);
    return status < 0 ? -1 : 0;
}

static int write_robustness_claim(const sweep_curves *c, csv_writer *csv, int metric) {
    char key[256], text[512], effect[512];
    claim found = {.key = key, .text = text, .effect = effect};
    int status = sweep_compare_robustness(c, metric, &found.value, &found.n);
    snprintf(key, sizeof key, "robustness_%s", label_of(c, metric)->key);
    snprintf(text, sizeof text, "for what it reacts to blur and noise SSFD reacts less to " SHIFT " than %s",
             label_of(c, metric)->title);
    snprintf(effect, sizeof effect, "ratio of robustness ratios (ssfd / %s)",
             label_of(c, metric_set_distance(c->metrics, metric))->key);
    if (status > 0)
        write_result(csv, &found);
    return status < 0 ? -1 : 0;
}

static int is_compared(const sweep_curves *c, int metric) {
    return metric == c->against || (label_of(c, metric)->roles & METRIC_CLAIMED);
}

static int has_any_requested(const metric_set *s) {
    for (int m = 0; m < s->count; m++)
        if (s->entry[m].on_request)
            return 1;
    return 0;
}

int sweep_write_claims(const sweep_curves *c, csv_writer *csv) {
    int status = 0;
    csv_writer_comment(csv,
                       "at equal SSIM: each scan's SSFD is interpolated where its %s has fallen to %.2f, the "
                       "primary comparison%s; n scans get there under both perturbations; with fewer than "
                       "half of the scans there is no row",
                       label_of(c, c->against)->title, SWEEP_PRIMARY_SSIM,
                       has_any_requested(c->metrics) ? " (others are in perturbation_baselines.csv)" : "");
    csv_writer_comment(csv,
                       "ratios: geometric mean over scans with a 95 %% Student-t interval on logarithms; "
                       "reproduced: wholly below 1, not reproduced: wholly above 1");
    claim_write_header(csv);
    for (int k = 0; status == 0 && k < OTHERS; k++)
        status = write_shift_claim(c, csv, others[k]);
    for (int m = 0; status == 0 && m < c->metrics->count; m++)
        if (is_compared(c, m))
            status = write_robustness_claim(c, csv, m);
    return status;
}

/* ---------------------------------------------------------------- baselines */

static int add_ratio(const sweep_curves *c, sweep_ratio *ratios, int count, int metric, int other,
                     double at) {
    sweep_ratio *r = &ratios[count];
    *r = (sweep_ratio){.metric = metric, .other = other, .at = at};
    int shift = find(c, SHIFT);
    int found =
        shift < 0 || other < 0 ? 0 : sweep_compare_at_ssim(c, metric, 1, shift, other, at, &r->ratio, &r->n);
    return found < 0 ? -1 : count + found;
}

int sweep_ratios(const sweep_curves *c, sweep_ratio *ratios) {
    int count = 0;
    for (int m = 0; m < c->metrics->count; m++)
        for (int k = 0; k < OTHERS && (m == c->ssfd || c->metrics->entry[m].on_request); k++)
            for (size_t t = 0; count >= 0 && t < sizeof matched_ssim / sizeof *matched_ssim; t++)
                count = add_ratio(c, ratios, count, m, find(c, others[k]), matched_ssim[t]);
    return count;
}

int sweep_write_baselines(const sweep_curves *c, csv_writer *csv) {
    sweep_ratio ratios[SWEEP_RATIOS];
    int count = sweep_ratios(c, ratios);
    csv_writer_comment(csv,
                       "ratio: score under the perturbation / score under the other where both have brought "
                       "a scan's SSIM down to ssim; geometric mean over scans, 95 %% Student-t interval on "
                       "logarithms");
    csv_writer_row(csv,
                   "metric,perturbation,other,ssim,n_scans,ratio,ci_low,ci_high,other_title,metric_title");
    for (int k = 0; k < count; k++) {
        const sweep_ratio *r = &ratios[k];
        const perturbation *other = c->perturbation[r->other];
        csv_writer_row(csv, "%s," SHIFT ",%s,%.2f,%zu,%.6g,%.6g,%.6g,%s,%s", label_of(c, r->metric)->key,
                       other->name, r->at, r->n, r->ratio.estimate, r->ratio.low, r->ratio.high, other->title,
                       label_of(c, r->metric)->title);
    }
    return count < 0 ? -1 : 0;
}
