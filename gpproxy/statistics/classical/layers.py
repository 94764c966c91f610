"""Contributions of the layers to the proxies that are sums over layers: what comes out is one number per layer.

A list has one entry per layer of the pass, a 0-dim float64 tensor, or None where the module was called before (its
weight is counted once). The proxies in `gradients` and `synflow` are sums of these lists.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from gpproxy.statistics.classical.proxy import gradients_of, weight_of
from gpproxy.statistics.passes import Layer, Passes

Contributions = list[Tensor | None]


def total(contributions: Contributions) -> Tensor:
    """Sum over the layers that have an entry."""
    return torch.stack([c for c in contributions if c is not None]).sum()


def layer_weight_norm(passes: Passes) -> Contributions:
    """Frobenius norm of the weight, `layer`; higher is larger weights. Source: l2_norm (Abdelfattah et al., 2021)."""
    return [_norm(weight_of(layer.module).detach()) if layer.first else None for layer in passes.noise.layers]


def layer_grad_norm(passes: Passes) -> Contributions:
    """Frobenius norm of the loss gradient of the weight, `layer`. Source: grad_norm (Abdelfattah et al., 2021)."""
    layers = gradients_of(passes)
    return [_norm(g) if g is not None else None for g in _weight_gradients(passes, layers)]


def layer_snip(passes: Passes) -> Contributions:
    """Sum of |weight * gradient|, `layer`. Source: SNIP (Lee et al., 2019)."""
    return [None if p is None else p.abs().sum(dtype=torch.float64) for p in _products(passes, gradients_of(passes))]


def layer_plain(passes: Passes) -> Contributions:
    """Signed sum of weight * gradient, `layer`. Source: plain (Mozer and Smolensky, 1989)."""
    return [None if p is None else p.sum(dtype=torch.float64) for p in _products(passes, gradients_of(passes))]


def layer_fisher(passes: Passes) -> Contributions:
    """Fan-in times the summed channel saliency, `layer`: half the mean over samples of (sum over positions of A dA)^2.

    The published code gives every weight the saliency of its output channel and adds them up, hence the fan-in. Several
    calls of one module add up. Source: Fisher pruning (Theis et al., 2018; Turner et al., 2020).
    """
    sums: dict[nn.Module, Tensor] = {}
    for layer in gradients_of(passes):
        module = layer.module
        axis = layer.activation.ndim - 1 if isinstance(module, nn.Linear) else 1
        assert layer.gradient is not None
        product = (layer.activation.detach() * layer.gradient).movedim(axis, 1)
        product = product.flatten(2) if product.ndim > 2 else product[..., None]  # vectors have no positions
        saliency = product.sum(2, dtype=torch.float64).square().mean(0).sum() / 2
        fan_in = weight_of(module).numel() / product.shape[1]
        sums[module] = sums.get(module, 0) + fan_in * saliency
    return [sums[layer.module] if layer.first else None for layer in passes.noise.layers]


def layer_synflow(passes: Passes) -> Contributions:
    """Sum of |weight| * gradient in the linearised network, `layer`, not logarithmic. Source: Tanaka et al., 2020."""
    record = passes.ones
    return [
        (weight_of(layer.module).detach() * record.weight_gradients[layer.module]).abs().sum() if layer.first else None
        for layer in record.layers
    ]


def _norm(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, dtype=torch.float64)


def _weight_gradients(passes: Passes, layers: Iterable[Layer]) -> list[Tensor | None]:
    return [passes.noise.weight_gradients[layer.module] if layer.first else None for layer in layers]


def _products(passes: Passes, layers: list[Layer]) -> Iterable[Tensor | None]:
    for layer, gradient in zip(layers, _weight_gradients(passes, layers)):
        yield None if gradient is None else weight_of(layer.module).detach() * gradient
