"""Structural descriptors of a generator: the trivial baselines that every proxy has to beat.

In: a network and a batch, both on the meta device, so nothing is computed. Out: plain numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from gpproxy.recording.arguments import changed
from gpproxy.recording.operations import NORMS, RECTIFIERS, SHIFTS, SQUASHERS
from gpproxy.recording.recorder import Recorder
from gpproxy.search_spaces.batch import Batch

#: What descriptors are called in a sentence; others read as their names do.
WORDS = {
    "params": "the number of parameters",
    "macs": "the number of multiply-accumulates",
    "depth": "the number of layers",
    "log_activations": "the number of activations",
    "min_resolution": "the smallest resolution",
    "mean_log_resolution": "the mean resolution",
    "max_channels": "the largest number of channels",
    "base_channels": "the number of base channels",
    "residual_blocks": "the number of residual blocks",
    "attention_levels": "the number of resolutions with attention",
}


def describe(network: nn.Module, batch: Batch) -> dict[str, float]:
    """Descriptors for one sample of a batch of two: one would leave batch norm nothing to normalise over on 1 x 1 maps.

    Returns:
        params: parameters; macs: multiply-accumulates of convolutions, linear layers and other matrix products
        (FLOPs = 2 MACs); depth: calls of weighted layers; log_activations: natural log of the number of rectifier
        inputs; min_resolution, mean_log_resolution: side of the weighted layers' maps, log to base 2;
        max_channels: widest weighted layer.
    """
    recorder = Recorder(network, batch.tensors, len(batch))
    with _counting(network) as counter, recorder.watching():
        output = batch.call(network)
    recorder.finish(output, output if output.ndim == 4 else batch.tensors[0])
    layers = [layer.activation for layer in recorder.layers]
    resolutions = [value.shape[2] for value in layers if value.ndim == 4]
    activations = sum(value.numel() for value in recorder.rectified)
    return {
        "params": float(sum(p.numel() for p in network.parameters())),
        "macs": counter.get_total_flops() / 2 / len(batch),
        "depth": float(len(layers)),
        "log_activations": math.log(max(activations / len(batch), 1)),
        "min_resolution": float(min(resolutions, default=1)),
        "mean_log_resolution": sum(math.log2(r) for r in resolutions) / max(len(resolutions), 1),
        "max_channels": float(max((value.shape[1] for value in layers), default=0)),
    }


def macs(network: nn.Module, batch: Batch) -> float:
    """Multiply-accumulates of convolutions, linear layers and other matrix products, for one sample of the batch."""
    with _counting(network) as counter:
        batch.call(network)
    return counter.get_total_flops() / 2 / len(batch)


class Outline(TorchFunctionMode):
    """On the meta device norms, activations, and sums and products of equal shapes hand on an empty tensor of the shape
    that they are given: torch works that shape out in Python, step by step, which takes longer than all the rest of a
    network."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for every function and method, in place of it."""
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name in _SHAPELESS or name in SHIFTS and _alike(args):
            given = args[0] if args else kwargs["input"]
            if given.is_meta and given.is_floating_point():
                return given if changed(name, args, kwargs) is not None else torch.empty_like(given)
        return func(*args, **kwargs)


#: What changes no shape.
_SHAPELESS = NORMS | RECTIFIERS | SQUASHERS


def _alike(values: Sequence[Any]) -> bool:
    """Whether an operation by elements hands on shape and type of the first value, a tensor."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    kinds = {(tensor.shape, tensor.dtype) for tensor in tensors}
    return len(kinds) == 1 and values[0] is tensors[0]


@contextmanager
def _counting(network: nn.Module) -> Iterator[FlopCounterMode]:
    """Counts the floating-point operations of a pass without gradients."""
    slopes = [parameter for parameter in network.parameters() if parameter.requires_grad]
    try:
        for parameter in slopes:  # torch's counter fails on views of parameters that a module is given
            parameter.requires_grad_(False)
        with torch.no_grad(), FlopCounterMode(display=False) as counter, Outline():
            yield counter
    finally:
        for parameter in slopes:
            parameter.requires_grad_(True)
