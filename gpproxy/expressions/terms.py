"""The terms of a formula and what is left without each: a tree in, pairs of trees out.

A term is an operand of an operation that joins two; without it, its partner stands in the place of both. What an
operation would do to the partner alone stays: `a - b` without `a` is `-b`, `a / b` without `a` is `1 / b`.
"""

from __future__ import annotations

from deap import gp

from gpproxy.expressions.fold import operands
from gpproxy.expressions.nodes import Constant, Operation
from gpproxy.expressions.structure import key
from gpproxy.primitives import PRIMITIVES

#: What becomes of the second operand of an operation when the first is taken out, by the sign of the operation.
ALONE = {"-": "neg", "/": "reciprocal"}


def without_each(tree: gp.PrimitiveTree) -> list[tuple[gp.PrimitiveTree, gp.PrimitiveTree]]:
    """(term, what is left without it), outer terms first; each remainder once. Constants are no terms.

    A term whose partner cannot take the place of both, because it is of another type, is not told.

    >>> from gpproxy.expressions.grammar import Grammar
    >>> from gpproxy.expressions.text import parse, to_text
    >>> from gpproxy.primitives.types import LayerScalar, Scalar
    >>> grammar = Grammar({"width": LayerScalar, "total_macs": Scalar})
    >>> tree = parse("sum_layers(width) - 2 * total_macs", grammar)
    >>> [(to_text(term), to_text(left)) for term, left in without_each(tree)]
    [('sum_layers(width)', '-(2 * total_macs)'), ('2 * total_macs', 'sum_layers(width)')]
    """
    found = []
    known = {key(tree)}
    for at, node in enumerate(tree):
        if node.arity != 2:
            continue
        span = tree.searchSubtree(at)
        both = operands(tree, at)
        for place, (term, partner) in enumerate(zip(both, reversed(both))):
            lone = len(term) == 1 and isinstance(term[0], Constant)
            idle = len(partner) == 1 and isinstance(partner[0], Constant)
            if lone or idle or partner[0].ret is not node.ret:
                continue
            if place == 0 and node.primitive.symbol in ALONE:
                partner = gp.PrimitiveTree([_operation(ALONE[node.primitive.symbol], partner[0].ret), *partner])
            left = gp.PrimitiveTree([*tree[: span.start], *partner, *tree[span.stop :]])
            if key(left) not in known:
                known.add(key(left))
                found.append((term, left))
    return found


def _operation(name: str, kind: type) -> Operation:
    """An operation that keeps the type of its only operand."""
    primitive = PRIMITIVES[name]
    return Operation(primitive, next(one for one in primitive.signatures if one.inputs == (kind,)))
