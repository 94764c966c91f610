"""What the engine tells the world after each generation."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpproxy.evolution.individual import Individual
from gpproxy.evolution.state import EvolutionState


@dataclass(frozen=True)
class PopulationSummary:
    """The survivors of a generation in numbers.

    Attributes:
        size: formulas in all islands.
        distinct: different rankings among them.
        quality: median quality.
        best: best quality per island.
        complexity: mean nodes.
        cost: median cost.
    """

    size: int
    distinct: int
    quality: float
    best: tuple[float, ...]
    complexity: float
    cost: float

    @classmethod
    def of(cls, islands: Sequence[Sequence[Individual]]) -> PopulationSummary:
        """The summary of the islands; worst values where all are empty."""
        every = [i for island in islands for i in island]
        if not every:
            return cls(0, 0, -1.0, tuple(-1.0 for _ in islands), 0.0, 0.0)
        return cls(
            len(every),
            len({i.score.signature for i in every}),
            statistics.median(i.quality for i in every),
            tuple(max((i.quality for i in island), default=-1.0) for island in islands),
            statistics.fmean(i.complexity for i in every),
            statistics.median(i.cost for i in every),
        )


@dataclass(frozen=True, eq=False)
class Generation:
    """One finished generation.

    Attributes:
        index: 0 is the first, random one.
        best: the best formula so far, None while none is valid and ranks forwards.
        archive: the best formulas per complexity so far.
        front: those of them that no other beats in quality, complexity and cost.
        evaluations: formulas proposed so far, repeats included.
        evaluated: distinct formulas judged so far.
        invalid: reason -> distinct formulas without a fitness so far.
        improved: whether the best quality rose.
        seconds: run time so far.
        generation_seconds: run time of this one.
        population: summary of the survivors.
        operators: probability of each operator in the next generation; empty in a random search.
        finished: why the run ends here ("generations", "patience", "time"; in a random search "rankings" or
            "exhausted"), else None.
        state: to continue from here; None in a random search.
        rankings: different rankings of the training architectures among them.
    """

    index: int
    best: Individual | None
    archive: tuple[Individual, ...]
    front: tuple[Individual, ...]
    evaluations: int
    evaluated: int
    invalid: Mapping[str, int]
    improved: bool
    seconds: float
    generation_seconds: float
    population: PopulationSummary
    operators: Mapping[str, float]
    finished: str | None
    state: EvolutionState | None
    rankings: int = 0
