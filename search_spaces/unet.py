"""Denoising U-Nets: the configuration space that diffusion models are tuned in by hand, every choice a gene."""

from __future__ import annotations

import re

import torch
from torch import nn

from gpproxy.errors import SpaceError
from gpproxy.search_spaces.denoising import DenoisingSpace
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.product import Choices
from gpproxy.search_spaces.space import Architecture, search_space
from gpproxy.search_spaces.unet_network import ACTIVATIONS, DOWNS, EMBEDDINGS, JOINS, UPS, Plan, UNet

#: Genes in the order of the code, and what each may be; of the later ones, numbers of the names in `unet_network`.
GENES: dict[str, tuple[int, ...]] = {
    "base channels": (16, 24, 32),
    "multiplier of level 2": (1, 2),
    "multiplier of level 3": (1, 2, 3),
    "blocks of level 1": (1, 2),
    "blocks of level 2": (1, 2),
    "blocks of level 3": (1, 2),
    "attention of level 2": (0, 1),
    "attention of level 3": (0, 1),
    "embedding": tuple(range(len(EMBEDDINGS))),
    "join": tuple(range(len(JOINS))),
    "activation": tuple(range(len(ACTIVATIONS))),
    "down": tuple(range(len(DOWNS))),
    "up": tuple(range(len(UPS))),
}
CODE = re.compile(r"(\d+)-(\d)(\d)-(\d)(\d)(\d)-(\d)(\d)-(\d)(\d)(\d)(\d)(\d)")
DIVISIONS = (1, 2, 3, 2, 5)


@search_space("unet")
class UNetSpace(DenoisingSpace):
    """Denoising networks of three resolutions; 55,296 codes such as `24-12-121-01-10012`.

    A code reads base channels - multipliers of levels 2 and 3 - residual blocks per level - self-attention at levels 2
    and 3 (0 no, 1 yes) - embedding of the noise level (0 addition, 1 AdaGN), join of the ways down and up
    (0 concatenation, 1 addition), activation (0 SiLU, 1 ReLU), way down (0 average, 1 maximum, 2 convolution), way up
    (0 nearest, 1 bilinear, 2 nearest and convolution, 3 deconvolution). No two are known to be functionally identical.
    """

    source = "blocks of Ho et al., 2020, Song et al., 2021, and Dhariwal & Nichol, 2021"

    @property
    def choices(self) -> Choices:
        return tuple(GENES.values())

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        return (tuple(GENES),)

    def encode(self, architecture: Architecture) -> str:
        digits = iter(map(str, architecture))
        return "-".join("".join(next(digits) for _ in range(count)) for count in DIVISIONS)

    def decode(self, code: str) -> Architecture:
        match = CODE.fullmatch(code.strip())
        if match is None:
            raise SpaceError(
                f"A {self.name} code reads base channels - 2 multipliers - 3 numbers of blocks - 2 times attention - 5 "
                f"options, such as 24-12-121-01-10012, but '{code}' does not."
            )
        values = tuple(map(int, match.groups()))
        for value, (gene, known) in zip(values, GENES.items()):
            if value not in known:
                told = ", ".join(map(str, known))
                raise SpaceError(f"'{code}' is no {self.name} architecture: {gene} is one of {told}, but here {value}.")
        return values

    def describe(self, architecture: Architecture) -> dict[str, float]:
        """The default descriptors, and what a tuner by hand would look at first."""
        found = plan(architecture)
        own = {
            "base_channels": found.widths[0],
            "residual_blocks": sum(found.blocks),
            "attention_levels": sum(found.attention),
        }
        return {**super().describe(architecture), **{name: float(number) for name, number in own.items()}}

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        with torch.device("meta"):
            network = UNet(plan(architecture))
        return materialise(network, generator)


def plan(architecture: Architecture) -> Plan:
    """What the genes mean."""
    base, second, third, *rest = architecture
    blocks, attention, options = rest[:3], rest[3:5], rest[5:]
    embedding, join, activation, down, up = options
    return Plan(
        widths=(base, base * second, base * third),
        blocks=(blocks[0], blocks[1], blocks[2]),
        attention=(False, bool(attention[0]), bool(attention[1])),
        embedding=EMBEDDINGS[embedding],
        join=JOINS[join],
        activation=ACTIVATIONS[activation],
        down=DOWNS[down],
        up=UPS[up],
    )
