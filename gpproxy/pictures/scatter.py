"""Score against measured quality, one sign per network; the SVG text comes back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpproxy.pictures.svg import PARTS, legend, plot, svg_text

#: Largest score over their middle spread from which the axis is stretched around 0.
STRETCH = 15.0


@dataclass(frozen=True)
class Dot:
    """One network.

    Attributes:
        part: of the split.
        score, scores: mean over the initialisations, and each.
        quality, qualities: mean over the trainings as measured, and each.
    """

    part: str
    score: float
    quality: float
    scores: Sequence[float] = ()
    qualities: Sequence[float] = ()


def scatter(dots: Sequence[Dot], score: str, quality: str, name: str, log: bool = False) -> str:
    """The picture; networks without a finite score or quality are left out.

    Args:
        score, quality: names of the axes.
        name: of the picture, unique on its page.
        log: whether the quality is drawn on a logarithmic axis.
    """
    figure, axes = plot(4.2)
    shown = [dot for dot in dots if math.isfinite(dot.score) and math.isfinite(dot.quality)]
    for part, (colour, sign) in PARTS.items():
        some = [dot for dot in shown if dot.part == part]
        if not some:
            continue
        x, y = np.array([dot.score for dot in some]), np.array([dot.quality for dot in some])
        across, up = _spread(x, [dot.scores for dot in some]), _spread(y, [dot.qualities for dot in some])
        axes.errorbar(x, y, xerr=across, yerr=up, fmt=sign, color=colour, markersize=5, elinewidth=0.9, alpha=0.85,
                      linestyle="", label=f"{part} ({len(some)})", markeredgewidth=0)  # fmt: skip
    values = np.array([dot.score for dot in shown])
    middle = np.subtract(*np.quantile(values, (0.75, 0.25))) if len(values) else 0.0
    if middle > 0 and np.abs(values).max() / middle > STRETCH:
        axes.set_xscale("symlog", linthresh=max(float(np.quantile(np.abs(values), 0.1)), 1e-12))
    if log and all(dot.quality > 0 for dot in shown):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel(score)
    axes.set_ylabel(quality)
    legend(axes, loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=3)
    return svg_text(figure, name)


def _spread(middle: np.ndarray, every: Sequence[Sequence[float]]) -> np.ndarray | None:
    """Distances from each number to the least and the greatest of its own; None where each has only one."""
    kept = [[value for value in some if math.isfinite(value)] for some in every]
    if max(map(len, kept), default=0) < 2:
        return None
    low = [min([m, *some]) for m, some in zip(middle, kept)]
    high = [max([m, *some]) for m, some in zip(middle, kept)]
    return np.array([middle - low, high - middle])
