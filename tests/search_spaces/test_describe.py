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


class Busy(nn.Module):
    """Norms and activations of all kinds, as modules and functions, in place and not, beside a branch that reads the
    value before the activation."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.slope = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.PReLU(8)
        self.last, self.group = nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.GroupNorm(2, 8)
        self.tokens = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.first(x))
        h = self.slope(h) + F.leaky_relu(h, 0.1) * F.instance_norm(h).sigmoid()
        h = F.relu(self.group(h), inplace=True)
        tokens = F.layer_norm(h.flatten(2).transpose(1, 2), (8,))
        h = h + F.gelu(self.tokens(tokens)).transpose(1, 2).unflatten(2, tuple(h.shape[2:]))
        return torch.tanh(self.last(F.elu_(h)))


def test_shapes_alone_give_what_a_pass_with_numbers_gives():
    batch = Batch(torch.randn(2, 3, 8, 8))
    found = describe(Busy().to("meta"), batch.to("meta"))
    assert found == describe(Busy(), batch)
    assert found["depth"] == 3 and found["log_activations"] == pytest.approx(torch.tensor(8.0 * 64 * 5).log().item())
