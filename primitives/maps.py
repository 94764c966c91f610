"""Spatial and attention views of a feature map.

In: `k x sample x channel x height x width`. Out: a feature map, smaller or equal, or a number `k`. Windows that reach
over the edge are cut there, so a map of one pixel passes unchanged.
Source: Auto-GAS (Li et al., 2024) unless stated.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gpproxy.primitives.numerics import deviation
from gpproxy.primitives.primitive import maps, primitive, same
from gpproxy.primitives.types import FeatureMap, LayerScalar

AUTOGAS = "Auto-GAS (Li et al., 2024)"
ATTENTION = "attention maps (Zagoruyko and Komodakis, 2017); Auto-GAS (Li et al., 2024)"
#: Softness of the attention maps, as in Auto-GAS.
TEMPERATURE = 0.5


def _pool(size: int) -> None:
    def largest(x: Tensor) -> Tensor:
        pooled = functional.max_pool2d(x.flatten(1, 2), size, ceil_mode=True)
        return pooled.unflatten(1, x.shape[1:3])

    def average(x: Tensor) -> Tensor:
        pooled = functional.avg_pool2d(x.flatten(1, 2), size, ceil_mode=True, count_include_pad=False)
        return pooled.unflatten(1, x.shape[1:3])

    largest.__doc__ = f"The largest value of every {size} x {size} window."
    average.__doc__ = f"The mean of every {size} x {size} window."
    words = f"of every {size} by {size} pixels of {{0}}"
    primitive(
        "encode", same(FeatureMap), source=AUTOGAS, name=f"max_pool{size}", cost=50.0 / size,
        phrase=f"the largest {words}",
    )(largest)  # fmt: skip
    primitive(
        "encode", same(FeatureMap), source="average pooling", name=f"mean_pool{size}", cost=12.0 / size,
        parity="odd", phrase=f"the mean {words}",
    )(average)  # fmt: skip


_pool(2)
_pool(4)


@primitive(
    "encode",
    same(FeatureMap),
    source=ATTENTION,
    cost=2.0,
    parity="absolute",
    range="nonnegative",
    phrase="the attention over space of {0}",
)
def attention_space(x: Tensor) -> Tensor:
    """`sample x 1 x height x width`: pixels * softmax over space of mean_channel |x| / 0.5."""
    strength = x.abs().mean(2, keepdim=True).div_(TEMPERATURE)
    return strength.flatten(3).softmax(3).view_as(strength) * (x.shape[3] * x.shape[4])


@primitive(
    "encode",
    same(FeatureMap),
    source=ATTENTION,
    cost=3.0,
    parity="absolute",
    range="nonnegative",
    phrase="the attention over channels of {0}",
)
def attention_channels(x: Tensor) -> Tensor:
    """`sample x channel x 1 x 1`: channels * softmax over channels of mean_space |x| / 0.5."""
    return x.abs().mean((3, 4), keepdim=True).div_(TEMPERATURE).softmax(2) * x.shape[2]


@primitive(
    "encode",
    same(FeatureMap),
    source=ATTENTION,
    cost=6.0,
    range="nonnegative",
    phrase="the attention over samples of {0}",
)
def attention_samples(x: Tensor) -> Tensor:
    """samples * softmax of x / 0.5 over samples: entries where one sample stands out."""
    return x.div(TEMPERATURE).softmax(1).mul_(x.shape[1])


@primitive(
    "encode",
    same(FeatureMap),
    source="MeCo (Jiang et al., 2023), which looks at one image",
    cost=0.3,
    parity="odd",
    idempotent=True,
)
def first_sample(x: Tensor) -> Tensor:
    """`1 x channel x height x width`: the first sample alone."""
    return x[:, :1].clone()


@primitive(
    "encode",
    same(FeatureMap),
    source="gradient magnitude (Prewitt, 1970)",
    cost=10.0,
    parity="even",
    range="nonnegative",
)
def edges(x: Tensor) -> Tensor:
    """Length of the spatial gradient by forward differences, 0 beyond the last row and column."""
    down = functional.pad(x.diff(dim=3), (0, 0, 0, 1))
    right = functional.pad(x.diff(dim=4), (0, 1))
    return torch.hypot(down, right)


@primitive(
    "reduce",
    maps((FeatureMap, LayerScalar)),
    source="total variation (Rudin et al., 1992)",
    cost=4.0,
    parity="even",
    range="nonnegative",
    phrase="the total variation of {0}",
)
def total_variation(x: Tensor) -> Tensor:
    """Mean |difference| of neighbours below plus mean |difference| of neighbours to the right. Higher is rougher."""
    result = x.new_zeros(len(x))
    for axis in (3, 4):
        if x.shape[axis] > 1:
            result = result + x.diff(dim=axis).abs_().flatten(1).mean(1)
    return result


@primitive(
    "augment",
    same(FeatureMap),
    source="mixed pairs of samples (Zhang et al., 2018)",
    cost=1.0,
    parity="odd",
    phrase="the preceding sample of {0}",
)
def roll_samples(x: Tensor) -> Tensor:
    """Every sample replaced by the one before it, the first by the last: the partner in a product or a mix-up."""
    return x.roll(1, 1)


@primitive(
    "augment",
    same(FeatureMap),
    source="mix-up (Zhang et al., 2018); Auto-GAS measure 'mixup'",
    cost=2.5,
    parity="odd",
    phrase="the mean of {0} over every sample and the one before",
)
def mix_samples(x: Tensor) -> Tensor:
    """The mean of every sample and the one before it."""
    return (x + x.roll(1, 1)).mul_(0.5)


@primitive(
    "augment", same(FeatureMap), source="horizontal flip", cost=2.0, parity="odd", phrase="the values, mirrored, of {0}"
)
def flip_space(x: Tensor) -> Tensor:
    """The map mirrored left to right."""
    return x.flip(4)


@primitive(
    "reduce",
    same(FeatureMap),
    source="sum over space, Fisher pruning (Theis et al., 2018)",
    cost=1.0,
    parity="odd",
    idempotent=True,
)
def sum_space(x: Tensor) -> Tensor:
    """`sample x channel x 1 x 1`: the sum over the pixels."""
    return x.sum((3, 4), keepdim=True)


def _shrink(suffix: str, axes: tuple[int, ...]) -> None:
    """Registers mean, largest and spread along one axis, which stays with length 1."""
    words = suffix[1:]

    def mean(x: Tensor) -> Tensor:
        return x.mean(axes, keepdim=True)

    def largest(x: Tensor) -> Tensor:
        return x.amax(axes, keepdim=True)

    def spread(x: Tensor) -> Tensor:
        return deviation(x, axes)

    mean.__doc__ = f"Mean over {words}; the axis stays with length 1."
    largest.__doc__ = f"Largest value over {words}; the axis stays with length 1."
    spread.__doc__ = f"Population standard deviation over {words}; the axis stays with length 1."
    source = "moments along an axis"
    primitive("reduce", same(FeatureMap), source=source, name=f"mean{suffix}", cost=1.0, parity="odd", idempotent=True)(
        mean
    )
    primitive("reduce", same(FeatureMap), source=source, name=f"max{suffix}", cost=3.0, idempotent=True)(largest)
    primitive(
        "reduce", same(FeatureMap), source=source, name=f"std{suffix}", cost=6.0, parity="even", range="nonnegative"
    )(spread)


_shrink("_samples", (1,))
_shrink("_channels", (2,))
_shrink("_space", (3, 4))
