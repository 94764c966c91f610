"""The branches of a function that a formula with or without gradients never takes.

In: a syntax tree, and whether there is a backward pass. Out: which lines to delete and to move left, and which
statements are gone. Only tests on an attribute called `backward` (`if not self.backward:`) are decided.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field


@dataclass
class Cuts:
    """Line numbers to delete, spaces to take off the front of lines, statements that vanish."""

    deleted: set[int] = field(default_factory=set)
    dedented: dict[int, int] = field(default_factory=dict)
    gone: set[ast.AST] = field(default_factory=set)

    def delete(self, node: ast.stmt) -> None:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        self.deleted.update(range(first, (node.end_lineno or node.lineno) + 1))
        self.gone.add(node)


def fold_backward(node: ast.AST, backward: bool, cuts: Cuts) -> None:
    """Adds the cuts of one function or class."""
    for part in ast.walk(node):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(part, name, None)
            if isinstance(block, list):
                _fold_block(block, backward, cuts)


def _fold_block(block: list[ast.stmt], backward: bool, cuts: Cuts) -> None:
    for i, statement in enumerate(block):
        if not isinstance(statement, ast.If) or statement.orelse:
            continue
        taken = _decided(statement.test, backward)
        if taken is False:
            cuts.delete(statement)
        elif taken:
            indent = statement.body[0].col_offset - statement.col_offset
            cuts.deleted.update(range(statement.lineno, statement.body[0].lineno))
            cuts.gone.add(statement.test)
            for line in range(statement.body[0].lineno, (statement.end_lineno or 0) + 1):
                cuts.dedented[line] = cuts.dedented.get(line, 0) + indent
            if _returns(statement.body[-1]):
                for dead in block[i + 1 :]:
                    cuts.delete(dead)
                return


def _decided(test: ast.expr, backward: bool) -> bool | None:
    """The value of a test when it follows from `backward`, else None."""
    if isinstance(test, ast.Attribute) and test.attr == "backward":
        return backward
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _decided(test.operand, backward)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        values = [_decided(v, backward) for v in test.values]
        return False if False in values else True if all(values) else None
    return None


def _returns(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.With):
        return _returns(statement.body[-1])
    return isinstance(statement, (ast.Return, ast.Raise))
