"""Sums over products of tensors as they come in a pass: layers where one factor is made of parameters, or products of
activations.

In: matrix products, `einsum` and its kin with what they were given. Out: layers, see `Ledger`. This file needs torch
only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gpproxy.recording.contraction import cheapest, contraction, product_letters, spelling, steps
from gpproxy.recording.ledger import Ledger
from gpproxy.recording.operations import PRODUCTS


class Products(Ledger, TorchFunctionMode):
    """Reads products; for its arguments and what it has recorded see `Ledger`."""

    def product(self, func: Any, name: str, args: Any, kwargs: Any, given: list[Tensor]) -> Tensor:
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

    def einsum(self, func: Any, name: str, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
        """A sum over products, by the letters of the axes; one of many factors is made of those of two."""
        spelt = spelling(name, args, kwargs, given)
        if spelt is None:
            return self.unread(func, args, kwargs, given)
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

    def chain(self, func: Any, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
        """A product of several matrices: of those of two, in the order that costs least, as torch has it."""
        if isinstance(kwargs.get("out"), Tensor) or len(given) < 2:
            return self.unread(func, args, kwargs, given)
        sizes = [*(factor.shape[0] if factor.ndim > 1 or i else 1 for i, factor in enumerate(given))]
        splits = cheapest([*sizes, given[-1].shape[-1] if given[-1].ndim > 1 else 1])

        def product(first: int, last: int) -> Tensor:
            if first == last:
                return given[first]
            middle = splits[first, last]
            return product(first, middle) @ product(middle + 1, last)

        with self:
            return product(0, len(given) - 1)

    def unread(self, func: Any, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
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
