"""Two formulas joined at the root: a good proxy is often a sum of statistics that say different things."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from gpproxy.evolution.individual import Individual
from gpproxy.evolution.layout import Layout, Limits, Node
from gpproxy.expressions.generate import constant
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Constant
from gpproxy.primitives.types import Scalar

#: Operands of a join.
TWO = (Scalar, Scalar)


def negated(tree: Sequence[Node], grammar: Grammar, limits: Limits) -> list[Node] | None:
    """The tree with the opposite ranking, without a second minus at the root; None when there is no room for it."""
    sign, difference = grammar.infix("-", (Scalar,)), grammar.infix("-", TWO)
    if sign is not None and tree[0] == sign:
        return list(tree[1:])
    if difference is not None and tree[0] == difference:
        layout = Layout(tree)
        middle = layout.ends[1]
        return [tree[0], *tree[middle:], *tree[1:middle]]
    layout = Layout(tree)
    if sign is None or len(tree) + 1 > limits.nodes or layout.heights[0] + 1 > limits.height:
        return None
    return [sign, *tree]


def negate(tree: Sequence[Node], grammar: Grammar, limits: Limits, rng: Random) -> list[Node] | None:
    """Reverses the ranking."""
    return negated(tree, grammar, limits)


def _part(tree: Sequence[Node], nodes: int, height: int, rng: Random) -> Sequence[Node] | None:
    """The tree itself if it fits, else a random Scalar part of it that does, none of them a constant."""
    layout = Layout(tree)
    if len(tree) <= nodes and layout.heights[0] <= height:
        return tree
    fit = [
        i
        for i, node in enumerate(tree)
        if node.ret is Scalar
        and not isinstance(node, Constant)
        and layout.size(i) <= nodes
        and layout.heights[i] <= height
    ]
    if not fit:
        return None
    i = rng.choice(fit)
    return tree[i : layout.ends[i]]


def _pair(
    left: Sequence[Node], right: Sequence[Node], nodes: int, height: int, rng: Random
) -> tuple[Sequence[Node], Sequence[Node]] | None:
    """Parts of both that fit together; the first gives way only when nothing of the second would fit."""
    most = nodes - 1 if len(left) + len(right) > nodes and rng.random() < 0.5 else max(1, nodes - len(right))
    first = _part(left, most, height, rng)
    if first is None:
        first = _part(left, nodes - 1, height, rng)
    if first is None:
        return None
    second = _part(right, nodes - len(first), height, rng)
    return None if second is None else (first, second)


def combine(
    left: Sequence[Node], right: Sequence[Node], grammar: Grammar, limits: Limits, rng: Random
) -> list[Node] | None:
    """`left + right`, `left - right` or `left * right`, each cut to a part of itself where there is no room."""
    operations = [op for op in (grammar.infix(s, TWO) for s in "+-*") if op is not None]
    pair = _pair(left, right, limits.nodes - 1, limits.height - 1, rng)
    if not operations or pair is None:
        return None
    return [rng.choice(operations), *pair[0], *pair[1]]


def blend(left: Individual, right: Individual, grammar: Grammar, limits: Limits, rng: Random) -> list[Node] | None:
    """`left + c * right` with a constant that gives both terms a spread of the same order over the architectures."""
    plus, times = grammar.infix("+", TWO), grammar.infix("*", TWO)
    if plus is None or times is None or not grammar.constants:
        return None
    pair = _pair(left.tree, right.tree, limits.nodes - 3, limits.height - 2, rng)
    if pair is None:
        return None
    scale = constant(rng)
    ratio = left.score.spread / right.score.spread if right.score.spread > 0 else 0.0
    if pair[0] is left.tree and pair[1] is right.tree and 1e-12 < ratio < 1e12 and math.isfinite(ratio):
        scale = Constant(ratio * 2.0 ** rng.gauss(0, 1.0))
    if rng.random() < 0.3:
        scale = Constant(-scale.value)
    return [plus, *pair[0], times, scale, *pair[1]]
