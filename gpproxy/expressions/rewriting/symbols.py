"""The one way from trees to SymPy, and back.

In: a tree. Out: a SymPy expression: statistics are symbols, known to be positive where they declare it, operations with
an algebra are that, linear layer reducers are linear functions, all else are functions by their name. Simplification
asks for a *region*: what has no algebra in it becomes a symbol, too, and a dictionary says for which part it stands.
LaTeX and MathML print the whole expression (`notation.mathematics`).

Back from SymPy, an expression is built from the operations of the grammar, with the operand types choosing the
overloads; one that the grammar cannot express has no tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from deap import gp

from gpproxy.errors import ExpressionError
from gpproxy.expressions.fold import operands
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.expressions.rewriting.algebra import PER_LAYER, applied, is_call, symbol
from gpproxy.expressions.structure import key
from gpproxy.primitives.declaration import Primitive
from gpproxy.primitives.types import LAYER_TYPES, Scalar
from gpproxy.statistics.statistic import STATISTICS

Nodes = list[Operation | Leaf]
#: Largest power that is written out.
LARGEST_POWER = 8


class NoTree(Exception):
    """An expression cannot be written with the operations of the grammar."""


def is_algebraic(node: Operation | Leaf) -> bool:
    """Whether SymPy knows the operation by one function that leads back to it."""
    return isinstance(node, Operation) and node.primitive.sympy is not None and _is_simple(node.primitive, node.arity)


@cache
def _is_simple(primitive: Primitive, arity: int) -> bool:
    """False for a form made of several functions (`1 / (1 + exp(-x))`): SymPy would take it apart for good."""
    import sympy

    return sum(bool(part.args) for part in sympy.preorder_traversal(_form(primitive, arity))) <= 2


@cache
def _form(primitive: Primitive, arity: int) -> Any:
    """What a primitive is to SymPy, of the operands x0, x1, ..."""
    if primitive.sympy is None:
        return applied(primitive.name, *_operands(arity))
    return primitive.sympy(*_operands(arity))


@cache
def _operands(arity: int) -> tuple[Any, ...]:
    import sympy

    return tuple(sympy.Symbol(f"x{i}", real=True) for i in range(arity))


def is_known(node: Operation | Leaf) -> bool:
    """Whether algebra looks into the operands: the operation is algebraic, or linear over the layers."""
    return is_algebraic(node) or (isinstance(node, Operation) and _is_reducer(node))


def _is_reducer(node: Operation) -> bool:
    return node.primitive.linear and node.primitive.over_layers and node.ret is Scalar


def to_sympy(tree: gp.PrimitiveTree, below: dict[str, gp.PrimitiveTree] | None = None) -> Any:
    """A tree as a SymPy expression.

    Args:
        below: where it is given, the region at the root: the subtree that each symbol stands for is put into it.
            Without it, operations that algebra does not know are functions.
    """
    import sympy

    names: dict[bytes, str] = {}

    def convert(part: gp.PrimitiveTree) -> Any:
        node = part[0]
        layer = PER_LAYER if node.ret in LAYER_TYPES else ""
        if isinstance(node, Constant):
            return sympy.Rational(node.name)
        if not isinstance(node, Operation):
            if below is not None:
                below[node.name + layer] = part
            sign = STATISTICS[node.name].range if node.name in STATISTICS else "real"
            return symbol(node.name + layer, sign)
        if not is_known(node) and below is not None:
            name = names.setdefault(key(part), f"part{len(names)}{layer}")
            below[name] = part
            return symbol(name, _sign(node))
        parts = [convert(operand) for operand in operands(part)]
        if is_algebraic(node):
            assert node.primitive.sympy is not None
            return node.primitive.sympy(*parts)
        return applied(node.name, *parts, sign="" if _is_reducer(node) else _sign(node))

    found = convert(tree)
    if below is None and found.has(sympy.zoo, sympy.oo, sympy.nan):  # what protected forms keep finite
        with sympy.evaluate(False):
            found = convert(tree)
    return found


def _sign(node: Operation) -> str:
    return "real" if node.primitive.range == "real" else "nonnegative"


class TreeWriter:
    """Writes SymPy expressions as trees of one grammar, whose operations it finds by their SymPy forms, not by name.

    Args:
        below: the subtree of each symbol.
    """

    def __init__(self, grammar: Grammar, below: Mapping[str, gp.PrimitiveTree]):
        import sympy

        self.grammar, self.below = grammar, below
        self._names: dict[Any, list[str]] = {}
        for name in grammar.operation_names:
            operation = grammar.overloads(name)[0]
            if is_known(operation):
                self._names.setdefault(_form(operation.primitive, operation.arity), []).append(name)
        x, y = _operands(2)
        self._plus, self._minus, self._times, self._over = x + y, x - y, x * y, x / y
        self._negative, self._inverse, self._square = -x, 1 / x, x**2
        self._root, self._log = sympy.sqrt(sympy.Abs(x)), sympy.log(sympy.Abs(x))
        self._exp, self._positive = sympy.exp(x), sympy.Max(x, 0)
        self._larger, self._smaller = sympy.Max(x, y), sympy.Min(x, y)

    def write(self, expression: Any, kind: type) -> gp.PrimitiveTree | None:
        """The tree of an expression; None when the grammar cannot express it with that type."""
        try:
            nodes = self._write(expression)
        except (NoTree, ExpressionError, OverflowError):
            return None
        return gp.PrimitiveTree(nodes) if nodes[0].ret is kind else None

    def _write(self, e: Any) -> Nodes:
        if e.is_Symbol:
            return list(self.below[e.name])
        if e.is_Number:
            if not (self.grammar.constants and e.is_finite):
                raise NoTree
            return [Constant(float(e))]
        name = type(e).__name__
        handler = getattr(self, f"_write_{name.lower()}", None)
        if handler:
            return handler(e)
        try:
            form = applied(name, *_operands(len(e.args))) if is_call(e) else e.func(*_operands(len(e.args)))
        except (TypeError, ValueError):  # not a function of numbers, such as Piecewise
            raise NoTree from None
        return self._apply(form, *map(self._write, e.args))

    def _apply(self, form: Any, *parts: Nodes) -> Nodes:
        """The operation that has this SymPy form and takes these operands."""
        types = tuple(part[0].ret for part in parts)
        for name in self._names.get(form, ()):
            operation = self.grammar.operation(name, types)
            if operation is not None:
                return [operation, *(node for part in parts for node in part)]
        raise NoTree

    def _chain(self, form: Any, parts: list[Nodes]) -> Nodes:
        """A balanced tree of one operation; equal types are joined first, so that numbers meet layers last."""
        parts = sorted(parts, key=lambda part: part[0].ret.__name__ == "Scalar")
        parts.sort(key=lambda part: isinstance(part[0], Constant))
        result = parts[0]
        for part in parts[1:]:
            result = self._apply(form, result, part)
        return result

    def _write_add(self, e: Any) -> Nodes:
        plus: list[Any] = []
        minus: list[Any] = []
        for term in e.as_ordered_terms():
            (minus if term.could_extract_minus_sign() else plus).append(term)
        if not plus:
            return self._apply(self._negative, self._write(-e))
        total = self._chain(self._plus, [self._write(t) for t in plus])
        for term in minus:
            total = self._apply(self._minus, total, self._write(-term))
        return total

    def _write_mul(self, e: Any) -> Nodes:
        number, factors = e.as_coeff_mul()
        if number < 0:
            if number == -1:
                return self._apply(self._negative, self._write(-e))
            over = [f for f in factors if _is_inverse(f)]
            return self._product([number], [f for f in factors if not _is_inverse(f)], over)
        over = [f for f in factors if _is_inverse(f)]
        return self._product([number] if number != 1 else [], [f for f in factors if not _is_inverse(f)], over)

    def _product(self, numbers: list[Any], top: list[Any], over: list[Any]) -> Nodes:
        upper = [*(self._write(t) for t in top), *([Constant(float(n))] for n in numbers)]
        if numbers and abs(numbers[0].p) == 1 and numbers[0].q != 1 and top:  # x / 2 rather than 0.5 * x
            upper.pop()
            result = self._apply(
                self._over, self._chain(self._times, upper), [Constant(float(numbers[0].q * numbers[0].p))]
            )
            upper = [result]
        lower = [self._write(1 / t) for t in over]
        if not lower:
            return self._chain(self._times, upper)
        bottom = self._chain(self._times, lower)
        return (
            self._apply(self._over, self._chain(self._times, upper), bottom)
            if upper
            else self._apply(self._inverse, bottom)
        )

    def _write_pow(self, e: Any) -> Nodes:
        base, power = e.as_base_exp()
        if base.is_Number and str(base) == "E":
            return self._apply(self._exp, self._write(power))
        if not power.is_Rational:
            raise NoTree
        if power < 0:
            return self._apply(self._inverse, self._write(base**-power))
        if power.is_Integer:
            return self._power(
                self._write(base.args[0] if type(base).__name__ == "Abs" and power % 2 == 0 else base), int(power)
            )
        if power.q not in (2, 4):
            raise NoTree
        root = self._write(base.args[0] if type(base).__name__ == "Abs" else base)
        for _ in range(1 if power.q == 2 else 2):
            root = self._apply(self._root, root)
        return self._power(root, int(power.p))

    def _power(self, base: Nodes, power: int) -> Nodes:
        if power > LARGEST_POWER:
            raise NoTree
        if power == 1:
            return base
        half = self._apply(self._square, self._power(base, power // 2))
        return half if power % 2 == 0 else self._apply(self._times, half, base)

    def _write_log(self, e: Any) -> Nodes:
        inside = e.args[0]
        return self._apply(self._log, self._write(inside.args[0] if type(inside).__name__ == "Abs" else inside))

    def _write_max(self, e: Any) -> Nodes:
        rest = [a for a in e.args if a != 0]
        if len(rest) < len(e.args):
            return self._apply(self._positive, self._chain(self._larger, [self._write(a) for a in rest]))
        return self._chain(self._larger, [self._write(a) for a in rest])

    def _write_min(self, e: Any) -> Nodes:
        return self._chain(self._smaller, [self._write(a) for a in e.args])


def _is_inverse(factor: Any) -> bool:
    return factor.is_Pow and factor.exp.is_Rational and factor.exp < 0
