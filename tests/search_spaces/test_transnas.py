"""TransNAS-Bench-101: published counts and parameter numbers, functional classes, dead cells."""

from __future__ import annotations

import math
import random

import pytest
import torch

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import write_table
from gpproxy.errors import ConfigError, SpaceError
from gpproxy.score import ScoreSettings, score
from gpproxy.search_spaces.transnas import TransNASMacro, TransNASMicro
from gpproxy.search_spaces.transnas_network import Decoder, FactorizedReduce, MicroCell, live_edges


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("space", "code", "count"),
    [
        (TransNASMacro, "64-1234-basic", 3_400_224),
        (TransNASMacro, "64-43243-basic", 21_350_432),
        (TransNASMicro, "64-41414-3_33_333", 41_411_616),
        (TransNASMicro, "64-41414-1_02_333", 22_520_608),
        (TransNASMicro, "64-41414-0_00_000", 19_488),
    ],
)
def test_encoder_parameters_are_the_published_ones(space, code, count):
    space = space()
    assert parameters(space.build(space.decode(code), None).encoder) == count


@pytest.mark.parametrize(("channels", "count"), [(256, 20_512_563), (512, 22_871_859)])
@pytest.mark.parametrize("ups", [3, 4, 5, 6])
def test_decoder_parameters_are_the_published_ones(channels, count, ups):
    with torch.device("meta"):
        assert parameters(Decoder(channels, ups)) == count


@pytest.fixture(scope="module")
def classes():
    """Members of every functional class of the micro space."""
    micro, found = TransNASMicro(), {}
    for architecture in micro.enumerate():
        found.setdefault(micro.canonical(architecture), []).append(architecture)
    return list(found.values())


def test_counts(classes):
    assert TransNASMacro().count() == 3256
    assert TransNASMicro().count() == 4096 == sum(map(len, classes))
    assert len(classes) == 1376
    assert max(map(len, classes)) == 208


def test_dead_architectures_are_one_class(classes):
    micro = TransNASMicro()
    dead = [a for members in classes for a in members if micro.dead(a)]
    assert len(dead) == 169 and dead in classes
    assert all(not live_edges(a) for a in dead)


def test_functionally_identical_cells_have_equal_live_parameters(classes):
    """Members of a class have the same branches, so the same number of live parameters (an independent count)."""
    micro, rng = TransNASMicro(decoder_width=0.01), random.Random(0)
    for members in rng.sample([members for members in classes if len(members) > 2], 20):
        counts = {parameters(micro.build(architecture, None).encoder) for architecture in rng.sample(members, 3)}
        assert len(counts) == 1, members


def test_twin_cells_compute_the_same_function():
    """a conv then identity, directly or over node 2: equal weights give equal outputs."""
    micro = TransNASMicro()
    first, second = (2, 0, 0, 0, 1, 0), (0, 2, 0, 0, 0, 1)
    assert micro.canonical(first) == micro.canonical(second)
    x = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    cells = []
    for operations in (first, second):
        torch.manual_seed(0)
        cells.append(MicroCell(operations, 8, 8, 1)(x))
    assert torch.equal(*cells)


def test_bare_and_live_cells_compute_the_same_function():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 6, 4, 4, generator=generator)
    rng = random.Random(2)
    micro = TransNASMicro()
    for _ in range(40):
        operations = micro.sample(rng)
        bare, live = (MicroCell(operations, 6, 6, 1, live=flag) for flag in (False, True))
        for index, edge in live.edges.items():
            edge.load_state_dict(bare.edges[index].state_dict())
        assert torch.allclose(bare(x), live(x), atol=1e-6)


@pytest.mark.parametrize("code", ["64-1234-basic", "64-41414-3_33_333", "64-4444-basic", "64-13-basic"])
def test_resolution_is_restored(code):
    space = TransNASMicro(decoder_width=0.05) if "41414" in code else TransNASMacro(decoder_width=0.05)
    if code in ("64-4444-basic", "64-13-basic"):
        with pytest.raises(SpaceError, match="modules|double"):
            space.decode(code)
        return
    network = space.build(space.decode(code), torch.Generator().manual_seed(0))
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 3, 64, 64)


def test_factorized_reduce_halves_and_keeps_both_grids():
    layer = FactorizedReduce(4, 6, 2)
    assert layer(torch.zeros(2, 4, 8, 8)).shape == (2, 6, 4, 4)
    assert layer(torch.zeros(2, 4, 7, 7)).shape == (2, 6, 4, 4)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="multiple of 64"):
        TransNASMicro(resolution=48)
    with pytest.raises(ConfigError, match="decoder_width"):
        TransNASMacro(decoder_width=0)
    with pytest.raises(ConfigError, match="classes must be 0, for images, or at least 2, but is 1"):
        TransNASMacro(classes=1)


def test_macro_descriptors():
    described = TransNASMacro().describe((1, 2, 3, 4))
    assert described["strides"] == 2 and described["channel_doublings"] == 2
    assert described["min_resolution"] == 4


@pytest.mark.parametrize(("space", "code"), [(TransNASMacro, "64-1234-basic"), (TransNASMicro, "64-41414-1_02_333")])
def test_networks_of_classes(space, code):
    images, classes = space(), space(classes=17)
    one, other = (s.build(s.decode(code), torch.Generator().manual_seed(0)) for s in (images, classes))
    assert all(torch.equal(a, b) for a, b in zip(one.encoder.parameters(), other.encoder.parameters()))
    last = other.decoder[-1]
    assert parameters(other) - parameters(one) == 14 * (last.weight[0].numel() + 1)
    batch = classes.batch(4, torch.Generator().manual_seed(1))
    outputs = batch.call(other)
    assert outputs.shape == (4, *classes.image_shape) == (4, 17, 64, 64) and images.image_shape == (3, 64, 64)
    assert torch.equal(batch.visible, images.batch(4, torch.Generator().manual_seed(1)).visible)
    outputs = outputs.detach()
    by_hand = -outputs.log_softmax(1).gather(1, batch.answers[:, None]).mean()
    assert float(classes.loss(outputs, batch)) == pytest.approx(float(by_hand), rel=1e-5)
    assert float(classes.loss(torch.zeros(4, 17, 64, 64), batch)) == pytest.approx(math.log(17), rel=1e-5)


def test_levels_of_brightness_share_an_image():
    labels = TransNASMacro(classes=17).batch(2, torch.Generator().manual_seed(0)).answers
    for one in labels:
        counts = one.flatten().bincount(minlength=17)
        assert len(counts) == 17 and int(counts.max() - counts.min()) <= 1


def test_own_labels_judge_networks_of_classes(tmp_path):
    space = TransNASMacro(classes=17)
    rng = random.Random(0)
    rows = [{"architecture": space.encode(space.sample(rng)), "mIoU": 0.1 + i / 100} for i in range(8)]
    card = Card(
        "transnas-macro", "mIoU", "higher", space_settings={"classes": 17}, look_settings={"decoder_width": 0.05}
    )
    write_table(tmp_path / "own.csv", card, rows)
    table = str(tmp_path / "own.csv")
    found = list(score(ScoreSettings(proxy="sum_layers(std(gradient))", benchmark=table, sample=2, workers=1)))
    assert len(found) == 2 and all(math.isfinite(one.score) for one in found)
