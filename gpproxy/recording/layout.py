"""Lays out what a pass has kept, whatever way round the network has it: `sample x channel x position...`.

In: tensors as operations saw them, with the layers or traces that they belong to. Out: the one layout of all values.
This file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.recording.layer import Layer, by_sample, filters
from gpproxy.recording.trace import Trace


class Layout:
    """Of one pass.

    Args:
        samples: size of the batch.
        grid: height and width of the image, for values whose positions stand in one row; None where there is none.
    """

    def __init__(self, samples: int, grid: tuple[int, int] | None):
        self.samples, self.grid = samples, grid

    def lay_out(self, layer: Layer) -> None:
        """Fills in the values of a layer and its MACs, of what its call has kept."""
        kept = layer.call.kept
        layer.activation = self.laid_out(layer, kept["activation"].value)
        if "inflow" in kept:
            layer.inflow = self.laid_out(layer, kept["inflow"].value, inflow=True)
        if "preactivation" in kept:
            value = kept["preactivation"].value
            like_input = value.shape == kept["inflow"].value.shape if "inflow" in kept else False
            layer.preactivation = self.laid_out(layer, value, inflow=like_input)
        layer.weight = self.filters(layer, layer.call.weight.detach(), mean=True)
        layer.bias = None if layer.bias is None else layer.bias.detach()
        seen = layer.inflow if layer.kind == "transposed" else layer.activation
        if layer.kind != "embedding":  # every weight acts once at each position of the smaller grid
            weights = layer.weight.numel() // (2 if layer.call.weight.is_complex() else 1)
            layer.macs = float(weights * seen[0, 0].numel())  # type: ignore[index]
        kept.clear()

    def laid_out(self, layer: Layer, value: Tensor, inflow: bool = False) -> Tensor:
        """A value of the layer, or its gradient, as `sample x channel x position...`."""
        call = layer.call
        grid = None if layer.kind in ("convolution", "transposed") else self.grid
        folded = call.per_sample and layer.kind in ("convolution", "transposed")
        laid = by_sample(value, call.input if inflow else call.output, self.samples, call.data, folded, grid)
        # Complex numbers are pairs of real ones: channels of their own here, and weights in `filters`.
        return torch.view_as_real(laid.resolve_conj()).movedim(-1, 2).flatten(1, 2) if laid.is_complex() else laid

    def laid_gradient(self, layer: Layer, gradient: Tensor) -> Tensor:
        """The gradient of an output; one that stands for all samples is shared out among them."""
        laid = self.laid_out(layer, gradient)
        return laid / self.samples if laid.numel() > gradient.numel() else laid

    def filters(self, layer: Layer, weight: Tensor, mean: bool = False) -> Tensor:
        """The weight of a layer, or its gradient, as `out x in x ...`."""
        call = layer.call
        if weight.is_complex():
            parts = torch.view_as_real(weight.resolve_conj()).unbind(-1)
            return torch.stack([self.filters(layer, part, mean) for part in parts], -1)
        order, outputs = call.turn
        if order:
            weight = weight.permute(order)
        elif call.per_sample:
            weight = weight.reshape(self.samples, -1, *weight.shape[1:])
        if call.per_sample:
            weight = weight.mean(0) if mean else weight.sum(0)
        if order:
            return weight.flatten(outputs).flatten(0, outputs - 1)
        return filters(weight, layer.kind, call.groups // (self.samples if call.per_sample else 1))

    def by_rows(self, value: Tensor, trace: Trace) -> Tensor:
        """`sample x ...`, of a value that belongs to no layer."""
        if trace.axis < 0:
            value = value.unflatten(0, (-1, -trace.axis * self.samples)).transpose(0, 1)
            return value if trace.axis == -1 else value.reshape(self.samples, -1)
        if trace.axis:
            value = value.transpose(0, trace.axis)
        if value.ndim and len(value) == self.samples:
            return value
        if trace.data and value.ndim and (len(value) % self.samples == 0 or len(value) == 1):
            if value.numel() % self.samples == 0:
                return value.reshape(self.samples, -1)
        return value[None].expand(self.samples, *value.shape)
