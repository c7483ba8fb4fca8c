#!/usr/bin/env python3
"""Makes tests/golden/jsense.h5: SigPy's JSENSE maps and NumPy's centred FFTs for test_mri.

    python3 -m venv venv && venv/bin/pip install sigpy h5py
    venv/bin/python tests/golden/make_jsense_golden.py [ch2.nii.gz] [jsense.h5]

The k-space is that of an axial slice of the Colin27 head (Debian package mricron-data), 2 mm pixels, seen by four
coils of smooth complex sensitivity, with a smooth phase and complex noise. Each case holds SigPy's maps and the image
combined with them. SigPy runs in double precision, so that the values do not hang on the order of its sums; how far
its single precision lies from them is printed. Complex arrays are stored with a last axis (re, im). Versions used are
attributes of the file.
"""
import gzip
import sys

import h5py
import numpy as np
import sigpy
import sigpy.mri.app

ROWS, COLUMNS, COILS = 64, 56, 4
SEED = 20070601
VOLUME_SHAPE = (181, 217, 181)  # z, y, x
NIFTI_DATA_OFFSET = 352
NOISE = 0.01  # of the largest signal, per coil, in the image
FFT_SIZES = [(8, 6), (7, 5), (6, 9), (9, 16), (1, 4), (5, 1)]
# name: kernel width, calibration width, lambda, iterations, inner iterations; columns left out, first row and column
CASES = {
    "default": ((6, 13, 0.0, 10, 10), [], 0),
    "regularised": ((5, 24, 1e-3, 6, 8), [], 0),
    "gaps": ((6, 20, 0.0, 10, 10), [23, 33], 0),
    "odd": ((6, 13, 0.0, 10, 10), [], 1),
}


def head(path):
    """A 2 mm axial slice, largest value 1."""
    with gzip.open(path) as file:
        volume = np.frombuffer(file.read(), np.uint8, offset=NIFTI_DATA_OFFSET).reshape(VOLUME_SHAPE)
    blocks = volume[90, 34:34 + 2 * COLUMNS + 40, 26:26 + 2 * ROWS].astype(float)[20:20 + 2 * COLUMNS]
    image = blocks.reshape(COLUMNS, 2, ROWS, 2).mean(axis=(1, 3)).T
    return image / image.max()


def multicoil(image):
    """k-space (coils, rows, columns), complex64."""
    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[-1:1:ROWS * 1j, -1:1:COLUMNS * 1j]
    angles = 2 * np.pi * np.arange(COILS)[:, None, None] / COILS + 0.4
    distance2 = (y - 1.1 * np.sin(angles))**2 + (x - 1.1 * np.cos(angles))**2
    maps = np.exp(-distance2 / 1.8 + 1j * (angles + 0.9 * x * np.cos(angles) + 0.9 * y * np.sin(angles)))
    coils = image * np.exp(1j * (0.5 + 0.6 * x - 0.4 * y * y)) * maps
    noise = rng.standard_normal(coils.shape) + 1j * rng.standard_normal(coils.shape)
    coils = coils + NOISE * np.abs(coils).max() * noise
    return sigpy.fft(coils, axes=(-2, -1)).astype(np.complex64)


def jsense(kspace, case, dtype):
    (kernel, calibration, lamda, iterations, inner), left_out, first = case
    kspace = kspace[:, first:, first:].astype(dtype)
    kspace[..., left_out] = 0
    maps = sigpy.mri.app.JsenseRecon(kspace, mps_ker_width=kernel, ksp_calib_width=calibration, lamda=lamda,
                                     max_iter=iterations, max_inner_iter=inner, show_pbar=False).run()
    return maps, np.sum(maps.conj() * sigpy.ifft(kspace, axes=(-2, -1)), axis=0)


def centred_fft(x, transform):
    return np.fft.fftshift(transform(np.fft.ifftshift(x), norm="ortho"))


def pairs(x):
    return np.stack([x.real, x.imag], axis=-1).astype(np.float32)


def main(volume="/usr/share/mricron/templates/ch2.nii.gz", output="tests/golden/jsense.h5"):
    kspace = multicoil(head(volume))
    content = {"kspace": pairs(kspace)}
    for name, case in CASES.items():
        maps, image = jsense(kspace, case, np.complex128)
        single = jsense(kspace, case, np.complex64)
        far = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(single, (maps, image))]
        print(f"{name}: SigPy in single precision differs by {far[0]:.1e} (maps), {far[1]:.1e} (image)")
        content[f"{name}/maps"], content[f"{name}/image"] = pairs(maps), pairs(image)
        content[f"{name}/settings"] = np.array(case[0], np.float64)
        content[f"{name}/left_out"] = np.isin(np.arange(COLUMNS), case[1]).astype(np.int32)
    rng = np.random.default_rng(SEED + 1)
    for rows, columns in FFT_SIZES:
        x = (rng.standard_normal((rows, columns)) + 1j * rng.standard_normal((rows, columns))).astype(np.complex64)
        content[f"fft/{rows}x{columns}/input"] = pairs(x)
        content[f"fft/{rows}x{columns}/forward"] = pairs(centred_fft(x.astype(complex), np.fft.fft2))
        content[f"fft/{rows}x{columns}/inverse"] = pairs(centred_fft(x.astype(complex), np.fft.ifft2))
    with h5py.File(output, "w") as file:
        for name, data in content.items():
            file.create_dataset(name, data=data,
                                **({"compression": 9, "shuffle": True} if data.size > 1000 else {}))
        file.attrs.update(made_by="tests/golden/make_jsense_golden.py", seed=SEED, numpy=np.__version__,
                          sigpy=sigpy.__version__, python=sys.version.split()[0],
                          images="Colin27 T1 (Montreal Neurological Institute), as in Debian's mricron-data")


if __name__ == "__main__":
    main(*sys.argv[1:])
