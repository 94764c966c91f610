"""Losses: values where the discriminator cannot tell and where it has won, and the published directions."""

from __future__ import annotations

import math

import pytest
import torch

from gpproxy.errors import ConfigError
from gpproxy.training.losses import LOSSES, loss
from gpproxy.training.recipe import LOSSES as NAMES

ZERO = torch.zeros(4)


def test_values() -> None:
    assert loss("hinge").discriminator(ZERO, ZERO) == 2
    assert loss("vanilla").discriminator(ZERO, ZERO).item() == pytest.approx(2 * math.log(2))
    assert loss("least-squares").discriminator(ZERO + 0.5, ZERO + 0.5).item() == pytest.approx(0.5)
    assert loss("hinge").discriminator(ZERO + 1, ZERO - 1) == 0
    assert loss("least-squares").discriminator(ZERO + 1, ZERO) == 0
    assert loss("vanilla").discriminator(ZERO + 50, ZERO - 50) < 1e-20


@pytest.mark.parametrize("name", LOSSES)
def test_both_sides_pull_in_opposite_directions(name: str) -> None:
    fake = torch.tensor([0.3, -0.2], requires_grad=True)
    towards = torch.autograd.grad(loss(name).discriminator(torch.zeros(2), fake), fake)[0]
    away = torch.autograd.grad(loss(name).generator(fake), fake)[0]
    assert (away < 0).all() and towards.sum() > 0


def test_names() -> None:
    assert tuple(LOSSES) == NAMES
    with pytest.raises(ConfigError, match="Did you mean 'hinge'"):
        loss("hing")
