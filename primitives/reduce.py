"""Reductions of one value to a number or to a vector. In: any shaped value. Out: LayerScalar, Scalar or vector.

Shapes: `k x ...` -> `k` for a number, `k x channel` (`_per_channel`), `k x sample` (`_per_sample`), `k x n` of `n x n`
kernels (`diagonal`, `row_mean`).

No suffix means over all entries of the value; `_per_channel` and `_per_sample` keep that axis; `spread_` measures how
far apart samples, channels or pixels are. Sums are true sums over the entries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gpproxy.primitives import numerics
from gpproxy.primitives.kinds import SHAPED, TENSORS, to_scalar
from gpproxy.primitives.numerics import channel_rows, peak, positive, sample_rows, saturate
from gpproxy.primitives.primitive import maps, primitive
from gpproxy.primitives.types import (
    ChannelKernel,
    ChannelVector,
    FeatureMap,
    LayerScalar,
    SampleKernel,
    SampleVector,
    Weight,
)

NUMBERS = to_scalar(*SHAPED)
AUTOGAS = "Auto-GAS (Li et al., 2024)"
MOMENT = "moments of activations"


@primitive("reduce", NUMBERS, source=AUTOGAS, name="sum", cost=0.3, parity="odd")
def total(x: Tensor) -> Tensor:
    """Sum of all entries."""
    return saturate(x.flatten(1).sum(1))


@primitive("reduce", NUMBERS, source=AUTOGAS, cost=0.3, parity="odd")
def mean(x: Tensor) -> Tensor:
    """Mean of all entries."""
    return x.flatten(1).mean(1)


@primitive("reduce", NUMBERS, source=AUTOGAS, name="min", cost=0.3, mirror="max")
def smallest(x: Tensor) -> Tensor:
    """Smallest entry."""
    return x.flatten(1).amin(1)


@primitive("reduce", NUMBERS, source=AUTOGAS, name="max", cost=0.3, mirror="min")
def largest(x: Tensor) -> Tensor:
    """Largest entry."""
    return x.flatten(1).amax(1)


@primitive("reduce", NUMBERS, source="order statistics", cost=60.0)
def median(x: Tensor) -> Tensor:
    """Lower median of all entries."""
    return x.flatten(1).median(1).values


@primitive(
    "reduce",
    NUMBERS,
    source="Auto-GAS measure 'entropy' is its logarithm",
    cost=3.0,
    parity="even",
    range="nonnegative",
)
def std(x: Tensor) -> Tensor:
    """Population standard deviation of all entries."""
    return numerics.deviation(x.flatten(1), (1,)).squeeze(1)


@primitive(
    "reduce", NUMBERS, source="grad_norm (Abdelfattah et al., 2021)", cost=1.2, parity="absolute", range="nonnegative"
)
def norm(x: Tensor) -> Tensor:
    """Euclidean (Frobenius) norm of all entries."""
    return numerics.norm(x.flatten(1), (1,))


@primitive(
    "reduce",
    NUMBERS,
    source="SNIP (Lee et al., 2019)",
    cost=0.7,
    parity="absolute",
    range="nonnegative",
    phrase="the sum of the absolute entries of {0}",
)
def norm1(x: Tensor) -> Tensor:
    """Sum of |x|."""
    return saturate(x.flatten(1).abs().sum(1))


@primitive(
    "reduce",
    NUMBERS,
    source="l1_norm of Auto-GAS (Li et al., 2024)",
    cost=0.7,
    parity="absolute",
    range="nonnegative",
    phrase="the mean of the absolute entries of {0}",
)
def mean_abs(x: Tensor) -> Tensor:
    """Mean of |x|."""
    return x.flatten(1).abs().mean(1)


@primitive("reduce", NUMBERS, source="root mean square", cost=1.2, parity="absolute", range="nonnegative")
def rms(x: Tensor) -> Tensor:
    """Root of the mean square: the Euclidean norm free of the number of entries."""
    flat = x.flatten(1)
    return numerics.norm(flat, (1,)) / flat.shape[1] ** 0.5


@primitive("reduce", NUMBERS, source="Shannon (1948)", cost=8.0, parity="absolute", phrase="the entropy of {0}")
def entropy(x: Tensor) -> Tensor:
    """Shannon entropy in nats of the shares |x| / sum |x|; 0 for zeros, log n for a constant."""
    return numerics.entropy(x)


@primitive("reduce", NUMBERS, source=MOMENT, cost=6.0, parity="odd")
def skewness(x: Tensor) -> Tensor:
    """Third standardised moment; 0 for a constant."""
    scaled = numerics.standardise(x.flatten(1), (1,))
    return (scaled * scaled * scaled).mean(1)


@primitive("reduce", NUMBERS, source=MOMENT, cost=4.0, parity="even")
def kurtosis(x: Tensor) -> Tensor:
    """Fourth standardised moment minus 3; 0 for a normal distribution, -3 for a constant."""
    scaled = numerics.standardise(x.flatten(1), (1,))
    squared = scaled.mul_(scaled)
    return squared.mul_(squared).mean(1).sub_(3.0)


@primitive("reduce", NUMBERS, source="share of active units, Auto-GAS (Li et al., 2024)", cost=1.0, range="unit")
def positive_share(x: Tensor) -> Tensor:
    """Share of entries above zero, 0 to 1."""
    return positive(x.flatten(1)).mean(1)


@primitive(
    "reduce",
    NUMBERS,
    source="numel of EZNAS (Akhauri et al., 2022)",
    cost=0.1,
    range="nonnegative",
    of_shape=True,
    phrase="the number of entries of {0}",
)
def size(x: Tensor) -> Tensor:
    """Number of entries of the value as it is kept (maps are cut at collection)."""
    return x.new_full((len(x),), x[0].numel() if len(x) else 0)


@primitive("reduce", to_scalar(*TENSORS), source="value range", cost=1.5, parity="absolute", range="nonnegative")
def dynamic_range(x: Tensor) -> Tensor:
    """log(max |x| / mean |x|): how peaked a value is; 0 for zeros."""
    flat = x.flatten(1)
    scaled = flat / peak(flat)
    average = scaled.abs_().mean(1)
    return average.masked_fill(average == 0, 1.0).log_().neg_()


def _keep(name: str, doc: str, source: str, cost: float, of_rows: Callable[[Tensor], Tensor], **declared: Any) -> None:
    """Registers a reduction of rows that keeps the channels, and one that keeps the samples."""

    def per_channel(x: Tensor) -> Tensor:
        return of_rows(channel_rows(x))

    def per_sample(x: Tensor) -> Tensor:
        return of_rows(sample_rows(x))

    per_channel.__doc__ = f"{doc} of every channel (of every row of a weight)."
    per_sample.__doc__ = f"{doc} of every sample."
    to_channels = maps((FeatureMap, ChannelVector), (Weight, ChannelVector))
    to_samples = maps((FeatureMap, SampleVector))
    primitive("reduce", to_channels, source=source, name=f"{name}_per_channel", cost=cost + 2, **declared)(per_channel)
    primitive("reduce", to_samples, source=source, name=f"{name}_per_sample", cost=cost, **declared)(per_sample)


_keep("mean", "Mean", MOMENT, 0.3, lambda rows: rows.mean(2), parity="odd")
_keep(
    "std", "Population standard deviation", MOMENT, 4.0,
    lambda rows: numerics.deviation(rows, (2,)).squeeze(2),
    parity="even", range="nonnegative",
)  # fmt: skip
_keep("max", "Largest entry", MOMENT, 0.3, lambda rows: rows.amax(2))
_keep(
    "norm", "Euclidean norm", "filter norms (Li et al., 2017)", 2.0,
    lambda rows: numerics.norm(rows, (2,)),
    parity="absolute", range="nonnegative",
)  # fmt: skip

TO_VECTOR = maps((SampleKernel, SampleVector), (ChannelKernel, ChannelVector))


@primitive("reduce", TO_VECTOR, source="variances on the diagonal of a covariance", parity="odd")
def diagonal(kernel: Tensor) -> Tensor:
    """The diagonal of a kernel."""
    return kernel.diagonal(dim1=1, dim2=2).clone()


@primitive("reduce", TO_VECTOR, source="degree of a similarity graph", cost=4.0, parity="odd")
def row_mean(kernel: Tensor) -> Tensor:
    """Mean of every row of a kernel: how alike one sample (channel) is to all."""
    return kernel.mean(2)


def _spread(suffix: str, axes: tuple[int, ...], doc: str) -> None:
    def spread(x: Tensor) -> Tensor:
        return numerics.deviation(x, axes).flatten(1).mean(1)

    spread.__doc__ = doc
    source = "spread of features of an untrained generator"
    primitive(
        "reduce",
        maps((FeatureMap, LayerScalar)),
        source=source,
        name=f"spread{suffix}",
        cost=6.0,
        parity="even",
        range="nonnegative",
    )(spread)


_spread("_samples", (1,), "Mean over all entries of the standard deviation across samples. 0 for one sample.")
_spread("_channels", (2,), "Mean over samples and pixels of the standard deviation across channels.")
_spread("_space", (3, 4), "Mean over samples and channels of the standard deviation across pixels.")


@primitive("reduce", maps((FeatureMap, LayerScalar)), source="SWAP (Peng et al., 2024)", cost=20.0, range="nonnegative")
def distinct_patterns(x: Tensor) -> Tensor:
    """Number of different on-off patterns over the samples (the first 62) among all units. Higher: more expressive."""
    on = (x[:, :62] > 0).flatten(2).long()
    bits = 2 ** torch.arange(on.shape[1], device=x.device).view(1, -1, 1)
    codes = (on * bits).sum(1).sort(1).values
    return (codes.diff(dim=1) != 0).sum(1).add_(1).to(x.dtype).masked_fill_(x.flatten(1).isnan().any(1), torch.nan)
