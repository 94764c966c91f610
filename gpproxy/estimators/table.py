"""The estimator `table:NAME`: measured quality, looked up. For tests and for searches that cost nothing.

In: a table of measured architectures. Out: its quality, higher is better. A search keeps to the rows of the table.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.benchmarks.benchmark import Benchmark
from gpproxy.benchmarks.registry import load
from gpproxy.errors import ConfigError
from gpproxy.estimators.estimator import Estimator, Pairs, Tell, one_by_one
from gpproxy.estimators.registry import ESTIMATORS, Request
from gpproxy.proxies.scored import Scored, Value, failed
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size
from gpproxy.search_spaces import Batch, SearchSpace
from gpproxy.search_spaces.space import Architecture

#: Mutations of the whole space that are tried before the nearest row is taken.
TRIES = 20


@dataclass(frozen=True)
class TableEstimator(Estimator):
    """Qualities of a table: of distances the negative logarithm, as `Benchmark.quality` has it."""

    space: str
    settings: Pairs
    table: str
    name: str = "table"

    def within(self, space: SearchSpace) -> SearchSpace:
        known = [space.decode(code) for code in _qualities(self.table)]
        return space if len(known) == space.count() else Rows(space, known)

    def open(self, tell: Tell) -> None:
        table = _table(self.table)
        if table.space != self.space:
            raise ConfigError(f"The table {self.table} is of {table.space}, but the search is in {self.space}.")

    def score(self, codes: Sequence[str], sizes: Mapping[str, Size]) -> tuple[list[Scored], Work]:
        qualities = _qualities(self.table)

        def value(code: str, work: Work) -> Value:
            return Value(qualities[code]) if code in qualities else failed("not in the table")

        return one_by_one(self.space, self.settings, codes, sizes, value)


@ESTIMATORS.register("table")
def table_estimator(request: Request) -> Estimator:
    """`table:NAME` or `table:FILE.csv`."""
    if not request.argument:
        raise ConfigError("Give the table: table:autogan-cifar10, or table:FILE.csv with a card beside it.")
    return TableEstimator(request.space.name, request.settings, request.argument, request.text)


@lru_cache(maxsize=2)
def _table(name: str) -> Benchmark:
    return load(name)


@lru_cache(maxsize=2)
def _qualities(name: str) -> dict[str, float]:
    table = _table(name)
    return dict(zip(table.architectures, table.quality.tolist()))


class Rows(SearchSpace):
    """The architectures of a space that are in a table, with the neighbours that they have among themselves.

    Args:
        whole: the space.
        known: its architectures.
    """

    def __init__(self, whole: SearchSpace, known: Sequence[Architecture]):
        self.whole, self.known, self._among = whole, list(known), set(known)
        self.settings, self.name, self.source = whole.settings, whole.name, whole.source
        self.published = whole.published

    def sample(self, rng: random.Random) -> Architecture:
        return rng.choice(self.known)

    def count(self) -> int:
        return len(self.known)

    def enumerate(self) -> Iterator[Architecture]:
        return iter(self.known)

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        child = architecture
        for _ in range(TRIES):
            child = self.whole.mutate(architecture, rng)
            if child in self._among:
                return child
        return self.nearest(child, architecture)

    def cross(self, first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
        return self.nearest(self.whole.cross(first, second, rng))

    def nearest(self, architecture: Architecture, other: Architecture | None = None) -> Architecture:
        """The row with the fewest numbers that differ, the first of equals; not `other`, where there is another."""
        if architecture in self._among and architecture != other:
            return architecture

        def distance(row: Architecture) -> int:
            return abs(len(row) - len(architecture)) + sum(a != b for a, b in zip(row, architecture))

        rows = [row for row in self.known if row != other] or self.known
        return min(rows, key=distance)

    def encode(self, architecture: Architecture) -> str:
        return self.whole.encode(architecture)

    def decode(self, code: str) -> Architecture:
        return self.whole.decode(code)

    def canonical(self, architecture: Architecture) -> Any:
        return architecture  # two rows of one function were measured apart

    def dead(self, architecture: Architecture) -> str:
        return self.whole.dead(architecture)

    @property
    def tokens(self) -> tuple[tuple[int, ...], ...]:
        return self.whole.tokens

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        return self.whole.token_names

    def to_tokens(self, architecture: Architecture) -> tuple[int, ...]:
        return self.whole.to_tokens(architecture)

    def from_tokens(self, tokens: Sequence[int]) -> Architecture:
        """The row that is nearest to what the tokens mean."""
        return self.nearest(self.whole.from_tokens(tokens))

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        return self.whole.build(architecture, generator)

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        return self.whole.batch(count, generator)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return self.whole.loss(outputs, batch)

    def describe(self, architecture: Architecture) -> dict[str, float]:
        return self.whole.describe(architecture)
