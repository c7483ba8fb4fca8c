#!/usr/bin/env python3
"""Holds JSENSE of prepare_scans against SigPy's JsenseRecon and BART's nlinv and ecalib, on the same raw data.

    apt-get install bart python3-venv && python3 -m venv /tmp/peers && /tmp/peers/bin/pip install sigpy h5py
    /tmp/peers/bin/python tests/bench/jsense_peers.py [scans [options of prepare_scans]]

Raw data are virtual scans of the default cohort, written by simulate_cohort. Compared are, in the head (pixels above
15 % of the 99th percentile of the root-sum-of-squares image) and slice by slice,
  image  NRMSE of the magnitude of the coil-combined image, after the best real scale;
  maps   || a - b || / || b || of the maps, normalised to root-sum-of-squares 1 and aligned in phase pixel by pixel.
Every method works on its own, with one thread, slice after slice; times are medians. Prints a table and, as its
last line, whether all is within 1 % and at least ten times faster than SigPy.
"""
import os
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import glob, json, subprocess, sys, tempfile, time
import h5py
import numpy as np
import sigpy
import sigpy.mri.app

build = os.environ.get("BUILD", "build")
scans = int(sys.argv[1]) if len(sys.argv) > 1 else 3


def fft2c(x, inverse=False):
    f = np.fft.ifft2 if inverse else np.fft.fft2
    axes = (-2, -1)
    return np.fft.fftshift(f(np.fft.ifftshift(x, axes), norm="ortho"), axes)


def combine(maps, kspace):
    return np.sum(np.conj(maps) * fft2c(kspace, inverse=True), axis=0)


def normalise(maps):
    rss = np.sqrt(np.sum(np.abs(maps) ** 2, axis=0))
    return maps / np.where(rss > 0, rss, 1)


def by_sigpy(kspace):
    maps = normalise(sigpy.mri.app.JsenseRecon(kspace.copy(), mps_ker_width=6, ksp_calib_width=13, show_pbar=False).run())
    return maps, combine(maps, kspace)


def write_cfl(name, array):
    with open(name + ".hdr", "w") as f:
        f.write("# Dimensions\n" + " ".join(str(n) for n in array.shape) + "\n")
    array.astype(np.complex64).flatten("F").tofile(name + ".cfl")


def read_cfl(name):
    with open(name + ".hdr") as f:
        dims = [int(n) for n in f.read().split("\n")[1].split()]
    return np.fromfile(name + ".cfl", np.complex64).reshape(dims, order="F")


def bart(folder, kspace, *command):
    write_cfl(f"{folder}/k", np.moveaxis(kspace, 0, -1)[:, :, None, :])
    subprocess.run(["bart", *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return normalise(np.moveaxis(np.squeeze(read_cfl(f"{folder}/maps")), -1, 0))


def by_nlinv(folder, kspace):
    maps = bart(folder, kspace, "nlinv", "k", "image", "maps")
    return maps, combine(maps, kspace)


def by_ecalib(folder, kspace):
    maps = bart(folder, kspace, "ecalib", "-m1", "-c0", "-r24", "k", "maps")
    return maps, combine(maps, kspace)


def image_error(a, b, head):
    a, b = np.abs(a[head]).astype(float), np.abs(b[head]).astype(float)
    a = a * (a @ b) / (a @ a)
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def map_error(a, b, head):
    a, b = a[:, head], b[:, head]
    turn = np.sum(np.conj(a) * b, axis=0)
    a = a * turn / np.where(np.abs(turn) > 0, np.abs(turn), 1)
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def main():
    with tempfile.TemporaryDirectory() as folder:
        common = ["--split", "test", "--records", f"{folder}/records"]
        subprocess.run([f"{build}/bin/simulate_cohort", "--out", f"{folder}/raw", "--test", str(scans), *common], check=True)
        subprocess.run([f"{build}/bin/prepare_scans", f"{folder}/raw", "--out", f"{folder}/prepared", "--complex", "--maps",
                        "--no-reconstruction", "--threads", "1", *sys.argv[2:], *common], check=True)
        with open(f"{folder}/records/prepare_scans.json") as f:
            record = json.load(f)["values"]
        # combining makes two images, the reference and the zero-filled one
        ours = (record["jsense_ms_per_slice"] + record["combine_ms_per_slice"] / 2) / 1e3
        peers = {"sigpy JsenseRecon": by_sigpy, "bart nlinv": lambda k: by_nlinv(folder, k),
                 "bart ecalib": lambda k: by_ecalib(folder, k)}
        errors = {name: [] for name in peers}
        seconds = {name: [] for name in peers}
        among = []  # the two of BART against each other: how far methods differ that nobody would call wrong
        for path in sorted(glob.glob(f"{folder}/raw/multicoil_val/*.h5")):
            with h5py.File(path) as raw, h5py.File(path.replace("raw/multicoil_val", "prepared/test")) as prepared:
                for k in range(len(raw["kspace"])):
                    kspace = raw["kspace"][k]
                    rss = raw["reconstruction_rss"][k]
                    head = rss > 0.15 * np.percentile(rss, 99)
                    found = {}
                    for name, run in peers.items():
                        start = time.perf_counter()
                        maps, image = found[name] = run(kspace)
                        seconds[name].append(time.perf_counter() - start)
                        errors[name].append((image_error(prepared["reference_complex"][k], image, head),
                                             map_error(prepared["sensitivity_maps"][k], maps, head)))
                    (maps, image), (other_maps, other) = found["bart nlinv"], found["bart ecalib"]
                    among.append((image_error(image, other, head), map_error(maps, other_maps, head)))
        among = np.array(among)
        print(f"sigpy {sigpy.__version__}, bart {subprocess.run(['bart', 'version'], capture_output=True, text=True).stdout.strip()}, "
              f"{len(seconds['bart nlinv'])} slices; ours {1e3 * ours:.1f} ms a slice")
        print(f"{'peer':20s} {'ms a slice':>10s} {'ratio':>7s} {'image NRMSE, mean / max':>26s} {'maps, mean / max':>22s}")
        for name in peers:
            e = np.array(errors[name])
            t = np.median(seconds[name])
            print(f"{name:20s} {1e3 * t:10.1f} {t / ours:7.1f} {e[:, 0].mean():14.5f} / {e[:, 0].max():.5f} "
                  f"{e[:, 1].mean():12.5f} / {e[:, 1].max():.5f}")
        print(f"{'nlinv against ecalib':38s} {among[:, 0].mean():14.5f} / {among[:, 0].max():.5f} "
              f"{among[:, 1].mean():12.5f} / {among[:, 1].max():.5f}")
        worst = max(np.array(errors[name])[:, 0].max() for name in peers)
        fast = np.median(seconds["sigpy JsenseRecon"]) / ours
        ok = worst < 0.01 and fast >= 10
        print(f"{'passed' if ok else 'FAILED'}: images within {100 * worst:.2f} % of all peers, {fast:.0f} times SigPy's speed")
        return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
