"""Transforms, entry by entry: the shape and the type stay. In: any value, `k x ...`. Out: the same type and shape.

Sources: Auto-GAS (Li et al., 2024), EZNAS (Akhauri et al., 2022); protected forms as stated in
`gpproxy.primitives.numerics`.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

from gpproxy.primitives.kinds import EVERY, KERNELS, SPECTRA, TENSORS, VECTORS
from gpproxy.primitives.notation import ATOM, POWER, PREFIX, PRODUCT, Notation
from gpproxy.primitives.numerics import centre, denominator, limit, log_abs, positive, saturate, signs, sp
from gpproxy.primitives.primitive import primitive, same
from gpproxy.primitives.types import LayerScalar

SOFT = (*TENSORS, *KERNELS, *VECTORS, *SPECTRA, LayerScalar)
CODES = (*TENSORS, *KERNELS, *VECTORS, *SPECTRA)
AUTOGAS = "Auto-GAS (Li et al., 2024)"
EZNAS = "EZNAS (Akhauri et al., 2022)"


@primitive(
    "transform",
    same(*EVERY),
    source=EZNAS,
    sympy=lambda x: -x,
    monotone=-1,
    symbol="-",
    laws=("neg(neg(x)) -> x",),
    phrase="minus {0}",
)
def neg(x: Tensor) -> Tensor:
    """-x."""
    return -x


@primitive(
    "transform",
    same(*EVERY),
    source=AUTOGAS,
    name="abs",
    sympy=lambda x: sp().Abs(x),
    parity="absolute",
    range="nonnegative",
    fixes="nonnegative",
    idempotent=True,
    monotone_on_positive=1,
    phrase="the absolute value of {0}",
    plain="|{0}|",
    latex=r"\left|{0}\right|",
)
def absolute(x: Tensor) -> Tensor:
    """|x|."""
    return x.abs()


@primitive(
    "transform",
    same(*CODES),
    source=AUTOGAS,
    sympy=lambda x: sp().sign(x),
    parity="odd",
    fixes="binary",
    idempotent=True,
    phrase="the sign of {0}",
)
def sign(x: Tensor) -> Tensor:
    """-1, 0 or 1."""
    return signs(x)


@primitive(
    "transform",
    same(*EVERY),
    source=AUTOGAS,
    sympy=lambda x: sp().sqrt(sp().Abs(x)),
    cost=2.0,
    parity="absolute",
    range="nonnegative",
    fixes="binary",
    monotone_on_positive=1,
    phrase="the square root of {0}",
    plain=Notation("√{0}", (ATOM,), PREFIX),
    latex=r"\sqrt{{{0}}}",
)
def sqrt(x: Tensor) -> Tensor:
    """sqrt |x|."""
    return x.abs().sqrt_()


@primitive(
    "transform",
    same(*EVERY),
    source=EZNAS,
    sympy=lambda x: x**2,
    cost=1.5,
    parity="absolute",
    range="nonnegative",
    fixes="binary",
    monotone_on_positive=1,
    phrase="the square of {0}",
    plain=Notation("{0}²", (ATOM,), POWER),
    latex=Notation("{0}^{{2}}", (ATOM,), POWER),
)
def square(x: Tensor) -> Tensor:
    """x^2, saturating at 1e36 (float32) or 1e300 (float64)."""
    return saturate(x * x)


@primitive(
    "transform",
    same(*EVERY),
    source=EZNAS,
    sympy=lambda x: sp().exp(x),
    cost=4.0,
    monotone=1,
    range="nonnegative",
    phrase="the exponential of {0}",
    latex=r"\exp\left({0}\right)",
)
def exp(x: Tensor) -> Tensor:
    """e^x, saturating at 1e36 (float32) or 1e300 (float64)."""
    return x.clamp(max=math.log(limit(x))).exp_()


@primitive(
    "transform",
    same(*EVERY),
    source=EZNAS,
    sympy=lambda x: sp().log(sp().Abs(x)),
    cost=5.0,
    parity="absolute",
    monotone_on_positive=1,
    phrase="the logarithm of {0}",
    latex=r"\log\left({0}\right)",
)
def log(x: Tensor) -> Tensor:
    """log |x|, with the floor log 1e-24 = -55.3."""
    return log_abs(x)


@primitive(
    "transform",
    same(*EVERY),
    source=AUTOGAS,
    sympy=lambda x: sp().sign(x) * sp().log(1 + sp().Abs(x)),
    cost=5.0,
    monotone=1,
    parity="odd",
    phrase="the signed logarithm of {0}",
)
def signed_log(x: Tensor) -> Tensor:
    """sign(x) log(1 + |x|): a logarithm that keeps the order of all real numbers."""
    return x.abs().log1p_().copysign_(x)


@primitive(
    "transform",
    same(*EVERY),
    source=EZNAS,
    sympy=lambda x: 1 / x,
    cost=2.5,
    parity="odd",
    monotone_on_positive=-1,
    phrase="the reciprocal of {0}",
    plain=Notation("1 / {0}", (PREFIX,), PRODUCT),
    latex=Notation(r"\frac{{1}}{{{0}}}", (), POWER),
)
def reciprocal(x: Tensor) -> Tensor:
    """1 / x, 0 where |x| <= 1e-24."""
    return saturate(denominator(x).reciprocal_())


@primitive(
    "transform",
    same(*EVERY),
    source=AUTOGAS,
    sympy=lambda x: sp().tanh(x),
    cost=8.0,
    monotone=1,
    parity="odd",
    latex=r"\tanh\left({0}\right)",
)
def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent, in [-1, 1]."""
    return x.tanh()


@primitive(
    "transform",
    same(*EVERY),
    source=AUTOGAS,
    sympy=lambda x: 1 / (1 + sp().exp(-x)),
    cost=1.5,
    monotone=1,
    range="unit",
)
def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + e^-x), in [0, 1]."""
    return x.sigmoid()


@primitive(
    "transform",
    same(*SOFT),
    source=AUTOGAS,
    sympy=lambda x: sp().Max(x, 0),
    range="nonnegative",
    fixes="nonnegative",
    idempotent=True,
    monotone_on_positive=1,
    phrase="the positive part of {0}",
)
def relu(x: Tensor) -> Tensor:
    """max(x, 0)."""
    return x.clamp_min(0.0)


@primitive("transform", same(*TENSORS), source=AUTOGAS, monotone=1, phrase="the leaky ReLU of {0}")
def leaky_relu(x: Tensor) -> Tensor:
    """max(x, 0.01 x)."""
    return functional.leaky_relu(x, 0.01)


@primitive("transform", same(*TENSORS), source=AUTOGAS, cost=1.5)
def swish(x: Tensor) -> Tensor:
    """x sigmoid(x) (Ramachandran et al., 2017)."""
    return functional.silu(x)


@primitive("transform", same(*TENSORS), source=AUTOGAS, cost=12.0)
def mish(x: Tensor) -> Tensor:
    """x tanh(softplus(x)) (Misra, 2019)."""
    return functional.mish(x)


@primitive(
    "transform",
    same(*CODES),
    source=AUTOGAS,
    cost=1.5,
    range="binary",
    fixes="binary",
    idempotent=True,
    phrase="1 where {0} is positive, else 0",
)
def above_zero(x: Tensor) -> Tensor:
    """1 where x > 0, else 0: the code of a ReLU."""
    return positive(x)


@primitive(
    "transform", same(*CODES), source=AUTOGAS, cost=6.0, range="binary", phrase="1 where {0} exceeds its mean, else 0"
)
def above_mean(x: Tensor) -> Tensor:
    """1 where x exceeds the mean of the whole value, else 0."""
    above = centre(x, tuple(range(1, x.ndim)))
    return positive(above)


@primitive(
    "transform",
    same(*CODES),
    source=AUTOGAS,
    cost=50.0,
    range="binary",
    phrase="1 where {0} exceeds its median, else 0",
)
def above_median(x: Tensor) -> Tensor:
    """1 where x exceeds the lower median of the whole value, else 0."""
    middle = x.flatten(1).median(1).values
    return positive(x - middle.view(-1, *[1] * (x.ndim - 1)))
