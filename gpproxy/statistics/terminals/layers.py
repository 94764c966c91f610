"""One number per layer: its structure and its share of the classical proxies, of the full tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives.types import LayerScalar
from gpproxy.statistics.classical import layers as classical
from gpproxy.statistics.cut import Sizes, as_map
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import statistic


def _numbers(values: list[float]) -> list[Tensor | None]:
    return [torch.tensor(float(v), dtype=torch.float64, device="cpu") for v in values]


@statistic(LayerScalar, source="structure", range="positive", reads="plain")
def channels(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Output channels of the layer."""
    return _numbers([layer.activation.shape[1] for layer in passes.noise.layers])


@statistic(LayerScalar, source="structure", range="positive", reads="plain")
def resolution(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Side of the layer's output in pixels, 1 for a linear layer."""
    return _numbers([as_map(layer.activation).shape[3] for layer in passes.noise.layers])


@statistic(LayerScalar, source="structure", range="nonnegative", reads="plain")
def depth(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Position of the layer in order of execution, 0 first, 1 last."""
    last = max(len(passes.noise.layers) - 1, 1)
    return _numbers([i / last for i in range(len(passes.noise.layers))])


@statistic(LayerScalar, source="structure", range="positive", reads="plain")
def fan_in(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Weights per output channel."""
    return _numbers([layer.fan_in for layer in passes.noise.layers])


@statistic(LayerScalar, source="structure", range="positive", reads="plain")
def params(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Weights and biases of the layer, at its first call."""
    numbers = [
        layer.weight.numel() + (0 if layer.bias is None else layer.bias.numel()) for layer in passes.noise.layers
    ]
    return [n if layer.first else None for n, layer in zip(_numbers(numbers), passes.noise.layers)]


@statistic(LayerScalar, source="structure", range="positive", reads="plain")
def macs(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Multiply-accumulates of the layer for one sample; a transposed convolution's are counted at its input."""
    return _numbers([layer.macs for layer in passes.noise.layers])


@statistic(LayerScalar, source="Abdelfattah et al., 2021", range="nonnegative", reads="plain")
def layer_weight_norm(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Frobenius norm of the weight."""
    return classical.layer_weight_norm(passes)


@statistic(LayerScalar, source="Abdelfattah et al., 2021", backward=True, range="nonnegative", reads="gradients")
def layer_grad_norm(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Frobenius norm of the weight gradient."""
    return classical.layer_grad_norm(passes)


@statistic(LayerScalar, source="Lee et al., 2019 (SNIP)", backward=True, range="nonnegative", reads="gradients")
def layer_snip(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Sum of |weight * weight gradient|."""
    return classical.layer_snip(passes)


@statistic(
    LayerScalar, source="Theis et al., 2018; Turner et al., 2020", backward=True, range="nonnegative", reads="gradients"
)
def layer_fisher(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Fisher information of the channels, counted once per weight."""
    return classical.layer_fisher(passes)


@statistic(LayerScalar, source="Tanaka et al., 2020", backward=True, range="nonnegative", reads="ones")
def layer_synflow(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Synaptic flow through the layer; it grows with depth up to 1e100."""
    return classical.layer_synflow(passes)
