"""The U-Net generator of pix2pix (Isola et al., 2017) with a choice of channel numbers per level.

GAN Compression compresses the ResNets only; the choices here follow its sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.channels import ChannelSpace
from gpproxy.search_spaces.compression_macs import compression_macs
from gpproxy.search_spaces.gancompression import normal_
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.patchgan import hinge
from gpproxy.search_spaces.product import Choices
from gpproxy.search_spaces.space import Architecture, search_space

#: channel numbers that each level may take
UNET_SETS: dict[str, tuple[int, ...]] = {
    "channels-64": (64, 56, 48, 40, 32, 24, 16),
    "channels-32": (32, 24, 16),
}
#: Channel numbers count once, twice, four and then eight times, from the outermost level on.
LARGEST_FACTOR = 8


class Level(nn.Module):
    """One halving and one doubling around an inner level; its input is passed on beside its output.

    Args:
        outer: channels of input and output.
        width: channels between them.
        inner: the level inside, None for the innermost one.
    """

    def __init__(self, outer: int, width: int, inner: Level | None):
        super().__init__()
        down: list[nn.Module] = [nn.LeakyReLU(0.2), nn.Conv2d(outer, width, 4, 2, 1, bias=False)]
        if inner is not None:
            down.append(nn.BatchNorm2d(width))
        self.down, self.inner = nn.Sequential(*down), inner
        up = nn.ConvTranspose2d(width if inner is None else 2 * width, outer, 4, 2, 1, bias=False)
        self.up = nn.Sequential(nn.ReLU(), up, nn.BatchNorm2d(outer))

    def forward(self, x: Tensor) -> Tensor:
        y = self.down(x)
        return torch.cat([x, self.up(y if self.inner is None else self.inner(y))], 1)


class UNet(nn.Module):
    """`len(widths)` halvings, as many doublings, skips between them, Tanh.

    Args:
        widths: channels after each halving.
    """

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        level: Level | None = None
        for outer, width in reversed(list(zip(widths, widths[1:], strict=False))):
            level = Level(outer, width, level)
        assert level is not None
        self.down, self.inner = nn.Conv2d(3, widths[0], 4, 2, 1, bias=False), level
        self.up = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * widths[0], 3, 4, 2, 1), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.inner(self.down(x)))


@search_space("pix2pix-unet")
class Pix2PixUNet(ChannelSpace):
    """U-Nets of one channel number per level, such as `64_48_32_32_24_16`; level i has min(2^i, 8) times as many.

    Batch norms as published; the dropout of three levels, which is noise in training only, is left out. Hinge loss
    against the PatchGAN, which sees input and output.
    """

    @dataclass(frozen=True)
    class Settings(ChannelSpace.Settings):
        """Attributes:
        channels: set of choices, of every level.
        resolution: side of the images in pixels, a multiple of 2^levels.
        levels: halvings, 2 to 8; published are 8 for 256 pixels and 7 for 128.
        """

        channels: str = "channels-64"
        levels: int = 6

        def __post_init__(self) -> None:
            super().__post_init__()
            if not 2 <= self.levels <= 8:
                raise ConfigError(f"levels must lie in 2 to 8, but is {self.levels}.")
            if self.resolution % 2**self.levels:
                raise ConfigError(
                    f"resolution must be a multiple of 2^levels = {2**self.levels} pixels, but is {self.resolution}."
                )

    settings: Settings
    source = "Isola et al., 2017"
    SETS = {name: (values,) for name, values in UNET_SETS.items()}

    @property
    def choices(self) -> Choices:
        return self.SETS[self.settings.channels] * self.settings.levels

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        widths = tuple(min(2**i, LARGEST_FACTOR) * number for i, number in enumerate(architecture))
        with torch.device("meta"):
            network = UNet(widths)
        return materialise(network, generator, lambda name: normal_)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return hinge(torch.cat([batch.visible, outputs], 1))

    def macs(self, architecture: Architecture, norms: bool = True) -> int:
        return compression_macs(self.build(architecture, None), self.published_batch().visible, norms)
