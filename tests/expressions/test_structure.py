"""Keys, sizes, prices and needs; and the graph that shares what is equal."""

from __future__ import annotations

import subprocess
import sys

import pytest
from deap import gp

from gpproxy.expressions.evaluation.graph import Graph
from gpproxy.expressions.structure import complexity, cost, key, keys, needs, needs_backward
from gpproxy.expressions.text import parse
from tests.trees import check

FORMULA = "sum_layers(mean(activation * gradient) + depth) / total_params"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("total_params + initial_loss", "initial_loss + total_params", True),
        ("total_params - initial_loss", "initial_loss - total_params", False),
        ("sum_layers(depth * (params + channels))", "sum_layers((channels + params) * depth)", True),
        ("correlation_layers(depth, params)", "correlation_layers(params, depth)", True),
        ("weighted_mean_layers(depth, params)", "weighted_mean_layers(params, depth)", False),
        ("total_params * 0.5", "total_params * 0.50001", True),
        ("total_params * 0.5", "total_params * 0.501", False),
        ("-(0.5) * total_params", "-0.5 * total_params", False),
    ],
)
def test_keys(grammar, one, other, same):
    assert (key(parse(one, grammar)) == key(parse(other, grammar))) is same


def test_keys_are_those_of_the_subtrees(grammar, trees):
    for tree in trees[:50]:
        assert keys(tree) == [key(gp.PrimitiveTree(tree[tree.searchSubtree(i)])) for i in range(len(tree))]


def test_keys_are_equal_in_another_process(grammar):
    script = (
        "import gpproxy.primitives; from gpproxy.expressions.structure import key;"
        "from gpproxy.expressions.text import parse; from gpproxy.expressions.grammar import Grammar;"
        "from tests.toy import toy_table;"
        f"print(key(parse({FORMULA!r}, Grammar.for_table(toy_table()))).hex())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == key(parse(FORMULA, grammar)).hex()


def test_counts(grammar):
    tree = parse(FORMULA, grammar)
    assert complexity(tree) == 9
    assert needs(tree) == ("activation", "gradient", "depth", "total_params")
    assert needs_backward(tree, {"gradient", "weight_gradient"}) and not needs_backward(tree, {"weight_gradient"})
    assert cost(tree, {"gradient": 2.0}) == cost(tree) + 2.0


def test_a_repeated_part_costs_once(grammar):
    once = parse("sum_layers(mean(exp(activation)))", grammar)
    twice = parse("sum_layers(mean(exp(activation))) * sum_layers(mean(exp(activation)))", grammar)
    assert cost(twice) - cost(once) < 0.01 * cost(once)


def test_check_finds_what_deap_allows(grammar):
    tree = parse(FORMULA, grammar)
    check(tree)
    wrong = gp.PrimitiveTree(tree)
    wrong[3] = grammar.operation("exp", (tree[-1].ret,))
    with pytest.raises(ValueError):
        check(wrong)
    with pytest.raises(ValueError):
        check(gp.PrimitiveTree(tree[:-1]))


def test_the_graph_holds_every_distinct_subtree_once(grammar, trees):
    graph = Graph(trees)
    assert sorted(graph.keys) == sorted({k for tree in trees for k in keys(tree)})
    assert [graph.keys[r] for r in graph.roots] == [key(t) for t in trees]
    assert all(j < i for i, operands in enumerate(graph.operands) for j in operands)
