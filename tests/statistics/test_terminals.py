"""Every registered statistic: its shape by nominal type, finite, honest about gradients; and what single ones mean."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gpproxy.errors import StatisticsError
from gpproxy.primitives import PRIMITIVES
from gpproxy.primitives.types import (
    AXES,
    LAYER_TYPES,
    TYPES,
    ChannelVector,
    FeatureMap,
    LayerScalar,
    NetworkKernel,
    SampleKernel,
    Weight,
)
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.describe import macs
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS
from tests.statistics.tiny import LEVELLED, images, look_at, mlp, seeded_, squared, with_norms, without_norms
from tests.statistics.tiny_tables import UNCUT, tiny  # noqa: F401  registers the tiny space

SIZES = Sizes(samples=3, channels=4, positions=2, fan_in=10)
NETWORKS = {"norms": (with_norms, (3, 8, 8)), "plain": (without_norms, (3, 8, 8)), "mlp": (mlp, (5,))}


class Twice(nn.Module):
    """Calls one convolution twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 3, 3, 1, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.conv(torch.relu(self.conv(x))))


def twice() -> nn.Module:
    return seeded_(Twice())


def still() -> nn.Module:
    """No gradient anywhere: the rectifier at the end is closed."""
    network = seeded_(nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), nn.ReLU(), nn.Conv2d(4, 3, 1), nn.ReLU()))
    network[2].bias.data.fill_(-1e3)
    return network


def passes(name: str, backward: bool = True) -> Passes:
    make, shape = NETWORKS[name]
    return look_at(make(), images(6, shape=shape), backward)


def value(name: str, network: nn.Module, inputs: Tensor | None = None, sizes: Sizes = UNCUT):
    return STATISTICS[name].function(look_at(network, inputs), sizes)


def test_the_statistics_of_the_design_are_there():
    assert len(STATISTICS) >= 30
    for name, statistic in STATISTICS.items():
        assert statistic.name == name and statistic.type in TYPES
        assert statistic.source and statistic.summary.endswith("."), name


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", [name for name in STATISTICS if name not in LEVELLED])
def test_shape_dtype_and_finiteness(name, network):
    seen, statistic = passes(network), STATISTICS[name]
    found = statistic.function(seen, SIZES)
    if statistic.type not in LAYER_TYPES:
        assert isinstance(found, Tensor) and found.ndim == AXES[statistic.type]
        found = [found]
    else:
        assert isinstance(found, list) and len(found) == len(seen.noise.layers)
    assert any(v is not None for v in found)
    for layer, v in zip(seen.noise.layers, found):
        if v is None:
            continue
        assert v.ndim == AXES[statistic.type] and v.dtype in (torch.float32, torch.float64)
        assert torch.isfinite(v).all()
        channels = min(layer.activation.shape[1], SIZES.channels)
        if statistic.type is FeatureMap:
            assert len(v) == SIZES.samples and max(v.shape[2:]) <= SIZES.positions
            assert v.shape[1] == channels or name in ("input", "preactivation")  # of what comes in
        elif statistic.type is Weight:
            assert v.shape[0] == channels and v.shape[1] <= SIZES.fan_in
        elif statistic.type is ChannelVector:
            assert v.shape == (channels,)
        elif statistic.type is SampleKernel:
            assert v.shape == (6, 6)
        elif statistic.type is LayerScalar:
            assert v.dtype == torch.float64
        if statistic.type in (SampleKernel, NetworkKernel):
            torch.testing.assert_close(v, v.mT)


@pytest.mark.parametrize(
    "make", [twice, still, lambda: seeded_(nn.Conv2d(3, 3, 1)), lambda: seeded_(with_norms(), scale=0.0)]
)
@pytest.mark.parametrize("name", [name for name in STATISTICS if name not in LEVELLED])
def test_finite_on_odd_networks(name, make):
    """A module called twice, no gradients, a single layer, zero weights."""
    try:
        found = value(name, make(), sizes=SIZES)
    except AbsentPass as error:
        assert name in ("preactivation", "agreement") and "has no rectifier (ReLU and kin) right before" in str(error)
        return
    for v in found if isinstance(found, list) else [found]:
        assert v is None or torch.isfinite(v).all()


@pytest.mark.parametrize("name", [name for name in STATISTICS if name not in LEVELLED])
def test_declares_whether_it_needs_gradients(name, monkeypatch):
    """Without any backward pass a statistic that declares none works, and one that declares one does not."""

    def refuse(*args, **kwargs):
        raise RuntimeError("a backward pass")

    seen = passes("norms", backward=False)
    monkeypatch.setattr(torch.autograd, "grad", refuse)
    if STATISTICS[name].backward:
        with pytest.raises((RuntimeError, StatisticsError, AbsentPass, AttributeError, KeyError, TypeError)):
            STATISTICS[name].function(seen, SIZES)
    else:
        STATISTICS[name].function(seen, SIZES)


@pytest.mark.parametrize("name", STATISTICS)
def test_forward_only_values_do_not_depend_on_the_backward_pass(name):
    if STATISTICS[name].backward or name in LEVELLED:
        pytest.skip("needs gradients or noise levels")
    one, other = (STATISTICS[name].function(passes("norms", backward), SIZES) for backward in (True, False))
    for a, b in zip(*(v if isinstance(v, list) else [v] for v in (one, other))):
        assert (a is None) == (b is None) and (a is None or torch.equal(a.detach(), b.detach()))


@pytest.mark.parametrize("name", [name for name in STATISTICS if name not in LEVELLED])
def test_values_repeat_and_do_not_depend_on_what_ran_before(name):
    fresh, used = passes("norms"), passes("norms")
    for other in reversed([name for name in STATISTICS if name not in LEVELLED]):
        STATISTICS[other].function(used, SIZES)
    one, two = (STATISTICS[name].function(seen, SIZES) for seen in (fresh, used))
    for a, b in zip(*(v if isinstance(v, list) else [v] for v in (one, two))):
        assert (a is None) == (b is None) and (a is None or torch.equal(a.detach(), b.detach()))


@pytest.mark.parametrize("name", [n for n, s in STATISTICS.items() if s.type in (FeatureMap, Weight, ChannelVector)])
def test_large_sizes_cut_nothing(name):
    seen = passes("norms")
    attributes = {"activation": "activation", "gradient": "gradient", "preactivation": "preactivation"}
    found = STATISTICS[name].function(seen, UNCUT)
    for layer, v in zip(seen.noise.layers, found):
        if name in attributes and v is not None:
            assert torch.equal(v, getattr(layer, attributes[name]))
        elif STATISTICS[name].type is Weight:
            assert v.numel() == layer.weight.numel()
        elif STATISTICS[name].type is ChannelVector:
            assert len(v) == layer.activation.shape[1]


def test_a_module_called_twice_has_one_weight():
    for name in ("weight", "weight_gradient", "ones_gradient", "params", "layer_weight_norm", "layer_snip"):
        found = value(name, twice())
        assert [v is None for v in found] == [False, True, False], name
    assert all(v is not None for v in value("macs", twice()))


@pytest.mark.parametrize(
    "make, shape", [(with_norms, (3, 8, 8)), (without_norms, (3, 8, 8)), (twice, (3, 8, 8)), (mlp, (5,))]
)
def test_macs_sum_to_the_flop_counter(make, shape):
    network = make()
    layers = float(sum(value("macs", network, images(4, shape=shape))))
    assert layers == float(value("total_macs", network, images(4, shape=shape)))
    assert layers == macs(network.to("meta"), Batch(torch.empty(2, *shape, device="meta")))


@pytest.mark.parametrize("name", ["transnas-macro", "transnas-micro", "tiny"])
def test_macs_and_params_of_a_space_are_those_of_its_networks(name):
    space = SEARCH_SPACES[name]()
    code = {"transnas-macro": "64-1234-basic", "transnas-micro": "64-41414-1_02_333", "tiny": "norms-4"}[name]
    network = space.build(space.decode(code), torch.Generator().manual_seed(0))
    batch = space.batch(2, torch.Generator().manual_seed(0))
    seen = Passes(network, batch, space.loss, torch.Generator(), backward=False)
    total = float(STATISTICS["total_params"].function(seen, SIZES))
    norms = [p for m in network.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()]
    assert total == sum(p.numel() for p in network.parameters())
    assert float(sum(STATISTICS["params"].function(seen, SIZES))) == total - sum(p.numel() for p in norms)
    counted = macs(network.to("meta"), batch.to("meta"))
    assert float(STATISTICS["total_macs"].function(seen, SIZES)) == counted


def test_macs_of_a_transposed_convolution_are_counted_at_its_input():
    """1 x 1 to 4 x 4 pixels with stride 1, as the first layer of many generators."""
    network = seeded_(nn.Sequential(nn.ConvTranspose2d(5, 4, 4), nn.ReLU(), nn.Conv2d(4, 3, 3, 1, 1)))
    found = float(value("total_macs", network, images(4, shape=(5, 1, 1))))
    assert found == macs(network.to("meta"), Batch(torch.empty(2, 5, 1, 1, device="meta")))


def test_params_of_layers_are_those_of_the_network_without_norms():
    network = without_norms()
    assert float(sum(value("params", network))) == sum(p.numel() for p in network.parameters())
    assert [int(v) for v in value("fan_in", network)] == [27, 16, 36]
    assert [int(v) for v in value("channels", network)] == [4, 4, 3]
    assert [int(v) for v in value("resolution", network)] == [4, 8, 8]
    assert [float(v) for v in value("depth", network)] == [0.0, 0.5, 1.0]


def test_agreement_counts_equal_bits():
    seen = passes("norms")
    for layer, kernel in zip(seen.noise.layers, STATISTICS["agreement"].function(seen, SIZES)):
        if layer.preactivation is None:
            assert kernel is None
            continue
        on = (layer.preactivation > 0).flatten(1)
        assert kernel.tolist() == [[float((a == b).sum()) for b in on] for a in on]


SMOOTH = (nn.SiLU, nn.GELU, nn.ELU, nn.SELU, nn.CELU, nn.Mish, nn.Hardswish, nn.Softplus)


def activated(*acts: nn.Module) -> nn.Module:
    return seeded_(nn.Sequential(*(m for act in acts for m in (nn.Conv2d(3, 3, 3, 1, 1), act)), nn.Conv2d(3, 3, 1)))


@pytest.mark.parametrize("act", SMOOTH)
def test_smooth_activations_have_no_linear_regions(act):
    with pytest.raises(AbsentPass, match=r"no linear regions.*are smooth \(\w+\).*covariance_samples\(preactivation\)"):
        value("agreement", activated(act()))
    assert any(v is not None for v in value("preactivation", activated(act())))
    alone, first, second = (
        value("agreement", activated(nn.ReLU(), act(), nn.ReLU())),
        *(value("agreement", activated(a, b, c)) for a, b, c in ((act(), act(), nn.ReLU()), (nn.ReLU(), act(), act()))),
    )
    assert [kernel is not None for kernel in alone] == [False, True, False, True]
    assert [kernel is not None for kernel in first] == [False, False, False, True]
    assert [kernel is not None for kernel in second] == [False, True, False, False]


@pytest.mark.parametrize("act", [nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ReLU])
def test_activations_of_straight_pieces_have_linear_regions(act):
    assert [kernel is not None for kernel in value("agreement", activated(act(), act()))] == [False, True, True]


@pytest.mark.parametrize("name", ["covariance_samples", "cosine_samples"])
def test_kernels_that_need_no_linear_regions(name):
    primitive = PRIMITIVES[name]
    for map_ in value("preactivation", activated(nn.SiLU(), nn.GELU())):
        if map_ is not None:
            rows = map_.flatten(1).double()
            rows = rows - rows.mean(1, keepdim=True) if name == "covariance_samples" else rows
            kernel = rows @ rows.T / rows.shape[1]
            if name == "cosine_samples":
                kernel = kernel / kernel.diagonal().outer(kernel.diagonal()).sqrt()
            torch.testing.assert_close(primitive.function(map_[None])[0].double(), kernel, rtol=1e-4, atol=1e-6)


def test_what_reads_linear_regions_says_so():
    every = [*STATISTICS.values(), *PROXIES.values()]
    assert {one.name for one in every if one.linear_regions} == {"agreement", "nwot", "swap", "autogas_proxy5"}
    assert all(bool(one.remark) == one.linear_regions for one in every)


@pytest.mark.parametrize("name", ["nwot", "swap", "autogas_proxy5"])
def test_classical_proxies_count_signs_of_smooth_activations(name):
    smooth, straight = activated(nn.SiLU()), activated(nn.ReLU())  # the signs before one activation are the same
    assert PROXIES[name](look_at(smooth)) == PROXIES[name](look_at(straight))


def test_channel_moments_are_those_of_full_maps():
    seen = passes("norms")
    for quantity, prefix in (("activation", ""), ("gradient", "gradient_")):
        mean, std = (STATISTICS[f"{prefix}channel_{m}"].function(seen, UNCUT) for m in ("mean", "std"))
        for layer, m, s in zip(seen.noise.layers, mean, std):
            rows = getattr(layer, quantity).movedim(1, 0).flatten(1).double()
            torch.testing.assert_close(m.double(), rows.mean(1), rtol=1e-4, atol=1e-7)
            torch.testing.assert_close(s.double(), rows.std(1, correction=0), rtol=1e-4, atol=1e-8)


def test_network_scalars_of_the_noise_pass():
    network, inputs = without_norms(), images()
    output = network(inputs)
    assert float(value("initial_loss", network)) == pytest.approx(float(squared(output, inputs).detach()))
    spread = output.detach().double().std(0, correction=0).mean()
    assert float(value("output_spread", network)) == pytest.approx(float(spread), rel=1e-5)
    centred = (output - output.mean(0)).detach().flatten(1).double()
    torch.testing.assert_close(value("output_gram", network), centred @ centred.T, rtol=1e-4, atol=1e-6)


def test_jacobian_gram_of_a_linear_network():
    """For y = W x the products are W d, whatever the input."""
    network = seeded_(nn.Sequential(nn.Flatten(), nn.Linear(5, 7, bias=False)))
    seen = look_at(network, images(6, shape=(5,)))
    tangents = seen._directions @ network[1].weight.detach().T
    expected = torch.einsum("isd,jsd->ij", tangents, tangents).double() / tangents.shape[1]
    torch.testing.assert_close(STATISTICS["jacobian_gram"].function(seen, SIZES), expected, rtol=1e-4, atol=1e-5)


def test_the_perturbed_map_is_near_the_plain_one():
    seen = passes("plain")
    for a, b in zip(*(STATISTICS[name].function(seen, UNCUT) for name in ("activation", "perturbed"))):
        assert a.shape == b.shape and 0 < float((a - b).norm() / a.norm()) < 0.5


def test_input_is_pooled_to_the_grid_of_the_layer():
    network, inputs = without_norms(), images()
    for layer, v in zip(look_at(network).noise.layers, value("input", network)):
        side = layer.activation.shape[2]
        step = 8 // side
        expected = inputs.unflatten(2, (side, step)).unflatten(4, (side, step)).mean((3, 5))
        torch.testing.assert_close(v, expected)
