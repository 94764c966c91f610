"""An architecture as a picture of its layers, from top to bottom: a layer graph in, the bytes of a file out.

Nodes stand in rows (`gpproxy.pictures.layered`). Matplotlib is imported when the picture is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from gpproxy.pictures.cost import file_of
from gpproxy.pictures.layer_graph import INPUT, OUTPUT
from gpproxy.pictures.layered import Place, layered
from gpproxy.proxies.scored import Scored

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours of boxes by part, and of everything else.
BOXES = ("#dcebf2", "#fbe8d3", "#e2f0d9", "#efe2f4", "#fdf3c6", "#e6e6e6")
GREY = "#6b7680"
#: Inches: least width of a box, of a letter, of a sum, of a lane; height of a line, of the space in and below a box; of
#: the title.
BOX, LETTER, SUM, LANE, LINE, PAD, GAP, TITLE = 1.75, 0.06, 0.5, 0.3, 0.145, 0.12, 0.3, 0.75


def graph_picture(graph: nx.DiGraph, candidate: Scored, rank: int, score: float, kind: str = "png") -> bytes:
    """A PNG or SVG with code, score and size of the architecture in its title."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = layered(graph, {node: _width(graph, node) for node in graph}, 0.0, LANE)
    x, rows = found.x, found.rows()
    heights = [max(_height(graph, node) for node in row) for row in rows]
    tops = np.concatenate([[0.0], np.cumsum([height + GAP for height in heights])])
    y = {node: -(tops[i] + heights[i] / 2) for i, row in enumerate(rows) for node in row}
    left = min(x[n] - _width(graph, n) / 2 for n in x) - 0.2
    right = max(x[n] + _width(graph, n) / 2 for n in x) + 0.2
    widen = max(0.0, 5.0 - (right - left)) / 2
    left, right, bottom = left - widen, right + widen, -float(tops[-1])
    figure = Figure(figsize=(right - left, TITLE - bottom))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, TITLE)
    axes.set_axis_off()
    for path in found.paths.values():
        lanes = [(x[n], y[n] + side * heights[found.layer[n]] / 2) for n in path[1:-1] for side in (1, -1)]
        upper, lower = path[0], path[-1]
        begin = (x[upper], y[upper] - _height(graph, upper) / 2)
        _edge(axes, [begin, *lanes, (x[lower], y[lower] + _height(graph, lower) / 2)])
    parts = list(dict.fromkeys(graph.nodes[n]["part"] for row in rows for n in row if n in graph))
    colours = dict(zip([part for part in parts if part], BOXES * (len(parts) // len(BOXES) + 1)))
    for node in x:
        if node in graph:
            _box(axes, graph, str(node), x[node], y[node], colours)
    speed = "" if np.isnan(candidate.latency) else f", {candidate.latency:.3g} ms"
    numbers = f"score {score:.5g}, {short(candidate.params)} params, {short(candidate.macs)} MACs{speed}"
    middle = (left + right) / 2
    axes.text(middle, TITLE - 0.25, f"{rank}.  {candidate.code}", ha="center", va="center", fontsize=11)
    axes.text(middle, TITLE - 0.47, numbers, ha="center", va="center", fontsize=9, color=GREY)
    return file_of(figure, kind)


def short(number: float) -> str:
    """`1.23M`, `45.6k`: three digits and a unit."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def _width(graph: nx.DiGraph, node: Place) -> float:
    if node not in graph:
        return LANE
    return _box_width(graph.nodes[node]["lines"]) + 0.2 if _boxed(graph, str(node)) else SUM


def _box_width(lines: Sequence[str]) -> float:
    """Inches: of all boxes alike, but for lines that would not fit in."""
    return max(BOX, LETTER * max(map(len, lines)) + PAD)


def _height(graph: nx.DiGraph, node: Place) -> float:
    if node not in graph:
        return 0.0
    return LINE * (len(graph.nodes[node]["lines"]) + 1) + PAD if _boxed(graph, str(node)) else 0.26


def _boxed(graph: nx.DiGraph, node: str) -> bool:
    return bool(graph.nodes[node]["part"]) or node in (INPUT, OUTPUT)


def _edge(axes: Axes, points: list[tuple[float, float]]) -> None:
    """A smooth line through the points that ends in an arrow."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    corners, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        middle = (y0 + y1) / 2
        corners += [(x0, middle), (x1, middle), (x1, y1)]
        codes += [Path.CURVE4] * 3
    path = Path(corners, codes)
    style = "-|>,head_width=2.5,head_length=4"
    axes.add_patch(FancyArrowPatch(path=path, arrowstyle=style, color=GREY, linewidth=0.9, shrinkA=0, shrinkB=0))


def _box(axes: Axes, graph: nx.DiGraph, node: str, x: float, y: float, colours: dict[str, str]) -> None:
    from matplotlib.patches import FancyBboxPatch

    about, boxed = graph.nodes[node], _boxed(graph, node)
    lines = [*about["lines"], " × ".join(map(str, about["shape"]))] if boxed else about["lines"]
    width, height = (_box_width(lines) if boxed else max(0.26, 0.085 * len(lines[0]))), _height(graph, node)
    corner = "round,pad=0,rounding_size=" + ("0.05" if boxed else "0.12")
    face = colours.get(about["part"], "white")
    place = (x - width / 2, y - height / 2)
    axes.add_patch(FancyBboxPatch(place, width, height, corner, facecolor=face, edgecolor=GREY, linewidth=0.8))
    axes.text(x, y, "\n".join(lines), ha="center", va="center", fontsize=7.5, linespacing=1.2)
