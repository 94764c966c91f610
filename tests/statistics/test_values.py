"""How much memory typed values take."""

from __future__ import annotations

import torch

from gpproxy.statistics.values import LayerBlocks, LayerScalars


def test_bytes() -> None:
    blocks = LayerBlocks((torch.tensor([0]), torch.tensor([4])), (torch.zeros(1, 2, 3), torch.zeros(1, 2, 4)))
    assert blocks.bytes == 4 * (6 + 8)
    assert LayerScalars(torch.zeros(2, 3, dtype=torch.float64), torch.ones(2, 3, dtype=torch.bool)).bytes == 48
