"""Spaces of independent choices: an architecture has one of a few values at each of its positions."""

from __future__ import annotations

import itertools
import math
import random
from abc import abstractmethod
from collections.abc import Iterator, Sequence

from gpproxy.errors import SpaceError
from gpproxy.search_spaces.space import Architecture, SearchSpace

#: The values that each position of an architecture may take.
Choices = tuple[tuple[int, ...], ...]


class ProductSpace(SearchSpace):
    """What follows from `choices` alone: drawing, listing, variation, and the tokens, one per position."""

    @property
    @abstractmethod
    def choices(self) -> Choices:
        """The values of each position."""

    def sample(self, rng: random.Random) -> Architecture:
        return tuple(rng.choice(values) for values in self.choices)

    def count(self) -> int:
        return math.prod(map(len, self.choices))

    def enumerate(self) -> Iterator[Architecture]:
        return itertools.product(*self.choices)

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        position = rng.choice([i for i, values in enumerate(self.choices) if len(values) > 1])
        value = rng.choice([value for value in self.choices[position] if value != architecture[position]])
        return (*architecture[:position], value, *architecture[position + 1 :])

    def cross(self, first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
        return tuple(rng.choice(pair) for pair in zip(first, second, strict=True))

    @property
    def tokens(self) -> tuple[tuple[int, ...], ...]:
        return (tuple(map(len, self.choices)),)

    def to_tokens(self, architecture: Architecture) -> tuple[int, ...]:
        if len(architecture) == len(self.choices):
            pairs = list(zip(architecture, self.choices))
            if all(value in values for value, values in pairs):
                return tuple(values.index(value) for value, values in pairs)
        raise SpaceError(f"No tokens make the architecture {self.encode(architecture)} of {self.name}.")

    def from_tokens(self, tokens: Sequence[int]) -> Architecture:
        pairs = zip(self.choices, self.checked_tokens(tokens))
        return tuple(values[token] for values, token in pairs)
