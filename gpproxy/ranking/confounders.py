"""Is a formula more than a trivial descriptor, such as the parameter count or the number of strides?

In: scores, quality and descriptors of the same architectures. Out: correlation inside groups of an equal descriptor,
partial rank correlation given a descriptor, and a flag. Higher is better for scores and quality throughout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gpproxy.ranking.bootstrap import Resamples, interval
from gpproxy.ranking.correlation import dense_ranks, spearman

#: |rho| with a descriptor from which a score counts as that descriptor.
SAME = 0.95
#: Partial correlation below which a score adds nothing to a descriptor, when its interval reaches zero.
NOTHING = 0.1


@dataclass(frozen=True)
class Within:
    """Mean Spearman inside groups of an equal descriptor, weighted by group size - 3, with a bootstrap interval."""

    spearman: float
    interval: tuple[float, float]
    groups: int
    n: int


@dataclass(frozen=True)
class Confounder:
    """How a score relates to one descriptor; `flagged` when it is that descriptor or adds nothing to it."""

    descriptor: str
    spearman: float
    partial: float
    partial_interval: tuple[float, float]
    flagged: bool


def within_groups(scores: Tensor, quality: Tensor, descriptor: Tensor, samples: int = 1000, seed: int = 0) -> Within:
    """Mean rank correlation inside the groups; a group needs 4 members, a score constant in a group counts as 0 there.

    All arguments are `architecture`. NaN when no group is large enough.
    """
    group = dense_ranks(descriptor)
    total, weight, groups, count = 0.0, 0, 0, 0
    drawn = torch.zeros(samples, dtype=torch.float64)
    for number in range(int(group.max()) + 1):
        members = group == number
        size = int(members.sum())
        if size < 4 or len(set(quality[members].tolist())) < 2:
            continue
        part = (scores[members], quality[members])
        resampled = Resamples(size, samples, seed + number).spearman(*part)
        total += (size - 3) * _or_zero(spearman(*part).item())
        drawn += (size - 3) * resampled.nan_to_num(0.0)
        weight, groups, count = weight + size - 3, groups + 1, count + size
    if not weight:
        return Within(math.nan, (math.nan, math.nan), 0, 0)
    return Within(total / weight, interval(drawn / weight), groups, count)


def partial_spearman(scores: Tensor, quality: Tensor, given: Tensor) -> float:
    """Rank correlation of scores and quality once both are freed of `given`; 0 where a score is a function of it."""
    return float(_partial(spearman(scores, quality), spearman(scores, given), spearman(quality, given)))


def confounders(
    scores: Tensor, quality: Tensor, descriptors: Mapping[str, Tensor], resamples: Resamples | None = None
) -> list[Confounder]:
    """One Confounder per descriptor that varies, the nearest descriptor first.

    Flagged: |rho(score, descriptor)| > 0.95; or the score ranks the quality, but given the descriptor the partial
    correlation is below 0.1 and its interval reaches zero.
    """
    draws = resamples or Resamples(len(scores))
    own, truth = draws.draw(scores), draws.draw(quality)
    raw = draws.spearman(own, truth)
    ranks_quality = interval(raw)[0] > 0
    found = []
    for name, column in descriptors.items():
        rho = spearman(scores, column).item()
        if math.isnan(rho):
            continue
        partial = partial_spearman(scores, quality, column)
        given = draws.draw(column)
        low, high = interval(_partial(raw, draws.spearman(own, given), draws.spearman(truth, given)))
        flagged = abs(rho) > SAME or (ranks_quality and partial < NOTHING and low <= 0)
        found.append(Confounder(name, rho, partial, (low, high), flagged))
    return sorted(found, key=lambda d: -abs(d.spearman))


def _partial(between: Tensor, left: Tensor, right: Tensor) -> Tensor:
    spread = ((1 - left.square()) * (1 - right.square())).clamp(min=0).sqrt()
    # Two scores that determine each other leave only rounding behind.
    return torch.where(spread > 1e-6, (between - left * right) / spread.clamp(min=1e-6), between * 0).clamp(-1, 1)


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value
