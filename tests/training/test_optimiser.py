"""Adam: the closed form of its first step, and which gradients are computed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gpproxy.training.optimiser import Optimiser


def test_the_first_step_moves_by_the_rate() -> None:
    """Both means equal the gradient after the correction, so each weight moves by rate * sign."""
    network = nn.Linear(3, 1, bias=False)
    before = network.weight.detach().clone()
    optimiser = Optimiser(network, rate=0.1, betas=(0.0, 0.9))
    optimiser.scale(0.5)
    optimiser.descend(network(torch.tensor([[1.0, -2.0, 3.0]])).sum())
    moved = network.weight.detach() - before
    assert moved[0].tolist() == pytest.approx([-0.05, 0.05, -0.05], rel=1e-4)


def test_other_networks_get_no_gradients_and_a_state_goes_on() -> None:
    def train_loop(optimiser: Optimiser, one: nn.Module, other: nn.Module, steps: range) -> None:
        for step in steps:
            optimiser.scale(1 / (step + 1))
            optimiser.descend((other(one(torch.full((2, 3), step + 1.0))) ** 2).mean())

    def networks() -> tuple[nn.Module, nn.Module]:
        torch.manual_seed(0)
        return nn.Linear(3, 3), nn.Linear(3, 1)

    one, other = networks()
    optimiser = Optimiser(one, rate=0.1, betas=(0.5, 0.9))
    train_loop(optimiser, one, other, range(6))
    assert all(parameter.grad is None for parameter in other.parameters())

    again, other = networks()
    first = Optimiser(again, rate=0.1, betas=(0.5, 0.9))
    train_loop(first, again, other, range(3))
    second = Optimiser(again, rate=0.1, betas=(0.5, 0.9))
    second.load_state_dict(first.state_dict())
    train_loop(second, again, other, range(3, 6))
    assert torch.equal(one.weight, again.weight) and torch.equal(one.bias, again.bias)
