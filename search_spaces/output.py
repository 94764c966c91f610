"""Which tensor of what a generator returns is the image: the output and, where it must be told, a name go in.

This file needs torch only: an exported proxy carries a copy of it.

>>> made = {"image": torch.zeros(2, 3, 8, 8), "mean": torch.zeros(2, 5)}
>>> picked(made).shape == picked(made, "image").shape
True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import torch  # noqa: F401  for the example above
from torch import Tensor

#: A position, or a name of a dict, dataclass or other object; several joined by dots lead inside; or a function of what
#: is returned; or None, to tell without help.
Pick = int | str | Callable[[Any], Tensor] | None


def picked(output: object, pick: Pick = None) -> Tensor:
    """The image, `sample x channel x ...`, of what a generator returned.

    Without `pick` it is the one tensor of floats that there is, or else the only one with one to four channels and two
    axes of positions or more. Raises ValueError, with the names that there are, where that does not decide.
    """
    if callable(pick):
        return _tensor(pick(output), "the function")
    if pick is not None:
        found: Any = output
        for name in str(pick).split("."):
            found = _part(found, name, output)
        return _tensor(found, f"'{pick}'")
    if isinstance(output, Tensor):
        return output
    parts = {name: part for name, part in _parts(output) if part.is_floating_point() and part.ndim > 1}
    images = {name: part for name, part in parts.items() if part.ndim > 3 and 1 <= part.shape[1] <= 4}
    for choice in (parts, images):
        if len(choice) == 1:
            return next(iter(choice.values()))
    if not parts:
        raise ValueError(
            f"The generator must return a tensor of floats, alone or in a tuple, dict or dataclass, but it returned a "
            f"{type(output).__name__} without any."
        )
    shown = ", ".join(f"'{name}' {tuple(part.shape)}" for name, part in parts.items())
    raise ValueError(
        f"The generator returns several tensors, and which of them is the image cannot be told: {shown}. Name it, for "
        f"example output='{next(iter(images or parts))}'."
    )


def _tensor(found: object, said: str) -> Tensor:
    if not isinstance(found, Tensor):
        raise ValueError(f"{said} picks a {type(found).__name__} of the generator's output, but it must be a tensor.")
    return found


def _part(found: Any, name: str, whole: object) -> Any:
    """The part of an output at a position or under a name."""
    digits = name.removeprefix("-").isdecimal()
    try:
        if isinstance(found, dict):
            return found[name] if name in found else found[int(name)]
        return found[int(name)] if digits and not isinstance(found, Tensor) else getattr(found, name)
    except (LookupError, AttributeError, TypeError, ValueError):
        known = ", ".join(f"'{one}' {tuple(part.shape)}" for one, part in _parts(whole)) or "no tensor"
        raise ValueError(f"The generator's output has no '{name}'. There is: {known}.") from None


def _parts(output: Any, before: str = "") -> list[tuple[str, Tensor]]:
    """Every tensor of an output with the name that picks it."""
    if isinstance(output, Tensor):
        return [(before or "0", output)]
    if isinstance(output, dict):
        inner = list(output.items())
    elif isinstance(output, tuple) and hasattr(output, "_fields"):
        inner = list(zip(output._fields, output))
    elif isinstance(output, (tuple, list)):
        inner = list(enumerate(output))
    elif is_dataclass(output) and not isinstance(output, type):
        inner = [(field.name, getattr(output, field.name)) for field in fields(output)]
    else:
        return []
    lead = f"{before}." if before else ""
    return [found for name, value in inner for found in _parts(value, f"{lead}{name}")]
