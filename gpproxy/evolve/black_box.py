"""A black box on all statistics: kernel ridge regression over every formula of one statistic.

In: values of the formulas and the quality of what was learnt from. Out: predictions anywhere. It says what the same
labels give to a method that need not be readable. Values enter by their place among those that were learnt from, as
normal scores, so that no unit and no outlier counts; the ridge is chosen by leaving one out.
Source: Saunders et al. (1998) for the regression; Allen (1974) for leaving one out in closed form.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gpproxy.ranking.committee import votes
from gpproxy.ranking.correlation import dense_ranks

#: Ridges that are tried, as multiples of the mean of the kernel's diagonal.
RIDGES = tuple(10.0**power for power in range(-3, 3))


def kernel_ridge(
    values: Mapping[str, Tensor], quality: Tensor, learnt: tuple[str, ...]
) -> tuple[dict[str, Tensor], int]:
    """Part -> predictions, `architecture`, higher is better; and over how many different formulas.

    Args:
        values: part -> `formula x architecture`; a formula that is not finite everywhere is left out, as is one that
            ranks like an earlier one.
        quality: of the learnt parts together, in their order.
        learnt: the parts that are learnt from.

    Raises ValueError where no formula is left.
    """
    known = torch.cat([values[part] for part in learnt], dim=1)
    finite = torch.cat(list(values.values()), dim=1).isfinite().all(1)
    kept: dict[bytes, int] = {}
    for row in finite.nonzero().flatten().tolist():
        ranks = dense_ranks(known[row])
        if int(ranks.max()):
            kept.setdefault(ranks.numpy().tobytes(), row)
    if not kept:
        raise ValueError("No formula of one statistic has a value on every architecture.")
    rows = list(kept.values())
    features = {
        part: torch.stack([_normal(votes(values[part][row], known[row]), known.shape[1]) for row in rows], dim=1)
        for part in values
    }
    centre = torch.cat([features[part] for part in learnt])
    target = _normal(votes(quality, quality), len(quality))
    distances = torch.cdist(centre, centre).square()
    width = float(distances[distances > 0].median()) if bool((distances > 0).any()) else 1.0
    kernel = torch.exp(-distances / width)
    ridge = min(RIDGES, key=lambda one: _left_out(kernel, target, one))
    weights = torch.linalg.solve(kernel + ridge * torch.eye(len(kernel), dtype=kernel.dtype), target)
    found = {part: torch.exp(-torch.cdist(some, centre).square() / width) @ weights for part, some in features.items()}
    return found, len(rows)


def _normal(places: Tensor, count: int) -> Tensor:
    """Places between 0 and 1 as normal scores, those beyond at the ends."""
    edge = 0.5 / count
    return torch.special.ndtri(places.double().clamp(edge, 1 - edge))


def _left_out(kernel: Tensor, target: Tensor, ridge: float) -> float:
    """Mean squared error of each prediction by all others."""
    inverse = torch.linalg.inv(kernel + ridge * torch.eye(len(kernel), dtype=kernel.dtype))
    return float(((inverse @ target) / inverse.diagonal()).square().mean())
