"""Kernel distance between two sets of features: unbiased, so that 0 means equal at any number of samples.

In: features `sample x dimension`. Out: the mean over fixed subsets (lower is better, may be slightly below 0) and its
standard error. Source: Binkowski et al., Demystifying MMD GANs (2018).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gpproxy.errors import QualityError

SUBSETS, LARGEST = 50, 1000


def kernel_distance(
    features: Tensor, reference: Tensor, generator: torch.Generator, subsets: int = SUBSETS
) -> tuple[float, float]:
    """Mean and standard error of the squared MMD of the kernel (x.y / d + 1)^3 over random subsets.

    A subset has half of the smaller set, at most 1,000 samples. The deviation between subsets is scaled from their
    size to that of the set (Politis, Romano, Wolf, Subsampling, 1999). The same generator seed gives the same subsets
    for all candidates of one size. Raises QualityError for fewer than 4 samples.
    """
    smaller = min(len(features), len(reference))
    size = min(LARGEST, smaller // 2)
    if size < 2:
        raise QualityError(
            f"A kernel distance needs at least 4 samples of each kind, but got {smaller}. Generate more."
        )
    place = features.device
    x, y = features.to(torch.float64), reference.to(place, torch.float64)
    found = torch.empty(subsets, dtype=torch.float64)
    for i in range(subsets):
        chosen = torch.randperm(len(x), generator=generator)[:size].to(place)
        others = torch.randperm(len(y), generator=generator)[:size].to(place)
        found[i] = squared_mmd(x[chosen], y[others])
    return float(found.mean()), float(found.std()) * math.sqrt(size / (smaller - size))


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """The unbiased estimate for two sets of any sizes; a sample is not compared with itself."""

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: Tensor) -> Tensor:
        k = kernel(a, a)
        return (k.sum() - k.diagonal().sum()) / (len(a) * (len(a) - 1))

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())
