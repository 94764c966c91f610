"""Every tree is typed and within its limits; sizes and shapes are spread."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpproxy.errors import ExpressionError
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Constant, Operation
from gpproxy.expressions.structure import key
from gpproxy.primitives.primitive import PRIMITIVES
from gpproxy.primitives.types import TYPES, FeatureMap, Scalar
from tests.trees import check


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(TYPES),
    height=st.integers(0, 12),
    nodes=st.integers(1, 60),
)
def test_any_feasible_request_succeeds(grammar, seed, kind, height, nodes):
    rng = random.Random(seed)
    if grammar.smallest(kind, height) > nodes and kind is not Scalar:
        with pytest.raises(ExpressionError, match=kind.__name__):
            generate(grammar, rng, type=kind, max_height=height, max_nodes=nodes)
        return
    tree = generate(grammar, rng, type=kind, max_height=height, max_nodes=nodes)
    check(tree)
    assert tree.root.ret is kind and tree.height <= height and len(tree) <= nodes


@pytest.mark.parametrize(
    "names", [("mean", "sum_layers"), ("mean", "sum_layers", "add"), ("mean", "weighted_mean_layers")]
)
@pytest.mark.parametrize("constants", [False, True])
def test_tiny_grammars_never_fail(names, constants):
    """Types without statistics and types without operations, where DEAP's generator fails on a third of the calls."""
    grammar = Grammar({"activation": FeatureMap}, [PRIMITIVES[n] for n in names], constants)
    rng = random.Random(0)
    for _ in range(300):
        tree = generate(grammar, rng, max_height=rng.randint(2, 9), max_nodes=rng.randint(5, 30))
        check(tree)
        assert len(tree) >= 3


def test_sizes_and_shapes_are_spread(grammar):
    rng = random.Random(3)
    trees = [generate(grammar, rng) for _ in range(3000)]
    sizes = Counter(len(t) for t in trees)
    assert set(sizes) == set(range(1, 26)) and max(sizes.values()) < 5 * min(sizes.values())
    assert len({key(t) for t in trees}) > 0.9 * len(trees)
    assert len({tuple(n.arity for n in t) for t in trees}) > 1000
    used = {node.name for tree in trees for node in tree if not isinstance(node, Constant)}
    assert used >= {op.name for kind in TYPES for op in grammar.primitives_of(kind)} | set(grammar.statistics)


def test_the_wanted_size_is_met_about(grammar):
    rng = random.Random(5)
    for nodes in (5, 12, 20, 25):
        sizes = [len(generate(grammar, rng, nodes=nodes)) for _ in range(200)]
        assert max(sizes) <= nodes and sum(sizes) / 200 > 0.8 * nodes


def test_constants_stand_beside_something(grammar):
    """No random operation has constants only, and they are no more than an addition to a formula."""
    rng = random.Random(8)
    found = 0
    for _ in range(1000):
        tree = generate(grammar, rng)
        stack = []
        for node in reversed(tree):
            below = [stack.pop() for _ in range(node.arity)]
            assert not below or not all(isinstance(b, Constant) for b in below)
            found += isinstance(node, Constant)
            stack.append(node if not isinstance(node, Operation) else None)
    assert found > 50


def test_same_seed_same_trees(grammar, table):
    again = Grammar.for_table(table)
    first, second = random.Random(1), random.Random(1)
    for _ in range(50):
        assert [repr(n) for n in generate(grammar, first)] == [repr(n) for n in generate(again, second)]
    assert first.getstate() == second.getstate()
