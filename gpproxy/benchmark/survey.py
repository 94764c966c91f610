"""What there is to know about a table before anything is evolved on it: range, noise, ceiling, simple baselines.

In: a Benchmark and its space. Out: a Survey, plain numbers. Classical proxies come from the cache of statistics, where
missing ones are computed; the descriptors are read off the structures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gpproxy.benchmark.compute import EqualCompute, equal_compute
from gpproxy.benchmarks.benchmark import Benchmark
from gpproxy.proxies.baselines import named_scores
from gpproxy.ranking.ceiling import Ceiling, ceiling
from gpproxy.ranking.correlation import spearman
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.ranking.metrics import RankingMetrics, Row
from gpproxy.ranking.retest import Retest, retest
from gpproxy.search_spaces import SearchSpace
from gpproxy.seeds import python_random
from gpproxy.statistics.collect import collect
from gpproxy.statistics.collection import Collection

#: Architectures that baselines are judged on: of a larger table, so many that are drawn from it.
MOST = 1000
#: Called with (architectures done, architectures in all).
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Survey:
    """The facts about a table.

    Attributes:
        benchmark: the table.
        classes: number of functional classes among its architectures.
        metric: worst, median and best value of the metric over the architectures without a collapsed training.
        retest: agreement of repeated trainings; None where there are too few.
        ceiling: the same by simulation, or from identical architectures; None where neither allows one.
        judged: architectures that the baselines are judged on, `MOST` at most, drawn from all.
        baselines: name -> kind and the measures of `RankingMetrics.measure`, the strongest first.
        measured: name -> Spearman of a measured column with the quality, higher is closer; NaN where undefined.
        compute: what the ranking owes to equal steps; None where the checks do not tell.
        dead: code -> why a network has no meaningful scores.
        failed: code -> why a generator could not be looked at.
    """

    benchmark: Benchmark
    classes: int
    metric: tuple[float, float, float]
    retest: Retest | None
    ceiling: Ceiling | None
    judged: int
    baselines: dict[str, Row]
    measured: dict[str, float]
    compute: EqualCompute | None = None
    dead: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


def survey(
    benchmark: Benchmark,
    space: SearchSpace,
    proxies: tuple[str, ...] = (),
    *,
    init_seed: int = 0,
    device: str = "cpu",
    workers: int = 1,
    on_progress: Progress = lambda done, total: None,
) -> Survey:
    """The Survey of a table. Of one with more than `MOST` architectures, as many are described and scored.

    Args:
        proxies: names of the classical proxies to compute; empty computes none.
        init_seed: seed of the untrained weights and inputs that they see.
    """
    some = _drawn(benchmark)
    columns, dead = describe(some, space)
    compute = equal_compute(some, space, columns["macs"], dead) if "macs" in columns else None
    failed: Mapping[str, str] = {}
    if proxies:
        how = Collection(seed=init_seed, statistics=(), proxies=proxies, device=device, describe=False)
        table, failed = collect(space, some.architectures, how, workers=workers, on_progress=on_progress)
        place = {code: i for i, code in enumerate(table.architectures)}
        for name, column in table.columns.items():
            found = [float(column[place[c]]) if c in place else math.nan for c in some.architectures]
            columns[name] = torch.tensor(found, dtype=torch.float64)
        dead = {**dead, **table.dead}
    metrics = RankingMetrics(some, dead, functional_classes(some.architectures, space))
    rows = {
        name: {"kind": kind, **metrics.measure(score)}
        for name, (kind, score) in named_scores(columns, some.columns).items()
    }
    ordered = sorted(rows, key=lambda name: -abs(rows[name]["spearman"] or 0.0))
    classes = functional_classes(benchmark.architectures, space)
    whole = ~benchmark.collapsed.any(1)
    kept = benchmark.quality[whole] if whole.any() else benchmark.quality
    metric = benchmark.card.in_units(kept.sort().values)
    return Survey(
        benchmark=benchmark,
        classes=len(set(classes)),
        metric=(float(metric[0]), float(metric.quantile(0.5)), float(metric[-1])),
        retest=retest(benchmark.repeats, classes),
        ceiling=ceiling(benchmark, space),
        judged=len(some),
        baselines={name: rows[name] for name in ordered},
        measured={name: _agreement(column, benchmark) for name, column in benchmark.measured.items()},
        compute=compute,
        dead=dead,
        failed=failed,
    )


def _drawn(benchmark: Benchmark) -> Benchmark:
    """The table, or as much of it as baselines are judged on."""
    if len(benchmark) <= MOST:
        return benchmark
    return benchmark.select(python_random("survey", 0).sample(benchmark.architectures, MOST))


def describe(benchmark: Benchmark, space: SearchSpace) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Descriptors by name, and the architectures that are dead by their structure alone with the reason."""
    found: dict[str, Tensor] = {}
    dead = {}
    for i, code in enumerate(benchmark.architectures):
        architecture = space.decode(code)
        if reason := space.dead(architecture):
            dead[code] = reason
        for name, value in space.describe(architecture).items():
            column = found.setdefault(name, torch.full((len(benchmark),), math.nan, dtype=torch.float64))
            column[i] = value
    return found, dead


def _agreement(column: Tensor, benchmark: Benchmark) -> float:
    """Spearman of a column with the quality over the architectures that have a value."""
    kept = column.isfinite()
    return float(spearman(column[kept], benchmark.quality[kept])) if int(kept.sum()) > 2 else math.nan
