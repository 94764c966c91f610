"""A tree as one line of mathematics in plain characters, for terminals: `Σ(log(std_channels(gradient)))`.

Only for reading: `text.to_text` is the form that can be parsed. What an operation looks like is declared with its
primitive (`plain`, `symbol`).
"""

from __future__ import annotations

from deap import gp

from gpproxy.expressions.fold import fold
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.primitives.notation import ATOM, PREFIX, Text


def to_pretty(tree: gp.PrimitiveTree) -> str:
    """The formula in one readable line."""
    return fold(tree, _pretty)[0]


def _pretty(node: Operation | Leaf, parts: list[Text]) -> Text:
    if not isinstance(node, Operation):
        negative = isinstance(node, Constant) and node.name.startswith("-")
        return node.name.replace("-", "−"), PREFIX if negative else ATOM
    if node.primitive.plain:
        return node.primitive.plain.write(parts, "({})")
    return f"{node.name}({', '.join(text for text, _ in parts)})", ATOM
