#include "stats/stats.h"

#include "core/error.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

int stats_mean_t(const double *values, size_t n, double confidence, interval *mean, double *sd) {
    if (n < 2)
        return err_set("mean with interval: %zu values, expected at least 2", n);
    if (!(confidence > 0.0 && confidence < 1.0))
        return err_set("mean with interval: confidence is %g, expected a number between 0 and 1", confidence);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return err_set("mean with interval: value %zu of %zu is not finite", i + 1, n);
    const double middle = gsl_stats_mean(values, 1, n), spread = gsl_stats_sd_m(values, 1, n, middle);
    const double half =
        gsl_cdf_tdist_Pinv(0.5 + 0.5 * confidence, (double)(n - 1)) * spread / sqrt((double)n);
    *mean = (interval){middle, middle - half, middle + half};
    if (sd)
        *sd = spread;
    return 0;
}
