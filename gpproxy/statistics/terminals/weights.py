"""Weights of every layer and their gradients, cut to evenly spaced filters and inputs.

A layer whose module was called before has none: its weight is counted once.
"""

from __future__ import annotations

from torch import Tensor

from gpproxy.primitives.types import Weight
from gpproxy.statistics.classical.proxy import gradients_of
from gpproxy.statistics.cut import Sizes, cut_filters
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import statistic


@statistic(Weight, source="Tanaka et al., 2020 (SynFlow)", reads="plain")
def weight(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Weight of every layer, at its first call."""
    return [cut_filters(layer.weight.flatten(1), sizes) if layer.first else None for layer in passes.noise.layers]


@statistic(Weight, source="Lee et al., 2019 (SNIP)", backward=True, reads="gradients")
def weight_gradient(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Gradient of the loss with respect to `weight`."""
    gradients = [layer.weight_gradient for layer in gradients_of(passes)]
    return [None if g is None else cut_filters(g.flatten(1), sizes) for g in gradients]


@statistic(Weight, source="Tanaka et al., 2020 (SynFlow)", backward=True, reads="ones")
def ones_gradient(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Gradient of the summed output of the all-ones pass with respect to |weight|; float64, it grows with depth."""
    gradients = [layer.weight_gradient for layer in passes.ones.layers]
    return [None if g is None else cut_filters(g.flatten(1), sizes) for g in gradients]
