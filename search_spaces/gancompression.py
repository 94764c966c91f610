"""GAN Compression (Li et al., 2020): channel numbers of the generators that translate images into images.

Losses at initialisation: the published ones compare with a target or a trained discriminator, and an untrained
generator on noise has neither, so a fixed untrained PatchGAN judges instead (`gpproxy.search_spaces.patchgan`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import SpaceError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.channels import ChannelSpace
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.mobile_resnet import BLOCKS, MobileResnet, mobile_resnet_macs
from gpproxy.search_spaces.patchgan import hinge, least_squares
from gpproxy.search_spaces.product import Choices
from gpproxy.search_spaces.space import Architecture, search_space

#: Named sets of the mobile ResNet, as published: choices of c0 ... c7.
RESNET_SETS: dict[str, Choices] = {
    "channels-48": ((48, 32),) * 2 + ((48, 40, 32),) * 4 + ((48, 32, 24, 16),) * 2,
    "channels-32": ((32, 24, 16),) * 8,
    "channels-64-cycleGAN": ((64, 48, 32, 24, 16),) * 8,
    "channels-64-pix2pix": ((64, 56, 48, 40, 32, 24, 16),) * 8,
}
#: Six integers of the first release, marked with `legacy_`: c3 in the blocks 0, 3, 6 only, c2 in the others.
LEGACY = "legacy_"


def normal_(module: Any, generator: torch.Generator) -> None:
    """Normal weights of deviation 0.02, zero bias (Isola et al., 2017)."""
    nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
    if module.bias is not None:
        nn.init.zeros_(module.bias)


class MobileResnetSpace(ChannelSpace):
    """Mobile ResNets of eight channel numbers, such as `32_32_48_32_48_48_16_16`.

    c0 stem, 2 c1 and 4 c2 the halvings (4 c2 is the trunk), 4 c3, 4 c4, 4 c5 inside the blocks 0-2, 3-5, 6-8, 2 c6 and
    c7 the doublings.

    Six numbers are read too. `a_b_c_d_e_f` has d in all nine blocks and is written `a_b_c_d_d_d_e_f`;
    `legacy_a_b_c_d_e_f` has d in the blocks 0, 3, 6 and c in the others and is written as it stands, unless c = d.
    Mutation and crossover turn a legacy architecture into the eight numbers first.
    """

    source = "Li et al., 2020"
    SETS = RESNET_SETS

    def encode(self, architecture: Architecture) -> str:
        return (LEGACY if len(architecture) == 6 else "") + super().encode(architecture)

    def decode(self, code: str) -> Architecture:
        text = code.strip()
        if not text.startswith(LEGACY):
            numbers = self._numbers(code, text, 8, 6)
            return self._checked(numbers if len(numbers) == 8 else _expanded(numbers), code)
        numbers = self._numbers(code, text.removeprefix(LEGACY), 6)
        if numbers not in self.published.values():
            self._checked(_expanded(numbers), code)
        return _expanded(numbers) if numbers[2] == numbers[3] else numbers

    def inside(self, architecture: Architecture) -> Architecture:
        return super().inside(architecture if len(architecture) == 8 else _expanded(architecture))

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        with torch.device("meta"):
            network = MobileResnet(*_widths(architecture))
        return materialise(network, generator, lambda name: normal_)

    def macs(self, architecture: Architecture, norms: bool = True) -> int:
        return mobile_resnet_macs(*_widths(architecture), self.PUBLISHED_RESOLUTION, norms)


@search_space("gancompression-cyclegan")
class CycleGANCompression(MobileResnetSpace):
    """Unpaired translation (horse2zebra): least squares against the PatchGAN, which sees the output alone."""

    @dataclass(frozen=True)
    class Settings(ChannelSpace.Settings):
        """Attributes:
        channels: set of choices; the default has 390,625 architectures.
        resolution: side of the images in pixels, a multiple of 4.
        """

        channels: str = "channels-64-cycleGAN"

    settings: Settings
    published = MappingProxyType(
        {
            "paper": (24, 24, 24, 32, 32, 32, 20, 16),  # 24_24_24_32_20_16
            "retrained": (16, 16, 32, 16, 32, 32, 16, 16),
            "fast": (16, 16, 24, 16, 32, 64, 16, 24),
        }
    )

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return least_squares(outputs)


@search_space("gancompression-pix2pix")
class Pix2PixCompression(MobileResnetSpace):
    """Paired translation (edges2shoes, cityscapes, maps): hinge against the PatchGAN, which sees input and output."""

    @dataclass(frozen=True)
    class Settings(ChannelSpace.Settings):
        """Attributes:
        channels: set of choices; the default has 5,764,801 architectures.
        resolution: side of the images in pixels, a multiple of 4.
        """

        channels: str = "channels-64-pix2pix"

    settings: Settings
    published = MappingProxyType(
        {
            "edges2shoes-paper": (32, 32, 40, 48, 16, 32),  # legacy
            "edges2shoes-retrained": (32, 32, 48, 32, 48, 48, 16, 16),
            "edges2shoes-fast": (24, 24, 40, 56, 24, 56, 16, 40),
            "cityscapes-paper": (48, 32, 40, 40, 40, 40, 24, 32),  # 48_32_40_40_24_32
            "cityscapes-retrained": (32, 32, 48, 32, 32, 48, 24, 24),
            "cityscapes-fast": (16, 24, 48, 56, 40, 48, 24, 16),
            "map2arial-compressed": (32, 32, 48, 32, 48, 32, 16, 16),
            "map2arial-fast": (16, 16, 40, 40, 40, 64, 24, 16),
        }
    )

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return hinge(torch.cat([batch.visible, outputs], 1))


def _expanded(numbers: Architecture) -> Architecture:
    """Six numbers as eight, c3 in all blocks."""
    c0, c1, c2, c3, c4, c5 = numbers
    return (c0, c1, c2, c3, c3, c3, c4, c5)


def _widths(architecture: Architecture) -> tuple[int, int, int, tuple[int, ...], int, int]:
    """Arguments of MobileResnet."""
    if len(architecture) == 6:
        c0, c1, c2, c3, c6, c7 = architecture
        hidden = tuple(4 * (c3 if block % 3 == 0 else c2) for block in range(BLOCKS))
    elif len(architecture) == 8:
        c0, c1, c2, c3, c4, c5, c6, c7 = architecture
        hidden = tuple(4 * (c3, c4, c5)[block // 3] for block in range(BLOCKS))
    else:
        raise SpaceError(f"A mobile ResNet has 8 channel numbers, or 6 as a legacy one, but {architecture} is neither.")
    return c0, 2 * c1, 4 * c2, hidden, 2 * c6, c7
