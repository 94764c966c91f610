"""What a pass has shown so far: layers, rectifiers, multiply-accumulates, and which parameters were seen.

In: operations with what they were given, as the recorder reads them. Out: the layers with their values laid out. This
file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge

from gpproxy.recording.arguments import changed, replaced, tensors
from gpproxy.recording.layer import Axes, Call, Layer
from gpproxy.recording.layout import Layout
from gpproxy.recording.members import Members
from gpproxy.recording.memory import Memory
from gpproxy.recording.seen import leaves
from gpproxy.recording.trace import Trace, Traces


class Ledger:
    """Of one pass.

    Args:
        network: what is called.
        inputs: the tensors that it is called with; their first axis counts the samples.
        samples: how many these are.
        copied: whether everything that is kept is copied at once.
        linear: whether norms are left out, and weights that are no parameters are replaced by their absolute values.
        visible: of the inputs, what an image is made of; the others are conditions. None: all of them.

    Attributes:
        layers: in order of execution; their values are laid out by `finish`. Those that prepare a condition alone, such
            as the embedding of a noise level, are no layers of the way from input to image: they stand in
        conditions: likewise.
        rectified: inputs of all rectifiers, in order of execution, `sample x ...`.
        onset: output of the first of them, or None.
        other_macs: multiply-accumulates for one sample outside the layers: of products of activations (attention) and
            of filters that are no parameters.
        lost_macs: those of recurrent layers, which are not recorded.
        seen: numbers of the parameters inside the recorded operations.
        unseen: those of the others that have an effect on the output; without gradients, of all others.
    """

    def __init__(
        self,
        network: nn.Module,
        inputs: list[Tensor],
        samples: int,
        copied: bool = False,
        linear: bool = False,
        visible: Tensor | None = None,
    ):
        super().__init__()
        self.samples, self.linear = samples, linear
        self.layers: list[Layer] = []
        self.conditions: list[Layer] = []
        self.rectified: list[Any] = []
        self.onset: Any = None
        self.other_macs = self.lost_macs = 0.0
        self.seen: set[int] = set()
        self.unseen: list[int] = []
        self.members = Members(network)
        self.parameters = self.members.parameters
        self.traces, self.memory = Traces(self.members, inputs, visible, samples), Memory(copied)
        self.running: list[list[Any]] = []  # name, weighted operations so far, and module of what is running
        self._keys: dict[Any, int] = {}
        self._waiting: dict[int, int] = {}  # rectifier that no layer consumed -> layer that feeds it
        self._taken: set[int] = set()
        self._functions: list[str] = []  # names of those of the rectifiers

    def normalise(self, func: Any, args: Any, kwargs: Any, given: list[Tensor]) -> Tensor:
        """A norm: what a layer has made stays that."""
        entered = args[0] if args else kwargs["input"]
        output = entered if self.linear else func(*args, **kwargs)
        before = self.traces.origin(entered)
        self._see_others(entered, given)
        where = (before.maker, -1, before.axis, None, before.visible)
        self.traces.set(output, self.traces.made(before.data, before.parameters, *where))
        return output

    def rectify(
        self, func: Any, args: Any, kwargs: Any, given: list[Tensor], by_hand: tuple[Tensor, str] | None = None
    ) -> Tensor:
        """A rectifier; the layer that feeds it and the next one that it feeds are told of it. Of one that is written
        `by_hand`, what it rectifies and what it is called."""
        entered, name = by_hand or (args[0] if args else kwargs["input"], func.__name__)
        before = self.traces.origin(entered)
        number = len(self.rectified)
        self.rectified.append((self.memory.keep(entered), before))
        self._functions.append(name)
        if before.maker >= 0:
            self._waiting[number] = before.maker
        written = changed(func.__name__, args, kwargs)
        if written is not None:
            self.memory.protect(written)
        output = func(*args, **kwargs)
        output = entered if output is None else output  # of `x[x < 0] = 0`
        self._see_others(entered, given)  # the slope of a PReLU
        if not number:
            self.onset = self.memory.keep(output), before
        where = (-1, number, before.axis, None, before.visible)
        self.traces.set(output, self.traces.made(before.data, before.parameters, *where))
        return output

    def _see_others(self, entered: Tensor, given: list[Tensor]) -> None:
        for tensor in given:
            if tensor is not entered:
                self.seen |= self.traces.origin(tensor).parameters

    def layer(
        self,
        func: Any,
        args: Any,
        kwargs: Any,
        kind: str,
        entered: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        output_axes: Axes,
        input_axes: Axes,
        groups: int = 1,
        per_sample: bool = False,
        turn: tuple[tuple[int, ...], int] = ((), 0),
    ) -> Tensor:
        """A weighted operation: a layer where its weight is made of parameters or of the batch, else a fixed filter."""
        before, made = self.traces.origin(entered), self.traces.origin(weight)
        added = self.traces.constant if bias is None else self.traces.origin(bias)
        name = self.running[-1][0] if self.running else ""
        is_layer = (bool(made.parameters) or made.data) and "parametrizations" not in name  # which make weights
        if self.linear and is_layer and not self.traces.from_outside(weight):
            args, kwargs, weight = replaced(args, kwargs, weight)
        inflow = None if kind == "embedding" or not is_layer else before.source or self.memory.keep(entered)
        output = func(*args, **kwargs)
        if not is_layer:
            if before.data:
                filtered = entered if kind == "transposed" else output
                self.other_macs += weight[0].numel() * filtered.numel() / self.samples
            self.traces.mark(output, self.traces.joined([entered, weight, *(() if bias is None else (bias,))]))
            return output
        self.seen |= made.parameters | added.parameters | before.parameters
        key = self._key(weight, made)
        call = Call(key, weight, output_axes, input_axes, groups, per_sample, before.data or made.data, None, turn)
        visible = call.visible = before.visible or made.visible or not call.data
        if output.requires_grad:
            call.edge = get_gradient_edge(output)
        call.kept["activation"] = self.memory.keep(output)
        if inflow is not None:
            call.kept["inflow"] = inflow
        number = len(self.layers)
        fed_by = ""
        if before.rectifier >= 0 and before.rectifier not in self._taken:
            self._taken.add(before.rectifier)
            self._waiting.pop(before.rectifier, None)
            call.kept["preactivation"] = self.rectified[before.rectifier][0]
            fed_by = self._functions[before.rectifier]
        sources, biases = (self._names(trace.parameters) for trace in (made, added))
        first = self._keys.setdefault(key, number) == number
        self.layers.append(Layer(name, kind, first, output, weight, bias, call, 0.0, sources, biases, rectifier=fed_by))
        axis = -output_axes.inner or output_axes.sample or 0
        after = self.traces.made(made.data or before.data, frozenset(), number, axis=axis, visible=visible)
        self.traces.set(output, after)
        return output

    def _names(self, parameters: frozenset[int]) -> tuple[str, ...]:
        return tuple(self.parameters[i][0] for i in sorted(parameters))

    def _key(self, weight: Tensor, made: Trace) -> Any:
        """What tells a weight apart from others: its memory, or where it was computed."""
        base = weight if weight._base is None else weight._base
        if self.traces.from_outside(base):
            return id(base), weight.storage_offset(), weight.shape, weight.stride()
        if self.running:
            self.running[-1][1] += 1
            if not made.data:
                return (*self.running[-1][:2], made.parameters)
        return object()

    def finish(self, output: Any, image: Tensor | None) -> None:
        """Lays out what was kept, once the call is over.

        Args:
            output: what the call returned.
            image: the output, or else the input; its sides are those of positions that stand in one row.
        """
        made = tensors((output,), {})
        self.seen.update(*(self.traces.origin(tensor).parameters for tensor in made))
        self.unseen = [i for i in range(len(self.parameters)) if i not in self.seen]
        if self.unseen and torch.is_grad_enabled():
            behind = leaves(made)
            self.unseen = [i for i in self.unseen if id(self.parameters[i][1]) in behind]
        for rectifier, maker in self._waiting.items():
            layer, kept = self.layers[maker], self.rectified[rectifier][0]
            if layer.call.kept.setdefault("preactivation", kept) is kept:
                layer.rectifier = self._functions[rectifier]
        grid = None if image is None or image.ndim != 4 else (image.shape[2], image.shape[3])
        layout = self.layout = Layout(self.samples, grid)
        for layer in self.layers:
            layout.lay_out(layer)
        self.conditions = [layer for layer in self.layers if not layer.call.visible and layer.activation.ndim == 2]
        if self.conditions:
            self.layers = [layer for layer in self.layers if layer.call.visible or layer.activation.ndim > 2]
            self.other_macs += sum(layer.macs for layer in self.conditions)
        self.rectified = [layout.by_rows(kept.value, trace) for kept, trace in self.rectified]
        self.onset = None if self.onset is None else layout.by_rows(self.onset[0].value, self.onset[1])
        self.memory.clear()
