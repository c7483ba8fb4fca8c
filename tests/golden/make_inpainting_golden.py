"""Golden values of harmonic interpolation: makes tests/golden/inpainting.h5.

    python3 -m venv venv && venv/bin/pip install numpy scipy h5py
    venv/bin/python tests/golden/make_inpainting_golden.py

Independent of the C code: the Laplacian is that of the grid as a graph, D'D with D the differences between neighbours,
and the linear system of the masked pixels is solved directly by SciPy's sparse LU. With no difference across the border,
the border is the natural one.
"""
import sys

import h5py
import numpy as np
import scipy
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

SEED = 2022
ROWS, COLUMNS = 40, 33


def graph_laplacian(rows, columns):
    def differences(n):
        return sparse.diags([-np.ones(n - 1), np.ones(n - 1)], [0, 1], shape=(n - 1, n))
    steps = sparse.vstack([sparse.kron(differences(rows), sparse.identity(columns)),
                           sparse.kron(sparse.identity(rows), differences(columns))])
    return (steps.T @ steps).tocsr()


def harmonic(image, mask):
    laplacian, hole = graph_laplacian(*image.shape), mask.ravel() == 1
    flat = image.astype(np.float64).ravel()
    flat[hole] = spsolve(laplacian[hole][:, hole].tocsc(), -laplacian[hole][:, ~hole] @ flat[~hole])
    return flat.reshape(image.shape)


def masks(rng):
    """Patches inside, across each other, at a border and in a corner; one visible pixel in twenty; a single one."""
    patches = np.zeros((ROWS, COLUMNS), np.int32)
    for top, left in ((10, 12), (14, 17), (0, 5), (25, COLUMNS - 8), (ROWS - 8, 0)):
        patches[top:top + 8, left:left + 8] = 1
    scattered = (rng.random((ROWS, COLUMNS)) >= 0.05).astype(np.int32)
    lone = np.ones((ROWS, COLUMNS), np.int32)
    lone[7, 30] = 0
    return np.stack([patches, scattered, lone])


def main(output="tests/golden/inpainting.h5"):
    rng = np.random.default_rng(SEED)
    image = (100 + 40 * ndimage.gaussian_filter(rng.standard_normal((ROWS, COLUMNS)), 1.5)).astype(np.float32)
    holes = masks(rng)
    filled = np.stack([harmonic(image, hole) for hole in holes])
    with h5py.File(output, "w") as file:
        for name, data in (("image", image), ("masks", holes), ("filled", filled)):
            file.create_dataset(name, data=data, compression=9, shuffle=True)
        file.attrs.update(made_by="tests/golden/make_inpainting_golden.py", seed=SEED, numpy=np.__version__,
                          scipy=scipy.__version__, python=sys.version.split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
