"""Laws as text: `neg(sub(x, y)) -> sub(y, x)` in, two patterns out, and the value of a pattern on tensors.

Letters stand for operands, numbers for constants; a name before parentheses is a primitive.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from gpproxy.primitives.declaration import Primitive
from gpproxy.primitives.types import Scalar

#: A pattern: a letter, a number, or a name and then its operands.
Pattern = Any
_TOKEN = re.compile(r"[A-Za-z_]\w*|-?\d+(?:\.\d+)?|[(),]")


def read(text: str) -> Pattern:
    """A pattern from its text.

    Raises ValueError for text that is none.

    >>> read("neg(sub(x, 1))")
    ('neg', ('sub', 'x', 1.0))
    """
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        raise ValueError(f"'{text}' holds more than names, numbers, commas and parentheses")

    def term() -> Pattern:
        if not tokens or tokens[0] in "(),":
            raise ValueError(f"'{text}' lacks an operand")
        token = tokens.pop(0)
        if tokens and tokens[0] == "(":
            parts: list[Pattern] = []
            while tokens and tokens.pop(0) != ")":
                parts.append(term())
                if not tokens:
                    raise ValueError(f"a parenthesis of '{text}' is not closed")
            return (token, *parts)
        return token if token[0].isalpha() else float(token)

    pattern = term()
    if tokens:
        raise ValueError(f"'{text}' goes on after its end")
    return pattern


@functools.cache
def sides(law: str) -> tuple[Pattern, Pattern]:
    """The old form of a law and its new one. Raises ValueError when there is no arrow, or a side is no pattern."""
    old, arrow, new = law.partition("->")
    if not arrow:
        raise ValueError(f"'{law}' has no '->'")
    return read(old), read(new)


def letters(pattern: Pattern) -> list[str]:
    """The operands of a pattern, each as often as it stands there, in alphabetical order."""
    if isinstance(pattern, tuple):
        return sorted(letter for part in pattern[1:] for letter in letters(part))
    return [pattern] if isinstance(pattern, str) else []


def size(pattern: Pattern) -> int:
    """Number of nodes of a pattern."""
    return 1 + sum(map(size, pattern[1:])) if isinstance(pattern, tuple) else 1


def names(pattern: Pattern) -> Iterator[str]:
    """The primitives of a pattern, each as often as it stands there."""
    if isinstance(pattern, tuple):
        yield pattern[0]
        for part in pattern[1:]:
            yield from names(part)


def type_of(pattern: Pattern, bound: Mapping[str, type], known: Mapping[str, Primitive]) -> type | None:
    """The type of a pattern whose letters have the given types; None when an operation has no such overload."""
    if isinstance(pattern, str):
        return bound[pattern]
    if isinstance(pattern, float):
        return Scalar
    inputs = [type_of(part, bound, known) for part in pattern[1:]]
    signature = known[pattern[0]].signature(tuple(t for t in inputs if t is not None)) if None not in inputs else None
    return signature.output if signature else None


def value(pattern: Pattern, bound: Mapping[str, Tensor], known: Mapping[str, Primitive]) -> Tensor:
    """The value of a pattern, its letters bound to `batch x ...`; constants are `1 x 1`."""
    if isinstance(pattern, str):
        return bound[pattern]
    if isinstance(pattern, float):
        return torch.full((1, 1), pattern, dtype=next(iter(bound.values())).dtype)
    return known[pattern[0]].function(*(value(part, bound, known) for part in pattern[1:]))
