"""Descriptors are those of the recorded layers, whatever the network is made of."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.describe import describe


class Pointwise(nn.Module):
    """Two layers on the channels of an image, in one of three layouts."""

    def __init__(self, way: str):
        super().__init__()
        self.way, self.first, self.last = way, nn.Parameter(torch.ones(8, 3)), nn.Parameter(torch.ones(3, 8))

    def forward(self, x: Tensor) -> Tensor:
        if self.way == "convolution":
            return F.conv2d(F.relu(F.conv2d(x, self.first[:, :, None, None])), self.last[:, :, None, None])
        h = x.permute(0, 2, 3, 1)
        h = h.flatten(1, 2) if self.way == "tokens" else h
        h = F.linear(F.relu(F.linear(h, self.first)), self.last)
        return h.reshape(len(x), *x.shape[2:], 3).permute(0, 3, 1, 2)


@pytest.mark.parametrize("way", ["convolution", "channels last", "tokens"])
def test_the_layout_makes_no_difference(way: str):
    with torch.device("meta"):
        found = describe(Pointwise(way), Batch(torch.empty(2, 3, 16, 16)))
    assert found["params"] == 48 and found["macs"] == 48 * 256 and found["depth"] == 2
    assert found["max_channels"] == 8 and found["min_resolution"] == 16 and found["mean_log_resolution"] == 4
    assert found["log_activations"] == pytest.approx(torch.log(torch.tensor(8.0 * 256)).item())
