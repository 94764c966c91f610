"""Score against cost at once: the strategy of NSGA-II (Deb et al., 2002)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpproxy.proxies.scored import Scored
from gpproxy.ranking.pareto import crowding, front_numbers
from gpproxy.search.order import combined
from gpproxy.search.strategies import Strategy, candidates, plain
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture


class NSGA2(Strategy):
    """Generations of as many children as parents; the best fronts survive, the last one by crowding.

    Args:
        population: parents.
        crossover: share of children with two parents; every child is mutated.
        objective: the cost that goes down while the score goes up: `macs`, `params` or `latency`.
        apart: whether each of several scores is an objective of its own; otherwise the mean of their ranks is one.
    """

    feedback = True

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        population: int = 64,
        crossover: float = 0.5,
        objective: str = "macs",
        apart: bool = False,
    ):
        super().__init__(space, seed)
        self.population, self.crossover, self.objective, self.apart = population, crossover, objective, apart
        self._parents: list[Scored] = []
        self._children: list[Scored] = []
        self._front = np.zeros(0, dtype=int)
        self._crowding = np.zeros(0)

    def room(self, taken: int, told: int) -> int:
        return (told // self.population + 1) * self.population - taken

    def propose(self) -> Architecture | None:
        if not self._parents:
            return self.space.sample(self.rng)
        parent = self._parent()
        if self.rng.random() < self.crossover:
            parent = self.space.cross(parent, self._parent(), self.rng)
        return self.space.mutate(parent, self.rng)

    def tell(self, candidate: Scored) -> None:
        self._children.append(candidate)
        if len(self._children) == self.population:
            self._survive()

    @property
    def living(self) -> list[Scored]:
        return list(self._parents)

    def renew(self, living: Sequence[Scored]) -> None:
        self._parents = list(living)

    def state(self) -> dict[str, Any] | None:
        own = {"parents": plain(self._parents), "children": plain(self._children)}
        return {**(super().state() or {}), **own, "front": self._front.tolist(), "crowding": self._crowding.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._parents, self._children = candidates(state["parents"]), candidates(state["children"])
        self._front = np.array(state["front"], dtype=int)
        self._crowding = np.array(state["crowding"], dtype=float)
        if not len(self._parents) == len(self._front) == len(self._crowding):
            raise ValueError("it has other numbers of parents and of their fronts")

    def _survive(self) -> None:
        pool = self._parents + self._children
        points = objectives(pool, self.objective, self.apart)
        fronts, lonely = front_numbers(points), np.zeros(len(pool))
        for number in range(int(fronts.max()) + 1):
            members = np.flatnonzero(fronts == number)
            lonely[members] = crowding(points[members], flat_ends=True)
        kept = np.lexsort((np.arange(len(pool)), -lonely, fronts))[: self.population]
        self._parents, self._children = [pool[i] for i in kept], []
        self._front, self._crowding = fronts[kept], lonely[kept]

    def _parent(self) -> Architecture:
        """The winner of two: the lower front, then the emptier surroundings, then the first."""
        first, second = self.rng.randrange(len(self._parents)), self.rng.randrange(len(self._parents))
        ahead = (self._front[second], -self._crowding[second]) < (self._front[first], -self._crowding[first])
        return self.space.decode(self._parents[second if ahead else first].code)


def objectives(pool: Sequence[Scored], objective: str, apart: bool = False) -> np.ndarray:
    """`candidate x objective`, all to be lowered: minus the score, or each of them `apart`, and the cost. What has no
    finite value is infinite."""
    scores = np.array([candidate.scores for candidate in pool]).T
    values = scores if apart else combined(scores)[None]
    cost = np.array([candidate.cost(objective) for candidate in pool])
    points = np.stack([*-values, cost], axis=1)
    points[~np.isfinite(values).all(axis=0)] = np.inf  # a dead network is no bargain, however cheap it is
    return np.where(np.isnan(points), np.inf, points)
