"""Records the operations of a pass: in go a network, a batch and a call, out come its layers and rectifier inputs.

Operations are seen as torch's functions and methods are called, with the very tensors that they are given, so it makes
no difference whether they come from modules, functions or methods, in place or not, and where a weight comes from. This
file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from gpproxy.recording.arguments import arguments, changed, cuts_at_zero, product_letters, replaced, spelling, tensors
from gpproxy.recording.layer import Axes, Call, Kept, Layer
from gpproxy.recording.layout import Layout
from gpproxy.recording.operations import (
    CONVOLUTIONS,
    MIXERS,
    MOVES,
    NORMS,
    PRODUCTS,
    RECTIFIERS,
    RECURRENT,
    RESHAPES,
    SHIFTS,
    SQUASHERS,
    TRANSPOSED,
)
from gpproxy.recording.trace import INNER, Trace, moved

#: What tells about a tensor without computing anything.
_SILENT = frozenset(("size", "dim", "is_contiguous", "numel", "is_floating_point", "__len__", "__bool__", "item"))


class Recorder(TorchFunctionMode):
    """Sees the operations of one call of a network, inside `with recorder.watching():`.

    Args:
        network: what is called.
        inputs: the tensors that it is called with; their first axis counts the samples.
        samples: how many these are.
        copied: whether everything that is kept is copied at once.
        linear: whether norms and squashing activations are left out, attention is uniform, and weights that are no
            parameters are replaced by their absolute values.
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
        self.network, self.samples, self.copied, self.linear = network, samples, copied, linear
        self.layers: list[Layer] = []
        self.conditions: list[Layer] = []
        self.rectified: list[Any] = []
        self.onset: Any = None
        self.other_macs = self.lost_macs = 0.0
        self.seen: set[int] = set()
        self.unseen: list[int] = []
        self.parameters = list(network.named_parameters())
        self._run = object()
        self._plain, self._constant = Trace(self._run, True, frozenset()), Trace(self._run, False, frozenset())
        self._told = Trace(self._run, True, frozenset(), visible=False)
        outside = {id(one): self._plain if visible is None or one is visible else self._told for one in inputs}
        outside.update({id(buffer): self._constant for buffer in network.buffers()})
        outside.update({id(p): Trace(self._run, False, frozenset((i,))) for i, (_, p) in enumerate(self.parameters)})
        self._outside: dict[int, Trace] = outside
        self._running: list[list[Any]] = []  # name, weighted operations so far, and module of what is running
        self._storages: dict[int, list[Kept]] = {}
        self._kept: list[Kept] = []
        self._keys: dict[Any, int] = {}
        self._waiting: dict[int, int] = {}  # rectifier that no layer consumed -> layer that feeds it
        self._taken: set[int] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sees what is called inside; knows the module that is running. Hooks of all modules see that: setting one for
        each module, in every pass, takes longer than many a layer."""
        named = self.network.named_modules()
        # Nothing inside a scripted module is seen.
        names = {module: name for name, module in named if not isinstance(module, torch.jit.ScriptModule)}

        def enter(module: nn.Module, given: Any) -> None:
            if module in names:
                self._running.append([names[module], 0, module])

        def leave(module: nn.Module, given: Any, output: Any) -> None:
            if module in names:
                self._running.pop()

        handles = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True)]
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    @property
    def torn(self) -> bool:
        """Whether something that is kept was changed in a way that could not be seen coming."""
        return any(kept.torn for kept in self._kept)

    # --- operations as they come

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for every function and method, in place of it."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _SILENT:
            return func(*args, **kwargs)
        if name == "__get__":  # an attribute, such as the transposed
            name = getattr(getattr(func, "__self__", None), "__name__", "")
        if name == "multi_head_attention_forward":
            return self._opened(func, args, kwargs)
        given = tensors(args, kwargs)
        if not given:
            return func(*args, **kwargs)
        if name in NORMS:
            return self._norm(func, args, kwargs, given)
        if self.linear and torch.is_grad_enabled():  # a custom Function keeps what its own backward pass belongs to
            if name in SQUASHERS:
                return args[0] if args else kwargs["input"]
            if name in MIXERS:  # attention becomes a mean over positions
                flat = torch.zeros_like(given[0])
                args = tuple(flat if value is given[0] else value for value in args)
                kwargs = {key: flat if value is given[0] else value for key, value in kwargs.items()}
        if name in RECTIFIERS or cuts_at_zero(name, args, kwargs):
            return self._rectifier(func, args, kwargs, given)
        if name in CONVOLUTIONS or name in TRANSPOSED:
            return self._convolution(func, name, args, kwargs)
        if name == "linear":
            return self._linear(func, args, kwargs)
        if name in PRODUCTS:
            return self._product(func, name, args, kwargs, given)
        if name == "embedding":
            return self._embedding(func, args, kwargs)
        if name == "bilinear":
            return self._bilinear(func, args, kwargs)
        if name == "einsum" or name == "tensordot":
            return self._einsum(func, name, args, kwargs, given)
        written = changed(name, args, kwargs)
        if written is not None:
            self._protect(written)
        output = func(*args, **kwargs)
        if name == "scaled_dot_product_attention":
            self._attention(args, kwargs)
        elif name in RECURRENT:
            return self._recurrent(output, given)
        if written is not None:
            self._set(written, self._followed(name, given, written, args, kwargs))
        elif isinstance(output, (Tensor, tuple, list)):
            self._mark(output, self._followed(name, given, output, args, kwargs), given)
        return output

    def _followed(self, name: str, given: list[Tensor], output: Any, args: Any, kwargs: Any) -> Trace:
        """Where the output of an operation that is no layer comes from. What a layer or a rectifier has made stays that
        under a bias, a gain or noise, and when samples are folded into channels or taken apart.
        """
        joined = self._joined(given)
        value: Tensor | None = None
        if joined.data and (joined.axis or name in MOVES):
            first = next(tensor for tensor in given if self._trace(tensor).data)
            made = output if isinstance(output, Tensor) else next((o for o in output if isinstance(o, Tensor)), first)
            axis = moved(name, args, kwargs, joined.axis, first, made, self.samples)
            if axis != joined.axis:
                joined = Trace(self._run, True, joined.parameters, axis=axis, visible=joined.visible)
        if name in SHIFTS:
            moving = [tensor for tensor in given if self._trace(tensor).data]
            value = moving[0] if len(moving) == 1 and output.shape == moving[0].shape else None
        elif name in RESHAPES and isinstance(output, Tensor) and output.shape[2:] == given[0].shape[2:]:
            folds = self.samples > 1 and 1 in (output.shape[:1] + given[0].shape[:1])
            value = given[0] if folds and output.numel() == given[0].numel() else None
        source: Kept | None = None
        if name == "pad" and self._running and isinstance(self._running[-1][2], _ConvNd):
            value, source = given[0], self._keep(given[0])  # a part of the layer
        if value is None:
            return joined
        before = self._trace(value)
        where = (before.maker, before.rectifier, joined.axis, source, joined.visible)
        return Trace(self._run, joined.data, joined.parameters, *where)

    def _opened(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        """Attention as one function of torch's: what it calls is seen."""
        opened = types.FunctionType(
            func.__code__, {**func.__globals__, "has_torch_function": _none_has}, func.__name__, func.__defaults__
        )
        opened.__kwdefaults__ = func.__kwdefaults__
        with self:
            return opened(*args, **kwargs)

    def _norm(self, func: Any, args: Any, kwargs: Any, given: list[Tensor]) -> Tensor:
        entered = args[0] if args else kwargs["input"]
        output = entered if self.linear else func(*args, **kwargs)
        before = self._trace(entered)
        for tensor in given:
            if tensor is not entered:
                self.seen |= self._trace(tensor).parameters
        where = (before.maker, -1, before.axis, None, before.visible)
        self._set(output, Trace(self._run, before.data, before.parameters, *where))
        return output

    def _rectifier(self, func: Any, args: Any, kwargs: Any, given: list[Tensor]) -> Tensor:
        entered = args[0] if args else kwargs["input"]
        before = self._trace(entered)
        number = len(self.rectified)
        self.rectified.append((self._keep(entered), before))
        if before.maker >= 0:
            self._waiting[number] = before.maker
        if kwargs.get("inplace") or func.__name__.endswith("_"):
            self._protect(entered)
        output = func(*args, **kwargs)
        for tensor in given:
            if tensor is not entered:  # the slope of a PReLU
                self.seen |= self._trace(tensor).parameters
        if not number:
            self.onset = self._keep(output), before
        where = (-1, number, before.axis, None, before.visible)
        self._set(output, Trace(self._run, before.data, before.parameters, *where))
        return output

    def _convolution(self, func: Any, name: str, args: Any, kwargs: Any) -> Tensor:
        entered, weight, bias, groups = arguments(args, kwargs, ("input", "weight", "bias", (6, "groups")))
        kind, dimensions = ("convolution", CONVOLUTIONS) if name in CONVOLUTIONS else ("transposed", TRANSPOSED)
        batched = entered.ndim == dimensions[name] + 2
        axes = Axes(0, (1,)) if batched else Axes(None, (0,))
        groups = groups or 1
        folded = batched and entered.shape[0] == 1 and self.samples > 1 and groups % self.samples == 0
        folded = folded and (self._trace(entered).data or self._trace(weight).data)
        return self._layer(func, args, kwargs, kind, entered, weight, bias, axes, axes, groups, folded)

    def _linear(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        entered, weight, bias = arguments(args, kwargs, ("input", "weight", "bias"))
        axes = Axes(self._sample_axis(entered), (-1,), self._trace(entered).axis == INNER)
        return self._layer(func, args, kwargs, "linear", entered, weight, bias, axes, axes)

    def _embedding(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        first, second = arguments(args, kwargs, ("input", "weight"))
        rows, weight = (second, first) if first.is_floating_point() else (first, second)
        entered = Axes(0 if rows.ndim else None, ())
        axes = Axes(self._sample_axis(rows), (-1,)) if rows.ndim else Axes(None, (-1,))
        return self._layer(func, args, kwargs, "embedding", rows, weight, None, axes, entered)

    def _bilinear(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        entered, _, weight, bias = arguments(args, kwargs, ("input1", "input2", "weight", "bias"))
        axes = Axes(self._sample_axis(entered), (-1,))
        return self._layer(func, args, kwargs, "bilinear", entered, weight, bias, axes, axes)

    def _product(self, func: Any, name: str, args: Any, kwargs: Any, given: list[Tensor]) -> Tensor:
        """A matrix product: a linear layer where one factor is made of parameters, else one of activations."""
        places = PRODUCTS[name]
        factors = [args[i] if i < len(args) else given[i] for i in places]
        for i, (weight, entered) in enumerate((factors[::-1], factors)):
            if self._is_weight(weight, entered) and weight.ndim > 1 and entered.ndim > i:
                bias = given[0] if places == (1, 2) else None
                return self._contraction(func, args, kwargs, entered, weight, *product_letters(factors, i), bias)
        output, joined = func(*args, **kwargs), self._joined(given)
        if joined.data:  # not so the power iteration of a spectral norm
            self.other_macs += output.numel() * factors[0].shape[-1] / self.samples
        self._mark(output, joined)
        return output

    def _einsum(self, func: Any, name: str, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
        """A sum over products of two factors, by the letters of their axes."""
        spelt = spelling(name, args, kwargs, given)
        if spelt is None:  # one factor, or more than two: no layer, and counted as if it were done at once
            output = func(*args, **kwargs)
            self._mark(output, self._joined(given))
            return output
        first, second, made = spelt
        for weight, entered, letters in ((given[1], given[0], (first, second)), (given[0], given[1], (second, first))):
            if set(first) & set(second) - set(made) and self._is_weight(weight, entered):
                return self._contraction(func, args, kwargs, entered, weight, *letters, made)
        output = func(*args, **kwargs)
        sizes = dict(zip(first + second, (*given[0].shape, *given[1].shape)))
        if set(first) & set(second) - set(made):
            self.other_macs += math.prod(sizes.values()) / self.samples
        self._mark(output, self._joined(given))
        return output

    def _contraction(
        self,
        func: Any,
        args: Any,
        kwargs: Any,
        entered: Tensor,
        weight: Tensor,
        inside: str,
        inner: str,
        made: str,
        bias: Tensor | None = None,
    ) -> Tensor:
        """A layer that sums over axes of its input, by the letters of the axes of input, weight and output. Axes that
        all three share are groups, unless they count the samples.
        """
        axis = self._sample_axis(entered)
        sample = "" if axis is None else inside[axis]
        # An axis of one that is stretched is none that the weight has.
        stretched = [n == 1 and letter in made and letter in inside for letter, n in zip(inner, weight.shape)]
        inner = "".join(chr(200 + i) if gone else inner[i] for i, gone in enumerate(stretched))
        changing = self._trace(weight).data or sample in inner and weight.stride(inner.index(sample)) == 0
        own = bool(sample) and sample in inner and changing
        groups = [letter for letter in inner if letter in inside and letter in made and not (own and letter == sample)]
        outputs = groups + [letter for letter in inner if letter in made and letter not in inside]
        inputs = [letter for letter in inner if letter not in outputs and not (own and letter == sample)]
        order = [*([sample] if own else []), *outputs, *inputs]
        place = made.index(sample) if sample in made and sample else None
        return self._layer(
            func, args, kwargs, "contraction", entered, weight, bias,
            Axes(place, tuple(made.index(letter) for letter in outputs)),
            Axes(axis, tuple(inside.index(letter) for letter in groups + inputs if letter in inside)),
            per_sample=own, turn=(tuple(inner.index(letter) for letter in order), len(outputs)),
        )  # fmt: skip

    def _is_weight(self, weight: Tensor, entered: Tensor) -> bool:
        """Whether a factor is made of parameters, alone or (one for each sample) elementwise from one of its size."""
        made, other = self._trace(weight), self._trace(entered)
        if not made.parameters or not other.data and other.parameters:
            return False
        if not made.data:
            return True
        size = weight.shape[-1] * weight.shape[-2] if weight.ndim > 1 else 0
        return any(self.parameters[i][1].numel() == size for i in made.parameters) and not other.parameters

    def _attention(self, args: Any, kwargs: Any) -> None:
        query, key, value = arguments(args, kwargs, ("query", "key", "value"))
        products = query[..., :1].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])
        self.other_macs += products / self.samples

    def _recurrent(self, output: Any, given: list[Tensor]) -> Any:
        weights = [t for t in given if self._trace(t).parameters and t.ndim > 1]
        self.lost_macs += sum(w.numel() for w in weights) * given[0][..., 0].numel() / self.samples
        self._mark(output, self._plain)  # nothing of its parameters is seen
        return output

    # --- layers

    def _layer(
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
        before, made = self._trace(entered), self._trace(weight)
        added = self._constant if bias is None else self._trace(bias)
        is_layer = bool(made.parameters) or made.data
        if self.linear and is_layer and id(weight) not in self._outside:
            args, kwargs, weight = replaced(args, kwargs, weight)
        inflow = None if kind == "embedding" or not is_layer else before.source or self._keep(entered)
        output = func(*args, **kwargs)
        if not is_layer:
            filtered = entered if kind == "transposed" else output
            self.other_macs += weight[0].numel() * filtered.numel() / self.samples
            self._mark(output, self._joined([entered]))
            return output
        self.seen |= made.parameters | added.parameters | before.parameters
        key = self._key(weight, made)
        call = Call(key, weight, output_axes, input_axes, groups, per_sample, before.data or made.data, None, turn)
        visible = call.visible = before.visible or made.visible or not call.data
        if output.requires_grad:
            call.edge = get_gradient_edge(output)
        call.kept["activation"] = self._keep(output)
        if inflow is not None:
            call.kept["inflow"] = inflow
        number = len(self.layers)
        if before.rectifier >= 0 and before.rectifier not in self._taken:
            self._taken.add(before.rectifier)
            self._waiting.pop(before.rectifier, None)
            call.kept["preactivation"] = self.rectified[before.rectifier][0]
        name = self._running[-1][0] if self._running else ""
        sources, biases = (self._names(trace.parameters) for trace in (made, added))
        first = self._keys.setdefault(key, number) == number
        self.layers.append(Layer(name, kind, first, output, weight, bias, call, 0.0, sources, biases))
        self._set(
            output,
            Trace(
                self._run,
                True if made.data else before.data,
                frozenset(),
                number,
                axis=self._axis_after(output, output_axes),
                visible=visible,
            ),
        )
        return output

    def _axis_after(self, output: Tensor, axes: Axes) -> int:
        if axes.inner:
            return INNER
        return axes.sample or 0

    def _names(self, parameters: frozenset[int]) -> tuple[str, ...]:
        return tuple(self.parameters[i][0] for i in sorted(parameters))

    def _key(self, weight: Tensor, made: Trace) -> Any:
        """What tells a weight apart from others: its memory, or where it was computed."""
        base = weight if weight._base is None else weight._base
        if id(base) in self._outside:
            return id(base), weight.storage_offset(), weight.shape, weight.stride()
        if self._running:
            self._running[-1][1] += 1
            if not made.data:
                return (*self._running[-1][:2], made.parameters)
        return object()

    def _sample_axis(self, value: Tensor) -> int | None:
        """The axis that counts the samples; None where none does."""
        axis = self._trace(value).axis
        if axis > 0:
            return axis
        if value.ndim < 2 and not (value.ndim and len(value) == self.samples and not value.is_floating_point()):
            return None
        if value.ndim > 2 and value.shape[1] == self.samples and len(value) % self.samples:
            return 1
        return 0

    # --- traces

    def _trace(self, tensor: Tensor) -> Trace:
        found = self._outside.get(id(tensor)) or getattr(tensor, "_gpproxy_trace", None)
        return found if found is not None and found.run is self._run else self._constant

    def _joined(self, tensors: list[Tensor]) -> Trace:
        data, visible, parameters, axis = False, False, frozenset[int](), 0
        for tensor in tensors:
            found = self._trace(tensor)
            if found.data and not data:
                data, axis = True, found.axis
            visible = visible or found.visible
            if found.parameters:
                parameters = parameters | found.parameters if parameters else found.parameters
        if not parameters and not axis:
            return self._plain if visible else self._told if data else self._constant
        return Trace(self._run, data, parameters, axis=axis, visible=visible)

    def _set(self, tensor: Tensor, trace: Trace) -> None:
        if id(tensor) not in self._outside:
            tensor._gpproxy_trace = trace  # type: ignore[attr-defined]

    def _mark(self, output: Any, trace: Trace, given: Any = ()) -> None:
        """Notes where an output comes from; what is handed through as it is keeps what is known of it."""
        if isinstance(output, Tensor):
            if not any(output is tensor for tensor in given):
                self._set(output, trace)
        elif isinstance(output, (tuple, list)):
            for part in output:
                self._mark(part, trace, given)

    # --- what is kept

    def _keep(self, tensor: Tensor) -> Kept:
        place = self._storages.setdefault(tensor.untyped_storage()._cdata, [])
        if not self.copied:
            for kept in place:
                value = kept.value
                if kept.version == tensor._version and value.shape == tensor.shape:
                    if value.stride() == tensor.stride() and value.storage_offset() == tensor.storage_offset():
                        return kept
        kept = Kept(tensor, self.copied)
        place.append(kept)
        self._kept.append(kept)
        return kept

    def _protect(self, tensor: Tensor) -> None:
        for kept in self._storages.pop(tensor.untyped_storage()._cdata, ()):
            kept.protect()

    # --- at the end

    def finish(self, output: Any, image: Tensor | None) -> None:
        """Lays out what was kept, once the call is over.

        Args:
            output: what the call returned.
            image: the output, or else the input; its sides are those of positions that stand in one row.
        """
        made = tensors((output,), {})
        self.seen.update(*(self._trace(tensor).parameters for tensor in made))
        self.unseen = [i for i in range(len(self.parameters)) if i not in self.seen]
        if self.unseen and torch.is_grad_enabled():
            behind = _leaves(made)
            self.unseen = [i for i in self.unseen if id(self.parameters[i][1]) in behind]
        for rectifier, maker in self._waiting.items():
            self.layers[maker].call.kept.setdefault("preactivation", self.rectified[rectifier][0])
        grid = None if image is None or image.ndim != 4 else (image.shape[2], image.shape[3])
        layout = self.layout = Layout(self.samples, grid)
        for layer in self.layers:
            kept = layer.call.kept
            layer.activation = layout.laid_out(layer, kept["activation"].value)
            if "inflow" in kept:
                layer.inflow = layout.laid_out(layer, kept["inflow"].value, inflow=True)
            if "preactivation" in kept:
                value = kept["preactivation"].value
                like_input = value.shape == kept["inflow"].value.shape if "inflow" in kept else False
                layer.preactivation = layout.laid_out(layer, value, inflow=like_input)
            layer.weight = layout.filters(layer, layer.call.weight.detach(), mean=True)
            layer.bias = None if layer.bias is None else layer.bias.detach()
            seen = layer.inflow if layer.kind == "transposed" else layer.activation
            if layer.kind != "embedding":  # every weight acts once at each position of the smaller grid
                layer.macs = float(layer.weight.numel() * seen[0, 0].numel())  # type: ignore[index]
            kept.clear()
        self.conditions = [layer for layer in self.layers if not layer.call.visible and layer.activation.ndim == 2]
        if self.conditions:
            self.layers = [layer for layer in self.layers if layer.call.visible or layer.activation.ndim > 2]
            self.other_macs += sum(layer.macs for layer in self.conditions)
        self.rectified = [layout.by_rows(kept.value, trace) for kept, trace in self.rectified]
        self.onset = None if self.onset is None else layout.by_rows(self.onset[0].value, self.onset[1])
        self._storages.clear()
        self._kept.clear()


def _leaves(outputs: list[Tensor]) -> set[int]:
    """Identities of the tensors that autograd would reach from some others."""
    found: set[int] = set()
    waiting = [tensor.grad_fn for tensor in outputs if tensor.grad_fn is not None]
    known = set(waiting)
    while waiting:
        step = waiting.pop()
        if (leaf := getattr(step, "variable", None)) is not None:
            found.add(id(leaf))
        further = {one for one, _ in step.next_functions if one is not None} - known
        known |= further
        waiting += further
    return found


def _none_has(*given: Any) -> bool:
    return False
