"""The nodes of a tree: operations, statistics and constants, immutable and shared between trees.

Subclasses of DEAP's nodes, so that a tree is an ordinary `deap.gp.PrimitiveTree`. DEAP's own nodes can be changed in
place, which changes every tree that holds them; these refuse.
"""

from __future__ import annotations

import math
from typing import Any

from deap import gp

from gpproxy.errors import ExpressionError
from gpproxy.primitives.declaration import Primitive, Signature
from gpproxy.primitives.types import Scalar


def _refuse(self: Any, name: str, value: Any = None) -> None:
    raise AttributeError(f"The node {self.name} is shared between trees and cannot be changed.")


class Operation(gp.Primitive):
    """A primitive with one of its signatures.

    Attributes:
        code: what the structural key sees (the name; the operands choose the signature).
        swaps: whether the two operands may be exchanged.
    """

    __slots__ = ("primitive", "signature", "code", "swaps")

    def __init__(self, primitive: Primitive, signature: Signature):
        put = object.__setattr__
        put(self, "name", primitive.name)
        put(self, "code", primitive.name)
        put(self, "args", signature.inputs)
        put(self, "arity", len(signature.inputs))
        put(self, "ret", signature.output)
        put(self, "seq", f"{primitive.name}({', '.join(f'{{{i}}}' for i in range(len(signature.inputs)))})")
        put(self, "primitive", primitive)
        put(self, "signature", signature)
        put(self, "swaps", primitive.commutative and len(set(signature.inputs)) == 1 and len(signature.inputs) == 2)

    __setattr__ = __delattr__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return Operation, (self.primitive, self.signature)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Operation) and self.name == other.name and self.signature == other.signature

    def __hash__(self) -> int:
        return hash((self.name, self.signature))

    def __repr__(self) -> str:
        return f"{self.name}{self.signature}"


class Leaf(gp.Terminal):
    """A node without operands: `name` is its text, `code` what the structural key sees."""

    __slots__ = ("code",)

    arity = 0

    def __init__(self, name: str, value: Any, type: type):
        put = object.__setattr__
        put(self, "name", name)
        put(self, "code", name)
        put(self, "value", value)
        put(self, "ret", type)
        put(self, "conv_fct", str)

    __setattr__ = __delattr__ = _refuse

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.name == other.name and self.ret is other.ret  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name


class Statistic(Leaf):
    """A statistic by name; its values live in a StatisticsTable, never in a tree."""

    __slots__ = ()

    def __init__(self, name: str, type: type):
        super().__init__(name, name, type)

    def __reduce__(self) -> tuple[Any, ...]:
        return Statistic, (self.name, self.ret)


class Constant(Leaf):
    """A finite number of type Scalar, rounded to 3 significant digits so that equal text means equal value.

    Raises ExpressionError for NaN and infinity.
    """

    __slots__ = ()

    def __init__(self, value: float):
        if not math.isfinite(value):
            raise ExpressionError(f"A constant must be a finite number, not {value}.")
        value = float(f"{value:.3g}") or 0.0  # no negative zero
        if not math.isfinite(value):
            raise ExpressionError("A constant must stay below 1.79e308.")
        super().__init__(f"{value:g}", value, Scalar)

    def __reduce__(self) -> tuple[Any, ...]:
        return Constant, (self.value,)
