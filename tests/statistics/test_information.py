"""Decodability of the input and rank of the correlation: known values of made-up layers."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from gpproxy.recording.layer import Layer
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.statistics.cut import Sizes, as_map
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS
from gpproxy.statistics.terminals import information
from tests.statistics.tiny import images, look_at, seeded_

SIZES = Sizes()


def layer_of(activation: Tensor, inputs: Tensor):
    """What a statistic sees of a look at one layer with this output."""
    layer = Layer("layer", "linear", True, activation)
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


@pytest.mark.parametrize("image", [(1, 1), (6, 10), (16, 16), (1, 24)])
@pytest.mark.parametrize("side", [(1, 1), (3, 5), (8, 8), (16, 24), (32, 32)])
@pytest.mark.parametrize("most", [4, 8])
def test_patches_at_positions_are_those_of_the_averaged_image(image, side, most):
    """To the last bit, where pixels are averaged and where they are taken as they are."""
    inputs = noise(3, 2, *image)
    cells = [max(1, min(most, s // t)) for s, t in zip(image, side)]
    fine = nn.functional.adaptive_avg_pool2d(inputs, (side[0] * cells[0], side[1] * cells[1]))
    whole = fine.reshape(3, 2, side[0], cells[0], side[1], cells[1]).permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
    samples, positions = torch.tensor([0, 2, 2]), torch.tensor([0, side[0] * side[1] - 1, side[0] * side[1] // 2])
    assert torch.equal(information._Patches(inputs, side, most).at(samples, positions), whole[samples, positions])


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


# --- what flows into a layer, and the code


class Coder(nn.Module):
    """A narrow layer in the middle, and one that is named as the entrance of the code."""

    def __init__(self, bottleneck: str = "") -> None:
        super().__init__()
        self.wide, self.narrow, self.entrance, self.out = (
            nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 2, 4, 4), nn.Conv2d(2, 4, 1), nn.ConvTranspose2d(4, 3, 4, 4)
        )  # fmt: skip
        if bottleneck:
            self.bottleneck = bottleneck

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.entrance(self.narrow(self.wide(x)).relu()))


def inflows(network: nn.Module, inputs: Tensor) -> dict[str, list[float]]:
    passes = look_at(network, inputs)
    names = ("inflow_decodability", "inflow_entropy")
    return {name: [float(v) for v in STATISTICS[name].function(passes, SIZES)] for name in names}


def test_a_layer_that_the_input_flows_into_decodes_it():
    found = inflows(nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1)), images(48))
    assert found["inflow_decodability"][0] > 0.99


def test_a_layer_behind_a_constant_decodes_nothing():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 3, 1))
    nn.init.zeros_(network[0].weight)
    found = inflows(network, images(48))
    assert abs(found["inflow_decodability"][1]) < 0.1 and found["inflow_entropy"][1] == pytest.approx(0, abs=1e-9)


def test_a_layer_reads_only_what_flows_into_it():
    """Less of the image flows through one channel than through three, whatever comes out again."""
    network = seeded_(nn.Sequential(nn.Conv2d(3, 1, 1), nn.Conv2d(1, 16, 1), nn.Conv2d(16, 3, 1)))
    first, second, third = inflows(network, images(48))["inflow_decodability"]
    assert first > 0.99 and 0.1 < second < 0.5 and third == pytest.approx(second, abs=0.05)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_inflow_entropy_of_independent_channels_is_the_logarithm_of_their_number(count):
    network = nn.Sequential(nn.Conv2d(count, 3, 1))
    found = inflows(network, noise(96, count, 8, 8))["inflow_entropy"][0]
    assert math.log(count) - 0.1 < found <= math.log(count) + 1e-9


def test_inflow_entropy_of_copies_is_zero():
    copies = noise(48, 1, 4, 4) * torch.tensor([1.0, -2.0, 0.5])[None, :, None, None]
    assert inflows(nn.Sequential(nn.Conv2d(3, 2, 1)), copies)["inflow_entropy"][0] == pytest.approx(0, abs=1e-6)


def test_decoding_equals_ridge_regression_in_the_channel_space():
    """The textbook formula on the same rows: standardised features, centred targets, the best penalty."""
    features, targets = noise(60, 9, 1, 1), noise(60, 4, 1, 1, seed=2)
    targets = targets + features[:, :4] ** 2 + features[:, 2:6]
    found, entropy = information._decode(features, information._Patches(targets, (1, 1), 8))
    x, y = features.flatten(1).double(), targets.flatten(1).double()
    fit, test = slice(20, None), slice(0, 20)
    mean, deviation, centre = x[fit].mean(0), x[fit].std(0, correction=0), y[fit].mean(0)
    z = (x - mean) / deviation
    scores = []
    for penalty in (1, 10, 100, 1000):
        weight = torch.linalg.solve(z[fit].T @ z[fit] + penalty * torch.eye(9), z[fit].T @ (y[fit] - centre))
        errors = y[test] - centre - z[test] @ weight
        scores.append(float(1 - errors.square().sum() / (y[test] - centre).square().sum()))
    assert float(found) == pytest.approx(max(scores), abs=1e-7)
    shares = torch.linalg.svdvals(z[fit]) ** 2
    shares = shares / shares.sum()
    assert float(entropy) == pytest.approx(float(-(shares * shares.log()).sum()), abs=1e-7)


@pytest.mark.parametrize("bottleneck, place", [("", 2), ("narrow", 1), ("entrance", 2), ("no layer", 2)])
def test_the_code_is_the_named_or_the_narrowest_inflow(bottleneck, place):
    passes = look_at(seeded_(Coder(bottleneck)), images(48))
    for quantity in ("decodability", "entropy"):
        code, inflow = (STATISTICS[f"{kind}_{quantity}"].function(passes, SIZES) for kind in ("code", "inflow"))
        assert float(code) == float(inflow[place])


def test_every_inflow_is_decoded_once(monkeypatch):
    calls = []
    decode = information._decode
    monkeypatch.setattr(information, "_decode", lambda *given: calls.append(1) or decode(*given))
    passes = look_at(seeded_(Coder()), images(48))
    for name in ("inflow_entropy", "code_decodability", "inflow_decodability", "code_entropy"):
        STATISTICS[name].function(passes, SIZES)
    assert len(calls) == 4


@pytest.mark.parametrize("code", ["64-41414-1_02_333", "64-1234-basic"])
def test_transnas_networks_name_their_code(code):
    """The input of the decoder's first layer, with the smallest map of the network."""
    space = SEARCH_SPACES["transnas-micro" if "_" in code else "transnas-macro"]()
    network = space.build(space.decode(code), torch.Generator().manual_seed(0))
    batch = space.batch(2, torch.Generator().manual_seed(0))
    passes = Passes(network, batch, space.loss, torch.Generator(), backward=False)
    coder = information._coder(passes)
    assert coder.name == network.bottleneck
    assert coder.inflow.shape[2] == min(as_map(layer.inflow).shape[2] for layer in passes.wide.layers)
