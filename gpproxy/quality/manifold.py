"""How many generated samples lie among the real ones, and how much of the real ones they cover.

In: features of both kinds. Out: precision and density (are samples realistic?), recall and coverage (are they
diverse?); higher is better. Sources: Kynkaanniemi et al., Improved precision and recall metric (2019); Naeem et al.,
Reliable fidelity and diversity metrics (2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gpproxy.errors import QualityError

#: Neighbours that span the ball around a sample.
NEIGHBOURS = 5


@dataclass(frozen=True)
class Manifold:
    """Shares in [0, 1], except the density, which is 1 for equal distributions and may exceed it."""

    precision: float
    recall: float
    density: float
    coverage: float
    #: Standard errors in the same order; that of recall and coverage over the real samples.
    errors: tuple[float, ...]


def manifold(real: Tensor, fake: Tensor, neighbours: int = NEIGHBOURS, chunk: int = 1024) -> Manifold:
    """Compares `sample x dimension` features; memory grows with `chunk x sample`, not with the square of the samples.

    Raises QualityError when a kind has no more samples than neighbours.
    """
    if min(len(real), len(fake)) <= neighbours:
        raise QualityError(
            f"Every sample needs {neighbours} neighbours of its kind, but there are {len(real)} real and {len(fake)} "
            "generated ones. Generate more images."
        )
    place = fake.device
    real, fake = real.to(place, torch.float64), fake.to(torch.float64)
    real_radii = _radii(real, neighbours, chunk)
    fake_radii = _radii(fake, neighbours, chunk)
    hits: list[Tensor] = []
    nearest = torch.full((len(real),), torch.inf, dtype=torch.float64, device=place)
    recalls = torch.zeros(len(real), dtype=torch.bool, device=place)
    for start in range(0, len(fake), chunk):
        distance = _squared(fake[start : start + chunk], real)
        inside = distance < real_radii
        hits.append(inside.sum(dim=1))
        recalls |= (distance < fake_radii[start : start + chunk, None]).any(dim=0)
        nearest = torch.minimum(nearest, distance.amin(dim=0))
    balls = torch.cat(hits).double()
    counts = (balls > 0, recalls, balls / neighbours, nearest < real_radii)
    precision, recall, density, coverage = (float(x.double().mean()) for x in counts)
    errors = tuple(float(x.double().std()) / math.sqrt(len(x)) for x in counts)
    return Manifold(precision, recall, density, coverage, errors)


def _radii(x: Tensor, neighbours: int, chunk: int) -> Tensor:
    """Squared distance of every sample to its k-th neighbour, itself not counted."""
    parts = []
    for start in range(0, len(x), chunk):
        distance = _squared(x[start : start + chunk], x)
        rows = torch.arange(len(distance), device=x.device)
        # A sample's distance to itself is 0 only up to rounding.
        distance[rows, rows + start] = torch.inf
        parts.append(distance.kthvalue(neighbours, dim=1).values)
    return torch.cat(parts)


def _squared(a: Tensor, b: Tensor) -> Tensor:
    return (a.square().sum(dim=1)[:, None] + b.square().sum(dim=1) - 2 * a @ b.T).clamp(min=0)
