#!/usr/bin/env python3
"""Golden values of areas under ROC curves: scikit-learn's and SciPy's areas, Newcombe's method 5 as the roots of a
polynomial, and SciPy's BCa bootstrap of the difference of two areas.

usage: make_roc_golden.py > tests/golden/roc.csv     (NumPy, SciPy, scikit-learn)
"""
import sys

import numpy as np
import scipy
import sklearn
from numpy.polynomial import Polynomial
from scipy.stats import bootstrap, mannwhitneyu, norm
from sklearn.metrics import roc_auc_score

SEED, REPLICATES = 7, 400_000


def newcombe(area, m, k, confidence=0.95):
    """(t - A)^2 = z^2 V(t), both sides times m k (2 - t) (1 + t): of the fourth degree. The nearest roots on both sides."""
    z, n = norm.ppf(0.5 + confidence / 2), (m + k) / 2 - 1
    t = Polynomial([0, 1])
    p = (t - area) ** 2 * (m * k) * (2 - t) * (1 + t) - z * z * t * (1 - t) * (
        (2 - t) * (1 + t) + n * ((1 - t) * (1 + t) + t * (2 - t)))
    roots = p.roots()
    real = roots[abs(roots.imag) < 1e-7].real
    low = [r for r in real if -1e-9 <= r <= area - 1e-9]
    high = [r for r in real if area + 1e-9 <= r <= 1 + 1e-9]
    return max(low, default=area), min(high, default=area)


def difference(a, b, is_case):
    """Estimate and interval of area(a) - area(b), cases and controls resampled apart."""
    cases, controls = np.flatnonzero(is_case), np.flatnonzero(is_case == 0)

    def won(score):
        return 0.5 * (1 + np.sign(score[:, None] - score))
    pairs = won(a) - won(b)

    def statistic(i, k, axis=-1):
        i, k = np.asarray(i, int), np.asarray(k, int)
        return pairs[i[..., :, None], k[..., None, :]].mean((-2, -1))
    found = bootstrap((cases, controls), statistic, n_resamples=REPLICATES, batch=10_000, method="BCa",
                      confidence_level=0.95, rng=SEED).confidence_interval
    return statistic(cases, controls), found.low, found.high


def area(score, is_case):
    u = mannwhitneyu(score[is_case == 1], score[is_case == 0]).statistic
    found = roc_auc_score(is_case, score)
    assert abs(found - u / (is_case.sum() * (is_case == 0).sum())) < 1e-12
    return found


def main():
    rng = np.random.default_rng(SEED)
    print(f"# made by tests/golden/make_roc_golden.py: NumPy {np.__version__}, SciPy {scipy.__version__}, "
          f"scikit-learn {sklearn.__version__}, {REPLICATES} replicates")
    print("set,is_case,a,b,area_a,low_a,high_a,area_b,low_b,high_b,difference,ci_low,ci_high")
    sets = []
    for cases, controls, decimals in ((9, 21, 6), (14, 16, 1)):  # the second with ties
        is_case = rng.permutation(np.r_[np.ones(cases, int), np.zeros(controls, int)])
        common = rng.normal(size=cases + controls)
        a = 1.6 * is_case + common + 0.5 * rng.normal(size=cases + controls)
        b = 0.7 * is_case + common + 0.5 * rng.normal(size=cases + controls)
        sets.append((is_case, np.round(a, decimals), np.round(b, decimals)))
    is_case = np.r_[np.ones(4, int), np.zeros(20, int)]  # a separates perfectly, b the wrong way round
    sets.append((is_case, 10 * is_case + np.arange(24.0) / 100, np.round(rng.normal(size=24), 6) - 10 * is_case))
    for number, (is_case, a, b) in enumerate(sets):
        m, k = is_case.sum(), (is_case == 0).sum()
        areas = area(a, is_case), area(b, is_case)
        values = [areas[0], *newcombe(areas[0], m, k), areas[1], *newcombe(areas[1], m, k)]
        # without spread SciPy has no interval: such sets compare the areas only
        values += difference(a, b, is_case) if number < 2 else [areas[0] - areas[1], np.nan, np.nan]
        for c, x, y in zip(is_case, a, b):
            print(f"{number},{c},{x:.6f},{y:.6f}," + ",".join(f"{v:.9f}" for v in values))


if __name__ == "__main__":
    sys.exit(main())
