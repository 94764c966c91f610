"""BASS (Sarmiento-Rosales et al., 2024): super-resolution networks of three branches with three operations each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces.bass_network import IDENTITY, OPERATIONS, Step, SuperResolution
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.images import pink_noise
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.losses import l1
from gpproxy.search_spaces.product import Choices, ProductSpace
from gpproxy.search_spaces.space import Architecture, Takes, search_space

CHANNELS = (16, 32, 48, 64)
KERNELS = (1, 3, 5, 7)
REPEATS = (1, 2, 3, 4)
#: Operations of a branch, of which there are as many.
DEPTH = 3
#: The published spelling: 28 numbers of 0 to 7, of which channels, kernels and repeats count modulo 4.
NUMBERS = 1 + 3 * DEPTH * DEPTH


@search_space("sr-bass")
class BASS(ProductSpace):
    """Networks that double the side of an image; 4 x 128^9 codes such as `32-310713403-700623412-213700502`.

    A code reads channels - three branches of three operations, each with three digits: operation (0 convolution,
    1 to 3 the same with dilation 2 to 4, 4 depthwise and pointwise, 5 inverted bottleneck, 6 transposed convolution,
    7 identity), kernel (0 to 3 for 1, 3, 5, 7) and repeats less one. The published spelling, 28 numbers between commas
    such as `1,7,4,3,...`, is read too.
    """

    @dataclass(frozen=True)
    class Settings(ProductSpace.Settings):
        """Attributes:
        resolution: side of the images that come out in pixels, an even number (published: 64 while training).
        """

        resolution: int = 64

        def __post_init__(self) -> None:
            if self.resolution < 16 or self.resolution % 2:
                raise ConfigError(f"resolution must be an even number of pixels from 16 on, but is {self.resolution}.")

    settings: Settings
    source = "Sarmiento-Rosales et al., 2024"
    takes: Takes = "small images"

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (3, self.settings.resolution, self.settings.resolution)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (3, self.settings.resolution // 2, self.settings.resolution // 2)

    @property
    def choices(self) -> Choices:
        operation = (tuple(range(len(OPERATIONS))), tuple(range(len(KERNELS))), tuple(range(len(REPEATS))))
        return (CHANNELS, *(operation * DEPTH * DEPTH))

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        places = [(branch, number) for branch in range(1, DEPTH + 1) for number in range(1, DEPTH + 1)]
        genes = ("operation", "kernel", "repeats")
        return (("channels", *(f"{gene} {number} of branch {branch}" for branch, number in places for gene in genes)),)

    def encode(self, architecture: Architecture) -> str:
        digits = "".join(map(str, architecture[1:]))
        size = 3 * DEPTH
        return "-".join(
            [str(architecture[0]), *(digits[size * branch : size * (branch + 1)] for branch in range(DEPTH))]
        )

    def decode(self, code: str) -> Architecture:
        text = "".join(code.split())
        if re.fullmatch(r"\[?\d+(,\d+)+\]?", text):
            architecture = self._published([int(number) for number in text.strip("[]").split(",")], code)
        elif match := re.fullmatch(r"(\d+)" + r"-(\d{9})" * DEPTH, text):
            architecture = (int(match[1]), *(int(digit) for branch in match.groups()[1:] for digit in branch))
        else:
            raise SpaceError(
                f"A {self.name} code reads channels - 3 x 9 digits, such as 32-310713403-700623412-213700502, or has "
                f"{NUMBERS} numbers between commas, but '{code}' does not."
            )
        for value, known, name in zip(architecture, self.choices, self.token_names[0]):
            if value not in known:
                told = ", ".join(map(str, known))
                raise SpaceError(f"'{code}' is no {self.name} architecture: {name} is one of {told}, but here {value}.")
        return architecture

    def _published(self, numbers: list[int], code: str) -> Architecture:
        if len(numbers) != NUMBERS or max(numbers) > 7:
            raise SpaceError(
                f"The published spelling of a {self.name} code has {NUMBERS} numbers of 0 to 7, but '{code}' has "
                f"{len(numbers)}, up to {max(numbers)}."
            )
        first, *rest = numbers
        return (CHANNELS[first % 4], *(number if place % 3 == 0 else number % 4 for place, number in enumerate(rest)))

    def canonical(self, architecture: Architecture) -> Any:
        """Channels and the branches in any order, each as the single operations that it applies one after the other.

        Identities do nothing; a kernel of 1 is the same with every dilation; a transposed convolution of stride 1 is a
        convolution with the kernel turned round.
        """
        plain = [tuple(map(_plain, steps)) for steps in branches(architecture)]
        return architecture[0], tuple(sorted(plain))

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        with torch.device("meta"):
            network = SuperResolution(architecture[0], branches(architecture))
        return materialise(network, generator)

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        """Images in [0, 1], as they were trained on: halves, and the whole ones as targets."""
        images = (pink_noise(count, self.settings.resolution, generator) + 1) / 2
        return Batch(halved(images), images)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Mean absolute difference from the large images."""
        return l1(outputs, batch.answers)


def halved(images: Tensor) -> Tensor:
    """Images in [0, 1] at half the side, by an antialiased bicubic filter, clamped to the range."""
    return F.interpolate(images, scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def branches(architecture: Architecture) -> list[list[Step]]:
    """The steps of each branch, repeats written out, without identities."""
    digits = iter(architecture[1:])
    found = []
    for _ in range(DEPTH):
        triples = [(next(digits), next(digits), next(digits)) for _ in range(DEPTH)]
        found.append([(o, KERNELS[k]) for o, k, r in triples if o != IDENTITY for _ in range(REPEATS[r])])
    return found


def _plain(step: Step) -> Step:
    number, kernel = step
    if OPERATIONS[number] == "transposed convolution" or (kernel == 1 and OPERATIONS[number].startswith("convolution")):
        return 0, kernel
    return step
