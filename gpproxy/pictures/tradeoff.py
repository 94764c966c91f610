"""Score against cost of many candidates, with the limits of a search; the SVG text comes back.

At most `SHOWN` dots are drawn, spread evenly over the ranking, so that a page of thousands stays small; the best ones
and the front are always there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gpproxy.pictures.svg import COLOURS, INK, legend, plot, svg_text
from gpproxy.ranking.pareto import undominated

#: Dots beside the front and the best.
SHOWN = 600


def tradeoff(
    cost: Sequence[float], score: Sequence[float], across: str, up: str, name: str, best: int, limit: float = 0.0
) -> str:
    """The picture.

    Args:
        cost, score: of the candidates, the best first.
        across, up: names of the axes.
        name: of the picture, unique on its page.
        best: how many of the first to mark with their rank.
        limit: the largest cost that was allowed; 0 for none.
    """
    from matplotlib.ticker import EngFormatter

    kept = [i for i, (a, b) in enumerate(zip(cost, score)) if math.isfinite(a) and math.isfinite(b)]
    x, y = np.array([cost[i] for i in kept]), np.array([score[i] for i in kept])
    figure, axes = plot(3.8)
    some = np.unique(np.linspace(0, len(kept) - 1, min(SHOWN, len(kept))).round().astype(int))
    axes.scatter(x[some], y[some], s=9, color=COLOURS[5], linewidths=0, alpha=0.7, label=f"{len(kept):,} candidates")
    edge = np.flatnonzero(undominated(np.column_stack([x, -y])))
    edge = edge[np.argsort(x[edge])]
    axes.step(x[edge], y[edge], where="post", color=COLOURS[0], linewidth=1.4, label="front")
    axes.scatter(x[:best], y[:best], s=40, facecolors="none", edgecolors=COLOURS[1], label=f"best {min(best, len(x))}")
    for rank, (a, b) in enumerate(zip(x[:best], y[:best]), start=1):
        axes.annotate(str(rank), (a, b), (5, 4), textcoords="offset points", fontsize=8, color=INK)
    if limit:
        axes.axvline(limit, color=INK, linewidth=1, linestyle="--")
        axes.annotate("limit", (limit, 0), (-3, 4), xycoords=("data", "axes fraction"), textcoords="offset points",
                      fontsize=8, color=INK, ha="right")  # fmt: skip
    if len(x) and x.min() > 0 and x.max() > 20 * x.min():
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    legend(axes, loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3)
    return svg_text(figure, name)
