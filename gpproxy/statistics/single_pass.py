"""One recorded pass: in go a network and a batch, out come its layers with their values and, with a loss, gradients.

This file needs torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import cached

from gpproxy.recording.layer import Layer
from gpproxy.recording.recorder import Recorder
from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.in_double import InDouble


@dataclass
class Pass:
    """What one pass showed: layers in order of execution, inputs of all rectifiers likewise, `sample x ...`."""

    inputs: Tensor
    output: Tensor
    layers: list[Layer]
    rectified: list[Tensor]
    recorder: Recorder
    onset: Tensor | None = None  # output of the first rectifier
    loss: Tensor | None = None
    random: bool = False  # whether the network drew from a global generator of torch
    torn: bool = False  # whether an operation that cannot be seen has changed what was recorded

    @property
    def macs(self) -> float:
        """Multiply-accumulates for one sample: of all layers, fixed filters and products of activations (attention)."""
        return sum(layer.macs for layer in self.layers) + self.recorder.other_macs


def forward(
    network: nn.Module,
    batch: Batch,
    linear: bool = False,
    copied: bool = False,
    generators: Sequence[torch.Generator] = (),
) -> Pass:
    """A forward pass in the current gradient mode, on a copy of the batch.

    Args:
        linear: leaves out norms and squashing activations, so that |weights| and positive inputs make a linear network,
            in float64 throughout.
        copied: records copies at once: for a pass that was torn before.
        generators: those that tell whether the network has drawn.
    """
    own = batch.own()
    recorder = Recorder(network, own.tensors, len(own), copied, linear, own.visible)
    double = InDouble() if own.visible.dtype == torch.float64 else nullcontext()
    before = [generator.get_state() for generator in generators]
    with cached(), recorder.watching(), double:
        output = own.call(network)
    after = [generator.get_state() for generator in generators]
    torn = recorder.memory.torn
    image = output if isinstance(output, Tensor) and output.ndim == 4 else batch.visible
    recorder.finish(output, image)
    record = Pass(batch.visible, output, recorder.layers, recorder.rectified, recorder, recorder.onset)
    record.random, record.torn = not all(map(torch.equal, before, after)), torn
    return record


def backward(record: Pass, loss: Tensor, activations: bool = True) -> Pass:
    """Fills the gradients of a recorded pass: to every activation, unless these are not asked for, and to the very
    weight tensor of every layer."""
    record.loss = loss
    layers = record.layers
    weights = {id(layer.call.weight): layer.call.weight for layer in layers if layer.call.weight.requires_grad}
    edges = {i: layer.call.edge for i, layer in enumerate(layers) if activations and layer.call.edge is not None}
    wanted = [*edges.values(), *weights.values()]
    found = torch.autograd.grad(loss, wanted, allow_unused=True) if wanted else ()
    of_edges, of_weights = dict(zip(edges, found)), dict(zip(weights, found[len(edges) :]))
    sums: dict[Any, Tensor] = {}
    for layer in layers:
        gradient = of_weights.pop(id(layer.call.weight), None)
        if gradient is not None:
            gradient = record.recorder.layout.filters(layer, gradient.to_dense() if gradient.is_sparse else gradient)
            key = layer.call.key
            sums[key] = gradient if key not in sums else sums[key] + gradient
    for i, layer in enumerate(layers):
        gradient = of_edges.get(i)
        if gradient is not None:
            layer.gradient = record.recorder.layout.laid_gradient(layer, gradient)
        elif activations:
            layer.gradient = torch.zeros_like(layer.activation)
        if layer.first:
            found_one = sums.get(layer.call.key)
            layer.weight_gradient = torch.zeros_like(layer.weight) if found_one is None else found_one
    record.output = record.output.detach()
    return record


def refuse_cut(gradients: Iterable[Tensor | None]) -> None:
    """Raises RuntimeError for gradients with a part that cannot be differentiated again: torch would leave it out."""
    waiting = [gradient.grad_fn for gradient in gradients if gradient is not None]
    seen = set(waiting)
    while waiting:
        step = waiting.pop()
        if step is None:
            continue
        if step.name().endswith("::Error"):
            raise RuntimeError("a part of it is marked once_differentiable")
        following = {other for other, _ in step.next_functions} - seen
        seen |= following
        waiting += following


def wide(value: Tensor) -> Tensor:
    """In float32 at least: sums over numbers of half precision would lose what they add up."""
    return value.float() if value.is_floating_point() and value.element_size() < 4 else value


def widened(record: Pass) -> Pass:
    """A pass whose values are in float32 at least."""
    if record.output.element_size() > 2 and all(layer.activation.element_size() > 2 for layer in record.layers):
        return record
    kept = ("activation", "inflow", "preactivation", "gradient", "weight", "bias", "weight_gradient")
    for layer in record.layers:
        for name in kept:
            value = getattr(layer, name)
            setattr(layer, name, wide(value) if isinstance(value, Tensor) else value)
    record.output, record.rectified = wide(record.output), [wide(value) for value in record.rectified]
    record.onset = None if record.onset is None else wide(record.onset)
    return record


def finite(value: Tensor) -> bool:
    """Whether there is no NaN and no infinity in a tensor. A sum that is finite says so at once."""
    return bool(torch.isfinite(value.sum())) or bool(torch.isfinite(value).all())
