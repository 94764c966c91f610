"""Kernels and per-channel moments of every layer, of the full tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives.types import ChannelVector, SampleKernel
from gpproxy.recording.operations import SMOOTH
from gpproxy.statistics.absent import NO_RECTIFIER_AT_LAYER, AbsentPass
from gpproxy.statistics.cut import Sizes, as_map, cut_channels
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import statistic


@statistic(SampleKernel, source="Mellor et al., 2021 (NASWOT)", range="nonnegative", reads="plain", linear_regions=True)
def agreement(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Number of rectifier inputs on which two samples agree in sign."""
    kernels: list[Tensor | None] = []
    smooth: set[str] = set()
    for layer in passes.noise.layers:
        if layer.preactivation is None or layer.rectifier in SMOOTH:
            smooth |= {layer.rectifier} - {""}
            kernels.append(None)
            continue
        # Written as numbers at once: a bool that is converted afterwards costs as much as the product.
        code = torch.gt(layer.preactivation, 0, out=torch.empty_like(layer.preactivation)).flatten(1)
        both = code @ code.T
        active = both.diagonal()
        kernels.append(both + both + (code.shape[1] - active[:, None] - active))
    if not smooth and all(kernel is None for kernel in kernels):
        raise AbsentPass(NO_RECTIFIER_AT_LAYER)
    if all(kernel is None for kernel in kernels):
        raise AbsentPass(
            f"This generator has no linear regions, which agreement compares: its activations are smooth "
            f"({', '.join(sorted(smooth))}). covariance_samples(preactivation) and cosine_samples(preactivation) are "
            "kernels that need none."
        )
    return kernels


def _moments(passes: Passes, quantity: str, sizes: Sizes) -> list[tuple[Tensor, Tensor]]:
    """Standard deviation and mean of a map per channel that is kept, over samples and positions, for every layer."""
    key = quantity, sizes.channels
    if key not in passes.memo:
        maps = (cut_channels(as_map(getattr(layer, quantity)), sizes, axis=1) for layer in passes.noise.layers)
        passes.memo[key] = [torch.std_mean(m, dim=(0, 2, 3), correction=0) for m in maps]
    return passes.memo[key]


@statistic(ChannelVector, source="gpproxy", reads="plain")
def channel_mean(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Mean of `activation` over samples and positions, per channel."""
    return [mean for std, mean in _moments(passes, "activation", sizes)]


@statistic(ChannelVector, source="gpproxy", range="nonnegative", reads="plain")
def channel_std(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Standard deviation of `activation` over samples and positions, per channel."""
    return [std for std, mean in _moments(passes, "activation", sizes)]


@statistic(ChannelVector, source="gpproxy", backward=True, reads="gradients")
def gradient_channel_mean(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Mean of `gradient` over samples and positions, per channel."""
    return [mean for std, mean in _moments(passes, "gradient", sizes)]


@statistic(ChannelVector, source="gpproxy", backward=True, range="nonnegative", reads="gradients")
def gradient_channel_std(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Standard deviation of `gradient` over samples and positions, per channel."""
    return [std for std, mean in _moments(passes, "gradient", sizes)]
