"""Golden values of VGG-16's perceptual distances, from PyTorch in float64 and the package lpips.

Run from the repository root with Debian's python3-torch, python3-h5py, python3-numpy and python3-scipy, and
`pip install --no-deps lpips safetensors tqdm`:

    python3 tests/golden/make_vgg16_golden.py [vgg16_keras.h5]

Writes tests/golden/vgg16.h5 and tests/golden/small.safetensors. The images are those of tests/golden/metrics.h5,
crops of Colin27. The weights are random: both sides draw them from the generator of lib/core/rng.h, so none are
stored. With a Keras file, values for its filters are stored with its checksum: the tests use them where that file is
at hand.
"""

import hashlib
import sys
import types
from importlib.metadata import version

import h5py
import numpy as np
import torch
from torch import nn

SEED, LINEAR_SEED = 16, 5
WIDTHS, DEPTHS = (64, 128, 256, 512, 512), (2, 2, 3, 3, 3)
UNIT_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
MASK = np.uint64(0xFFFFFFFF)


def philox4x32_10(counter, key):
    """Salmon et al. 2011; counter: uint64 array (n, 4) of 32-bit words, key: two words."""
    c0, c1, c2, c3 = (counter[:, k].copy() for k in range(4))
    k0, k1 = (np.uint64(k) for k in key)
    for _ in range(10):
        left, right = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = right >> np.uint64(32) ^ c1 ^ k0, right & MASK, left >> np.uint64(32) ^ c3 ^ k1, left & MASK
        k0, k1 = k0 + np.uint64(0x9E3779B9) & MASK, k1 + np.uint64(0xBB67AE85) & MASK
    return np.stack([c0, c1, c2, c3], axis=1)


def uniform(count, seed, domain, a, b):
    """The head of the stream (seed, domain, a, b) of lib/core/rng.c, in [0, 1)."""
    words = np.array([[a & 0xFFFFFFFF, a >> 32, b & 0xFFFFFFFF, b >> 32]], np.uint64)
    naming = ((seed & 0xFFFFFFFF) ^ (domain * 0x85EBCA6B & 0xFFFFFFFF), (seed >> 32) ^ 0x53534644)
    stream = philox4x32_10(words, naming)[0]
    counter = np.empty(((count + 3) // 4, 4), np.uint64)
    counter[:] = stream
    counter[:, 0] = np.arange(len(counter))
    blocks = philox4x32_10(counter, (seed & 0xFFFFFFFF, seed >> 32))
    return blocks.reshape(-1)[:count].astype(np.float64) * 2.0**-32


def convolutions():
    """(layer, Keras name, torchvision module, in, out) of the 13."""
    found, inputs, module = [], 3, 0
    for block, (width, depth) in enumerate(zip(WIDTHS, DEPTHS), 1):
        for place in range(1, depth + 1):
            found.append((f"relu{block}_{place}", f"block{block}_conv{place}", module, inputs, width))
            inputs, module = width, module + 2
        module += 1
    return found


def random_weights(bias=0.0):
    """Those of vgg16_random(), without biases; or with, as the tests write weight files."""
    weights = {}
    for k, (_, _, module, inputs, outputs) in enumerate(convolutions()):
        bound = np.sqrt(6.0 / (9 * inputs))
        draws = uniform(9 * inputs * outputs, SEED, 1, 2 * k, 1)
        weights[module] = (((2.0 * draws - 1.0) * bound).astype(np.float32).reshape(outputs, inputs, 3, 3),
                           (bias * uniform(outputs, SEED, 1, 2 * k + 1, 1)).astype(np.float32))
    return weights


def keras_weights(path):
    weights = {}
    with h5py.File(path, "r") as file:
        for _, name, module, _, _ in convolutions():
            if name in file:
                kernel, bias = (file[name][part] for part in file[name].attrs["weight_names"])
                weights[module] = kernel[()].transpose(3, 2, 0, 1), bias[()]
    return weights


def trunk(weights):
    """torchvision's vgg16().features, as deep as the weights go."""
    layers = nn.Sequential()
    for layer, _, module, inputs, outputs in convolutions():
        if module not in weights:
            break
        if layer.endswith("_1") and module:
            layers.add_module(str(module - 1), nn.MaxPool2d(2))
        conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        conv.weight.data, conv.bias.data = (torch.from_numpy(np.ascontiguousarray(w)) for w in weights[module])
        layers.add_module(str(module), conv)
        layers.add_module(str(module + 1), nn.ReLU())
    return layers.double().eval()


def features(layers, x):
    names, found = {str(module + 1): layer for layer, _, module, _, _ in convolutions()}, {}
    with torch.no_grad():
        for name, module in layers.named_children():
            x = module(x)
            if name in names:
                found[names[name]] = x
    return found


def torchvision_input(grey):
    mean, std = (torch.tensor(v).double().view(1, 3, 1, 1) for v in ((.485, .456, .406), (.229, .224, .225)))
    return (grey.expand(1, 3, -1, -1) - mean) / std


def keras_input(grey):
    return 255.0 * grey.expand(1, 3, -1, -1) - torch.tensor((103.939, 116.779, 123.68)).double().view(1, 3, 1, 1)


def scaled(image, by):
    by = by.astype(np.float64)
    return torch.from_numpy((image.astype(np.float64) - by.min()) / (by.max() - by.min()))[None, None]


def vgg_pl(layers, prepare, reference, image):
    a = features(layers, prepare(scaled(reference, reference)))
    b = features(layers, prepare(scaled(image, reference)))
    return [((a[name] - b[name])**2).mean().item() for name in a]


def unit(layers, prepare, reference, image):
    """By hand, for layers and normalisations that the package does not have; its definition of a unit vector."""
    def vectors(x):
        return {name: f / (f.pow(2).sum(1, keepdim=True).sqrt() + 1e-10)
                for name, f in features(layers, prepare(scaled(x, x))).items()}
    a, b = vectors(reference), vectors(image)
    return [((a[name] - b[name])**2).sum(1).mean().item() for name in a if name in UNIT_LAYERS]


def lpips_models(layers, linear):
    """The package's LPIPS without and with linear layers, around these weights."""
    models = types.ModuleType("torchvision.models")
    models.vgg16 = lambda pretrained=False: types.SimpleNamespace(features=layers)
    package = types.ModuleType("torchvision")
    package.models = models
    sys.modules.update({"torchvision": package, "torchvision.models": models})
    import lpips
    lpips.pretrained_networks.tv = models
    found = []
    for with_linear in (False, True):
        model = lpips.LPIPS(net="vgg", pretrained=False, pnet_rand=True, lpips=with_linear, verbose=False)
        for k, values in enumerate(linear if with_linear else ()):
            model.lins[k].model[1].weight.data = torch.from_numpy(values)
        found.append(model.double().eval())
    return found


def package_distance(model, reference, image):
    with torch.no_grad():
        return model(*(scaled(x, x).expand(1, 3, -1, -1) for x in (reference, image)), normalize=True).item()


def write_small_safetensors(path):
    from safetensors.torch import save_file
    values = torch.tensor([[0.0, -0.0, 1.0], [-2.5, 65504.0, 2.0**-24]])
    save_file({"full": values, "half": values.half(), "brain": values.bfloat16(),
               "whole": torch.arange(3)}, path, metadata={"format": "pt"})


def main(keras=None, output="tests/golden/vgg16.h5"):
    with h5py.File("tests/golden/metrics.h5", "r") as file:
        references, images = file["references"][()], file["images"][()]
    pairs = [(i, k) for i in range(images.shape[0]) for k in range(images.shape[1])]
    random, stored = trunk(random_weights()), trunk(random_weights(bias=0.1))
    linear = [uniform(width, LINEAR_SEED, 1, k, 1).astype(np.float32).reshape(1, width, 1, 1)
              for k, width in enumerate(WIDTHS)]
    (plain, _), (_, learned) = lpips_models(random, linear), lpips_models(stored, linear)
    table = {"vgg_pl": [], "vgg_pl_keras": [], "vgg16_unit": [], "lpips": []}
    for i, k in pairs:
        pair = references[i], images[i, k]
        table["vgg_pl"].append(vgg_pl(random, torchvision_input, *pair))
        table["vgg_pl_keras"].append(vgg_pl(stored, keras_input, *pair))
        table["vgg16_unit"].append(package_distance(plain, *pair))
        table["lpips"].append(package_distance(learned, *pair))
        by_hand = sum(unit(random, torchvision_input, *pair))
        if abs(by_hand - table["vgg16_unit"][-1]) > 1e-6 * by_hand:
            sys.exit("the unit distance by hand and by the package differ")
    with h5py.File(output, "w") as file:
        for name, values in table.items():
            file[name] = np.array(values)
        for k, values in enumerate(linear):
            file[f"lin{k}.model.1.weight"] = values
        if keras:
            real = trunk(keras_weights(keras))
            file["real/vgg_pl"] = np.array([vgg_pl(real, keras_input, references[i], images[i, k]) for i, k in pairs])
            file["real/vgg16_unit"] = np.array([unit(real, keras_input, references[i], images[i, k])
                                                for i, k in pairs])
            file.attrs["real_sha256"] = hashlib.sha256(open(keras, "rb").read()).hexdigest()
        file.attrs.update(made_by="tests/golden/make_vgg16_golden.py", torch=str(torch.__version__), lpips=version("lpips"),
                          numpy=np.__version__)
    write_small_safetensors("tests/golden/small.safetensors")


if __name__ == "__main__":
    main(*sys.argv[1:])
