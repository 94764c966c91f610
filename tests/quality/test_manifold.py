"""Precision, recall, density and coverage against loops, and at their ends."""

from __future__ import annotations

import pytest
import torch

from gpproxy.errors import QualityError
from gpproxy.quality.manifold import manifold


def draw(count: int, seed: int, shift: float = 0.0, dimensions: int = 3) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed)) + shift


def by_loops(real: torch.Tensor, fake: torch.Tensor, k: int) -> tuple[float, float, float, float]:
    def radius(z: torch.Tensor, i: int) -> float:
        return sorted(float((z[i] - z[j]).norm()) for j in range(len(z)) if j != i)[k - 1]

    real_radii = [radius(real, i) for i in range(len(real))]
    fake_radii = [radius(fake, i) for i in range(len(fake))]
    inside = [[float((f - r).norm()) < a for r, a in zip(real, real_radii)] for f in fake]
    recalled = [any(float((f - r).norm()) < a for f, a in zip(fake, fake_radii)) for r in real]
    covered = [any(row[i] for row in inside) for i in range(len(real))]
    return (
        sum(any(row) for row in inside) / len(fake),
        sum(recalled) / len(real),
        sum(sum(row) for row in inside) / (k * len(fake)),
        sum(covered) / len(real),
    )


@pytest.mark.parametrize("chunk", [7, 1000])
def test_it_agrees_with_loops_in_any_chunks(chunk: int) -> None:
    real, fake = draw(30, 1).double(), draw(25, 2, 0.5).double()
    found = manifold(real, fake, 3, chunk)
    assert (found.precision, found.recall, found.density, found.coverage) == pytest.approx(by_loops(real, fake, 3))


def test_equal_sets_are_precise_and_covered() -> None:
    x = draw(200, 1)
    found = manifold(x, x)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)


def test_sets_far_apart_have_nothing_in_common() -> None:
    found = manifold(draw(100, 1), draw(100, 2, 50.0))
    assert (found.precision, found.recall, found.density, found.coverage) == (0, 0, 0, 0)
    assert found.errors == (0, 0, 0, 0)


def test_a_few_repeated_images_are_precise_but_recall_nothing() -> None:
    real = draw(200, 1)
    found = manifold(real, real[:4].repeat(50, 1))
    assert found.precision == 1 and found.recall == 0 and found.coverage < 0.3


def test_errors_are_those_of_a_share() -> None:
    found = manifold(draw(300, 1), draw(300, 2, 0.7))
    share = found.precision
    assert found.errors[0] == pytest.approx((share * (1 - share) / 300) ** 0.5, rel=0.01)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(QualityError, match="5 neighbours of its kind"):
        manifold(draw(5, 1), draw(50, 2))
