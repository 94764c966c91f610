"""A formula and an evaluator in, the shortest formula that SymPy can find with the same ranking of the held data out.

For finished formulas only: SymPy takes 0.1 s for most and has no upper limit, where evaluation takes a millisecond.
First, what is one number by its shapes becomes it (`shape_constants`). Then a part of a formula is replaced only by one
that is smaller, uses the grammar's own primitives, and leaves values and ranking as they were on the held
architectures, so the protected forms (x / 0 = 0, log 0 = -55) can never change a result unnoticed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from deap import gp

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.rewriting.algebra import Algebra
from gpproxy.expressions.rewriting.rank_form import rank_alike
from gpproxy.expressions.rewriting.shape_constants import ShapeConstants
from gpproxy.expressions.rewriting.symbols import TreeWriter, is_algebraic, to_sympy
from gpproxy.expressions.structure import key
from gpproxy.primitives.types import LayerScalar, Scalar

#: How far values may differ, as a share: where they are float64, and where a part of float32 was changed.
CLOSE, NEAR = 1e-9, 1e-5


@dataclass(frozen=True)
class Simplified:
    """A simplified formula.

    Attributes:
        tree: the shorter formula, or the original.
        changed: whether it is shorter.
        reason: what kept parts of it as they were, empty when nothing did.
    """

    tree: gp.PrimitiveTree
    changed: bool
    reason: str = ""


def simplify(
    tree: gp.PrimitiveTree,
    grammar: Grammar,
    evaluator: Evaluator,
    *,
    seconds: float = 20.0,
    algebra: Algebra | None = None,
    shapes: ShapeConstants | None = None,
) -> Simplified:
    """The smallest equal formula that SymPy finds within `seconds`, verified on the evaluator's table.

    Args:
        shapes: what is known of parts that shapes make one number; by default learnt from the evaluator's table.
        algebra: a running SymPy process to use; by default one is started for this formula (about 1 s).
    """
    if algebra is None:
        with Algebra() as own:
            return simplify(tree, grammar, evaluator, seconds=seconds, algebra=own, shapes=shapes)
    original, reasons = tree, []
    tree = (shapes or ShapeConstants([evaluator])).rewritten(tree, grammar)
    end = time.monotonic() + seconds
    for at in reversed(range(len(tree))):  # inner regions first: what stands left of a region keeps its place
        if at >= len(tree) or not _is_region(tree, at):
            continue
        if time.monotonic() >= end:
            reasons.append(f"the time limit of {seconds:g} s ended the search")
            break
        span = tree.searchSubtree(at)
        part = gp.PrimitiveTree(tree[span])
        below: dict[str, gp.PrimitiveTree] = {}
        found, complete = algebra.shorter(to_sympy(part, below), end - time.monotonic())
        if not complete:
            reasons.append(f"the time limit of {seconds:g} s ended the search")
        shorter = _shorter(part, found, TreeWriter(grammar, below))
        whole = [gp.PrimitiveTree([*tree[: span.start], *p, *tree[span.stop :]]) for p in shorter]
        agree = _same(evaluator, tree, whole, CLOSE if part[0].ret in (LayerScalar, Scalar) else NEAR) if whole else []
        if whole and not any(agree):
            reasons.append("a shorter form has other values on the held architectures")
        tree = next((t for t, same in zip(whole, agree) if same), tree)
    if not rank_alike(evaluator, original, [tree])[0]:
        return Simplified(original, False, "the formula has no valid scores on the held architectures")
    return Simplified(tree, len(tree) < len(original), "; ".join(dict.fromkeys(reasons)))


def _is_region(tree: gp.PrimitiveTree, at: int) -> bool:
    """Whether an algebraic operation stands there whose parent is none."""
    if not is_algebraic(tree[at]):
        return False
    parent = next((p for p in reversed(range(at)) if tree.searchSubtree(p).stop > at), None)
    return parent is None or not is_algebraic(tree[parent])


def _shorter(part: gp.PrimitiveTree, found: list[Any], writer: TreeWriter) -> list[gp.PrimitiveTree]:
    """The expressions as trees smaller than `part`, each once, the smallest first."""
    trees: dict[bytes, gp.PrimitiveTree] = {}
    for expression in found:
        tree = writer.write(expression, part[0].ret)
        if tree is not None and len(tree) < len(part):
            trees.setdefault(key(tree), tree)
    return sorted(trees.values(), key=len)


def _same(evaluator: Evaluator, tree: gp.PrimitiveTree, others: list[gp.PrimitiveTree], close: float) -> list[bool]:
    """For each other tree, whether it has the values of `tree` up to `close`, and orders the networks as it does."""
    values = evaluator.scores([tree, *others]).values
    live = ~values[0].isnan()
    own = values[0, live]
    near = [bool(((row[live] - own).abs() <= close * own.abs()).all()) for row in values[1:]]
    return [one and other for one, other in zip(near, rank_alike(evaluator, tree, others))]
