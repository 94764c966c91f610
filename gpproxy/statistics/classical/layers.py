"""Contributions of the layers to the proxies that are sums over layers: what comes out is one number per layer.

A list has one entry per layer of the pass, a 0-dim float64 tensor, or None where its weight was used before (it is
counted once). The proxies in `gradients` and `synflow` are sums of these lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from gpproxy.recording.layer import Layer
from gpproxy.statistics.classical.proxy import gradients_of
from gpproxy.statistics.passes import Passes

Contributions = list[Tensor | None]


def total(contributions: Contributions) -> Tensor:
    """Sum over the layers that have an entry."""
    return torch.stack([c for c in contributions if c is not None]).sum()


def layer_weight_norm(passes: Passes) -> Contributions:
    """Frobenius norm of the weight, `layer`; higher is larger weights. Source: l2_norm (Abdelfattah et al., 2021)."""
    return [_norm(layer.weight) if layer.first else None for layer in passes.noise.layers]


def layer_grad_norm(passes: Passes) -> Contributions:
    """Frobenius norm of the loss gradient of the weight, `layer`. Source: grad_norm (Abdelfattah et al., 2021)."""
    gradients = [layer.weight_gradient for layer in gradients_of(passes)]
    return [None if g is None else _norm(g) for g in gradients]


def layer_snip(passes: Passes) -> Contributions:
    """Sum of |weight * gradient|, `layer`. Source: SNIP (Lee et al., 2019)."""
    return [None if found is None else found[1] for found in _saliencies(passes)]


def layer_plain(passes: Passes) -> Contributions:
    """Signed sum of weight * gradient, `layer`. Source: plain (Mozer and Smolensky, 1989)."""
    return [None if found is None else found[0] for found in _saliencies(passes)]


def layer_fisher(passes: Passes) -> Contributions:
    """Fan-in times the summed channel saliency, `layer`: half the mean over samples of (sum over positions of A dA)^2.

    The published code gives every weight the saliency of its output channel and adds them up, hence the fan-in. Several
    calls with one weight add up. Source: Fisher pruning (Theis et al., 2018; Turner et al., 2020).
    """
    sums: dict[object, Tensor] = {}
    for layer in gradients_of(passes):
        product = layer.activation * layer.gradient
        product = product.flatten(2) if product.ndim > 2 else product[..., None]  # vectors have no positions
        saliency = product.sum(2, dtype=torch.float64).square().mean(0).sum() / 2
        fan_in = layer.weight.numel() / product.shape[1]
        sums[layer.call.key] = sums.get(layer.call.key, 0) + fan_in * saliency
    return [sums[layer.call.key] if layer.first else None for layer in passes.noise.layers]


def layer_synflow(passes: Passes) -> Contributions:
    """Sum of |weight| * gradient in the linearised network, `layer`, not logarithmic. Source: Tanaka et al., 2020."""
    return [None if product is None else product.abs_().sum() for product in _products(passes.ones.layers)]


def _saliencies(passes: Passes) -> list[tuple[Tensor, Tensor] | None]:
    """Sums of weight * gradient of the loss and of |weight * gradient|, of every layer; computed once per look."""
    if "saliencies" not in passes.memo:
        passes.memo["saliencies"] = [
            None if product is None else (product.sum(dtype=torch.float64), product.abs_().sum(dtype=torch.float64))
            for product in _products(gradients_of(passes))
        ]
    return passes.memo["saliencies"]


def _norm(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, dtype=torch.float64)


def _products(layers: Iterable[Layer]) -> Iterator[Tensor | None]:
    """Weight * gradient of every layer, at its first call; each is made when it is asked for."""
    for layer in layers:
        yield None if layer.weight_gradient is None else layer.weight * layer.weight_gradient
