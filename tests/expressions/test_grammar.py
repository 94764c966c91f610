"""The feasibility tables against an exhaustive search, and the refusals."""

from __future__ import annotations

import math

import pytest

from gpproxy.errors import ExpressionError
from gpproxy.expressions.grammar import Grammar
from gpproxy.primitives.primitive import PRIMITIVES
from gpproxy.primitives.types import TYPES, ChannelKernel, FeatureMap, LayerScalar, NetworkSpectrum, Scalar


def test_tables_of_a_small_grammar():
    names = ("gram_channels", "mean", "sum_layers", "weighted_mean_layers", "eigenvalues", "neg")
    grammar = Grammar({"activation": FeatureMap}, [PRIMITIVES[n] for n in names], constants=False)
    assert grammar.min_height[Scalar] == 2 and grammar.min_size[Scalar] == 3  # sum_layers(mean(activation))
    assert grammar.min_height[ChannelKernel] == 1 and NetworkSpectrum not in grammar.min_height
    assert grammar.smallest(Scalar, 1) == math.inf and grammar.largest(Scalar, 1) == 0
    assert grammar.smallest(Scalar, 2) == 3 and grammar.largest(Scalar, 2) == 5
    assert all(op.ret is Scalar for op in grammar.primitives_of(Scalar))


def test_sizes_by_exhaustive_search():
    """Largest and smallest sizes per type and height equal those of all trees, enumerated."""
    names = ("mean", "sum_layers", "weighted_mean_layers", "add", "neg", "mean_per_channel")
    grammar = Grammar({"activation": FeatureMap, "depth": LayerScalar}, [PRIMITIVES[n] for n in names], False)
    sizes = {kind: {1} if grammar.terminals_of(kind) else set() for kind in TYPES}
    for height in range(5):
        for kind in TYPES:
            assert grammar.smallest(kind, height) == min(sizes[kind], default=math.inf)
            assert grammar.largest(kind, height) == max(sizes[kind], default=0)
        grown = {kind: set(found) for kind, found in sizes.items()}
        for kind in TYPES:
            for op in grammar.primitives_of(kind):
                totals = {1}
                for operand in op.args:
                    totals = {a + b for a in totals for b in sizes[operand]}
                grown[kind] |= totals
        sizes = grown


def test_order_is_that_of_registration(grammar, table):
    other = Grammar.for_table(table)
    for kind in TYPES:
        assert [repr(op) for op in grammar.primitives_of(kind)] == [repr(op) for op in other.primitives_of(kind)]
    assert [s.name for s in grammar.statistics.values()] == list(table.types)


def test_the_deap_set_mirrors_the_grammar(grammar):
    assert grammar.pset.ret is Scalar
    for kind in TYPES:
        assert tuple(grammar.pset.primitives[kind]) == grammar.primitives_of(kind)
        assert tuple(grammar.pset.terminals[kind]) == grammar.terminals_of(kind)


def test_an_unreachable_root_is_refused():
    with pytest.raises(ExpressionError, match="Scalar"):
        Grammar({"activation": FeatureMap}, [PRIMITIVES["mean"], PRIMITIVES["neg"]])


def test_bad_names_and_types_are_refused(table):
    with pytest.raises(ExpressionError, match="no type|none of"):
        Grammar({"x": int})
    with pytest.raises(ExpressionError, match="'a b'"):
        Grammar({"a b": Scalar})
    with pytest.raises(ExpressionError, match="Did you mean 'activation'"):
        Grammar.for_table(table, exclude=["activations"])


def test_exclude_takes_statistics_and_primitives(table):
    grammar = Grammar.for_table(table, exclude=["gradient", "exp"])
    assert "gradient" not in grammar.statistics and not grammar.overloads("exp")
