"""Decodability of the input and rank of the correlation: known values of made-up layers."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

import gpproxy.statistics  # noqa: F401  registers the statistics
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.passes import Layer
from gpproxy.statistics.statistic import STATISTICS
from tests.statistics.tiny import images, look_at

SIZES = Sizes()


def layer_of(activation: Tensor, inputs: Tensor):
    """What a statistic sees of a look at one layer with this output."""
    layer = Layer("layer", nn.Identity(), True, activation)
    return SimpleNamespace(inputs=inputs, noise=SimpleNamespace(layers=[layer]))


def number(name: str, activation: Tensor, inputs: Tensor | None = None) -> float:
    found = STATISTICS[name].function(layer_of(activation, activation if inputs is None else inputs), SIZES)
    assert len(found) == 1 and found[0].dtype == torch.float64
    return float(found[0])


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_decodability_of_a_layer_that_copies_its_input():
    inputs = images(24)
    assert number("input_decodability", inputs, inputs) > 0.99
    mixed = torch.einsum("oi,nihw->nohw", noise(5, 3), inputs) + 2
    assert number("input_decodability", mixed, inputs) > 0.99
    assert number("input_decodability", 1e6 * mixed, inputs) > 0.99  # the scale does not matter


def test_decodability_of_a_convolution_that_copies_its_input():
    network = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False))
    nn.init.dirac_(network[0].weight)
    (score,) = STATISTICS["input_decodability"].function(look_at(network, images(24)), SIZES)
    assert float(score) > 0.99


def test_decodability_of_noise_is_about_zero():
    inputs = images(24)
    assert abs(number("input_decodability", noise(24, 4, 8, 8), inputs)) < 0.1


def test_decodability_of_a_constant_is_about_zero():
    assert abs(number("input_decodability", torch.ones(24, 4, 8, 8), images(24))) < 0.1


def test_decodability_of_an_average_loses_what_is_inside_the_patch():
    """One number per patch of 2 x 2 white pixels and channel says a quarter of its variance."""
    inputs = images(48)
    pooled = nn.functional.avg_pool2d(inputs, 2)
    assert number("input_decodability", pooled, inputs) == pytest.approx(0.25, abs=0.05)


def test_decodability_falls_as_noise_grows():
    inputs = images(24)
    scores = [number("input_decodability", inputs + s * noise(*inputs.shape), inputs) for s in (0.0, 0.5, 1.0, 4.0)]
    assert scores == sorted(scores, reverse=True) and scores[2] == pytest.approx(0.5, abs=0.1)


def orthogonal_channels(count: int) -> Tensor:
    """`8 x count x 4 x 4`: channels without any correlation over the 128 rows that they have."""
    rows = noise(128, count).double()
    rows, _ = torch.linalg.qr(rows - rows.mean(0))
    return rows.reshape(8, 4, 4, count).permute(0, 3, 1, 2)


@pytest.mark.parametrize("count", [1, 2, 7, 32])
def test_correlation_rank_of_uncorrelated_channels_is_their_number(count):
    scales = 10.0 ** torch.linspace(-2, 2, count)[:, None, None]  # correlations do not see the scale
    assert number("correlation_rank", orthogonal_channels(count) * scales) == pytest.approx(count, rel=1e-3)


def test_correlation_rank_of_copies_is_one():
    copies = noise(8, 1, 4, 4) * torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0])[None, :, None, None]
    assert number("correlation_rank", copies) == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("groups", [(3, 1), (2, 2, 2), (5, 2, 1)])
def test_correlation_rank_of_groups_of_copies(groups):
    """Eigenvalues of the correlation are the sizes of the groups."""
    independent = orthogonal_channels(len(groups))
    copies = torch.cat([independent[:, i : i + 1].expand(-1, size, -1, -1) for i, size in enumerate(groups)], 1)
    shares = [size / sum(groups) for size in groups]
    expected = math.exp(-sum(p * math.log(p) for p in shares))
    assert number("correlation_rank", copies) == pytest.approx(expected, rel=1e-3)


def test_correlation_rank_of_a_constant_is_finite():
    assert 0 <= number("correlation_rank", torch.ones(8, 4, 2, 2)) <= 4


def test_correlation_rank_of_many_channels_is_cut():
    assert 32 < number("correlation_rank", noise(32, 300, 8, 8)) <= 64
