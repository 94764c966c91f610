"""One formula of a population, with its fitness."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

from deap import gp

#: Steps of a case between 0 and 1: finer than one exchanged pair of 100 architectures.
STEPS = 10_000


@dataclass(frozen=True)
class Score:
    """What evaluation found out about a structure; shared by every tree of that structure.

    Attributes:
        quality: the objective, higher is better, -1 where invalid; the worst of the benchmarks.
        kendall: tau-b on the training architectures, per benchmark.
        spearman: rho on the training architectures, per benchmark.
        within: mean rho inside the groups, per benchmark; 0 without groups.
        spread: width of the middle half of the scores of the live architectures of the first benchmark, their standard
            deviation where that is 0; 0 where invalid.
        signature: hash of the rankings, empty where invalid.
        reason: why it is invalid, or None.
        cases: what it is worth on every case of every benchmark, in steps of 1 / `STEPS`; empty unless asked for.
    """

    quality: float
    kendall: tuple[float, ...]
    spearman: tuple[float, ...]
    within: tuple[float, ...]
    spread: float
    signature: str
    reason: str | None
    cases: tuple[int, ...] = ()

    def to_json(self) -> list[object]:
        """As a list of plain values."""
        data = [self.quality, self.kendall, self.spearman, self.within, self.spread, self.signature, self.reason]
        return [*data, self.cases] if self.cases else data

    @cached_property
    def text(self) -> str:
        """As JSON. It is kept: every saved state has every score again."""
        return json.dumps(self.to_json(), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, data: list) -> Score:
        """Inverse of `to_json`."""
        quality, kendall, spearman, within, spread, signature, reason, *cases = data
        found = tuple(cases[0]) if cases else ()
        return cls(quality, tuple(kendall), tuple(spearman), tuple(within), spread, signature, reason, found)


@dataclass(frozen=True, eq=False)
class Individual:
    """A tree with its structure, price and fitness. The tree is never changed after this is made.

    Attributes:
        tree: the formula.
        key: structural hash; equal for equal formulas.
        complexity: nodes.
        cost: price of evaluating it, lower is better; infinite where invalid.
        score: its fitness.
        origin: the operator that made it.
    """

    tree: gp.PrimitiveTree
    key: str
    complexity: int
    cost: float
    score: Score
    origin: str

    @property
    def quality(self) -> float:
        return self.score.quality

    @property
    def valid(self) -> bool:
        return self.score.reason is None

    @property
    def order(self) -> tuple[float, int, float, str]:
        """Sort key from best to worst: quality, then simplicity, then price, then a fixed tie-break."""
        return (-self.score.quality, self.complexity, self.cost, self.key)
