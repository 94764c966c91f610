"""A forest plot: numbers with their intervals under each other, one labelled line each; the SVG text comes back."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from gpproxy.pictures.svg import COLOURS, FAINT, INK, SMALL, plot, svg_text

#: Characters of a line of a label.
LABEL = 30


@dataclass(frozen=True)
class Bar:
    """A line of a forest plot.

    Attributes:
        label: what it is.
        value: the number; None draws the label alone.
        low, high: edges of its interval; None where there is none.
        colour: a place in `COLOURS`.
        dots: further numbers, such as those of single draws.
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    colour: int = 0
    dots: Sequence[float] = ()


def forest(bars: Sequence[Bar], axis: str, name: str, lines: Sequence[tuple[float, str]] = ((0.0, ""),)) -> str:
    """The picture.

    Args:
        axis: what the numbers are.
        name: of the picture, unique on its page.
        lines: numbers to mark by a vertical line, each with a word.
    """
    from matplotlib.ticker import MaxNLocator

    labels = [_label(bar.label) for bar in bars]
    figure, axes = plot(0.75 + sum(max(0.34, 0.15 + 0.19 * (label.count("\n") + 1)) for label in labels))
    for place, bar in enumerate(bars):
        if bar.value is None:
            continue
        colour = COLOURS[bar.colour]
        if bar.low is not None and bar.high is not None:
            axes.plot([bar.low, bar.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt", alpha=0.75)
        axes.plot(list(bar.dots), [place] * len(bar.dots), "|", color=colour, markersize=9)
        axes.plot([bar.value], [place], "o", color=colour, markersize=5.5)
    for at, word in lines:
        axes.axvline(at, color=INK if word else FAINT, linewidth=1, linestyle="--" if word else "-", zorder=0)
        if word:
            axes.annotate(word, (at, -0.75), (-3, 0), textcoords="offset points", ha="right", va="center",
                          fontsize=SMALL, color=INK)  # fmt: skip
    axes.set_yticks(range(len(bars)), labels)
    axes.set_ylim(len(bars) - 0.4, -1.1)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(axis)
    return svg_text(figure, name)


def _label(text: str) -> str:
    """At most three lines, broken at spaces and behind the brackets of a formula; a longer word is cut."""
    lines = [""]
    for piece in re.findall(r"\(*[^\s(]+(?:\(+|\s*)|\s+|\(+", text):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > LABEL:
            lines.append("")
        lines[-1] += piece
    lines = [piece for line in lines for piece in textwrap.wrap(line, LABEL)] or [""]
    return "\n".join(lines if len(lines) < 4 else [*lines[:2], lines[2][: LABEL - 2] + " …"])
