"""Reads the arguments of torch's functions: what tensors they hold, what is changed in place, which axes are summed.

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


def cuts_at_zero(name: str, args: Any, kwargs: Any) -> bool:
    """Whether a general function of torch's is used as a rectifier."""
    if name in ("clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_"):
        low = args[1] if len(args) > 1 else kwargs.get("min")
        return isinstance(low, (int, float)) and low == 0 and (args[2] if len(args) > 2 else kwargs.get("max")) is None
    if name in ("hardtanh", "hardtanh_"):
        return (args[1] if len(args) > 1 else kwargs.get("min_val", -1.0)) == 0
    if name in ("threshold", "threshold_"):
        return args[1:3] == (0, 0)
    return False


def spelling(name: str, args: Any, kwargs: Any, given: list[Tensor]) -> tuple[str, str, str] | None:
    """Letters for the axes of two factors and of their product; None where there are not two or an axis comes twice."""
    if len(given) != 2:
        return None
    if name == "tensordot":
        dims = args[2] if len(args) > 2 else kwargs.get("dims", 2)
        counts = given[0].ndim, given[1].ndim
        first, second = ([*map(chr, range(start, start + n))] for start, n in zip((97, 65), counts))
        pairs = zip(*dims) if not isinstance(dims, int) else zip(range(counts[0] - dims, counts[0]), range(dims))
        gone = [(int(i) % counts[0], int(j) % counts[1]) for i, j in pairs]
        for i, j in gone:
            second[j] = first[i]
        summed = {first[i] for i, _ in gone}
        return "".join(first), "".join(second), "".join(c for c in first + second if c not in summed)
    if not isinstance(args[0], str):
        return None
    left, _, made = args[0].replace(" ", "").partition("->")
    terms = left.split(",")
    for i, (term, tensor) in enumerate(zip(terms, given)):
        left_out = tensor.ndim - len(term.replace("...", ""))
        terms[i] = term.replace("...", "".join(map(chr, range(0x3B1 + 20 - left_out, 0x3B1 + 20))))
    dots = max((term for term in terms), key=len)
    dots = "".join(c for c in dots if ord(c) > 0x3B0)
    if "->" not in args[0]:
        both = "".join(terms)
        made = "..." + "".join(sorted(c for c in set(both) if both.count(c) == 1 and ord(c) < 0x3B1))
    made = made.replace("...", dots)
    if len(terms) != 2 or any(len(set(term)) < len(term) for term in terms):
        return None
    return terms[0], terms[1], made


def product_letters(factors: list[Tensor], right: int) -> tuple[str, str, str]:
    """Letters for the axes of input, weight and output of a matrix product; the input is the `right` factor or not."""
    first, second = factors[0].ndim, factors[1].ndim
    batch = "".join(map(chr, range(97, 97 + max(first, second) - 2)))
    one, two = batch[len(batch) - max(first - 2, 0) :] if first > 2 else "", batch[len(batch) - max(second - 2, 0) :]
    two = two if second > 2 else ""
    a, b = one + ("yz" if first > 1 else "z"), two + ("zx" if second > 1 else "z")
    made = batch + ("y" if first > 1 else "") + ("x" if second > 1 else "")
    return (b, a, made) if right else (a, b, made)


def replaced(args: Any, kwargs: Any, weight: Tensor) -> tuple[Any, Any, Tensor]:
    """The arguments with |weight| in the place of the weight."""
    positive = weight.abs()
    swap: Callable[[Any], Any] = lambda value: positive if value is weight else value  # noqa: E731
    return tuple(map(swap, args)), {name: swap(value) for name, value in kwargs.items()}, positive
