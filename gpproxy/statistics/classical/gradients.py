"""Proxies of the weights and their loss gradients on one batch."""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.statistics.classical.layers import (
    layer_fisher,
    layer_grad_norm,
    layer_plain,
    layer_snip,
    layer_weight_norm,
    total,
)
from gpproxy.statistics.classical.proxy import proxy, weights_of
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.single_pass import forward, refuse_cut, wide


@proxy(source="Abdelfattah et al., 2021")
def l2_norm(passes: Passes) -> Tensor:
    """Sum over layers of the Frobenius norm of the weight."""
    return total(layer_weight_norm(passes))


@proxy(source="Abdelfattah et al., 2021", needs_backward=True)
def grad_norm(passes: Passes) -> Tensor:
    """Sum over layers of the Frobenius norm of the weight gradient (not the norm of all gradients together)."""
    return total(layer_grad_norm(passes))


@proxy(source="Lee et al., 2019", needs_backward=True)
def snip(passes: Passes) -> Tensor:
    """Sum of |weight * gradient|: the gradient of a mask of ones on the weights."""
    return total(layer_snip(passes))


@proxy(source="Mozer and Smolensky, 1989; Abdelfattah et al., 2021", needs_backward=True)
def plain(passes: Passes) -> Tensor:
    """Sum of weight * gradient, signed."""
    return total(layer_plain(passes))


@proxy(source="Theis et al., 2018; Turner et al., 2020", needs_backward=True)
def fisher(passes: Passes) -> Tensor:
    """Sum over weights of their output channel's Fisher information on the activations of convolutions."""
    return total(layer_fisher(passes))


@proxy(source="Wang et al., 2020", forwards=1, backwards=3, needs_backward=True)
def grasp(passes: Passes) -> float | Tensor:
    """Minus the sum of weight * (Hessian * gradient): the loss of gradient flow that removing the weights causes.

    Temperature 1, the whole batch in one piece. Zero where the gradient does not depend on the weights.
    """
    with torch.enable_grad(), passes.apart(passes.PLAIN):
        record = forward(passes.network, passes.batch)
        weights, loss = weights_of(record), passes.loss(wide(record.output), passes.batch.own())
        first = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
        refuse_cut(first)
        products = [(g.detach() * g).sum() for g in first if g is not None and g.requires_grad]
        if not products:
            return 0.0
        second = torch.autograd.grad(torch.stack(products).sum(), weights, allow_unused=True)
    pairs = [(w.detach(), h) for w, h in zip(weights, second) if h is not None]
    return torch.stack([-(w * h).sum(dtype=torch.float64) for w, h in pairs]).sum()
