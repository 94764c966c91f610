"""Rank correlations of proxies on benchmarks as a coloured table: numbers in, the SVG text out."""

from __future__ import annotations

from collections.abc import Sequence

from gpproxy.pictures.svg import FAINT, SMALL, plot, svg_text


def heat(rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float | None]], name: str) -> str:
    """The picture: orange ranks backwards, blue forwards; the number stands in every cell, nothing where there is none.

    Args:
        rows, columns: what stands beside and below.
        values: `row x column`, from -1 to 1.
        name: of the picture, unique on its page.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    shades = LinearSegmentedColormap.from_list("backwards and forwards", ["#e08a2b", "#f4f4f4", "#3b82c4"])
    figure, axes = plot(1.2 + 0.42 * len(rows))
    axes.grid(False)
    for down, line in enumerate(values):
        for across, value in enumerate(line):
            colour = "none" if value is None else shades((value + 1) / 2)
            axes.add_patch(Rectangle((across, down), 1, 1, facecolor=colour, edgecolor=FAINT, linewidth=0.6))
            if value is not None:
                axes.text(
                    across + 0.5, down + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=SMALL, color="#111111"
                )
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([place + 0.5 for place in range(len(columns))], columns, rotation=35, ha="right")
    axes.set_yticks([place + 0.5 for place in range(len(rows))], rows)
    return svg_text(figure, name)
