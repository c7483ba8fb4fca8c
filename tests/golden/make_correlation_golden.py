#!/usr/bin/env python3
"""Golden values of BCa intervals of a correlation: SciPy's bootstrap, with very many replicates.

usage: make_correlation_golden.py > tests/golden/correlation.csv     (NumPy, SciPy)

What SciPy resamples are the numbers of the scans; the statistic looks up all slices of each.
"""
import sys

import numpy as np
import scipy
from scipy.stats import bootstrap

SCANS, SEED, REPLICATES = 20, 7, 400_000


def study(slices, rng):
    """Points of SCANS scans, negatively correlated, with a scan effect and a skew."""
    scan = rng.normal(size=SCANS)[:, None]
    x = np.exp(0.6 * scan + 0.3 * rng.normal(size=(SCANS, slices)))
    y = -0.7 * scan + 0.5 * rng.normal(size=(SCANS, slices))
    return np.round(x, 6), np.round(y, 6)


def pearson(x, y):
    x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    return (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))


def main():
    rng = np.random.default_rng(SEED)
    print(f"# made by tests/golden/make_correlation_golden.py: NumPy {np.__version__}, SciPy {scipy.__version__}, "
          f"{REPLICATES} replicates")
    print("set,slices,scan,x,y,r,ci_low,ci_high")
    for number, slices in enumerate((1, 3)):
        x, y = study(slices, rng)

        def statistic(scans, axis=-1):
            scans = np.asarray(scans, int)
            shape = scans.shape[:-1] + (-1,)
            return pearson(x[scans].reshape(shape), y[scans].reshape(shape))
        found = bootstrap((np.arange(SCANS),), statistic, n_resamples=REPLICATES, batch=10_000, method="BCa",
                          confidence_level=0.95, random_state=SEED).confidence_interval
        r = pearson(x.ravel(), y.ravel())
        for scan in range(SCANS):
            for k in range(slices):
                print(f"{number},{slices},{scan},{x[scan, k]},{y[scan, k]},{r:.9f},{found.low:.6f},{found.high:.6f}")


if __name__ == "__main__":
    sys.exit(main())
