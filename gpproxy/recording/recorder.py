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
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from gpproxy.recording.arguments import arguments, changed, cuts_at_zero, tensors
from gpproxy.recording.contraction import cheapest, contraction, product_letters, spelling, steps
from gpproxy.recording.layer import Axes
from gpproxy.recording.ledger import Ledger
from gpproxy.recording.memory import Kept
from gpproxy.recording.operations import (
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
    SQUASHERS,
    TRANSPOSED,
)
from gpproxy.recording.trace import INNER, Trace, moved

#: What tells about a tensor without computing anything.
_SILENT = frozenset(("size", "dim", "is_contiguous", "numel", "is_floating_point", "__len__", "__bool__", "item"))


class Recorder(Ledger, TorchFunctionMode):
    """Sees the operations of one call of a network, inside `with recorder.watching():`. For its arguments and what it
    has recorded see `Ledger`; a `linear` recording also leaves out squashing activations and makes attention uniform.
    """

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sees what is called inside; knows the module that is running. Hooks of all modules see that: setting one for
        each module, in every pass, takes longer than many a layer."""
        named = self.network.named_modules()
        # Nothing inside a scripted module is seen.
        names = {module: name for name, module in named if not isinstance(module, torch.jit.ScriptModule)}

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
            return self.normalise(func, args, kwargs, given)
        if self.linear and torch.is_grad_enabled():  # a custom Function keeps what its own backward pass belongs to
            if name in SQUASHERS:
                return args[0] if args else kwargs["input"]
            if name in MIXERS:  # attention becomes a mean over positions
                flat = torch.zeros_like(given[0])
                args = tuple(flat if value is given[0] else value for value in args)
                kwargs = {key: flat if value is given[0] else value for key, value in kwargs.items()}
        if name in RECTIFIERS or cuts_at_zero(name, args, kwargs):
            return self.rectify(func, args, kwargs, given)
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
        if name in CHAINS:
            return self._chain(func, args, kwargs, given)
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
        if value is None:
            return joined
        before = self.traces.origin(value)
        where = (before.maker, before.rectifier, joined.axis, source, joined.visible)
        return self.traces.made(joined.data, joined.parameters, *where)

    def _opened(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        """Attention as one function of torch's: what it calls is seen."""
        opened = types.FunctionType(
            func.__code__, {**func.__globals__, "has_torch_function": _none_has}, func.__name__, func.__defaults__
        )
        opened.__kwdefaults__ = func.__kwdefaults__
        with self:
            return opened(*args, **kwargs)

    def _convolution(self, func: Any, name: str, args: Any, kwargs: Any) -> Tensor:
        entered, weight, bias, groups = arguments(args, kwargs, ("input", "weight", "bias", (6, "groups")))
        kind, dimensions = ("convolution", CONVOLUTIONS) if name in CONVOLUTIONS else ("transposed", TRANSPOSED)
        batched = entered.ndim == dimensions[name] + 2
        axes = Axes(0, (1,)) if batched else Axes(None, (0,))
        groups = groups or 1
        folded = batched and entered.shape[0] == 1 and self.samples > 1 and groups % self.samples == 0
        folded = folded and (self.traces.origin(entered).data or self.traces.origin(weight).data)
        return self.layer(func, args, kwargs, kind, entered, weight, bias, axes, axes, groups, folded)

    def _linear(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        entered, weight, bias = arguments(args, kwargs, ("input", "weight", "bias"))
        axes = Axes(self.traces.sample_axis(entered), (-1,), self.traces.origin(entered).axis == INNER)
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

    def _product(self, func: Any, name: str, args: Any, kwargs: Any, given: list[Tensor]) -> Tensor:
        """A matrix product: a linear layer where one factor is made of parameters, else one of activations."""
        places = PRODUCTS[name]
        factors = [args[i] if i < len(args) else given[i] for i in places]
        for i, (weight, entered) in enumerate((factors[::-1], factors)):
            if self._is_weight(weight, entered) and weight.ndim > 1 and entered.ndim > i:
                bias = given[0] if places == (1, 2) else None
                return self._contraction(func, args, kwargs, entered, weight, *product_letters(factors, i), bias)
        output, joined = func(*args, **kwargs), self.traces.joined(given)
        if joined.data:  # not so the power iteration of a spectral norm
            self.other_macs += output.numel() * factors[0].shape[-1] / self.samples
        self.traces.mark(output, joined)
        return output

    def _einsum(self, func: Any, name: str, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
        """A sum over products, by the letters of the axes; one of many factors is made of those of two."""
        spelt = spelling(name, args, kwargs, given)
        if spelt is None:
            return self._unread(func, args, kwargs, given)
        terms, made = spelt
        if len(terms) > 2:
            value = given[0]
            with self:
                for step, factor in zip(steps(terms, made), given[1:]):
                    value = torch.einsum(step, value, factor)
            return value
        first, second = terms
        for weight, entered, letters in ((given[1], given[0], (first, second)), (given[0], given[1], (second, first))):
            if set(first) & set(second) - set(made) and self._is_weight(weight, entered):
                return self._contraction(func, args, kwargs, entered, weight, *letters, made)
        output = func(*args, **kwargs)
        sizes = dict(zip(first + second, (*given[0].shape, *given[1].shape)))
        if set(first) & set(second) - set(made):
            self.other_macs += math.prod(sizes.values()) / self.samples
        self.traces.mark(output, self.traces.joined(given))
        return output

    def _chain(self, func: Any, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
        """A product of several matrices: of those of two, in the order that costs least, as torch has it."""
        if isinstance(kwargs.get("out"), Tensor) or len(given) < 2:
            return self._unread(func, args, kwargs, given)
        sizes = [*(factor.shape[0] if factor.ndim > 1 or i else 1 for i, factor in enumerate(given))]
        splits = cheapest([*sizes, given[-1].shape[-1] if given[-1].ndim > 1 else 1])

        def product(first: int, last: int) -> Tensor:
            if first == last:
                return given[first]
            middle = splits[first, last]
            return product(first, middle) @ product(middle + 1, last)

        with self:
            return product(0, len(given) - 1)

    def _unread(self, func: Any, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
        """A sum over products that is none of two factors: where parameters meet activations, they are not seen."""
        joined, output = self.traces.joined(given), func(*args, **kwargs)
        if joined.data:
            joined = self.traces.joined([tensor for tensor in given if self.traces.origin(tensor).data])
        self.traces.mark(output, joined)
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
        """A layer that sums over axes of its input, by the letters of the axes of input, weight and output."""
        axis, changing = self.traces.sample_axis(entered), self.traces.origin(weight).data
        read = contraction(weight, inside, inner, made, axis, changing)
        return self.layer(
            func, args, kwargs, "contraction", entered, weight, bias, read.output, read.input,
            per_sample=read.per_sample, turn=read.turn,
        )  # fmt: skip

    def _is_weight(self, weight: Tensor, entered: Tensor) -> bool:
        """Whether a factor is made of parameters, alone or (one for each sample) elementwise from one of its size."""
        made, other = self.traces.origin(weight), self.traces.origin(entered)
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
        weights = [t for t in given if self.traces.origin(t).parameters and t.ndim > 1]
        self.lost_macs += sum(w.numel() for w in weights) * given[0][..., 0].numel() / self.samples
        self.traces.mark(output, self.traces.plain)  # nothing of its parameters is seen
        return output


def _none_has(*given: Any) -> bool:
    return False
