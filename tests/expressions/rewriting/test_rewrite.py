"""Every law keeps the value and never makes a tree larger."""

from __future__ import annotations

import random
import re

import pytest
import torch

from gpproxy.expressions.evaluation.apply import BLOCK_TYPES
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.rewriting import rules
from gpproxy.expressions.rewriting.rewrite import rewrite
from gpproxy.expressions.structure import key
from gpproxy.expressions.text import parse, to_text
from gpproxy.primitives.laws import letters, sides, size
from gpproxy.primitives.primitive import PRIMITIVES
from gpproxy.primitives.types import AXES, LAYER_TYPES, ChannelKernel, LayerScalar, Scalar
from tests.toy import toy_table
from tests.trees import check

EVERY = PRIMITIVES.values()
EVEN = [p.name for p in EVERY if p.parity in ("even", "absolute")]
ABSOLUTE = [p.name for p in EVERY if p.parity == "absolute"]
ODD = [p.name for p in EVERY if p.parity == "odd"]
MIRROR = [p.name for p in EVERY if p.mirror]
NONNEGATIVE = [p.name for p in EVERY if p.lies_in("nonnegative") and len(p.signatures[0].inputs) == 1]
BINARY = [p.name for p in EVERY if p.lies_in("binary")]
UNCHANGED = [p.name for p in EVERY if p.fixes]
IDEMPOTENT = [p.name for p in EVERY if p.idempotent]
CHOOSING = [p.name for p in EVERY if p.chooses]
OWN = [law for p in EVERY for law in p.laws]


def test_ours_take_part_in_the_laws():
    """What is no longer declared would change how formulas of old runs are simplified."""
    found = [len(x) for x in (EVEN, ABSOLUTE, ODD, MIRROR, BINARY, UNCHANGED, IDEMPOTENT, OWN)]
    assert found == [33, 15, 53, 10, 5, 6, 12, 7]
    assert CHOOSING == ["min_layers", "max_layers"] and sum(p.lies_in("nonnegative") for p in EVERY) == 42


def samples(kind, count=2):
    """Random values of a type, with zeros and repeated entries: `batch x ...` or `architecture x layer`."""
    g = torch.Generator().manual_seed(3)
    sizes = {0: (6,), 1: (5,), 2: (5, 5), 4: (4, 3, 4, 4)}[AXES[kind]]
    for _ in range(count):
        x = torch.randn(7, *sizes, generator=g)
        x[0] = 0
        x[1] = x[1].round()
        if AXES[kind] == 2 and kind.__name__ != "Weight":
            x = x + x.mT
        yield x.double() if kind in (LayerScalar, Scalar) else x


def calls(name):
    """The one-operand overloads of a primitive as functions of an operand, with the operand's type."""
    primitive = PRIMITIVES[name]
    depth = torch.linspace(0, 1, 6, dtype=torch.float64).expand(7, 6).clone()
    depth[2, 4:] = torch.nan
    for s in primitive.signatures:
        if len(s.inputs) == 1 and not (primitive.over_layers and s.inputs[0] is not LayerScalar):
            yield s.inputs[0], (lambda x: primitive.function(x, depth)) if primitive.over_layers else primitive.function


@pytest.mark.parametrize("name", EVEN)
def test_even(name):
    for kind, f in calls(name):
        for x in samples(kind):
            assert torch.equal(f(-x), f(x)), kind


@pytest.mark.parametrize("name", ABSOLUTE)
def test_absolute(name):
    for kind, f in calls(name):
        for x in samples(kind):
            assert torch.equal(f(x.abs()), f(x)), kind


@pytest.mark.parametrize("name", ODD)
def test_odd(name):
    for kind, f in calls(name):
        for x in samples(kind):
            assert torch.equal(f(-x), -f(x)), kind


@pytest.mark.parametrize("name", MIRROR)
def test_mirror(name):
    for (kind, f), (_, g) in zip(calls(name), calls(PRIMITIVES[name].mirror)):
        for x in samples(kind):
            assert torch.equal(f(-x), -g(x)), kind


@pytest.mark.parametrize("name", NONNEGATIVE)
def test_nonnegative(name):
    for kind, f in calls(name):
        for x in samples(kind):
            assert (f(x) >= 0).all(), kind


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    for signature in PRIMITIVES[name].signatures:
        kind = signature.inputs[0]
        for x, y in zip(samples(kind), reversed(list(samples(kind)))):
            value = PRIMITIVES[name].function(*(x, y)[: len(signature.inputs)])
            assert ((value == 0) | (value == 1)).all()
            for outer in UNCHANGED:
                assert torch.equal(PRIMITIVES[outer].function(value), value)


@pytest.mark.parametrize("name", IDEMPOTENT)
def test_idempotent(name):
    for kind, f in calls(name):
        for x in samples(kind):
            assert torch.equal(f(f(x)), f(x)), kind


@pytest.mark.parametrize("name", [p for p in PRIMITIVES if PRIMITIVES[p].monotone > 0])
@pytest.mark.parametrize("reducer", CHOOSING)
def test_choosing(name, reducer):
    for kind, f in calls(name):
        for _, choose in calls(reducer):
            if kind is LayerScalar:
                for x in samples(kind):
                    torch.testing.assert_close(choose(f(x)), f(choose(x)), rtol=1e-12, atol=0)


@pytest.mark.parametrize("law", [*OWN, *rules.PATTERNS, *rules.DOUBLE])
def test_a_law_drops_no_operand_and_grows_nothing(law):
    left, right = sides(law)
    assert set(letters(left)) == set(letters(right))
    assert size(right) <= size(left) and len(letters(right)) <= len(letters(left))


@pytest.mark.parametrize("law", [*OWN, *rules.PATTERNS, *rules.DOUBLE])
def test_a_law_keeps_values(law):
    """On tensors, for every type that all its operations take."""

    def value(pattern, bound):
        if isinstance(pattern, tuple):
            return PRIMITIVES[pattern[0]].function(*(value(p, bound) for p in pattern[1:]))
        return bound[pattern] if isinstance(pattern, str) else torch.tensor(pattern).double()

    left, right = sides(law)
    names = set(re.findall(r"[a-z_]{2,}", law))
    kinds = (LayerScalar, Scalar) if law in rules.DOUBLE else (*LAYER_TYPES, Scalar)
    tested = 0
    for kind in kinds:
        if not all(kind in {t for s in PRIMITIVES[n].signatures for t in s.inputs} for n in names):
            continue
        tested += 1
        x, y = samples(kind)
        bound = {"x": x, "y": y}
        rounding = 1e-12 if law in rules.DOUBLE else 0.0
        torch.testing.assert_close(value(left, bound), value(right, bound), rtol=rounding, atol=0, check_dtype=False)
    assert tested


CASES = {
    "-(-total_params)": "total_params",
    "abs(abs(-total_params))": "abs(total_params)",
    "sum_layers(-mean(-activation))": "sum_layers(mean(activation))",
    "abs(sum_layers(mean(-activation)))": "abs(sum_layers(mean(activation)))",
    "max_layers(-depth)": "-min_layers(depth)",
    "max_layers(exp(depth))": "exp(max_layers(depth))",
    "total_params * 1 + 0": "total_params",
    "1 / total_params": "reciprocal(total_params)",
    "2 * (3 * total_params)": "total_params * 6",
    "sum_layers(0.5 * (depth * 2))": "sum_layers(depth)",
    "total_params + (0.25 + 0.5)": "total_params + 0.75",
    "total_params - (-0.5)": "total_params + 0.5",
    "total_params * (1 / 3)": "total_params * (1 / 3)",
    "initial_loss * initial_loss": "square(initial_loss)",
    "minimum(initial_loss, initial_loss)": "initial_loss",
    "sum_layers(mean(abs(above_zero(above_zero(activation)))))": "sum_layers(mean(above_zero(activation)))",
    "-(initial_loss - total_params)": "total_params - initial_loss",
    "sum_layers(mean(-activation) * depth)": "-sum_layers(mean(activation) * depth)",
}


@pytest.mark.parametrize("text", CASES)
def test_cases(grammar, text):
    found = rewrite(parse(text, grammar), grammar)
    assert key(found) == key(parse(CASES[text], grammar)), to_text(found)


def test_random_trees_keep_their_values():
    table = toy_table(dead=2, dtype=torch.float64)
    grammar = Grammar.for_table(table)
    rng = random.Random(11)
    trees = [generate(grammar, rng) for _ in range(800)]
    before = [list(tree) for tree in trees]
    new = [rewrite(tree, grammar) for tree in trees]
    assert [list(tree) for tree in trees] == before
    for tree, simple in zip(trees, new):
        check(simple)
        assert len(simple) <= len(tree) and simple.height <= tree.height
        assert key(rewrite(simple, grammar)) == key(simple)
    assert sum(len(a) < len(b) for a, b in zip(new, trees)) > 80
    changed = [(t, s) for t, s in zip(trees, new) if key(t) != key(s)]
    old, late = (Evaluator(table).scores(list(side)) for side in zip(*changed))
    for i, (tree, _) in enumerate(changed):
        assert (old.reasons[i] == late.reasons[i]) or "constant" in (old.reasons[i], late.reasons[i])
        if old.reasons[i] is None and late.reasons[i] is None:
            torch.testing.assert_close(
                late.values[i], old.values[i], rtol=1e-6, atol=1e-12, equal_nan=True, msg=to_text(tree)
            )


def test_a_grammar_without_a_name_does_without_its_law(table):
    grammar = Grammar.for_table(table, exclude=["neg", "square", "sub"])
    tree = parse("initial_loss * initial_loss", grammar)
    assert rewrite(tree, grammar) == tree


def test_types_of_blocks_are_known():
    assert ChannelKernel in BLOCK_TYPES and LayerScalar not in BLOCK_TYPES
