"""A tree as text and back: infix with `+ - * /`, calls, numbers and unary minus; no type is ever written.

The types of the operands choose the overload, from the leaves up, so `parse(to_text(tree), grammar)` gives the same
tree, node for node.

>>> import gpproxy.primitives
>>> from gpproxy.primitives.types import FeatureMap, LayerScalar, SampleKernel
>>> grammar = Grammar({"gradient": FeatureMap, "depth": LayerScalar})
>>> tree = parse("-sum_layers(log(mean(gradient)) * depth) / 2", grammar)
>>> [node.name for node in tree]
['div', 'neg', 'sum_layers', 'mul', 'log', 'mean', 'gradient', 'depth', '2']
>>> to_text(tree)
'-sum_layers(log(mean(gradient)) * depth) / 2'
>>> kernels = Grammar({"agreement": SampleKernel})
>>> to_text(parse("logdet(sum_layers(hamming))", kernels))  # a name of version 0.2.0
'logdet(sum_layers(agreement))'
>>> parse("sum_layers(mean(gradients))", grammar)
Traceback (most recent call last):
    ...
gpproxy.errors.ExpressionError: Formula, position 17: there is no statistic 'gradients'. Did you mean 'gradient'?
  sum_layers(mean(gradients))
                  ^
"""

from __future__ import annotations

import re
from typing import NoReturn

from deap import gp

from gpproxy.errors import ExpressionError, did_you_mean
from gpproxy.expressions.grammar import Grammar, present_name
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.primitives.types import Scalar

#: Binding strength of the infix operators; unary minus binds tighter, a call or a name tightest.
STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2}
UNARY, ATOM = 3, 4
#: Deepest nesting the parser follows.
DEEPEST = 100

Node = Operation | Leaf
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(.))")


def to_text(tree: gp.PrimitiveTree) -> str:
    """The formula as one line of text that `parse` reads back exactly."""
    stack: list[tuple[str, int]] = []
    for node in reversed(tree):
        parts = [stack.pop() for _ in range(node.arity)]
        symbol = node.primitive.symbol if node.arity == 2 else None
        if symbol in STRENGTH:
            strength = STRENGTH[symbol]
            left = _wrap(*parts[0], strength)
            right = _wrap(*parts[1], strength + 1)
            stack.append((f"{left} {symbol} {right}", strength))
        elif node.arity == 1 and node.primitive.symbol == "-":
            # A bare digit after the minus would be read as a negative constant.
            text, own = parts[0]
            stack.append((f"-({text})" if own < UNARY or text[0] in "0123456789-" else f"-{text}", UNARY))
        elif node.arity:
            stack.append((f"{node.name}({', '.join(text for text, _ in parts)})", ATOM))
        else:
            stack.append((node.name, UNARY if node.name[0] == "-" else ATOM))
    return stack[0][0]


def _wrap(text: str, own: int, wanted: int) -> str:
    return text if own >= wanted else f"({text})"


def parse(text: str, grammar: Grammar) -> gp.PrimitiveTree:
    """The tree of a formula.

    Numbers are rounded to the 3 significant digits that a constant carries.

    Raises:
        ExpressionError: with the position, and what was expected there: arity, operand types, or the nearest name.
    """
    return _Parser(text, grammar).formula()


class _Parser:
    """Recursive descent: `sum = product {+- product}`, `product = unary {*/ unary}`, `unary = - unary | atom`."""

    def __init__(self, text: str, grammar: Grammar):
        self.text = text
        self.grammar = grammar
        self.tokens: list[tuple[str, str, int]] = []  # kind (number, name, sign, end), text, position
        self.at = 0
        self.depth = 0
        position = 0
        while match := _TOKEN.match(text, position):
            kind = ("number", "name", "sign")[(match.lastindex or 1) - 1]
            self.tokens.append((kind, match.group(match.lastindex or 1), match.start(match.lastindex or 1)))
            position = match.end()
        self.tokens.append(("end", "", len(text.rstrip())))

    def formula(self) -> gp.PrimitiveTree:
        nodes = self._sum()
        kind, token, position = self.tokens[self.at]
        if kind != "end":
            self._fail(f"expected an operator or the end, found '{token}'", position)
        if nodes[0].ret is not Scalar:
            self._fail(
                f"a formula must be a Scalar (one number per network), this is a {nodes[0].ret.__name__}; "
                "reduce it, over layers too",
                0,
            )
        return gp.PrimitiveTree(nodes)

    def _sum(self) -> list[Node]:
        return self._chain("+-", lambda: self._chain("*/", self._unary))

    def _chain(self, signs: str, operand) -> list[Node]:  # type: ignore[no-untyped-def]
        left = operand()
        while self.tokens[self.at][1] in tuple(signs) and self.tokens[self.at][0] == "sign":
            _, sign, position = self._next()
            left = self._apply(sign, self.grammar.symbols.get((sign, 2), ()), [left, operand()], position)
        return left

    def _unary(self) -> list[Node]:
        kind, sign, position = self.tokens[self.at]
        if (kind, sign) != ("sign", "-"):
            return self._atom()
        self._next()
        if self.tokens[self.at][0] == "number":
            return [self._number(-1.0)]
        self._enter(position)
        operand = self._unary()
        self.depth -= 1
        return self._apply("-", self.grammar.symbols.get(("-", 1), ()), [operand], position)

    def _atom(self) -> list[Node]:
        kind, token, position = self._next()
        if kind == "number":
            self.at -= 1
            return [self._number(1.0)]
        if token == "(":
            self._enter(position)
            nodes = self._sum()
            self._expect(")", position)
            self.depth -= 1
            return nodes
        if kind != "name":
            self._fail(f"expected a name, a number or '(', found {repr(token) if token else 'the end'}", position)
        if self.tokens[self.at][1] == "(":
            return self._call(token, position)
        known = self.grammar.statistics
        statistic = known.get(token) or known.get(present_name(token))
        if statistic is None:
            if self.grammar.overloads(token):
                self._fail(f"'{token}' is a primitive: write its operands in parentheses", position)
            hint = did_you_mean(token, self.grammar.statistics)
            self._fail(f"there is no statistic '{token}'.{hint}", position)
        return [statistic]

    def _call(self, name: str, position: int) -> list[Node]:
        if not self.grammar.overloads(name):
            name = present_name(name)
        if not self.grammar.overloads(name):
            if name in self.grammar.statistics:
                self._fail(f"'{name}' is a statistic and takes no operands", position)
            self._fail(f"there is no primitive '{name}'.{did_you_mean(name, self.grammar.operation_names)}", position)
        _, _, opened = self._next()
        self._enter(opened)
        operands: list[list[Node]] = []
        if self.tokens[self.at][1] != ")":
            operands.append(self._sum())
            while self.tokens[self.at][1] == ",":
                self._next()
                operands.append(self._sum())
        self._expect(")", opened)
        self.depth -= 1
        return self._apply(name, (name,), operands, position)

    def _apply(self, shown: str, names: tuple[str, ...], operands: list[list[Node]], position: int) -> list[Node]:
        types = tuple(nodes[0].ret for nodes in operands)
        for name in names:
            operation = self.grammar.operation(name, types)
            if operation is not None:
                return [operation, *(node for nodes in operands for node in nodes)]
        every = [op for name in names for op in self.grammar.overloads(name)]
        if not every:
            self._fail(f"no primitive of this grammar stands for '{shown}'", position)
        arities = sorted({op.arity for op in every})
        if len(operands) not in arities:
            wanted = " or ".join(map(str, arities))
            plural = "" if arities == [1] else "s"
            self._fail(f"'{shown}' takes {wanted} operand{plural}, not {len(operands)}", position)
        given = ", ".join(kind.__name__ for kind in types)
        known = "; ".join(str(op.signature) for op in every if op.arity == len(operands))
        self._fail(f"'{shown}' does not take ({given}); it is {known}", position)

    def _number(self, sign: float) -> Constant:
        _, token, position = self._next()
        if not self.grammar.constants:
            self._fail("this grammar has no constants", position)
        try:
            return Constant(sign * float(token))
        except ExpressionError as error:
            self._fail(str(error).rstrip("."), position)

    def _next(self) -> tuple[str, str, int]:
        self.at += 1
        return self.tokens[self.at - 1]

    def _expect(self, sign: str, opened: int) -> None:
        kind, token, position = self._next()
        if token != sign:
            found = f"'{token}'" if kind != "end" else "the end"
            self._fail(f"expected '{sign}' for the '(' at {opened + 1}, found {found}", position)

    def _enter(self, position: int) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            self._fail(f"nested deeper than {DEEPEST} levels", position)

    def _fail(self, what: str, position: int) -> NoReturn:
        start = max(0, position - 60)
        line = self.text[start : position + 40].replace("\n", " ").replace("\t", " ")
        raise ExpressionError(
            f"Formula, position {position + 1}: {what.rstrip('.') if not what.endswith('?') else what}.".replace(
                "?.", "?"
            )
            + f"\n  {line}\n  {' ' * (position - start)}^"
        )
