"""Rectifiers that are not called by their names: general functions of torch's used as one, and those written by hand.

This file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gpproxy.recording.arguments import arguments
from gpproxy.recording.trace import Traces

#: What makes a switch of a value, and the rectifier that their product is: x * sigmoid(x), x * (x > 0).
SWITCHES = {"sigmoid": "silu", "gt": "relu", "__gt__": "relu", "ge": "relu", "__ge__": "relu"}
#: Products by an element.
TIMES = frozenset(("mul", "mul_", "__mul__", "__rmul__", "__imul__", "multiply"))
#: The larger of two values.
LARGER = frozenset(("maximum", "max", "fmax"))


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


def switch_of(name: str, args: Any, given: list[Tensor], traces: Traces) -> tuple[Tensor, int, str] | None:
    """What the output of an operation switches: a value, its version, and the rectifier that their product is."""
    if name not in SWITCHES or len(given) != 1 or not traces.origin(given[0]).data:
        return None
    if name != "sigmoid" and not (len(args) > 1 and _is_zero(args[1])):
        return None
    return given[0], given[0]._version, SWITCHES[name]


def by_hand(name: str, args: Any, given: list[Tensor], traces: Traces) -> tuple[Tensor, str] | None:
    """The value that an operation rectifies and the name of the rectifier, where it is written by hand: a value times
    its switch, or the larger of a value and zero. None for other operations."""
    if len(given) != 2 or name not in TIMES and name not in LARGER:
        return None
    in_place = name in ("mul_", "__imul__")
    for value, other in (given,) if in_place else (given, given[::-1]):
        found = traces.origin(other)
        if name in TIMES:
            if found.switch is not None and found.switch[0] is value and found.switch[1] == value._version:
                return value, found.switch[2]
        elif traces.origin(value).data and not found.data and not found.parameters:
            # Its numbers are read last: that makes a GPU wait.
            if other.device.type != "meta" and other.numel() in (1, value.numel()) and not bool(other.any()):
                return value, "relu"
    return None


def _is_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and value == 0
