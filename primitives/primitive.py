"""What a primitive is, and how one is registered.

A primitive is a pure function on tensors with one leading batch axis (layers, or architectures for network types).
It may have several typed signatures under one name; the types of the operands choose. Registering one runs it on probe
tensors and refuses with the reason when it changes an input, draws random numbers, changes dtype, breaks the shape its
output type promises, or is not finite (`gpproxy.primitives.check`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from gpproxy.registry import Registry

Group = Literal["transform", "encode", "reduce", "augment"]


@dataclass(frozen=True)
class Signature:
    """Operand types and result type of one overload."""

    inputs: tuple[type, ...]
    output: type

    def __str__(self) -> str:
        return f"({', '.join(t.__name__ for t in self.inputs)}) -> {self.output.__name__}"


@dataclass(frozen=True)
class Primitive:
    """A named pure function with its types, its algebra and its price.

    Attributes:
        name: as written in a formula.
        group: transform, encode, reduce or augment, as in Auto-GAS (Li et al., 2024).
        function: `f(*operands) -> tensor`. Operands carry one leading batch axis. A layer reducer (`over_layers`) gets
            `architecture x layer [x ...]` operands and, last, `depth: architecture x layer` in [0, 1], NaN where an
            architecture has no such layer; the padded operand entries are zero.
        signatures: the typed overloads.
        source: (Author, year) of the operation.
        sympy: the same operation on SymPy expressions; None leaves it an opaque function of that name.
        symbol: infix operator that prints it (`+ - * /`), or None.
        cost: passes over the operand that it costs, as a multiple of one element-wise operation.
        commutative: whether the order of two operands does not matter.
        monotone: +1 strictly increasing, -1 strictly decreasing in its only operand on all real numbers, else 0.
        over_layers: whether it reduces the layer axis.
        equal_shapes: whether operands of one type must have equal shapes (feature maps may differ in channels if not).
    """

    name: str
    group: Group
    function: Callable[..., Any]
    signatures: tuple[Signature, ...]
    source: str
    sympy: Callable[..., Any] | None = None
    symbol: str | None = None
    cost: float = 1.0
    commutative: bool = False
    monotone: int = 0
    over_layers: bool = False
    equal_shapes: bool = True
    summary: str = field(default="", compare=False)

    def signature(self, inputs: tuple[type, ...]) -> Signature | None:
        """The overload for these operand types, or None."""
        return next((s for s in self.signatures if s.inputs == inputs), None)


PRIMITIVES: Registry[Primitive] = Registry("primitive", "gpproxy.primitives")


def same(*types: type) -> list[Signature]:
    """Signatures of a shape-keeping operation: `T -> T` for each type."""
    return [Signature((t,), t) for t in types]


def pairs(*types: type) -> list[Signature]:
    """Signatures of a two-operand operation: `T, T -> T` for each type."""
    return [Signature((t, t), t) for t in types]


def maps(*steps: tuple[Any, type]) -> list[Signature]:
    """Signatures from (operand type or tuple of them, result type) pairs."""
    return [Signature(i if isinstance(i, tuple) else (i,), o) for i, o in steps]


def primitive(
    group: Group, signatures: list[Signature], *, source: str, name: str | None = None, **attributes: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers the decorated function as a primitive after checking it on probe tensors.

    Raises PrimitiveError with the reason when a promise is broken, RegistryError when the name is taken.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        from gpproxy.primitives.check import check

        summary = (inspect.getdoc(function) or "").split("\n")[0]
        made = Primitive(
            name or function.__name__, group, function, tuple(signatures), source, summary=summary, **attributes
        )
        check(made)
        PRIMITIVES.add(made.name, made)
        return function

    return decorate
