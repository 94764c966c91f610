"""What is searched: one grammar, and one or several benchmarks on which a formula has to rank well."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from deap import gp
from torch import Tensor

from gpproxy.errors import ConfigError
from gpproxy.evolution.individual import STEPS, Score
from gpproxy.evolution.target import WORST, Fitness, Target
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.primitives.primitive import PRIMITIVES


@dataclass(frozen=True, eq=False)
class Case:
    """One benchmark, training architectures only.

    Attributes:
        name: of the benchmark.
        evaluator: over the statistics of these architectures, in the order of the target; either all or the live ones.
        target: their measured quality.
    """

    name: str
    evaluator: Evaluator
    target: Target

    def scores(self, trees: Sequence[gp.PrimitiveTree]) -> tuple[Tensor, tuple[str | None, ...]]:
        """Scores `tree x architecture`, NaN for dead architectures that have no statistics, and reasons per tree."""
        found = self.evaluator.scores(trees)
        values = found.values.to(self.target.quality.device)
        dead, n = self.target.dead, len(self.target.quality)
        if values.shape[1] != n:
            if dead is None or values.shape[1] != n - int(dead.sum()):
                raise ConfigError(
                    f"The benchmark '{self.name}' has {n} architectures with quality, but statistics of "
                    f"{values.shape[1]}. Select the same architectures from both."
                )
            full = values.new_full((len(values), n), torch.nan)
            full[:, ~dead] = values
            values = full
        return values, tuple(found.reasons)


@dataclass(frozen=True, eq=False)
class Problem:
    """The benchmarks of a run and the grammar that they share.

    Attributes:
        cases: at least one; a formula counts what it is worth on the worst of them.
        grammar: over statistics that every benchmark has.
        prices: statistic name -> price of collecting it, for the cost objective (`expressions.structure.cost`).
    """

    cases: tuple[Case, ...]
    grammar: Grammar
    prices: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.cases:
            raise ConfigError("A problem needs at least one benchmark.")

    def scores(self, trees: Sequence[gp.PrimitiveTree]) -> list[tuple[Tensor, tuple[str | None, ...]]]:
        """Scores and reasons of the trees on each benchmark."""
        return [case.scores(trees) for case in self.cases]

    def judge(self, scores: Sequence[tuple[Tensor, Sequence[str | None]]], cases: bool = False) -> list[Score]:
        """The fitness of each tree over all benchmarks: the quality of the worst, invalid where one is invalid.

        With `cases` a score also tells what the tree is worth on every single case.
        """
        found = [case.target.fitness(values, reasons) for case, (values, reasons) in zip(self.cases, scores)]
        spread = _spread(scores[0][0], self.cases[0].target.dead)
        single = [(f.cases * STEPS).round().int().tolist() for f in found] if cases else []
        return [
            self._score(found, i, spread[i], tuple(step for rows in single for step in rows[i]))
            for i in range(len(spread))
        ]

    def _score(self, found: Sequence[Fitness], i: int, spread: float, cases: tuple[int, ...]) -> Score:
        reason = next((f.reasons[i] for f in found if f.reasons[i] is not None), None)
        if reason is not None:
            worst = (WORST,) * len(found)
            return Score(WORST, worst, worst, worst, 0.0, "", reason)
        return Score(
            min(f.quality[i].item() for f in found),
            tuple(f.kendall[i].item() for f in found),
            tuple(f.spearman[i].item() for f in found),
            tuple(f.within[i].item() for f in found),
            spread,
            "".join(f.signatures[i] for f in found),
            None,
            cases,
        )

    def fingerprint(self) -> str:
        """A hash of the benchmarks, the statistics and the grammar: a saved state belongs to exactly this problem."""
        digest = hashlib.blake2b(digest_size=16)
        for case in self.cases:
            digest.update(f"{case.name}|{case.target.fingerprint()}|{case.evaluator.table.digest}|".encode())
        files = {inspect.getfile(primitive.function) for primitive in PRIMITIVES.values()}
        digest.update(b"".join(Path(file).read_bytes() for file in sorted(files)))
        digest.update("|".join(self.grammar.statistics).encode())
        digest.update("|".join(self.grammar.operation_names).encode())
        digest.update(repr(sorted(self.prices.items())).encode())
        return digest.hexdigest()


def _spread(values: Tensor, dead: Tensor | None) -> list[float]:
    """Width of the middle half of the scores of each tree, or their deviation where that is 0; 0 if not finite."""
    live = values if dead is None else values[:, ~dead]
    live = torch.nan_to_num(live, nan=0.0, posinf=0.0, neginf=0.0)
    quartiles = torch.quantile(live, torch.tensor([0.25, 0.75], dtype=live.dtype, device=live.device), dim=1)
    middle = quartiles[1] - quartiles[0]
    width = torch.where(middle > 0, middle, live.std(dim=1))
    return torch.where(torch.isfinite(width), width, 0.0).tolist()
