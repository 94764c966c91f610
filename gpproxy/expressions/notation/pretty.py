"""A tree as one line of mathematics in plain characters, for terminals: `Σ(log(std_channels(gradient)))`.

Only for reading: `text.to_text` is the form that can be parsed.
"""

from __future__ import annotations

from deap import gp

from gpproxy.expressions.fold import fold
from gpproxy.expressions.nodes import Constant, Leaf, Operation

#: Binding strengths: sums, a bare sum over layers, products, prefixes, powers, atoms.
SUM, REDUCED, PRODUCT, PREFIX, POWER, ATOM = range(1, 7)
#: How the infix operators look.
SIGNS = {"+": (" + ", SUM), "-": (" − ", SUM), "*": (" · ", PRODUCT), "/": (" / ", PRODUCT)}
#: Where a layer reducer sums, by the end of its name.
REGIONS = {"layers": "", "layer": "", "early": "early", "middle": "middle", "late": "late"}

Text = tuple[str, int]


def region_of(name: str) -> tuple[str, str]:
    """The stem and the region of a layer reducer: `sum_early` -> `("sum", "early")`, `min_layers` -> `("min", "")`."""
    stem, _, end = name.rpartition("_")
    return (stem, REGIONS[end]) if stem and end in REGIONS else (name, "")


def to_pretty(tree: gp.PrimitiveTree) -> str:
    """The formula in one readable line."""
    return fold(tree, _pretty)[0]


def _pretty(node: Operation | Leaf, parts: list[Text]) -> Text:
    if not isinstance(node, Operation):
        negative = isinstance(node, Constant) and node.name.startswith("-")
        return node.name.replace("-", "−"), PREFIX if negative else ATOM
    symbol = node.primitive.symbol
    if symbol in SIGNS and len(parts) == 2:
        sign, strength = SIGNS[symbol]
        left, right = _at_least(parts[0], strength), _at_least(parts[1], strength + (symbol in "-/"))
        return f"{left}{sign}{right}", strength
    if len(parts) == 1:
        made = _one(node, parts[0])
        if made:
            return made
    return f"{node.name}({', '.join(text for text, _ in parts)})", ATOM


def _one(node: Operation, part: Text) -> Text | None:
    """The usual sign of an operation with one operand, if it has one."""
    name = node.name
    if name == "neg":
        return f"−{_at_least(part, PREFIX)}", PREFIX
    if name == "abs":
        return f"|{part[0]}|", ATOM
    if name == "square":
        return f"{_at_least(part, ATOM)}²", POWER
    if name == "reciprocal":
        return f"1 / {_at_least(part, PREFIX)}", PRODUCT
    if name == "sqrt":
        return (f"√{part[0]}" if part[1] == ATOM else f"√({part[0]})"), PREFIX
    if name == "log":
        return f"log({part[0]})", ATOM
    if node.primitive.over_layers:
        stem, region = region_of(name)
        if stem == "sum":
            return f"Σ{region and f'[{region}]'}({part[0]})", ATOM
    return None


def _at_least(part: Text, strength: int) -> str:
    return part[0] if part[1] >= strength else f"({part[0]})"
