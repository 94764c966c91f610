"""Scores in, rank correlations and one quality number out, for a whole population at once.

Ranks are centred and doubled, so they are whole numbers and every sum below is exact in floating point: the result does
not depend on batch, thread count or order of summation. Source: Kendall (1945) for tau-b, Spearman (1904).
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Elements of the largest intermediate tensor.
CHUNK = 1 << 18


def dead_last(values: Tensor, dead: Tensor | None) -> Tensor:
    """`tree x architecture` scores with dead architectures at minus infinity: behind all others, tied."""
    return values if dead is None or not bool(dead.any()) else values.masked_fill(dead, -torch.inf)


def centred_ranks(values: Tensor) -> Tensor:
    """Doubled average ranks about their mean, `... x architecture`, float64 whole numbers; ties share their average.

    Entry i is the number of smaller values minus the number of larger ones. Infinite values rank; NaN is undefined.
    """
    values = values.contiguous()
    ordered = values.sort(dim=-1).values
    below = torch.searchsorted(ordered, values, right=False)
    upto = torch.searchsorted(ordered, values, right=True)
    return (below + upto - values.shape[-1]).double()


def _ratio(cross: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """`cross / sqrt(left * right)`; 0 where a side is all ties, because nothing is ranked there."""
    scale = torch.sqrt(left * right)
    return torch.where(scale > 0, cross / torch.where(scale > 0, scale, 1.0), 0.0).clamp(-1.0, 1.0)


def masked_correlations(scores: Tensor, quality: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Kendall's tau-b and Spearman's rho on several subsets of the architectures: two of `tree x mask`, float64.

    Args:
        scores: `tree x architecture`, no NaN.
        quality: `architecture`.
        masks: `architecture x mask`, 1 for a member of the subset and 0 else.

    A subset in which one side is all ties gives 0.
    """
    x, y = centred_ranks(scores), centred_ranks(quality)
    n = y.numel()
    # float32 counts whole numbers up to 2**24 exactly, which bounds a sum over the n * n pairs.
    dtype = torch.float32 if n <= 4096 else torch.float64
    x, y, masks = x.to(dtype), y.to(dtype), masks.to(dtype)
    signs = torch.sign(y[:, None] - y[None, :])
    upper = torch.triu_indices(n, n, 1, device=x.device)
    pair_signs = signs[upper[0], upper[1]]
    pair_masks = masks[upper[0]] * masks[upper[1]]
    signed_masks = pair_masks * pair_signs[:, None]
    pair_total = pair_masks.T @ pair_signs.abs()
    y_ranks = (signs @ masks).double() * masks
    rank_total = (y_ranks * y_ranks).sum(0)
    tau, rho = [], []
    for part in x.split(max(1, CHUNK // max(1, n * n))):
        full = torch.sign(part[:, :, None] - part[:, None, :])
        pairs = full[:, upper[0], upper[1]]
        tau.append(_ratio((pairs @ signed_masks).double(), (pairs.abs() @ pair_masks).double(), pair_total.double()))
        ranks = (full @ masks).double()
        rank_cross = torch.einsum("tnk,nk->tk", ranks, y_ranks)
        rank_square = torch.einsum("tnk,nk->tk", ranks * ranks, masks.double())
        rho.append(_ratio(rank_cross, rank_square, rank_total))
    return torch.cat(tau), torch.cat(rho)
