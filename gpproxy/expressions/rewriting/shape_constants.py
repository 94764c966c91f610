"""Parts of a formula that are one number for every architecture, because they depend on shapes alone, become it.

In: trees, and evaluators of the training architectures. Out: trees in which `size(first_layer(agreement))` is 256. Two
things are asked of a part: its kind, that it holds nothing but shapes and constants, and its value, that it is the same
for all architectures. A measured statistic that happens to be constant on a table stays: it is not so by its nature.
"""

from __future__ import annotations

from collections.abc import Sequence

from deap import gp

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.expressions.nodes import Statistic as Terminal
from gpproxy.expressions.rewriting.rewrite import rewrite
from gpproxy.expressions.structure import keys
from gpproxy.primitives.types import Scalar
from gpproxy.statistics.statistic import STATISTICS

#: How close a constant of three digits has to be to the value that it stands for.
CLOSE = 1e-12


class ShapeConstants:
    """What is known of the parts seen so far; one object serves a whole run.

    Args:
        evaluators: of the training architectures, one per benchmark; a part has to be the same number on all of them.
    """

    def __init__(self, evaluators: Sequence[Evaluator]):
        self._evaluators = evaluators
        self._known: dict[bytes, Constant | None] = {}

    def fold(self, tree: gp.PrimitiveTree) -> gp.PrimitiveTree:
        """The tree with every such part replaced by its number; the same tree where there is none.

        A whole formula is never folded, nor a number that three digits do not hold.
        """
        spots = _of_shapes(tree)
        if not spots:
            return tree
        names = keys(tree)
        self._learn([(names[at], gp.PrimitiveTree(tree[tree.searchSubtree(at)])) for at in spots])
        nodes: list[Operation | Leaf] = []
        at = 0
        while at < len(tree):
            number = self._known[names[at]] if at in spots else None
            if number is None:
                nodes.append(tree[at])
                at += 1
            else:
                nodes.append(number)
                at = tree.searchSubtree(at).stop
        return gp.PrimitiveTree(nodes) if len(nodes) < len(tree) else tree

    def rewritten(self, tree: gp.PrimitiveTree, grammar: Grammar) -> gp.PrimitiveTree:
        """The tree with its parts folded and what that allows rewritten, where the grammar has constants."""
        folded = self.fold(tree) if grammar.constants else tree
        return tree if folded is tree else rewrite(folded, grammar)

    def _learn(self, parts: list[tuple[bytes, gp.PrimitiveTree]]) -> None:
        """Evaluates the parts that are new."""
        new = {name: part for name, part in parts if name not in self._known}
        if not new:
            return
        found = [evaluator.shared_values(list(new.values())) for evaluator in self._evaluators]
        for name, values in zip(new, zip(*found)):
            self._known[name] = _constant(values)


def _constant(values: Sequence[float | None]) -> Constant | None:
    """The constant that all values are, where three digits hold it."""
    first = values[0]
    if first is None or any(value != first for value in values) or abs(first) > 1e300:
        return None
    made = Constant(first)
    return made if abs(made.value - first) <= CLOSE * abs(first) else None


def _of_shapes(tree: gp.PrimitiveTree) -> set[int]:
    """Positions, below the root, of operations that are one number of the network and depend on shapes alone."""
    if not any(node.ret is Scalar and node.arity for node in tree[1:]):
        return set()
    stack: list[tuple[bool, bool]] = []  # of shapes alone; holds a statistic
    found: set[int] = set()
    for at in reversed(range(len(tree))):
        node = tree[at]
        parts = [stack.pop() for _ in range(node.arity)]
        if isinstance(node, Operation):
            shapes = node.primitive.of_shape or all(own for own, _ in parts)
            measured = any(holds for _, holds in parts)
        else:
            measured = isinstance(node, Terminal)
            shapes = isinstance(node, Constant) or (node.name in STATISTICS and STATISTICS[node.name].structural)
        if shapes and measured and at and node.ret is Scalar:
            found.add(at)
        stack.append((shapes, measured))
    return found
