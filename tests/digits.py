"""A space of three digits, so that tables can be tested without a real generator."""

import random
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from gpproxy.benchmarks.benchmark import Card
from gpproxy.errors import SpaceError
from gpproxy.search_spaces import SEARCH_SPACES, Batch, SearchSpace


class Digits(SearchSpace):
    """Codes `a-b-c` with digits below `base`; the order of the digits makes no functional difference."""

    name = "digits"

    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        base: int = 6

    settings: Settings

    def sample(self, rng):
        return tuple(rng.randrange(self.settings.base) for _ in range(3))

    def count(self):
        return self.settings.base**3

    def enumerate(self):
        yield from (
            (a, b, c)
            for a in range(self.settings.base)
            for b in range(self.settings.base)
            for c in range(self.settings.base)
        )

    def mutate(self, architecture, rng):
        return ((architecture[0] + 1) % self.settings.base, *architecture[1:])

    def cross(self, first, second, rng):
        return (first[0], *second[1:])

    def encode(self, architecture):
        return "-".join(map(str, architecture))

    def decode(self, code):
        parts = code.split("-")
        if len(parts) != 3 or not all(p.isdigit() and int(p) < self.settings.base for p in parts):
            raise SpaceError(
                f"A code is three digits below {self.settings.base} joined by '-', but this one is '{code}'."
            )
        return tuple(map(int, parts))

    def build(self, architecture, generator):
        return nn.Identity()

    def batch(self, count, generator):
        return Batch(torch.zeros(count, 1))

    def loss(self, outputs, batch):
        return outputs.mean()

    def canonical(self, architecture):
        return tuple(sorted(architecture))


@pytest.fixture
def space(monkeypatch):
    monkeypatch.setitem(SEARCH_SPACES._items, "digits", Digits)
    return Digits()


@pytest.fixture
def card():
    return Card(space="digits", metric="fid", direction="lower")


@pytest.fixture
def codes(space):
    """All 216 codes in a shuffled order."""
    codes = [space.encode(a) for a in space.enumerate()]
    random.Random(3).shuffle(codes)
    return codes
