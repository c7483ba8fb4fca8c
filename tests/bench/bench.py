#!/usr/bin/env python3
"""Times ssfd and other libraries in turns on the same tensors, and compares all values with float64.

    make bench                                            or, with the programs built:
    python3 tests/bench/bench.py [--threads 1,2] [--rounds 5] [--only ssim,sweep]

Peers are what a virtual environment in the build folder can import: pip installs onnxruntime, scikit-image and
torchmetrics there; PyTorch is Debian's python3-torch where it is installed. For its current release (gigabytes) run
build/bench/venv/bin/pip install torch. Missing peers are named and get no rows.

Benchmarks (b is the batch):
  ssl_encoder_b1, _b8  encoder of SSFD's U-Net to block5_relu2, 320 x 320
  vgg16_b1             13 convolutions of VGG-16 to relu5_3, random weights
  train_step_b4        SSFD's U-Net: forward, MSE, backward, Adam; the gradients are compared
  recon_unet_b1        reconstruction U-Net
  ssim                 one pair of images, Wang's window
  sgemm_2048           matrix product by OpenBLAS: what the processor can do, no peer
  sweep                perturbation_sweep end to end, ms per slice-perturbation; the peer does the same with PyTorch,
                       SciPy and scikit-image, one process per thread
bench_ssfd makes random tensors and writes them with the network for the peers. A turn is one untimed run and as many
timed ones as fit into --seconds; a round is one turn each. Times are medians over all rounds with their interquartile
range, ratio = peer / ours. PyTorch runs eagerly, in the memory format that a trial finds faster. max_rel_diff is
|| ours - reference || / || reference ||, the largest over images (metrics, in the sweep); the reference is PyTorch
(SSIM: scikit-image) in float64, or the peer where that is missing. Gradients jump where rounding changes the choice of
a ReLU or a max-pooling, in any float32 program: theirs is the median over GRADIENT_BATCHES batches.

Writes RESULTS/bench.csv. Exit code 1 when ours is off by more than TOLERANCE, or a peer by more than PEER_TOLERANCE (it
then computes something else).
"""
import argparse
import csv
import functools
import glob
import json
import math
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
try:
    import h5py
    import numpy as np
    import peers
except ImportError:  # only ssfd is timed then
    peers = None

TOLERANCE = 1e-4
PEER_TOLERANCE = 0.05  # PyTorch, channels last: its group normalisation costs up to 6e-3 of the gradients
LEVELS = 3  # of the sweep
PAUSE = 0.1  # seconds between turns: thread pools spin for a moment when they run out of work
GRADIENT_BATCHES = 5
COLUMNS = ["benchmark", "threads", "ours_ms", "peer", "peer_version", "peer_ms", "ratio", "max_rel_diff"]
BENCHMARKS = {  # name: case of bench_ssfd, images, weights, peers
    "ssl_encoder_b1": ("ssl_encoder", 1, "ssl", ["torch", "onnxruntime"]),
    "ssl_encoder_b8": ("ssl_encoder", 8, "ssl", ["torch", "onnxruntime"]),
    "vgg16_b1": ("vgg16", 1, "vgg16", ["torch", "onnxruntime"]),
    "train_step_b4": ("train_step", 4, "ssl", ["torch"]),
    "recon_unet_b1": ("recon_unet", 1, "recon", ["torch", "onnxruntime"]),
    "ssim": ("ssim", 1, None, ["scikit-image", "torchmetrics"]),
    "sgemm_2048": ("sgemm", 1, None, []),
    "sweep": ("sweep", 1, "ssl", ["torch+scikit-image"]),
}


@functools.cache
def say(text):
    """Once, however often it is said."""
    print(text, flush=True)


# ---------------------------------------------------------------- contestants: run() writes values, gives times in ms

class Peer:
    """A library in a process of its own. The first error ends it."""

    def __init__(self, name, threads):
        os.environ.update({f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL")})
        self.name, self.threads = name, threads
        self.process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self.version = self.call(peers.version, name)

    def call(self, function, *arguments):
        try:
            return self.process.submit(function, *arguments).result() if self.process else None
        except Exception as e:
            say(f"{self.name} is left out: {type(e).__name__}: {e}".split("\n")[0])
            self.process = None

    def run(self, job, repeat, batch=0, output=None):
        return self.call(peers.times, self.name, job, batch, self.threads, repeat, output) or []


class Ours:
    def __init__(self, o, threads):
        self.o, self.threads = o, threads

    def call(self, program, options, *arguments):
        command = [f"{self.o.build}/{program}", *arguments]
        for name, value in options.items():
            command += [f"--{name}", str(value)] if value else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"bench: {done.stderr.strip() or program + ' failed'}")
        return done.stdout

    def run(self, job, repeat, batch=0, output=None):
        if job["case"] == "sweep":
            return [self.sweep(job, output) for _ in range(repeat)]
        return self.case(job, job["case"], batch, repeat=repeat, output=output)

    def case(self, job, case, batch, /, **options):
        """The batch is the seed of the tensors, and of weights that are random."""
        options.update(threads=self.threads, batch=job["images"], seed=1 + batch, weights=job["weights"])
        return [float(line) for line in self.call("bench/bench_ssfd", options, case).split()]

    def sweep(self, job, output):
        with tempfile.TemporaryDirectory() as out:
            settings = {name: job[name] for name in ("cohort", "weights", "levels")}
            settings.update(scans=self.o.scans, threads=self.threads, out=out)
            self.call("bin/perturbation_sweep", settings)
            with open(f"{out}/records/perturbation_sweep.json") as f:
                speed = json.load(f)["values"]["slice_perturbations_per_second"]
            with open(f"{out}/perturbation_sweep.csv") as f:
                rows = list(csv.DictReader(line for line in f if not line.startswith("#")))
        if output:
            with h5py.File(output, "w") as f:
                f["output"] = [[float(row["mean"]) for kind in ("gaussian_blur", "pixel_shift") for row in rows
                                if (row["perturbation"], row["metric"]) == (kind, metric) and float(row["level"]) > 0]
                               for metric in ("ssfd", "ssim")]
        return 1e3 / speed * job["units"]


# ---------------------------------------------------------------- what is computed

def find_cohort(o, folder):
    if len(glob.glob(f"{o.cohort}/test/*.h5")) >= 2:
        return o.cohort
    say(f"{o.cohort} holds no scans: the sweep uses {o.scans} virtual ones")
    Ours(o, 1).call("bin/prepare_scans", {"split": "test", "out": f"{folder}/cohort", "test": o.scans, "test-slices": 2,
                                          "records": f"{folder}/records"})
    return f"{folder}/cohort"


def make_job(o, folder, name):
    case, images, network, _ = BENCHMARKS[name]
    job = {"name": name, "case": case, "images": images, "units": 1, "files": [],
           "weights": {"ssl": o.weights, "recon": o.recon_weights}.get(network)}
    if case == "sweep":
        job.update(cohort=find_cohort(o, folder), levels=LEVELS)
    if peers:
        for batch in range(GRADIENT_BATCHES if case == "train_step" else 1):
            job["files"].append(f"{folder}/{name}_{batch}.h5")
            Ours(o, 1).case(job, "ssl_encoder" if case == "sweep" else case, batch, repeat=1, job=job["files"][-1])
        if case == "sweep":
            paths = sorted(glob.glob(f"{job['cohort']}/test/*.h5"))[:o.scans]
            job["scans"] = [(path, peers.count_slices(path)) for path in paths]
            job["units"] = sum(slices for _, slices in job["scans"]) * 3 * (LEVELS - 1)
    return job


# ---------------------------------------------------------------- measuring

def difference(path, reference):
    """|| a - b || / || b ||: the largest over images, or over all parameters together."""
    with h5py.File(path, "r") as f, h5py.File(reference, "r") as g:
        if "output" in g:
            a, b = (h["output"][()].astype(float).reshape(len(h["output"]), -1) for h in (f, g))
        else:
            a, b = (np.concatenate([h[name][()].astype(float).ravel() for name in g])[None] for h in (f, g))
    if a.shape != b.shape or not np.isfinite(a).all():
        return math.inf
    return float((np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)).max())


def compare(job, contestants, folder):
    """First times, and differences by name: from float64, or without it the peers' from ours, and which of both."""
    def path(name, batch=0):
        return f"{folder}/{job['name']}_{batch}_{name}.h5"
    first = {name: contestant.run(job, 1, 0, path(name) if peers else None) for name, contestant in contestants.items()}
    first = {name: ms[0] for name, ms in first.items() if ms}
    if not peers:
        return first, {}, False
    reference = Peer("reference", os.cpu_count())
    exact = [os.path.exists(path("reference", k)) or reference.run(job, 1, k, path("reference", k))
             for k in range(len(job["files"]))]
    if not all(exact):
        return first, {name: difference(path(name), path("ours")) for name in first if name != "ours"}, False
    off = {name: difference(path(name), path("reference")) for name in first}
    for k in range(1, len(exact)):
        contestants["ours"].run(job, 1, k, path("ours", k))
    off["ours"] = statistics.median(difference(path("ours", k), path("reference", k)) for k in range(len(exact)))
    return first, off, True


def measure(job, contestants, first, rounds, seconds):
    """Times of everyone, in turns. From the first time follows how many repetitions fit into a turn."""
    times = {name: [] for name in first}
    for _ in range(rounds):
        for name, ms in first.items():
            time.sleep(PAUSE)
            repeat = max(1, min(200, round(1e3 * seconds / ms)))
            times[name] += [t / job["units"] for t in contestants[name].run(job, repeat)]
    return times


def quartiles(ms):
    low, middle, high = statistics.quantiles(ms, n=4, method="inclusive") if len(ms) > 1 else 3 * ms
    return middle, high - low


def benchmark(o, job, threads, folder):
    """Rows of the table, and whether values are as they should be."""
    contestants = {"ours": Ours(o, threads)}
    for name in BENCHMARKS[job["name"]][3] if peers else []:
        peer = Peer(name, threads)
        if peer.version:
            contestants[name] = peer
    first, off, exact = compare(job, contestants, folder)
    times = measure(job, contestants, first, o.rounds, o.seconds)
    ours, spread = quartiles(times.pop("ours"))
    rows, good = [], True
    for peer, ms in list(times.items()) or [("", None)]:
        row = {"benchmark": job["name"], "threads": threads, "ours_ms": ours, "peer": peer}
        line = f"{job['name']:15s} {threads:3d} {ours:9.3f} {spread:8.3f}"
        if ms:
            middle, peer_spread = quartiles(ms)
            row.update(peer_version=contestants[peer].version, peer_ms=middle, ratio=middle / ours)
            line += f"  {peer:18s} {middle:9.3f} {peer_spread:8.3f} {middle / ours:6.2f}"
        else:
            line += 47 * " "
        limits = {"ours": TOLERANCE, peer: PEER_TOLERANCE} if exact else {peer: PEER_TOLERANCE}
        found = {name: off[name] for name in limits if name in off}
        row["max_rel_diff"] = next(iter(found.values()), "")
        line += "".join(f"  {value:8.1e}" for value in found.values())
        wrong = [name for name, value in found.items() if not value <= limits[name]]
        say(line + (f"  VALUES DIFFER: {', '.join(wrong)}" if wrong else ""))
        rows.append(row)
        good = good and not wrong
    return rows, good


def write(path, rows, rounds):
    rows.sort(key=lambda row: (list(BENCHMARKS).index(row["benchmark"]), row["threads"]))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.part.{os.getpid()}", "w") as f:
        f.write(f"# processor: {processor()}\n# rounds: {rounds}\n# sweep: ms per slice-perturbation\n")
        f.write(",".join(COLUMNS) + "\n")
        for row in rows:
            values = [row.get(column, "") for column in COLUMNS]
            f.write(",".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in values) + "\n")
        f.flush()
        os.fsync(f.fileno())
    os.replace(f.name, path)
    say(path)


def processor():
    with open("/proc/cpuinfo") as f:
        names = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    return names[0] if names else platform.machine()


# ---------------------------------------------------------------- virtual environment and command line

def has(python, code):
    return subprocess.run([python, "-c", code], capture_output=True).returncode == 0


def environment(venv):
    """Python of the virtual environment, made and filled when that has not been done."""
    python = f"{venv}/bin/python"
    if not os.path.exists(f"{venv}/.complete"):
        base = next((p for p in (sys.executable, "/usr/bin/python3") if has(p, "import torch")), sys.executable)
        say(f"making {venv}")
        # a PyTorch of the 1.x series needs NumPy 1.x; torchmetrics would pull the current PyTorch in
        numpy = "numpy<2" if has(base, "import torch; assert torch.__version__ < '2'") else "numpy"
        for command in ([base, "-m", "venv", "--system-site-packages", venv],
                        [python, "-m", "pip", "install", "-qU", "onnxruntime", "onnx", "scikit-image", "h5py", numpy],
                        [python, "-m", "pip", "install", "-qU", "--no-deps", "torchmetrics", "lightning-utilities"]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                say(" ".join(command) + ": " + (done.stderr or done.stdout).strip().split("\n")[-1])
                return python if os.path.exists(python) else base
        open(f"{venv}/.complete", "w").close()
    return python


def options():
    def positive(text):
        if int(text) < 1:
            raise ValueError
        return int(text)
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build", help="build folder")
    p.add_argument("--results", default="results", help="folder for bench.csv")
    p.add_argument("--threads", type=lambda text: [positive(t) for t in text.split(",")], default=[1, 2], help="1,2")
    p.add_argument("--rounds", type=positive, default=5, help="turns of each")
    p.add_argument("--seconds", type=float, default=1.0, help="length of a turn")
    p.add_argument("--only", default=",".join(BENCHMARKS), help="benchmarks, comma-separated")
    p.add_argument("--cohort", default="build/cohort", help="prepared scans of the sweep; without any, some are made")
    p.add_argument("--scans", type=lambda text: max(positive(text), 2), default=8, help="scans of the sweep")
    p.add_argument("--weights", default="lib/models/weights/ssl_unet.h5", help="of SSFD's network")
    p.add_argument("--recon-weights", default="lib/models/weights/recon_unet.h5", help="of the reconstruction network")
    p.add_argument("--venv", help="virtual environment (default: BUILD/bench/venv)")
    p.add_argument("--no-venv", action="store_true", help="use this interpreter and what it has")
    o = p.parse_args()
    o.names = o.only.split(",")
    unknown = [name for name in o.names if name not in BENCHMARKS]
    if unknown:
        p.error(f"unknown benchmark '{unknown[0]}': expected some of {', '.join(BENCHMARKS)}")
    return o


def main():
    o = options()
    if not o.no_venv:
        python = environment(o.venv or f"{o.build}/bench/venv")
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:], "--no-venv"])
    if not peers:
        say("no peers: they need h5py and NumPy")
    load = os.getloadavg()[0]
    say(f"{processor()}, {os.cpu_count()} cores" +
        (f"; load {load:.1f}: other work is running, times are not to be trusted" if load > 0.5 else ""))
    say(f"{'benchmark':15s} thr   ours ms   spread  {'peer':18s}   peer ms   spread  ratio  off float64: ours, peer")
    with tempfile.TemporaryDirectory() as folder:
        jobs = {name: make_job(o, folder, name) for name in o.names}
        done = [benchmark(o, job, threads, folder) for threads in o.threads for job in jobs.values()]
    write(f"{o.results}/bench.csv", [row for rows, _ in done for row in rows], o.rounds)
    return 0 if all(good for _, good in done) else 1


if __name__ == "__main__":
    sys.exit(main())
