"""Settings of the evolution."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from gpproxy.errors import ConfigError, did_you_mean

#: Ways to combine several benchmarks.
COMBINATIONS = ("worst", "lexicase")


@dataclass(frozen=True)
class Limits:
    """The largest formula allowed: `nodes` in all, `height` edges from the root to the deepest leaf."""

    nodes: int = 25
    height: int = 10


@dataclass(frozen=True)
class EvolutionConfig:
    """How a search runs. The same settings, problem and seed give the same archive, bit for bit.

    Attributes:
        seed: of every random draw.
        population: formulas in all islands together.
        islands: populations that evolve apart.
        sweep: the first generation is this many times as large as the population, and of small formulas.
        generations: after the first, random one.
        max_nodes: largest formula.
        max_height: edges from the root to the deepest leaf.
        elite: best formulas of an island that always survive.
        tournament: formulas that compete to be a parent.
        by_quality: share of the parents chosen by quality; the others by front and crowding.
        combine: how several benchmarks count. By 'lexicase' (La Cava et al., 2016) the parents chosen by quality, and
            half of the survivors, are those that lead on some order of the cases (each random half of each benchmark).
            By 'worst' a formula is worth what it is worth on the worst of them; what is kept and picked in the end
            always is. A single benchmark knows no difference.
        immigrants: share of an island's offspring that is random.
        migration: generations between two migrations; 0 for none.
        migrants: formulas that an island sends to the next.
        patience: generations without a better formula after which the run ends; 0 for never.
        max_minutes: time budget, looked at between generations; 0 for none. Such a run cannot be reproduced bit for
            bit, because where it stops depends on the machine.
        width: formulas kept per complexity in the archive.
    """

    seed: int = 0
    population: int = 400
    islands: int = 4
    sweep: int = 5
    generations: int = 40
    max_nodes: int = 25
    max_height: int = 10
    elite: int = 8
    tournament: int = 4
    by_quality: float = 0.7
    combine: Literal["worst", "lexicase"] = "lexicase"
    immigrants: float = 0.05
    migration: int = 5
    migrants: int = 4
    patience: int = 20
    max_minutes: float = 0.0
    width: int = 12

    def __post_init__(self) -> None:
        if not 1 <= self.islands <= self.population // 4:
            raise ConfigError(
                f"1 <= islands <= population / 4 must hold, but got islands={self.islands} and "
                f"population={self.population}."
            )
        for name, least in (
            ("sweep", 1), ("generations", 0), ("max_nodes", 1), ("max_height", 0), ("elite", 0), ("tournament", 1),
            ("migration", 0), ("migrants", 0), ("patience", 0), ("max_minutes", 0), ("width", 1),
        ):  # fmt: skip
            if getattr(self, name) < least:
                raise ConfigError(f"{name} >= {least} must hold, but got {name}={getattr(self, name)}.")
        if self.combine not in COMBINATIONS:
            raise ConfigError(
                f"combine is {' or '.join(COMBINATIONS)}, but got combine={self.combine}."
                f"{did_you_mean(self.combine, COMBINATIONS)}"
            )
        for name in ("by_quality", "immigrants"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"0 <= {name} <= 1 must hold, but got {name}={getattr(self, name)}.")

    @property
    def limits(self) -> Limits:
        return Limits(self.max_nodes, self.max_height)

    def sizes(self) -> list[int]:
        """Formulas per island."""
        return [self.population // self.islands + (i < self.population % self.islands) for i in range(self.islands)]

    def identity(self) -> dict[str, object]:
        """The settings that a continued run must share with the one it continues; the budgets may change."""
        fixed = dataclasses.asdict(self)
        for name in ("generations", "patience", "max_minutes"):
            del fixed[name]
        return fixed
