"""Initial weights from a generator that is passed in: the global random state is never touched."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

_WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)


def default_(module: nn.Module, generator: torch.Generator) -> None:
    """PyTorch's own initialisation of one convolution or linear layer (He et al., 2015, with a = sqrt 5)."""
    nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
    if module.bias is not None:
        fan_in, _ = nn.init._calculate_fan_in_and_fan_out(module.weight)
        bound = 1 / math.sqrt(fan_in)
        nn.init.uniform_(module.bias, -bound, bound, generator=generator)


def fan_out_(module: nn.Module, generator: torch.Generator) -> None:
    """Normal weights of variance 2 / fan_out, zero bias (He et al., 2015)."""
    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def materialise(
    network: nn.Module,
    generator: torch.Generator | None,
    rule: Callable[[str], Callable[[nn.Module, torch.Generator], None]] = lambda name: default_,
) -> nn.Module:
    """Gives a network that was built on the meta device its memory and initial weights.

    Args:
        network: built under `torch.device("meta")`.
        generator: source of all weights; None leaves the network on the meta device.
        rule: initialisation for the weighted layer of a given module name.
    """
    network.train()
    if generator is None:
        return network
    network.to_empty(device="cpu")
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, _WEIGHTED):
                rule(name)(module, generator)
            elif hasattr(module, "reset_parameters"):  # norms: weight 1, bias 0, running mean 0, variance 1
                module.reset_parameters()
    return network
