"""One number per layer: its structure and its share of the classical proxies, of the full tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives.types import LayerScalar
from gpproxy.statistics.classical import layers as classical
from gpproxy.statistics.cut import Sizes, as_map
from gpproxy.statistics.passes import Layer, Passes
from gpproxy.statistics.statistic import statistic
from gpproxy.statistics.terminals.weights import TRANSPOSED, filters


def _numbers(values: list[float]) -> list[Tensor | None]:
    return [torch.tensor(float(v), dtype=torch.float64) for v in values]


@statistic(LayerScalar, source="structure")
def channels(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Output channels of the layer."""
    return _numbers([layer.activation.shape[1] for layer in passes.noise.layers])


@statistic(LayerScalar, source="structure")
def resolution(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Side of the layer's output in pixels, 1 for a linear layer."""
    return _numbers([as_map(layer.activation).shape[3] for layer in passes.noise.layers])


@statistic(LayerScalar, source="structure")
def depth(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Position of the layer in order of execution, 0 first, 1 last."""
    last = max(len(passes.noise.layers) - 1, 1)
    return _numbers([i / last for i in range(len(passes.noise.layers))])


@statistic(LayerScalar, source="structure")
def fan_in(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Weights per output channel."""
    weights = [filters(layer, layer.module.weight) for layer in passes.noise.layers]  # type: ignore[arg-type]
    return _numbers([weight.shape[1] for weight in weights])


@statistic(LayerScalar, source="structure")
def params(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Weights and biases of the layer, at its first call."""
    return [
        torch.tensor(float(sum(p.numel() for p in layer.module.parameters())), dtype=torch.float64)
        if layer.first
        else None
        for layer in passes.noise.layers
    ]


@statistic(LayerScalar, source="structure")
def macs(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Multiply-accumulates of the layer for one sample; a transposed convolution's are counted at its input."""
    return _numbers([layer_macs(layer) for layer in passes.noise.layers])


def layer_macs(layer: Layer) -> float:
    """Multiply-accumulates of one call for one sample."""
    seen = layer.inflow if isinstance(layer.module, TRANSPOSED) else layer.activation
    # Every weight acts once at each position of the smaller grid.
    positions = as_map(seen)[0, 0].numel()  # type: ignore[arg-type]
    return float(layer.module.weight.numel() * positions)  # type: ignore[operator]


@statistic(LayerScalar, source="Abdelfattah et al., 2021")
def layer_weight_norm(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Frobenius norm of the weight."""
    return classical.layer_weight_norm(passes)


@statistic(LayerScalar, source="Abdelfattah et al., 2021", backward=True)
def layer_grad_norm(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Frobenius norm of the weight gradient."""
    return classical.layer_grad_norm(passes)


@statistic(LayerScalar, source="Lee et al., 2019 (SNIP)", backward=True)
def layer_snip(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Sum of |weight * weight gradient|."""
    return classical.layer_snip(passes)


@statistic(LayerScalar, source="Theis et al., 2018; Turner et al., 2020", backward=True)
def layer_fisher(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Fisher information of the channels, counted once per weight."""
    return classical.layer_fisher(passes)


@statistic(LayerScalar, source="Tanaka et al., 2020", backward=True)
def layer_synflow(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Synaptic flow through the layer; it grows with depth up to 1e100."""
    return classical.layer_synflow(passes)
