"""Settings of the evolution: its budgets, and what is rarely changed. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.run.settings import Settings, setting

#: What an evolution can go without, to tell what it is worth.
PARTS = ("crossover", "mutation", "islands", "simplification")
#: Ways to combine several benchmarks.
COMBINATIONS = ("worst", "lexicase")
#: Settings of a run that it may share with another and still end elsewhere.
BUDGETS = ("generations", "patience", "max_minutes")


@dataclass(frozen=True)
class Limits:
    """The largest formula allowed: `nodes` in all, `height` edges from the root to the deepest leaf."""

    nodes: int = 25
    height: int = 10


@dataclass(frozen=True)
class Evolution:
    """How far the evolution goes.

    Attributes:
        seed: seed of every random draw.
        population: individuals of the evolution; formulas, in all islands together.
        generations: generations after the first, random one.
        patience: generations without a better formula after which the run ends; 0 for never.
        max_minutes: time budget, looked at between generations; 0 for none. Such a run cannot be reproduced bit for
            bit, because where it stops depends on the machine.
        max_nodes: nodes of the largest formula.
    """

    seed: int = setting(0)
    population: int = setting(400)
    generations: int = setting(40, least=0, free=True)
    patience: int = setting(20, least=0, free=True)
    max_minutes: float = setting(0.0, least=0, free=True)
    max_nodes: int = setting(25, least=1)


@dataclass(frozen=True)
class AdvancedEvolution:
    """Rarely changed.

    Attributes:
        islands: populations that evolve apart.
        initial_factor: the first generation is this many times as large as the population, and of small formulas.
        max_height: edges from the root of the largest formula to its deepest leaf.
        elite: best formulas of an island that always survive.
        tournament: individuals that compete to be a parent.
        by_quality: share of the parents chosen by quality; the others by front and crowding.
        combine: how several benchmarks count. By 'lexicase' (La Cava et al., 2016) the parents chosen by quality, and
            half of the survivors, are those that lead on some order of the cases (each random half of each benchmark).
            By 'worst' a formula is worth what it is worth on the worst of them; what is kept and picked in the end
            always is. A single benchmark knows no difference.
        immigrants: share of an island's offspring that is random.
        migration: generations between two migrations; 0 for none.
        migrants: formulas that an island sends to the next.
        archive_width: formulas kept per complexity in the archive.
        without: part of the evolution to go without; crossover, mutation, islands or simplification.
    """

    islands: int = setting(4)
    initial_factor: int = setting(5, least=1)
    max_height: int = setting(10, least=0)
    elite: int = setting(8, least=0)
    tournament: int = setting(4, least=1)
    by_quality: float = setting(0.7, least=0, most=1)
    combine: Literal["worst", "lexicase"] = setting("lexicase", known=COMBINATIONS)
    immigrants: float = setting(0.05, least=0, most=1)
    migration: int = setting(5, least=0)
    migrants: int = setting(4, least=0)
    archive_width: int = setting(12, least=1)
    without: tuple[str, ...] = setting(())


@dataclass(frozen=True)
class EvolutionSettings(AdvancedEvolution, Evolution, Settings):
    """How formulas evolve. The same settings, problem and seed give the same archive, bit for bit."""

    RENAMED: ClassVar[Mapping[str, str]] = {"sweep": "initial_factor", "width": "archive_width"}

    def check(self) -> None:
        """Raises ConfigError where values do not go together."""
        for part in self.without:
            if part not in PARTS:
                hint = did_you_mean(part, PARTS)
                raise ConfigError(f"without={part} is no part of it.{hint} Known: {', '.join(PARTS)}.")
        if {"crossover", "mutation"} <= set(self.without):
            raise ConfigError("without=crossover and without=mutation leave no operator. Drop one of the two.")
        if not 1 <= self.islands <= self.population // 4:
            raise ConfigError(
                f"1 <= islands <= population / 4 must hold, but got islands={self.islands} and "
                f"population={self.population}."
            )

    @property
    def limits(self) -> Limits:
        """The largest formula allowed."""
        return Limits(self.max_nodes, self.max_height)

    def sizes(self) -> list[int]:
        """Formulas per island."""
        count = 1 if "islands" in self.without else self.islands
        return [self.population // count + (i < self.population % count) for i in range(count)]

    def identity(self) -> dict[str, Any]:
        """The settings that a continued run must share with the one it continues; the budgets may change."""
        kept = {name: value for name, value in dataclasses.asdict(self).items() if name not in BUDGETS}
        return {**kept, "without": ",".join(self.without)}
