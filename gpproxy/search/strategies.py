"""Which architectures to look at next: random, exhaustive, evolution. What is proposed depends on the seed alone.

A strategy proposes one architecture at a time and is told of the candidates in the order in which they were taken up,
whatever the number of workers; `room` says how far the proposals may run ahead of what was told. It can be taken down
as plain values, from which another one goes on; one that cannot is run again from the start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from itertools import islice
from typing import Any

import numpy as np

from gpproxy.proxies.scored import Scored
from gpproxy.run.reading import typed
from gpproxy.search.order import combined
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import python_random


class Strategy(ABC):
    """Proposes architectures of a space.

    Attributes:
        feedback: whether proposals depend on what was told.
        recall: the first score of an architecture that was told, -inf of one that a limit excluded, None of any other;
            a search sets it.
    """

    feedback = False

    def __init__(self, space: SearchSpace, seed: int):
        self.space = space
        self.rng = python_random("search", seed)
        self.recall: Callable[[Architecture], float | None] = _nothing_told

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

    @property
    def living(self) -> list[Scored]:
        """The population that has the next children, of a strategy that has one."""
        return []

    def renew(self, living: Sequence[Scored]) -> None:  # noqa: B027
        """Takes other scores for those that live, in their order: those of weights that have learnt on."""

    def state(self) -> dict[str, Any] | None:
        """Everything that the next proposal depends on, as plain values; None where that is too much."""
        version, numbers, gauss = self.rng.getstate()
        return {"rng": [version, list(numbers), gauss]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from the state of a strategy of equal arguments. Raises what damaged values raise."""
        version, numbers, gauss = state["rng"]
        self.rng.setstate((version, tuple(numbers), gauss))


class Random(Strategy):
    """Uniform draws."""

    def propose(self) -> Architecture | None:
        return self.space.sample(self.rng)


class Exhaustive(Strategy):
    """Every architecture, in the order of the space."""

    def __init__(self, space: SearchSpace, seed: int):
        super().__init__(space, seed)
        self._left: Iterator[Architecture] = space.enumerate()
        self._taken = 0

    def propose(self) -> Architecture | None:
        self._taken += 1
        return next(self._left, None)

    def state(self) -> dict[str, Any]:
        return {"taken": self._taken}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._taken = int(state["taken"])
        self._left = islice(self.space.enumerate(), self._taken, None)


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

    @property
    def living(self) -> list[Scored]:
        return list(self._alive)

    def renew(self, living: Sequence[Scored]) -> None:
        self._alive = deque(living, maxlen=self.population)

    def state(self) -> dict[str, Any] | None:
        return {**(super().state() or {}), "alive": plain(self._alive)}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._alive.extend(candidates(state["alive"]))

    def _parent(self) -> Architecture:
        drawn = self.rng.sample(range(len(self._alive)), min(self.tournament, len(self._alive)))
        winner = best_of([self._alive[i] for i in drawn])
        return self.space.decode(winner.code)


def best_of(candidates: Sequence[Scored]) -> Scored:
    """The first with the highest score, several proxies by the mean of their ranks among these candidates."""
    value = combined(np.array([candidate.scores for candidate in candidates]).T)
    return candidates[int(np.argmax(np.where(np.isnan(value), -np.inf, value)))]


def plain(many: Iterable[Scored]) -> list[list[Any]]:
    """Candidates as plain values."""
    return [list(astuple(one)) for one in many]


def candidates(rows: Iterable[Sequence[Any]]) -> list[Scored]:
    """The candidates that `plain` was given. Raises what damaged values raise."""
    found = []
    for row in rows:
        values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
        found.append(typed(Scored(*values)))
    return found


def _nothing_told(architecture: Architecture) -> float | None:
    return None
