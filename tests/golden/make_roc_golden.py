#!/usr/bin/env python3
"""Golden values of areas under ROC curves: scikit-learn's and SciPy's areas, Newcombe's method 5 as the roots of a
polynomial, and SciPy's BCa bootstrap over scans of an area and of the difference of two.

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


def won(score):
    return 0.5 * (1 + np.sign(score[:, None] - score))


def over_scans(pairs, is_case, scan):
    """Estimate and interval of the mean of pairs[case, control]; scans with cases, with controls and with both are
    resampled apart, each with all its rows."""
    scans = scan.max() + 1
    total = np.zeros((scans, scans))
    np.add.at(total, (scan[is_case == 1][:, None], scan[is_case == 0]), pairs[is_case == 1][:, is_case == 0])
    cases, controls = np.bincount(scan[is_case == 1], minlength=scans), np.bincount(scan[is_case == 0], minlength=scans)
    strata = [np.flatnonzero(s) for s in ((cases > 0) & (controls == 0), (cases == 0) & (controls > 0), (cases > 0) & (controls > 0))]
    strata = [s for s in strata if len(s)]

    def statistic(*drawn, axis=-1):
        s = np.concatenate([np.asarray(d, int) for d in drawn], axis=-1)
        return total[s[..., :, None], s[..., None, :]].sum((-2, -1)) / (cases[s].sum(-1) * controls[s].sum(-1))
    found = bootstrap(strata, statistic, n_resamples=REPLICATES, batch=10_000, method="BCa", confidence_level=0.95,
                      rng=SEED).confidence_interval
    return statistic(*strata), found.low, found.high


def area(score, is_case):
    u = mannwhitneyu(score[is_case == 1], score[is_case == 0]).statistic
    found = roc_auc_score(is_case, score)
    assert abs(found - u / (is_case.sum() * (is_case == 0).sum())) < 1e-12
    return found


def write(number, scan, is_case, a, b, values):
    for s, c, x, y in zip(scan, is_case, a, b):
        print(f"{number},{s},{c},{x:.6f},{y:.6f}," + ",".join(f"{v:.9f}" for v in values))


def main():
    rng = np.random.default_rng(SEED)
    print(f"# made by tests/golden/make_roc_golden.py: NumPy {np.__version__}, SciPy {scipy.__version__}, "
          f"scikit-learn {sklearn.__version__}, {REPLICATES} replicates")
    print("set,scan,is_case,a,b,area_a,low_a,high_a,area_b,low_b,high_b,difference,ci_low,ci_high")
    sets = []  # of rows that are scans of their own
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
        values += over_scans(won(a) - won(b), is_case, np.arange(len(a))) if number < 2 else [areas[0] - areas[1], np.nan, np.nan]
        write(number, np.arange(len(a)), is_case, a, b, values)
    # One of 1 to 4 rows a scan, alike; some scans have cases and controls.
    scan = np.repeat(np.arange(28), rng.integers(1, 5, 28))
    is_case = np.where(scan % 4 == 3, rng.integers(0, 2, len(scan)), scan % 3 == 0)
    common = rng.normal(size=28)[scan]
    a = np.round(1.2 * is_case + common + 0.4 * rng.normal(size=len(scan)), 1)
    b = np.round(0.4 * is_case + 0.5 * common + 0.8 * rng.normal(size=len(scan)), 6)
    values = [v for p in (won(a), won(b), won(a) - won(b)) for v in over_scans(p, is_case, scan)]
    assert abs(values[0] - area(a, is_case)) < 1e-12 and abs(values[3] - area(b, is_case)) < 1e-12
    write(3, scan, is_case, a, b, values)


if __name__ == "__main__":
    sys.exit(main())
