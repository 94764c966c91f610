"""Rank correlation in which the top of the ranking counts most.

In: scores `... x architecture` and quality, higher is better for both. Out: one number per score. An exchange of two
architectures weighs 1 / place of both together, the place once by the score and once by the quality, and both are
averaged: what is ranked high and is bad counts as much as what is good and is ranked low. Equals SciPy's `weightedtau`.

Source: Vigna (2015), A weighted correlation index for rankings with ties.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.ranking.correlation import dense_ranks

#: Elements of the largest intermediate tensor.
CHUNK = 1 << 22
#: Decimals that are kept: the last bits of a sum may depend on how many scores are summed at a time.
DECIMALS = 12


def weighted_tau(scores: Tensor, quality: Tensor) -> Tensor:
    """Weighted tau: `... x architecture` against the same or one `architecture` -> `...`, float64, in [-1, 1].

    Higher is better. Infinities are ordered; NaN where a side is constant or holds a NaN.

    >>> float(weighted_tau(torch.tensor([3.0, 1.0, 2.0]), torch.tensor([3.0, 2.0, 1.0])))  # the best is found
    0.545454545455
    """
    n = scores.shape[-1]
    bad = (scores.isnan().any(-1) | quality.isnan().any(-1)).flatten()
    x, y = (side.reshape(-1, n) for side in torch.broadcast_tensors(dense_ranks(scores), dense_ranks(quality)))
    step = max(1, CHUNK // max(1, n * n))
    found = [_tau(a, b) for a, b in zip(x.split(step), y.split(step))]
    tau = torch.cat(found) if found else torch.zeros(0, dtype=torch.float64)
    tau = tau.masked_fill(bad.expand_as(tau) if bad.numel() == 1 else bad, torch.nan)
    return tau.reshape(scores.shape[:-1]).round(decimals=DECIMALS)


def _tau(x: Tensor, y: Tensor) -> Tensor:
    """Of dense ranks, `row x architecture` both."""
    left = torch.sign(x[:, :, None] - x[:, None, :]).float()
    right = torch.sign(y[:, :, None] - y[:, None, :]).float()
    # Whole numbers: a pair of weight h[i] + h[j] is counted once for i and once for j.
    sums = torch.stack([(left * right).sum(-1), left.abs().sum(-1), right.abs().sum(-1)]).double()
    n = x.shape[1]
    weights = 1.0 / torch.arange(1, n + 1, dtype=torch.float64, device=x.device)
    total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    for joint in (x * n + y, y * n + x):  # ties of one side are ordered by the other
        places = joint.argsort(dim=-1, descending=True, stable=True)
        agree, own, other = (sums.gather(-1, places.expand_as(sums)) * weights).sum(-1)
        total += (agree / (own * other).sqrt()).clamp(-1, 1)
    return total / 2
