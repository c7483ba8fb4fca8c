#!/usr/bin/env python3
"""Makes tests/golden/augment.h5: images rotated by SciPy's cubic B-spline, for test_augment.

    python3 -m venv venv && venv/bin/pip install numpy scipy h5py
    venv/bin/python tests/golden/make_augment_golden.py [augment.h5]
"""
import sys

import h5py
import numpy as np
import scipy
from scipy import ndimage

ROWS, COLUMNS = 26, 21
DEGREES = [7.5, -10.0, 60.0]


def rotated(image, degrees):
    """out[y, x] = image at the place that a rotation by `degrees` moves to (y, x); rows count downwards."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.array([[c, -s], [s, c]])  # from the offset (y, x) in the output to that in the input
    centre = (np.array(image.shape) - 1) / 2
    return ndimage.affine_transform(image, matrix, centre - matrix @ centre, order=3, mode="mirror")


def main():
    rng = np.random.default_rng(20240612)
    image = rng.random((ROWS, COLUMNS)).astype(np.float32)
    with h5py.File(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/augment.h5", "w") as file:
        file.attrs["scipy"] = scipy.__version__
        file["image"] = image
        file["degrees"] = np.array(DEGREES)
        file["rotated"] = np.stack([rotated(image.astype(float), d) for d in DEGREES]).astype(np.float32)


main()
