"""Passes through an untrained generator: in go a network, a batch and a loss, out come full tensors.

A *layer* is one call of a convolution, transposed convolution or linear layer, in order of execution. The rectifier
(ReLU and kin, as modules) that feeds a layer, or else the one that it feeds, is attached to it. Hooks are removed
whatever happens, and the network is left as it was found.

This file needs torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from gpproxy.search_spaces.batch import Batch

WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.Linear)
RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish)
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
SQUASHERS = (nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Softsign)

Loss = Callable[[Tensor, Batch], Tensor]


@dataclass
class Layer:
    """One call of a weighted layer during one pass, full tensors.

    Attributes:
        name: module path.
        module: the weighted layer; `first` tells whether this is its first call.
        activation: its output.
        preactivation: the input of the attached rectifier, or None.
        gradient: dL / d activation; zeros where the loss does not depend on it; None without a backward pass.
        inflow: what enters the layer.
    """

    name: str
    module: nn.Module
    first: bool
    activation: Tensor
    preactivation: Tensor | None = None
    gradient: Tensor | None = None
    inflow: Tensor | None = None


@dataclass
class Pass:
    """What one pass showed."""

    inputs: Tensor
    output: Tensor
    layers: list[Layer]
    rectified: list[Tensor]  # inputs of all rectifiers, in order of execution
    loss: Tensor | None = None
    weight_gradients: dict[nn.Module, Tensor] = field(default_factory=dict)


@contextmanager
def recording(
    network: nn.Module, clone: bool = False
) -> Iterator[tuple[list[Layer], list[Tensor], list[tuple[Tensor, int]]]]:
    """Hooks that fill three lists during a forward pass: layers, rectifier inputs, versions of the tensors kept."""
    layers: list[Layer] = []
    rectified: list[Tensor] = []
    versions: list[tuple[Tensor, int]] = []
    rectifier_of: dict[int, int] = {}  # id of a rectifier's output -> index of its input
    maker_of: dict[int, int] = {}  # id of a layer's output, or of its norm's -> index of the layer
    waiting: dict[int, int] = {}  # rectifier that no layer consumed -> layer that feeds it
    alive: list[object] = []  # keeps ids unique while the pass runs
    names = {module: name for name, module in network.named_modules()}
    seen: set[nn.Module] = set()

    def after_layer(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor | None:
        replaced = output.clone() if clone else output
        inflow = inputs[0].detach().clone() if clone else inputs[0].detach()
        layer = Layer(names[module], module, module not in seen, output, inflow=inflow)
        seen.add(module)
        rectifier = rectifier_of.pop(id(inputs[0]), None)
        if rectifier is not None:
            layer.preactivation = rectified[rectifier]
            waiting.pop(rectifier, None)
        maker_of[id(replaced)] = len(layers)
        alive.extend((inputs[0], output, replaced))
        versions.extend((t, t._version) for t in (inputs[0], output))
        layers.append(layer)
        return replaced if clone else None

    def after_norm(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        if id(inputs[0]) in maker_of:
            maker_of[id(output)] = maker_of[id(inputs[0])]
        alive.extend((inputs[0], output))

    def after_rectifier(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        rectified.append(inputs[0].detach().clone() if clone else inputs[0])
        versions.append((rectified[-1], rectified[-1]._version))
        rectifier_of[id(output)] = len(rectified) - 1
        if id(inputs[0]) in maker_of:
            waiting[len(rectified) - 1] = maker_of[id(inputs[0])]
        alive.extend((inputs[0], output))

    handles, in_place = [], []
    try:
        for module in network.modules():
            if isinstance(module, WEIGHTED):
                handles.append(module.register_forward_hook(after_layer))
            elif isinstance(module, NORMS):
                handles.append(module.register_forward_hook(after_norm))
            elif isinstance(module, RECTIFIERS):
                handles.append(module.register_forward_hook(after_rectifier))
                if getattr(module, "inplace", False):
                    module.inplace = False
                    in_place.append(module)
        yield layers, rectified, versions
        for rectifier, layer in waiting.items():
            if layers[layer].preactivation is None:
                layers[layer].preactivation = rectified[rectifier]
    finally:
        for handle in handles:
            handle.remove()
        for module in in_place:
            module.inplace = True


@contextmanager
def frozen_buffers(network: nn.Module) -> Iterator[None]:
    """Leaves running means and variances as they were."""
    saved = [(buffer, buffer.clone()) for buffer in network.buffers()]
    try:
        yield
    finally:
        for buffer, value in saved:
            buffer.data.copy_(value)  # .data: autograd must not see a change, the values are as they were


def forward(network: nn.Module, batch: Batch) -> Pass:
    """A forward pass in the current gradient mode."""
    for clone in (False, True):
        with frozen_buffers(network), recording(network, clone) as (layers, rectified, versions):
            output = batch.call(network)
        if all(tensor._version == version for tensor, version in versions):
            break  # else an in-place operation has changed what was recorded: record copies
    return Pass(batch.visible, output, layers, rectified)


def backward(record: Pass, loss: Tensor) -> Pass:
    """Fills the gradients of a recorded pass: to every activation and, once per module, to every weight."""
    record.loss = loss
    modules = [layer.module for layer in record.layers if layer.first]
    weights: list[Any] = [module.weight for module in modules]
    activations = [layer.activation for layer in record.layers]
    found = torch.autograd.grad(loss, [*activations, *weights], allow_unused=True)
    gradients = [torch.zeros_like(t) if g is None else g for t, g in zip([*activations, *weights], found)]
    for layer, gradient in zip(record.layers, gradients):
        layer.gradient = gradient
    record.weight_gradients = dict(zip(modules, gradients[len(activations) :]))
    for layer in record.layers:
        layer.activation = layer.activation.detach()
        layer.preactivation = None if layer.preactivation is None else layer.preactivation.detach()
    record.rectified = [z.detach() for z in record.rectified]
    record.output = record.output.detach()
    return record


@contextmanager
def linearised(network: nn.Module) -> Iterator[None]:
    """Bypasses norms and squashing output functions, so that |weights| and positive inputs make a linear network."""
    bypassed = [module for module in network.modules() if isinstance(module, (*NORMS, *SQUASHERS))]
    for module in bypassed:  # not a hook: batch norm itself refuses one sample of 1 x 1 pixels
        module.forward = lambda x, *rest: x  # type: ignore[method-assign]
    try:
        yield
    finally:
        for module in bypassed:
            del module.forward


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
        network = copy.deepcopy(self.network).double().eval()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.abs_()
        first = self.batch.first(1).each(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
        with torch.enable_grad(), linearised(network):
            record = forward(network, first.with_visible(torch.ones_like(first.visible)))
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
