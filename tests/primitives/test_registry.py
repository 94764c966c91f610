"""Every registered primitive: documented, NaN-proof, device-free, its SymPy form equal to the function."""

from __future__ import annotations

import math

import pytest
import torch

from gpproxy.primitives import PRIMITIVES, LayerScalar, Primitive, Scalar
from gpproxy.primitives.check import check, operands

every = pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=lambda p: p.name)


@every
def test_promises(primitive: Primitive) -> None:
    check(primitive)
    assert primitive.summary.endswith(".") and primitive.source and primitive.cost > 0
    assert primitive.name.islower()


@every
def test_nan_raises_nothing_and_stays_in_its_item(primitive: Primitive) -> None:
    for signature in primitive.signatures:
        clean = operands(primitive, signature, False, torch.float32)
        given = [x.clone() for x in clean]
        for x in given[: len(signature.inputs)]:
            x[-1] = torch.nan
            x[-2] = torch.inf
        result, whole = primitive.function(*given), primitive.function(*clean)
        assert torch.allclose(result[:4], whole[:4], rtol=1e-4, atol=1e-30), str(signature)


@every
def test_no_tensor_of_another_device(primitive: Primitive) -> None:
    if "median" in primitive.name:
        return  # torch has no meta kernel for a median
    for signature in primitive.signatures:
        given = operands(primitive, signature, False, torch.float32)
        result = primitive.function(*(x.to("meta") for x in given))
        assert result.shape == primitive.function(*given).shape


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_same_on_the_gpu() -> None:
    for primitive in PRIMITIVES.values():
        for signature in primitive.signatures:
            given = operands(primitive, signature, False, torch.float64)
            expected = primitive.function(*given)
            got = primitive.function(*(x.cuda() for x in given)).cpu()
            scale = expected.reshape(len(expected), -1).abs().amax(1).view(-1, *[1] * (expected.ndim - 1))
            assert ((got - expected).abs() <= 1e-6 * scale + 1e-12).all(), f"{primitive.name} {signature}"


SYMBOLIC = [p for p in PRIMITIVES.values() if p.sympy is not None]


@pytest.mark.parametrize("primitive", SYMBOLIC, ids=lambda p: p.name)
def test_sympy_form(primitive: Primitive) -> None:
    import sympy

    arity = len(primitive.signatures[0].inputs)
    points = [(0.7, -2.5), (-1.3, 4.0), (12.0, 3.0), (-5.5, -0.25)]
    names = sympy.symbols("a b", real=True)[:arity]
    form = primitive.sympy(*names)
    for point in points:
        got = primitive.function(*(torch.tensor([v], dtype=torch.float64) for v in point[:arity]))
        expected = float(form.subs(dict(zip(names, point[:arity], strict=True))))
        assert math.isclose(float(got), expected, rel_tol=1e-12)


def test_every_scalar_operation_has_a_sympy_form() -> None:
    for primitive in PRIMITIVES.values():
        scalar = any(set(s.inputs) <= {LayerScalar, Scalar} for s in primitive.signatures)
        assert primitive.sympy is not None or not scalar or primitive.over_layers, primitive.name


def test_infix_symbols() -> None:
    found = {(p.symbol, len(p.signatures[0].inputs)): p.name for p in PRIMITIVES.values() if p.symbol}
    assert found == {("+", 2): "add", ("-", 2): "sub", ("*", 2): "mul", ("/", 2): "div", ("-", 1): "neg"}


def test_every_group_is_there() -> None:
    assert {p.group for p in PRIMITIVES.values()} == {"transform", "encode", "reduce", "augment"}
