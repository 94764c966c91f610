"""Laws as text: read, typed and evaluated; broken ones are refused in a sentence."""

from __future__ import annotations

import pytest
import torch

from gpproxy.primitives import PRIMITIVES, FeatureMap, LayerScalar, Scalar
from gpproxy.primitives.laws import letters, names, read, sides, size, type_of, value


def test_a_law_has_two_sides() -> None:
    old, new = sides("neg(sub(x, 0.5)) -> sub(0.5, x)")
    assert old == ("neg", ("sub", "x", 0.5)) and new == ("sub", 0.5, "x")
    assert letters(old) == ["x"] and size(old) == 4 and list(names(old)) == ["neg", "sub"]


@pytest.mark.parametrize("text", ["neg(x", "neg(", "", "neg(x) y", "neg(x)!", "(x)", "neg(,x)"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="lacks an operand|goes on|more than names|is not closed"):
        read(text)


def test_types_choose_the_overload() -> None:
    known = PRIMITIVES.registered()
    assert type_of(read("mul(x, 2)"), {"x": LayerScalar}, known) is LayerScalar
    assert type_of(read("mul(x, 2)"), {"x": FeatureMap}, known) is None
    assert type_of(read("neg(mul(x, y))"), {"x": LayerScalar, "y": Scalar}, known) is LayerScalar


def test_value_of_a_pattern() -> None:
    x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    assert value(read("sub(mul(x, 3), x)"), {"x": x}, PRIMITIVES.registered()).tolist() == [[2.0, 4.0]]
