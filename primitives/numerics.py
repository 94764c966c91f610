"""Arithmetic that stays finite: scaled sums of squares, protected quotients, saturation. In: tensors. Out: tensors.

Shapes: `k x ...` is a batch of k items with any axes behind it; without another word the result has the same shape.
`axes` are axes of that tensor and never the leading one; those that are kept have length 1.

Rules that every primitive keeps: a quotient by (almost) nothing is 0, a logarithm has a floor, a product saturates
at `limit`, and a value that is constant up to rounding has spread exactly 0. NaN goes through.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

#: Up to this a denominator counts as zero and a logarithm is flat.
TINY = 1e-24


def sp() -> Any:
    """SymPy, imported when a form is asked for: it takes longer to import than this whole package."""
    import sympy

    return sympy


def limit(x: Tensor) -> float:
    """The largest magnitude that a product may take: 1e36 in float32, 1e300 in float64."""
    return 1e300 if x.dtype == torch.float64 else 1e36


def resolution(x: Tensor) -> float:
    """The smallest share of a spectrum that is told from rounding: 1e-6 in float32, 1e-12 in float64."""
    return 1e-12 if x.dtype == torch.float64 else 1e-6


def saturate(fresh: Tensor) -> Tensor:
    """`k x ...` cut to +-limit, in place: the caller has just made it."""
    bound = limit(fresh)
    return fresh.clamp_(-bound, bound)


def denominator(x: Tensor) -> Tensor:
    """`k x ...`: x, infinite where |x| <= 1e-24, so that a quotient by it is 0 there."""
    # A masked fill says the same ten times slower.
    return functional.threshold(x.abs(), TINY, math.inf, True).copysign_(x)


def quotient(a: Tensor, b: Tensor) -> Tensor:
    """a / b, 0 where |b| <= 1e-24. Shapes are broadcast against each other."""
    return saturate(a / denominator(b))


def log_abs(x: Tensor) -> Tensor:
    """log |x| with the floor log 1e-24 = -55.3."""
    return x.abs().clamp_min_(TINY).log_()


def positive(x: Tensor) -> Tensor:
    """1 where x > 0, else 0."""
    return signs(x).clamp_min_(0.0)


def signs(x: Tensor) -> Tensor:
    """-1, 0 or 1; torch's own has 0 for NaN."""
    return x.sign().add_(x * 0.0)


def peak(x: Tensor) -> Tensor:
    """The largest magnitude of every item, at least 1e-30: divided by it, squares are safe to sum. `k x 1 x ...`."""
    axes = tuple(range(1, x.ndim))
    return torch.maximum(x.amax(axes, True), -x.amin(axes, True)).clamp_min_(1e-30)


def norm(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The Euclidean norm along `axes`, which the result lacks: `k x ...` -> `k x remaining axes`."""
    top = peak(x)
    scaled = x / top
    return saturate(scaled.mul_(scaled).sum(axes, keepdim=True).sqrt_().mul_(top)).squeeze(axes)


def unit(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """x divided by its Euclidean norm along `axes`; zeros stay zeros."""
    scaled = x / peak(x)
    return scaled.div_((scaled * scaled).sum(axes, keepdim=True).sqrt_().clamp_min_(1e-12))


def centred(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """`(x - mean) / peak` and its standard deviation along `axes`, axes kept, and the peak.

    The standard deviation is exactly 0 where x is constant up to rounding, so that nothing amplifies rounding noise.
    """
    top = peak(x)
    scaled = x / top
    mean = scaled.mean(axes, keepdim=True)
    scaled -= mean
    spread = (scaled * scaled).mean(axes, keepdim=True).sqrt_()
    return scaled, spread.masked_fill_(spread <= 16 * torch.finfo(x.dtype).eps * mean.abs_(), 0.0), top


def standardise(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """(x - mean) / standard deviation along `axes`, 0 where x is constant."""
    scaled, spread, _ = centred(x, axes)
    return scaled.div_(spread.masked_fill_(spread == 0, math.inf))


def centre(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """`k x ...`: x minus its mean along `axes`, exactly 0 where x is constant."""
    scaled, spread, top = centred(x, axes)
    return scaled.mul_(top * (spread > 0))


def deviation(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The population standard deviation along `axes`: `k x ...` with these axes kept."""
    _, spread, top = centred(x, axes)
    return spread.mul_(top)


def share(x: Tensor) -> Tensor:
    """|x| / sum |x| of every item; zeros stay zeros."""
    scaled = (x / peak(x)).abs_()
    return scaled.div_(scaled.sum(tuple(range(1, x.ndim)), keepdim=True).clamp_min_(1e-12))


def entropy(x: Tensor) -> Tensor:
    """The Shannon entropy in nats of the shares |x| / sum |x| of every item, `k x ...` -> `k`; 0 for zeros."""
    shares = share(x).flatten(1)
    return shares.clamp_min(1e-30).log_().mul_(shares).sum(1).neg_()


def sample_rows(x: Tensor) -> Tensor:
    """A feature map `k x sample x channel x height x width` as `k x sample x (channel, height, width)`."""
    return x.flatten(2)


def channel_rows(x: Tensor) -> Tensor:
    """A feature map as `k x channel x (sample, height, width)`; a weight is already `k x out x fan_in`."""
    return x if x.ndim == 3 else x.transpose(1, 2).flatten(2)
