"""Generators from images as people write them: U-Net, residual network, super-resolution, each as a search space.

gpproxy score --plugins docs/gallery/translators.py --space pix2pix --proxy "median_layers(layer_snip)" --sample 2
gpproxy train --plugins docs/gallery/translators.py --space cyclegan --arch 8_2 --data facades --recipe cyclegan-short
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gpproxy.search_spaces import choice_space

SIDE = 32


class UNet(nn.Module):
    """One level of the U-Net around the next one: half the size, the inner level, back, beside its own input."""

    def __init__(
        self, outer: int, inner: int, within: nn.Module | None, outermost: bool = False, dropout: bool = False
    ):
        super().__init__()
        self.outermost = outermost
        down = nn.Conv2d(3 if outermost else outer, inner, 4, 2, 1, bias=False)
        up = nn.ConvTranspose2d(inner if within is None else 2 * inner, 3 if outermost else outer, 4, 2, 1)
        parts: list[nn.Module] = [down] if outermost else [nn.LeakyReLU(0.2, True), down]
        if within is not None:
            parts += [*([] if outermost else [nn.BatchNorm2d(inner)]), within]
        parts += [nn.ReLU(True), up, nn.Tanh() if outermost else nn.BatchNorm2d(outer)]
        self.model = nn.Sequential(*parts, *([nn.Dropout(0.5)] if dropout else []))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


@choice_space("pix2pix", {"width": (8, 64)}, inputs=(3, SIDE, SIDE), source="Isola et al., 2017")
def pix2pix(width: int) -> nn.Module:
    """A U-Net of five levels with dropout, activations in place and skips by concatenation."""
    network = UNet(8 * width, 8 * width, None)
    for outer, inner, dropout in ((4, 8, True), (2, 4, False), (1, 2, False)):
        network = UNet(outer * width, inner * width, network, dropout=dropout)
    return UNet(0, width, network, outermost=True)


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.block = nn.Sequential(
            *[nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width), nn.ReLU(True)],
            *[nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)],
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


@choice_space("cyclegan", {"width": (8, 32), "blocks": (2, 6)}, inputs=(3, SIDE, SIDE), source="Zhu et al., 2017")
def cyclegan(width: int, blocks: int) -> nn.Module:
    """Two halvings, residual blocks, two doublings, instance norm, reflected borders."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), nn.InstanceNorm2d(width), nn.ReLU(True)]
    for factor in (1, 2):
        down = nn.Conv2d(factor * width, 2 * factor * width, 3, 2, 1)
        layers += [down, nn.InstanceNorm2d(2 * factor * width), nn.ReLU(True)]
    layers += [Residual(4 * width) for _ in range(blocks)]
    for factor in (4, 2):
        up = nn.ConvTranspose2d(factor * width, factor * width // 2, 3, 2, 1, output_padding=1)
        layers += [up, nn.InstanceNorm2d(factor * width // 2), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh())


class Scaled(nn.Module):
    """A residual block without norm, its part scaled down."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x).mul(0.1)


class SuperResolution(nn.Module):
    def __init__(self, width: int, blocks: int):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.45, 0.44, 0.40]).view(1, 3, 1, 1))
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*[Scaled(width) for _ in range(blocks)], nn.Conv2d(width, width, 3, padding=1))
        self.tail = nn.Sequential(
            nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.Conv2d(width, 3, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(x - self.mean)
        found = self.body(x)
        found += x
        return self.tail(found) + self.mean


@choice_space("edsr", {"width": (12, 64), "blocks": (2, 8)}, inputs=(3, 16, 16), source="Lim et al., 2017")
def edsr(width: int, blocks: int) -> nn.Module:
    """Super-resolution from 16 to 32 pixels: residual blocks, a sum in place, a pixel shuffle."""
    return SuperResolution(width, blocks)
