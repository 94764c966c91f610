"""Chooses one formula of an archive. The validation architectures, which no formula was fitted to, weigh as much as the
training architectures, which all formulas were fitted to alike.

In: scores on both. Out: the index of the pick. The formula with the highest lower bound of a bootstrap interval leads;
all are judged on the same resamples, and of those that are statistically equal to the leader the simplest wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gpproxy.benchmarks.resamples import Resamples
from gpproxy.evolution.target import SMALLEST_GROUP
from gpproxy.ranks import kendall, spearman
from gpproxy.study.seen import Seen

#: A formula equals the leader when it is at least as good in this share of the resamples.
EQUAL = 0.45
#: Formulas that are compared on resamples: those that are best on the architectures as they are.
FINALISTS = 40
#: Lower edge of a 95 % interval.
LOW = 0.025


def pick(seen: Sequence[Sequence[Seen]], groups: Sequence[str | None], within: float, complexity: Sequence[int]) -> int:
    """Index of the chosen formula. The objective is that of the evolution: on the worst benchmark, groups included.

    Args:
        seen: per benchmark, all formulas on its training and on its validation architectures.
        groups: per benchmark, the descriptor that a formula must also rank inside, or None.
        within: weight of the ranking inside the groups.
        complexity: nodes of each formula.
    """

    def worst(objective: Callable[[Seen, str | None], Tensor]) -> Tensor:
        return torch.stack(
            [torch.stack([objective(part, name) for part in parts]).mean(0) for parts, name in zip(seen, groups)]
        ).amin(0)

    point = worst(lambda part, name: _point(part, name, within))
    finalists = torch.argsort(point, descending=True, stable=True)[:FINALISTS]
    drawn = worst(lambda part, name: _objective(part, name, within, finalists))
    lower = torch.quantile(drawn, LOW, dim=1)
    size = [complexity[i] for i in finalists.tolist()]
    leader = max(range(len(lower)), key=lambda i: (float(lower[i]), -size[i], -i))
    equal = [i for i in range(len(lower)) if float((drawn[i] >= drawn[leader]).double().mean()) >= EQUAL]
    return int(finalists[min(equal, key=lambda i: (size[i], -float(lower[i]), i))])


def _point(seen: Seen, name: str | None, within: float) -> Tensor:
    """`tree`: the objective on the architectures as they are."""
    quality, ranked = seen.part.quality, seen.yardstick.last(seen.scores)
    total = (kendall(ranked, quality) + spearman(ranked, quality)) / 2
    members = [] if name is None else _members(seen.columns[name])
    if members and within:
        inside = sum(len(m) * spearman(ranked[:, m], quality[m]).nan_to_num(0.0) for m in members)
        total = (1 - within) * total + within * inside / sum(map(len, members))
    return total.nan_to_num(-1.0)


def _objective(seen: Seen, name: str | None, within: float, rows: Tensor) -> Tensor:
    """`tree x resample`: mean of tau and rho, blended with rho inside the groups; an undefined one is -1."""
    quality = seen.part.quality
    ranked = seen.yardstick.last(seen.scores[rows])
    draws, truth = seen.resamples, seen.resamples.draw(quality)
    drawn = [draws.draw(row) for row in ranked]
    total = torch.stack([(draws.kendall(row, truth) + draws.spearman(row, truth)) / 2 for row in drawn])
    labels = None if name is None else seen.columns[name]
    members = [] if labels is None else _members(labels)
    if members and within:
        inside, weight = torch.zeros_like(total), 0
        for number, group in enumerate(members):
            some = Resamples(len(group), total.shape[1], number)
            rho = torch.stack([some.spearman(row[group], quality[group]) for row in ranked])
            inside, weight = inside + len(group) * rho.nan_to_num(0.0), weight + len(group)
        total = (1 - within) * total + within * inside / weight
    return total.nan_to_num(-1.0)


def _members(labels: Tensor) -> list[Tensor]:
    """Positions of every group that is large enough to say something."""
    found = [(labels == value).nonzero().squeeze(1) for value in torch.unique(labels[~labels.isnan()])]
    return [group for group in found if len(group) >= SMALLEST_GROUP]
