"""What bench.py holds ssfd against: a function per library. peer(job, file of the job, threads) prepares run(), and
run() gives what it has computed, {name: array}. Every peer runs in a process of its own."""
import csv
import importlib
import math
import multiprocessing
import timeit

import h5py
import numpy as np


# ---------------------------------------------------------------- networks, as bench_ssfd --job writes them

def read_h5(path):
    """All datasets by name. A job's `input` and `target` are tensors, the others weights."""
    with h5py.File(path, "r") as f:
        return {name: f[name][()] for name in f}


def read_layers(path, last=None):
    """What a network does, up to the layer `last`: kind, inputs (layer numbers; 0 is the input), names, settings."""
    with h5py.File(path, "r") as f:
        layers = list(csv.DictReader(f.attrs["layers"].splitlines()))
    for layer in layers:
        layer["inputs"] = [int(layer[key]) for key in ("first", "second") if int(layer[key]) >= 0]
    return layers[:1 + [layer["name"] for layer in layers].index(last)] if last else layers


def count_slices(path):
    with h5py.File(path, "r") as f:
        return len(f["reference"])


class Torch:
    """Runs a network. Ready to train, it computes gradients, too."""

    def __init__(self, job, layout, dtype, train=False, last=None):
        import torch
        self.torch, self.layout, self.dtype = torch, getattr(torch, layout), getattr(torch, dtype)
        self.layers = read_layers(job, last)
        tensors = read_h5(job)
        self.tensors = [self.tensor(tensors.pop(name)) for name in ("input", "target") if name in tensors]
        self.weights = {name: self.tensor(value).requires_grad_(train) for name, value in tensors.items()}
        self.last_use = {k: user for user, layer in enumerate(self.layers) for k in layer["inputs"]}

    def tensor(self, x):
        x = self.torch.from_numpy(x).to(self.dtype, copy=True)
        return x.to(memory_format=self.layout) if x.dim() == 4 else x

    def __call__(self, x):
        values = [x]
        for k, layer in enumerate(self.layers):
            values.append(self.layer(layer, *(values[i] for i in layer["inputs"])))
            for i in layer["inputs"]:
                values[i] = values[i] if self.last_use[i] > k else None  # its memory is free again
        return values[-1]

    def layer(self, layer, x, second=None):
        f, kind = self.torch.nn.functional, layer["kind"]
        weight, bias = (self.weights.get(f"{layer['params']}.{name}") for name in ("weight", "bias"))
        y = {"conv": lambda: f.conv2d(x, weight, bias, padding=weight.shape[2] // 2),
             "up_conv": lambda: f.conv_transpose2d(x, weight, bias, stride=2),
             "group_norm": lambda: f.group_norm(x, int(layer["groups"]), weight, bias),
             "instance_norm": lambda: f.leaky_relu(f.instance_norm(x), float(layer["slope"]), inplace=True),
             "max_pool": lambda: f.max_pool2d(x, 2), "avg_pool": lambda: f.avg_pool2d(x, 2),
             "concat": lambda: self.torch.cat([x, second], dim=1), "dropout": lambda: x}[kind]()
        return f.relu(y, inplace=True) if layer["relu"] == "1" else y


def onnx_model(job):
    from onnx import TensorProto, helper, numpy_helper
    tensors, nodes, constants = read_h5(job), [], []

    def node(kind, *inputs, **attributes):
        nodes.append(helper.make_node(kind, inputs, [f"n{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    def constant(value, dtype=np.float32):
        constants.append(numpy_helper.from_array(np.asarray(value, dtype), f"c{len(constants)}"))
        return constants[-1].name

    def instance_norm(x, count):
        return node("InstanceNormalization", x, constant(np.ones(count)), constant(np.zeros(count)), epsilon=1e-5)

    def group_norm(x, groups, scale, offset):  # as torch.onnx.export writes it
        y = instance_norm(node("Reshape", x, constant([0, groups, -1], np.int64)), groups)
        scale, offset = (constant(value.reshape(-1, 1, 1)) for value in (scale, offset))
        return node("Add", node("Mul", node("Reshape", y, node("Shape", x)), scale), offset)
    values, two = ["input"], {"kernel_shape": [2, 2], "strides": [2, 2]}
    for layer in read_layers(job):
        x = [values[k] for k in layer["inputs"]]
        w = [tensors[name] for name in (f"{layer['params']}.weight", f"{layer['params']}.bias") if name in tensors]
        size, groups = w[0].shape[-1] if w else 0, int(layer["groups"])
        y = {"conv": lambda: node("Conv", *x, *map(constant, w), kernel_shape=[size, size], pads=4 * [size // 2]),
             "up_conv": lambda: node("ConvTranspose", *x, *map(constant, w), **two),
             "group_norm": lambda: group_norm(*x, groups, *w),
             "instance_norm": lambda: node("LeakyRelu", instance_norm(*x, groups), alpha=float(layer["slope"])),
             "max_pool": lambda: node("MaxPool", *x, **two), "avg_pool": lambda: node("AveragePool", *x, **two),
             "concat": lambda: node("Concat", *x, axis=1), "dropout": lambda: x[0]}[layer["kind"]]()
        values.append(node("Relu", y) if layer["relu"] == "1" else y)
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
            for name, shape in (("input", tensors["input"].shape), (values[-1], 4 * [None]))]
    graph = helper.make_graph(nodes, "network", *ends, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


# ---------------------------------------------------------------- peers

def faster(build):
    """build(layout) for the memory format in which PyTorch is faster here."""
    def seconds(layout):
        run = build(layout)
        return min(timeit.repeat(run, number=1, repeat=3)[1:])
    return build(min(("contiguous_format", "channels_last"), key=seconds))


def torch_peer(job, path, threads, dtype="float32"):
    import torch
    torch.set_num_threads(threads)

    def build(layout):
        train = job["case"] == "train_step"
        net = Torch(path, layout, dtype, train)
        optimiser = torch.optim.Adam(net.weights.values(), lr=1e-3)

        def forward():
            with torch.inference_mode():
                return {"output": net(net.tensors[0]).numpy()}

        def step():
            optimiser.zero_grad(set_to_none=True)
            torch.nn.functional.mse_loss(net(net.tensors[0]), net.tensors[1]).backward()
            optimiser.step()
            return {name: value.grad.numpy() for name, value in net.weights.items()}
        return step if train else forward
    return faster(build) if dtype == "float32" else build("contiguous_format")


def onnx_peer(job, path, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(onnx_model(path), options, providers=["CPUExecutionProvider"])
    inputs = {"input": read_h5(path)["input"]}
    return lambda: {"output": session.run(None, inputs)[0]}


def scikit_ssim(reference, image):
    from skimage.metrics import structural_similarity
    _, full = structural_similarity(reference, image, win_size=11, gaussian_weights=True, sigma=1.5,
                                    use_sample_covariance=False, data_range=float(reference.max()), full=True)
    return float(full[5:-5, 5:-5].mean())


def scikit_peer(job, path, threads, dtype="float32"):
    pairs = [[image[0].astype(dtype) for image in pair] for pair in zip(*read_h5(path).values())]
    return lambda: {"output": np.array([scikit_ssim(*pair) for pair in pairs])}


def torchmetrics_peer(job, path, threads):
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure as ssim
    torch.set_num_threads(threads)
    reference, image = map(torch.from_numpy, read_h5(path).values())

    def run():
        with torch.inference_mode():
            _, full = ssim(image, reference, sigma=1.5, data_range=float(reference.max()), return_full_image=True)
            return {"output": full[..., 5:-5, 5:-5].mean(dim=(1, 2, 3)).numpy()}
    return run


SWEEP = {}  # of a process of the sweep: SSFD's features of an image, precision


def sweep_process(path, dtype):
    import torch
    torch.set_num_threads(1)

    def build(layout):
        net = Torch(path, layout, dtype, last="block4_relu2")

        def features(image=np.eye(320)):
            with torch.inference_mode():
                return net(net.tensor((image - image.mean(dtype=float))[None, None] / image.std(ddof=1, dtype=float)))
        return features
    SWEEP.update(features=faster(build), dtype=dtype)


def sweep_slice(path, k, levels):
    """What perturbation_sweep computes: SSFD, SSIM, PSNR and NRMSE of the image blurred, shifted and with noise."""
    from scipy import ndimage
    with h5py.File(path, "r") as f:
        image = f["reference"][k].astype(SWEEP["dtype"])
    steps = [step / (levels - 1) for step in range(1, levels)]
    versions = [ndimage.gaussian_filter(image.astype(float), 5 * s, mode="reflect", truncate=4.0) for s in steps]
    versions += [np.roll(image, int(10 * s), axis=1) for s in steps]  # whole pixels
    noise = np.random.default_rng(k).standard_normal(image.shape)
    versions += [image + 0.1 * s * image.max() * noise for s in steps]
    reference, values = SWEEP["features"](image), []
    for version in (v.astype(image.dtype) for v in [image, *versions]):
        error = np.linalg.norm(version - image) or math.nan
        values.append([float(((SWEEP["features"](version) - reference) ** 2).mean()), scikit_ssim(image, version),
                       20 * math.log10(image.max() * math.sqrt(image.size) / error), error / np.linalg.norm(image)])
    return values


def sweep_peer(job, path, threads, dtype="float32"):
    importlib.import_module("torch")  # its absence is told here in one line
    pool = multiprocessing.get_context("spawn").Pool(threads, sweep_process, (path, dtype))

    def run():
        """Means over scans of SSFD and SSIM, blurred and shifted: noise is drawn in another way."""
        tasks = [(scan, k, job["levels"]) for scan, slices in job["scans"] for k in range(slices)]
        found = iter(pool.starmap(sweep_slice, tasks, chunksize=1))
        means = [np.mean([next(found) for _ in range(slices)], axis=0) for _, slices in job["scans"]]
        return {"output": np.mean(means, axis=0)[1:2 * job["levels"] - 1, :2].T}
    return run


def reference_peer(job, path, threads):
    if job["case"] == "sgemm":
        x = read_h5(path)["input"].astype(float)
        return lambda: {"output": x[:, :1] @ x[:, 1:]}
    peer = {"sweep": sweep_peer, "ssim": scikit_peer}.get(job["case"], torch_peer)
    return peer(job, path, threads, "float64")


PEERS = {"torch": (torch_peer, ["torch"]), "onnxruntime": (onnx_peer, ["onnxruntime"]),
         "reference": (reference_peer, []), "scikit-image": (scikit_peer, ["skimage"]),
         "torchmetrics": (torchmetrics_peer, ["torchmetrics"]),
         "torch+scikit-image": (sweep_peer, ["torch", "skimage"])}
PREPARED = {}  # of a peer's process: the run() of its latest job


def version(name):
    return "+".join(importlib.import_module(module).__version__ for module in PEERS[name][1])


def times(name, job, batch, threads, repeat, output):
    path = job["files"][batch]
    if path not in PREPARED:
        PREPARED.clear()
        PREPARED[path] = PEERS[name][0](job, path, threads)
    result = PREPARED[path]()
    if output:
        with h5py.File(output, "w") as f:
            for key, value in result.items():
                f[key] = value
    return [1e3 * seconds for seconds in timeit.repeat(PREPARED[path], number=1, repeat=repeat)]
