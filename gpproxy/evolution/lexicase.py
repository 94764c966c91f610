"""Parents and survivors by single cases instead of one number: epsilon-lexicase selection.

In: individuals whose scores carry one number per case (a benchmark and a random half of it). Out: individuals that are
hard to beat on some order of the cases, so that what one benchmark needs is not lost while another is the worst.
Source: La Cava et al. (2016; 2019), the semi-dynamic variant: epsilon is the median absolute deviation over all
individuals, the best is that of those still in the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np

from gpproxy.evolution.individual import Individual


class Lexicase:
    """Draws from a fixed list of valid individuals. Whole numbers only, so equal runs draw alike everywhere."""

    def __init__(self, individuals: Sequence[Individual]):
        self.individuals = individuals
        #: `case x individual`, higher is better.
        self._cases = np.array([i.score.cases for i in individuals], dtype=np.int64).T.copy()
        middle = np.median(self._cases, axis=1, keepdims=True)
        self._epsilon = np.median(np.abs(self._cases - middle), axis=1)

    def draw(self, rng: Random) -> Individual:
        """One individual."""
        return self.individuals[self._place(rng, np.arange(len(self.individuals)))]

    def several(self, count: int, rng: Random) -> list[Individual]:
        """At most `count` different individuals, each drawn from those that are left, in the order of the list."""
        left = np.arange(len(self.individuals))
        chosen: list[int] = []
        while len(left) and len(chosen) < count:
            chosen.append(self._place(rng, left))
            left = left[left != chosen[-1]]
        return [self.individuals[i] for i in sorted(chosen)]

    def _place(self, rng: Random, pool: np.ndarray) -> int:
        order = list(range(len(self._cases)))
        rng.shuffle(order)
        for case in order:
            if len(pool) == 1:
                break
            values = self._cases[case, pool]
            pool = pool[values >= values.max() - self._epsilon[case]]
        return int(pool[rng.randrange(len(pool))])
