"""Copies of networks whose weights are plain parameters, whatever normalises or else makes them in the original.

This file needs torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations
from torch.nn.utils.spectral_norm import SpectralNorm, remove_spectral_norm
from torch.nn.utils.weight_norm import WeightNorm, remove_weight_norm

from gpproxy.statistics.undisturbed import duplicate


def plain_copy(network: nn.Module) -> nn.Module:
    """A copy whose weights are plain parameters: what normalises or else makes them is taken off, and the values that a
    pass would use stay.
    """
    network = duplicate(network)
    for module in list(network.modules()):
        if is_parametrized(module):
            values = {name: getattr(module, name).detach().clone() for name in module.parametrizations}  # type: ignore[union-attr]
            # By hand: torch would take the weight off the class, which the network that was copied shares.
            module.__class__ = type_before_parametrizations(module)
            del module.parametrizations
            for name, value in values.items():
                module.register_parameter(name, nn.Parameter(value))
        for hook in list(module._forward_pre_hooks.values()):
            if isinstance(hook, SpectralNorm):
                hook(module, None)
                remove_spectral_norm(module, hook.name)
            elif isinstance(hook, WeightNorm):
                remove_weight_norm(module, hook.name)
    return network
