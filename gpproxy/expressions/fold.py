"""A tree folded from its leaves to its root: a function of a node and its operands' results in, one result out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from deap import gp

from gpproxy.expressions.nodes import Leaf, Operation

R = TypeVar("R")


def fold(tree: gp.PrimitiveTree, make: Callable[[Operation | Leaf, list[R]], R]) -> R:
    """`make(node, results of its operands)` for every node, operands first; the result of the root.

    >>> from gpproxy.expressions.nodes import Constant
    >>> fold(gp.PrimitiveTree([Constant(2)]), lambda node, parts: node.value + sum(parts))
    2.0
    """
    stack: list[R] = []
    for node in reversed(tree):
        parts = [stack.pop() for _ in range(node.arity)]
        stack.append(make(node, parts))
    return stack[0]


def operands(tree: gp.PrimitiveTree, at: int = 0) -> list[gp.PrimitiveTree]:
    """The operands of the node at a position, as trees of their own."""
    parts, start = [], at + 1
    for _ in range(tree[at].arity):
        part = tree.searchSubtree(start)
        parts.append(gp.PrimitiveTree(tree[part]))
        start = part.stop
    return parts
