"""AutoGAN (Gong et al., 2019): unconditional generators of three cells with skips between them."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from gpproxy.errors import SpaceError
from gpproxy.search_spaces.autogan_network import NORMS, UPS, CellPlan, Generator
from gpproxy.search_spaces.autogan_supernet import Supernet
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.discriminator import xavier_
from gpproxy.search_spaces.drawing import DrawingSpace
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.product import Choices, ProductSpace
from gpproxy.search_spaces.space import Architecture, SharedNetwork, Takes, search_space

#: Genes of a cell in the order of the code, and the number of values of each per cell.
GENES = ("convolution", "norm", "upsampling", "shortcut", "skip code")
SIZES = ((2, 3, 3, 2), (2, 3, 3, 2, 2), (2, 3, 3, 2, 4))
#: The three best architectures of the publication.
PUBLISHED: Mapping[str, Architecture] = MappingProxyType(
    {
        "A": (1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3),
        "B": (1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 3),
        "C": (1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 3),
    }
)
_FLAT = tuple(itertools.chain.from_iterable(SIZES))


def split(architecture: Architecture) -> list[tuple[int, ...]]:
    """The genes of each cell."""
    genes = iter(architecture)
    return [tuple(itertools.islice(genes, len(sizes))) for sizes in SIZES]


def plans(architecture: Architecture) -> list[CellPlan]:
    """What the genes of each cell mean, of the cells that there are. The lowest bit of a skip code is the nearest
    earlier cell."""
    made = []
    for index, (pre, norm, up, shortcut, *skips) in enumerate(filter(None, split(architecture))):
        code = skips[0] if skips else 0
        sources = tuple(index - 1 - bit for bit in range(index) if code >> bit & 1)
        made.append(CellPlan(bool(pre), NORMS[norm], UPS[up], bool(shortcut), sources))
    return made


@search_space("autogan")
class AutoGAN(DrawingSpace, ProductSpace):
    """Three cells that double the resolution; 373,248 codes such as `1011-10011-10103`.

    A cell reads convolution (0 post-activation, 1 pre-activation), norm (0 none, 1 batch, 2 instance), upsampling
    (0 bilinear, 1 nearest, 2 deconvolution), shortcut (0 no, 1 yes) and, from the second cell on, skip code (binary,
    lowest bit = nearest earlier cell). Every combination is an architecture, and every output depends on the noise.
    Tokens are the genes, a level is a cell.
    """

    @dataclass(frozen=True)
    class Settings(DrawingSpace.Settings):
        """Attributes:
        width: channels of all cells (published: 256; 128 in the search).
        latent: size of the noise vector.
        resolution: side of the images in pixels, a multiple of 8 (published: 32, and 48 on STL-10).
        discriminator_width: channels of the fixed discriminator behind the loss (published: 128; 64 in the search).
        """

    settings: Settings
    source = "Gong et al., 2019"
    published = PUBLISHED
    takes: Takes = "noise"

    @property
    def choices(self) -> Choices:
        return tuple(tuple(range(size)) for size in _FLAT)

    @property
    def tokens(self) -> tuple[tuple[int, ...], ...]:
        return SIZES

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        return tuple(
            tuple(f"{gene} of cell {number}" for gene in GENES[: len(sizes)]) for number, sizes in enumerate(SIZES, 1)
        )

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        gene = rng.randrange(len(_FLAT))
        value = (architecture[gene] + rng.randrange(1, _FLAT[gene])) % _FLAT[gene]
        return (*architecture[:gene], value, *architecture[gene + 1 :])

    def encode(self, architecture: Architecture) -> str:
        return "-".join("".join(map(str, cell)) for cell in split(architecture))

    def decode(self, code: str) -> Architecture:
        cells = ["".join(cell.split()) for cell in re.split("[-/]", code)]
        lengths = [len(cell) for cell in cells]
        if lengths not in ([len(_FLAT)], [len(sizes) for sizes in SIZES]):
            raise SpaceError(
                f"An {self.name} code has {len(_FLAT)} digits in cells of 4, 5 and 5, such as 1011-10011-10103 or "
                f"1 0 1 1 / 1 0 0 1 1 / 1 0 1 0 3, but '{code}' has {' and '.join(map(str, lengths))}."
            )
        digits = "".join(cells)
        places = [(number, gene) for number, sizes in enumerate(SIZES, 1) for gene in GENES[: len(sizes)]]
        for digit, size, (number, gene) in zip(digits, _FLAT, places):
            if digit not in "0123456789"[:size]:
                raise SpaceError(
                    f"'{code}' is no {self.name} architecture: the {gene} of cell {number} is 0 to {size - 1}, "
                    f"but here '{digit}'."
                )
        return tuple(map(int, digits))

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        with torch.device("meta"):
            settings = self.settings
            network = Generator(plans(architecture), settings.width, settings.latent, settings.resolution // 8)
        return materialise(network, generator, lambda name: xavier_)

    def supernet(self, generator: torch.Generator | None) -> SharedNetwork:
        with torch.device("meta"):
            settings = self.settings
            network = Supernet(plans, len(SIZES), settings.width, settings.latent, settings.resolution // 8)
        return materialise(network, generator, lambda name: xavier_)  # type: ignore[return-value]

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        return Batch(torch.randn(count, self.settings.latent, generator=generator))

    def canonical(self, architecture: Architecture) -> Any:
        """The architecture, save for 162 pairs whose second cell is pre- or post-activated to the same effect.

        Without a norm both orders alternate convolution and ReLU, so they differ only at the ends of the cell:
        pre-activation has a ReLU at the start, post-activation at the end. The one is idle where the cell before ends
        in a ReLU (post-activation, no shortcut), the other where the cell after starts with one (pre-activation, no
        norm, no shortcut). Nothing may join or leave in between: no shortcut, no skip in or out. The first cell
        has no ReLU before it, and the last has a norm after it, so neither has such a twin.
        """
        (pre1, _, _, shortcut1), (_, norm2, _, shortcut2, skips2), (pre3, norm3, _, shortcut3, skips3) = split(
            architecture
        )
        idle_start = not pre1 and not shortcut1
        idle_end = pre3 and not norm3 and not shortcut3 and not skips3 & 1
        if idle_start and idle_end and not norm2 and not shortcut2 and not skips2:
            return (*architecture[:4], 0, *architecture[5:])
        return architecture

    def describe(self, architecture: Architecture) -> dict[str, float]:
        """The default descriptors at this space's width, and how many cells use what."""
        cells = plans(architecture)
        own = {
            "preactivations": sum(cell.pre for cell in cells),
            "batch_norms": sum(cell.norm == "batch" for cell in cells),
            "instance_norms": sum(cell.norm == "instance" for cell in cells),
            "deconvolutions": sum(cell.up == "deconvolution" for cell in cells),
            "shortcuts": sum(cell.shortcut for cell in cells),
            "skips": sum(len(cell.skips) for cell in cells),
        }
        return {**super().describe(architecture), **{name: float(number) for name, number in own.items()}}
