"""Rank correlations of very many scores with one quality at a time.

In: scores `... x architecture` and quality `architecture` (or broadcastable). Out: one number per score, float64. All
functions run on the device of the scores, are exact with ties and equal SciPy's. Infinite values are ordered like any
other; a score that holds a NaN, or is constant, has correlation NaN.

Source: Kendall (1945) for tau-b; Knight (1966) for counting discordant pairs by merging.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

#: Last bits of a float64 score that never rank, because they are rounding noise of the evaluation.
NOISE_BITS = 20


def steady(values: Tensor) -> Tensor:
    """Float64 scores rounded to 32 bits of fraction: what differs by evaluation noise ties. NaN and inf stay."""
    bits = values.double().contiguous().view(torch.int64)
    rounded = ((bits + (1 << (NOISE_BITS - 1))) & -(1 << NOISE_BITS)).view(torch.float64)
    return torch.where(torch.isfinite(values), rounded, values.double())


def dense_ranks(values: Tensor) -> Tensor:
    """`... x architecture` -> the same shape, int64: 0 for the smallest, equal values share a rank, NaN is largest."""
    ordered, order = torch.sort(values, dim=-1)
    steps = torch.zeros_like(order)
    steps[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    return torch.empty_like(order).scatter_(-1, order, steps.cumsum(-1))


def average_ranks(values: Tensor) -> Tensor:
    """`... x architecture` -> the same shape, float64: 1 for the smallest value, ties get their mean rank."""
    dense = dense_ranks(values)
    sizes = _sizes(dense)
    means = sizes.cumsum(-1).double() - (sizes.double() - 1) / 2
    return means.gather(-1, dense)


def spearman(scores: Tensor, quality: Tensor) -> Tensor:
    """Spearman's rho, ties by mean rank: `... x architecture` -> `...`. Higher is better; NaN for NaN or constant rows.

    Source: Spearman (1904).
    """
    scores, quality = _together(scores, quality)
    middle = (scores.shape[-1] + 1) / 2
    left, right = average_ranks(scores) - middle, average_ranks(quality) - middle
    product = (left * right).sum(-1)
    spread = (left.square().sum(-1) * right.square().sum(-1)).sqrt()
    return _masked(product / spread, scores, quality)


def kendall(scores: Tensor, quality: Tensor, break_ties: bool = False) -> Tensor:
    """Kendall's tau-b: `... x architecture` -> `...`. Higher is better; NaN for NaN or constant rows.

    `break_ties` gives the expected tau when ties among the scores are broken at random, which is fair to fine scores
    where tau-b flatters coarse ones.

    Source: Kendall (1945), Knight (1966).
    """
    scores, quality = _together(scores, quality)
    count = scores.shape[-1]
    left = dense_ranks(scores)
    right = dense_ranks(quality).expand_as(left)
    joint = torch.sort(left * count + right, dim=-1).values
    left_tied, right_tied = _tied_pairs(left), _tied_pairs(right)
    total = count * (count - 1) // 2
    untied = total - left_tied - right_tied + _tied_pairs(dense_ranks(joint))
    balance = untied - 2 * _inversions(joint % max(count, 1))
    ordered = torch.where(left_tied < total, total, 0) if break_ties else total - left_tied
    tau = balance.double() / ordered.double().sqrt() / (total - right_tied).double().sqrt()
    return _masked(tau.clamp(-1, 1), scores, quality)


def top_k(scores: Tensor, quality: Tensor, k: int) -> Tensor:
    """Share of the k best architectures among the k highest scores, `... x architecture` -> `...`, ties in expectation.

    Higher is better; NaN for rows with NaN.
    """
    scores, quality = _together(scores, quality)
    share = (_chosen(scores, k) * _chosen(quality, k)).sum(-1) / k
    return _masked(share, scores, quality)


def rank_dead_last(scores: Tensor, dead: Tensor) -> Tensor:
    """Scores `... x architecture` with the dead ones (`architecture`, bool) at minus infinity: last, and tied."""
    return scores.masked_fill(dead.to(scores.device), -torch.inf)


def _together(scores: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
    quality = torch.as_tensor(quality, device=scores.device)
    if scores.shape[-1] != quality.shape[-1]:
        raise ValueError(f"{scores.shape[-1]} scores cannot be ranked against {quality.shape[-1]} qualities.")
    return scores, quality


def _masked(correlation: Tensor, scores: Tensor, quality: Tensor) -> Tensor:
    bad = scores.isnan().any(-1) | quality.isnan().any(-1)
    return correlation.masked_fill(bad | ~correlation.isfinite(), torch.nan)


def _sizes(dense: Tensor) -> Tensor:
    """How often each dense rank occurs: `... x architecture`, zero beyond the last rank."""
    return torch.zeros_like(dense).scatter_add_(-1, dense, torch.ones_like(dense))


def _chosen(values: Tensor, k: int) -> Tensor:
    """Probability of each architecture to be among the k highest when ties are broken at random."""
    dense = dense_ranks(-values)
    sizes = _sizes(dense)
    before = sizes.cumsum(-1) - sizes
    chance = ((k - before).double() / sizes.clamp(min=1)).clamp(0, 1)
    return chance.gather(-1, dense)


def _tied_pairs(dense: Tensor) -> Tensor:
    sizes = _sizes(dense)
    return (sizes * (sizes - 1)).sum(-1) // 2


def _inversions(sequence: Tensor) -> Tensor:
    """Pairs that stand in the wrong order, by a bottom-up merge sort of all rows at once: `... x n` -> `...`."""
    count = sequence.shape[-1]
    width = 1
    padded = 1 << max(count - 1, 0).bit_length()
    # Padding is larger than every rank and stands last, so it takes part in no inversion.
    current = functional.pad(sequence.to(torch.int32), (0, padded - count), value=count)
    total = torch.zeros(sequence.shape[:-1], dtype=torch.int64, device=sequence.device)
    while width < padded:
        blocks = current.reshape(*sequence.shape[:-1], padded // (2 * width), 2 * width)
        merged, origin = torch.sort(blocks, dim=-1, stable=True)
        from_right = origin >= width
        total += (from_right.cumsum(-1) * ~from_right).sum((-1, -2))
        current, width = merged, 2 * width
    return total
