"""Scores of formulas on any number of architectures, read from the cache a few at a time to bound memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from deap import gp
from torch import Tensor

from gpproxy.benchmarks.benchmark import Benchmark
from gpproxy.evolve.discovery import DiscoveryData
from gpproxy.expressions.structure import needs
from gpproxy.proxies.cached import CHUNK
from gpproxy.proxies.values import score_table
from gpproxy.ranking.bootstrap import SAMPLES, Resamples
from gpproxy.ranking.equivalence import EquivalenceClasses, functional_classes
from gpproxy.ranking.metrics import RankingMetrics
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import collect
from gpproxy.statistics.table import StatisticsTable


@dataclass(frozen=True, eq=False)
class PartScores:
    """What formulas and proxies say about some architectures of a benchmark.

    Attributes:
        part: the architectures and their quality.
        inits: `look x tree x architecture`, float64, the scores of each initialisation; NaN for dead architectures and
            where a formula has no finite value.
        columns: classical proxies, the mean over the initialisations as of the formulas, and descriptors: name ->
            `architecture`.
        dead: code -> reason.
        metrics: measures scores against the quality, dead architectures last.
        resamples: the draws of the metrics's bootstrap.
        twins: the functional classes.
    """

    part: Benchmark
    inits: Tensor
    columns: dict[str, Tensor]
    dead: dict[str, str]
    metrics: RankingMetrics
    resamples: Resamples
    twins: EquivalenceClasses

    @property
    def scores(self) -> Tensor:
        """`tree x architecture`: the mean over the initialisations."""
        return self.inits.mean(0)


def score_part(
    data: DiscoveryData, codes: Sequence[str], trees: Sequence[gp.PrimitiveTree], workers: int = 1, seed: int = 0
) -> PartScores:
    """Looks the architectures up in the cache and applies the formulas to them; `seed` is that of the bootstrap."""
    scores: list[Tensor] = []
    tables: list[StatisticsTable] = []
    used = {name for tree in trees for name in needs(tree)}
    for start in range(0, len(codes), CHUNK):
        some = codes[start : start + CHUNK]
        every = [collect(data.space, some, how, only=sorted(used))[0] for how in data.hows_of(codes)]
        scores.append(torch.stack([score_table(t.to(data.how.device), trees, workers) for t in every]))
        first = every[0]
        columns = {
            name: torch.stack([t.columns[name] for t in every]).mean(0) if name in PROXIES else column
            for name, column in first.columns.items()
        }
        tables.append(StatisticsTable(first.architectures, {}, {}, first.depth, first.dead, columns))
    part = data.benchmark.select(codes)
    dead = {code: reason for table in tables for code, reason in table.dead.items()}
    classes = functional_classes(codes, data.space)
    columns = {name: torch.cat([table.columns[name] for table in tables]) for name in tables[0].columns}
    metrics = RankingMetrics(part, dead, classes, seed=seed)
    draws = Resamples(len(part), SAMPLES, seed, classes)
    return PartScores(part, torch.cat(scores, dim=2), columns, dead, metrics, draws, EquivalenceClasses(classes))
