"""Reads the arguments of torch's functions: what tensors they hold, what is changed in place.

This file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor


def tensors(args: Any, kwargs: Any) -> list[Tensor]:
    """All tensors among the arguments, in lists and tuples, too."""
    found = []
    for value in (*args, *kwargs.values()) if kwargs else args:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            found += [part for part in value if isinstance(part, Tensor)]
    return found


def arguments(args: Any, kwargs: Any, names: tuple[Any, ...]) -> list[Any]:
    """Arguments by name; where one does not stand at its place in the list of names, (place, name) is given."""
    places = [name if isinstance(name, tuple) else (i, name) for i, name in enumerate(names)]
    return [args[i] if i < len(args) else kwargs.get(name) for i, name in places]


def changed(name: str, args: Any, kwargs: Any) -> Tensor | None:
    """The tensor that an operation changes in place, if it does."""
    if isinstance(kwargs.get("out"), Tensor):
        return kwargs["out"]
    changes = name.endswith("_") and not name.endswith("__") or kwargs.get("inplace")
    if (
        changes
        or name == "__setitem__"
        or name.startswith("__i")
        and name not in ("__invert__", "__index__", "__int__")
    ):
        target = args[0] if args else kwargs.get("input")
        return target if isinstance(target, Tensor) else None
    return None


def replaced(args: Any, kwargs: Any, weight: Tensor) -> tuple[Any, Any, Tensor]:
    """The arguments with |weight| in the place of the weight."""
    positive = weight.abs()
    swap: Callable[[Any], Any] = lambda value: positive if value is weight else value  # noqa: E731
    return tuple(map(swap, args)), {name: swap(value) for name, value in kwargs.items()}, positive
