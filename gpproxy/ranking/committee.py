"""The mean rank of several scores as a score of its own: what a committee of formulas says of one network.

A rank needs company. Here it is the architectures that each formula has learnt from: a member's vote for a network is
the place that its score would take among theirs, between 0 and 1. Beyond them a vote goes on rising, but never by more
than one more of them would: a member whose score runs away from all that it was evolved on decides nothing alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Member:
    """The votes of one score.

    Args:
        reference: its values on the architectures that it has learnt from; NaN and infinities are left out.
    """

    def __init__(self, reference: Sequence[float] | Tensor):
        values = torch.as_tensor(reference, dtype=torch.float64)
        values = values[values.isfinite()]
        if not len(values):
            raise ValueError("A member of a committee needs a finite score among those that it has learnt from.")
        #: Different values in order, and the place of each: mean rank over count.
        self.values, counts = torch.unique(values, return_counts=True)
        self.places = (counts.cumsum(0).double() - counts.double() / 2) / len(values)
        self._step = 0.5 / len(values)
        self._width = float(self.values[-1] - self.values[0]) or 1.0

    def votes(self, scores: Tensor) -> Tensor:
        """Places of scores `...`, strictly rising with them; minus infinity (dead) and NaN stay."""
        scores = scores.double()
        at = torch.searchsorted(self.values, scores.nan_to_num(0.0), right=True).clamp(1, max(len(self.values) - 1, 1))
        low, high = self.values[at - 1], self.values[(at).clamp(max=len(self.values) - 1)]
        left, right = self.places[at - 1], self.places[at.clamp(max=len(self.places) - 1)]
        gap = torch.where(high > low, high - low, 1.0)
        inside = left + (right - left) * ((scores - low) / gap).clamp(0, 1)
        above = (scores - self.values[-1]).clamp(min=0) / self._width
        below = (self.values[0] - scores).clamp(min=0) / self._width
        beyond = self._step * ((1 - torch.exp(-above)) - (1 - torch.exp(-below)))
        votes = inside + beyond
        return torch.where(scores.isnan() | (scores == -torch.inf), scores, votes)

    def outside(self, scores: Tensor) -> Tensor:
        """Whether scores lie beyond all that the member has learnt from."""
        return (scores < self.values[0]) | (scores > self.values[-1])
