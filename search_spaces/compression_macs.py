"""Multiply-accumulates of a network as GAN Compression publishes them (Li et al., 2020).

The rule differs from a true count in two ways: a transposed convolution counts at its output pixels (four times what
it computes at stride 2), and every normalisation counts one per element. Activations, sums and resizing are free.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
NORMS = (nn.modules.batchnorm._NormBase,)


def compression_macs(network: nn.Module, inputs: Tensor, norms: bool = True) -> int:
    """Published-rule MACs for one sample of the batch `sample x channel x height x width`; meta tensors will do.

    Args:
        norms: count the normalisations. Logs of other authors leave them out.
    """
    total = [0]

    def after_convolution(module: Any, arguments: tuple, output: Tensor) -> None:
        inputs_per_group = module.in_channels // module.groups
        total[0] += math.prod(module.kernel_size) * inputs_per_group * output[0].numel()

    def after_norm(module: nn.Module, arguments: tuple, output: Tensor) -> None:
        total[0] += output[0].numel()

    handles = []
    try:
        for module in network.modules():
            if isinstance(module, CONVOLUTIONS):
                handles.append(module.register_forward_hook(after_convolution))
            elif norms and isinstance(module, NORMS):
                handles.append(module.register_forward_hook(after_norm))
        with torch.no_grad():
            network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return total[0]
