"""Scores of formulas on any number of architectures, read from the cache a few at a time to bound memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True, eq=False)
class PartScores:
    """What formulas and proxies say about some architectures of a benchmark.

    Attributes:
        part: the architectures and their quality.
        inits: `look x tree x architecture`, float64, the scores of each initialisation; NaN for dead architectures and
            where a formula has no finite value.
        proxy_inits: classical proxies and descriptors: name -> `initialisation x architecture`; a descriptor has one.
        dead: code -> reason.
        metrics: measures scores against the quality, dead architectures last.
        resamples: the draws of the metrics's bootstrap.
        twins: the functional classes.
    """

    part: Benchmark
    inits: Tensor
    proxy_inits: dict[str, Tensor]
    dead: dict[str, str]
    metrics: RankingMetrics
    resamples: Resamples
    twins: EquivalenceClasses

    @property
    def scores(self) -> Tensor:
        """`tree x architecture`: the mean over the initialisations."""
        return self.inits.mean(0)

    @cached_property
    def columns(self) -> dict[str, Tensor]:
        """Name -> `architecture`: classical proxies, the mean over the initialisations as of formulas; descriptors."""
        return {name: values.mean(0) for name, values in self.proxy_inits.items()}


def score_part(
    data: DiscoveryData, part: str, trees: Sequence[gp.PrimitiveTree], workers: int = 1, seed: int = 0
) -> PartScores:
    """Looks the architectures of a part up in the cache and applies the formulas to them.

    Args:
        part: its name; it was looked at with all that the formulas need.
        seed: of the bootstrap.
    """
    codes = getattr(data.parts, part)
    how = data.of({name for tree in trees for name in needs(tree)}, part)
    scores: list[Tensor] = []
    columns: dict[str, list[Tensor]] = {}
    dead: dict[str, str] = {}
    for start in range(0, len(codes), CHUNK):
        some = codes[start : start + CHUNK]
        every = [collect(data.space, some, one)[0] for one in data.hows(part, how)]
        scores.append(torch.stack([score_table(t.to(data.how.device), trees, workers) for t in every]))
        for name in every[0].columns:
            seen = every if name in PROXIES else every[:1]
            columns.setdefault(name, []).append(torch.stack([t.columns[name] for t in seen]))
        dead |= every[0].dead
    rows = data.benchmark.select(codes)
    classes = functional_classes(codes, data.space)
    metrics = RankingMetrics(rows, dead, classes, seed=seed)
    draws = Resamples(len(rows), SAMPLES, seed, classes)
    joined = {name: torch.cat(values, dim=1) for name, values in columns.items()}
    return PartScores(rows, torch.cat(scores, dim=2), joined, dead, metrics, draws, EquivalenceClasses(classes))
