"""Spaces whose code is a row of channel numbers, such as `32_24_16_24`: what goes in is a named set of choices.

Source: GAN Compression (Li et al., 2020) searches its generators this way.
"""

from __future__ import annotations

import copy
import itertools
import math
import random
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TypeVar

import torch
from gpproxy.search_spaces.describe import describe
from gpproxy.search_spaces.images import pink_noise
from gpproxy.search_spaces.space import Architecture, SearchSpace, Takes
from torch import Tensor

from gpproxy.errors import ConfigError, SpaceError, did_you_mean

#: The values that each position of a code may take.
Choices = tuple[tuple[int, ...], ...]

Space = TypeVar("Space", bound="ChannelSpace")


class ChannelSpace(SearchSpace):
    """Channel numbers out of a named set, one per position.

    A code belongs to the space when every number stands in the set, or when the whole code is a published one.

    Args:
        channels: name of the set of choices.
        resolution: side of the images in pixels; descriptors are of the published one.
    """

    takes: Takes = "images"
    #: name of a set -> choices per position
    SETS: Mapping[str, Choices] = {}
    #: published architectures, valid under every set
    PUBLISHED: tuple[Architecture, ...] = ()
    #: side in pixels at which parameters and MACs are published
    PUBLISHED_RESOLUTION = 256
    #: the resolution is a multiple of `GRID` and at least `SMALLEST`
    GRID, SMALLEST = 4, 32

    def __init__(self, channels: str, resolution: int):
        if channels not in self.SETS:
            hint = did_you_mean(channels, self.SETS)
            raise ConfigError(
                f"channels names a set of {self.name}, but is '{channels}'.{hint} Known: {', '.join(self.SETS)}."
            )
        if resolution < self.SMALLEST or resolution % self.GRID:
            raise ConfigError(
                f"resolution must be a multiple of {self.GRID} pixels from {self.SMALLEST} on, but is {resolution}."
            )
        self.channels, self.resolution = channels, resolution
        self._shapes_only = False

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._sample_shape()

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (3, *self.input_shape[1:])

    @property
    def choices(self) -> Choices:
        """The values of each position."""
        return self.SETS[self.channels]

    @abstractmethod
    def macs(self, architecture: Architecture, norms: bool = True) -> int:
        """Multiply-accumulates for one sample at the published resolution, as published (see `compression_macs`)."""

    def sample(self, rng: random.Random) -> Architecture:
        return tuple(rng.choice(values) for values in self.choices)

    def count(self) -> int:
        return math.prod(map(len, self.choices))

    def enumerate(self) -> Iterator[Architecture]:
        return itertools.product(*self.choices)

    def inside(self, architecture: Architecture) -> Architecture:
        """The nearest architecture of the set: itself, unless it is a published one from outside."""
        pairs = zip(architecture, self.choices, strict=True)
        return tuple(min(values, key=lambda value: (abs(value - number), value)) for number, values in pairs)

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        parent = self.inside(architecture)
        position = rng.choice([i for i, values in enumerate(self.choices) if len(values) > 1])
        number = rng.choice([value for value in self.choices[position] if value != parent[position]])
        return (*parent[:position], number, *parent[position + 1 :])

    def cross(self, first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
        return tuple(rng.choice(pair) for pair in zip(self.inside(first), self.inside(second), strict=True))

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
        if architecture in self.PUBLISHED:
            return architecture
        for position, (number, values) in enumerate(zip(architecture, self.choices, strict=True)):
            if number not in values:
                raise SpaceError(
                    f"'{code}' is no {self.name} architecture: channel number c{position} of the set {self.channels} "
                    f"is one of {', '.join(map(str, values))}, not {number}. Choose another number or another set "
                    f"({', '.join(self.SETS)})."
                )
        return architecture

    def inputs(self, count: int, generator: torch.Generator) -> Tensor:
        if self._shapes_only:
            return torch.empty(count, *self._sample_shape(), device="meta")
        return self._images(count, generator)

    def _sample_shape(self) -> tuple[int, ...]:
        return (3, self.resolution, self.resolution)

    def _images(self, count: int, generator: torch.Generator) -> Tensor:
        return pink_noise(count, self.resolution, generator)

    def describe(self, architecture: Architecture) -> dict[str, float]:
        described = describe(self._at_published_resolution(), architecture)
        return {**described, "macs": float(self.macs(architecture))}

    def _at_published_resolution(self: Space) -> Space:
        """This space at the resolution of its published numbers, with inputs that have a shape only."""
        published = copy.copy(self)
        published.resolution, published._shapes_only = self.PUBLISHED_RESOLUTION, True
        return published
