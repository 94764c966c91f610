"""Spaces whose code is a row of channel numbers, such as `32_24_16_24`: what goes in is a named set of choices.

Source: GAN Compression (Li et al., 2020) searches its generators this way.
"""

from __future__ import annotations

import random
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import torch
from torch import Tensor

from gpproxy.errors import ConfigError, SpaceError, did_you_mean
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.describe import describe
from gpproxy.search_spaces.images import pink_noise
from gpproxy.search_spaces.product import Choices, ProductSpace
from gpproxy.search_spaces.space import Architecture, Takes

Space = TypeVar("Space", bound="ChannelSpace")


class ChannelSpace(ProductSpace):
    """Channel numbers out of a named set, one per position.

    A code belongs to the space when every number stands in the set, or when the whole code is a published one. There
    is one token per number.
    """

    @dataclass(frozen=True)
    class Settings(ProductSpace.Settings):
        """Attributes:
        channels: name of the set of choices.
        resolution: side of the images in pixels; descriptors are of the published one.
        """

        channels: str = ""
        resolution: int = 64

        #: the resolution is a multiple of `GRID` and at least `SMALLEST`
        GRID: ClassVar[int] = 4
        SMALLEST: ClassVar[int] = 32

        def __post_init__(self) -> None:
            if self.resolution < self.SMALLEST or self.resolution % self.GRID:
                raise ConfigError(
                    f"resolution must be a multiple of {self.GRID} pixels from {self.SMALLEST} on, but is "
                    f"{self.resolution}."
                )

    settings: Settings
    takes: Takes = "images"
    #: name of a set -> choices per position
    SETS: Mapping[str, Choices] = {}
    #: side in pixels at which parameters and MACs are published; published architectures are valid under every set
    PUBLISHED_RESOLUTION = 256

    def __init__(self, settings: Settings | None = None, **fields: object) -> None:
        super().__init__(settings, **fields)
        if (channels := self.settings.channels) not in self.SETS:
            hint = did_you_mean(channels, self.SETS)
            raise ConfigError(
                f"channels names a set of {self.name}, but is '{channels}'.{hint} Known: {', '.join(self.SETS)}."
            )

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (3, self.settings.resolution, self.settings.resolution)

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (3, *self.input_shape[1:])

    @property
    def described_shape(self) -> tuple[int, ...]:
        return (3, *self.published_input_shape[1:])

    @property
    def published_input_shape(self) -> tuple[int, ...]:
        """Shape of the inputs that descriptors are of."""
        return (3, self.PUBLISHED_RESOLUTION, self.PUBLISHED_RESOLUTION)

    @property
    def choices(self) -> Choices:
        return self.SETS[self.settings.channels]

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        return (tuple(f"c{position}" for position in range(len(self.choices))),)

    @abstractmethod
    def macs(self, architecture: Architecture, norms: bool = True) -> int:
        """Multiply-accumulates for one sample at the published resolution, as published (see `compression_macs`)."""

    def inside(self, architecture: Architecture) -> Architecture:
        """The nearest architecture of the set: itself, unless it is a published one from outside."""
        pairs = zip(architecture, self.choices, strict=True)
        return tuple(min(values, key=lambda value: (abs(value - number), value)) for number, values in pairs)

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        return super().mutate(self.inside(architecture), rng)

    def cross(self, first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
        return super().cross(self.inside(first), self.inside(second), rng)

    def encode(self, architecture: Architecture) -> str:
        return "_".join(map(str, architecture))

    def decode(self, code: str) -> Architecture:
        return self._checked(self._numbers(code, code.strip(), len(self.choices)), code)

    def _numbers(self, code: str, text: str, *lengths: int) -> Architecture:
        """The channel numbers in `text`. Raises SpaceError naming `code`."""
        parts = text.split("_")
        if len(parts) not in lengths or not all(re.fullmatch("[1-9][0-9]{0,3}", part) for part in parts):
            example = self.encode(tuple(values[0] for values in self.choices))
            raise SpaceError(
                f"A {self.name} code is {' or '.join(map(str, lengths))} channel numbers joined by '_', "
                f"such as {example}, but this is '{code}'."
            )
        return tuple(map(int, parts))

    def _checked(self, architecture: Architecture, code: str) -> Architecture:
        if architecture in self.published.values():
            return architecture
        for position, (number, values) in enumerate(zip(architecture, self.choices, strict=True)):
            if number not in values:
                raise SpaceError(
                    f"'{code}' is no {self.name} architecture: channel number c{position} of the "
                    f"set {self.settings.channels} is one of {', '.join(map(str, values))}, not {number}. "
                    f"Choose another number or another set ({', '.join(self.SETS)})."
                )
        return architecture

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        return Batch(self._images(count, generator))

    def _images(self, count: int, generator: torch.Generator) -> Tensor:
        return pink_noise(count, self.settings.resolution, generator)

    def describe(self, architecture: Architecture) -> dict[str, float]:
        network = self.at_published_resolution().build(architecture, None)
        return {**describe(network, self.published_batch()), "macs": float(self.macs(architecture))}

    def at_published_resolution(self: Space) -> Space:
        """This space at the resolution of its published numbers."""
        return type(self)(replace(self.settings, resolution=self.PUBLISHED_RESOLUTION))

    def published_batch(self) -> Batch:
        """Two inputs at the published resolution, of which there is the shape only: batch norm refuses a single one."""
        return Batch(torch.empty(2, *self.published_input_shape, device="meta"))
