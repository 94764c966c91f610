"""Proxies of how the output answers to the input: correlation of input gradients, Gaussian complexity."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from gpproxy.recording.layer import Layer
from gpproxy.statistics.classical.proxy import fixed, proxy
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.plain_copy import plain_copy

#: Modules that hold the gain and shift of a norm.
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


@proxy(source="Mellor et al., 2020; Abdelfattah et al., 2021", needs_backward=True)
def jacov(passes: Passes) -> float | Tensor:
    """Minus the sum of log(v + k) + 1 / (v + k), v the eigenvalues of the correlation of the input gradients, k = 1e-5.

    The input gradient is that of the summed output. `-samples` when the gradients are uncorrelated, less otherwise; NaN
    when one of them is constant, or there are fewer than two samples.
    """
    if len(passes.input_gradient) < 2:
        return torch.nan
    correlation = torch.atleast_2d(torch.corrcoef(passes.input_gradient.double()))
    if not torch.isfinite(correlation).all():
        return torch.nan
    eigenvalues = torch.linalg.eigvalsh(correlation).clamp_min(0) + 1e-5
    return -(eigenvalues.log() + 1 / eigenvalues).sum()


@proxy(source="Lin et al., 2021", forwards=2)
def zen(passes: Passes) -> Tensor:
    """Log of the mean absolute change of the features under input noise of 0.01, plus the log scales of the norms.

    Weights and inputs are redrawn from N(0, 1), biases are 0, norms have gain 1. Features are the input of the last
    weighted layer (published: before the global pooling, which a generator does not have); scales are square roots of
    the mean running variance after both passes, as coded by the authors.
    """
    passes.refuse_numbers("pass of zen")
    generator = fixed(1)
    network = plain_copy(passes.network)
    _redraw(network, passes.noise.layers, generator)
    x, noise = (
        torch.randn(passes.inputs.shape, generator=generator, device=generator.device).to(passes.inputs)
        for _ in range(2)
    )
    calls = []
    with torch.no_grad():
        for inputs in (x, x + 0.01 * noise):
            record = passes.record(passes.batch.with_visible(inputs), "zen", network=network, kept=True)
            features = [layer.inflow for layer in record.layers if layer.inflow is not None]
            calls.append(features[-1])
    value = (calls[0] - calls[1]).double().abs().flatten(1).sum(1).mean().log()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_var is not None:
            value = value + module.running_var.double().mean().sqrt().log()
    return value


def _redraw(network: nn.Module, layers: list[Layer], generator: torch.Generator) -> None:
    """Gaussian weights, no biases, neutral norms, fresh running statistics."""
    weights = {_plain(name) for layer in layers for name in layer.sources}
    biases = {_plain(name) for layer in layers for name in layer.bias_sources}
    with torch.no_grad():
        for path, module in network.named_modules():
            if isinstance(module, NORMS):
                if isinstance(module, nn.modules.batchnorm._NormBase):
                    module.reset_running_stats()
                for value, parameter in ((1, module.weight), (0, getattr(module, "bias", None))):
                    if parameter is not None:
                        parameter.fill_(value)
                continue
            for name, parameter in module.named_parameters(path, recurse=False):
                if name in weights:
                    parameter.copy_(torch.randn(parameter.shape, generator=generator, device=generator.device))
                elif name in biases:
                    parameter.zero_()


def _plain(name: str) -> str:
    """What a parameter of a normalised weight is called in a plain copy."""
    return re.sub(r"parametrizations\.(\w+)\.original\d*$|(\w+)_(?:orig|g|v)$", r"\1\2", name)
