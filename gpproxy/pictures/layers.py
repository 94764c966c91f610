"""What every layer says, for two networks over each other: numbers along the depth in, the SVG text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpproxy.pictures.svg import COLOURS, FAINT, INK, SMALL, legend, plot, svg_text

#: Letters of the name of an axis that find room along it.
LETTERS = 26
#: Letters of a legend that find room beside each other.
ACROSS = 46
#: From which ratio of the largest to the smallest number on the axis is logarithmic, where all are positive.
WIDE = 1000.0


def layers(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], up: str, name: str) -> str:
    """The picture, the thirds of the depth between dotted lines.

    Args:
        series: what it is called -> depth of each layer from 0 to 1, and its number.
        up: name of the axis; a long one is cut.
        name: of the picture, unique on its page.
    """
    figure, axes = plot(2.8)
    for number, (title, (depth, values)) in enumerate(series.items()):
        sign = "o-" if number == 0 else "s--"
        axes.plot(depth, values, sign, color=COLOURS[number], markersize=4, linewidth=1.4, label=title)
    known = [value for _, values in series.values() for value in values]
    if known and min(known) > 0 and max(known) / min(known) > WIDE:
        axes.set_yscale("log")
    for edge, word in ((0.0, "early"), (1 / 3, "middle"), (2 / 3, "late")):
        if edge:
            axes.axvline(edge, color=FAINT, linewidth=0.9, linestyle=":")
        axes.annotate(word, (edge, 1), (4, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
                      fontsize=SMALL, color=INK, va="bottom")  # fmt: skip
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("depth of the layer: 0 the first, 1 the last")
    axes.set_ylabel(up if len(up) <= LETTERS else f"{up[: LETTERS - 1]}…")
    columns = len(series) if sum(map(len, series)) <= ACROSS else 1
    legend(axes, loc="lower left", bbox_to_anchor=(0, 1.1), ncols=columns)
    return svg_text(figure, name)
