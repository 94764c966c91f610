"""Feature maps of every layer, cut to evenly spaced samples, channels and positions; they keep their scale."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from gpproxy.primitives.types import FeatureMap
from gpproxy.statistics.absent import NO_RECTIFIER_AT_LAYER, AbsentPass
from gpproxy.statistics.cut import Sizes, as_map, cut_map
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import statistic


@statistic(FeatureMap, source="Mellor et al., 2021", reads="plain")
def activation(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Output of every weighted layer."""
    return [cut_map(layer.activation, sizes) for layer in passes.noise.layers]


@statistic(FeatureMap, source="Turner et al., 2020", backward=True, reads="gradients")
def gradient(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Gradient of the loss with respect to `activation`."""
    return [cut_map(layer.gradient, sizes) for layer in passes.noise.layers]  # type: ignore[arg-type]


@statistic(FeatureMap, source="Mellor et al., 2021", reads="plain")
def preactivation(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Input of the rectifier attached to the layer, smooth ones (SiLU, GELU, ...) among them."""
    values = [layer.preactivation for layer in passes.noise.layers]
    if all(value is None for value in values):
        raise AbsentPass(NO_RECTIFIER_AT_LAYER)
    return [None if value is None else cut_map(value, sizes) for value in values]


@statistic(FeatureMap, source="Lin et al., 2021 (Zen-NAS)")
def perturbed(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """`activation` when Gaussian noise is added to the input."""
    return [cut_map(layer.activation, sizes) for layer in passes.perturbed.layers]


@statistic(FeatureMap, source="gpproxy", reads="plain")
def input(passes: Passes, sizes: Sizes) -> list[Tensor | None]:  # noqa: A001
    """The network's input, averaged over the patches that belong to the positions of `activation`."""
    image = as_map(passes.inputs)[: sizes.samples]
    pooled: dict[tuple[int, int], Tensor] = {}
    patches = []
    for layer in passes.noise.layers:
        side = tuple(min(s, sizes.positions) for s in as_map(layer.activation).shape[2:])
        if side not in pooled:
            pooled[side] = cut_map(F.adaptive_avg_pool2d(image, side), sizes)  # type: ignore[arg-type, index]
        patches.append(pooled[side])  # type: ignore[index]
    return patches  # type: ignore[return-value]
