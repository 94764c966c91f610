"""GauGAN in GAN Compression (Li et al., 2020): channel numbers of the generator that turns label maps into images."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.channels import ChannelSpace
from gpproxy.search_spaces.compression_macs import compression_macs
from gpproxy.search_spaces.images import pink_noise
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.mobile_spade import MobileSpadeGenerator, SpadeBlock
from gpproxy.search_spaces.patchgan import hinge
from gpproxy.search_spaces.product import Choices
from gpproxy.search_spaces.space import Architecture, Takes, search_space

#: data set -> channels of the label map (classes and instance edges), width / height as published, doublings
DATA = {"cityscapes": (36, 2, 6), "coco": (184, 1, 5)}

SPADE_SETS: dict[str, Choices] = {
    "channels-48": ((48, 40, 32),) * 5 + ((48, 40, 32, 24),) * 3,
    # The values of these two follow from their sizes, their names and the published choices.
    "channels-64": ((64, 48, 40, 32),) * 5 + ((64, 48, 40, 32, 24),) * 3,
    "channels-64_2": ((64, 56, 48, 40, 32, 24, 16),) * 8,
}


def xavier_(module: Any, generator: torch.Generator) -> None:
    """Glorot weights with gain 0.02, zero bias (Park et al., 2019)."""
    nn.init.xavier_normal_(module.weight, 0.02, generator=generator)
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def spectral_(module: Any, generator: torch.Generator) -> None:
    """Glorot weights over their largest singular value, zero bias (Miyato et al., 2018).

    At initialisation spectral normalisation is this scale; as weights of their own the layers look like any other.
    """
    xavier_(module, generator)
    matrix = module.weight.flatten(1)
    right = torch.randn(matrix.shape[1], generator=generator)
    for _ in range(10):
        left = F.normalize(matrix @ right, dim=0)
        right = F.normalize(matrix.T @ left, dim=0)
    module.weight.div_(left @ matrix @ right)


@search_space("gancompression-spade")
class SpadeCompression(ChannelSpace):
    """Mobile GauGAN of eight channel numbers, such as `32_40_40_32_40_24_32_24`.

    16 c0 trunk, 16 c1 ... 16 c3 inside the first three blocks, 8 c4, 4 c5, 2 c6, c7 out of the others. Inputs are
    seeded square label maps in blobs; the PatchGAN of the hinge loss sees labels and output. The shape is that of
    cityscapes or coco, descriptors are of 512 x 256 or 256 x 256 pixels.
    """

    @dataclass(frozen=True)
    class Settings(ChannelSpace.Settings):
        """Attributes:
        channels: set of choices; the default has 15,552 architectures.
        resolution: side of the label maps in pixels, a multiple of 64. The lowest grid has at least 2 x 2
            positions, so cityscapes generators leave out their second doubling below 128.
        data: `cityscapes` (36 label channels, six doublings) or `coco` (184, five).
        """

        channels: str = "channels-48"
        data: str = "cityscapes"

        GRID: ClassVar[int] = 64
        SMALLEST: ClassVar[int] = 64

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.data not in DATA:
                raise ConfigError(f"data is '{self.data}'.{did_you_mean(self.data, DATA)} Known: {', '.join(DATA)}.")

    settings: Settings
    source = "Li et al., 2020; Park et al., 2019"
    SETS = SPADE_SETS
    published = MappingProxyType(
        {
            "cityscapes-paper": (32, 32, 48, 32, 32, 32, 32, 24),
            "cityscapes-retrained": (32, 40, 40, 32, 40, 24, 32, 24),
            "cityscapes-fast": (32, 32, 32, 48, 32, 24, 24, 32),
            "coco-fast": (40, 32, 32, 40, 32, 40, 24, 24),
        }
    )
    takes: Takes = "labels"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One channel per class, and one for the edges between instances."""
        return (DATA[self.settings.data][0], self.settings.resolution, self.settings.resolution)

    @property
    def published_input_shape(self) -> tuple[int, ...]:
        labels, aspect, _ = DATA[self.settings.data]
        return (labels, self.PUBLISHED_RESOLUTION, aspect * self.PUBLISHED_RESOLUTION)

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        labels, _, doublings = DATA[self.settings.data]
        if self.settings.resolution < 2 << doublings:  # an instance norm of one position is undefined
            doublings -= 1
        with torch.device("meta"):
            network = MobileSpadeGenerator(architecture, labels, doublings)
        normalised = {
            f"{name}.{part}"
            for name, module in network.named_modules()
            if isinstance(module, SpadeBlock)
            for part in ("first", "second", "shortcut")
        }
        return materialise(network, generator, lambda name: spectral_ if name in normalised else xavier_)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return hinge(torch.cat([batch.visible, outputs], 1))

    def macs(self, architecture: Architecture, norms: bool = True) -> int:
        network = self.at_published_resolution().build(architecture, None)
        return compression_macs(network, self.published_batch().visible, norms)

    def _images(self, count: int, generator: torch.Generator) -> Tensor:
        """One-hot label maps in blobs, the last channel marks the edges between them."""
        kinds, side = DATA[self.settings.data][0] - 1, self.settings.resolution
        coarse = pink_noise(count, side // 8, generator, channels=kinds)
        classes = F.interpolate(coarse, size=(side, side), mode="bilinear").argmax(1)
        hot = F.one_hot(classes, kinds).movedim(-1, 1).float()
        edge = torch.zeros_like(hot[:, :1])
        edge[:, 0, 1:] += classes[:, 1:] != classes[:, :-1]
        edge[:, 0, :, 1:] += classes[:, :, 1:] != classes[:, :, :-1]
        return torch.cat([hot, edge.clamp(max=1)], 1)
