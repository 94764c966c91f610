"""Whether a tree is well typed: a check for tests, because DEAP's own trees accept any nodes."""

from __future__ import annotations

from deap import gp


def check(tree: gp.PrimitiveTree) -> None:
    """Raises ValueError unless the tree is complete and every operand has the type its operation takes."""
    stack: list[type] = []
    for node in reversed(tree):
        if len(stack) < node.arity:
            raise ValueError(f"{node.name} lacks operands.")
        operands = tuple(stack.pop() for _ in range(node.arity))
        if node.arity and operands != node.args:
            raise ValueError(f"{node!r} got {', '.join(a.__name__ for a in operands)}.")
        stack.append(node.ret)
    if len(stack) != 1:
        raise ValueError(f"A tree has one root, not {len(stack)}.")
