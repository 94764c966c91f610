"""Bootstrap intervals of rank correlations: the same architectures are drawn again and again, for all scores alike.

In: a seed and the number of architectures. Out: per resample the exact correlation of the resampled table. A resample
is a row of counts, so that every correlation is a product of the counts with a matrix of signs: nothing is sorted.
Source: Efron (1979) for the bootstrap; percentile intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpproxy.ranking.correlation import dense_ranks
from gpproxy.seeds import numbered

#: Resamples behind every interval that is shown.
SAMPLES = 1000


class Resamples:
    """Paired resamples of a list of architectures: every score is judged on the same draws.

    Args:
        count: number of architectures.
        samples: number of resamples.
        seed: seed of the draws.
        classes: number of the functional class of each architecture; whole classes are drawn then, because
            identical architectures are not independent evidence.
    """

    def __init__(self, count: int, samples: int = SAMPLES, seed: int = 0, classes: Sequence[int] | None = None):
        owner = torch.arange(count) if classes is None else torch.as_tensor(list(classes), dtype=torch.long)
        owner = dense_ranks(owner)
        units = int(owner.max()) + 1 if count else 0
        draws = torch.randint(max(units, 1), (samples, units), generator=numbered(seed))
        drawn = torch.zeros(samples, units, dtype=torch.int64).scatter_add_(1, draws, torch.ones_like(draws))
        self._count(drawn[:, owner])

    @classmethod
    def of(cls, counts: Tensor) -> Resamples:
        """Resamples of given counts, `resample x architecture`: those of a part of what was drawn elsewhere."""
        made = cls.__new__(cls)
        made._count(counts)
        return made

    def _count(self, counts: Tensor) -> None:
        #: `resample x architecture`, how often each is drawn. Float32 holds these sums of integers exactly.
        self.counts = counts.float()
        total = self.counts.double().sum(1)
        self._pairs = total * (total - 1) / 2

    def draw(self, values: Tensor) -> Drawn:
        """What both correlations need of `architecture` values in every resample. Infinities are ordered."""
        values = values.detach().cpu()
        dense = dense_ranks(values)
        ordered = dense.float()
        signs = torch.sign(ordered[:, None] - ordered[None, :])
        # Half of (smaller ones - larger ones) is the mean rank less the mean of all ranks.
        ranks = (self.counts @ signs.T).double() / 2
        weighted = self.counts * ranks
        sizes = torch.zeros(self.counts.shape).index_add_(1, dense, self.counts).double()
        untied = self._pairs - (sizes * (sizes - 1)).sum(1) / 2
        defined = not bool(values.isnan().any())
        return Drawn(signs, ranks, weighted, torch.linalg.vecdot(weighted, ranks), untied, defined)

    def kendall(self, scores: Tensor | Drawn, quality: Tensor | Drawn) -> Tensor:
        """tau-b of every resample: two `architecture` -> `resample`. NaN where a resample is constant."""
        left, right = self._drawn(scores), self._drawn(quality)
        balance = torch.linalg.vecdot((self.counts @ (left.signs * right.signs)).double(), self.counts.double()) / 2
        return _valid(balance / left.untied.sqrt() / right.untied.sqrt(), left, right)

    def spearman(self, scores: Tensor | Drawn, quality: Tensor | Drawn) -> Tensor:
        """rho of every resample: two `architecture` -> `resample`. NaN where a resample is constant."""
        left, right = self._drawn(scores), self._drawn(quality)
        product = torch.linalg.vecdot(left.weighted, right.ranks)
        return _valid(product / (left.spread * right.spread).sqrt(), left, right)

    def _drawn(self, values: Tensor | Drawn) -> Drawn:
        return values if isinstance(values, Drawn) else self.draw(values)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Values in every resample: worth keeping when they are compared more than once.

    Attributes:
        signs: `architecture x architecture`, 1 where the first value is larger, -1 where it is smaller.
        ranks: `resample x architecture`, mean ranks about their mean.
        weighted: the ranks times how often an architecture was drawn.
        spread: `resample`, sum of squared ranks.
        untied: `resample`, pairs that are not tied.
        defined: False when a value is NaN.
    """

    signs: Tensor
    ranks: Tensor
    weighted: Tensor
    spread: Tensor
    untied: Tensor
    defined: bool


def interval(values: Tensor, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of resampled values, `resample` -> (low, high). NaN resamples are left out."""
    values = values[values.isfinite()]
    if not len(values):
        return (float("nan"), float("nan"))
    edges = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=values.dtype)
    low, high = torch.quantile(values, edges).tolist()
    return (low, high)


def _valid(correlation: Tensor, left: Drawn, right: Drawn) -> Tensor:
    if not (left.defined and right.defined):
        return torch.full_like(correlation, torch.nan)
    return correlation.masked_fill(~correlation.isfinite(), torch.nan).clamp(-1, 1)
