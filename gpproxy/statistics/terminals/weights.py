"""Weights of every layer and their gradients, cut to evenly spaced filters and inputs.

A layer whose module was called before has none: its weight is counted once.
"""

from __future__ import annotations

from torch import Tensor, nn

from gpproxy.primitives.types import Weight
from gpproxy.statistics.cut import Sizes, as_filters, cut_filters
from gpproxy.statistics.passes import Layer, Passes
from gpproxy.statistics.statistic import statistic

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d)


def filters(layer: Layer, weight: Tensor) -> Tensor:
    """`out x fan_in`, the weight (or its gradient) of a layer."""
    return as_filters(weight, isinstance(layer.module, TRANSPOSED))


@statistic(Weight, source="Tanaka et al., 2020 (SynFlow)")
def weight(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Weight of every layer, at its first call."""
    return [
        cut_filters(filters(layer, layer.module.weight), sizes) if layer.first else None  # type: ignore[arg-type]
        for layer in passes.noise.layers
    ]


@statistic(Weight, source="Lee et al., 2019 (SNIP)", backward=True)
def weight_gradient(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Gradient of the loss with respect to `weight`."""
    gradients = passes.noise.weight_gradients
    return [
        cut_filters(filters(layer, gradients[layer.module]), sizes) if layer.first else None
        for layer in passes.noise.layers
    ]


@statistic(Weight, source="Tanaka et al., 2020 (SynFlow)", backward=True)
def ones_gradient(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Gradient of the summed output of the all-ones pass with respect to |weight|; float64, it grows with depth."""
    gradients = passes.ones.weight_gradients
    return [
        cut_filters(filters(layer, gradients[layer.module]), sizes) if layer.first else None
        for layer in passes.ones.layers
    ]
