"""Proxies of how the output answers to the input: correlation of input gradients, Gaussian complexity."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from gpproxy.statistics.classical.proxy import fixed, proxy
from gpproxy.statistics.passes import NORMS, WEIGHTED, Passes


@proxy(source="Mellor et al., 2020; Abdelfattah et al., 2021", needs_backward=True)
def jacov(passes: Passes) -> Tensor:
    """Minus the sum of log(v + k) + 1 / (v + k), v the eigenvalues of the correlation of the input gradients, k = 1e-5.

    The input gradient is that of the summed output. `-samples` when the gradients are uncorrelated, less otherwise; NaN
    when one of them is constant.
    """
    correlation = torch.atleast_2d(torch.corrcoef(passes.input_gradient.double()))
    if not torch.isfinite(correlation).all():
        return torch.tensor(torch.nan)
    eigenvalues = torch.linalg.eigvalsh(correlation).clamp_min(0) + 1e-5
    return -(eigenvalues.log() + 1 / eigenvalues).sum()


@proxy(source="Lin et al., 2021", forwards=2)
def zen(passes: Passes) -> Tensor:
    """Log of the mean absolute change of the features under input noise of 0.01, plus the log scales of the norms.

    Weights and inputs are redrawn from N(0, 1), biases are 0, norms have gain 1. Features are the input of the last
    weighted layer (published: before the global pooling, which a generator does not have); scales are square roots of
    the mean running variance after both passes, as coded by the authors.
    """
    generator = fixed(1)
    network = copy.deepcopy(passes.network)
    _redraw(network, generator)
    x, noise = (torch.randn(passes.inputs.shape, generator=generator).to(passes.inputs) for _ in range(2))
    features: list[Tensor] = []
    last = network.get_submodule(passes.noise.layers[-1].name)
    last.register_forward_pre_hook(lambda module, inputs: features.append(inputs[0].clone()))
    calls = []
    with torch.no_grad():
        for inputs in (x, x + 0.01 * noise):
            passes.batch.with_visible(inputs).call(network)
            calls.append(features[-1])
    value = (calls[0] - calls[1]).double().abs().flatten(1).sum(1).mean().log()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_var is not None:
            value = value + module.running_var.double().mean().sqrt().log()
    return value


def _redraw(network: nn.Module, generator: torch.Generator) -> None:
    """Gaussian weights, neutral norms, fresh running statistics."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, WEIGHTED):
                module.weight.copy_(torch.randn(module.weight.shape, generator=generator))
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, NORMS):
                if isinstance(module, nn.modules.batchnorm._NormBase):
                    module.reset_running_stats()
                if getattr(module, "weight", None) is not None:
                    module.weight.fill_(1)
                if getattr(module, "bias", None) is not None:
                    module.bias.zero_()
