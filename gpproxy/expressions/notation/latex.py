r"""A tree as LaTeX: statistics upright, with an index \ell if there is one per layer, layer reducers as \sum_\ell."""

from __future__ import annotations

from deap import gp

from gpproxy.expressions.fold import fold
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.expressions.notation.pretty import ATOM, POWER, PREFIX, PRODUCT, REDUCED, SUM, Text, region_of
from gpproxy.primitives.types import LAYER_TYPES

#: Reducers that have a sign of their own; the others become upright names with an index.
REDUCERS = {"sum": r"\sum", "min": r"\min", "max": r"\max"}
#: Functions that LaTeX knows.
KNOWN = {"log": r"\log", "exp": r"\exp", "tanh": r"\tanh"}


def to_latex(tree: gp.PrimitiveTree) -> str:
    """The formula as LaTeX, without dollar signs."""
    return fold(tree, _latex)[0]


def upright(name: str, command: str = "mathrm") -> str:
    """A name in upright letters, underscores kept."""
    escaped = name.replace("_", r"\_")
    return rf"\{command}{{{escaped}}}"


def _latex(node: Operation | Leaf, parts: list[Text]) -> Text:
    if isinstance(node, Constant):
        mantissa, _, exponent = node.name.partition("e")
        if exponent:
            return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", PRODUCT
        return mantissa, PREFIX if mantissa.startswith("-") else ATOM
    if not isinstance(node, Operation):
        return upright(node.name) + (r"_{\ell}" if node.ret in LAYER_TYPES else ""), ATOM
    symbol = node.primitive.symbol
    if len(parts) == 2 and symbol:
        return _joined(symbol, *parts)
    if len(parts) == 1:
        made = _one(node, parts[0])
        if made:
            return made
    inside = ", ".join(text for text, _ in parts)
    return rf"{_operator(node)}\left({inside}\right)", ATOM


def _joined(symbol: str, left: Text, right: Text) -> Text:
    if symbol == "/":
        return rf"\frac{{{left[0]}}}{{{right[0]}}}", POWER
    if symbol == "*":
        return rf"{_at_least(left, PRODUCT)} \cdot {_at_least(right, PRODUCT)}", PRODUCT
    return f"{_at_least(left, SUM)} {symbol} {_at_least(right, SUM + (symbol == '-'))}", SUM


def _one(node: Operation, part: Text) -> Text | None:
    """The usual notation of an operation with one operand, if it has one."""
    name, text = node.name, part[0]
    if name == "neg":
        return f"-{_at_least(part, PREFIX + 1)}", PREFIX
    if name == "abs":
        return rf"\left|{text}\right|", ATOM
    if name == "square":
        return f"{_at_least(part, ATOM)}^{{2}}", POWER
    if name == "sqrt":
        return rf"\sqrt{{{text}}}", ATOM
    if name == "reciprocal":
        return rf"\frac{{1}}{{{text}}}", POWER
    if name in KNOWN:
        return rf"{KNOWN[name]}\left({text}\right)", ATOM
    if node.primitive.over_layers and region_of(name)[0] == "sum":
        return f"{_operator(node)} {_at_least(part, POWER)}", REDUCED
    return None


def _operator(node: Operation) -> str:
    """The operation's own sign; layer reducers carry the layers that they run over."""
    if not node.primitive.over_layers:
        return upright(node.name, "operatorname")
    stem, region = region_of(node.name)
    index = r"\ell" + (rf" \in \mathrm{{{region}}}" if region else "")
    sign = REDUCERS.get(stem) or upright(stem, "operatorname*")
    return f"{sign}_{{{index}}}"


def _at_least(part: Text, strength: int) -> str:
    return part[0] if part[1] >= strength else rf"\left({part[0]}\right)"
