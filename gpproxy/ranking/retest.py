"""How far two trainings of the same architecture agree, and what that leaves for any proxy.

In: qualities of repeated trainings. Out: correlation between trainings with intervals, the reliability of their mean
and the ceiling that it implies. The intervals are over the choice of architectures.
Source: Shrout and Fleiss (1979) for the one-way reliability, Spearman (1910) and Brown (1910) for that of a mean.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpproxy.ranking.bootstrap import SAMPLES, Resamples, interval
from gpproxy.ranking.correlation import kendall, spearman

#: Fewest architectures with at least two trainings from which any of this is worth saying.
FEWEST = 4

Edges = tuple[float, float]


@dataclass(frozen=True)
class Retest:
    """What repeated trainings say about a table; intervals are 95 %, NaN is undefined.

    Attributes:
        n: architectures with at least two trainings; the others take no part.
        trainings: trainings per architecture (harmonic mean).
        spearman, kendall: correlation of one training with another, mean over the pairs of trainings.
        noise: standard deviation of one training about the mean of its architecture, in units of quality.
        spread: standard deviation of the true qualities of the architectures, in units of quality.
        reliability: spread^2 / (spread^2 + noise^2 / trainings), of the mean over the trainings.
        ceiling: sqrt(reliability), the largest correlation of a noise-free proxy with the table.
    """

    n: int
    trainings: float
    spearman: float
    spearman_interval: Edges
    kendall: float
    kendall_interval: Edges
    noise: float
    spread: float
    reliability: float
    reliability_interval: Edges
    ceiling: float
    ceiling_interval: Edges


def retest(
    repeats: Tensor, classes: Sequence[int] | None = None, samples: int = SAMPLES, seed: int = 0
) -> Retest | None:
    """The Retest of `architecture x training` qualities, NaN where there was no training; None for too few.

    Args:
        classes: functional class of each architecture, drawn as one in the bootstrap.
        samples, seed: of the bootstrap.
    """
    several = repeats.isfinite().sum(1) > 1
    kept = repeats[several]
    if len(kept) < FEWEST:
        return None
    # Trainings count in order, so that column j is the j-th training of each architecture.
    order = kept.isfinite().long().argsort(dim=1, descending=True, stable=True)
    kept = kept.gather(1, order)[:, : int(kept.isfinite().sum(1).max())]
    owners = None if classes is None else [number for number, take in zip(classes, several.tolist()) if take]
    draws = Resamples(len(kept), samples, seed, owners)
    rho, rho_drawn, tau, tau_drawn = _correlations(kept, owners, draws, samples, seed)
    noise, spread, reliability = _components(kept, torch.ones(1, len(kept), dtype=torch.float64))
    drawn = _components(kept, draws.counts.double())[2]
    return Retest(
        n=len(kept),
        trainings=_harmonic(kept),
        spearman=rho,
        spearman_interval=interval(rho_drawn),
        kendall=tau,
        kendall_interval=interval(tau_drawn),
        noise=noise.item(),
        spread=spread.item(),
        reliability=reliability.item(),
        reliability_interval=interval(drawn),
        ceiling=math.sqrt(reliability.item()) if reliability.isfinite().item() else math.nan,
        ceiling_interval=interval(drawn.sqrt()),
    )


def _correlations(
    kept: Tensor, owners: Sequence[int] | None, draws: Resamples, samples: int, seed: int
) -> tuple[float, Tensor, float, Tensor]:
    """Means over the pairs of trainings: rho, its resamples, tau, its resamples."""
    found: list[tuple[Tensor, ...]] = []
    for i, j in itertools.combinations(range(kept.shape[1]), 2):
        both = kept[:, i].isfinite() & kept[:, j].isfinite()
        if int(both.sum()) < FEWEST:
            continue
        pair = (kept[both, i], kept[both, j])
        own = draws
        if not bool(both.all()):
            groups = None if owners is None else [n for n, take in zip(owners, both.tolist()) if take]
            own = Resamples(int(both.sum()), samples, seed, groups)
        found.append((spearman(*pair), own.spearman(*pair), kendall(*pair), own.kendall(*pair)))
    rho, rho_drawn, tau, tau_drawn = (torch.stack(values).nanmean(0) for values in zip(*found))
    return rho.item(), rho_drawn, tau.item(), tau_drawn


def _components(kept: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Noise, spread and reliability for each row of weights, `resample x architecture` -> three `resample`."""
    sizes = kept.isfinite().sum(1).double()
    means = kept.nanmean(1)
    within = (kept - means[:, None]).square().nansum(1)
    noise = (weights @ within) / (weights @ (sizes - 1))
    total = weights.sum(1)
    centre = (weights @ means) / total
    between = (weights * (means - centre[:, None]).square()).sum(1) / (total - 1)
    trainings = total / (weights @ (1 / sizes))
    spread = (between - noise / trainings).clamp(min=0)
    return noise.sqrt(), spread.sqrt(), spread / (spread + noise / trainings)


def _harmonic(kept: Tensor) -> float:
    sizes = kept.isfinite().sum(1).double()
    return float(len(sizes) / (1 / sizes).sum())
