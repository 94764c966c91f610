"""The row of numbers that a score gets in every table: ours, the classical proxies and the descriptors alike.

In: a part of a benchmark, its dead architectures, and scores in its order. Out: plain numbers for result.json. A score
that is NaN for an architecture ranks it last, together with the dead ones, and the count is told.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gpproxy.ranking.bootstrap import SAMPLES, Resamples, interval
from gpproxy.ranking.correlation import kendall, rank_dead_last, spearman, steady, top_k
from gpproxy.ranking.difference import Difference
from gpproxy.ranking.top_k import choices
from gpproxy.ranking.weighted import weighted_tau

if TYPE_CHECKING:
    from gpproxy.benchmarks.benchmark import Benchmark


#: The numbers of one score, by name, as JSON has them: None for what is undefined.
Row = dict[str, Any]
#: Fewest architectures with a correlation: that of two is 1 or -1 whatever ranks them.
FEWEST = 3


class RankingMetrics:
    """Measures any number of scores on one part of a benchmark, on the same resamples.

    Args:
        part: the architectures and their quality.
        dead: codes of architectures without meaningful statistics; they rank last for every score.
        classes: functional class of each architecture, see `functional_classes`; None treats all as independent.
        samples, seed: of the bootstrap.
    """

    def __init__(
        self,
        part: Benchmark,
        dead: Collection[str] = (),
        classes: Sequence[int] | None = None,
        samples: int = SAMPLES,
        seed: int = 0,
    ):
        self.quality = part.quality
        self.dead = torch.tensor([code in dead for code in part.architectures], dtype=torch.bool)
        self._whole = _Part(self.quality, Resamples(len(part), samples, seed, classes))
        self._alive: _Part | None = None
        if self.dead.any():
            alive = (~self.dead).nonzero().flatten().tolist()
            kept = None if classes is None else [classes[i] for i in alive]
            self._alive = _Part(self.quality[alive], Resamples(len(alive), samples, seed, kept))

    def last(self, scores: Tensor) -> Tensor:
        """The scores as they rank: without rounding noise, dead and undefined architectures at minus infinity."""
        scores = steady(scores.detach().cpu().double())
        return rank_dead_last(scores, self.dead | scores.isnan())

    def measure(self, scores: Tensor) -> Row:
        """Correlations of a score, `architecture`, with the quality.

        Keys: `n`, `kendall`, `spearman` (each with `_interval`, 95 %), `kendall_ties_broken` (expected when the ties
        of the score are broken at random), `top_tenth` (share of the best tenth that the score finds), `weighted` (tau
        in which the top counts most), `regret` (per k, how far the best of the k highest scores stays behind the best
        of all, in the unit of the quality, and the best of k at random), `undefined` (live architectures without a
        score), `without_dead` (n, kendall, spearman and intervals of the live ones). Higher is better, but for the
        regret; the sign counts, so orient a score first. None where a correlation is undefined, and for less than
        `FEWEST` architectures.
        """
        ranked, alive = self.last(scores), ~self.dead
        row = self._whole.row(ranked)
        core = self._alive.row(ranked[alive]) if self._alive else dict(row)
        few = row["n"] < FEWEST
        row["kendall_ties_broken"] = None if few else _plain(kendall(ranked, self.quality, break_ties=True))
        row["top_tenth"] = _plain(top_k(ranked, self.quality, max(round(len(self.quality) / 10), 1)))
        row["weighted"] = None if few else _plain(weighted_tau(ranked, self.quality))
        row["regret"] = [
            {"k": one.k, "chosen": one.best - one.chosen, "random": one.best - one.random}
            for one in choices(ranked, self.quality)
        ]
        row["undefined"] = int((scores.detach().cpu().isnan() & alive).sum())
        row["without_dead"] = core
        return row

    def difference(self, scores: Tensor, *others: Tensor) -> Difference:
        """How much better one score, `architecture`, ranks than another, or than several in the mean; paired."""
        truth, draws = self._whole.truth, self._whole.resamples
        left = self.last(scores)
        own = draws.draw(left)
        values: dict[str, Any] = {}
        for name, exact, drawn in (("kendall", kendall, draws.kendall), ("spearman", spearman, draws.spearman)):
            ranked = [self.last(other) for other in others]
            right = torch.stack([exact(other, self.quality) for other in ranked]).mean()
            resampled = torch.stack([drawn(other, truth) for other in ranked]).mean(0)
            values[name] = _plain(exact(left, self.quality) - right)
            low, high = _edges(drawn(own, truth) - resampled)
            values[f"{name}_interval"] = low, high
        return Difference(len(self.quality), **values)


class _Part:
    """Some architectures with the resamples of their quality."""

    def __init__(self, quality: Tensor, resamples: Resamples):
        self.quality, self.resamples, self.truth = quality, resamples, resamples.draw(quality)

    def row(self, scores: Tensor) -> dict[str, Any]:
        if len(self.quality) < FEWEST:
            nothing = {"kendall": None, "spearman": None}
            return {"n": len(self.quality), **nothing, **{f"{name}_interval": [None, None] for name in nothing}}
        drawn = self.resamples.draw(scores)
        return {
            "n": len(self.quality),
            "kendall": _plain(kendall(scores, self.quality)),
            "kendall_interval": _edges(self.resamples.kendall(drawn, self.truth)),
            "spearman": _plain(spearman(scores, self.quality)),
            "spearman_interval": _edges(self.resamples.spearman(drawn, self.truth)),
        }


def _edges(values: Tensor) -> list[float | None]:
    return [None if math.isnan(edge) else edge for edge in interval(values)]


def _plain(value: Tensor) -> float | None:
    number = float(value)
    return None if math.isnan(number) else number
