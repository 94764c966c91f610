"""Generators at the edges of what is built: one pixel, one channel, one input, very many layers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from gpproxy.search_spaces import SEARCH_SPACES, ChoiceSpace
from gpproxy.statistics.collect import collect, recorded
from gpproxy.statistics.collection import Collection


class Deep(nn.Module):
    """200 layers, each added to what it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 64), nn.Conv2d(4, 3, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(198))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.first(z).view(-1, 4, 4, 4)
        for layer in self.layers:
            x = x + 0.1 * layer(x).relu()
        return self.last(x).tanh()


def build(kind: str) -> nn.Module:
    if kind == "deep":
        return Deep()
    channels, side = (1, 4) if kind == "grey" else (3, 1)
    start = [nn.Linear(8, 4 * side * side), nn.ReLU(), nn.Unflatten(1, (4, side, side))]
    return nn.Sequential(*start, nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, channels, 3, padding=1))


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> ChoiceSpace:
    monkeypatch.setattr(SEARCH_SPACES, "_items", dict(SEARCH_SPACES.registered()))
    return ChoiceSpace({"kind": ("deep", "grey", "pixel")}, build, inputs=8, name="edges")


@pytest.mark.parametrize("samples", [1, 6])
def test_every_statistic_has_a_value_or_a_reason(space: ChoiceSpace, samples: int, tmp_path: Path) -> None:
    how = Collection(samples=samples, proxy_samples=samples, proxies=("nwot", "snip", "synflow", "ntk", "zen"))
    table, failed = collect(space, ["deep", "grey", "pixel"], how, cache_folder=tmp_path)
    assert not failed and not table.dead and table.depth.isfinite().sum(1).tolist() == [200, 3, 3]
    for name in how.chosen_proxies():
        alone = samples == 1 and name in ("ntk", "zen")  # they compare inputs, or vary over them
        assert all(map(math.isfinite, table.columns[name].tolist())) or alone, (name, table.columns[name])
    absent = {name for record in recorded(space, ["grey"], how, cache_folder=tmp_path) for name in record.absent}
    assert ("inflow_decodability" in absent) == (samples == 1)
