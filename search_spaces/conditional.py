"""Class-conditional generators: the options that unconditional spaces leave out, every one a gene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import nn

from gpproxy.errors import SpaceError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.conditional_network import BLOCKS, NORMS, UPS, CellPlan, ConditionalGenerator, Plan
from gpproxy.search_spaces.discriminator import xavier_
from gpproxy.search_spaces.drawing import DrawingSpace
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.product import Choices, ProductSpace
from gpproxy.search_spaces.space import Architecture, Takes, search_space

#: Genes of a cell and the number of values of each; cells; cells behind which there may be self-attention.
GENES = {"block": len(BLOCKS), "norm": len(NORMS), "upsampling": len(UPS), "shortcut": 2}
CELLS = 3
ATTENTION = 3


@search_space("conditional")
class Conditional(DrawingSpace, ProductSpace):
    """Three cells that double the resolution, told a class; 1,119,744 codes such as `1301-1301-0110-2`.

    A cell reads block (0 post-activation, 1 pre-activation, 2 styled), norm (0 none, 1 batch, 2 instance, 3 batch with
    gains and offsets of the class), upsampling (0 bilinear, 1 nearest, 2 deconvolution), shortcut (0 no, 1 yes); at the
    end stands the cell behind which there is self-attention (0 for none). Styled blocks have no norm.
    """

    @dataclass(frozen=True)
    class Settings(DrawingSpace.Settings):
        """Attributes:
        embedding: size of what a class is embedded in, and of a style.
        classes: how many there are.
        """

        embedding: int = 64
        classes: int = 10

        def __post_init__(self) -> None:
            super().__post_init__()
            self._positive("embedding", "classes")

    settings: Settings
    source = "Zhang et al., 2019; Brock et al., 2019; Karras et al., 2020"
    takes: Takes = "noise and classes"

    @property
    def choices(self) -> Choices:
        cell = tuple(tuple(range(size)) for size in GENES.values())
        return (*(cell * CELLS), tuple(range(ATTENTION)))

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        cells = (f"{gene} of cell {number}" for number, gene in product(range(1, CELLS + 1), GENES))
        return ((*cells, "attention"),)

    def encode(self, architecture: Architecture) -> str:
        digits = "".join(map(str, architecture))
        size = len(GENES)
        return "-".join([*(digits[size * cell : size * (cell + 1)] for cell in range(CELLS)), digits[-1]])

    def decode(self, code: str) -> Architecture:
        digits = code.replace("-", "").strip()
        if not digits.isdecimal() or len(digits) != len(GENES) * CELLS + 1:
            raise SpaceError(
                f"A {self.name} code has {CELLS} cells of {len(GENES)} digits and one more, such as 1301-1301-0110-2, "
                f"but '{code}' does not."
            )
        found = tuple(map(int, digits))
        for value, known, gene in zip(found, self.choices, self.token_names[0]):
            if value not in known:
                raise SpaceError(
                    f"'{code}' is no {self.name} architecture: the {gene} is 0 to {known[-1]}, but here {value}."
                )
        return found

    def canonical(self, architecture: Architecture) -> Any:
        """Styled blocks have no norm, whatever their gene says."""
        genes = list(architecture)
        for start in range(0, len(GENES) * CELLS, len(GENES)):
            if BLOCKS[genes[start]] == "styled":
                genes[start + 1] = 0
        return tuple(genes)

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        settings = self.settings
        attention = (architecture[-1],) if architecture[-1] else ()
        plan = Plan(
            tuple(plans(architecture)),
            attention,
            settings.width,
            settings.latent,
            settings.embedding,
            settings.classes,
            settings.resolution // 2**CELLS,
        )
        with torch.device("meta"):
            network = ConditionalGenerator(plan)
        return materialise(network, generator, lambda name: xavier_)

    @property
    def classes(self) -> int:
        return self.settings.classes

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        """Noise, and classes with equal chances as its condition."""
        noise = torch.randn(count, self.settings.latent, generator=generator)
        return Batch(noise, condition=torch.randint(self.settings.classes, (count,), generator=generator))


def plans(architecture: Architecture) -> Iterator[CellPlan]:
    """What the genes of each cell mean."""
    genes = iter(architecture)
    for _ in range(CELLS):
        block, norm, up, shortcut = (next(genes) for _ in GENES)
        yield CellPlan(BLOCKS[block], NORMS[norm], UPS[up], bool(shortcut))
