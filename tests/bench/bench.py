#!/usr/bin/env python3
"""Times ssfd against other libraries, in turns on the same tensors, and holds the values against PyTorch in float64.

    make bench                                            or, with the programs built:
    python3 tests/bench/bench.py [--threads 1,2] [--rounds 5] [--only ssim,sweep]

Peers are what can be imported from a virtual environment in the build folder: Debian's python3-torch, when it is
installed, and the current releases of onnxruntime, onnx, scikit-image, torchmetrics and h5py, which pip installs.
--pypi-torch takes PyTorch's current release too (gigabytes). Peers that are missing are named and left empty.

Benchmarks (images of 320 x 320 unless the cohort has others; b is the batch):
  ssl_encoder_b1, _b8  encoder of SSFD's U-Net to block5_relu2
  vgg16_b1             13 convolutions of VGG-16 to relu5_3, random weights
  train_step_b4        SSFD's U-Net: forward, MSE, backward, Adam; compared are the gradients
  recon_unet_b1        reconstruction U-Net
  ssim                 one pair of images, Wang's window
  sgemm_2048           matrix product by OpenBLAS: what the processor can do, no peer
  sweep                perturbation_sweep end to end, ms per slice-perturbation; the peer does the same with PyTorch,
                       SciPy and scikit-image, one process a thread
A turn is one untimed run and as many timed ones as fit into --seconds; a round gives everyone one turn. Times are
medians over all rounds, their spread is the interquartile range, ratio = peer / ours. PyTorch runs eagerly, in the
memory format (contiguous or channels last) that a trial finds faster. max_rel_diff is
|| ours - reference || / || reference ||, the largest over images (metrics, in the sweep); the reference is PyTorch in
float64, or the peer where there is no PyTorch. Gradients jump where the rounding of a ReLU's or a max-pooling's input
changes its choice, in any float32 program, and one jump can outweigh all other rounding: of a training step it is the
median over GRADIENT_BATCHES batches. Everyone computes in float32 (SSIM of ssfd: float64).

Writes RESULTS/bench.csv. Exit code 1 when ours is off by more than TOLERANCE, or a peer by more than PEER_TOLERANCE
(which then computes something else).
"""
import argparse
import csv
import glob
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOLERANCE = 1e-4
PEER_TOLERANCE = 0.05  # PyTorch, channels last: its group normalisation costs up to 6e-3 of the gradients
PAUSE = 0.1  # seconds between turns: thread pools spin for a moment when they run out of work
SIZE_MULTIPLE = 16  # of the networks
SEED = 2022
SWEEP_LEVELS = 3
GRADIENT_BATCHES = 5  # that gradients are compared on; the first one is timed
COLUMNS = ["benchmark", "threads", "ours_ms", "peer", "peer_version", "peer_ms", "ratio", "max_rel_diff"]

# name: case of bench_ssfd, images, weights, peers
BENCHMARKS = {
    "ssl_encoder_b1": ("ssl_encoder", 1, "ssl", ("torch", "onnxruntime")),
    "ssl_encoder_b8": ("ssl_encoder", 8, "ssl", ("torch", "onnxruntime")),
    "vgg16_b1": ("vgg16", 1, "vgg16", ("torch", "onnxruntime")),
    "train_step_b4": ("train_step", 4, "ssl", ("torch",)),
    "recon_unet_b1": ("recon_unet", 1, "recon", ("torch", "onnxruntime")),
    "ssim": ("ssim", 1, None, ("scikit-image", "torchmetrics")),
    "sgemm_2048": ("sgemm", 1, None, ()),
    "sweep": (None, 1, "ssl", ("torch+scikit-image",)),
}


def say(text):
    print(text, flush=True)


# ---------------------------------------------------------------- networks, written once for all libraries
#
# `ops` is a library: TorchOps runs the network, OnnxOps writes it down, CountOps counts multiplications and additions.

def ssl_block(ops, x, prefix, features_only=False):
    for name in ("conv1", "conv2"):
        x = ops.relu(ops.conv(x, f"{prefix}.conv_block.{name}" if prefix != "firstblock" else f"{prefix}.{name}"))
    norm = f"{prefix}.GN" if prefix == "firstblock" else f"{prefix}.conv_block.GN"
    return x if features_only else ops.group_norm(x, 10, norm)


def ssl_encoder(ops, x):
    """Features block5_relu2 and the inputs of the decoder."""
    skips = []
    for k in range(4):
        x = ssl_block(ops, x, f"encoder{k}" if k else "firstblock")
        skips.append(x)
        x = ops.max_pool(x)
    return ssl_block(ops, x, "encoder4", features_only=True), skips


def ssl_unet(ops, x):
    x, skips = ssl_encoder(ops, x)
    x = ops.group_norm(x, 10, "encoder4.conv_block.GN")
    for k in range(4, 0, -1):
        x = ops.group_norm(ops.relu(ops.up_conv(x, f"decoder{k}.up")), 10, f"decoder{k}.GN")
        x = ssl_block(ops, ops.concat(x, skips[k - 1]), f"decoder{k}")
    return ops.conv(x, "head")


def ssl_features(ops, x):
    """block4_relu2, on which SSFD is computed."""
    for k in range(3):
        x = ops.max_pool(ssl_block(ops, x, f"encoder{k}" if k else "firstblock"))
    return ssl_block(ops, x, "encoder3", features_only=True)


def vgg16(ops, x):
    module = 0
    for block, count in enumerate((2, 2, 3, 3, 3)):
        if block:
            x = ops.max_pool(x)
            module += 1
        for _ in range(count):
            x = ops.relu(ops.conv(x, f"features.{module}"))
            module += 2
    return x


VGG16_WIDTHS = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256, 17: 512, 19: 512, 21: 512, 24: 512, 26: 512,
                28: 512}


def recon_block(ops, x, prefix):
    for module in (0, 4):
        x = ops.norm_leaky(ops.conv(x, f"{prefix}.layers.{module}"))
    return x


def recon_unet(ops, x, pools=4):
    skips = []
    for k in range(pools):
        x = recon_block(ops, x, f"down_sample_layers.{k}")
        skips.append(x)
        x = ops.avg_pool(x)
    x = recon_block(ops, x, "conv")
    for k in range(pools):
        up = ops.norm_leaky(ops.up_conv(x, f"up_transpose_conv.{k}.layers.0"))
        x = recon_block(ops, ops.concat(up, skips.pop()), f"up_conv.{k}" + (".0" if k == pools - 1 else ""))
    return ops.conv(x, f"up_conv.{pools - 1}.1")


NETWORKS = {"ssl_encoder": lambda ops, x: ssl_encoder(ops, x)[0], "train_step": ssl_unet, "vgg16": vgg16,
            "recon_unet": recon_unet, "ssl_features": ssl_features}


class TorchOps:
    def __init__(self, torch, weights, layout, dtype=None, train=False):
        self.torch, self.f, self.layout, self.w = torch, torch.nn.functional, layout, {}
        for name, value in weights.items():
            value = self.lay_out(torch.from_numpy(value).to(dtype or torch.float32, copy=True))
            self.w[name] = value.requires_grad_(train)

    def lay_out(self, x):
        return x.to(memory_format=getattr(self.torch, self.layout)) if x.dim() == 4 else x

    def both(self, name):
        return self.w[name + ".weight"], self.w.get(name + ".bias")

    def conv(self, x, name):
        weight, bias = self.both(name)
        return self.f.conv2d(x, weight, bias, padding=weight.shape[2] // 2)

    def up_conv(self, x, name):
        return self.f.conv_transpose2d(x, *self.both(name), stride=2)

    def relu(self, x):
        return self.f.relu(x, inplace=True)

    def group_norm(self, x, groups, name):
        return self.f.group_norm(x, groups, *self.both(name))

    def norm_leaky(self, x):
        return self.f.leaky_relu(self.f.instance_norm(x), 0.2, inplace=True)

    def max_pool(self, x):
        return self.f.max_pool2d(x, 2)

    def avg_pool(self, x):
        return self.f.avg_pool2d(x, 2)

    def concat(self, a, b):
        return self.torch.cat([a, b], dim=1)


class OnnxOps:
    """Tensors are (name, shape)."""

    def __init__(self, onnx, weights):
        self.onnx, self.weights, self.nodes, self.constants = onnx, weights, [], {}

    def add(self, kind, inputs, shape, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [name], **attributes))
        return name, shape

    def constant(self, name, value):
        self.constants[name] = self.onnx.numpy_helper.from_array(value, name)
        return name

    def both(self, name):
        return [self.constant(full, self.weights[full]) for full in (name + ".weight", name + ".bias")
                if full in self.weights]

    def conv(self, x, name):
        out, _, size, _ = self.weights[name + ".weight"].shape
        n, _, rows, columns = x[1]
        return self.add("Conv", [x[0], *self.both(name)], (n, out, rows, columns), kernel_shape=[size, size],
                        pads=4 * [size // 2])

    def up_conv(self, x, name):
        n, _, rows, columns = x[1]
        return self.add("ConvTranspose", [x[0], *self.both(name)],
                        (n, self.weights[name + ".weight"].shape[1], 2 * rows, 2 * columns), kernel_shape=[2, 2],
                        strides=[2, 2])

    def relu(self, x):
        return self.add("Relu", [x[0]], x[1])

    def instance_norm(self, x, count):
        import numpy as np
        scale = self.constant(f"ones{count}", np.ones(count, np.float32))
        offset = self.constant(f"zeros{count}", np.zeros(count, np.float32))
        return self.add("InstanceNormalization", [x[0], scale, offset], x[1], epsilon=1e-5)

    def group_norm(self, x, groups, name):
        """As torch.onnx.export writes it: instance normalisation of each group as one long channel."""
        import numpy as np
        n, channels, rows, columns = x[1]
        fold = self.constant(f"fold{groups}", np.array([0, groups, -1], np.int64))
        unfold = self.constant(f"unfold{channels}_{rows}", np.array(x[1], np.int64))
        y = self.add("Reshape", [x[0], fold], (n, groups, channels // groups * rows * columns))
        y = self.add("Reshape", [self.instance_norm(y, groups)[0], unfold], x[1])
        for kind, which in (("Mul", "weight"), ("Add", "bias")):
            full = f"{name}.{which}"
            y = self.add(kind, [y[0], self.constant(full, self.weights[full].reshape(-1, 1, 1))], x[1])
        return y

    def norm_leaky(self, x):
        return self.add("LeakyRelu", [self.instance_norm(x, x[1][1])[0]], x[1], alpha=0.2)

    def pool(self, kind, x):
        n, channels, rows, columns = x[1]
        return self.add(kind, [x[0]], (n, channels, rows // 2, columns // 2), kernel_shape=[2, 2], strides=[2, 2])

    def max_pool(self, x):
        return self.pool("MaxPool", x)

    def avg_pool(self, x):
        return self.pool("AveragePool", x)

    def concat(self, a, b):
        n, _, rows, columns = a[1]
        return self.add("Concat", [a[0], b[0]], (n, a[1][1] + b[1][1], rows, columns), axis=1)

    def model(self, network, shape):
        helper, number = self.onnx.helper, self.onnx.TensorProto.FLOAT
        name, out = network(self, ("input", shape))
        graph = helper.make_graph(self.nodes, "network", [helper.make_tensor_value_info("input", number, shape)],
                                  [helper.make_tensor_value_info(name, number, out)], list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        self.onnx.checker.check_model(model)
        return model.SerializeToString()


class CountOps:
    """Floating-point operations of the convolutions; tensors are shapes."""

    def __init__(self, weights):
        self.weights, self.flops = weights, 0

    def conv(self, x, name):
        out, _, size, _ = self.weights[name + ".weight"].shape
        n, channels, rows, columns = x
        self.flops += 2 * n * out * channels * size * size * rows * columns
        return n, out, rows, columns

    def up_conv(self, x, name):
        n, channels, rows, columns = x
        out = self.weights[name + ".weight"].shape[1]
        self.flops += 2 * n * out * channels * 4 * rows * columns
        return n, out, 2 * rows, 2 * columns

    def relu(self, x):
        return x

    norm_leaky = relu

    def group_norm(self, x, groups, name):
        return x

    def max_pool(self, x):
        return x[0], x[1], x[2] // 2, x[3] // 2

    avg_pool = max_pool

    def concat(self, a, b):
        return a[0], a[1] + b[1], a[2], a[3]


# ---------------------------------------------------------------- tensors in files

def read_h5(path):
    """All datasets of a file by name."""
    import h5py
    found = {}
    with h5py.File(path, "r") as f:
        f.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def read_weights(path):
    import numpy as np
    return {name: np.asarray(value, np.float32) for name, value in read_h5(path).items()}


def write_h5(path, content, **attributes):
    import h5py
    with h5py.File(path, "w") as f:
        for name, value in content.items():
            f[name] = value
        f.attrs.update(attributes)


def zscore(image):
    image = image.astype(float)
    return (image - image.mean()) / image.std(ddof=1)


def read_slices(cohort, count):
    """The middle slice of each scan, then more: (reference, zero-filled complex), cropped for the networks."""
    import h5py
    import numpy as np
    slices = []
    for path in sorted(glob.glob(f"{cohort}/test/*.h5"))[:count]:
        with h5py.File(path, "r") as f:
            for k in range(min(len(f["reference"]), 2)):
                reference = f["reference"][k]
                rows, columns = (n // SIZE_MULTIPLE * SIZE_MULTIPLE for n in reference.shape)
                if "zero_filled_complex" in f:
                    aliased = f["zero_filled_complex"][k]
                else:  # a smooth phase, as an image has it
                    y, x = np.mgrid[-1:1:1j * reference.shape[0], -1:1:1j * reference.shape[1]]
                    name = "zero_filled" if "zero_filled" in f else "reference"
                    aliased = f[name][k] * np.exp(1j * (1.5 * x - y * y))
                slices.append((reference[:rows, :columns], aliased[:rows, :columns]))
    return [slices[k % len(slices)] for k in range(count)]


def masked(image, rng, patch=16, coverage=0.25):
    """The image with random patches set to its mean, as the network is trained on it."""
    rows, columns = image.shape[0] // patch, image.shape[1] // patch
    out = image.copy()
    for k in rng.permutation(rows * columns)[:int(coverage * rows * columns)]:
        row, column = patch * (k // columns), patch * (k % columns)
        out[row:row + patch, column:column + patch] = 0
    return out


def make_tensors(case, slices, rng):
    import numpy as np
    images = np.stack([zscore(reference) for reference, _ in slices])[:, None]
    if case == "sgemm":
        return {"input": rng.standard_normal((1, 2, 2048, 2048)).astype(np.float32)}
    if case == "vgg16":
        images = np.repeat(images, 3, axis=1)
    if case == "train_step":
        return {"input": np.stack([masked(image[0], rng) for image in images])[:, None].astype(np.float32),
                "target": images.astype(np.float32)}
    if case == "recon_unet":
        planes = [np.stack([a.real, a.imag]) / np.quantile(np.abs(a), 0.95) for _, a in slices]
        return {"input": np.stack(planes).astype(np.float32)}
    if case == "ssim":
        return {"input": np.stack([r for r, _ in slices])[:, None].astype(np.float32),
                "target": np.stack([np.abs(a) for _, a in slices])[:, None].astype(np.float32)}
    return {"input": images.astype(np.float32)}


def make_vgg16_weights(path, rng):
    import numpy as np
    content, inputs = {}, 3
    for module, outputs in VGG16_WIDTHS.items():
        weight = rng.standard_normal((outputs, inputs, 3, 3)) * np.sqrt(2 / (9 * inputs))
        content[f"features.{module}.weight"] = weight.astype(np.float32)
        content[f"features.{module}.bias"] = (0.1 * rng.standard_normal(outputs)).astype(np.float32)
        inputs = outputs
    write_h5(path, content)


def make_recon_weights(path, rng, channels=32, pools=4):
    import numpy as np
    width = [channels << k for k in range(pools + 1)]
    shapes = {}

    def block(prefix, inputs, outputs):
        shapes[f"{prefix}.layers.0.weight"] = (outputs, inputs, 3, 3)
        shapes[f"{prefix}.layers.4.weight"] = (outputs, outputs, 3, 3)

    for k in range(pools):
        block(f"down_sample_layers.{k}", width[k - 1] if k else 2, width[k])
    block("conv", width[pools - 1], width[pools])
    for k in range(pools):
        level = pools - 1 - k
        shapes[f"up_transpose_conv.{k}.layers.0.weight"] = (width[level + 1], width[level], 2, 2)
        block(f"up_conv.{k}" + ("" if level else ".0"), 2 * width[level], width[level])
    shapes[f"up_conv.{pools - 1}.1.weight"] = (2, channels, 1, 1)
    shapes[f"up_conv.{pools - 1}.1.bias"] = (2,)
    content = {name: (rng.standard_normal(s) / np.sqrt(np.prod(s[1:]) + 1)).astype(np.float32)
               for name, s in shapes.items()}
    write_h5(path, content, architecture="recon-unet", channels=np.int64(channels), pools=np.int64(pools),
             negative_slope=0.2)


# ---------------------------------------------------------------- peers: each in a process of its own
#
# A peer gives prepare(job) -> run, and run() -> {name: array}. A job holds the case and the paths of its files.

def faster_layout(build):
    """The memory format in which PyTorch is faster: which one depends on network, release and processor."""
    layouts = ("contiguous_format", "channels_last")
    runs = [build(layout) for layout in layouts]
    times = [math.inf, math.inf]
    for turn in range(3):
        for k, run in enumerate(runs):
            start = time.perf_counter()
            run()
            if turn:
                times[k] = min(times[k], time.perf_counter() - start)
    return layouts[times.index(min(times))]


class TorchPeer:
    def __init__(self, threads):
        import torch
        torch.set_num_threads(threads)
        self.torch, self.version = torch, torch.__version__
        self.note = "with oneDNN" if torch.backends.mkldnn.is_available() else "without oneDNN"

    def prepare(self, job):
        return self.build(job, faster_layout(lambda layout: self.build(job, layout)))

    def build(self, job, layout, dtype=None):
        torch, dtype = self.torch, dtype or self.torch.float32
        ops = TorchOps(torch, read_weights(job["weights"]), layout, dtype, train=job["case"] == "train_step")
        tensors = {name: ops.lay_out(torch.from_numpy(value).to(dtype)) for name, value in read_h5(job["input"]).items()}
        x = tensors["input"]
        if job["case"] == "train_step":
            return self.training(ops, x, tensors["target"])

        def run():
            with torch.inference_mode():
                return {"output": NETWORKS[job["case"]](ops, x).numpy()}
        return run

    def training(self, ops, x, target):
        optimiser = self.torch.optim.Adam(ops.w.values(), lr=1e-3)

        def run():
            optimiser.zero_grad(set_to_none=True)
            loss = self.torch.nn.functional.mse_loss(ssl_unet(ops, x), target)
            loss.backward()
            optimiser.step()
            return {name: value.grad.numpy() for name, value in ops.w.items()}
        return run


class ReferencePeer(TorchPeer):
    """In float64."""

    def prepare(self, job):
        torch = self.torch
        if job["case"] == "sweep":
            return sweep_peer(job, self.threads, "float64")
        if job["case"] in NETWORKS:
            return self.build(job, "contiguous_format", torch.float64)
        tensors = {name: torch.from_numpy(value).double() for name, value in read_h5(job["input"]).items()}
        if job["case"] == "sgemm":
            return lambda: {"output": (tensors["input"][:, :1] @ tensors["input"][:, 1:]).numpy()}
        return lambda: {"output": self.ssim(tensors["input"], tensors["target"])}

    def ssim(self, a, b):
        torch = self.torch
        t = torch.arange(-5, 6).double()
        window = torch.exp(-t * t / (2 * 1.5 ** 2))
        window = (window[:, None] * window / window.sum() ** 2)[None, None]

        def mean(x):
            return torch.nn.functional.conv2d(x, window)
        c1, c2 = ((k * a.amax(dim=(1, 2, 3), keepdim=True)) ** 2 for k in (0.01, 0.03))
        ma, mb = mean(a), mean(b)
        va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
        index = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))
        return index.mean(dim=(1, 2, 3)).numpy()


class OnnxPeer:
    def __init__(self, threads):
        import onnx
        import onnxruntime
        self.onnx, self.runtime, self.version, self.threads = onnx, onnxruntime, onnxruntime.__version__, threads
        self.note = "CPU provider"

    def prepare(self, job):
        x = read_h5(job["input"])["input"]
        model = OnnxOps(self.onnx, read_weights(job["weights"])).model(NETWORKS[job["case"]], x.shape)
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        session = self.runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return lambda: {"output": session.run(None, {"input": x})[0]}


class ScikitPeer:
    def __init__(self, threads):
        import skimage
        import skimage.metrics
        self.version, self.note = skimage.__version__, "one thread"

    def prepare(self, job):
        import numpy as np
        tensors = read_h5(job["input"])
        return lambda: {"output": np.array([scikit_ssim(a[0], b[0])
                                            for a, b in zip(tensors["input"], tensors["target"])])}


def scikit_ssim(reference, image):
    from skimage.metrics import structural_similarity
    _, full = structural_similarity(reference, image, win_size=11, gaussian_weights=True, sigma=1.5,
                                    use_sample_covariance=False, data_range=float(reference.max()), full=True)
    return float(full[5:-5, 5:-5].mean())


class TorchmetricsPeer:
    def __init__(self, threads):
        import torch
        import torchmetrics
        from torchmetrics.functional.image import structural_similarity_index_measure
        torch.set_num_threads(threads)
        self.torch, self.version, self.ssim = torch, torchmetrics.__version__, structural_similarity_index_measure
        self.note = f"on torch {torch.__version__}"

    def prepare(self, job):
        torch = self.torch
        tensors = {name: torch.from_numpy(value) for name, value in read_h5(job["input"]).items()}
        reference, image = tensors["input"], tensors["target"]

        def run():
            with torch.inference_mode():
                _, full = self.ssim(image, reference, sigma=1.5, data_range=float(reference.max()),
                                    return_full_image=True)
                return {"output": full[..., 5:-5, 5:-5].mean(dim=(1, 2, 3)).numpy()}
        return run


# --- the sweep: what perturbation_sweep does with a slice, in PyTorch, SciPy and scikit-image

SWEEP = {}  # of a process of the pool: network, precision


def sweep_process(path, dtype):
    import torch
    torch.set_num_threads(1)
    weights, x = read_weights(path), torch.randn(1, 1, 320, 320).to(getattr(torch, dtype))

    def build(layout):
        ops = TorchOps(torch, weights, layout, x.dtype)
        SWEEP.update(torch=torch, dtype=dtype, ops=ops)
        return lambda: sweep_features(x, ops)
    build(faster_layout(build))


def sweep_features(x, ops):
    with SWEEP["torch"].inference_mode():
        return ssl_features(ops, ops.lay_out(x))


def sweep_versions(image, levels, rng):
    """Level 0 is the same for all, then blur, noise and shift; those that are comparable with ours come first."""
    import numpy as np
    from scipy import ndimage
    steps = [k / (levels - 1) for k in range(1, levels)]
    blurred = [ndimage.gaussian_filter(image.astype(float), 5 * s, mode="reflect", truncate=4.0) for s in steps]
    shifted = []
    for s in steps:
        shift = 10 * s
        ramp = np.exp(-2j * np.pi * np.arange(image.shape[1] // 2 + 1) * shift / image.shape[1])
        shifted.append(np.roll(image, int(shift), axis=1) if shift == int(shift)
                       else np.fft.irfft(np.fft.rfft(image, axis=1) * ramp, image.shape[1], axis=1))
    noise = rng.standard_normal(image.shape)
    noisy = [image + 0.1 * s * image.max() * noise for s in steps]
    return [version.astype(SWEEP["dtype"]) for version in [image, *blurred, *shifted, *noisy]]


def sweep_slice(task):
    """SSFD, SSIM, PSNR and NRMSE of each version of a slice."""
    import h5py
    import numpy as np
    path, k, levels = task
    with h5py.File(path, "r") as f:
        image = f["reference"][k].astype(SWEEP["dtype"])
    versions = sweep_versions(image, levels, np.random.default_rng(k))

    def features(x):
        return sweep_features(SWEEP["torch"].from_numpy(zscore(x).astype(x.dtype))[None, None], SWEEP["ops"])
    reference, peak = features(image), float(image.max())
    values = []
    for version in versions:
        error = float(np.linalg.norm(version - image))
        values.append([float(((features(version) - reference) ** 2).mean()), scikit_ssim(image, version),
                       20 * math.log10(peak * math.sqrt(image.size) / error) if error else math.inf,
                       error / float(np.linalg.norm(image))])
    return values


def sweep_peer(job, threads, dtype):
    import multiprocessing
    import h5py
    import numpy as np
    pool = multiprocessing.get_context("spawn").Pool(threads, sweep_process, (job["weights"], dtype))
    paths = sorted(glob.glob(f"{job['cohort']}/test/*.h5"))[:job["scans"]]
    scans = []
    for path in paths:
        with h5py.File(path, "r") as f:
            scans.append([(path, k, job["levels"]) for k in range(len(f["reference"]))])

    def run():
        values = pool.map(sweep_slice, [task for scan in scans for task in scan], chunksize=1)
        means, at = [], 0
        for scan in scans:
            means.append(np.mean(values[at:at + len(scan)], axis=0))
            at += len(scan)
        comparable = 1 + 2 * (job["levels"] - 1)
        means = np.array(means)[:, :comparable, :2]  # (scan, version, SSFD and SSIM)
        return {"output": np.moveaxis(means, 2, 0).reshape(2, -1)}
    return run


class SweepPeer:
    def __init__(self, threads):
        import scipy
        import skimage
        import skimage.metrics
        import torch
        self.threads = threads
        self.version = f"{torch.__version__}+{skimage.__version__}"
        self.note = f"scipy {scipy.__version__}, one process a thread"

    def prepare(self, job):
        return sweep_peer(job, self.threads, "float32")


PEERS = {"torch": TorchPeer, "onnxruntime": OnnxPeer, "scikit-image": ScikitPeer, "torchmetrics": TorchmetricsPeer,
         "torch+scikit-image": SweepPeer, "reference": ReferencePeer}


def serve(name, threads):
    """The process of a peer: a job a line on stdin, its times in ms a line on stdout."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer

    def answer(**content):
        answers.write(json.dumps(content) + "\n")
        answers.flush()
    try:
        peer = PEERS[name](threads)
        peer.threads = threads
        import h5py  # noqa: F401: tensors come in files
    except Exception as e:
        answer(error=f"{type(e).__name__}: {e}".split("\n")[0])
        return
    answer(version=peer.version, note=peer.note)
    prepared, run = None, None
    for line in sys.stdin:
        job = json.loads(line)
        try:
            if job["name"] != prepared:
                run, prepared = peer.prepare(job), job["name"]
            result, ms = run(), []
            if job.get("output"):
                write_h5(job["output"], result)
            for _ in range(job["repeat"]):
                start = time.perf_counter()
                run()
                ms.append(1e3 * (time.perf_counter() - start))
            answer(ms=ms)
        except Exception as e:
            prepared = None
            answer(error=f"{type(e).__name__}: {e}".split("\n")[0])


class Peer:
    """The driver's end of such a process."""

    def __init__(self, name, threads):
        environment = {**os.environ, "TORCH_CPP_LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"}
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[variable] = str(threads)
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--worker", name, "--threads",
                                         str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        hello = self.read()
        self.error, self.version, self.note = hello.get("error"), hello.get("version"), hello.get("note")

    def read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the peer's process ended"}

    def run(self, job, repeat, output=None):
        """Times in ms, or None with self.error set."""
        try:
            self.process.stdin.write(json.dumps({**job, "repeat": repeat, "output": output}) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass
        result = self.read()
        self.error = result.get("error")
        return result.get("ms")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# ---------------------------------------------------------------- ours

class Ours:
    error = None

    def __init__(self, build, folder, threads):
        self.build, self.folder, self.threads = build, folder, threads

    def run(self, job, repeat, output=None):
        return self.sweep(job, repeat, output) if job["case"] == "sweep" else self.case(job, repeat, output)

    def call(self, command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"bench: {done.stderr.strip() or command[0] + ' failed'}")
        return done.stdout

    def case(self, job, repeat, output):
        command = [f"{self.build}/bench/bench_ssfd", job["case"], "--threads", str(self.threads), "--repeat",
                   str(repeat)]
        if not job.get("input"):
            command += ["--batch", str(job["batch"])]
        for name, value in (("input", job.get("input")), ("weights", job.get("weights")), ("output", output)):
            command += [f"--{name}", value] if value else []
        return [float(line) for line in self.call(command).split()]

    def sweep(self, job, repeat, output):
        times = []
        for _ in range(repeat):
            out = tempfile.mkdtemp(dir=self.folder)
            self.call([f"{self.build}/bin/perturbation_sweep", "--cohort", job["cohort"], "--weights", job["weights"],
                       "--levels", str(job["levels"]), "--scans", str(job["scans"]), "--threads", str(self.threads),
                       "--out", out])
            with open(f"{out}/records/perturbation_sweep.json") as f:
                record = json.load(f)["values"]
            times.append(1e3 / record["slice_perturbations_per_second"] * job["units"])
            if output:
                self.sweep_values(f"{out}/perturbation_sweep_scans.csv", output)
            shutil.rmtree(out)
        return times

    def sweep_values(self, path, output):
        """SSFD and SSIM in the order of sweep_versions()."""
        import numpy as np
        with open(path) as f:
            rows = list(csv.DictReader(line for line in f if not line.startswith("#")))
        values = {metric: [] for metric in ("ssfd", "ssim")}
        for scan in sorted({row["scan_id"] for row in rows}):
            for metric, found in values.items():
                for perturbation in ("gaussian_blur", "pixel_shift"):
                    some = [row for row in rows if (row["scan_id"], row["perturbation"], row["metric"]) ==
                            (scan, perturbation, metric)]
                    some.sort(key=lambda row: float(row["level"]))
                    found += [float(row["value"]) for row in some[0 if perturbation == "gaussian_blur" else 1:]]
        write_h5(output, {"output": np.array([values["ssfd"], values["ssim"]])})


# ---------------------------------------------------------------- comparing

def difference(path, reference):
    """|| a - b || / || b ||: the largest over images, or over all parameters together."""
    import numpy as np
    a, b = read_h5(path), read_h5(reference)
    if "output" in b:
        a, b = (f["output"].astype(float).reshape(len(f["output"]), -1) for f in (a, b))
    else:
        a, b = (np.concatenate([f[name].astype(float).ravel() for name in sorted(b)])[None] for f in (a, b))
    if a.shape != b.shape or not np.isfinite(a).all():
        return math.inf
    return float((np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)).max())


def quartiles(ms):
    if len(ms) < 2:
        return ms[0], 0.0
    low, middle, high = statistics.quantiles(ms, n=4, method="inclusive")
    return middle, high - low


def measure(job, contestants, first, rounds, seconds):
    """Times of everyone, in turns. From a first time follows how many repetitions fit into a turn."""
    times = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            if contestant.error:
                continue
            time.sleep(PAUSE)
            ms = contestant.run(job, max(1, min(200, round(1e3 * seconds / first[name]))))
            times[name] += [t / job["units"] for t in ms or []]
    return times


class Bench:
    def __init__(self, o, folder):
        self.o, self.folder = o, folder
        self.rows, self.failed, self.missing, self.versions, self.peak = [], False, {}, {}, {}
        self.numeric = True
        try:
            import h5py  # noqa: F401
            import numpy as np
            self.rng = np.random.default_rng(SEED)
        except ImportError as e:
            self.numeric = False
            say(f"{e}: random tensors, no peers, no comparison of values")
        self.cohort = self.find_cohort()
        self.slices = read_slices(self.cohort, 8) if self.numeric and self.cohort else None
        self.weights = self.find_weights()

    def find_cohort(self):
        if len(glob.glob(f"{self.o.cohort}/test/*.h5")) >= 2:
            say(f"images: {self.o.cohort}/test")
            return self.o.cohort
        made = f"{self.folder}/cohort"
        command = [f"{self.o.build}/bin/prepare_scans", "--split", "test", "--out", made, "--test",
                   str(max(self.o.scans, 2)), "--test-slices", "2", "--complex", "--no-reconstruction", "--records",
                   f"{self.folder}/records"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            say(f"images cannot be prepared, random tensors instead, no sweep: {done.stderr.strip()}")
            return None
        say(f"images: {self.o.scans} virtual scans")
        return made

    def find_weights(self):
        weights = {"ssl": self.o.weights if os.path.exists(self.o.weights) else None}
        if not weights["ssl"]:
            say(f"{self.o.weights} is missing: random weights, no peers for SSFD's network, no sweep")
        if self.numeric:
            weights.update(vgg16=f"{self.folder}/vgg16.h5", recon=self.o.recon_weights)
            make_vgg16_weights(weights["vgg16"], self.rng)
            if not os.path.exists(self.o.recon_weights):
                weights["recon"] = f"{self.folder}/recon.h5"
                make_recon_weights(weights["recon"], self.rng)
        return weights

    def job(self, name):
        """What is to be computed; None when it cannot be."""
        case, batch, weights, _ = BENCHMARKS[name]
        job = {"name": name, "case": case or "sweep", "batch": batch, "units": 1,
               "weights": self.weights.get(weights) if weights else None}
        if name == "sweep":
            if not (self.cohort and job["weights"]):
                return None
            job.update(cohort=self.cohort, scans=self.o.scans, levels=SWEEP_LEVELS)
            job["units"] = self.sweep_units() if self.numeric else 1
        elif self.slices:
            job["input"] = f"{self.folder}/{name}.h5"
            if not os.path.exists(job["input"]):
                write_h5(job["input"], make_tensors(case, self.slices[:batch], self.rng))
            job["more"] = [self.other_batch(job, k) for k in range(1, GRADIENT_BATCHES if case == "train_step" else 1)]
        return job

    def other_batch(self, job, k):
        """The job on other slices with other masks."""
        path = f"{self.folder}/{job['name']}_batch{k}.h5"
        if not os.path.exists(path):
            slices = [self.slices[(k * job["batch"] + i) % len(self.slices)] for i in range(job["batch"])]
            write_h5(path, make_tensors(job["case"], slices, self.rng))
        return {**job, "name": f"{job['name']}_batch{k}", "input": path, "more": []}

    def sweep_units(self):
        import h5py
        slices = 0
        for path in sorted(glob.glob(f"{self.cohort}/test/*.h5"))[:self.o.scans]:
            with h5py.File(path, "r") as f:
                slices += len(f["reference"])
        return slices * 3 * (SWEEP_LEVELS - 1)

    def start_peers(self, names, job, threads):
        """Those of the names that are there; what is wrong with the others is said once."""
        peers = {}
        able = job["case"] == "sweep" or job.get("input")
        for name in names if able and (job["weights"] or BENCHMARKS[job["name"]][2] is None) else ():
            if name in self.missing:
                continue
            peer = Peer(name, threads)
            if peer.error:
                self.missing[name] = peer.error
                say(f"{name}: missing ({peer.error})")
                peer.close()
                continue
            if name not in self.versions and name != "reference":
                self.versions[name] = peer.version
                say(f"{name}: {peer.version}, {peer.note}")
            peers[name] = peer
        return peers

    def flops(self, job):
        """Of one run, or 0 when nobody counts them."""
        if job["case"] == "sgemm":
            return 2 * 2048 ** 3
        if job["case"] not in NETWORKS or not (job.get("input") and job["weights"]):
            return 0
        ops, tensors = CountOps(read_weights(job["weights"])), read_h5(job["input"])
        NETWORKS[job["case"]](ops, tensors["input"].shape)
        return ops.flops * (3 if job["case"] == "train_step" else 1)

    def reference(self, job):
        """File of what PyTorch computes in float64, once for all numbers of threads; None without PyTorch."""
        path = f"{self.folder}/{job['name']}_reference.h5"
        if os.path.exists(path):
            return path
        peers = self.start_peers(["reference"], job, os.cpu_count())
        for peer in peers.values():
            if not peer.run(job, 0, path) and peer.error:
                say(f"{job['name']}: reference failed: {peer.error}")
            peer.close()
        return path if os.path.exists(path) else None

    def first_runs(self, job, contestants):
        """A first time of everyone; differences from the reference by name; whether that is PyTorch's, not ours."""
        first, paths = {}, {}
        for name, contestant in contestants.items():
            path = f"{self.folder}/{job['name']}_{name.replace('+', '_')}.h5" if self.numeric else None
            ms = contestant.run(job, 1, path)
            if ms:
                first[name], paths[name] = ms[0], path
        reference = self.reference(job) if self.numeric else None
        if not self.numeric:
            return first, {}, False
        differences = {name: difference(path, reference or paths["ours"]) for name, path in paths.items()
                       if reference or name != "ours"}
        if reference and job.get("more"):
            others = [self.first_runs(other, {"ours": contestants["ours"]})[1]["ours"] for other in job["more"]]
            differences["ours"] = statistics.median([differences["ours"], *others])
        return first, differences, reference is not None

    def one(self, name, threads):
        job = self.job(name)
        if not job:
            return say(f"{name}: left out")
        names = BENCHMARKS[name][3]
        peers = self.start_peers(names, job, threads) if self.numeric else {}
        contestants = {"ours": Ours(self.o.build, self.folder, threads), **peers}
        first, differences, exact = self.first_runs(job, contestants)
        times = measure(job, contestants, first, self.o.rounds, self.o.seconds)
        for peer_name, peer in peers.items():
            if peer.error:
                say(f"{name}: {peer_name} failed: {peer.error}")
            peer.close()
        self.report(job, threads, times, differences, exact, self.flops(job) if self.numeric else 0)

    def report(self, job, threads, times, differences, exact, flops):
        ours, spread = quartiles(times["ours"])
        rate = flops / ours / 1e6
        if job["case"] == "sgemm":
            self.peak[threads] = rate
        share = f"{rate:8.1f} {100 * rate / self.peak[threads]:4.0f} %" if flops and threads in self.peak else 15 * " "
        found = [name for name in times if name != "ours" and times[name]]
        for peer in found or [None]:
            row = {"benchmark": job["name"], "threads": threads, "ours_ms": ours, "peer": peer or ""}
            ours_off = differences.get("ours" if exact else peer)
            peer_off = differences.get(peer) if exact else None
            line = f"{job['name']:15s} {threads:3d} {ours:9.3f} {spread:8.3f} {share}"
            if peer:
                ms, peer_spread = quartiles(times[peer])
                row.update(peer_version=self.versions[peer], peer_ms=ms, ratio=ms / ours)
                line += f"  {peer:18s} {ms:9.3f} {peer_spread:8.3f} {ms / ours:6.2f}"
            else:
                line += 47 * " "
            if ours_off is not None:
                row["max_rel_diff"] = ours_off
                line += f"  {ours_off:8.1e}" + (f" {peer_off:8.1e}" if peer_off is not None else "")
            for off, limit in ((ours_off, TOLERANCE if exact else PEER_TOLERANCE), (peer_off, PEER_TOLERANCE)):
                if off is not None and not off <= limit:
                    self.failed = True
                    line += "  VALUES DIFFER"
            self.rows.append(row)
            say(line)

    def write(self):
        path = f"{self.o.results}/bench.csv"
        os.makedirs(self.o.results, exist_ok=True)
        temporary = f"{path}.part.{os.getpid()}"
        with open(temporary, "w") as f:
            f.write(f"# processor: {processor()}\n# rounds: {self.o.rounds}\n# sweep: ms per slice-perturbation\n")
            f.write(",".join(COLUMNS) + "\n")
            for row in self.rows:
                f.write(",".join(f"{v:.6g}" if isinstance(v := row.get(c, ""), float) else str(v) for c in COLUMNS) + "\n")
            f.flush()
            os.fsync(f.fileno())
        os.replace(temporary, path)
        say(path)


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


# ---------------------------------------------------------------- virtual environment

def base_python():
    """An interpreter that has PyTorch, when there is one."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0:
            return python
    return sys.executable


def environment(o):
    """Python of the virtual environment, made and filled when it is not there yet; the base one if that fails."""
    python = f"{o.venv}/bin/python"
    if not os.path.exists(python):
        base = base_python()
        say(f"making {o.venv}")
        made = subprocess.run([base, "-m", "venv", "--system-site-packages", o.venv], capture_output=True, text=True)
        if made.returncode:
            shutil.rmtree(o.venv, ignore_errors=True)
            say("no virtual environment: " + (made.stdout + made.stderr).strip().split("\n")[0])
            return base
    old_torch = subprocess.run([python, "-c", "import torch; assert torch.__version__ < '2'"], capture_output=True)
    # a PyTorch of the 1.x series needs NumPy 1.x; torchmetrics would pull the current PyTorch in
    wanted = [["onnxruntime", "onnx", "scikit-image", "h5py",
               "numpy<2" if old_torch.returncode == 0 and not o.pypi_torch else "numpy"],
              ["--no-deps", "torchmetrics", "lightning-utilities"]]
    if o.pypi_torch:
        wanted.insert(0, ["torch"])
    for packages in wanted:
        install(o.venv, python, packages)
    return python


def install(venv, python, packages):
    done = f"{venv}/.installed"
    line = " ".join(packages) + "\n"
    if os.path.exists(done) and line in open(done).readlines():
        return
    say("installing " + " ".join(p for p in packages if not p.startswith("-")))
    pip = subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", *packages], capture_output=True, text=True)
    if pip.returncode:
        say("pip failed: " + (pip.stderr.strip().split("\n") or [""])[-1])
    else:
        with open(done, "a") as f:
            f.write(line)


# ---------------------------------------------------------------- command line

def options():
    def threads(text):
        counts = [int(t) for t in text.split(",")]
        if min(counts) < 1:
            raise ValueError
        return counts

    def positive(text):
        if int(text) < 1:
            raise ValueError
        return int(text)
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build", help="build folder")
    p.add_argument("--results", default="results", help="folder for bench.csv")
    p.add_argument("--threads", type=threads, default=[1, 2], help="numbers of threads, 1,2")
    p.add_argument("--rounds", type=positive, default=5, help="turns of each")
    p.add_argument("--seconds", type=float, default=1.0, help="length of a turn")
    p.add_argument("--only", help="benchmarks, comma-separated")
    p.add_argument("--cohort", default="build/cohort", help="prepared scans; without any, some are made")
    p.add_argument("--scans", type=positive, default=8, help="scans of the sweep")
    p.add_argument("--weights", default="lib/models/weights/ssl_unet.h5", help="of SSFD's network")
    p.add_argument("--recon-weights", default="lib/models/weights/recon_unet.h5", help="of the reconstruction network; random if missing")
    p.add_argument("--venv", help="virtual environment (default: BUILD/bench/venv, venv-torch with --pypi-torch)")
    p.add_argument("--no-venv", action="store_true", help="use this interpreter and what it has")
    p.add_argument("--pypi-torch", action="store_true", help="install PyTorch's current release, too")
    p.add_argument("--worker", help=argparse.SUPPRESS)
    o = p.parse_args()
    o.venv = o.venv or f"{o.build}/bench/venv" + ("-torch" if o.pypi_torch else "")
    o.names = o.only.split(",") if o.only else list(BENCHMARKS)
    for name in o.names:
        if name not in BENCHMARKS:
            p.error(f"unknown benchmark '{name}': expected some of {', '.join(BENCHMARKS)}")
    o.scans = max(o.scans, 2)
    return o


def main():
    o = options()
    if o.worker:
        return serve(o.worker, o.threads[0])
    if not o.no_venv:
        python = environment(o)
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:], "--no-venv"])
    load = os.getloadavg()[0]
    say(f"{processor()}, {os.cpu_count()} cores" +
        (f"; load {load:.1f}: other work is running, times are not to be trusted" if load > 0.5 else ""))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(o, folder)
        say(f"{'benchmark':15s} thr   ours ms   spread  GFLOP/s  sgemm  {'peer':18s}   peer ms   spread  ratio  "
            f"{'differences from float64':s}")
        # OpenBLAS first: the rates of the others are given as shares of its own
        for threads in o.threads:
            for name in sorted(o.names, key=lambda n: n != "sgemm_2048"):
                bench.one(name, threads)
        order = list(BENCHMARKS)
        bench.rows.sort(key=lambda row: (order.index(row["benchmark"]), row["threads"]))
        bench.write()
    if bench.failed:
        say("FAILED: values differ")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
