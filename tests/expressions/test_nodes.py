"""Nodes are shared between trees: they cannot change, compare by content and survive pickling."""

from __future__ import annotations

import copy
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpproxy.errors import ExpressionError
from gpproxy.expressions.nodes import Constant, Statistic
from gpproxy.primitives.types import FeatureMap, LayerScalar, Scalar


def test_no_node_can_be_changed(grammar):
    for node in (Constant(0.5), Statistic("depth", LayerScalar), grammar.operation("neg", (Scalar,))):
        with pytest.raises(AttributeError, match="shared"):
            node.name = "other"
        with pytest.raises(AttributeError):
            node.value = 3
        with pytest.raises(AttributeError):
            del node.name


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_a_constant_is_its_text(value):
    constant = Constant(value)
    assert float(constant.name) == constant.value == Constant(constant.value).value
    assert math.isclose(constant.value, value, rel_tol=5.01e-3, abs_tol=1e-320)
    assert math.copysign(1, constant.value) == 1 or constant.value != 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.7976e308])
def test_a_constant_is_finite(value):
    with pytest.raises(ExpressionError):
        Constant(value)


def test_nodes_compare_by_content(grammar):
    assert Constant(0.05) == Constant(0.0500001) != Constant(0.06)
    assert hash(Constant(2)) == hash(Constant(2.0))
    assert Statistic("a", FeatureMap) != Statistic("a", Scalar)
    assert grammar.operation("neg", (Scalar,)) != grammar.operation("neg", (LayerScalar,))


def test_leaves_copy():
    for node in (Constant(0.05), Statistic("depth", LayerScalar)):
        assert copy.copy(node) == node == copy.deepcopy(node)
