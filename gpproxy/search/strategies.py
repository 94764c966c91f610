"""Which architectures to look at next: random, exhaustive, evolution. What is proposed depends on the seed alone.

A strategy proposes one architecture at a time and is told of the candidates in the order in which they were taken up,
whatever the number of workers; `room` says how far the proposals may run ahead of what was told.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from gpproxy.proxies.scored import Scored
from gpproxy.search.order import combined
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import python_random


class Strategy(ABC):
    """Proposes architectures of a space.

    Attributes:
        feedback: whether proposals depend on what was told.
    """

    feedback = False

    def __init__(self, space: SearchSpace, seed: int):
        self.space = space
        self.rng = python_random("search", seed)

    @abstractmethod
    def propose(self) -> Architecture | None:
        """The next architecture, which may be too large or have been proposed before; None when there is none left."""

    def tell(self, candidate: Scored) -> None:  # noqa: B027  most strategies learn nothing
        """A candidate in the order of the proposals."""

    def refused(self, architecture: Architecture) -> None:  # noqa: B027
        """A proposal that a limit on size has excluded."""

    def room(self, taken: int, told: int) -> int:
        """How many further proposals may be taken up after `taken` of them, when `told` have been told."""
        return 1 << 30


class Random(Strategy):
    """Uniform draws."""

    def propose(self) -> Architecture | None:
        return self.space.sample(self.rng)


class Exhaustive(Strategy):
    """Every architecture, in the order of the space."""

    def __init__(self, space: SearchSpace, seed: int):
        super().__init__(space, seed)
        self._left: Iterator[Architecture] = space.enumerate()

    def propose(self) -> Architecture | None:
        return next(self._left, None)


class Evolution(Strategy):
    """Regularised evolution: the best of a random few has a child, the oldest dies (Real et al., 2019).

    A share of the children has two parents and is crossed first; every child is mutated. Proposals run ahead by at most
    a population, so that workers need not wait.

    Args:
        population: architectures that are alive; the first ones are random.
        tournament: how many compete to be a parent.
        crossover: share of children with two parents.
    """

    feedback = True

    def __init__(
        self, space: SearchSpace, seed: int, population: int = 64, tournament: int = 16, crossover: float = 0.5
    ):
        super().__init__(space, seed)
        self.population, self.tournament, self.crossover = population, tournament, crossover
        self._alive: deque[Scored] = deque(maxlen=population)

    def room(self, taken: int, told: int) -> int:
        if taken < self.population:
            return self.population - taken
        return self.population - (taken - told)

    def propose(self) -> Architecture | None:
        if len(self._alive) < min(2, self.population):
            return self.space.sample(self.rng)
        parent = self._parent()
        if self.rng.random() < self.crossover:
            parent = self.space.cross(parent, self._parent(), self.rng)
        return self.space.mutate(parent, self.rng)

    def tell(self, candidate: Scored) -> None:
        self._alive.append(candidate)

    def _parent(self) -> Architecture:
        drawn = self.rng.sample(range(len(self._alive)), min(self.tournament, len(self._alive)))
        winner = best_of([self._alive[i] for i in drawn])
        return self.space.decode(winner.code)


def best_of(candidates: Sequence[Scored]) -> Scored:
    """The first with the highest score, several proxies by the mean of their ranks among these candidates."""
    value = combined(np.array([candidate.scores for candidate in candidates]).T)
    return candidates[int(np.argmax(np.where(np.isnan(value), -np.inf, value)))]
