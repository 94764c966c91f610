"""Records the operations of a pass: in go a network, a batch and a call, out come its layers and rectifier inputs.

Operations are seen as torch's functions and methods are called, with the very tensors that they are given, so it makes
no difference whether they come from modules, functions or methods, in place or not, and where a weight comes from. This
file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from gpproxy.recording.arguments import arguments, changed, tensors
from gpproxy.recording.layer import Axes
from gpproxy.recording.memory import Kept
from gpproxy.recording.operations import (
    ANY_CONVOLUTION,
    CHAINS,
    CONVOLUTIONS,
    MIXERS,
    MOVES,
    NORMS,
    PRODUCTS,
    RECTIFIERS,
    RECURRENT,
    RESHAPES,
    SHIFTS,
    SPELT,
    SQUASHERS,
    TRANSPOSED,
    UNREAD,
)
from gpproxy.recording.products import Products
from gpproxy.recording.rectifiers import by_hand, cuts_at_zero, part_made
from gpproxy.recording.trace import Part, Trace, moved

#: What tells about a tensor without computing anything.
_SILENT = frozenset(("size", "dim", "is_contiguous", "numel", "is_floating_point", "__len__", "__bool__", "item"))


class Recorder(Products):
    """Sees the operations of one call of a network, inside `with recorder.watching():`. For its arguments and what it
    has recorded see `Ledger`; a `linear` recording also leaves out squashing activations and makes attention uniform.
    """

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sees what is called inside; knows the module that is running. Hooks of all modules see that: setting one for
        each module, in every pass, takes longer than many a layer."""
        named, scripted = self.members.modules, torch.jit.ScriptModule  # nothing inside a scripted module is seen
        names = {module: name for name, module in named if not isinstance(module, scripted)}

        def enter(module: nn.Module, given: Any) -> None:
            if module in names:
                self.running.append([names[module], 0, module])

        def leave(module: nn.Module, given: Any, output: Any) -> None:
            if module in names:
                self.running.pop()

        handles = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True)]
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    # --- operations as they come

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for every function and method, in place of it."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").partition(".")[0]  # `aten.relu.default`, too
        if name in _SILENT or _inside_transform():
            return func(*args, **kwargs)
        if name == "__get__":  # an attribute, such as the transposed
            name = getattr(getattr(func, "__self__", None), "__name__", "")
        if name == "multi_head_attention_forward":
            return self._opened(func, args, kwargs)
        given = tensors(args, kwargs)
        if not given:
            return func(*args, **kwargs)
        if name in NORMS:
            return self.normalise(func, args, kwargs, given)
        if self.linear and torch.is_grad_enabled():  # a custom Function keeps what its own backward pass belongs to
            if name == "sigmoid":
                return self._switched(given[0])
            if name in SQUASHERS:
                return args[0] if args else kwargs["input"]
            if name in MIXERS:  # attention becomes a mean over positions
                flat = torch.zeros_like(given[0])
                args = tuple(flat if value is given[0] else value for value in args)
                kwargs = {key: flat if value is given[0] else value for key, value in kwargs.items()}
        if name in RECTIFIERS or cuts_at_zero(name, args, kwargs):
            return self.rectify(func, args, kwargs, given)
        if hand := by_hand(name, args, kwargs, given, self.traces):
            if self.linear and hand[1] == "silu":  # its switch is left out, see there
                func, args, kwargs = torch.nn.functional.silu, hand[:1], {}
            return self.rectify(func, args, kwargs, given, hand)
        if name in CONVOLUTIONS or name in TRANSPOSED or name in ANY_CONVOLUTION:
            return self._convolution(func, name, args, kwargs)
        if name == "linear":
            return self._linear(func, args, kwargs)
        if name in PRODUCTS:
            return self.product(func, name, args, kwargs, given)
        if name == "embedding":
            return self._embedding(func, args, kwargs)
        if name == "bilinear":
            return self._bilinear(func, args, kwargs)
        if name in SPELT:
            return self.einsum(func, name, args, kwargs, given)
        if name in CHAINS:
            return self.chain(func, args, kwargs, given)
        if name in UNREAD or _is_foreign(func):
            return self.unread(func, args, kwargs, given)
        written = changed(name, args, kwargs)
        if written is not None:
            self.memory.protect(written)
        output = func(*args, **kwargs)
        if name == "scaled_dot_product_attention":
            self._attention(args, kwargs)
        elif name in RECURRENT:
            return self._recurrent(output, given)
        if written is not None:
            self.traces.set(written, self._followed(name, given, written, args, kwargs))
        elif isinstance(output, (Tensor, tuple, list)):
            self.traces.mark(output, self._followed(name, given, output, args, kwargs), given)
        return output

    def _switched(self, value: Tensor) -> Tensor:
        """A sigmoid that is left out: the value itself under another name, by which a SiLU written by hand is known."""
        before, output = self.traces.origin(value), value.view_as(value)
        where = (before.maker, before.rectifier, before.axis, before.source, before.visible)
        part = Part("sigmoid", weakref.ref(value), value._version, output._version)
        self.traces.set(output, self.traces.made(before.data, before.parameters, *where, part=part))
        return output

    def _followed(self, name: str, given: list[Tensor], output: Any, args: Any, kwargs: Any) -> Trace:
        """Where the output of an operation that is no layer comes from. What a layer or a rectifier has made stays that
        under a bias, a gain or noise, and when samples are folded into channels or taken apart.
        """
        joined = self.traces.joined(given)
        value: Tensor | None = None
        if joined.data and (joined.axis or name in MOVES):
            first = next(tensor for tensor in given if self.traces.origin(tensor).data)
            made = output if isinstance(output, Tensor) else next((o for o in output if isinstance(o, Tensor)), first)
            axis = moved(name, args, kwargs, joined.axis, first, made, self.samples)
            if axis != joined.axis:
                joined = self.traces.made(True, joined.parameters, axis=axis, visible=joined.visible)
        if name in SHIFTS:
            moving = [tensor for tensor in given if self.traces.origin(tensor).data]
            value = moving[0] if len(moving) == 1 and output.shape == moving[0].shape else None
        elif name in RESHAPES and isinstance(output, Tensor) and output.shape[2:] == given[0].shape[2:]:
            folds = self.samples > 1 and 1 in (output.shape[:1] + given[0].shape[:1])
            value = given[0] if folds and output.numel() == given[0].numel() else None
        source: Kept | None = None
        if name == "pad" and self.running and isinstance(self.running[-1][2], _ConvNd):
            value, source = given[0], self.memory.keep(given[0])  # a part of the layer
        part = part_made(name, args, kwargs, given, output, self.traces)
        if value is None:
            if part is None:
                return joined
            axis, visible = joined.axis, joined.visible
            return self.traces.made(joined.data, joined.parameters, axis=axis, visible=visible, part=part)
        before = self.traces.origin(value)
        where = (before.maker, before.rectifier, joined.axis, source, joined.visible)
        return self.traces.made(joined.data, joined.parameters, *where, part=part)

    def _opened(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        """Attention as one function of torch's: what it calls is seen."""
        opened = types.FunctionType(
            func.__code__, {**func.__globals__, "has_torch_function": _none_has}, func.__name__, func.__defaults__
        )
        opened.__kwdefaults__ = func.__kwdefaults__
        with self:
            return opened(*args, **kwargs)

    def _convolution(self, func: Any, name: str, args: Any, kwargs: Any) -> Tensor:
        names = ("input", "weight", "bias", (6, "groups"), (6, "transposed"), (8, "groups"))
        entered, weight, bias, groups, turned, number = arguments(args, kwargs, names)
        if name in ANY_CONVOLUTION:
            groups, kind, dimensions = number, "transposed" if turned else "convolution", weight.ndim - 2
        elif name in CONVOLUTIONS:
            kind, dimensions = "convolution", CONVOLUTIONS[name]
        else:
            kind, dimensions = "transposed", TRANSPOSED[name]
        batched = entered.ndim == dimensions + 2
        axes = Axes(0, (1,)) if batched else Axes(None, (0,))
        groups = groups or 1
        folded = batched and entered.shape[0] == 1 and self.samples > 1 and groups % self.samples == 0
        folded = folded and (self.traces.origin(entered).data or self.traces.origin(weight).data)
        return self.layer(func, args, kwargs, kind, entered, weight, bias, axes, axes, groups, folded)

    def _linear(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        entered, weight, bias = arguments(args, kwargs, ("input", "weight", "bias"))
        axis = self.traces.sample_axis(entered)
        if axis == entered.ndim - 1:  # the channels stand where the samples were
            axis = 0 if axis else None
        axes = Axes(axis, (-1,), max(-self.traces.origin(entered).axis, 0))
        return self.layer(func, args, kwargs, "linear", entered, weight, bias, axes, axes)

    def _embedding(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        first, second = arguments(args, kwargs, ("input", "weight"))
        rows, weight = (second, first) if first.is_floating_point() else (first, second)
        entered = Axes(0 if rows.ndim else None, ())
        axes = Axes(self.traces.sample_axis(rows), (-1,)) if rows.ndim else Axes(None, (-1,))
        return self.layer(func, args, kwargs, "embedding", rows, weight, None, axes, entered)

    def _bilinear(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        entered, _, weight, bias = arguments(args, kwargs, ("input1", "input2", "weight", "bias"))
        axes = Axes(self.traces.sample_axis(entered), (-1,))
        return self.layer(func, args, kwargs, "bilinear", entered, weight, bias, axes, axes)

    def _attention(self, args: Any, kwargs: Any) -> None:
        query, key, value = arguments(args, kwargs, ("query", "key", "value"))
        products = query[..., :1].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])
        self.other_macs += products / self.samples

    def _recurrent(self, output: Any, given: list[Tensor]) -> Any:
        weights = [t for t in given if self.traces.origin(t).parameters and t.ndim > 1]
        self.lost_macs += sum(w.numel() for w in weights) * given[0][..., 0].numel() / self.samples
        self.traces.mark(output, self.traces.plain)  # nothing of its parameters is seen
        return output


def _none_has(*given: Any) -> bool:
    return False


def _is_foreign(func: Any) -> bool:
    """Whether it is an operator that somebody has given to torch: what is inside of it is not seen."""
    kind = getattr(func, "_qualified_op_name", None) or getattr(func, "_name", "")
    return isinstance(kind, str) and "::" in kind and not kind.startswith(("aten::", "prims::"))


def _inside_transform() -> bool:
    """Whether a function transform of torch's, such as `vmap`, is at work: its tensors have no memory of their own."""
    return torch._C._functorch.peek_interpreter_stack() is not None
