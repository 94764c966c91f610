"""Two operands joined entry by entry. In: two values of one type (or a number beside it). Out: that type.

Shapes: both operands `k x ...` alike; a number beside layers or a spectrum is `k x 1`.

`+ - * /` are infix. A number may stand on either side of a LayerScalar or a NetworkSpectrum.
Source: EZNAS (Akhauri et al., 2022).
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives import numerics
from gpproxy.primitives.kinds import EVERY, TENSORS, VECTORS
from gpproxy.primitives.numerics import saturate, sp
from gpproxy.primitives.primitive import maps, pairs, primitive
from gpproxy.primitives.types import LayerScalar, NetworkSpectrum, Scalar

EZNAS = "EZNAS (Akhauri et al., 2022)"
MIXED = maps(
    *((inputs, kind) for kind in (LayerScalar, NetworkSpectrum) for inputs in ((kind, Scalar), (Scalar, kind)))
)
ARITHMETIC = [*pairs(*EVERY), *MIXED]
#: How much more often random formulas hold `+ - * /` between numbers than any one function.
INFIX_WEIGHT = 4.0


@primitive(
    "augment",
    ARITHMETIC,
    source=EZNAS,
    symbol="+",
    commutative=True,
    sympy=lambda a, b: a + b,
    number_weight=INFIX_WEIGHT,
    laws=("add(x, 0) -> x",),
    phrase="{0} plus {1}",
)
def add(a: Tensor, b: Tensor) -> Tensor:
    """a + b."""
    return a + b


@primitive(
    "augment",
    ARITHMETIC,
    source=EZNAS,
    symbol="-",
    sympy=lambda a, b: a - b,
    number_weight=INFIX_WEIGHT,
    laws=("sub(x, 0) -> x",),
    phrase="{0} minus {1}",
)
def sub(a: Tensor, b: Tensor) -> Tensor:
    """a - b."""
    return a - b


@primitive(
    "augment",
    ARITHMETIC,
    source=EZNAS,
    symbol="*",
    commutative=True,
    sympy=lambda a, b: a * b,
    cost=1.5,
    number_weight=INFIX_WEIGHT,
    laws=("mul(x, 1) -> x",),
    phrase="{0} times {1}",
)
def mul(a: Tensor, b: Tensor) -> Tensor:
    """a * b, saturating at 1e36 (float32) or 1e300 (float64)."""
    return saturate(a * b)


@primitive(
    "augment",
    ARITHMETIC,
    source=EZNAS,
    symbol="/",
    sympy=lambda a, b: a / b,
    cost=4.0,
    number_weight=INFIX_WEIGHT,
    laws=("div(x, 1) -> x",),
    phrase="{0} divided by {1}",
)
def div(a: Tensor, b: Tensor) -> Tensor:
    """a / b, 0 where |b| <= 1e-24: a ratio without a denominator says nothing."""
    return numerics.quotient(a, b)


@primitive(
    "augment",
    pairs(*EVERY),
    source="order",
    commutative=True,
    sympy=lambda a, b: sp().Min(a, b),
    laws=("minimum(x, x) -> x",),
    phrase="the smaller of {0} and {1}",
)
def minimum(a: Tensor, b: Tensor) -> Tensor:
    """The smaller of a and b."""
    return torch.minimum(a, b)


@primitive(
    "augment",
    pairs(*EVERY),
    source="order",
    commutative=True,
    sympy=lambda a, b: sp().Max(a, b),
    laws=("maximum(x, x) -> x",),
    phrase="the larger of {0} and {1}",
)
def maximum(a: Tensor, b: Tensor) -> Tensor:
    """The larger of a and b."""
    return torch.maximum(a, b)


@primitive(
    "augment",
    pairs(*TENSORS, *VECTORS),
    source=EZNAS,
    cost=3.0,
    range="binary",
    phrase="1 where {0} exceeds {1}, else 0",
)
def greater(a: Tensor, b: Tensor) -> Tensor:
    """1 where a > b, else 0."""
    return numerics.positive(a - b)


@primitive(
    "augment",
    pairs(*TENSORS, *VECTORS),
    source="linear regions (Chen et al., 2021)",
    commutative=True,
    cost=6.0,
    range="binary",
    phrase="1 where {0} and {1} agree in sign, else 0",
)
def same_sign(a: Tensor, b: Tensor) -> Tensor:
    """1 where a and b are both positive or both not, else 0: whether a unit stays in its linear region."""
    return 1 - (numerics.positive(a) - numerics.positive(b)).abs_()
