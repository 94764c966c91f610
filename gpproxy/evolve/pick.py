"""Chooses one formula of an archive, and two that vote with it. The validation architectures, which no formula was
fitted to, weigh as much as the training architectures, which all were fitted to alike; functional twins count once.

In: scores on both. Out: indexes, that of the pick first. The formula with the highest lower bound of a bootstrap
interval leads; all are judged on the same resamples, and of those that are statistically equal to the leader the
simplest wins. Of those that are nearly as good, the ones that rank most differently make up a committee with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpproxy.evolution.target import SMALLEST_GROUP
from gpproxy.evolve.part_scores import PartScores
from gpproxy.ranking.bootstrap import SAMPLES, Resamples
from gpproxy.ranking.correlation import kendall, spearman
from gpproxy.ranking.weighted import weighted_tau

#: A formula equals the leader when it is at least as good in this share of the resamples.
EQUAL = 0.45
#: A formula is nearly as good as the leader when it is at least as good in this share of the resamples.
NEAR = 0.2
#: Formulas of a committee.
MEMBERS = 3
#: Formulas that are compared on resamples: those that are best on the architectures as they are.
FINALISTS = 40
#: Formulas whose correlation is nearer to 1 than this rank alike.
SAME = 1e-9
#: Lower edge of a 95 % interval.
LOW = 0.025


def pick(
    seen: Sequence[Sequence[PartScores]],
    groups: Sequence[str | None],
    within: float,
    complexity: Sequence[int],
    focus: float = 0.0,
) -> list[int]:
    """Indexes of the chosen formula and of those that make up a committee with it, up to `MEMBERS` in all.

    The objective is that of the evolution: on the worst benchmark, groups included.

    Args:
        seen: per benchmark, all formulas on its training and on its validation architectures.
        groups: per benchmark, the descriptor that a formula must also rank inside, or None.
        within: weight of the ranking inside the groups.
        complexity: nodes of each formula.
        focus: weight of the top of the ranking.
    """
    views = [_View.of(parts, name) for parts, name in zip(seen, groups)]

    def worst(objective: Callable[[_View], Tensor]) -> Tensor:
        return torch.stack([objective(view) for view in views]).amin(0)

    point = worst(lambda view: _point(view, within, focus))
    finalists = torch.argsort(point, descending=True, stable=True)[:FINALISTS]
    drawn = worst(lambda view: _objective(view, within, finalists, focus))
    lower = torch.quantile(drawn, LOW, dim=1)
    size = [complexity[i] for i in finalists.tolist()]
    leader = max(range(len(lower)), key=lambda i: (float(lower[i]), -size[i], -i))
    share = [float((one >= drawn[leader]).double().mean()) for one in drawn]
    equal = [i for i in range(len(lower)) if share[i] >= EQUAL]
    chosen = min(equal, key=lambda i: (size[i], -float(lower[i]), i))
    near = [i for i in range(len(lower)) if share[i] >= NEAR]
    return finalists[_unlike(chosen, near, [view.scores[finalists] for view in views])].tolist()


def _unlike(first: int, others: Sequence[int], scores: Sequence[Tensor]) -> list[int]:
    """The first formula and those of the others that rank most unlike it and unlike each other, one after another.

    Two formulas are as alike as Spearman's ρ of their `tree x class` on the benchmark where it is highest; where it is
    1 they are one.
    """
    alike = torch.stack([_rank_correlations(some) for some in scores]).amax(0)
    found, left = [first], [i for i in others if i != first]
    while left and len(found) < MEMBERS:
        closest = alike[left][:, found].amax(1)
        at = int(closest.argmin())
        if closest[at] >= 1 - SAME:
            break
        found.append(left.pop(at))
    return found


def _rank_correlations(scores: Tensor) -> Tensor:
    """`tree x tree`: Spearman's ρ of every pair; 1 where it is undefined, since such a formula adds nothing."""
    return torch.stack([spearman(scores, one) for one in scores]).nan_to_num(1.0)


@dataclass(frozen=True, eq=False)
class _View:
    """Training and validation of one benchmark together.

    Attributes:
        scores: `tree x class`, dead and undefined ones at minus infinity.
        quality: `class`.
        groups: classes of every group that is large enough to say something.
    """

    scores: Tensor
    quality: Tensor
    groups: tuple[Tensor, ...]

    @classmethod
    def of(cls, parts: Sequence[PartScores], name: str | None) -> _View:
        scores = torch.cat([p.twins.mean(p.metrics.last(p.scores)) for p in parts], dim=1)
        quality = torch.cat([p.twins.mean(p.part.quality) for p in parts])
        groups: list[Tensor] = []
        if name is not None:
            labels = torch.cat([p.columns[name][p.twins.first] for p in parts])
            groups = [(labels == value).nonzero().squeeze(1) for value in torch.unique(labels[~labels.isnan()])]
        return cls(scores, quality, tuple(g for g in groups if len(g) >= SMALLEST_GROUP))


def _point(view: _View, within: float, focus: float) -> Tensor:
    """`tree`: the objective on the classes as they are."""
    scores, quality = view.scores, view.quality
    total = (kendall(scores, quality) + spearman(scores, quality)) / 2
    if focus:
        total = (1 - focus) * total + focus * weighted_tau(scores, quality)
    if view.groups and within:
        inside = sum(len(g) * spearman(scores[:, g], quality[g]).nan_to_num(0.0) for g in view.groups)
        total = (1 - within) * total + within * inside / sum(map(len, view.groups))
    return total.nan_to_num(-1.0)


def _objective(view: _View, within: float, rows: Tensor, focus: float) -> Tensor:
    """`tree x resample`: mean of tau and rho, blended with weighted tau and rho inside the groups; undefined is -1."""
    draws = Resamples(len(view.quality), SAMPLES)
    truth = draws.draw(view.quality)
    drawn = [draws.draw(row) for row in view.scores[rows]]
    total = torch.stack([(draws.kendall(row, truth) + draws.spearman(row, truth)) / 2 for row in drawn])
    if focus:
        drawn_at = torch.stack([torch.arange(len(n)).repeat_interleave(n.long()) for n in draws.counts])
        top = torch.stack([weighted_tau(row[drawn_at], view.quality[drawn_at]) for row in view.scores[rows]])
        total = (1 - focus) * total + focus * top
    if view.groups and within:
        inside, weight = torch.zeros_like(total), 0
        for number, group in enumerate(view.groups):
            some = Resamples(len(group), SAMPLES, number)
            rho = torch.stack([some.spearman(row[group], view.quality[group]) for row in view.scores[rows]])
            inside, weight = inside + len(group) * rho.nan_to_num(0.0), weight + len(group)
        total = (1 - within) * total + within * inside / weight
    return total.nan_to_num(-1.0)
