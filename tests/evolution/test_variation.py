"""Twenty thousand variations: well typed, within limits, parents untouched, lists never shared."""

from collections import Counter
from random import Random

import pytest

from gpproxy.errors import ConfigError
from gpproxy.evolution.combination import negated
from gpproxy.evolution.individual import Individual, Score
from gpproxy.evolution.layout import Layout, Limits
from gpproxy.evolution.operators import OperatorWeights, draw
from gpproxy.evolution.variation import MUTATIONS, OPERATORS, Variation
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse, to_text
from gpproxy.primitives.types import FeatureMap, Scalar
from tests.trees import check

from .toy import table


@pytest.fixture(scope="module")
def grammar():
    return Grammar.for_table(table(4))


def individual(tree):
    return Individual(
        tree, "", len(tree), 1.0, Score(0.5, (0.5,), (0.5,), (0.0,), len(tree) * 0.1, "s", None), "random"
    )


@pytest.mark.parametrize("limits", [Limits(25, 10), Limits(9, 5), Limits(60, 12)], ids=str)
def test_stress(grammar, limits):
    rng = Random(0)
    variation = Variation(grammar, limits)
    population = [individual(variation.random(rng)) for _ in range(150)]
    names, used = list(OPERATORS), Counter()
    for step in range(7000):
        first, second = rng.choice(population), rng.choice(population)
        before = (list(first.tree), list(second.tree))
        child, operator = variation.vary(names[step % len(names)], first, second, rng)
        used[operator] += 1
        check(child)
        assert child.root.ret.__name__ == "Scalar"
        assert len(child) <= limits.nodes and child.height <= limits.height
        assert child is not first.tree and child is not second.tree
        for kept, parent in zip(before, (first, second)):
            assert len(kept) == len(parent.tree) and all(a is b for a, b in zip(kept, parent.tree))
        population[rng.randrange(len(population))] = individual(child)
    assert len({id(i.tree) for i in population}) == len(population)
    assert set(names) <= set(used)


def test_random_formulas_are_small_on_request(grammar):
    rng, variation = Random(3), Variation(grammar, Limits(25, 10))
    sizes = {nodes: {len(variation.random(rng, nodes)) for _ in range(300)} for nodes in (0, 2, 8, 40)}
    assert [max(sizes[nodes]) for nodes in (2, 8)] == [2, 8] and 8 < max(sizes[0]) <= 25 >= max(sizes[40])
    assert max(len(Variation(grammar, Limits(6, 10)).random(rng, 8)) for _ in range(100)) == 6


def test_where_no_formula_is_small_the_smallest_is_taken():
    grammar = Grammar({"activation": FeatureMap}, constants=False)
    formula = Variation(grammar, Limits(25, 10)).random(Random(0), 1)
    assert len(formula) == grammar.min_size[Scalar] > 1


def test_same_stream_same_children(grammar):
    def children():
        rng = Random(7)
        variation = Variation(grammar, Limits())
        pool = [individual(variation.random(rng)) for _ in range(20)]
        return [to_text(variation.vary(op, pool[i], pool[-i], rng)[0]) for i in range(15) for op in OPERATORS]

    assert children() == children()


def test_most_children_differ_from_their_parent(grammar):
    rng = Random(1)
    variation = Variation(grammar, Limits())
    same = 0
    for _ in range(500):
        parent, mate = individual(variation.random(rng)), individual(variation.random(rng))
        for operator in OPERATORS:
            same += to_text(variation.vary(operator, parent, mate, rng)[0]) == to_text(parent.tree)
    assert same < 0.03 * 500 * len(OPERATORS)


def test_layout_equals_deap(grammar):
    rng = Random(2)
    for _ in range(200):
        tree = generate(grammar, rng)
        layout = Layout(tree)
        assert layout.heights[0] == tree.height
        for i in range(len(tree)):
            assert layout.ends[i] == tree.searchSubtree(i).stop
    assert layout.replace(0, tree) == list(tree)


def mutate(name, text, grammar, seed=0, limits=None):
    return MUTATIONS[name](parse(text, grammar), grammar, limits or Limits(), Random(seed))


def test_each_mutation_does_what_it_says(grammar):
    text = "total_params + 2 * total_macs"
    for seed in range(20):
        assert len(mutate("point", text, grammar, seed)) == 5
        assert [n.ret for n in mutate("swap", text, grammar, seed)] == [n.ret for n in parse(text, grammar)]
        assert len(mutate("hoist", text, grammar, seed)) < 5
        assert len(mutate("shrink", text, grammar, seed)) == 3
        assert len(mutate("insert", text, grammar, seed)) > 5
        jittered = mutate("jitter", text, grammar, seed)
        assert [n.name for n in jittered[:3]] == [n.name for n in parse(text, grammar)][:3]
    assert mutate("jitter", "total_params", grammar) is None
    assert mutate("shrink", "total_params", grammar) is None


def test_negation_is_its_own_inverse(grammar):
    for text in ("total_params - 2 * total_macs", "total_params * total_macs", "total_params"):
        tree = parse(text, grammar)
        once = negated(tree, grammar, Limits())
        assert once != list(tree) and negated(once, grammar, Limits()) == list(tree)
    assert (
        to_text(negated(parse("total_params - total_macs", grammar), grammar, Limits())) == "total_macs - total_params"
    )
    assert negated(parse("total_params * total_macs", grammar), grammar, Limits(3, 10)) is None


def test_limits_that_allow_nothing_are_refused():
    grammar = Grammar({"activation": next(k for k in table(4).types.values())})
    with pytest.raises(ConfigError, match="Raise max_nodes"):
        Variation(grammar, Limits(1, 10))


def test_operators_that_succeed_are_used_more():
    weights = OperatorWeights()
    start = weights.weights()
    assert sum(start.values()) == pytest.approx(1.0)
    for _ in range(5):
        weights.learn([("blend", True)] * 30 + [("subtree", False)] * 30 + [("random", True)])
    learned = weights.weights()
    assert learned["blend"] > start["blend"] and 0 < learned["subtree"] < start["subtree"]
    assert OperatorWeights(weights.record).weights() == learned
    assert draw(learned, Random(3)) in OPERATORS
