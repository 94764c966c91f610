"""Recalibration: the statistics are those of the batches, and nothing else changes."""

from __future__ import annotations

import torch
from torch import nn

from gpproxy.training.recalibrate import recalibrate


def test_statistics_are_the_mean_over_batches() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5))
    network(torch.randn(50, 3) * 9)
    batches = [torch.randn(16, 3) + 2 for _ in range(5)]
    weight, momentum = network[0].weight.clone(), network[0].momentum
    assert recalibrate(network, batches) is network and not network.training and not network[0].training
    means = torch.stack([batch.mean(0) for batch in batches]).mean(0)
    variances = torch.stack([batch.var(0) for batch in batches]).mean(0)
    assert torch.allclose(network[0].running_mean, means, atol=1e-5)
    assert torch.allclose(network[0].running_var, variances, atol=1e-5)
    assert torch.equal(network[0].weight, weight) and network[0].momentum == momentum


def test_nothing_runs_without_batch_norm() -> None:
    def batches():
        raise AssertionError("a pass")
        yield

    recalibrate(nn.Sequential(nn.Linear(2, 2), nn.InstanceNorm1d(2)), batches())
