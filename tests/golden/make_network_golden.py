"""Golden values of the network, its gradients, SSFD and Adam, from PyTorch in float64.

Run from the repository root with Debian's python3-torch, python3-h5py and python3-numpy:

    python3 tests/golden/make_network_golden.py

Writes tests/golden/unet_plain.h5 and unet_ws.h5: each is a weight file of a small network (the real architecture with
fewer channels) in the project's format, with the group `golden` next to the weights. The images are crops of Colin27
(Debian package mricron-data).
"""

import gzip
import sys

import h5py
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

SOURCE = "/usr/share/mricron/templates/ch2.nii.gz"
CHANNELS = [10, 10, 10, 10, 20]
GROUPS = 10


def standardize(w):
    flat = w.reshape(w.shape[0], -1)
    mean = flat.mean(dim=1, keepdim=True)
    std = flat.std(dim=1, keepdim=True)  # N-1
    return ((flat - mean) / (std + 1e-5)).reshape(w.shape)


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs, ws):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.GN = nn.GroupNorm(GROUPS, outputs)
        self.ws = ws

    def forward(self, x):
        relu1 = F.relu(self.conv1(x))
        weight = standardize(self.conv2.weight) if self.ws else self.conv2.weight
        relu2 = F.relu(F.conv2d(relu1, weight, self.conv2.bias, padding=1))
        return self.GN(relu2), relu1, relu2


class Encoder(nn.Module):
    def __init__(self, inputs, outputs, ws):
        super().__init__()
        self.conv_block = DoubleConv(inputs, outputs, ws)

    def forward(self, x):
        return self.conv_block(F.max_pool2d(x, 2))


class Decoder(nn.Module):
    def __init__(self, inputs, outputs, ws):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.GN = nn.GroupNorm(GROUPS, outputs)
        self.conv_block = DoubleConv(2 * outputs, outputs, ws)

    def forward(self, x, skip):
        x = torch.cat([self.GN(F.relu(self.up(x))), skip], dim=1)
        return self.conv_block(x)[0]


class UNet(nn.Module):
    def __init__(self, ws):
        super().__init__()
        c = CHANNELS
        self.firstblock = DoubleConv(1, c[0], ws)
        for k in range(1, 5):
            setattr(self, f"encoder{k}", Encoder(c[k - 1], c[k], ws))
        for k in range(4, 0, -1):
            setattr(self, f"decoder{k}", Decoder(c[k], c[k - 1], ws))
        self.head = nn.Conv2d(c[0], 1, 1)

    def features(self, x):
        skips, named = [], {}
        for k in range(5):
            block = self.firstblock if k == 0 else getattr(self, f"encoder{k}")
            x, named[f"block{k+1}_relu1"], named[f"block{k+1}_relu2"] = block(x)
            skips.append(x)
        return skips, named

    def forward(self, x):
        skips, named = self.features(x)
        x = skips[4]
        for k in range(4, 0, -1):
            x = getattr(self, f"decoder{k}")(x, skips[k - 1])
        return self.head(x), named


def crops():
    with gzip.open(SOURCE) as f:
        volume = np.frombuffer(f.read()[352:], np.uint8).reshape(181, 217, 181).astype(np.float64)
    reference = volume[75, 60:124, 50:98].copy()  # 64 x 48: not square, on purpose
    other = reference + np.random.default_rng(7).normal(0.0, 6.0, reference.shape)
    return reference, np.abs(other)


def zscore(image):
    return (image - image.mean()) / image.std(ddof=1)


def write(path, ws):
    torch.manual_seed(11 + ws)
    model = UNet(ws).double()
    with torch.no_grad():  # away from the trivial scale and offset; float32 so that the file holds the exact values
        for name, p in model.named_parameters():
            if "GN" in name:
                p += 0.3 * torch.randn_like(p)
            p.copy_(p.float().double())
    reference, other = crops()
    x = torch.from_numpy(zscore(reference).astype(np.float32).astype(np.float64))[None, None]
    target = torch.from_numpy(zscore(other).astype(np.float32).astype(np.float64))[None, None]
    output, named = model(x)
    loss = ((output - target) ** 2).mean()
    loss.backward()

    with h5py.File(path, "w") as f:
        f.attrs["architecture"] = "ssfd-unet"
        f.attrs["channels"] = np.array(CHANNELS, np.int64)
        f.attrs["norm_groups"] = np.int64(GROUPS)
        f.attrs["weight_standardization"] = np.int64(ws)
        f.attrs["made_by"] = f"make_network_golden.py, torch {torch.__version__}, numpy {np.__version__}"
        for name, p in model.named_parameters():
            f[name] = p.detach().numpy().astype(np.float32)
            f["golden/gradient/" + name] = p.grad.numpy().astype(np.float32)
        f["golden/input"] = x[0, 0].numpy().astype(np.float32)
        f["golden/target"] = target[0, 0].numpy().astype(np.float32)
        f["golden/output"] = output.detach()[0, 0].numpy().astype(np.float32)
        f["golden/loss"] = np.array([loss.item()])
        for name, value in named.items():
            f["golden/" + name] = value.detach()[0].numpy().astype(np.float32)
        f["golden/reference"] = reference.astype(np.float32)
        f["golden/image"] = other.astype(np.float32)
        with torch.no_grad():
            a = model.features(torch.from_numpy(zscore(reference))[None, None])[1]
            b = model.features(torch.from_numpy(zscore(other.astype(np.float32).astype(np.float64)))[None, None])[1]
        for name in named:
            f["golden/ssfd/" + name] = np.array([((a[name] - b[name]) ** 2).mean().item()])
        if not ws:
            write_adam(f)


def write_adam(f):
    generator = torch.Generator().manual_seed(5)
    w = torch.randn(40, generator=generator).double().requires_grad_()
    optimiser = torch.optim.Adam([w], lr=0.01)
    f["golden/adam/start"] = w.detach().numpy().astype(np.float32)
    gradients = torch.randn(3, 40, generator=generator).double()
    for g in gradients:
        w.grad = g.clone()
        optimiser.step()
    f["golden/adam/gradients"] = gradients.numpy().astype(np.float32)
    f["golden/adam/end"] = w.detach().numpy().astype(np.float32)


write("tests/golden/unet_plain.h5", 0)
write("tests/golden/unet_ws.h5", 1)
sys.stdout.write("wrote tests/golden/unet_plain.h5 and tests/golden/unet_ws.h5\n")
