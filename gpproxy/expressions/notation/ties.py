"""A sum in which one term orders the architectures and all others only decide between those that it leaves equal.

In: a formula and an evaluator. Out: that term and the rest, or None. Evolution finds such sums where a coarse quantity
ranks well: `min_late(resolution) + 3e-09 * ...` is the resolution, and only among equal ones the rest. A reader of the
formula sees a small number and no reason for it; and numbers of single precision would lose what it adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from deap import gp
from torch import Tensor

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.fold import operands
from gpproxy.expressions.nodes import Operation
from gpproxy.expressions.notation.pretty import to_pretty
from gpproxy.expressions.text import to_text


@dataclass(frozen=True)
class TieBreak:
    """What orders first, and what only breaks its ties.

    Attributes:
        first, then: both for reading, with their signs.
        term: the first as text that can be parsed, without its sign.
        values: different values of the first on the architectures.
        networks: architectures with a score.
        fragile: whether single precision would lose some of what the rest decides.
    """

    first: str
    then: str
    term: str
    values: int
    networks: int
    fragile: bool


def tie_break(tree: gp.PrimitiveTree, evaluator: Evaluator) -> TieBreak | None:
    """Which term of a sum orders alone, where one does and leaves ties; None for all other formulas."""
    terms = list(_terms(tree, 1))
    if len(terms) < 2:
        return None
    values = evaluator.scores([tree, *(term for _, term in terms)]).values
    live = ~values[0].isnan()
    whole, parts = values[0, live], values[1:, live]
    for place, (sign, term) in enumerate(terms):
        own = sign * parts[place]
        if own.isnan().any() or not _decides(own, whole):
            continue
        rest = [one for i, one in enumerate(terms) if i != place]
        fragile = len(whole.float().unique()) < len(whole.unique())
        first, then = _written([(sign, term)]), _written(rest)
        return TieBreak(first, then, to_text(term), len(own.unique()), len(own), fragile)
    return None


def _terms(tree: gp.PrimitiveTree, sign: int) -> Iterator[tuple[int, gp.PrimitiveTree]]:
    """The terms of the sum at the root, with their signs."""
    node = tree[0]
    symbol = node.primitive.symbol if isinstance(node, Operation) else None
    parts = operands(tree)
    if symbol == "+" and len(parts) == 2:
        for part in parts:
            yield from _terms(part, sign)
    elif symbol == "-" and parts:
        *before, last = parts
        for part in before:
            yield from _terms(part, sign)
        yield from _terms(last, -sign)
    else:
        yield sign, tree


def _decides(first: Tensor, whole: Tensor) -> bool:
    """Whether no difference in `first` is turned round in `whole`, and some ties of the first are broken."""
    groups = first.unique()
    if not 1 < len(groups) < len(whole.unique()):
        return False
    low = torch.stack([whole[first == value].amin() for value in groups])
    high = torch.stack([whole[first == value].amax() for value in groups])
    return bool((high[:-1] < low[1:]).all())


def _written(terms: list[tuple[int, gp.PrimitiveTree]]) -> str:
    """Terms as a sum for reading."""
    text = ""
    for sign, term in terms:
        own = to_pretty(term)
        text += (" − " if sign < 0 else " + ") + own if text else ("−" if sign < 0 else "") + own
    return text
