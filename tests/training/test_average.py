"""The moving average: closed form, buffers, state."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gpproxy.training.average import Average


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999])
def test_closed_form(decay: float) -> None:
    """After n updates the weight of value k is its share times what later updates kept of it."""
    followed = network()
    average = Average(followed, decay)
    values = [followed[0].weight.detach().clone().double()]
    for step in range(20):
        with torch.no_grad():
            followed[0].weight.copy_(torch.randn(3, 2, generator=torch.Generator().manual_seed(step)))
            followed[1].running_mean.fill_(step)
            followed[1].num_batches_tracked.add_(1)
        values.append(followed[0].weight.detach().clone().double())
        average.update(torch.tensor(average.taken(step)))
    kept = [min(decay, (step + 1) / (step + 10)) for step in range(20)]
    expected, mean = values[0], 0.0
    for step in range(20):
        expected = kept[step] * expected + (1 - kept[step]) * values[step + 1]
        mean = kept[step] * mean + (1 - kept[step]) * step
    ours = average.network
    assert torch.allclose(ours[0].weight.double(), expected, atol=1e-5)
    assert torch.allclose(ours[1].running_mean, torch.full((3,), mean), atol=1e-4)
    assert ours[1].num_batches_tracked == 20


def test_the_average_is_its_own_network_in_eval_mode() -> None:
    followed = network()
    average = Average(followed, 0.9)
    before = average.network[0].weight.clone()
    with torch.no_grad():
        followed[0].weight.add_(1)
    assert torch.equal(average.network[0].weight, before) and not average.network.training
    assert followed.training and not any(p.requires_grad for p in average.network.parameters())
