"""Cuts full tensors to the sizes that keep a whole table in memory: evenly spaced samples of channels and positions.

Subsampling, unlike pooling, keeps the marginal distribution (signs, spread, tails) of what is cut. This file needs
torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sizes:
    """Largest number of samples, channels, positions per side, and weights per filter that a cut value keeps."""

    samples: int = 8
    channels: int = 16
    positions: int = 4
    fan_in: int = 64


def spaced(length: int, count: int) -> Tensor:
    """At most `count` evenly spaced indices below `length`, on the CPU."""
    count = min(length, count)
    # (2 i + 1) length / 2 count, rounded down
    return torch.div(
        torch.arange(length, 2 * count * length, 2 * length, device="cpu"), 2 * count, rounding_mode="floor"
    )


def as_map(value: Tensor) -> Tensor:
    """`sample x channel x height x width`: missing axes are added, a sequence gets height 1, a volume is stacked.

    Whole numbers become floats.
    """
    if not value.is_floating_point():
        value = value.float()
    if value.ndim == 1:
        return value[:, None, None, None]
    if value.ndim == 2:
        return value[:, :, None, None]
    if value.ndim == 3:
        return value[:, :, None, :]
    if value.ndim > 4:
        return value.flatten(2, -2)
    return value


def cut_map(value: Tensor, sizes: Sizes) -> Tensor:
    """A feature map cut to `samples x channels x positions x positions` at most."""
    value = as_map(value.detach())[: sizes.samples]
    for axis, count in ((1, sizes.channels), (2, sizes.positions), (3, sizes.positions)):
        if value.shape[axis] > count:
            value = value.index_select(axis, spaced(value.shape[axis], count).to(value.device))
    return value.contiguous()


def cut_channels(value: Tensor, sizes: Sizes, axis: int = 0) -> Tensor:
    """A vector over channels, or what has them in an axis, at the channels that `cut_map` keeps."""
    if value.shape[axis] <= sizes.channels:
        return value
    return value.index_select(axis, spaced(value.shape[axis], sizes.channels).to(value.device))


def cut_filters(filters: Tensor, sizes: Sizes) -> Tensor:
    """`out x fan_in` cut at the channels that `cut_map` keeps, and to evenly spaced inputs."""
    filters = filters.detach()
    for axis, count in ((0, sizes.channels), (1, sizes.fan_in)):
        if filters.shape[axis] > count:
            filters = filters.index_select(axis, spaced(filters.shape[axis], count).to(filters.device))
    return filters.contiguous()
