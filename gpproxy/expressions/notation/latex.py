r"""A tree as LaTeX: statistics upright, with an index \ell if there is one per layer, layer reducers as \sum_\ell.

What an operation looks like is declared with its primitive (`latex`, `symbol`).
"""

from __future__ import annotations

from deap import gp

from gpproxy.expressions.fold import fold
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.primitives.notation import ATOM, PREFIX, PRODUCT, Text, called, over_layers, upright
from gpproxy.primitives.types import LAYER_TYPES


def to_latex(tree: gp.PrimitiveTree) -> str:
    """The formula as LaTeX, without dollar signs."""
    return fold(tree, _latex)[0]


def _latex(node: Operation | Leaf, parts: list[Text]) -> Text:
    if isinstance(node, Constant):
        mantissa, _, exponent = node.name.partition("e")
        if exponent:
            return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", PRODUCT
        return mantissa, PREFIX if mantissa.startswith("-") else ATOM
    if not isinstance(node, Operation):
        return upright(node.name) + (r"_{\ell}" if node.ret in LAYER_TYPES else ""), ATOM
    notation = node.primitive.latex
    if notation is None and node.primitive.over_layers:
        notation = over_layers(upright(node.name, "operatorname*"), node.primitive.region, node.arity)
    notation = notation or called(upright(node.name, "operatorname"), node.arity)
    return notation.write(parts, r"\left({}\right)")
