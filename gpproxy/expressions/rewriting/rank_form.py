"""What of a formula decides the ranking: outermost monotone functions, positive factors, added constants are dropped.

In: a tree and its grammar; with an evaluator, functions that are monotone for positive operands only (log, sqrt,
...) go too where the operand is positive on all held architectures. Out: a tree that ranks alike, sign kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from deap import gp

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.fold import fold, operands
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.primitives.types import Scalar
from gpproxy.ranking.correlation import dense_ranks, steady


@dataclass(frozen=True)
class RankForm:
    """A formula that ranks architectures as another does.

    Attributes:
        tree: the shorter formula; the same tree when nothing could be dropped.
        dropped: what was dropped, outermost first, in words.
    """

    tree: gp.PrimitiveTree
    dropped: tuple[str, ...]


def rank_form(tree: gp.PrimitiveTree, grammar: Grammar, evaluator: Evaluator | None = None) -> RankForm:
    """The part of a formula that decides the ranking. Higher still means better.

    With `evaluator`, what saturation or rounding would tie differently on its table is put back.
    """
    steps = _steps(tree, grammar, evaluator)
    if evaluator is not None:
        agree = rank_alike(evaluator, tree, [form.tree for form in steps])
        steps = [form for form, same in zip(steps, agree) if same]
    return min(reversed(steps), key=lambda form: len(form.tree), default=RankForm(tree, ()))


def rank_alike(evaluator: Evaluator, tree: gp.PrimitiveTree, others: list[gp.PrimitiveTree]) -> list[bool]:
    """For each other tree, whether it orders the evaluator's architectures exactly as `tree` does, ties included."""
    scores = evaluator.scores([tree, *others])
    if scores.reasons[0] is not None:
        return [False] * len(others)
    live = ~scores.values[0].isnan()
    ranks = dense_ranks(steady(scores.values[:, live]))
    return [
        reason is None and torch.equal(ranks[0], own) for reason, own in zip(scores.reasons[1:], ranks[1:])
    ]  # fmt: skip


def constant_value(tree: gp.PrimitiveTree) -> float | None:
    """The value of a tree that holds no statistic; None for any other."""

    def value(node: Operation | Leaf, parts: list[torch.Tensor | None]) -> torch.Tensor | None:
        if isinstance(node, Constant):
            return torch.full((1,), node.value, dtype=torch.float64)
        if not isinstance(node, Operation) or node.primitive.over_layers or any(p is None for p in parts):
            return None
        return node.primitive.function(*parts)

    found = fold(tree, value)
    return None if found is None else float(found)


def _steps(tree: gp.PrimitiveTree, grammar: Grammar, evaluator: Evaluator | None) -> list[RankForm]:
    """Every form on the way down, from the whole formula to the shortest."""
    sign, dropped = 1, []
    forms = [RankForm(tree, ())]
    while isinstance(tree[0], Operation):
        step = _strip(tree, evaluator)
        if step is None:
            break
        tree, direction, word = step
        sign *= direction
        dropped.append(word)
        signed = _signed(tree, sign, grammar)
        if signed is not None:
            forms.append(RankForm(signed, tuple(dropped)))
    return forms


def _strip(tree: gp.PrimitiveTree, evaluator: Evaluator | None) -> tuple[gp.PrimitiveTree, int, str] | None:
    """The operand below the root, the direction of the root in it, and the root in words; None when it has to stay."""
    node, parts = tree[0], operands(tree)
    if node.primitive.over_layers and evaluator is not None:
        return _strip_inside(tree)
    if len(parts) == 1:
        if node.ret is not Scalar or parts[0][0].ret is not Scalar:
            return None
        if node.primitive.monotone:
            return parts[0], node.primitive.monotone, node.name
        direction = node.primitive.monotone_on_positive
        if direction and evaluator is not None and _positive(parts[0], evaluator):
            return parts[0], direction, f"{node.name} of a positive value"
        return None
    if node.primitive.symbol is None or len(parts) != 2 or any(p[0].ret is not Scalar for p in parts):
        return None
    left, right = (constant_value(p) for p in parts)
    if (left is None) == (right is None):
        return None
    symbol = node.primitive.symbol
    if symbol in "+-":
        number = left if right is None else right
        direction = -1 if symbol == "-" and right is None else 1
        return parts[0 if left is None else 1], direction, f"{symbol} {number:g}"
    if symbol == "*" or right is not None:
        number = left if right is None else right
        if not number:
            return None
        return parts[0 if left is None else 1], 1 if number > 0 else -1, f"{symbol} {number:g}"
    return None


def _strip_inside(tree: gp.PrimitiveTree) -> tuple[gp.PrimitiveTree, int, str] | None:
    """A layer reducer without the positive constant factor of its operand; whether the ranking stays is seen later."""
    inner = operands(tree)[0]
    if not isinstance(inner[0], Operation) or inner[0].primitive.symbol not in ("*", "/"):
        return None
    left, right = operands(inner)
    number = constant_value(right)
    rest, symbol = left, inner[0].primitive.symbol
    if number is None and symbol == "*":
        number, rest = constant_value(left), right
    if number is None or number <= 0 or rest[0].ret is not inner[0].ret:
        return None
    return gp.PrimitiveTree([tree[0], *rest, *tree[1 + len(inner) :]]), 1, f"{symbol} {number:g}"


def _positive(tree: gp.PrimitiveTree, evaluator: Evaluator) -> bool:
    scores = evaluator.scores([tree])
    values = scores.values[0]
    return scores.reasons[0] is None and bool((values[~values.isnan()] > 0).all())


def _signed(tree: gp.PrimitiveTree, sign: int, grammar: Grammar) -> gp.PrimitiveTree | None:
    """The tree, or its negative written as shortly as possible; None when the grammar has no way to negate."""
    if sign > 0:
        return tree
    node = tree[0]
    if isinstance(node, Operation) and node.primitive.symbol == "-" and node.arity == 2:
        left, right = operands(tree)
        if left[0].ret is right[0].ret:
            return gp.PrimitiveTree([node, *right, *left])
    minus = grammar.infix("-", (Scalar,))
    return None if minus is None else gp.PrimitiveTree([minus, *tree])
