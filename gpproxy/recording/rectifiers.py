"""Rectifiers that are not called by their names: general functions of torch's used as one, and those written by hand.

Those by hand put together parts of a value that were made before: a switch (its sigmoid, where it is above or below
zero), its absolute value, a multiple of it, zeros. Parts stand in the traces of the tensors that hold them.

This file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor

from gpproxy.recording.arguments import arguments, changed
from gpproxy.recording.trace import Part, Traces

#: What tells where a value is above or below zero.
COMPARISONS = {
    "gt": "above", "__gt__": "above", "ge": "above", "__ge__": "above", "greater": "above", "greater_equal": "above",
    "lt": "below", "__lt__": "below", "le": "below", "__le__": "below", "less": "below", "less_equal": "below",
}  # fmt: skip
OPPOSITE = {"above": "below", "below": "above"}
#: What turns it round, in a mask of booleans.
INVERSES = frozenset(("__invert__", "bitwise_not", "logical_not"))
#: What makes numbers of it.
CASTS = frozenset(("to", "type", "type_as", "float", "double", "half", "bfloat16", "int"))
#: What makes zeros of the size of a value, and what does if it is told to.
ZEROS = frozenset(("zeros_like", "new_zeros", "full_like", "new_full"))
#: Products by an element.
TIMES = frozenset(("mul", "mul_", "__mul__", "__rmul__", "__imul__", "multiply", "multiply_"))
#: Sums by an element; in place, a value and its absolute one have no gradient.
SUMS = frozenset(("add", "__add__", "__radd__"))
#: What makes the absolute value.
ABSOLUTES = frozenset(("abs", "absolute", "__abs__"))
#: The larger of two values.
LARGER = frozenset(("maximum", "max", "fmax"))
#: What fills in another value where a mask is true.
FILLS = frozenset(("masked_fill", "masked_fill_", "__setitem__"))
#: What makes a part, and what makes a rectifier of parts.
MAKES_PART = frozenset(("sigmoid", *ABSOLUTES, *COMPARISONS, *INVERSES, *CASTS, *ZEROS, *TIMES))
BY_HAND = frozenset(("where", *FILLS, *TIMES, *SUMS, *LARGER))
#: What a value times, or plus, a part of it is: of the sum twice as much, which is halved before or afterwards.
PUT_TOGETHER = {
    **dict.fromkeys(TIMES, {"sigmoid": "silu", "above": "relu"}), **dict.fromkeys(SUMS, {"absolute": "relu"}),
}  # fmt: skip


def cuts_at_zero(name: str, args: Any, kwargs: Any) -> bool:
    """Whether a general function of torch's is used as a rectifier."""
    if name in ("clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_"):
        low = args[1] if len(args) > 1 else kwargs.get("min")
        return _is_zero(low) and (args[2] if len(args) > 2 else kwargs.get("max")) is None
    if name in ("hardtanh", "hardtanh_"):
        return (args[1] if len(args) > 1 else kwargs.get("min_val", -1.0)) == 0
    if name in ("threshold", "threshold_", "_threshold"):
        return all(map(_is_zero, arguments(args, kwargs, ("input", "threshold", "value"))[1:]))
    return False


def part_made(name: str, args: Any, kwargs: Any, given: list[Tensor], output: Any, traces: Traces) -> Part | None:
    """What part of a rectifier by hand the output of an operation is; None where it is none."""
    if name not in MAKES_PART or not isinstance(output, Tensor) or changed(name, args, kwargs) is not None:
        return None
    first, version = given[0], output._version
    if name in ZEROS:
        number = arguments(args, kwargs, ("input", (1 if name == "full_like" else 2, "fill_value")))[1]
        return Part("zero", None, 0, version) if "zeros" in name or _is_zero(number) else None
    if name in INVERSES or name in CASTS:
        before = known_part(first, traces)
        if before is None or before.kind not in ("above", "below"):
            return None
        kind = OPPOSITE[before.kind] if name in INVERSES else before.kind
        if name in INVERSES and first.dtype != torch.bool or name == "to" and output is first:
            return None
        return Part(kind, before.value, before.value_version, version)
    if name in TIMES:
        moving = [tensor for tensor in given if traces.origin(tensor).data]
        if len(moving) != 1 or output.shape != moving[0].shape or not moving[0].is_floating_point():
            return None
        factor = next((value for value in (*args, *kwargs.values()) if value is not moving[0]), None)
        if isinstance(factor, Tensor) and factor.numel() > 1 and not traces.origin(factor).parameters:
            return None
        return Part("multiple", weakref.ref(moving[0]), moving[0]._version, version, factor)
    value, kind = first, "absolute" if name in ABSOLUTES else COMPARISONS.get(name, name)
    if name in COMPARISONS:
        left, right = arguments(args, kwargs, ("input", "other"))
        if isinstance(right, Tensor) and _holds_zero(left, right, traces):  # 0 < x
            value, kind = right, OPPOSITE[kind]
        elif not _holds_zero(right, first, traces):
            return None
    if not traces.origin(value).data or output.shape != value.shape:
        return None
    return Part(kind, weakref.ref(value), value._version, version)


def by_hand(name: str, args: Any, kwargs: Any, given: list[Tensor], traces: Traces) -> tuple[Tensor, str] | None:
    """The value that an operation rectifies and the name of the rectifier, where it is written by hand: a value times
    its switch, a value and its absolute one, the larger of a value and zero or a part of itself, or one of them where
    the value is below zero. None for other operations."""
    if name not in BY_HAND or len(given) < 2:
        return None
    if name == "where" or name in FILLS:
        mask, above, below = _chosen(name, args, kwargs)
        switch = known_part(mask, traces) if isinstance(mask, Tensor) and mask.dtype == torch.bool else None
        if switch is not None and switch.kind == "below":
            above, below = below, above
        if switch is None or not isinstance(above, Tensor) or not switch.is_of(above):
            return None
        found = _below_zero(above, below, traces, learned=True)
        return (above, found) if found else None
    if len(given) != 2 or name in SUMS and kwargs:  # alpha
        return None
    in_place = name in ("mul_", "__imul__", "multiply_")
    for value, other in (given,) if in_place else (given, given[::-1]):
        if made := PUT_TOGETHER.get(name):
            part = known_part(other, traces)
            if part is not None and part.is_of(value) and part.kind in made:
                return value, made[part.kind]
        elif traces.origin(value).data and (found := _below_zero(value, other, traces)):
            return value, found
    return None


def known_part(tensor: Tensor, traces: Traces) -> Part | None:
    """The part that a tensor is, unless it was changed in place since."""
    part = traces.origin(tensor).part
    return part if part is not None and part.version == tensor._version else None


def _chosen(name: str, args: Any, kwargs: Any) -> list[Any]:
    """Mask, value where it is true, and value where it is not, of an operation that chooses by a mask."""
    if name == "__setitem__":
        value, mask, filled = args
        return [mask, filled, value]
    if name in FILLS:
        value, mask, filled = arguments(args, kwargs, ("input", "mask", "value"))
        return [mask, filled, value]
    if args and isinstance(args[0], Tensor) and args[0].dtype != torch.bool:  # the method of the value
        mask, other = arguments(args, kwargs, ("self", "condition", "other"))[1:]
        return [mask, args[0], other]
    return arguments(args, kwargs, ("condition", "input", "other"))


def _below_zero(value: Tensor, other: Any, traces: Traces, learned: bool = False) -> str:
    """The name of the rectifier that puts |other| in the place of a value below zero; empty where it is none.

    Args:
        learned: whether the slope may be a parameter; for the larger of two it has to be from 0 to 1.
    """
    part = known_part(other, traces) if isinstance(other, Tensor) else None
    if part is not None and part.kind == "multiple" and part.is_of(value):
        slope = part.factor
        if isinstance(slope, Tensor):
            if traces.origin(slope).parameters:
                return "prelu" if learned else ""
            slope = float(slope) if slope.numel() == 1 and slope.device.type != "meta" else None
        if isinstance(slope, (int, float)) and 0 <= slope <= 1:
            return "leaky_relu" if slope else "relu"
        return ""
    return "relu" if _holds_zero(other, value, traces) else ""


def _holds_zero(other: Any, value: Tensor, traces: Traces) -> bool:
    """Whether a number, or a tensor of one number or of those of `value`, is zero whatever the network is given."""
    if not isinstance(other, Tensor):
        return _is_zero(other)
    if other.numel() not in (1, value.numel()):
        return False
    found, part = traces.origin(other), known_part(other, traces)
    if part is not None and part.kind == "zero":
        return True
    # Its numbers are read last: that makes a GPU wait.
    constant = not found.data and not found.parameters and other.device.type != "meta"
    return constant and not bool(other.any())


def _is_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and value == 0
