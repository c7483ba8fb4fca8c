#include "stats/matched.h"

#include "core/error.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

int matched_value(const double *ssim, const double *ssfd, size_t levels, double target, double *value) {
    if (levels < 2)
        return err_set("matched SSFD: %zu levels, expected at least 2", levels);
    if (!isfinite(target))
        return err_set("matched SSFD: the SSIM to match is not finite");
    for (size_t i = 0; i < levels; i++)
        if (!isfinite(ssim[i]) || !isfinite(ssfd[i]))
            return err_set("matched SSFD: level %zu has SSIM %g and SSFD %g, expected finite numbers", i,
                           ssim[i], ssfd[i]);
    size_t i = 0;
    while (i < levels && ssim[i] > target)
        i++;
    if (i == levels) {
        *value = NAN;
    } else if (i == 0) {
        *value = ssfd[0];
    } else {
        const double t = (ssim[i - 1] - target) / (ssim[i - 1] - ssim[i]);
        *value = ssfd[i - 1] + t * (ssfd[i] - ssfd[i - 1]);
    }
    return 0;
}

/* Writes log(a/b) of the complete pairs and their number. */
static int log_ratios(const double *a, const double *b, size_t n, double *logs, size_t *used) {
    *used = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(a[i]) || isnan(b[i]))
            continue;
        if (!(a[i] > 0.0 && b[i] > 0.0) || isinf(a[i]) || isinf(b[i]))
            return err_set("ratio of pair %zu is %g / %g, expected positive finite numbers", i, a[i], b[i]);
        logs[(*used)++] = log(a[i] / b[i]);
    }
    if (*used < 2)
        return err_set("ratio: %zu of %zu pairs are complete, expected at least 2", *used, n);
    return 0;
}

int matched_log_ratio(const double *a, const double *b, size_t n, double confidence, interval *ratio,
                      size_t *used) {
    double *logs = mem_alloc(n * sizeof *logs);
    if (!logs)
        return -1;
    interval mean;
    int status = log_ratios(a, b, n, logs, used);
    if (status == 0)
        status = interval_of_mean(logs, *used, confidence, &mean, NULL);
    free(logs);
    if (status == 0)
        *ratio = (interval){exp(mean.estimate), exp(mean.low), exp(mean.high)};
    return status;
}
