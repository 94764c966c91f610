"""Passes through an untrained generator: in go a network, a batch and a loss, out come full tensors.

A *layer* is one weighted operation (`gpproxy.recording`), in order of execution. The rectifier (ReLU and kin) that
feeds a layer, or else the one that it feeds, is attached to it. The network is left as it was found, whatever happens.

This file needs torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.utils.parametrize import cached, is_parametrized, remove_parametrizations
from torch.nn.utils.spectral_norm import SpectralNorm, remove_spectral_norm
from torch.nn.utils.weight_norm import WeightNorm, remove_weight_norm

from gpproxy.recording.layer import Layer
from gpproxy.recording.recorder import Recorder
from gpproxy.search_spaces.batch import Batch

Loss = Callable[[Tensor, Batch], Tensor]


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

    @property
    def macs(self) -> float:
        """Multiply-accumulates for one sample: of all layers, fixed filters and products of activations (attention)."""
        return sum(layer.macs for layer in self.layers) + self.recorder.other_macs


@contextmanager
def frozen_buffers(network: nn.Module) -> Iterator[None]:
    """Leaves running means and variances as they were."""
    saved = [(buffer, buffer.clone()) for buffer in network.buffers()]
    try:
        yield
    finally:
        for buffer, value in saved:
            buffer.data.copy_(value)  # .data: autograd must not see a change, the values are as they were


def forward(network: nn.Module, batch: Batch, linear: bool = False, keep_buffers: bool = True) -> Pass:
    """A forward pass in the current gradient mode.

    Args:
        linear: leaves out norms and squashing activations, so that |weights| and positive inputs make a linear network.
        keep_buffers: whether running means and variances stay as they were.
    """
    for copied in (False, True):
        recorder = Recorder(network, batch.tensors, len(batch), copied, linear)
        with frozen_buffers(network) if keep_buffers else nullcontext(), cached(), recorder.watching():
            output = batch.call(network)
        if not recorder.torn:
            break  # else an operation that cannot be seen has changed what was recorded: record copies
    image = output if isinstance(output, Tensor) and output.ndim == 4 else batch.visible
    recorder.finish(image)
    return Pass(batch.visible, output, recorder.layers, recorder.rectified, recorder, recorder.onset)


def backward(record: Pass, loss: Tensor) -> Pass:
    """Fills the gradients of a recorded pass: to every activation and to the very weight tensor of every layer."""
    record.loss = loss
    layers = record.layers
    weights = {id(layer.call.weight): layer.call.weight for layer in layers if layer.call.weight.requires_grad}
    edges = {i: layer.call.edge for i, layer in enumerate(layers) if layer.call.edge is not None}
    wanted = [*edges.values(), *weights.values()]
    found = torch.autograd.grad(loss, wanted, allow_unused=True) if wanted else ()
    of_edges, of_weights = dict(zip(edges, found)), dict(zip(weights, found[len(edges) :]))
    sums: dict[Any, Tensor] = {}
    for layer in layers:
        gradient = of_weights.pop(id(layer.call.weight), None)
        if gradient is not None:
            gradient = record.recorder.filters(layer, gradient.to_dense() if gradient.is_sparse else gradient)
            key = layer.call.key
            sums[key] = gradient if key not in sums else sums[key] + gradient
    for i, layer in enumerate(layers):
        gradient = of_edges.get(i)
        layer.gradient = (
            torch.zeros_like(layer.activation) if gradient is None else record.recorder.laid_gradient(layer, gradient)
        )
        if layer.first:
            layer.weight_gradient = sums.get(layer.call.key, torch.zeros_like(layer.weight))
    record.output = record.output.detach()
    return record


def plain_copy(network: nn.Module) -> nn.Module:
    """A copy whose weights are plain parameters: what normalises or else makes them is taken off, and the values that a
    pass would use stay.
    """
    made = [vars(module).values() for module in network.modules()]
    loose = [value for values in made for value in values if isinstance(value, Tensor) and not value.is_leaf]
    network = copy.deepcopy(network, {id(value): value.detach().clone() for value in loose})
    for module in list(network.modules()):
        if is_parametrized(module):
            for name in list(module.parametrizations):  # type: ignore[arg-type]
                remove_parametrizations(module, name)
        for hook in list(module._forward_pre_hooks.values()):
            if isinstance(hook, SpectralNorm):
                hook(module, None)
                remove_spectral_norm(module, hook.name)
            elif isinstance(hook, WeightNorm):
                remove_weight_norm(module, hook.name)
    return network


class Passes:
    """All passes of one look at one network, run when first asked for.

    Args:
        network: untrained generator in training mode (batch norm runs on batch statistics). It is not changed.
        batch: what the network is called with; only `wide` sees more than the first `NARROW` samples. What is
            perturbed, differentiated by and read is its visible tensor; others stay as they are.
        loss: `loss(outputs, batch)`, one number.
        generator: source of the perturbation and of the Jacobian directions.
        backward: whether the noise pass keeps gradients.
    """

    #: Samples that every pass but the wide one sees.
    NARROW = 16
    #: Standard deviation of the perturbation, in units of the inputs' standard deviation.
    PERTURBATION = 0.1
    #: Jacobian directions per sample, and samples that they are tried on.
    DIRECTIONS, DIRECTION_SAMPLES = 4, 4

    def __init__(self, network: nn.Module, batch: Batch, loss: Loss, generator: torch.Generator, backward: bool = True):
        self.network, self.loss, self.backward = network, loss, backward
        self.wide_batch, self.batch = batch, batch.first(self.NARROW)
        #: the visible tensors, `sample x ...`
        self.wide_inputs, self.inputs = batch.visible, self.batch.visible
        inputs = self.inputs
        noise = torch.randn(inputs.shape, generator=generator)
        shape = (self.DIRECTIONS, *inputs[: self.DIRECTION_SAMPLES].shape)
        self.memo: dict[Any, Any] = {}  # results that several statistics share
        self._noise = noise.to(inputs)
        self._directions = torch.randn(shape, generator=generator).to(inputs)

    @cached_property
    def noise(self) -> Pass:
        """The plain pass, with gradients when `backward` is set."""
        if not self.backward:
            with torch.no_grad():
                return forward(self.network, self.batch)
        with torch.enable_grad():
            record = forward(self.network, self.batch)
            return backward(record, self.loss(record.output, self.batch))

    @cached_property
    def wide(self) -> Pass:
        """The whole batch, forward only: for what needs more samples than gradients do."""
        with torch.no_grad():
            return forward(self.network, self.wide_batch)

    @cached_property
    def perturbed(self) -> Pass:
        """The same batch plus Gaussian noise, forward only."""
        with torch.no_grad():
            moved = self.inputs + self.PERTURBATION * self.inputs.std() * self._noise
            return forward(self.network, self.batch.with_visible(moved))

    @cached_property
    def ones(self) -> Pass:
        """The pass of SynFlow (Tanaka et al., 2020): |weights|, no norms, one all-ones input, float64; loss = sum.

        An output Tanh is bypassed too: it would saturate, and every gradient would be zero.
        """
        network = plain_copy(self.network).double().eval()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.abs_()
        first = self.batch.first(1).each(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
        with torch.enable_grad():
            record = forward(network, first.with_visible(torch.ones_like(first.visible)), linear=True)
            return backward(record, record.output.sum())

    @cached_property
    def input_gradient(self) -> Tensor:
        """Gradient of the summed output with respect to the input, `sample x values`."""
        inputs = self.inputs.detach().clone().requires_grad_(True)
        with torch.enable_grad(), frozen_buffers(self.network):
            total = self.batch.with_visible(inputs).call(self.network).sum()
            (gradient,) = torch.autograd.grad(total, inputs, allow_unused=True)
        return torch.zeros_like(inputs).flatten(1) if gradient is None else gradient.flatten(1)

    @cached_property
    def jacobian(self) -> Tensor:
        """Forward-mode products of the output's Jacobian with seeded unit-variance directions,
        `direction x sample x outputs`; batch statistics are shared by the directions."""
        directions = self._directions
        few = self.batch.first(self.DIRECTION_SAMPLES)
        tiled = few.each(lambda tensor: tensor.repeat(len(directions), *[1] * (tensor.ndim - 1)))
        with torch.no_grad(), frozen_buffers(self.network), forward_ad.dual_level():
            dual = forward_ad.make_dual(tiled.visible, directions.flatten(0, 1))
            output = tiled.with_visible(dual).call(self.network)
            tangent = forward_ad.unpack_dual(output).tangent
        if tangent is None:
            tangent = torch.zeros_like(output)
        return tangent.reshape(len(directions), len(few), -1)
