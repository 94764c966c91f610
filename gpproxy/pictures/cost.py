"""Score against cost: every candidate, the front, the best ones. The bytes of a PNG come back, nothing is written.

Matplotlib is imported when the picture is drawn.
"""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from gpproxy.proxies.scored import ScoredList

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What a cost is called on an axis.
AXES = {"macs": "MACs for one image", "params": "parameters", "latency": "milliseconds for one image"}
#: Colours of dots, front and chosen ones.
DOT, LINE, CHOSEN = "#9aa5b1", "#1f6f8b", "#c8553d"


def pareto_picture(
    seen: ScoredList, value: np.ndarray, edge: np.ndarray, best: np.ndarray, objective: str, label: str
) -> bytes:
    """A PNG: every scored candidate, the front, and the best ones with their rank.

    Args:
        value: combined score per candidate.
        edge: indices of the candidates that no other beats in score and cost together, from cheap to dear.
        best: indices of the candidates to mark, the best first.
        objective: the cost on the horizontal axis.
        label: what the score is, for the vertical axis.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    cost = seen.column(objective)
    shown = np.isfinite(value) & np.isfinite(cost)
    figure = Figure(figsize=(7.5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.scatter(cost[shown], value[shown], s=7, color=DOT, linewidths=0, label=f"{int(shown.sum())} architectures")
    axes.step(cost[edge], value[edge], where="post", color=LINE, linewidth=1.4, label="front")
    axes.scatter(cost[edge], value[edge], s=14, color=LINE, linewidths=0)
    marked = [i for i in best if shown[i]]
    axes.scatter(cost[marked], value[marked], s=46, facecolors="none", edgecolors=CHOSEN, label=f"best {len(marked)}")
    for rank, i in enumerate(marked, start=1):
        place = (6, 5 - 11 * ((rank - 1) % 2))
        axes.annotate(str(rank), (cost[i], value[i]), place, textcoords="offset points", color=CHOSEN, fontsize=9)
    if shown.any() and cost[shown].min() > 0 and cost[shown].max() > 20 * cost[shown].min():
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel(AXES[objective])
    axes.set_ylabel(textwrap.shorten(label, 70, placeholder=" ..."))
    axes.grid(color="#e6e9ec", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best", fontsize=9)
    return file_of(figure, "png")


def file_of(figure: Figure, kind: str, dpi: int = 150) -> bytes:
    """A figure as the bytes of a file, such as png or svg; of these two equal figures give equal bytes."""
    import matplotlib

    stream, unsaid = io.BytesIO(), {"svg": {"Date": None}, "png": {"Software": None}}
    with matplotlib.rc_context({"svg.hashsalt": "gpproxy"}):  # else its ids are random
        figure.savefig(stream, format=kind, dpi=dpi, metadata=unsaid.get(kind))
    return stream.getvalue()
