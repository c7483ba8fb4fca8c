"""Golden values of the reconstruction U-Net and its gradients, from PyTorch in float64.

Run from the repository root with Debian's python3-torch, python3-h5py and python3-numpy:

    python3 tests/golden/make_recon_unet_golden.py

Writes tests/golden/recon_unet.h5: a weight file of a small network (the real architecture with fewer channels and
levels) in the project's format, with the group `golden` next to the weights. The modules are nested as in fastMRI, so
that PyTorch itself names the parameters.
"""

import sys

import h5py
import numpy as np
import torch
from torch import nn

CHANNELS, POOLS, SLOPE = 3, 3, 0.2
ROWS, COLUMNS = 32, 48
PATH = "tests/golden/recon_unet.h5"


class ConvBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.InstanceNorm2d(outputs), nn.LeakyReLU(SLOPE),
            nn.Dropout2d(0.0),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.InstanceNorm2d(outputs), nn.LeakyReLU(SLOPE),
            nn.Dropout2d(0.0))

    def forward(self, x):
        return self.layers(x)


class TransposeConvBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(inputs, outputs, 2, stride=2, bias=False), nn.InstanceNorm2d(outputs),
            nn.LeakyReLU(SLOPE))

    def forward(self, x):
        return self.layers(x)


class Unet(nn.Module):
    def __init__(self, channels, pools):
        super().__init__()
        width = [channels << k for k in range(pools + 1)]
        self.down_sample_layers = nn.ModuleList(
            ConvBlock(2 if k == 0 else width[k - 1], width[k]) for k in range(pools))
        self.conv = ConvBlock(width[pools - 1], width[pools])
        self.up_conv = nn.ModuleList()
        self.up_transpose_conv = nn.ModuleList()
        for k in range(pools - 1, -1, -1):
            self.up_transpose_conv.append(TransposeConvBlock(width[k + 1], width[k]))
            block = ConvBlock(2 * width[k], width[k])
            self.up_conv.append(block if k > 0 else nn.Sequential(block, nn.Conv2d(channels, 2, 1)))

    def forward(self, x):
        skips = []
        for layer in self.down_sample_layers:
            x = layer(x)
            skips.append(x)
            x = nn.functional.avg_pool2d(x, 2)
        x = self.conv(x)
        for up, block in zip(self.up_transpose_conv, self.up_conv):
            x = block(torch.cat([up(x), skips.pop()], dim=1))
        return x


def exact(x):
    """Rounded to float32, so that the file holds the values that were used."""
    return x.float().double()


torch.manual_seed(21)
model = Unet(CHANNELS, POOLS).double()
with torch.no_grad():
    for p in model.parameters():
        p.copy_(exact(p))
y, x = torch.meshgrid(torch.linspace(-1, 1, ROWS), torch.linspace(-1, 1, COLUMNS), indexing="ij")
magnitude = torch.exp(-2 * (x**2 + y**2)) * (1 + 0.5 * torch.cos(9 * x + 4 * y))
phase = 1.5 * x - y**2
target = torch.stack([magnitude * torch.cos(phase), magnitude * torch.sin(phase)]).double()
image = exact(target + 0.2 * torch.randn(2, ROWS, COLUMNS).double())[None]
target = exact(target)[None]
output = model(image)
loss = (output - target).abs().mean()
loss.backward()

with h5py.File(PATH, "w") as f:
    f.attrs["architecture"] = "recon-unet"
    f.attrs["channels"] = np.int64(CHANNELS)
    f.attrs["pools"] = np.int64(POOLS)
    f.attrs["negative_slope"] = SLOPE
    f.attrs["made_by"] = f"make_recon_unet_golden.py, torch {torch.__version__}, numpy {np.__version__}"
    for name, p in model.named_parameters():
        f[name] = p.detach().numpy().astype(np.float32)
        f["golden/gradient/" + name] = p.grad.numpy().astype(np.float32)
    f["golden/input"] = image[0].numpy().astype(np.float32)
    f["golden/target"] = target[0].numpy().astype(np.float32)
    f["golden/output"] = output.detach()[0].numpy().astype(np.float32)
    f["golden/loss"] = np.array([loss.item()])
sys.stdout.write(f"wrote {PATH}\n")
