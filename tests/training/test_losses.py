"""Losses: values where the discriminator cannot tell and where it has won, and the published directions."""

from __future__ import annotations

import math

import pytest
import torch

from gpproxy.errors import ConfigError
from gpproxy.seeds import numbered
from gpproxy.training.losses import LOSSES, gradient_penalty, loss
from gpproxy.training.recipe import LOSSES as NAMES

ZERO = torch.zeros(4)


def test_values() -> None:
    assert loss("hinge").discriminator(ZERO, ZERO) == 2
    assert loss("vanilla").discriminator(ZERO, ZERO).item() == pytest.approx(2 * math.log(2))
    assert loss("least-squares").discriminator(ZERO + 0.5, ZERO + 0.5).item() == pytest.approx(0.5)
    assert loss("hinge").discriminator(ZERO + 1, ZERO - 1) == 0
    assert loss("least-squares").discriminator(ZERO + 1, ZERO) == 0
    assert loss("vanilla").discriminator(ZERO + 50, ZERO - 50) < 1e-20
    assert loss("wasserstein").discriminator(ZERO + 1, ZERO - 2).item() == -3
    assert loss("relativistic").discriminator(ZERO + 3, ZERO + 3).item() == pytest.approx(math.log(2))
    assert loss("relativistic").generator(ZERO + 50, ZERO) < 1e-20


@pytest.mark.parametrize("name", LOSSES)
def test_both_sides_pull_in_opposite_directions(name: str) -> None:
    fake = torch.tensor([0.3, -0.2], requires_grad=True)
    towards = torch.autograd.grad(loss(name).discriminator(torch.zeros(2), fake), fake)[0]
    real = (torch.zeros(2),) if loss(name).relativistic else ()
    away = torch.autograd.grad(loss(name).generator(fake, *real), fake)[0]
    assert (away < 0).all() and towards.sum() > 0


@pytest.mark.parametrize(("slope", "expected"), [(1.0, 0.0), (3.0, 4.0), (0.0, 1.0)])
def test_the_penalty_is_of_the_slope(slope: float, expected: float) -> None:
    """Of a linear function, whose gradient is the same everywhere."""
    weight = torch.full((12,), slope / 12**0.5, requires_grad=True)
    real, fake = torch.randn(2, 5, 3, 2, 2, generator=numbered(0))
    found = gradient_penalty(lambda images: images.flatten(1) @ weight, real, fake, numbered(1))
    assert found.item() == pytest.approx(expected, abs=1e-5)
    if slope > 1:
        (gradient,) = torch.autograd.grad(found, weight)
        assert torch.allclose(gradient, 2 * (slope - 1) * weight / slope)


def test_the_penalty_is_taken_between_pairs() -> None:
    seen = []

    def score(images: torch.Tensor) -> torch.Tensor:
        seen.append(images)
        return images.sum((1, 2, 3))

    real, fake = torch.zeros(6, 1, 2, 2), torch.ones(6, 1, 2, 2)
    gradient_penalty(score, real, fake, numbered(0))
    shares = seen[0].flatten(1)
    assert (0 < shares).all() and (shares < 1).all() and len(set(shares[:, 0].tolist())) == 6
    assert (shares == shares[:, :1]).all()


def test_names() -> None:
    assert tuple(LOSSES) == NAMES
    with pytest.raises(ConfigError, match="Did you mean 'hinge'"):
        loss("hing")
