"""Transforms that look at a whole value or at one axis: centring, scaling, softmax.

In: k values, `k x ...`, each treated by itself. Out: the same type and shape.

Names: no suffix means over the whole value; `_samples`, `_channels`, `_space` along that axis; `_per_channel` and
`_per_sample` over everything else than that axis. Source: Auto-GAS (Li et al., 2024) unless stated.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives import numerics
from gpproxy.primitives.kinds import KERNELS, SHAPED, SPECTRA, TENSORS, VECTORS
from gpproxy.primitives.numerics import peak, quotient
from gpproxy.primitives.primitive import primitive, same
from gpproxy.primitives.types import FeatureMap

AUTOGAS = "Auto-GAS (Li et al., 2024)"


def _whole(x: Tensor) -> tuple[int, ...]:
    return tuple(range(1, x.ndim))


@primitive(
    "transform", same(*SHAPED), source=AUTOGAS, cost=4.0, parity="odd", phrase="the values, standardised, of {0}"
)
def standardise(x: Tensor) -> Tensor:
    """(x - mean) / standard deviation of the whole value; zeros for a constant."""
    return numerics.standardise(x, _whole(x))


@primitive("transform", same(*SHAPED), source=AUTOGAS, cost=5.0, phrase="the values, scaled to between 0 and 1, of {0}")
def min_max(x: Tensor) -> Tensor:
    """(x - min) / (max - min) of the whole value, in [0, 1]; zeros for a constant."""
    scaled = x / peak(x)
    low, high = scaled.amin(_whole(x), True), scaled.amax(_whole(x), True)
    return quotient(scaled - low, high - low)


@primitive(
    "transform",
    same(*TENSORS, *KERNELS, *VECTORS),
    source=AUTOGAS,
    cost=3.0,
    parity="odd",
    phrase="the values, scaled to length 1, of {0}",
)
def unit(x: Tensor) -> Tensor:
    """x divided by its Euclidean norm, whole value."""
    return numerics.unit(x, _whole(x))


@primitive(
    "transform",
    same(*VECTORS, *SPECTRA),
    source="normalised spectrum, AZ-NAS (Lee and Ham, 2024)",
    cost=3.0,
    parity="absolute",
    range="unit",
    phrase="the shares of {0}",
)
def share(x: Tensor) -> Tensor:
    """|x| / sum |x|: the entries as shares that sum to 1."""
    return numerics.share(x)


@primitive("transform", same(*VECTORS, *SPECTRA), source=AUTOGAS, cost=4.0, range="unit", phrase="the softmax of {0}")
def softmax(x: Tensor) -> Tensor:
    """e^x / sum e^x over the entries."""
    return x.softmax(1)


@primitive(
    "transform",
    same(*KERNELS),
    source="Kornblith et al. (2019)",
    cost=15.0,
    parity="odd",
    phrase="the values, centred, of {0}",
)
def centre(x: Tensor) -> Tensor:
    """A kernel with the mean of its rows and columns taken away (H K H); zeros for a constant."""
    top = peak(x)
    scaled = x / top
    rows = scaled.mean(2, keepdim=True)
    scaled += rows.mean(1, keepdim=True) - rows - rows.mT
    rounding = peak(scaled) <= 16 * torch.finfo(x.dtype).eps
    return scaled.masked_fill_(rounding, 0.0).mul_(top)


@primitive(
    "transform",
    same(*KERNELS),
    source="cosine normalisation of a kernel",
    cost=6.0,
    parity="odd",
    phrase="the values, scaled to a diagonal of ones, of {0}",
)
def unit_diagonal(x: Tensor) -> Tensor:
    """k_ij / sqrt(|k_ii k_jj|): a Gram kernel becomes a cosine kernel, a covariance a correlation."""
    scale = x.diagonal(dim1=1, dim2=2).abs().sqrt()
    return quotient(quotient(x, scale.unsqueeze(2)), scale.unsqueeze(1))


def _along(suffix: str, axes: tuple[int, ...]) -> None:
    """Registers centring, unit length and softmax along one axis of a feature map."""
    words = suffix[1:]

    def centre_along(x: Tensor) -> Tensor:
        return numerics.centre(x, axes)

    def unit_along(x: Tensor) -> Tensor:
        return numerics.unit(x, axes)

    def softmax_along(x: Tensor) -> Tensor:
        return x.flatten(3).softmax(3).view_as(x) if len(axes) > 1 else x.softmax(axes[0])

    centre_along.__doc__ = f"x minus its mean over {words}; constants become zeros."
    unit_along.__doc__ = f"x divided by its Euclidean norm over {words}; zeros stay zeros."
    softmax_along.__doc__ = f"e^x / sum e^x over {words}; the shares sum to 1."
    for stem, function, source, cost, phrase in (
        ("centre", centre_along, "mean-free features", 7.0, f"the values, centred over {words}, of {{0}}"),
        ("unit", unit_along, AUTOGAS, 4.0, f"the values, scaled to length 1 over {words}, of {{0}}"),
        ("softmax", softmax_along, AUTOGAS, 4.0, f"the softmax over {words} of {{0}}"),
    ):
        register = primitive(
            "transform", same(FeatureMap), source=source, name=f"{stem}{suffix}", cost=cost, phrase=phrase
        )
        register(function)


_along("_samples", (1,))
_along("_channels", (2,))
_along("_space", (3, 4))


@primitive(
    "transform",
    same(FeatureMap),
    source="BatchNorm (Ioffe and Szegedy, 2015); Auto-GAS",
    cost=9.0,
    parity="odd",
    phrase="the values, standardised per channel, of {0}",
)
def standardise_per_channel(x: Tensor) -> Tensor:
    """Zero mean and unit variance of every channel over samples and space, as a fresh BatchNorm in training mode."""
    return numerics.standardise(x, (1, 3, 4))


@primitive(
    "transform",
    same(FeatureMap),
    source="LayerNorm (Ba et al., 2016)",
    cost=4.0,
    parity="odd",
    phrase="the values, standardised per sample, of {0}",
)
def standardise_per_sample(x: Tensor) -> Tensor:
    """Zero mean and unit variance of every sample over channels and space."""
    return numerics.standardise(x, (2, 3, 4))


@primitive(
    "transform",
    same(FeatureMap),
    source="InstanceNorm (Ulyanov et al., 2016)",
    cost=6.0,
    parity="odd",
    phrase="the values, standardised over space, of {0}",
)
def standardise_space(x: Tensor) -> Tensor:
    """Zero mean and unit variance over space, for every sample and channel."""
    return numerics.standardise(x, (3, 4))
