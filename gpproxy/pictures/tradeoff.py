"""Score against cost, with the limits of a search; the SVG text comes back.

A page of thousands of candidates stays small, for a Cloud has no more dots than were asked for.
"""

from __future__ import annotations

from gpproxy.pictures.architecture import short
from gpproxy.pictures.cost import Cloud, columns
from gpproxy.pictures.svg import COLOURS, INK, SMALL, legend, plot, svg_text

#: Dots beside the front and the best that suit a page.
SHOWN = 600
#: From which multiple of the largest cost a limit is named alone: its line would leave the dots no room.
FAR = 1.5


def tradeoff(cloud: Cloud, across: str, up: str, name: str, limit: float = 0.0) -> str:
    """The picture.

    Args:
        across, up: names of the axes.
        name: of the picture, unique on its page.
        limit: the largest cost that was allowed; 0 for none.
    """
    from matplotlib.ticker import EngFormatter

    (x, y), (edge, top), (best, high) = map(columns, (cloud.dots, cloud.edge, cloud.best))
    figure, axes = plot(3.8)
    axes.scatter(x, y, s=9, color=COLOURS[5], linewidths=0, alpha=0.7, label=cloud.label)
    axes.step(edge, top, where="post", color=COLOURS[0], linewidth=1.4, label="front")
    axes.scatter(best, high, s=40, facecolors="none", edgecolors=COLOURS[1], label=f"best {len(cloud.best)}")
    for rank, point in enumerate(cloud.best, start=1):
        axes.annotate(str(rank), point, (5, 4), textcoords="offset points", fontsize=SMALL, color=INK)
    if limit > FAR * max(x, default=0.0):
        axes.annotate(f"limit {short(limit)} →", (1, 0), (-3, 4), xycoords="axes fraction", textcoords="offset points",
                      fontsize=SMALL, color=INK, ha="right")  # fmt: skip
    elif limit:
        axes.axvline(limit, color=INK, linewidth=1, linestyle="--")
        axes.annotate("limit", (limit, 0), (-3, 4), xycoords=("data", "axes fraction"), textcoords="offset points",
                      fontsize=SMALL, color=INK, ha="right")  # fmt: skip
    if len(x) and x.min() > 0 and x.max() > 20 * x.min():
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    legend(axes, loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3)
    return svg_text(figure, name)
