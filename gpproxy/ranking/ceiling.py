"""How well any proxy could do, given that training the same architecture twice gives two qualities.

In: repeated trainings, or functionally identical architectures that were trained separately. Out: test-retest
correlation and the correlation that a perfect, noise-free predictor would reach on the table.
Source: Spearman (1910) and Brown (1910) for the reliability of a mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gpproxy.ranking.correlation import kendall, spearman
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.seeds import numbered

if TYPE_CHECKING:
    from gpproxy.benchmarks.benchmark import Benchmark
    from gpproxy.search_spaces import SearchSpace

#: Fewest retrained architectures from which a reliability is worth saying.
FEWEST = 10


@dataclass(frozen=True)
class Ceiling:
    """What repeated trainings say about a table.

    Attributes:
        source: `repeats` (several trainings per architecture) or `duplicates` (identical architectures).
        n: architectures or classes with at least two trainings.
        noise: standard deviation of one training, in units of quality.
        retest_spearman, retest_kendall: correlation of one training with another, without ties by copied results.
        reliability: share of the variance of the ranks of the table's quality that is not noise.
        implied: sqrt(reliability), the largest Spearman of a noise-free predictor.
        spearman, kendall: the same by simulation on the table's own qualities.
    """

    source: str
    n: int
    noise: float
    retest_spearman: float
    retest_kendall: float
    reliability: float
    implied: float
    spearman: float
    kendall: float


def ceiling(benchmark: Benchmark, space: SearchSpace | None = None, draws: int = 200, seed: int = 0) -> Ceiling | None:
    """The ceiling of a table from its repeats, else from identical architectures; None where neither allows one."""
    groups, source = _repeats(benchmark), "repeats"
    if len(groups) < FEWEST and space is not None:
        groups, source = _duplicates(benchmark, space), "duplicates"
    if len(groups) < FEWEST:
        return None
    generator = numbered(seed)
    pairs = torch.stack([_pairs(group, draws, generator) for group in groups], dim=1)
    rho = spearman(pairs[..., 0], pairs[..., 1]).nanmean().item()
    tau = kendall(pairs[..., 0], pairs[..., 1]).nanmean().item()
    spread = sum(((group - group.mean()).square().sum() for group in groups), torch.zeros((), dtype=torch.float64))
    noise = math.sqrt(spread.item() / sum(len(group) - 1 for group in groups))
    trainings = benchmark.repeats.isfinite().sum(1).double().mean().item() if source == "repeats" else 1.0
    reliability = max(trainings * rho / (1 + (trainings - 1) * rho), 0.0)
    best = _simulate(benchmark.quality, noise / math.sqrt(trainings), draws, generator)
    return Ceiling(source, len(groups), noise, rho, tau, reliability, math.sqrt(reliability), *best)


def _repeats(benchmark: Benchmark) -> list[Tensor]:
    rows = [row[row.isfinite()] for row in benchmark.repeats]
    return [row for row in rows if len(row) > 1]


def _duplicates(benchmark: Benchmark, space: SearchSpace) -> list[Tensor]:
    """Distinct qualities per functional class: equal ones are one training that was copied."""
    members: dict[int, list[float]] = {}
    numbers = functional_classes(benchmark.architectures, space)
    for number, value in zip(numbers, benchmark.quality.tolist(), strict=True):
        members.setdefault(number, []).append(value)
    distinct = [sorted(set(values)) for values in members.values()]
    return [torch.tensor(values, dtype=torch.float64) for values in distinct if len(values) > 1]


def _pairs(group: Tensor, draws: int, generator: torch.Generator) -> Tensor:
    """Two different trainings of one architecture at random, `draw x 2`."""
    first = torch.randint(len(group), (draws,), generator=generator)
    second = (first + torch.randint(1, len(group), (draws,), generator=generator)) % len(group)
    return group[torch.stack([first, second], dim=1)]


def _simulate(quality: Tensor, noise: float, draws: int, generator: torch.Generator) -> Sequence[float]:
    """Spearman and Kendall of a true quality with itself plus noise.

    The observed qualities are drawn towards their mean until they have the variance of the true ones.
    """
    variance = quality.var().item()
    shrink = math.sqrt(max(1 - noise**2 / variance, 0.0)) if variance else 0.0
    truth = quality.mean() + shrink * (quality - quality.mean())
    noisy = truth + noise * torch.randn(draws, len(truth), generator=generator, dtype=torch.float64)
    return [measure(noisy, truth).nanmean().item() for measure in (spearman, kendall)]
