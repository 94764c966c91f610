"""Tests what a primitive declares of itself on the probe tensors. In: a primitive. Out: nothing, or PrimitiveError.

Parity, mirror, range, fixed operands, idempotence, choice and laws have to hold bit for bit, because simplified
formulas have to score as the original ones; the directions of `monotone` hold up to the rounding of float64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import get_args

import torch
from torch import Tensor

from gpproxy.errors import PrimitiveError, did_you_mean
from gpproxy.primitives import laws
from gpproxy.primitives.check import operands, probe, refuse
from gpproxy.primitives.declaration import RANGES, Parity, Primitive, Range, Region, Signature
from gpproxy.primitives.types import AXES, TYPES, LayerScalar, Scalar

#: What `+ - * /` stand for.
ARITHMETIC: dict[tuple[str, int], Callable[..., Tensor]] = {
    ("+", 2): torch.add, ("-", 2): torch.sub, ("*", 2): torch.mul, ("/", 2): torch.div, ("-", 1): torch.neg,
}  # fmt: skip


def check_declared(primitive: Primitive, known: Mapping[str, Primitive]) -> None:
    """Raises PrimitiveError with the first declaration that `primitive` does not keep.

    Args:
        known: the primitives that are registered already; mirrors and laws speak of them.
    """
    reason = _senseless(primitive)
    if reason:
        raise PrimitiveError(f"The primitive '{primitive.name}' is refused: {reason}.")
    _check_mirrors(primitive, known)
    says = primitive.range != "real" or primitive.parity or primitive.fixes or primitive.idempotent
    for signature in primitive.signatures:
        for small, dtype in ((False, torch.float32), (True, torch.float64)) if says else ():
            given = operands(primitive, signature, small, dtype)
            _check_one(primitive, signature, given)
        if primitive.chooses:
            _check_choice(primitive, signature)
        if primitive.of_shape or primitive.linear:
            _check_shape_and_sums(primitive, signature)
        if not primitive.over_layers:
            _check_directions(primitive, signature)
        _check_symbol(primitive, signature)
    for law in primitive.laws:
        _check_law(primitive, law, {**known, primitive.name: primitive})


def _senseless(p: Primitive) -> str:
    """Why declarations cannot be meant so, empty when they can."""
    alone = [
        name
        for name in ("parity", "mirror", "fixes", "idempotent", "linear", "chooses", "monotone", "monotone_on_positive")
        if getattr(p, name)
    ]
    for name, value, allowed in (
        ("parity", p.parity, (None, *get_args(Parity))),
        ("range", p.range, RANGES),
        ("fixes", p.fixes, (None, *RANGES)),
        ("region", p.region, get_args(Region)),
        ("monotone", p.monotone, (-1, 0, 1)),
        ("monotone_on_positive", p.monotone_on_positive, (-1, 0, 1)),
    ):
        if value not in allowed:
            return f"{name} is {value!r}, but must be one of {', '.join(map(repr, allowed))}"
    for name in ("weight", "number_weight"):
        if not 0 < getattr(p, name) < math.inf:
            return f"its {name} {getattr(p, name)} is not positive; give how often it is drawn beside others"
    if alone and any(len(s.inputs) != 1 for s in p.signatures):
        return f"it declares {alone[0]}, which is said of functions of one operand only"
    if p.parity and p.mirror:
        return "it declares both a parity and a mirror; keep the one that says more"
    if p.idempotent and not any(s.inputs == (s.output,) for s in p.signatures):
        return "it is declared idempotent, but its result is never an operand of it; drop idempotent=True"
    if (p.region or p.least_layers != 1) and not p.over_layers:
        return "it declares a region or least_layers, which is said of layer reducers only (over_layers=True)"
    if p.least_layers < 1:
        return f"least_layers is {p.least_layers}, but must be 1 or more"
    return next(filter(None, (_unwritable(p, form) for form in ("phrase", "plain", "latex"))), "")


def _unwritable(p: Primitive, name: str) -> str:
    """Why a phrase or notation cannot be filled with the operands, empty when it can."""
    found = getattr(p, name)
    form = found if isinstance(found, str) else found.form if found else ""
    if not form:
        return ""
    shown = [f"operand {i}" for i in range(len(p.signatures[0].inputs))]
    if any(len(s.inputs) != len(shown) for s in p.signatures):
        return f"it has a {name}, so all its signatures must have the same number of operands"
    try:
        text = form.format(*shown)
    except (IndexError, KeyError, ValueError):
        return f"its {name} '{form}' cannot be filled; write {{0}} for the operand, and double all other braces"
    missing = [i for i, operand in enumerate(shown) if operand not in text]
    return f"its {name} '{form}' does not name operand {missing[0]}; write {{{missing[0]}}} for it" if missing else ""


def _check_one(p: Primitive, signature: Signature, given: list[Tensor]) -> None:
    """Range, parity, fixed operands and idempotence on one set of probes."""
    x, *rest = given
    result = p.function(*(g.clone() for g in given))

    def f(operand: Tensor) -> Tensor:
        return p.function(operand.clone(), *rest)

    if not _within(result, p.range):
        refuse(p, signature, f"is declared {p.range}, but is not", "Drop the range or widen it")
    if p.parity:
        turned = f(x.abs() if p.parity == "absolute" else -x)
        if not torch.equal(turned, -result if p.parity == "odd" else result):
            advice = "Drop the parity: it has to hold to the last bit"
            refuse(p, signature, f"is declared parity='{p.parity}', but is not", advice)
    if signature.inputs != (signature.output,):
        return
    if p.fixes is not None:
        kept = _of_range(x, p.fixes)
        if not torch.equal(f(kept), kept):
            refuse(p, signature, f"is declared to leave {p.fixes} operands as they are, but does not", "Drop fixes")
    if p.idempotent and not torch.equal(f(result), result):
        refuse(p, signature, "is declared idempotent, but is not", "Drop idempotent=True")


def _within(x: Tensor, range: Range) -> bool:
    if range == "binary":
        return bool(((x == 0) | (x == 1)).all())
    return range == "real" or bool((x >= 0).all() and (range == "nonnegative" or (x <= 1 + 1e-5).all()))


def _of_range(x: Tensor, range: Range) -> Tensor:
    """Probes that lie in a range."""
    if range == "binary":
        return (x > 0).to(x.dtype)
    if range == "unit":
        return x.abs() / x.abs().amax().clamp_min(1.0)
    return x.abs() if range == "nonnegative" else x


def _check_mirrors(p: Primitive, known: Mapping[str, Primitive]) -> None:
    """Both ways: the one registered first could not be tested then."""
    for f, g in [(p, known.get(p.mirror)), *((other, p) for other in known.values() if other.mirror == p.name)]:
        for signature in f.signatures if g is not None else ():
            assert g is not None
            x, *rest = operands(f, signature, False, torch.float32)
            if signature not in g.signatures or not torch.equal(f.function(-x, *rest), -g.function(x.clone(), *rest)):
                what = f"is the mirror of '{g.name if f is p else f.name}' by declaration, but not in value"
                refuse(p, signature, what, f"f(-x) must be -g(x) for {f.name} and {g.name}; drop the mirror")


def _check_choice(p: Primitive, signature: Signature) -> None:
    """What is picked does not change when an increasing function is applied before or after."""
    if not p.over_layers or signature != Signature((LayerScalar,), Scalar):
        refuse(p, signature, "is declared chooses=True, but does not reduce layer scalars", "Drop chooses=True")
    for small in (False, True):
        x, depth = operands(p, signature, small, torch.float64)
        some = ~depth.isnan().all(1)  # an architecture has a layer
        before = p.function(_rising(x).masked_fill(depth.isnan(), 0.0), depth)
        if not torch.equal(before[some], _rising(p.function(x, depth))[some]):
            refuse(p, signature, "is declared chooses=True, but does not pick an entry", "Drop chooses=True")


def _check_shape_and_sums(p: Primitive, signature: Signature) -> None:
    """What depends on shapes alone keeps its value for other entries; what is linear keeps sums and factors."""
    x, *rest = operands(p, signature, False, torch.float64)
    other = x.flip(0) * 0.5 + 0.25 if not p.over_layers else x.flip(1) * 0.5 + 0.25

    def f(operand: Tensor) -> Tensor:
        return p.function(operand.clone(), *rest)

    if p.of_shape and not torch.equal(f(x), f(other)):
        refuse(p, signature, "is declared of_shape=True, but depends on the entries", "Drop of_shape=True")
    if p.linear and not torch.allclose(f(2 * x - 3 * other), 2 * f(x) - 3 * f(other), rtol=1e-9, atol=1e-9):
        refuse(p, signature, "is declared linear=True, but is not", "Drop linear=True")


def _rising(x: Tensor) -> Tensor:
    """A strictly increasing function that is not 0 at 0."""
    return x.sign() * x.abs().log1p() + 1


def _check_directions(p: Primitive, signature: Signature) -> None:
    """Strict where float64 can tell values apart, and never the other way from -1e18 to 1e18."""
    far = torch.logspace(-18, 18, 73, dtype=torch.float64)
    near = torch.linspace(-5, 5, 101, dtype=torch.float64)
    for name, close, wide in (
        ("monotone", near, torch.cat([-far.flip(0), far])),
        ("monotone_on_positive", near[near > 0], far),
    ):
        direction = getattr(p, name)
        if not direction:
            continue
        shape = (-1, *[1] * AXES[signature.inputs[0]])
        steps, reach = (p.function(x.view(shape).clone()).flatten().diff() * direction for x in (close, wide))
        if not ((steps > 0).all() and (reach >= 0).all()):
            refuse(p, signature, f"is declared {name}={direction}, but is not", f"Set {name}=0")


def _check_symbol(p: Primitive, signature: Signature) -> None:
    """Between numbers of a network, the sign means what it says: rank forms drop `+ 3` because of it."""
    arithmetic = ARITHMETIC.get((p.symbol or "", len(signature.inputs)))
    if arithmetic is None or set(signature.inputs) != {Scalar}:
        return
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    given = [x, (x * 0.7).exp()][: len(signature.inputs)]
    if not torch.allclose(p.function(*(g.clone() for g in given)), arithmetic(*given), rtol=1e-9):
        refuse(p, signature, f"is written {p.symbol}, but does something else", "Drop the symbol")


def _check_law(p: Primitive, law: str, known: Mapping[str, Primitive]) -> None:
    reason = _unlawful(p, law, known)
    tested = 0
    for bound in () if reason else _bindings(law, known):
        old, new = laws.sides(law)
        kind = laws.type_of(old, bound, known)
        if kind is None or laws.type_of(new, bound, known) is not kind:
            continue
        tested += 1
        for small, dtype in ((False, torch.float32), (True, torch.float64)):
            values = {letter: _operand(kind, i, small, dtype) for i, (letter, kind) in enumerate(bound.items())}
            left, right = (laws.value(side, {k: v.clone() for k, v in values.items()}, known) for side in (old, new))
            if not torch.equal(left, right.expand_as(left)):
                reason = "its sides differ in value"
    if not reason and not tested:
        reason = "no types of operands fit both sides"
    if reason:
        raise PrimitiveError(f"The primitive '{p.name}' is refused: its law '{law}' does not hold: {reason}.")


def _unlawful(p: Primitive, law: str, known: Mapping[str, Primitive]) -> str:
    """Why a law cannot be applied, empty when it can."""
    try:
        old, new = laws.sides(law)
    except ValueError as error:
        return str(error)
    named = [*laws.names(old), *laws.names(new)]
    unknown = [name for name in named if name not in known]
    if unknown:
        return f"there is no primitive '{unknown[0]}' yet.{did_you_mean(unknown[0], known)}".rstrip(".")
    if not isinstance(old, tuple) or old[0] != p.name:
        return f"'{p.name}' must stand outermost in its old form"
    if any(known[name].over_layers for name in named):
        return "laws of layer reducers cannot be tested here"
    before, after = laws.letters(old), laws.letters(new)
    if not before or set(before) != set(after) or len(after) > len(before) or laws.size(new) >= laws.size(old):
        return "the new form must be smaller, with the same operands, each at most as often"
    return ""


def _bindings(law: str, known: Mapping[str, Primitive]) -> Iterator[dict[str, type]]:
    """Every choice of types for the letters of a law."""
    used = sorted(set(laws.letters(laws.sides(law)[0])))
    for kinds in itertools.product(TYPES, repeat=len(used)):
        yield dict(zip(used, kinds))


def _operand(kind: type, number: int, small: bool, dtype: torch.dtype) -> Tensor:
    """A probe for a letter; numbers of a network get an axis along which they meet a constant, layers or a spectrum."""
    if kind is LayerScalar:
        return probe(kind, number, small, dtype, 4)
    x = probe(kind, number, small, dtype)
    return x.unsqueeze(1) if kind is Scalar else x
