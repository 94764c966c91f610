"""Structural descriptors of a generator: the trivial baselines that every proxy has to beat.

In: a network and a batch, both on the meta device, so nothing is computed. Out: plain numbers.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gpproxy.search_spaces.batch import Batch

WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish)


def describe(network: nn.Module, batch: Batch) -> dict[str, float]:
    """Descriptors for one sample of a batch of two: one would leave batch norm nothing to normalise over on 1 x 1 maps.

    Returns:
        params: parameters; macs: multiply-accumulates of convolutions and linear layers (FLOPs = 2 MACs);
        depth: calls of weighted layers; log_activations: natural log of the number of rectifier inputs;
        min_resolution, mean_log_resolution: side of the weighted layers' outputs, log to base 2;
        max_channels: widest weighted layer.
    """
    resolutions: list[int] = []
    channels: list[int] = []
    activations = [0]

    def see_layer(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        channels.append(output.shape[1])
        if output.ndim == 4:
            resolutions.append(output.shape[2])

    def see_rectifier(module: nn.Module, inputs: tuple) -> None:
        activations[0] += inputs[0].numel()

    for module in network.modules():
        if isinstance(module, WEIGHTED):
            module.register_forward_hook(see_layer)
        elif isinstance(module, RECTIFIERS):
            module.register_forward_pre_hook(see_rectifier)
    total = macs(network, batch)
    return {
        "params": float(sum(p.numel() for p in network.parameters())),
        "macs": total,
        "depth": float(len(channels)),
        "log_activations": math.log(max(activations[0] / 2, 1)),
        "min_resolution": float(min(resolutions, default=1)),
        "mean_log_resolution": sum(math.log2(r) for r in resolutions) / max(len(resolutions), 1),
        "max_channels": float(max(channels, default=0)),
    }


def macs(network: nn.Module, batch: Batch) -> float:
    """Multiply-accumulates of convolutions and linear layers for one sample of the batch (FLOPs = 2 MACs)."""
    slopes = [parameter for parameter in network.parameters() if parameter.requires_grad]
    try:
        for parameter in slopes:  # torch's counter fails on views of parameters that a module is given
            parameter.requires_grad_(False)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            batch.call(network)
    finally:
        for parameter in slopes:
            parameter.requires_grad_(True)
    return counter.get_total_flops() / 2 / len(batch)
