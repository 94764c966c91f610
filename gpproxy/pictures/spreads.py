"""Means with their deviations over a logarithmic axis, such as a number of labels; the SVG text comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpproxy.pictures.svg import COLOURS, above, plot, svg_text

#: Share of the distance between two places by which series stand apart, so that their bars do not hide each other.
APART = 0.03

#: Mean and standard deviation; None where there is none.
Told = tuple[float | None, float | None]


def spreads(series: Mapping[str, Sequence[Told]], x: Sequence[float], across: str, up: str, name: str) -> str:
    """The picture.

    Args:
        series: name -> mean and deviation at each of `x`.
        x: places across, positive; the axis is logarithmic.
        across, up: names of the axes.
        name: of the picture, unique on its page.
    """
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    figure, axes = plot(3.0 + 0.15 * len(series))
    for number, (title, values) in enumerate(series.items()):
        shift = 1 + APART * (number - (len(series) - 1) / 2)
        known = [
            (place * shift, mean, deviation or 0.0) for place, (mean, deviation) in zip(x, values) if mean is not None
        ]
        if known:
            places, means, bars = zip(*known)
            axes.errorbar(
                places, means, yerr=bars, fmt="o-", color=COLOURS[number % len(COLOURS)], markersize=4, linewidth=1.5,
                elinewidth=1, capsize=2.5, label=title,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(x)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(list(x), [f"{place:g}" for place in x])
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if len(series) > 1:
        above(axes, list(series))
    return svg_text(figure, name)
