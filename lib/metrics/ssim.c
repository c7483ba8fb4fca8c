#include "metrics/ssim.h"

#include "core/clones.h"
#include "core/error.h"
#include "core/image.h"
#include "core/memory.h"
#include "metrics/metric.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define WINDOW_MAX 11
#define WANG_WINDOW 11
#define WANG_SIGMA 1.5
#define FASTMRI_WINDOW 7
#define SSIM_K1 0.01
#define SSIM_K2 0.03

/* ---------------------------------------------------------------- windows */

/* The window is separable: weight[i] * weight[j], summing to 1. */
typedef struct {
    int size;
    double weight[WINDOW_MAX];
    double covariance_scale; /* 1 for population covariance, N / (N - 1) for sample covariance */
    double c1, c2;
    double offset; /* subtracted from both images */
} ssim_setup;

static ssim_setup ssim_prepare(ssim_window window, double data_range) {
    ssim_setup s = {.size = FASTMRI_WINDOW, .covariance_scale = 1.0};
    const double l1 = SSIM_K1 * data_range, l2 = SSIM_K2 * data_range;
    s.c1 = l1 * l1;
    s.c2 = l2 * l2;
    if (window == SSIM_FASTMRI) {
        const double pixels = FASTMRI_WINDOW * FASTMRI_WINDOW;
        s.covariance_scale = pixels / (pixels - 1.0);
        for (int i = 0; i < s.size; i++)
            s.weight[i] = 1.0 / FASTMRI_WINDOW;
        return s;
    }
    s.size = WANG_WINDOW;
    double sum = 0.0;
    for (int i = 0; i < s.size; i++) {
        const double t = (i - WANG_WINDOW / 2) / WANG_SIGMA;
        s.weight[i] = exp(-0.5 * t * t);
        sum += s.weight[i];
    }
    for (int i = 0; i < s.size; i++)
        s.weight[i] /= sum;
    return s;
}

/* Local moments are taken of x = reference - offset and of the difference d = reference - image, not of the
 * two images: the numerators and denominators of SSIM then differ by md^2 and var(d), so equal images give
 * exactly 1 and nearly equal ones lose no digits. The offset (the reference's mean) keeps E[x^2] - E[x]^2
 * from cancelling on a bright background. */
enum { X, D, XX, XD, DD, MOMENTS };

typedef struct {
    double *x, *d;         /* rings of `size` rows, centred and in double */
    double *down[MOMENTS]; /* [columns], weighted sums down the window */
    double *full[MOMENTS]; /* [columns], weighted sums over the window */
} ssim_scratch;

static double *scratch_layout(ssim_scratch *w, int size, int columns) {
    const size_t rows_needed = 2 * (size_t)size + 2 * MOMENTS;
    double *memory = mem_aligned(rows_needed * columns * sizeof *memory);
    if (!memory)
        return NULL;
    double *next = memory;
    w->x = next;
    w->d = next += (size_t)size * columns;
    next += (size_t)size * columns;
    for (int m = 0; m < MOMENTS; m++, next += 2 * (size_t)columns) {
        w->down[m] = next;
        w->full[m] = next + columns;
    }
    return memory;
}

CLONES static void load_row(const float *restrict reference, const float *restrict image, int columns,
                            double offset, double *restrict x, double *restrict d) {
    for (int c = 0; c < columns; c++) {
        x[c] = reference[c] - offset;
        d[c] = (double)reference[c] - image[c];
    }
}

/* down += weight * moments of one image row */
CLONES static void add_row(const double *restrict x, const double *restrict d, int columns, double weight,
                           double *const down[MOMENTS]) {
    double *restrict sx = down[X], *restrict sd = down[D], *restrict sxx = down[XX];
    double *restrict sxd = down[XD], *restrict sdd = down[DD];
    for (int c = 0; c < columns; c++) {
        const double wx = weight * x[c], wd = weight * d[c];
        sx[c] += wx;
        sd[c] += wd;
        sxx[c] += wx * x[c];
        sxd[c] += wx * d[c];
        sdd[c] += wd * d[c];
    }
}

/* full[c] = sum over k of weight[k] * down[c + k]; the windows are symmetric, which halves the products */
CLONES static void filter_along(const double *restrict down, double *restrict full, int n,
                                const ssim_setup *s) {
    const int half = s->size / 2;
    for (int c = 0; c < n; c++)
        full[c] = s->weight[half] * down[c + half];
    for (int k = 0; k < half; k++) {
        const double weight = s->weight[k];
        const double *restrict left = down + k, *restrict right = down + s->size - 1 - k;
        for (int c = 0; c < n; c++)
            full[c] += weight * (left[c] + right[c]);
    }
}

/* What is gathered over the windows. */
typedef struct {
    double sum, foreground_sum;
    size_t windows, foreground; /* how many */
    double threshold;           /* of the foreground: what a window's mean of the reference is above */
    double *means;              /* NULL, or room for the reference's mean in every window */
} ssim_totals;

CLONES static void add_ssim(double *const full[MOMENTS], int n, const ssim_setup *s, ssim_totals *t) {
    double sum = 0.0, foreground_sum = 0.0;
    size_t foreground = 0;
    for (int c = 0; c < n; c++) {
        const double mx = full[X][c], md = full[D][c];
        const double vx = s->covariance_scale * (full[XX][c] - mx * mx);
        const double cxd = s->covariance_scale * (full[XD][c] - mx * md);
        const double vd = s->covariance_scale * (full[DD][c] - md * md);
        const double mean_x = mx + s->offset, mean_y = mean_x - md;
        const double luminance = 2.0 * mean_x * mean_y + s->c1;
        const double structure = 2.0 * (vx - cxd) + s->c2;
        const double ssim = luminance * structure / ((luminance + md * md) * (structure + vd));
        const int is_foreground = mean_x > t->threshold;
        sum += ssim;
        foreground_sum += is_foreground ? ssim : 0.0;
        foreground += (size_t)is_foreground;
    }
    t->sum += sum;
    t->foreground_sum += foreground_sum;
    t->windows += (size_t)n;
    t->foreground += foreground;
}

static void ssim_windows(const float *reference, const float *image, int rows, int columns,
                         const ssim_setup *s, const ssim_scratch *w, ssim_totals *t) {
    const int out_columns = columns - s->size + 1;
    for (int r = 0; r < rows; r++) {
        const size_t slot = (size_t)(r % s->size) * columns, row = (size_t)r * columns;
        load_row(reference + row, image + row, columns, s->offset, w->x + slot, w->d + slot);
        const int top = r - s->size + 1;
        if (top < 0)
            continue;
        for (int m = 0; m < MOMENTS; m++)
            for (int c = 0; c < columns; c++)
                w->down[m][c] = 0.0;
        for (int k = 0; k < s->size; k++) {
            const size_t from = (size_t)((top + k) % s->size) * columns;
            add_row(w->x + from, w->d + from, columns, s->weight[k], w->down);
        }
        for (int m = 0; m < MOMENTS; m++)
            filter_along(w->down[m], w->full[m], out_columns, s);
        add_ssim(w->full, out_columns, s, t);
        for (int c = 0; t->means && c < out_columns; c++)
            t->means[(size_t)top * out_columns + c] = w->full[X][c] + s->offset;
    }
}

/* t: threshold and means as the caller has them, the rest 0. */
static int ssim_study(const float *reference, const float *image, int rows, int columns, ssim_window window,
                      double data_range, ssim_totals *t) {
    if (window != SSIM_WANG && window != SSIM_FASTMRI)
        return err_set("SSIM: unknown window %d", (int)window);
    if (!isfinite(data_range) || data_range <= 0.0)
        return err_set("SSIM: data range is %g: expected a positive number", data_range);
    ssim_setup s = ssim_prepare(window, data_range);
    if (rows < s.size || columns < s.size)
        return err_set("SSIM: image of %d x %d pixels is smaller than the %d x %d window", rows, columns,
                       s.size, s.size);
    if (image_check_pair(reference, image, rows, columns))
        return err_prefix("SSIM");
    s.offset = image_mean(reference, rows, columns);
    ssim_scratch w;
    double *memory = scratch_layout(&w, s.size, columns);
    if (!memory)
        return -1;
    ssim_windows(reference, image, rows, columns, &s, &w, t);
    free(memory);
    return 0;
}

int image_ssim(const float *reference, const float *image, int rows, int columns, ssim_window window,
               double data_range, double *ssim) {
    ssim_totals t = {.threshold = INFINITY};
    if (ssim_study(reference, image, rows, columns, window, data_range, &t) < 0)
        return -1;
    *ssim = t.sum / (double)t.windows;
    return 0;
}

int image_ssim_foreground(const float *reference, const float *image, int rows, int columns,
                          ssim_window window, double data_range, double threshold, double *ssim,
                          double *foreground) {
    ssim_totals t = {.threshold = threshold};
    if (ssim_study(reference, image, rows, columns, window, data_range, &t) < 0)
        return -1;
    if (t.foreground == 0)
        return err_set("SSIM: the reference has no foreground above %g", threshold);
    *ssim = t.sum / (double)t.windows;
    *foreground = t.foreground_sum / (double)t.foreground;
    return 0;
}

#define EQUAL_MEANS 1e-12 /* of the larger one: far above rounding, far below what float32 can tell apart */
#define THRESHOLD_STEPS 1000 /* rounding shall not make it go round in circles; some ten are enough */

/* Minimum cross-entropy threshold of numbers above `least`, not all of them equal to it: it moves to the
 * logarithmic mean of the means on both its sides until no number changes sides. */
static double cross_entropy_threshold(const double *x, size_t n, double least) {
    double threshold = 0.0;
    size_t above = n;
    for (size_t i = 0; i < n; i++)
        threshold += (x[i] - least) / (double)n;
    for (int step = 0; step < THRESHOLD_STEPS; step++) {
        double sum_below = 0.0, sum_above = 0.0;
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            const double value = x[i] - least;
            const int is_above = value > threshold;
            sum_below += is_above ? 0.0 : value;
            sum_above += is_above ? value : 0.0;
            count += (size_t)is_above;
        }
        if (count == above || !(sum_below > 0.0))
            break;
        above = count;
        const double low = sum_below / (double)(n - count), high = sum_above / (double)count;
        threshold = (high - low) / log1p((high - low) / low);
    }
    return least + threshold;
}

int image_foreground_threshold(const float *reference, int rows, int columns, ssim_window window,
                               double *threshold) {
    const size_t pixels = rows > 0 && columns > 0 ? (size_t)rows * (size_t)columns : 1;
    ssim_totals t = {.threshold = INFINITY, .means = mem_alloc(pixels * sizeof *t.means)};
    int status = !t.means ? -1 : ssim_study(reference, reference, rows, columns, window, 1.0, &t);
    if (status == 0) {
        double least = t.means[0], most = t.means[0];
        for (size_t i = 1; i < t.windows; i++) {
            least = t.means[i] < least ? t.means[i] : least;
            most = t.means[i] > most ? t.means[i] : most;
        }
        const int differ = most - least > EQUAL_MEANS * fmax(fabs(least), fabs(most));
        *threshold = differ ? cross_entropy_threshold(t.means, t.windows, least) : -INFINITY;
    }
    free(t.means);
    return status;
}

/* ---------------------------------------------------------------- the metrics */

typedef struct {
    double threshold; /* of the reference's foreground */
} workspace;

static void *create(const void *shared, int rows, int columns) {
    (void)shared, (void)rows, (void)columns;
    return mem_alloc(sizeof(workspace));
}

static int set_reference(void *given, const metric_reference *r) {
    workspace *w = given;
    return image_foreground_threshold(r->image.pixels, r->image.rows, r->image.columns, SSIM_WANG,
                                      &w->threshold);
}

static int score(void *given, const metric_reference *r, const float *compared, double *values) {
    const workspace *w = given;
    return image_ssim_foreground(r->image.pixels, compared, r->image.rows, r->image.columns, SSIM_WANG,
                                 r->range, w->threshold, &values[0], &values[1]);
}

/* One pass over the windows gives both. */
static const metric_method method = {
    .values = 2, .workspace = create, .workspace_free = free, .reference = set_reference, .score = score};

const metric metric_ssim = {
    .key = "ssim",
    .title = "SSIM",
    .help = "structural similarity over the whole slice (Wang et al. 2004)",
    .about = "Gaussian window 11x11, sigma 1.5, data range = maximum of the reference slice",
    .direction = METRIC_HIGHER_IS_BETTER,
    .roles = METRIC_ALWAYS | METRIC_CLAIMED,
    .style = 2,
    .method = &method,
};

const metric metric_ssim_foreground = {
    .key = "ssim_foreground",
    .title = "SSIM (foreground)",
    .help = "SSIM over the windows that are not background",
    .about =
        "SSIM over windows that are brighter in the reference than the minimum cross-entropy threshold of "
        "its windows",
    .direction = METRIC_HIGHER_IS_BETTER,
    .roles = METRIC_ALWAYS,
    .style = 2,
    .method = &method,
    .value = 1,
};
