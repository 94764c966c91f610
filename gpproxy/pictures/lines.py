"""Lines over an axis: measures along a front, over generations, losses over steps; the SVG text comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpproxy.pictures.svg import COLOURS, INK, PARTS, SMALL, above, plot, svg_text


def lines(
    series: Mapping[str, Sequence[float | None]],
    x: Sequence[float],
    across: str,
    up: str,
    name: str,
    marked: float | None = None,
    band: tuple[Sequence[float], Sequence[float], str] | None = None,
    joined: bool = True,
) -> str:
    """The picture.

    Args:
        series: name -> numbers at `x`; None is left out. Parts of a split have their own colours.
        x: places across.
        across, up: names of the axes.
        name: of the picture, unique on its page.
        marked: a place across to mark.
        band: lower and upper edges of a shaded band around the series of a name.
        joined: whether the numbers of a series are joined by a line.
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = plot(3.0 + 0.15 * len(series))
    for number, (title, values) in enumerate(series.items()):
        colour, sign = PARTS.get(title, (COLOURS[number % len(COLOURS)], "o"))
        known = [(a, b) for a, b in zip(x, values) if b is not None]
        if not known:
            continue
        style = sign if not joined else f"{sign}-" if len(known) < 30 else "-"
        axes.plot(*zip(*known), style, color=colour, markersize=4, linewidth=1.5, label=title)
        if band is not None and band[2] == title:
            axes.fill_between(x, band[0], band[1], color=colour, alpha=0.18, linewidth=0)
    if marked is not None:
        axes.axvline(marked, color=INK, linewidth=0.9, linestyle=":")
        side, away = ("right", -3) if 2 * marked > min(x) + max(x) else ("left", 3)
        axes.annotate("chosen", (marked, 0), (away, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
                      fontsize=SMALL, color=INK, ha=side)  # fmt: skip
    if all(float(place).is_integer() for place in x):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if len(series) > 1:
        above(axes, list(series))
    return svg_text(figure, name)
