"""GAN Compression: published parameter numbers and MACs, sets, code forms, losses, statistics."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.primitives.types import LAYER_TYPES
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.compression_macs import compression_macs
from gpproxy.search_spaces.gancompression import CycleGANCompression, Pix2PixCompression
from gpproxy.search_spaces.gancompression_spade import SpadeCompression
from gpproxy.search_spaces.mobile_resnet import Block, MobileResnet
from gpproxy.search_spaces.patchgan import hinge, least_squares, patch_scores
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one, look_at

NAMES = [name for name in SEARCH_SPACES if name.startswith("gancompression-")]


def parameters(module):
    return sum(p.numel() for p in module.parameters())


# Published with three digits: parameters in millions, MACs in billions.
PUBLISHED = [
    (CycleGANCompression, "24_24_24_32_20_16", 0.342, 2.67),
    (CycleGANCompression, "16_16_32_16_32_32_16_16", 0.357, 2.55),
    (CycleGANCompression, "16_16_24_16_32_64_16_24", 0.355, 2.64),
    (Pix2PixCompression, "legacy_32_32_40_48_16_32", 0.700, 4.81),
    (Pix2PixCompression, "32_32_48_32_48_48_16_16", 0.822, 4.99),
    (Pix2PixCompression, "24_24_40_56_24_56_16_40", 0.703, 4.86),
    (Pix2PixCompression, "48_32_40_40_24_32", 0.707, 5.66),
    (Pix2PixCompression, "32_32_48_32_32_48_24_24", 0.781, 5.59),
    (Pix2PixCompression, "16_24_48_56_40_48_24_16", 0.886, 5.45),
    (Pix2PixCompression, "32_32_48_32_48_32_16_16", 0.746, 4.68),
    (Pix2PixCompression, "16_16_40_40_40_64_24_16", 0.720, 4.57),
    (Pix2PixCompression, "64_64_64_64_64_64_64_64", 1.987, 18.37),
    (Pix2PixCompression, "48_48_48_48_48_48_48_48", 1.131, 10.60),
    (Pix2PixCompression, "32_32_32_32_32_32_32_32", 0.514, 4.96),
]


@pytest.mark.parametrize(("space", "code", "params", "macs"), PUBLISHED)
def test_mobile_resnets_have_the_published_size(space, code, params, macs):
    space = space()
    architecture = space.decode(code)
    assert round(parameters(space.build(architecture, None)) / 1e6, 3) == params
    assert round(space.macs(architecture) / 1e9, 2) == macs


def test_the_exact_published_count():
    assert Pix2PixCompression().macs((32, 32, 48, 32, 48, 48, 16, 16)) == 4_993_843_200


def test_the_original_generator_has_the_published_size():
    with torch.device("meta"):
        network = MobileResnet(64, 128, 256, [256] * 9, 128, 64, mobile=False)
    assert parameters(network) == 11_378_179
    assert round(compression_macs(network, torch.empty(1, 3, 256, 256, device="meta")) / 1e9, 3) == 56.832


@pytest.mark.parametrize(
    ("data", "code", "params", "macs"),
    [
        ("cityscapes", "32_32_48_32_32_32_32_24", 20.4, 31.7),
        ("cityscapes", "32_40_40_32_40_24_32_24", 21.0, 31.2),
        ("cityscapes", "32_32_32_48_32_24_24_32", 20.2, 31.3),
        ("coco", "40_32_32_40_32_40_24_24", 26.0, 35.5),
    ],
)
def test_gaugans_have_the_published_size(data, code, params, macs):
    space = SpadeCompression(data=data)
    architecture = space.decode(code)
    assert round(parameters(space.build(architecture, None)) / 1e6, 1) == params
    assert round(space.macs(architecture) / 1e9, 1) == macs


@pytest.mark.parametrize("code", ["16_24_48_56_40_48_24_16", "legacy_32_32_40_48_16_32"])
@pytest.mark.parametrize("norms", [True, False])
def test_the_closed_form_counts_what_the_network_does(code, norms):
    space = Pix2PixCompression()
    architecture = space.decode(code)
    counted = compression_macs(space.build(architecture, None), torch.empty(1, 3, 256, 256, device="meta"), norms)
    assert space.macs(architecture, norms) == counted


def test_the_rule_on_single_layers():
    inputs = torch.empty(2, 4, 8, 8, device="meta")
    with torch.device("meta"):
        assert compression_macs(nn.Conv2d(4, 6, 3, padding=1, groups=2), inputs) == 9 * 2 * 6 * 64
        assert compression_macs(nn.ConvTranspose2d(4, 6, 3, 2, 1, 1), inputs) == 9 * 4 * 6 * 256
        assert compression_macs(nn.InstanceNorm2d(4), inputs) == 4 * 64
        assert compression_macs(nn.InstanceNorm2d(4), inputs, norms=False) == 0


@pytest.mark.parametrize(
    ("space", "channels", "count"),
    [
        (CycleGANCompression, "channels-48", 5_184),
        (CycleGANCompression, "channels-32", 6_561),
        (CycleGANCompression, "channels-64-cycleGAN", 390_625),
        (Pix2PixCompression, "channels-64-pix2pix", 5_764_801),
        (SpadeCompression, "channels-48", 15_552),
        (SpadeCompression, "channels-64", 128_000),
        (SpadeCompression, "channels-64_2", 5_764_801),
    ],
)
def test_sets_have_the_published_size(space, channels, count):
    space = space(channels=channels)
    assert space.count() == count
    if count < 7_000:
        assert len(set(space.enumerate())) == count
    first = next(space.enumerate())
    assert space.decode(space.encode(first)) == first


def test_six_numbers_have_two_meanings():
    space = Pix2PixCompression()
    everywhere, some = space.decode("32_32_40_48_16_32"), space.decode("legacy_32_32_40_48_16_32")
    assert space.encode(everywhere) == "32_32_40_48_48_48_16_32"
    assert space.encode(some) == "legacy_32_32_40_48_16_32"

    def hidden(architecture):
        network = space.build(architecture, None)
        return [m.body[1].num_features // 4 for m in network.modules() if isinstance(m, Block)]

    assert hidden(everywhere) == [48] * 9
    assert hidden(some) == [48, 40, 40] * 3
    assert hidden((32, 32, 40, 16, 24, 48, 16, 32)) == [16] * 3 + [24] * 3 + [48] * 3
    # Equal c2 and c3 make the two meanings one function, so they are one architecture.
    assert space.decode("legacy_32_32_40_40_16_32") == space.decode("32_32_40_40_16_32")


def test_published_codes_from_outside_the_set_are_read_and_searched_from():
    cyclegan, pix2pix = CycleGANCompression(), Pix2PixCompression(channels="channels-48")
    published = cyclegan.decode("24_24_24_32_20_16")
    assert published == (24, 24, 24, 32, 32, 32, 20, 16) == cyclegan.decode(cyclegan.encode(published))
    with pytest.raises(SpaceError, match="c6 .* one of 64, 48, 32, 24, 16, not 20"):
        cyclegan.decode("24_24_24_32_32_32_20_24")
    rng = random.Random(0)
    for space, parent in ((cyclegan, published), (pix2pix, pix2pix.decode("legacy_32_32_40_48_16_32"))):
        for _ in range(20):
            for child in (space.mutate(parent, rng), space.cross(parent, space.sample(rng), rng)):
                assert all(number in values for number, values in zip(child, space.choices, strict=True))


@pytest.mark.parametrize("code", ["32_32_40", "legacy_32_32_40_48_48_48_16_32", "32_32_40_48_48_48_16_0", "٣٢_" * 7])
def test_broken_codes_are_refused(code):
    with pytest.raises(SpaceError, match="channel numbers joined by '_'"):
        Pix2PixCompression().decode(code)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="Did you mean 'channels-64-cycleGAN'"):
        CycleGANCompression(channels="channels-64-cyclegan")
    with pytest.raises(ConfigError, match="multiple of 4"):
        Pix2PixCompression(resolution=66)
    with pytest.raises(ConfigError, match="from 64 on"):
        SpadeCompression(resolution=32)
    with pytest.raises(ConfigError, match="cityscapes, coco"):
        SpadeCompression(data="ade")


def test_output_has_the_size_of_the_input():
    network = CycleGANCompression().build((16,) * 8, torch.Generator().manual_seed(0))
    inputs = 3 * torch.randn(2, 3, 32, 40, generator=torch.Generator().manual_seed(1))
    outputs = network(inputs)
    assert outputs.shape == inputs.shape and outputs.abs().max() < 1
    assert torch.equal(outputs, network(inputs.clamp(-1, 1)))
    assert not any(isinstance(m, nn.InstanceNorm2d) and m.affine for m in network.modules())
    assert all(m.bias is not None for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)))


def test_label_maps_are_one_hot_with_edges():
    space = SpadeCompression()
    labels = space.batch(3, torch.Generator().manual_seed(0)).visible
    assert labels.shape == (3, 36, 64, 64)
    assert torch.equal(labels[:, :-1].sum(1), torch.ones(3, 64, 64))
    edges = labels[:, -1]
    assert set(edges.unique().tolist()) == {0.0, 1.0}
    classes = labels[:, :-1].argmax(1)
    inner = (classes[:, 1:, 1:] == classes[:, :-1, 1:]) & (classes[:, 1:, 1:] == classes[:, 1:, :-1])
    assert torch.equal(edges[:, 1:, 1:] == 0, inner)
    assert 0.05 < edges.mean() < 0.5


def test_spade_layers_start_spectrally_normalised():
    network = SpadeCompression().build((32,) * 8, torch.Generator().manual_seed(0))
    block = network.blocks[3]
    for layer in (block.first, block.second, block.shortcut):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.15)
    assert network.blocks[0].shortcut is None


def test_the_patchgan_is_a_fixed_pure_function():
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0), requires_grad=True)
    before = torch.get_rng_state()
    scores = patch_scores(images)
    assert scores.shape == (4, 1, 2, 2)
    assert torch.equal(scores, patch_scores(images)) and torch.equal(before, torch.get_rng_state())
    assert torch.equal(least_squares(images), (scores - 1).square().mean())
    assert torch.equal(hinge(images), -scores.mean())
    (gradient,) = torch.autograd.grad(least_squares(images), images)
    assert gradient.abs().max() > 0
    assert patch_scores(images.detach().double()).dtype == torch.float64
    assert torch.allclose(patch_scores(images[:1]), scores[:1], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_statistics_can_be_collected(name):
    space = SEARCH_SPACES[name](**({} if "spade" in name else {"resolution": 32}))
    how = Collection(samples=2 if "spade" in name else 4, proxies=("snip", "nwot"))
    least = tuple(map(min, space.choices))  # label maps make the largest networks: the smallest of them will do
    for architecture in [least] if "spade" in name else [space.sample(random.Random(seed)) for seed in range(2)]:
        record = collect_one(space, space.encode(architecture), how)
        assert not record.dead
        assert record.columns["macs"] == space.macs(architecture)
        assert all("noise levels" in why for why in record.absent.values())
        for statistic in (one for one in how.chosen() if one.name not in record.absent):
            value = record.values[statistic.name]
            tensors = [v for v in value if v is not None] if statistic.type in LAYER_TYPES else [value]
            assert tensors and all(torch.isfinite(v).all() for v in tensors), statistic.name


def test_layer_numbers_of_separable_convolutions():
    space = CycleGANCompression(resolution=32)
    how = Collection(samples=2, proxies=())
    record = collect_one(space, "16_16_24_32_16_64_16_16", how)
    layers = look_at(space, record.architecture, how).noise.layers
    assert len(layers) == 42
    rows = {name: [float(v) for v in record.values[name]] for name in ("fan_in", "params", "macs", "channels")}
    # Layers 3, 4 are the first separable convolution: 96 channels depthwise, then 96 to 128, on an 8 x 8 grid.
    assert layers[3].fan_in == 9 and layers[3].preactivation is not None
    assert [rows[n][3] for n in rows] == [9, 96 * 10, 96 * 9 * 64, 96]
    assert [rows[n][4] for n in rows] == [96, 128 * 97, 96 * 128 * 64, 128]
