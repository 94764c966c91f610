"""The mean rank of several scores as a score of its own: what a committee of formulas says of one network.

A rank needs company. Here it is the architectures that each formula has learnt from: a member's vote for a network is
the place that its score would take among theirs, between 0 and 1. Beyond them a vote goes on rising, but never by more
than one more of them would: a member whose score runs away from all that it was evolved on decides nothing alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def votes(scores: Tensor, reference: Sequence[float] | Tensor) -> Tensor:
    """Places of scores `...` among those of a reference, float64, rising with them; minus infinity (dead) and NaN stay.

    Args:
        reference: the member's scores on what it has learnt from; NaN and infinities are left out.

    Raises ValueError for a reference without a finite score.
    """
    known = torch.as_tensor(reference, dtype=torch.float64)
    known = known[known.isfinite()]
    if not len(known):
        raise ValueError("A member of a committee needs a finite score among those that it has learnt from.")
    scores = scores.double()
    values, counts = torch.unique(known, return_counts=True)
    places = (counts.cumsum(0).double() - counts.double() / 2) / len(known)
    upper = torch.searchsorted(values, scores.nan_to_num(0.0), right=True).clamp(max=len(values) - 1)
    lower = (upper - 1).clamp(min=0)
    gap = values[upper] - values[lower]
    share = ((scores - values[lower]) / torch.where(gap > 0, gap, 1.0)).clamp(0, 1)
    inside = places[lower] + (places[upper] - places[lower]) * share
    # Beyond the ends: half a place more at most, as far as one more of the reference would be.
    width = float(values[-1] - values[0]) or 1.0
    above, below = ((scores - values[-1]) / width).clamp(min=0), ((values[0] - scores) / width).clamp(min=0)
    found = inside + (torch.exp(-below) - torch.exp(-above)) * 0.5 / len(known)
    return torch.where(scores.isnan() | (scores == -torch.inf), scores, found)
