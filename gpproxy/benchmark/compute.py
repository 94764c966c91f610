"""What a ranking owes to equal steps: the same trainings at equal compute, read off between their checks.

In: a Benchmark whose columns have its metric at several checks, and the multiply-accumulates (MACs) of its
architectures. Out: an EqualCompute. As many steps for all give a large network more compute than a small one, and a
ranking by size may tell that alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gpproxy.benchmarks.benchmark import Benchmark
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.ranking.metrics import RankingMetrics, Row
from gpproxy.search_spaces import SearchSpace

#: Architectures whose checks lie on both sides of the budget, from which on anything is told.
FEWEST = 20


@dataclass(frozen=True)
class EqualCompute:
    """A table at equal compute, on the architectures whose checks lie on both sides of it.

    Attributes:
        count: these architectures.
        agreement: how the ranking at equal compute ranks the one at equal steps (`RankingMetrics.measure`).
        macs_by_steps: how MACs rank the quality at equal steps.
        macs_by_compute: how they rank the quality at equal compute.
    """

    count: int
    agreement: Row
    macs_by_steps: Row
    macs_by_compute: Row


def equal_compute(
    benchmark: Benchmark, space: SearchSpace, macs: Tensor, dead: Mapping[str, str]
) -> EqualCompute | None:
    """The EqualCompute of a table; None where it has less than two checks, or too few architectures within them.

    The budget is that of the median network at the geometric mean of the first and the last check. Between two checks
    the quality is linear in the logarithm of the step.

    Args:
        macs: of every architecture, `architecture`, above 0.
    """
    shares, curve = curves(benchmark)
    if len(shares) < 2:
        return None
    budget = float(macs.quantile(0.5)) * math.sqrt(shares[0] * shares[-1])
    quality = between(shares, curve, budget / macs)
    kept = quality.isfinite().nonzero().flatten()
    if len(kept) < FEWEST:
        return None
    some = benchmark.select([benchmark.architectures[i] for i in kept])
    classes = functional_classes(some.architectures, space)
    by_steps = RankingMetrics(some, dead, classes)
    by_compute = RankingMetrics(replace(some, quality=quality[kept]), dead, classes)
    return EqualCompute(
        len(some), by_steps.measure(quality[kept]), by_steps.measure(macs[kept]), by_compute.measure(macs[kept])
    )


def curves(benchmark: Benchmark) -> tuple[list[float], Tensor]:
    """Shares of the steps at which a table has its metric, ascending, and the quality there, `architecture x check`."""
    found: dict[float, Tensor] = {}
    for name, column in benchmark.measured.items():
        if match := re.fullmatch(rf"{re.escape(benchmark.card.metric)}@(\d+)%", name):
            found[int(match[1]) / 100] = benchmark.card.oriented(column)
    shares = sorted(found)
    return shares, torch.stack([found[share] for share in shares], 1) if shares else torch.empty(len(benchmark), 0)


def between(shares: list[float], curve: Tensor, wanted: Tensor) -> Tensor:
    """The quality at a share of the steps of each architecture, `architecture`; NaN outside of its checks.

    >>> between([0.25, 1.0], torch.tensor([[0.0, 2.0], [0.0, 2.0]]), torch.tensor([0.5, 2.0]))
    tensor([1., nan], dtype=torch.float64)
    """
    found = torch.full((len(curve),), math.nan, dtype=torch.float64)
    for i, (low, high) in enumerate(zip(shares, shares[1:])):
        here = (wanted >= low) & (wanted <= high)
        weight = (wanted[here] / low).log() / math.log(high / low)
        found[here] = torch.lerp(curve[here, i].double(), curve[here, i + 1].double(), weight.double())
    return found
