"""How well estimators rank a table against what an estimate costs. The bytes of a PNG come back, nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from gpproxy.pictures.cost import CHOSEN, LINE, file_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Longest name beside a point, in letters.
ROOM = 28
#: Where a name may stand, in points from its own: beside it first, then further up and down.
PLACES = [(side, rise) for rise in (4, -11, 18, -25, 32, -39) for side in (6, -6)]


def estimators_picture(points: Sequence[tuple[str, float, Mapping[str, Any]]]) -> bytes:
    """Spearman with its interval against seconds of an architecture, on a logarithmic axis.

    Args:
        points: name, seconds, and `spearman` with `spearman_interval`, None where undefined.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    named: list[tuple[str, float, float]] = []
    for number, (name, seconds, row) in enumerate(points):
        rho, (low, high) = row["spearman"], row["spearman_interval"]
        if rho is None:
            continue
        colour = CHOSEN if number == 0 else LINE
        axes.plot([seconds], [rho], "o", color=colour, markersize=5)
        if low is not None and high is not None:
            axes.plot([seconds, seconds], [low, high], color=colour, linewidth=1.2)
        named.append((_called(name), seconds, rho))
    axes.set_xscale("log")
    axes.axhline(0, color="#9aa5b1", linewidth=0.8)
    axes.set_xlabel("seconds of one core for an architecture")
    axes.set_ylabel("Spearman with the trained quality, 95 %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    _write_names(axes, named)
    return file_of(figure, "png")


def _called(name: str) -> str:
    """The last part of a path, the beginning of a long formula."""
    last = name if "(" in name else PurePath(name).name or name
    return last if len(last) <= ROOM else f"{last[: ROOM - 1]}…"


def _write_names(axes: Axes, named: Sequence[tuple[str, float, float]]) -> None:
    """Names beside their points, where none covers another one or leaves the axes, as far as there is room."""
    figure = axes.get_figure()
    assert figure is not None
    figure.canvas.draw()
    inside = axes.get_window_extent()
    taken: list[Any] = []
    for name, x, y in named:
        for side, rise in PLACES:
            text = axes.annotate(
                name, (x, y), (side, rise), textcoords="offset points", fontsize=8, ha="left" if side > 0 else "right"
            )
            box = text.get_window_extent()
            if inside.x0 <= box.x0 and box.x1 <= inside.x1 and not any(box.overlaps(other) for other in taken):
                break
            if (side, rise) != PLACES[-1]:
                text.remove()
        taken.append(box)
