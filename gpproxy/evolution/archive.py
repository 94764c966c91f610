"""The best formulas of a run: a few per complexity, each ranking the architectures differently."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gpproxy.evolution.individual import Individual
from gpproxy.evolution.selection import distinct, point
from gpproxy.ranking.pareto import undominated


class Archive:
    """The `width` best formulas of each complexity; of those that rank alike only the simplest.

    Formulas that rank backwards or are invalid are left out. The order is fixed: by complexity, then best first.
    """

    def __init__(self, width: int = 4, members: Iterable[Individual] = ()):
        self.width = width
        self._members: tuple[Individual, ...] = ()
        self.add(members)

    def __len__(self) -> int:
        return len(self._members)

    @property
    def members(self) -> tuple[Individual, ...]:
        """All of them, by complexity, then best first."""
        return self._members

    def add(self, individuals: Iterable[Individual]) -> bool:
        """Takes in what belongs here; whether the best quality rose."""
        before = self.best.quality if self._members else 0.0
        counts: dict[int, int] = {}
        kept = []
        for individual in distinct([*self._members, *individuals]):
            place = counts.get(individual.complexity, 0)
            if individual.quality > 0 and place < self.width:
                counts[individual.complexity] = place + 1
                kept.append(individual)
        self._members = tuple(sorted(kept, key=lambda i: (i.complexity, *i.order)))
        return bool(self._members) and self.best.quality > before

    @property
    def best(self) -> Individual:
        """The member of highest quality. ValueError when there is none."""
        return min(self._members, key=lambda i: i.order)

    def front(self) -> tuple[Individual, ...]:
        """The members that no other beats in quality, complexity and cost at once, by complexity."""
        return front(self._members)


def front(individuals: Sequence[Individual]) -> tuple[Individual, ...]:
    """The undominated individuals in quality, complexity and cost, in the order given."""
    kept = undominated([point(i) for i in individuals])
    return tuple(individual for individual, stays in zip(individuals, kept) if stays)
