"""Cheap rewriting in the loop: a tree in, a tree of the same value out, never larger or taller.

Bottom-up by what primitives declare of themselves and the laws of `rules`, and constants folded where the result is
itself a constant of 3 significant digits.
What needs algebra (collecting terms, cancelling factors) is left to `simplify`, which sees archive members only.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from deap import gp

from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.expressions.rewriting import rules
from gpproxy.primitives.laws import Pattern, sides
from gpproxy.primitives.types import LayerScalar, Scalar

#: A subtree: its node and then its operands.
Term = tuple[Any, ...]
#: Simplest forms by the code of the node and the identities of the operands, which are such forms, too.
Terms = dict[tuple[object, ...], Term]
#: Forms that are remembered.
REMEMBERED = 200_000


def rewrite(tree: gp.PrimitiveTree, grammar: Grammar, known: Terms | None = None) -> gp.PrimitiveTree:
    """An equal tree, simpler where a law applies. Values agree to 1e-9 relative; the given tree is not changed.

    Args:
        known: forms of earlier trees of this grammar, and of this one afterwards: trees of a run share their parts.

    >>> import gpproxy.primitives
    >>> from gpproxy.expressions.text import parse, to_text
    >>> from gpproxy.primitives.types import FeatureMap
    >>> grammar = Grammar({"gradient": FeatureMap})
    >>> to_text(rewrite(parse("sum_layers(abs(norm(-gradient))) * 1 + 0", grammar), grammar))
    'sum_layers(norm(gradient))'
    """
    stack: list[Term] = []
    known = {} if known is None else known
    if len(known) > REMEMBERED:
        known.clear()
    for node in reversed(tree):
        operands = [stack.pop() for _ in range(node.arity)]
        name = (node.code, *map(id, operands))
        term = known.get(name)
        if term is None:
            term = known[name] = _make(node, operands, grammar)
        stack.append(term)
    out: list[Operation | Leaf] = []
    _flatten(stack[0], out)
    return gp.PrimitiveTree(out)


def _flatten(term: Term, out: list[Operation | Leaf]) -> None:
    out.append(term[0])
    for operand in term[1:]:
        _flatten(operand, out)


def _make(node: Operation | Leaf, operands: list[Term], grammar: Grammar) -> Term:
    """The simplest known form of `node` on operands that are simple already."""
    term: Term = (node, *operands)
    if not operands:
        return term
    if all(isinstance(operand[0], Constant) for operand in operands):
        return _folded(term) or term
    found = _by_declaration(term, grammar) or _by_sign_of_constant(term, grammar)
    if found is not None:
        return found
    found = _by_pattern(term, grammar, double=False)
    if found is not None:
        return found
    if node.ret in (LayerScalar, Scalar) and all(o[0].ret in (LayerScalar, Scalar) for o in operands):
        return _by_pattern(term, grammar, double=True) or _product_of_constants(term, grammar) or term
    return term


def _by_pattern(term: Term, grammar: Grammar, double: bool) -> Term | None:
    node, operands = term[0], list(term[1:])
    for left, right in _laws(node.name, node.primitive.laws, double):
        for given in _orders(node, operands):
            bound: dict[str, Term] = {}
            if all(_match(part, operand, bound) for part, operand in zip(left[1:], given)):
                built = _build(right, bound, grammar)
                if built is not None and built[0].ret is node.ret and _height(built) <= _height(term):
                    return built
    return None


def _height(term: Term) -> int:
    return 1 + max(map(_height, term[1:])) if len(term) > 1 else 0


def _orders(node: Operation | Leaf, operands: list[Term]) -> list[list[Term]]:
    return [operands, operands[::-1]] if isinstance(node, Operation) and node.primitive.commutative else [operands]


def _product_of_constants(term: Term, grammar: Grammar) -> Term | None:
    """(x * 2) * 3 -> x * 6."""
    node, operands = term[0], list(term[1:])
    if node.name != "mul":
        return None
    for inner, outer in _orders(node, operands):
        if inner[0].name == "mul" and isinstance(outer[0], Constant):
            for number, rest in ((inner[1], inner[2]), (inner[2], inner[1])):
                folded = _folded((node, number, outer)) if isinstance(number[0], Constant) else None
                if folded is not None:
                    return _call("mul", [rest, folded], grammar)
    return None


def _by_declaration(term: Term, grammar: Grammar) -> Term | None:
    """What two functions of one operand declare of a function of a function."""
    if len(term) != 2 or len(term[1]) < 2:
        return None
    outer, (inner_node, *below) = term[0].primitive, term[1]
    inner = inner_node.primitive
    if (inner.name == outer.name and outer.idempotent) or inner.lies_in(outer.fixes):
        return term[1]
    if inner.name == rules.MINUS and outer.parity in ("even", "absolute"):
        return _call(outer.name, below, grammar)
    if inner.name == rules.MAGNITUDE and outer.parity == "absolute":
        return _call(outer.name, below, grammar)
    if inner.name == rules.MINUS and (outer.parity == "odd" or outer.mirror):
        return _call(rules.MINUS, [_call(outer.mirror or outer.name, below, grammar)], grammar)
    if outer.chooses and inner.monotone > 0 and len(below) == 1 and below[0][0].ret is LayerScalar:
        return _call(inner.name, [_call(outer.name, below, grammar)], grammar)
    return None


def _by_sign_of_constant(term: Term, grammar: Grammar) -> Term | None:
    """x - (-2) -> x + 2 and x + (-2) -> x - 2."""
    opposite = {"add": "sub", "sub": "add"}.get(term[0].name)
    if opposite is None:
        return None
    for operand, number in [term[1:]] if opposite == "add" else [term[1:], term[:0:-1]]:
        if isinstance(number[0], Constant) and number[0].value < 0:
            return _call(opposite, [operand, (Constant(-number[0].value),)], grammar)
    return None


def _folded(term: Term) -> Term | None:
    """The constant that an operation on constants gives, where 3 digits hold it."""
    numbers = [torch.tensor([operand[0].value], dtype=torch.float64) for operand in term[1:]]
    value = float(term[0].primitive.function(*numbers))
    if not math.isfinite(value) or abs(value) > 1e300:
        return None
    constant = Constant(value)
    return (constant,) if abs(constant.value - value) <= 1e-12 * abs(value) else None


def _call(name: str, operands: list[Term | None], grammar: Grammar) -> Term | None:
    """`name` on operands, simplified; None when the grammar has no such operation."""
    given = [operand for operand in operands if operand is not None]
    if len(given) < len(operands):
        return None
    node = grammar.operation(name, tuple(operand[0].ret for operand in given))
    return _make(node, given, grammar) if node else None


def _match(pattern: Pattern, term: Term, bound: dict[str, Term]) -> bool:
    if isinstance(pattern, float):
        return isinstance(term[0], Constant) and term[0].value == pattern
    if isinstance(pattern, str):
        return bound.setdefault(pattern, term) == term
    return (
        term[0].name == pattern[0]
        and len(term) == len(pattern)
        and all(_match(part, operand, bound) for part, operand in zip(pattern[1:], term[1:]))
    )


def _build(pattern: Pattern, bound: dict[str, Term], grammar: Grammar) -> Term | None:
    if isinstance(pattern, str):
        return bound[pattern]
    return _call(pattern[0], [_build(part, bound, grammar) for part in pattern[1:]], grammar)


@functools.cache
def _laws(name: str, own: tuple[str, ...], double: bool) -> tuple[tuple[Pattern, Pattern], ...]:
    """The laws with `name` outermost: those that the primitive declares, then those over several primitives."""
    laws = map(sides, rules.DOUBLE if double else (*own, *rules.PATTERNS))
    return tuple((left, right) for left, right in laws if left[0] == name)
