#!/usr/bin/env python3
"""Makes tests/golden/metrics.h5: values of independent implementations for test_metrics, test_perturb, test_stats.

    python3 -m venv venv && venv/bin/pip install numpy scipy scikit-image h5py
    venv/bin/python tests/golden/make_metrics_golden.py [ch2.nii.gz] [metrics.h5]

The images are two crops of the Colin27 head (Debian package mricron-data); everything else is drawn from a fixed
seed. Versions used are attributes of the file. Where torchmetrics and torch can be imported too, its SSIM and PSNR must
agree with the values stored, else the script stops; run it once more with `--check metrics.h5` under an interpreter
that has torch, if that is not the one above.
"""
import gzip
import sys

import h5py
import numpy as np

ROWS, COLUMNS = 96, 80
SEED = 20240521
VOLUME_SHAPE = (181, 217, 181)  # z, y, x
NIFTI_DATA_OFFSET = 352
BLUR_SIGMAS = [0.4, 1.5, 4.0]
SHIFTS = [0.5, 2.25, 83.75]
ODD_COLUMNS, ODD_SHIFT = 79, 1.3


def crops(path):
    """Two references (float32), one of them at the tiny intensities of raw MR data."""
    with gzip.open(path) as file:
        volume = np.frombuffer(file.read(), np.uint8, offset=NIFTI_DATA_OFFSET).reshape(VOLUME_SHAPE)
    axial = volume[90, 60:60 + ROWS, 50:50 + COLUMNS].astype(np.float32)
    sagittal = volume[40:40 + ROWS, 30:30 + COLUMNS, 88][::-1].astype(np.float32) * np.float32(3.7e-6)
    return np.stack([axial, sagittal])


def degraded(references):
    """(reference, kind, rows, columns), kind 0 noise, 1 blur."""
    from scipy import ndimage
    rng = np.random.default_rng(SEED)
    noisy = [r + 0.08 * r.max() * rng.standard_normal(r.shape) for r in references]
    blurred = [ndimage.gaussian_filter(r, 1.2) for r in references]
    return np.stack([noisy, blurred], axis=1).astype(np.float32)


def log_filter():
    """MATLAB's fspecial('log', 15, 1.5)."""
    y, x = np.mgrid[-7:8, -7:8]
    gaussian = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    gaussian /= gaussian.sum()
    kernel = gaussian * (x**2 + y**2 - 2 * 1.5**2) / 1.5**4
    return kernel - kernel.mean()


def metrics(references, images):
    """name -> (reference, kind), in double."""
    from scipy import ndimage
    from skimage.filters import threshold_li
    from skimage.metrics import structural_similarity
    out = {name: np.zeros(images.shape[:2]) for name in
           ("ssim_wang", "ssim_fastmri", "psnr", "nrmse", "hfen", "data_range", "volume_range", "threshold_wang",
            "threshold_fastmri", "foreground_wang", "foreground_fastmri")}
    for i, reference in enumerate(references.astype(np.float64)):
        slice_max, volume_max = reference.max(), 1.25 * reference.max()
        gaussian_means = ndimage.gaussian_filter(reference, 1.5, radius=5)[5:-5, 5:-5]
        uniform_means = ndimage.uniform_filter(reference, 7)[3:-3, 3:-3]
        for k, image in enumerate(images[i].astype(np.float64)):
            _, wang = structural_similarity(reference, image, win_size=11, gaussian_weights=True, sigma=1.5,
                                            use_sample_covariance=False, data_range=slice_max, full=True)
            error = image - reference
            out["data_range"][i, k] = slice_max
            out["volume_range"][i, k] = volume_max
            out["ssim_wang"][i, k] = wang[5:-5, 5:-5].mean()
            out["ssim_fastmri"][i, k], fastmri = structural_similarity(reference, image, win_size=7,
                                                                       data_range=volume_max, full=True)
            for name, means, ssim in (("wang", gaussian_means, wang[5:-5, 5:-5]),
                                      ("fastmri", uniform_means, fastmri[3:-3, 3:-3])):
                threshold = threshold_li(means)
                out["threshold_" + name][i, k] = threshold
                out["foreground_" + name][i, k] = ssim[means > threshold].mean()
            out["psnr"][i, k] = 20 * np.log10(slice_max / np.sqrt(np.mean(error**2)))
            out["nrmse"][i, k] = np.linalg.norm(error) / np.linalg.norm(reference)
            filtered = [ndimage.correlate(x, log_filter(), mode="constant") for x in (reference, image)]
            out["hfen"][i, k] = np.linalg.norm(filtered[0] - filtered[1]) / np.linalg.norm(filtered[0])
    return out


def fourier_shift(image, shift):
    """Each row moved to the right, circularly; irfft drops the imaginary part at the Nyquist frequency."""
    columns = image.shape[1]
    ramp = np.exp(-2j * np.pi * np.arange(columns // 2 + 1) * shift / columns)
    return np.fft.irfft(np.fft.rfft(image.astype(np.float64), axis=1) * ramp, columns, axis=1)


def perturbed(image):
    from scipy import ndimage
    double = image.astype(np.float64)
    return {
        "blur": np.stack([ndimage.gaussian_filter(double, s, mode="reflect", truncate=4.0) for s in BLUR_SIGMAS]),
        "shift": np.stack([fourier_shift(image, s) for s in SHIFTS]),
        "shift_odd": fourier_shift(image[:, :ODD_COLUMNS], ODD_SHIFT),
        "zscore": (double - double.mean()) / double.std(ddof=1),
    }


def statistics():
    """Samples with mean, sd and 95 % and 99 % Student-t intervals; log-normal pairs with the interval of a/b."""
    from scipy import stats
    rng = np.random.default_rng(SEED + 1)
    sample = rng.normal(0.7, 0.2, 13).astype(np.float32)
    pairs = np.exp(rng.normal([-1.0, -0.8], 0.3, (9, 2))).astype(np.float32)
    values, logs = sample.astype(np.float64), np.log(pairs[:, 0].astype(np.float64) / pairs[:, 1])
    log_interval = stats.t.interval(0.95, 8, logs.mean(), stats.sem(logs))
    summary = [values.mean(), values.std(ddof=1)]
    for confidence in (0.95, 0.99):
        summary += stats.t.interval(confidence, 12, values.mean(), stats.sem(values))
    return {"sample": sample, "sample_summary": np.array(summary), "pairs": pairs,
            "pairs_summary": np.exp([logs.mean(), *log_interval])}


def check_with_torchmetrics(file):
    """Holds SSIM and PSNR against torchmetrics in double.

    Its own SSIM also averages the border, where it pads by reflection (several hundredths lower on these images);
    inside the valid region the definitions agree.
    """
    try:
        import torch
        from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
    except ImportError:
        print("torchmetrics not found: its second opinion was left out")
        return
    for i, k in np.ndindex(*file["ssim_wang"].shape):
        pair = [torch.tensor(file[name][index].astype(np.float64))[None, None]
                for name, index in (("images", (i, k)), ("references", i))]
        peak = float(file["data_range"][i, k])
        _, full = structural_similarity_index_measure(*pair, sigma=1.5, data_range=peak, return_full_image=True)
        ssim = full[..., 5:-5, 5:-5].mean().item()
        psnr = peak_signal_noise_ratio(*pair, data_range=peak).item()
        print(f"torchmetrics - stored: ssim {ssim - file['ssim_wang'][i, k]:.2e}, psnr {psnr - file['psnr'][i, k]:.2e}")
        if abs(ssim - file["ssim_wang"][i, k]) > 1e-6 or abs(psnr - file["psnr"][i, k]) > 1e-4:
            sys.exit("torchmetrics disagrees with the stored values")


def main(volume="/usr/share/mricron/templates/ch2.nii.gz", output="tests/golden/metrics.h5"):
    import scipy
    import skimage
    references = crops(volume)
    images = degraded(references)
    content = {"references": references, "images": images, **metrics(references, images),
               **perturbed(references[0]), **statistics(),
               "blur_sigmas": np.array(BLUR_SIGMAS), "shifts": np.array(SHIFTS)}
    with h5py.File(output, "w") as file:
        for name, data in content.items():
            # metrics and statistics stay in double; images are compared to 1e-5 of their maximum
            large = np.asarray(data).size > 1000
            file.create_dataset(name, data=np.asarray(data, np.float32) if large else data,
                                **({"compression": 9, "shuffle": True} if large else {}))
        file.attrs.update(made_by="tests/golden/make_metrics_golden.py", seed=SEED, numpy=np.__version__,
                          scipy=scipy.__version__, scikit_image=skimage.__version__,
                          python=sys.version.split()[0],
                          images="Colin27 T1 (Montreal Neurological Institute), as in Debian's mricron-data")
        check_with_torchmetrics(file)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        with h5py.File(sys.argv[2], "r") as stored:
            check_with_torchmetrics(stored)
    else:
        main(*sys.argv[1:])
