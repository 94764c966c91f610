"""Pictures of a search that learns: rewards and entropy, losses with resets, and what the winners have in common.

In: plain lines and numbers. Out: the bytes of a PNG. Matplotlib is imported when a picture is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpproxy.pictures.cost import CHOSEN, DOT, LINE, file_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Updates that a smooth line is the mean of.
WINDOW = 25
#: What a line of a history is, by who has learnt: for the legend, and for the axis.
MARKS = {"controller": "an update", "population": "a generation"}
BEST = {"controller": "best of the level", "population": "best so far"}
LINES = {"controller": "updates of the controller", "population": "generations of the population"}


def learning_picture(history: Sequence[Mapping[str, float]], reward: str, who: str = "controller") -> bytes:
    """Reward of every update with its running mean and the best so far of each level, and below the entropy.

    Args:
        history: `update`, `level`, `reward`, `best`, `entropy` per update; of a population per generation, the mean
            reward of those that live and the entropy of their genes.
        reward: what it is called.
        who: has learnt, `controller` or `population`.
    """
    figure, (above, below) = _figure(2, (7.5, 5.5))
    update, level, value, best, entropy = (
        np.array([line[name] for line in history]) for name in ("update", "level", "reward", "best", "entropy")
    )
    above.scatter(update, value, s=6, color=DOT, linewidths=0, label=MARKS[who])
    for number in np.unique(level):
        part = level == number
        above.plot(update[part], _smooth(value[part]), color=LINE, label="mean" if number == level[0] else None)
        above.plot(update[part], best[part], color=CHOSEN, label=BEST[who] if number == level[0] else None)
        below.plot(update[part], entropy[part], color=LINE)
        for axes in (above, below):
            axes.axvline(update[part][0], color="#e6e9ec", zorder=0)
        told = f"level {int(number)}" if who == "controller" else ""
        above.annotate(told, (update[part][0], 1.01), xycoords=("data", "axes fraction"), fontsize=8)
    above.set_ylabel(reward)
    above.legend(frameon=False, fontsize=8)
    below.set_ylabel("entropy of a decision, nats")
    below.set_xlabel(LINES[who])
    return file_of(figure, "png")


def losses_picture(losses: Sequence[Mapping[str, Any]], resets: Sequence[int]) -> bytes:
    """Losses of shared weights and their discriminator, with the steps at which both began anew."""
    figure, (axes,) = _figure(1, (7.5, 3.5))
    step = [line["step"] for line in losses]
    for name, colour in (("discriminator", LINE), ("generator", CHOSEN)):
        axes.plot(step, [np.nan if line[name] is None else line[name] for line in losses], color=colour, label=name)
    for number, at in enumerate(resets):
        axes.axvline(at, color="#444", linewidth=0.8, linestyle=":", label="" if number else f"{len(resets)} resets")
    axes.set_xlabel("steps")
    axes.set_ylabel("loss")
    axes.legend(frameon=False, fontsize=8)
    return file_of(figure, "png")


def winners_picture(tokens: np.ndarray, sizes: Sequence[int], names: Sequence[str]) -> bytes:
    """Share of each choice among the winners, against chance.

    Args:
        tokens: `architecture x decision`.
        sizes: choices of each decision.
        names: of the decisions.
    """
    figure, (axes,) = _figure(1, (7.5, 0.9 + 0.32 * len(sizes)))
    shades = ("#1f6f8b", "#6fa8b9", "#b5d0d8", "#c8553d", "#dd9a8b", "#efcfc7", "#9aa5b1", "#cdd3d9")
    for row, size in enumerate(sizes):
        left = 0.0
        for choice in range(size):
            share = float((tokens[:, row] == choice).mean())
            axes.barh(row, share, left=left, color=shades[choice % len(shades)], edgecolor="white", height=0.7)
            if share > 0.06:
                axes.text(left + share / 2, row, str(choice), ha="center", va="center", fontsize=7, color="#222")
            left += share
            if choice < size - 1:
                chance = (choice + 1) / size
                axes.plot([chance, chance], [row - 0.45, row + 0.45], color="black", linewidth=1.2)
    axes.set_yticks(range(len(sizes)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"share of each choice among the {len(tokens)} best; black: where chance would divide")
    return file_of(figure, "png")


def _smooth(values: np.ndarray) -> np.ndarray:
    """Mean of the latest values."""
    total = np.cumsum(np.insert(values, 0, 0.0))
    first = np.maximum(np.arange(1, len(values) + 1) - WINDOW, 0)
    return (total[1:] - total[first]) / (np.arange(1, len(values) + 1) - first)


def _figure(rows: int, size: tuple[float, float]) -> tuple[Any, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, 1, squeeze=False)[:, 0])
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes
