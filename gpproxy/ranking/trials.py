"""One comparison over several splits of a table: the mean difference, and how sure it is.

In: per split, the tested architectures with their quality and two scores. Out: a Difference of the means. The splits
test some architectures in common, so they are no independent evidence: whole functional classes are drawn for all
splits alike, and the splits are drawn too, which is on the safe side.
Source: Owen (2007) for the two-way ("pigeonhole") bootstrap.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpproxy.ranking.bootstrap import SAMPLES, Resamples, interval
from gpproxy.ranking.correlation import kendall, spearman
from gpproxy.ranking.difference import Difference
from gpproxy.seeds import numbered


@dataclass(frozen=True, eq=False)
class Trial:
    """One split.

    Attributes:
        classes: functional class of each tested architecture; equal ones over all trials are one network.
        quality: `architecture`, higher is better.
        left, right: `score x architecture`, ready to rank (dead ones at minus infinity); several scores count by the
            mean of their correlations.
    """

    classes: Sequence[Hashable]
    quality: Tensor
    left: Tensor
    right: Tensor


def mean_difference(trials: Sequence[Trial], samples: int = SAMPLES, seed: int = 0) -> Difference:
    """The mean over the trials of how much better left ranks than right; `n` counts the different classes.

    A correlation that is undefined (a constant score) is left out, in a resample as in the mean.
    """
    numbers: dict[Hashable, int] = {}
    places = [torch.tensor([numbers.setdefault(one, len(numbers)) for one in trial.classes]) for trial in trials]
    generator = numbered(seed)
    drawn = torch.randint(len(numbers), (samples, len(numbers)), generator=generator)
    counts = torch.zeros(samples, len(numbers), dtype=torch.long).scatter_add_(1, drawn, torch.ones_like(drawn))
    which = torch.randint(len(trials), (samples, len(trials)), generator=generator)
    weights = torch.zeros(samples, len(trials), dtype=torch.long).scatter_add_(1, which, torch.ones_like(which))
    exact: dict[str, list[Tensor]] = {"kendall": [], "spearman": []}
    found: dict[str, list[Tensor]] = {"kendall": [], "spearman": []}
    for trial, place in zip(trials, places):
        draws = Resamples.of(counts[:, place])
        truth = draws.draw(trial.quality)
        for name, measure, resampled in (
            ("kendall", kendall, draws.kendall),
            ("spearman", spearman, draws.spearman),
        ):
            left, right = (measure(side, trial.quality).mean() for side in (trial.left, trial.right))
            exact[name].append(left - right)
            left, right = (
                torch.stack([resampled(s, truth) for s in side]).mean(0) for side in (trial.left, trial.right)
            )
            found[name].append(left - right)
    values: dict[str, float | None] = {}
    edges = {}
    for name, differences in found.items():
        table = torch.stack(differences, dim=1)
        defined = (~table.isnan()).double() * weights
        mean = (table.nan_to_num(0.0) * defined).sum(1) / defined.sum(1)
        low, high = interval(mean)
        middle = float(torch.stack(exact[name]).nanmean())
        values[name] = middle if middle == middle else None
        edges[name] = (low, high) if low == low else (None, None)
    return Difference(len(numbers), values["kendall"], edges["kendall"], values["spearman"], edges["spearman"])
