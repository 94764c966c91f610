"""Initial weights from a generator that is passed in: the global random state is never touched."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from gpproxy.errors import SpaceError

_WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)
#: Layers whose reset_parameters draws nothing.
_FIXED = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.PReLU)
#: What the rules and the resets fill.
_FILLED = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


def default_(module: Any, generator: torch.Generator) -> None:
    """PyTorch's own initialisation of one convolution or linear layer (He et al., 2015, with a = sqrt 5)."""
    nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
    if module.bias is not None:
        fan_in, _ = nn.init._calculate_fan_in_and_fan_out(module.weight)
        bound = 1 / math.sqrt(fan_in)
        nn.init.uniform_(module.bias, -bound, bound, generator=generator)


def fan_out_(module: Any, generator: torch.Generator) -> None:
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

    A module with other parameters or buffers than those of convolutions, linear layers and norms fills them itself, in
    a method `initialise_(generator)` that draws from the generator only.

    Args:
        network: built under `torch.device("meta")`.
        generator: source of all weights; None leaves the network on the meta device.
        rule: initialisation for the weighted layer of a given module name.

    Raises SpaceError for a parameter or buffer that nothing would fill.
    """
    network.train()
    if generator is None:
        return network
    for name, module in network.named_modules():
        _refuse_unfilled(name, module)
    network.to_empty(device="cpu")
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, _WEIGHTED):
                rule(name)(module, generator)
            elif isinstance(module, _FIXED):  # weight 1, bias 0, running mean 0, variance 1; 0.25 in a PReLU
                module.reset_parameters()
            if hasattr(module, "initialise_"):
                module.initialise_(generator)
    return network


def _refuse_unfilled(name: str, module: nn.Module) -> None:
    """Raises SpaceError for a module with a tensor of its own that would stay as the memory was before."""
    if hasattr(module, "initialise_"):
        return
    filled = _FILLED if isinstance(module, (*_WEIGHTED, *_FIXED)) else set()
    tensors = {"parameter": module.named_parameters(recurse=False), "buffer": module.named_buffers(recurse=False)}
    for kind, own in tensors.items():
        for tensor, _ in own:
            if tensor not in filled:
                place = f"{name}.{tensor}" if name else tensor
                raise SpaceError(
                    f"materialise has no initial values for the {kind} {place} of {type(module).__name__}: it knows "
                    "convolutions, linear layers and norms. Give the module's class a method initialise_(generator) "
                    "that fills its parameters and buffers, with random numbers from the generator only."
                )
