"""Score against cost: dots for candidates, the front, the best ones. The bytes of a PNG come back, nothing is written.

Matplotlib is imported when the picture is drawn.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What a cost is called on an axis.
AXES = {"macs": "MACs for one image", "params": "parameters", "latency": "milliseconds for one image"}
#: Colours of dots, front and chosen ones.
DOT, LINE, CHOSEN = "#9aa5b1", "#1f6f8b", "#c8553d"

#: Cost and score, both finite.
Point = tuple[float, float]


@dataclass(frozen=True)
class Cloud:
    """What is drawn of the candidates of a search, however many there are.

    Attributes:
        dots: some of them, or all, the best first.
        edge: those that no other beats in score and cost together, from cheap to dear.
        best: the best ones, the best first.
        count: all that have a score and a cost.
    """

    dots: Sequence[Point]
    edge: Sequence[Point]
    best: Sequence[Point]
    count: int

    @property
    def label(self) -> str:
        """What the dots are."""
        shown = "" if len(self.dots) == self.count else f"{len(self.dots):,} of "
        return f"{shown}{self.count:,} candidates"


def pareto_picture(cloud: Cloud, objective: str, label: str) -> bytes:
    """A PNG: candidates, the front, and the best ones with their rank.

    Args:
        objective: the cost on the horizontal axis.
        label: what the score is, for the vertical axis.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    (cost, score), (edge, top), (best, high) = map(columns, (cloud.dots, cloud.edge, cloud.best))
    figure = Figure(figsize=(7.5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.scatter(cost, score, s=7, color=DOT, linewidths=0, label=cloud.label)
    axes.step(edge, top, where="post", color=LINE, linewidth=1.4, label="front")
    axes.scatter(edge, top, s=14, color=LINE, linewidths=0)
    axes.scatter(best, high, s=46, facecolors="none", edgecolors=CHOSEN, label=f"best {len(cloud.best)}")
    for rank, point in enumerate(cloud.best, start=1):
        place = (6, 5 - 11 * ((rank - 1) % 2))
        axes.annotate(str(rank), point, place, textcoords="offset points", color=CHOSEN, fontsize=9)
    if len(cost) and cost.min() > 0 and cost.max() > 20 * cost.min():
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel(AXES[objective])
    axes.set_ylabel(textwrap.shorten(label, 70, placeholder=" ..."))
    axes.grid(color="#e6e9ec", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best", fontsize=9)
    return file_of(figure, "png")


def columns(points: Sequence[Point]) -> np.ndarray:
    """Costs and scores, `2 x point`."""
    return np.array(points, dtype=float).reshape(-1, 2).T


def file_of(figure: Figure, kind: str, dpi: int = 150) -> bytes:
    """A figure as the bytes of a file, such as png or svg; of these two equal figures give equal bytes."""
    import matplotlib

    stream, unsaid = io.BytesIO(), {"svg": {"Date": None}, "png": {"Software": None}}
    with matplotlib.rc_context({"svg.hashsalt": "gpproxy"}):  # else its ids are random
        figure.savefig(stream, format=kind, dpi=dpi, metadata=unsaid.get(kind))
    return stream.getvalue()
