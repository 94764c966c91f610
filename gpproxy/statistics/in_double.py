"""A pass in float64 through a network whose forward makes, keeps or asks for tensors of another precision.

A network's parameters and inputs can be converted beforehand; a time embedding that is made inside, a table that a
module keeps as a plain attribute and a call of `float()` cannot. This file needs torch only: an exported proxy carries
a copy of it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

NARROW = (torch.float16, torch.bfloat16, torch.float32)
#: Methods that ask for one of these by their name.
NARROWING = ("float", "half", "bfloat16")


class InDouble(TorchFunctionMode):
    """Inside, every operation of torch gets, asks for and returns float64 in the place of shorter floats."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for every function and method, in place of it."""
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name in NARROWING and not args[0].is_complex():
            return args[0].double()
        # What is written to must stay the tensor that it is.
        written = name.endswith("_") and not name.endswith("__") or name == "__setitem__" or name[:3] == "__i"
        kept = args[:1] if written and name != "__index__" else ()
        made = func(
            *kept,
            *(_doubled(value) for value in args[len(kept) :]),
            **{key: value if key == "out" else _doubled(value) for key, value in kwargs.items()},
        )
        given = any(made is value for value in (*kept, kwargs.get("out")))
        return made if given else _doubled(made)


def _doubled(value: Any) -> Any:
    """A tensor, a type or a list of them with float64 in the place of shorter floats; all else as it is."""
    if isinstance(value, Tensor):
        return value.double() if value.dtype in NARROW else value
    if isinstance(value, torch.dtype):
        return torch.float64 if value in NARROW else value
    if type(value) in (tuple, list):
        return type(value)(_doubled(part) for part in value)
    return value
