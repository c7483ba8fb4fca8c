#!/usr/bin/env python3
"""Golden values of correlation studies: SciPy's coefficients, and its BCa bootstrap with very many replicates.

usage: make_correlation_golden.py     (NumPy, SciPy; writes correlation.csv and correlation_points.csv next to itself)

What SciPy resamples are the numbers of the scans. A sample is then a weight for each point. Pearson's and Spearman's
coefficients are computed from sums over points, Kendall's from all pairs of points, a matrix of signs.
"""
import pathlib
import sys

import numpy as np
import scipy
from scipy import stats

SCANS, SCORES, SEED, REPLICATES = 20, 4, 7, 400_000
HERE = pathlib.Path(__file__).parent


def study(slices, decimals, rng):
    """Scores of SCANS scans that fall with y, the later the less, with a scan effect, a skew and, rounded, ties."""
    scan = rng.normal(size=SCANS)[:, None]
    y = -0.7 * scan + 0.5 * rng.normal(size=(SCANS, slices))
    x = [np.exp(0.6 * scan + (0.2 + 0.3 * k) * rng.normal(size=(SCANS, slices))) for k in range(SCORES)]
    return [np.round(v, decimals) for v in x], np.round(y, decimals)


def weights(scans, slices):
    """[..., points]: how often each point is in the sample."""
    scans = np.asarray(scans, int)
    copies = (scans[..., :, None] == np.arange(SCANS)).sum(-2)
    return np.repeat(copies, slices, axis=-1).astype(float)


def pearson(x, y, w):
    total = w.sum(-1, keepdims=True)
    dx, dy = x - (w * x).sum(-1, keepdims=True) / total, y - (w * y).sum(-1, keepdims=True) / total
    return (w * dx * dy).sum(-1) / np.sqrt((w * dx * dx).sum(-1) * (w * dy * dy).sum(-1))


def ranks(x, w):
    """Mean ranks of the weighted points: what is below, and half of what is equal."""
    below, equal = (x[:, None] > x).astype(float), (x[:, None] == x).astype(float)
    return w @ below.T + 0.5 * (w @ equal.T + 1)


def spearman(x, y, w):
    return pearson(ranks(x, w), ranks(y, w), w)


def kendall(x, y, w):
    sx, sy = np.sign(x[:, None] - x), np.sign(y[:, None] - y)

    def over_pairs(matrix):
        return np.einsum("...i,...i->...", w @ matrix, w)
    return over_pairs(sx * sy) / np.sqrt(over_pairs(sx * sx) * over_pairs(sy * sy))


KINDS = {"pearson": (pearson, stats.pearsonr), "spearman": (spearman, stats.spearmanr),
         "kendall": (kendall, stats.kendalltau)}


def statistics(coefficient, x, y, slices, scans):
    """[scores + 2, ...]: coefficients, their slope over the number of the score, the last less the first."""
    w = weights(scans, slices)
    r = np.stack([coefficient(v.ravel(), y.ravel(), w) for v in x])
    k = np.arange(SCORES) - (SCORES - 1) / 2
    trend = np.tensordot(k, r, 1) / (k @ k)
    return np.concatenate([r, trend[None], (r[-1] - r[0])[None]])


def main():
    rng = np.random.default_rng(SEED)
    points, golden = open(HERE / "correlation_points.csv", "w"), open(HERE / "correlation.csv", "w")
    made_by = (f"# made by tests/golden/make_correlation_golden.py: NumPy {np.__version__}, SciPy {scipy.__version__}, "
               f"{REPLICATES} replicates\n")
    points.write(made_by + "set,scan," + ",".join(f"x{k}" for k in range(SCORES)) + ",y\n")
    golden.write(made_by + "set,coefficient,statistic,estimate,ci_low,ci_high\n")
    for number, (slices, decimals) in enumerate(((1, 6), (3, 6), (3, 1))):
        x, y = study(slices, decimals, rng)
        for scan in range(SCANS):
            for s in range(slices):
                points.write(f"{number},{scan}," + ",".join(str(v[scan, s]) for v in x) + f",{y[scan, s]}\n")
        for kind, (coefficient, scipys) in KINDS.items():
            def statistic(scans, axis=-1):
                return statistics(coefficient, x, y, slices, scans)
            found = stats.bootstrap((np.arange(SCANS),), statistic, n_resamples=REPLICATES, batch=20_000, method="BCa",
                                    confidence_level=0.95, rng=SEED).confidence_interval
            estimate = statistic(np.arange(SCANS))
            r = [scipys(v.ravel(), y.ravel()).statistic for v in x]
            assert np.allclose(estimate[:SCORES], r, atol=1e-12), (kind, estimate, r)
            for name, e, low, high in zip([f"r{k}" for k in range(SCORES)] + ["trend", "drop"], estimate, *found):
                golden.write(f"{number},{kind},{name},{e:.9f},{low:.6f},{high:.6f}\n")


if __name__ == "__main__":
    sys.exit(main())
