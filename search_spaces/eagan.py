"""EAGAN (Ying et al., 2022): generators and discriminators of three cells, each a small graph of seven genes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.discriminator import hinge_discriminator, spectrally_normed, xavier_
from gpproxy.search_spaces.drawing import DrawingSpace
from gpproxy.search_spaces.eagan_cells import CellSpace
from gpproxy.search_spaces.eagan_networks import Discriminator, Generator
from gpproxy.search_spaces.eagan_supernet import Supernet
from gpproxy.search_spaces.images import pink_noise
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.space import Architecture, SearchSpace, SharedNetwork, Takes, search_space


def _single(*sizes: range) -> tuple[tuple[tuple[int, ...], ...], ...]:
    return tuple(tuple((value,) for value in values) for values in sizes)


@search_space("eagan-generator")
class EAGANGenerator(DrawingSpace, CellSpace):
    """Three cells that double the resolution; codes such as `1110231-1101305-0103003`.

    A cell reads how nodes 0 and 1 enlarge the input (0 nearest, 1 bilinear, 2 deconvolution), then the edges 0-2, 1-2,
    0-3, 1-3, 2-3 (0 none, 1 skip connection, 2 to 6 ReLU and a convolution of 1, 3, 5, dilated 3, dilated 5). Nodes 2
    and 3 have an edge each at least: 147,744 cells.
    """

    @dataclass(frozen=True)
    class Settings(DrawingSpace.Settings):
        """Attributes:
        latent: size of the noise vector, a multiple of 3.
        """

        latent: int = 120

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.latent % 3:
                raise ConfigError(f"latent must be a multiple of 3, but is {self.latent}.")

    settings: Settings
    source = "Ying et al., 2022"
    published: Mapping[str, Architecture] = MappingProxyType(
        {"best": (1, 1, 1, 0, 2, 3, 1, 1, 1, 0, 1, 3, 0, 5, 0, 1, 0, 3, 0, 0, 3)}
    )
    VALUES = _single(*[range(3)] * 2, *[range(7)] * 5)
    GROUPS = ((2, 3), (4, 5, 6))
    NAMES = ("up of node 0", "up of node 1", "edge 0-2", "edge 1-2", "edge 0-3", "edge 1-3", "edge 2-3")

    def count_of_cell(self) -> int:
        return 3**2 * (7**2 - 1) * (7**3 - 1)

    def canonical(self, architecture: Architecture) -> Architecture:
        """The architecture with 0 for what has no effect: ways to enlarge that no edge begins at, and in the last cell
        the edges into a node 2 that node 3 does not take."""
        cells = [list(cell) for cell in self.cells(architecture)]
        if not cells[-1][6]:
            cells[-1][2:4] = [0, 0]
        for cell in cells:
            for node in range(2):
                if not cell[2 + node] and not cell[4 + node]:
                    cell[node] = 0
        return tuple(itertools.chain.from_iterable(cells))

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        settings = self.settings
        with torch.device("meta"):
            cells = self.cells(self.canonical(architecture))
            network = Generator(cells, settings.width, settings.latent, settings.resolution // 8)
        return materialise(network, generator, lambda name: xavier_)

    def supernet(self, generator: torch.Generator | None) -> SharedNetwork:
        with torch.device("meta"):
            settings = self.settings
            network = Supernet(self.cells, settings.width, settings.latent, settings.resolution // 8)
        return materialise(network, generator, lambda name: xavier_)  # type: ignore[return-value]

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        return Batch(torch.randn(count, self.settings.latent, generator=generator))


@search_space("eagan-discriminator")
class EAGANDiscriminator(CellSpace):
    """Discriminators of three cells after a first block; codes such as `3030200-10301xx-30301xx`.

    A cell reads the edges 0-1 (1 to 6), 0-2, 1-2, 1-3 and 0-3 (0 none, 1 skip connection, 2 to 6 ReLU, which 0-3 lacks,
    and a convolution), then how nodes 2 and 3 are made half as large (0 mean, 1 maximum, 2 to 5 a convolution of stride
    2; xx not at all). Nodes 2 and 3 have an edge each at least: 511,488 cells. They are looked at with images, one half
    like natural scenes and one half noise, and their loss is to tell the two apart.
    """

    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        """Attributes:
        width: channels of all cells (published: 128).
        resolution: side of the images in pixels, a multiple of 16.
        """

        width: int = 32
        resolution: int = 32

        def __post_init__(self) -> None:
            if self.resolution < 16 or self.resolution % 16:
                raise ConfigError(f"resolution must be a multiple of 16 pixels, but is {self.resolution}.")
            if self.width < 1:
                raise ConfigError(f"width must be at least 1, but is {self.width}.")

    settings: Settings
    source = "Ying et al., 2022"
    takes: Takes = "images"
    published: Mapping[str, Architecture] = MappingProxyType(
        {
            "cifar10": (3, 0, 3, 0, 2, 0, 0, 1, 0, 3, 0, 1, -1, -1, 3, 0, 3, 0, 1, -1, -1),
            "stl10": (3, 0, 3, 0, 2, 0, 0, 4, 0, 4, 0, 1, -1, -1, 3, 0, 3, 0, 1, -1, -1),
            "autogan": (3, 0, 3, 0, 2, 0, 0, 3, 0, 3, 0, 1, -1, -1, 3, 0, 3, 0, 1, -1, -1),
        }
    )
    VALUES = (
        *_single(range(1, 7), *[range(7)] * 4),
        ((-1, -1), *itertools.product(range(6), repeat=2)),
    )
    GROUPS = ((1, 2), (3, 4))
    NAMES = ("edge 0-1", "edge 0-2", "edge 1-2", "edge 1-3", "edge 0-3", "halving")

    def count_of_cell(self) -> int:
        return 6 * (7**2 - 1) ** 2 * (6**2 + 1)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (3, self.settings.resolution, self.settings.resolution)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """One number per image."""
        return (1,)

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        with torch.device("meta"):
            network = Discriminator(self.cells(architecture), self.settings.width)
        materialise(network, generator, lambda name: xavier_)
        return network if generator is None else spectrally_normed(network, generator)

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        side, real = self.settings.resolution, (count + 1) // 2
        noise = torch.randn(count - real, 3, side, side, generator=generator).mul(0.5).clamp(-1, 1)
        return Batch(torch.cat([pink_noise(real, side, generator), noise]))

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Hinge loss of telling the first half of the batch from the second."""
        real = (len(outputs) + 1) // 2
        if real == len(outputs):
            return -outputs.mean()
        return hinge_discriminator(outputs[:real], outputs[real:])
