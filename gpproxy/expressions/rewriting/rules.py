"""The laws over several primitives that `rewrite` applies, as patterns, and the two names that parities speak of.

Every law keeps the value: bit for bit, or to rounding in float64 where it stands under `DOUBLE`. None drops an operand,
since an operand also decides which layers are present. A name that a grammar lacks switches its law off. What is true
of one primitive alone (parity, range, idempotence, laws of its own) is declared where it registers.
"""

from __future__ import annotations

#: An even f has f(MINUS(x)) = f(x), an odd one f(MINUS(x)) = MINUS(f(x)), an absolute one f(MAGNITUDE(x)) = f(x).
MINUS, MAGNITUDE = "neg", "abs"

#: Patterns over any types. Letters stand for subtrees, numbers for constants.
PATTERNS = (
    "neg(sub(x, y)) -> sub(y, x)",
    "add(x, neg(y)) -> sub(x, y)",
    "sub(x, neg(y)) -> add(x, y)",
    "sub(neg(x), y) -> neg(add(x, y))",
    "mul(neg(x), y) -> neg(mul(x, y))",
    "div(neg(x), y) -> neg(div(x, y))",
    "div(x, neg(y)) -> neg(div(x, y))",
    "mul(abs(x), abs(y)) -> abs(mul(x, y))",
    "div(abs(x), abs(y)) -> abs(div(x, y))",
    "mul(x, x) -> square(x)",
    "minimum(neg(x), neg(y)) -> neg(maximum(x, y))",
    "maximum(neg(x), neg(y)) -> neg(minimum(x, y))",
    "maximum(x, neg(x)) -> abs(x)",
    "minimum(x, neg(x)) -> neg(abs(x))",
    "sign(signed_log(x)) -> sign(x)",
    "above_zero(sign(x)) -> above_zero(x)",
    "above_zero(relu(x)) -> above_zero(x)",
    "above_zero(signed_log(x)) -> above_zero(x)",
    "sub(0, x) -> neg(x)",
    "mul(x, -1) -> neg(x)",
    "div(x, -1) -> neg(x)",
    "div(1, x) -> reciprocal(x)",
)

#: Patterns that round differently: only where values are float64 (LayerScalar and Scalar).
DOUBLE = (
    "square(sqrt(x)) -> abs(x)",
    "mul(x, reciprocal(y)) -> div(x, y)",
)
