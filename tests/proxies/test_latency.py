"""Latency: what is called how often, and in which mode."""

from __future__ import annotations

import time

import torch
from torch import nn

from gpproxy.proxies.latency import LEAST, WARM_UP, latency
from gpproxy.search_spaces.batch import Batch


class Sleeper(nn.Module):
    """Takes as long as it is told, call by call; the calls of the warm-up are far slower."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert not self.training and not torch.is_grad_enabled() and len(x) == 1
        self.calls += 1
        time.sleep(0.05 if self.calls <= WARM_UP else 0.001)
        return x


def test_warm_up_does_not_count_and_the_mode_comes_back() -> None:
    network = Sleeper().train()
    found = latency(network, Batch(torch.zeros(1, 2)), calls=9, seconds=10.0)
    assert found.calls == 9 and network.calls == 9 + WARM_UP and network.training
    assert 1.0 <= found.median < 50.0 and found.spread >= 0 and found.device == "cpu"
    assert latency(Sleeper(), Batch(torch.zeros(1, 2)), seconds=0.0).calls == LEAST
