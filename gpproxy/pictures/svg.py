"""Figures for a page: SVG text that takes the colour of the text around it, so that it reads in light and in dark.

In: a size in inches. Out: matplotlib axes to draw on, and the SVG text. Letters stay letters, ids are the picture's own
(several stand on one page), equal pictures give equal bytes. Matplotlib is imported when a picture is drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

#: Width of a picture in inches: a point of it is about a pixel of a phone.
WIDTH = 5.2
#: Points of letters at ticks, in legends and at marks; of those along an axis.
SMALL, LARGE = 9.5, 10
#: What stands for the colour of the text; grey lines that read on white and on black; colours of data that do, too.
INK, FAINT = "#010203", "#8899a6"
COLOURS = ("#3b82c4", "#e08a2b", "#3fa66b", "#c1539a", "#8f7ad6", "#8a8f94")
#: Colours and signs of the parts of a split.
PARTS = {"train": (COLOURS[5], "o"), "validation": (COLOURS[1], "s"), "test": (COLOURS[0], "D")}


def plot(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """A figure with one pair of axes in the house style."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot(facecolor="none")
    style(axes)
    return figure, axes


def style(axes: Axes) -> None:
    """Ink of the page, faint lines, nothing above and on the right."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)
        spine.set_linewidth(0.8)
    axes.tick_params(which="both", colors=INK, labelsize=SMALL, width=0.8)
    axes.tick_params(which="both", color=FAINT)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.xaxis.label.set_fontsize(LARGE)
    axes.yaxis.label.set_fontsize(LARGE)
    axes.title.set_color(INK)
    axes.title.set_fontsize(LARGE)
    axes.grid(color=FAINT, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)


def legend(axes: Any, **where: Any) -> None:
    """A legend without a frame, in the ink of the page."""
    axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK, handlelength=1.4, borderpad=0.1, **where)


def above(axes: Any, titles: Sequence[str]) -> None:
    """A legend above the picture, where it hides no data: in as many columns as its titles leave room for."""
    longest = max(map(len, titles), default=0)
    columns = next(count for count, room in ((3, 14), (2, 26), (1, longest)) if longest <= room)
    legend(axes, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns)


def svg_text(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element; `name` sets its ids apart from those of other pictures on the page."""
    import matplotlib

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _tell_factor(axis)
    stream = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"(\bid=\"|url\(#|href=\"#)", rf"\g<1>{name}-", text)
    text = re.sub(r'<svg([^>]*?) height="[^"]*"', r"<svg\1", text, count=1)
    text = re.sub(r'<svg([^>]*?) width="[^"]*"', r"<svg\1", text, count=1)
    return re.sub(r">\s*\n\s*<", ">\n<", text).strip()


def _tell_factor(axis: Axis) -> None:
    """What numbers at ticks are to be multiplied with, and what has been taken off them, stands with the name of the
    axis: in the corner, where matplotlib puts it, it lies over a legend."""
    formatter = axis.get_major_formatter()
    formatter.set_locs(list(axis.get_majorticklocs()))
    told = re.fullmatch(r"(1e[−-]?\d+)?([+−-].+)?", formatter.get_offset())
    if told is None or not told[0]:
        return
    factor, shift = told.groups()
    name = axis.get_label_text()
    name += f", in {factor}" if factor else ""
    name += f", {'less' if shift[0] == '+' else 'plus'} {shift[1:]}" if shift else ""
    axis.set_label_text(name)
    axis.get_offset_text().set_visible(False)
