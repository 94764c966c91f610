"""A tree as a picture: the graph of its operations, every shared subtree once, statistics coloured by their kind.

In: a tree and the path of a `.png`, `.svg` or `.pdf` file. The score stands on top, every operation above its
operands.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deap import gp
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.path import Path as Line

from gpproxy.expressions.evaluation.graph import Graph
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.expressions.notation.pretty import to_pretty
from gpproxy.pictures.cost import file_of
from gpproxy.pictures.layered import layered
from gpproxy.primitives import types as t
from gpproxy.statistics.statistic import STATISTICS

if TYPE_CHECKING:
    import networkx

#: Kind of a type, and its colour: soft enough for black letters, apart for the colour-blind (Okabe and Ito, 2008).
KINDS: dict[type, tuple[str, str]] = {
    t.FeatureMap: ("feature map", "#9ecae1"),
    t.Weight: ("weight", "#fdd49e"),
    t.SampleKernel: ("kernel", "#c7b8e0"),
    t.ChannelKernel: ("kernel", "#c7b8e0"),
    t.NetworkKernel: ("kernel", "#c7b8e0"),
    t.SampleVector: ("vector", "#a1d9b4"),
    t.ChannelVector: ("vector", "#a1d9b4"),
    t.Spectrum: ("vector", "#a1d9b4"),
    t.NetworkSpectrum: ("vector", "#a1d9b4"),
    t.LayerScalar: ("number per layer", "#f7f0a8"),
    t.Scalar: ("number per network", "#f4b6b6"),
}
PLAIN, REDUCER, NUMBER = "#ffffff", "#e4e4e4", "#f3f3f3"
#: Inches between neighbours, of a lane for an edge, and between layers.
ACROSS, LANE, UP = 0.45, 0.1, 0.85
#: Half the height of a box, in inches.
BOX = 0.16
SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}

Point = tuple[float, float]


def graph_of(tree: gp.PrimitiveTree) -> networkx.DiGraph:
    """The formula as a directed graph from operands to operations, every distinct subtree one node.

    Nodes carry `label`, `kind` (of a statistic, else empty) and `color`; edges carry `times` and, where the order of
    operands matters, `places`.
    """
    import networkx

    folded = Graph([tree])
    made = networkx.DiGraph()
    for i, node in enumerate(folded.nodes):
        below = folded.operands[i]
        kind, color = _look(node)
        made.add_node(i, label=_label(node), kind=kind, color=color)
        ordered = isinstance(node, Operation) and node.arity > 1 and not node.swaps
        for j in dict.fromkeys(below):
            places = [p + 1 for p, k in enumerate(below) if k == j]
            made.add_edge(j, i, places=places if ordered else [], times=len(places))
    return made


def layout(
    graph: networkx.DiGraph, widths: dict[int, float]
) -> tuple[dict[int, Point], dict[tuple[int, int], list[Point]]]:
    """Places of the nodes in inches, and for every edge the points that it passes on its way up.

    An edge that crosses a layer gets a place of its own there, so that it never runs through a box.
    """
    found = layered(graph, widths, ACROSS, LANE)
    place = {n: (x, found.layer[n] * UP) for n, x in found.x.items()}
    return {n: place[n] for n in graph}, {edge: [place[n] for n in path] for edge, path in found.paths.items()}


def draw(tree: gp.PrimitiveTree, path: str | Path, *, title: str | None = None) -> Path:
    """Draws the formula's graph into a file; the suffix of `path` chooses the format.

    Args:
        title: heading; by default the formula in one line.
    """
    graph = graph_of(tree)
    widths = {n: 0.36 + 0.098 * max(map(len, graph.nodes[n]["label"].split("\n"))) for n in graph}
    place, paths = layout(graph, widths)
    left = min(x - widths[n] / 2 for n, (x, _) in place.items()) - 0.3
    right = max(x + widths[n] / 2 for n, (x, _) in place.items()) + 0.3
    heading = textwrap.wrap(title if title is not None else to_pretty(tree), max(48, int((right - left) * 10)))
    legend = _legend(graph)
    width = max(right - left, 1.75 * len(legend), 5.0, 0.098 * max(map(len, heading), default=0) + 0.6)
    low = -0.35 - 0.4 * bool(legend)
    high = max(y for _, y in place.values()) + 0.45 + 0.24 * len(heading)
    figure = Figure(figsize=(width, high - low), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    middle = (left + right) / 2
    axes.set(xlim=(middle - width / 2, middle + width / 2), ylim=(low, high))
    axes.axis("off")
    _draw_edges(axes, graph, paths)
    for node, (x, y) in place.items():
        axes.text(x, y, graph.nodes[node]["label"], ha="center", va="center", fontsize=10.5, zorder=3,
                  bbox={"boxstyle": "round,pad=0.38,rounding_size=0.25", "facecolor": graph.nodes[node]["color"],
                        "edgecolor": "#444444", "linewidth": 0.9})  # fmt: skip
    axes.text(middle, high - 0.18, "\n".join(heading), ha="center", va="top", fontsize=11.5, family="DejaVu Sans",
              linespacing=1.3, color="#222222")  # fmt: skip
    if legend:
        figure.legend(handles=legend, loc="lower center", ncol=len(legend), frameon=False, fontsize=9.5,
                      handlelength=1.2, columnspacing=1.4)  # fmt: skip
    path = Path(path)
    path.write_bytes(file_of(figure, path.suffix.removeprefix(".") or "png", dpi=160))
    return path


def _draw_edges(axes: Any, graph: networkx.DiGraph, paths: dict[tuple[int, int], list[Point]]) -> None:
    for (low, high), points in paths.items():
        (x0, y0), *way, (x1, y1) = points
        corners = [(x0, y0 + BOX)]
        for x, y in way:  # straight up beside the boxes of a layer that the edge only passes
            corners += [(x, y - BOX), (x, y + BOX)]
        corners.append((x1, y1 - BOX))
        axes.add_patch(FancyArrowPatch(path=Line(corners), arrowstyle="-|>", mutation_scale=11, color="#777777",
                                       linewidth=1.1, joinstyle="round", zorder=1))  # fmt: skip
        data = graph.edges[low, high]
        words = ", ".join(map(str, data["places"])) or ("twice" if data["times"] > 1 else "")
        if words:
            (xa, ya), (xb, yb) = corners[-2:]
            axes.text(0.35 * xa + 0.65 * xb, 0.35 * ya + 0.65 * yb, words, ha="center", va="center", fontsize=8,
                      color="#555555", zorder=2,
                      bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"})  # fmt: skip


def _legend(graph: networkx.DiGraph) -> list[Any]:
    here = {data["kind"] for _, data in graph.nodes(data=True)}
    found = {kind: color for kind, color in KINDS.values() if kind in here}
    marks = [Patch(facecolor=color, edgecolor="#444444", linewidth=0.8, label=kind) for kind, color in found.items()]
    if any("∇" in data["label"] for _, data in graph.nodes(data=True)):
        marks.append(Patch(facecolor="none", edgecolor="none", label="∇ needs a backward pass"))
    return marks


def _look(node: Operation | Leaf) -> tuple[str, str]:
    if isinstance(node, Constant):
        return "", NUMBER
    if isinstance(node, Operation):
        return "", REDUCER if node.primitive.over_layers else PLAIN
    return KINDS[node.ret]


def _label(node: Operation | Leaf) -> str:
    if not isinstance(node, Operation):
        needs_gradient = node.name in STATISTICS and STATISTICS[node.name].backward
        return f"{node.name} ∇" if needs_gradient else node.name.replace("-", "−")
    return str(SIGNS.get(node.primitive.symbol or "", node.name))
