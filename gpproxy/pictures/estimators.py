"""How well estimators rank a table against what an estimate costs. The bytes of a PNG come back, nothing is written."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from gpproxy.pictures.cost import CHOSEN, LINE, file_of


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
    for number, (name, seconds, row) in enumerate(points):
        rho, (low, high) = row["spearman"], row["spearman_interval"]
        if rho is None:
            continue
        colour = CHOSEN if number == 0 else LINE
        axes.plot([seconds], [rho], "o", color=colour, markersize=5)
        if low is not None and high is not None:
            axes.plot([seconds, seconds], [low, high], color=colour, linewidth=1.2)
        label = textwrap.shorten(name, 28, placeholder="…")
        axes.annotate(label, (seconds, rho), (6, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    axes.axhline(0, color="#9aa5b1", linewidth=0.8)
    axes.set_xlabel("seconds of one core for an architecture")
    axes.set_ylabel("Spearman with the trained quality, 95 %")
    axes.spines[["top", "right"]].set_visible(False)
    return file_of(figure, "png")
