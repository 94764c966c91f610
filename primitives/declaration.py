"""What a primitive is: a function, its types, and all that simplification, words and notation know of it.

In: nothing. Out: the classes `Signature` and `Primitive`. Registering one (`gpproxy.primitives.primitive`) tests what
it declares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from gpproxy.primitives.notation import Notation

Group = Literal["transform", "encode", "reduce", "augment"]
#: What a sign does to a value: f(-x) = f(x), f(|x|) = f(x) (which is even, too), f(-x) = -f(x).
Parity = Literal["even", "absolute", "odd"]
#: What the entries of a result can be: any number, from 0 up, from 0 to 1, 0 or 1.
Range = Literal["real", "nonnegative", "unit", "binary"]
#: A third of the depth.
Region = Literal["", "early", "middle", "late"]

#: Each range holds those behind it.
RANGES: tuple[Range, ...] = ("real", "nonnegative", "unit", "binary")
_WITHIN: dict[Range, tuple[Range, ...]] = {narrow: RANGES[: i + 1] for i, narrow in enumerate(RANGES)}


@dataclass(frozen=True)
class Signature:
    """Operand types and result type of one overload."""

    inputs: tuple[type, ...]
    output: type

    def __str__(self) -> str:
        return f"({', '.join(t.__name__ for t in self.inputs)}) -> {self.output.__name__}"


@dataclass(frozen=True)
class Primitive:
    """A named pure function with its types, its algebra, its words and its price.

    Attributes:
        name: as written in a formula.
        group: transform, encode, reduce or augment, as in Auto-GAS (Li et al., 2024).
        function: `f(*operands) -> tensor`. Operands carry one leading batch axis. A layer reducer (`over_layers`) gets
            `architecture x layer [x ...]` operands and, last, `depth: architecture x layer` in [0, 1], NaN where an
            architecture has no such layer; the padded operand entries are zero.
        signatures: the typed overloads.
        source: (Author, year) of the operation.
        sympy: the same operation on SymPy expressions; None leaves it an opaque function of that name.
        symbol: infix operator that prints it (`+ - * /`), or `-` before its only operand, or None.
        cost: passes over the operand that it costs, as a multiple of one element-wise operation.
        weight: how often random formulas hold it, as a multiple of other operations on the same type.
        number_weight: how much more often still where the result is a number (LayerScalar or Scalar).
        commutative: whether the order of two operands does not matter.
        monotone: +1 strictly increasing, -1 strictly decreasing in its only operand on all real numbers, else 0.
        monotone_on_positive: the same on positive numbers.
        parity: what the sign of its only operand does; None when nothing simple.
        mirror: name of the primitive g with f(-x) = -g(x).
        range: what the entries of its result can be.
        fixes: a range of operands that it leaves as they are, or None.
        idempotent: whether f(f(x)) = f(x), where the result is an operand again.
        chooses: whether it picks one entry of every architecture by size; increasing functions may be applied after it.
        laws: further equal forms, `old(x) -> new`, with itself outermost in the old one and primitives that are
            registered before it; letters stand for operands, numbers for constants. Values agree bit for bit.
        of_shape: whether its result depends on the shape of its operands alone.
        linear: whether f(a x + b y) = a f(x) + b f(y) for numbers a, b of the network; of its only operand.
        over_layers: whether it reduces the layer axis.
        region: the third of the depth that a layer reducer runs over, empty for all layers.
        least_layers: layers that a layer reducer needs in its region to say something.
        equal_shapes: whether operands of one type must have equal shapes (feature maps may differ in channels if not).
        phrase: the words for it, a format string of its operands: `the square root of {0}`. Without one, they come from
            the summary.
        plain: how it is written in one line of characters; None writes a call.
        latex: how it is written in LaTeX; None writes a call.
        summary: first line of the function's docstring.
    """

    name: str
    group: Group
    function: Callable[..., Any]
    signatures: tuple[Signature, ...]
    source: str
    sympy: Callable[..., Any] | None = None
    symbol: str | None = None
    cost: float = 1.0
    weight: float = 1.0
    number_weight: float = 1.0
    commutative: bool = False
    monotone: int = 0
    monotone_on_positive: int = 0
    parity: Parity | None = None
    mirror: str = ""
    range: Range = "real"
    fixes: Range | None = None
    idempotent: bool = False
    chooses: bool = False
    laws: tuple[str, ...] = ()
    of_shape: bool = False
    linear: bool = False
    over_layers: bool = False
    region: Region = ""
    least_layers: int = 1
    equal_shapes: bool = True
    phrase: str = ""
    plain: Notation | None = None
    latex: Notation | None = None
    summary: str = field(default="", compare=False)

    def signature(self, inputs: tuple[type, ...]) -> Signature | None:
        """The overload for these operand types, or None."""
        return next((s for s in self.signatures if s.inputs == inputs), None)

    def lies_in(self, wanted: Range | None) -> bool:
        """Whether every entry of its results lies in a range; never in None."""
        return wanted is not None and wanted in _WITHIN[self.range]
