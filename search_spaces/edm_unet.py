"""DDPM++ and ADM (Song et al., 2021; Dhariwal & Nichol, 2021): the published U-Nets of diffusion and more like them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.denoising import DenoisingSpace
from gpproxy.search_spaces.edm_unet_network import FAMILIES, EDMUNet, Plan
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.product import Choices
from gpproxy.search_spaces.space import Architecture, search_space

#: What is chosen from. Published networks may be larger.
NAMES = tuple(FAMILIES)
BASES = (16, 32, 64)
MULTIPLIERS = ((1, 2), (2, 2), (1, 2, 2), (2, 2, 2), (1, 2, 2, 2), (1, 2, 3, 4))
BLOCKS = (1, 2)
ATTENTION = ((), (8,), (16,), (16, 8), (32, 16, 8))
#: An architecture has numbers of entries for the first, the third and the last gene, and else the values themselves.
GENES = ("family", "base channels", "multipliers", "blocks", "attention")
CODE = re.compile(r"([a-z+]+)-(\d+)-(\d+)-(\d+)-(\d+(?:\.\d+)*)")
PUBLISHED: Mapping[str, Architecture] = MappingProxyType(
    {"cifar10": (0, 128, 3, 4, 2), "imagenet64": (1, 192, 5, 3, 4)}
)


@search_space("edm-unet")
class EDMUNetSpace(DenoisingSpace):
    """Denoising networks of the two published families; 360 codes such as `ddpm++-32-122-1-8`.

    A code reads family (ddpm++, adm) - base channels - multiplier of each level - residual blocks per level - sides of
    the maps that have attention, `0` for none and dots in between. The published networks, `ddpm++-128-222-4-16` for
    CIFAR-10 (32 px, augment=9) and `adm-192-1234-3-32.16.8` for ImageNet-64 (64 px, classes=1000), are read too.
    """

    @dataclass(frozen=True)
    class Settings(DenoisingSpace.Settings):
        """Attributes:
        resolution: side of the images in pixels, a multiple of 8.
        classes: classes that a network is told; 0 for none (published: 1000 for ImageNet-64).
        augment: numbers by which it is told of an augmentation; 0 for none (published: 9 for CIFAR-10).
        """

        classes: int = 0
        augment: int = 0

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.resolution % 8:
                raise ConfigError(f"resolution must be a multiple of 8 pixels, but is {self.resolution}.")
            for name, value in (("classes", self.classes), ("augment", self.augment)):
                if value < 0:
                    raise ConfigError(f"{name} must be at least 0, but is {value}.")

    settings: Settings
    source = "Song et al., 2021; Dhariwal & Nichol, 2021"
    published = PUBLISHED

    @property
    def choices(self) -> Choices:
        families, levels, sides = (tuple(range(len(known))) for known in (NAMES, MULTIPLIERS, ATTENTION))
        return (families, BASES, levels, BLOCKS, sides)

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        return (GENES,)

    def encode(self, architecture: Architecture) -> str:
        family, base, multipliers, blocks, attention = architecture
        sides = ".".join(map(str, ATTENTION[attention])) or "0"
        levels = "".join(map(str, MULTIPLIERS[multipliers]))
        return f"{NAMES[family]}-{base}-{levels}-{blocks}-{sides}"

    def decode(self, code: str) -> Architecture:
        match = CODE.fullmatch(code.strip())
        if match is None:
            raise SpaceError(
                f"A {self.name} code reads family - base channels - multipliers - blocks - sides with attention, such "
                f"as ddpm++-128-222-4-16, but '{code}' does not."
            )
        family, base, levels, blocks, sides = match.groups()
        given = (family, int(base), tuple(map(int, levels)), int(blocks), _sides(sides))
        whole = {self.encode(architecture): architecture for architecture in PUBLISHED.values()}
        if code.strip() in whole:
            return whole[code.strip()]
        found = []
        for gene, value, known, kept in zip(GENES, given, (NAMES, BASES, MULTIPLIERS, BLOCKS, ATTENTION), self.choices):
            if value not in known:  # type: ignore[operator]
                told = ", ".join(map(_told, known))
                raise SpaceError(
                    f"'{code}' is no {self.name} architecture: {gene} is one of {told}, but here {_told(value)}."
                )
            found.append(kept[known.index(value)])  # type: ignore[arg-type]
        return tuple(found)

    def canonical(self, architecture: Architecture) -> Any:
        """Attention at sides that no map has is idle."""
        sides = {self.settings.resolution >> level for level in range(len(MULTIPLIERS[architecture[2]]))}
        return (*architecture[:4], tuple(side for side in ATTENTION[architecture[4]] if side in sides))

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        family, base, multipliers, blocks, attention = architecture
        settings, levels, sides = self.settings, MULTIPLIERS[multipliers], ATTENTION[attention]
        plan = Plan(NAMES[family], base, levels, blocks, sides, settings.resolution, settings.classes, settings.augment)
        with torch.device("meta"):
            network = EDMUNet(plan)
        return materialise(network, generator, lambda name: _xavier_ if NAMES[family] == "ddpm++" else _he_)

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        """As of every denoising space; classes are drawn with equal chances, and nothing is augmented."""
        found = super().batch(count, generator)
        if not self.settings.classes:
            return found
        labels = torch.randint(self.settings.classes, (count,), generator=generator)
        assert isinstance(found.condition, Tensor)
        one_hot = torch.eye(self.settings.classes)[labels]
        return Batch(found.inputs, found.targets, condition=(found.condition, one_hot))


def _sides(text: str) -> tuple[int, ...]:
    return () if text == "0" else tuple(map(int, text.split(".")))


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ".".join(map(str, value)) or "0"
    return str(value)


def _xavier_(module: Any, generator: torch.Generator) -> None:
    nn.init.xavier_uniform_(module.weight, generator=generator)
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def _he_(module: Any, generator: torch.Generator) -> None:
    nn.init.kaiming_uniform_(module.weight, a=2**0.5, generator=generator)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
