"""Very deep variational autoencoders (Child, 2021): how many stochastic blocks stand at each resolution, how wide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.images import pink_noise
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.mixture import CHANNELS, mixture_surprise
from gpproxy.search_spaces.product import Choices, ProductSpace
from gpproxy.search_spaces.space import Architecture, Takes, search_space
from gpproxy.search_spaces.vdvae_network import VDVAE, Plan, rule

#: Sides of maps; those up to the resolution are used.
SIDES = (1, 4, 8, 16, 32, 64)
WIDTHS, LATENTS = (16, 32, 64), (4, 8, 16)
#: A block is as many times narrower inside.
DIVISORS = (2, 4)
CODE = re.compile(r"(\d+)-(\d+)-(\d+)_([\dxm.]+)(?:_([\dxd.]+))?")
#: Width, latent channels, divisor, blocks of the decoder, blocks of the encoder: at 32 px (Child, 2021, CIFAR-10).
CIFAR10 = (384, 16, 4, 1, 2, 5, 10, 21, 3, 3, 6, 6, 11)


@search_space("vdvae")
class VDVAESpace(ProductSpace):
    """Variational autoencoders of many stochastic blocks; 2,160 codes such as `32-8-4_1x1.4m1.4x1.8m4.8x1.16m8.16x1`.

    A code reads channels - latent channels of a block - how many times narrower a block is inside - blocks of the
    decoder as published: `8m4` begins the side of 8 px from the map of 4 px, `8x2` are two more blocks there. Points
    may be commas, as published. The encoder, which may follow behind another `_`, has a block at every side, and one
    more that leads to the next: `16x1.16d2.8x1.8d2.4x1.4d4.1x1`. The published network for CIFAR-10 (32 px) has others.
    """

    @dataclass(frozen=True)
    class Settings(ProductSpace.Settings):
        """Attributes:
        resolution: side of the images in pixels: 8, 16, 32 or 64.
        """

        resolution: int = 16

        def __post_init__(self) -> None:
            if self.resolution not in SIDES[2:]:
                known = ", ".join(map(str, SIDES[2:]))
                raise ConfigError(f"resolution is one of {known} pixels, but is {self.resolution}.")

    settings: Settings
    source = "Child, 2021"
    takes: Takes = "images and noise"

    @property
    def published(self) -> Mapping[str, Architecture]:  # type: ignore[override]
        return MappingProxyType({"cifar10": CIFAR10} if self.settings.resolution == 32 else {})

    @property
    def sides(self) -> tuple[int, ...]:
        """Of the maps, the coarsest first."""
        return tuple(side for side in SIDES if side <= self.settings.resolution)

    @property
    def choices(self) -> Choices:
        first, *others = range(len(self.sides))
        blocks = ((1, 2), *(tuple(range(level + 2)) for level in others))
        return (WIDTHS, LATENTS, DIVISORS, *blocks, *[(1,)] * len(self.sides))

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        names = [f"blocks of the {part} at {side} px" for part in ("decoder", "encoder") for side in self.sides]
        return (("channels", "latent channels", "divisor", *names),)

    def encode(self, architecture: Architecture) -> str:
        width, latent, divisor, *blocks = architecture
        up, down = blocks[: len(self.sides)], blocks[len(self.sides) :]
        parts = ["-".join(map(str, (width, latent, divisor))), ".".join(_way_up(self.sides, up))]
        if any(count != 1 for count in down):
            parts.append(".".join(_way_down(self.sides, down)))
        return "_".join(parts)

    def decode(self, code: str) -> Architecture:
        text = "".join(code.split()).replace(",", ".")
        match = CODE.fullmatch(text)
        if match is None:
            raise SpaceError(
                f"A {self.name} code reads channels - latent channels - divisor _ blocks of the decoder, such as "
                f"32-8-4_{'.'.join(_way_up(self.sides, self._ones))}, but '{code}' does not."
            )
        *numbers, up, down = match.groups()
        found = (*map(int, numbers), *self._counts(up, code), *(self._counts(down, code) if down else self._ones))
        if text.rstrip(".") != self.encode(found) and not (down and text == f"{self.encode(found)}_{self._plain}"):
            raise SpaceError(
                f"'{code}' is no {self.name} architecture at {self.settings.resolution} px: its blocks stand in "
                f"another order than {'.'.join(_way_up(self.sides, self._ones))} for the decoder and {self._plain} "
                "for the encoder, of which every side begins or ends once."
            )
        for value, known, name in zip(found, self.choices, self.token_names[0]):
            if value not in known and found not in self.published.values():
                told = ", ".join(map(str, known))
                raise SpaceError(f"'{code}' is no {self.name} architecture: {name} is one of {told}, but here {value}.")
        return found

    @property
    def _ones(self) -> tuple[int, ...]:
        return (1,) * len(self.sides)

    @property
    def _plain(self) -> str:
        """The encoder of the architectures that are searched."""
        return ".".join(_way_down(self.sides, self._ones))

    def _counts(self, blocks: str, code: str) -> tuple[int, ...]:
        """Blocks at each side that neither begin nor end it."""
        counts = dict.fromkeys(self.sides, 0)
        for part in blocks.split("."):
            repeated = re.fullmatch(r"(\d+)x(\d+)", part)
            if repeated is None:
                continue
            side, count = map(int, repeated.groups())
            if side not in counts:
                told = ", ".join(map(str, self.sides))
                raise SpaceError(f"'{code}' has blocks at {side} px, but maps of {self.name} have sides of {told} px.")
            counts[side] += count
        return tuple(counts.values())

    def plan(self, architecture: Architecture) -> Plan:
        """What the genes mean."""
        width, latent, divisor, *blocks = architecture
        count = len(self.sides)
        return Plan(self.sides, tuple(blocks[:count]), tuple(blocks[count:]), width, latent, width // divisor)

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        plan = self.plan(architecture)
        with torch.device("meta"):
            network = VDVAE(plan)
        return materialise(network, generator, rule(plan))

    @property
    def input_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (3, self.settings.resolution, self.settings.resolution)

    @property
    def image_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Of what is put out: the mixtures, and the divergence."""
        return (CHANNELS + 1, self.settings.resolution, self.settings.resolution)

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        """Images, and noise that is enough for the largest architecture of the space."""
        images = pink_noise(count, self.settings.resolution, generator)
        most = [max(values) for values in self.choices]
        blocks = zip(self.sides, most[3:], (0, *[1] * (len(self.sides) - 1)))
        size = max(LATENTS) * sum(side**2 * (more + begun) for side, more, begun in blocks)
        return Batch(images, images, condition=torch.randn(count, size, generator=generator))

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The negative evidence lower bound, in nats per dimension."""
        surprise = mixture_surprise(batch.answers, outputs[:, :CHANNELS])
        return (surprise + outputs[:, CHANNELS]).mean() / 3


def _way_up(sides: tuple[int, ...], counts: list[int] | tuple[int, ...]) -> list[str]:
    """The blocks of a decoder as published."""
    parts = []
    for before, side, count in zip((0, *sides), sides, counts):
        parts += [f"{side}m{before}"] if before else []
        parts += [f"{side}x{count}"] if count else []
    return parts


def _way_down(sides: tuple[int, ...], counts: list[int] | tuple[int, ...]) -> list[str]:
    """The blocks of an encoder as published."""
    parts = []
    for side, following, count in zip(sides[::-1], (*sides[-2::-1], 0), list(counts)[::-1]):
        parts += [f"{side}x{count}"] if count else []
        parts += [f"{side}d{side // following}"] if following else []
    return parts
