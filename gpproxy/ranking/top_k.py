"""What a proxy buys: the quality of the best of k architectures that it chooses, against k at random.

In: scores and quality, higher is better for both. Out: expected quality, in its units.
Ties among the scores are broken at random, in expectation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Choice:
    """Expected quality of the best of `k` when chosen by score and at random, and of the best of all."""

    k: int
    chosen: float
    random: float
    best: float


def choices(scores: Tensor, quality: Tensor, sizes: Sequence[int] = (1, 5, 20)) -> list[Choice]:
    """One Choice per k that the table is large enough for. A NaN score is chosen last."""
    ranked: dict[float, list[float]] = {}
    for score, value in zip(scores.tolist(), quality.tolist(), strict=True):
        ranked.setdefault(-math.inf if math.isnan(score) else score, []).append(value)
    groups = [ranked[score] for score in sorted(ranked, reverse=True)]
    everything = quality.tolist()
    return [
        Choice(k, _best_of_first(groups, k), expected_best(everything, k), max(everything))
        for k in sizes
        if k <= len(everything)
    ]


def expected_best(values: Sequence[float], k: int, floor: float = -math.inf) -> float:
    """Expected maximum of `floor` and k of the values drawn without replacement, in closed form."""
    count = len(values)
    total = math.comb(count, k)
    # The i-th smallest is the largest of the k when the others come from the i below it.
    return math.fsum(
        max(floor, value) * (math.comb(i, k - 1) / total) for i, value in enumerate(sorted(values)) if i >= k - 1
    )


def _best_of_first(groups: Sequence[Sequence[float]], k: int) -> float:
    """Expected best of the first k, groups of equal score in random order."""
    floor = -math.inf
    for group in groups:
        if len(group) >= k:
            return expected_best(group, k, floor)
        floor, k = max(floor, *group), k - len(group)
    return floor
