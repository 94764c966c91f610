"""The space of denoising U-Nets: counts, codes, what its genes do."""

import pytest
import torch

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.unet import GENES, UNetSpace, plan
from gpproxy.search_spaces.unet_network import Attention, Block, UNet, group_norm
from gpproxy.seeds import numbered

#: Code -> parameters and MACs of convolutions and linear layers at 16 px, counted independently.
COUNTED = {
    "32-22-111-01-10000": (964_963, 47_656_960),
    "32-22-111-01-00000": (894_787, None),
    "32-22-111-01-11000": (787_075, 36_909_056),
    "32-22-111-00-10000": (914_659, None),
    "16-22-111-01-10000": (243_379, 12_024_832),
}


@pytest.fixture(scope="module")
def space() -> UNetSpace:
    return SEARCH_SPACES["unet"]()


def test_there_are_55296(space):
    assert space.count() == 55_296 and space.tokens == ((3, 2, 3, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4),)


@pytest.mark.parametrize("code", COUNTED)
def test_sizes_are_those_counted_elsewhere(space, code):
    params, macs = COUNTED[code]
    found = space.describe(space.decode(code))
    assert found["params"] == params
    if macs is not None:
        # Attention mixes positions by two products of positions x positions x channels.
        widths, blocks, flags = (getattr(plan(space.decode(code)), name) for name in ("widths", "blocks", "attention"))
        mixing = sum(
            (2 * n + 1) * 2 * width * (16 >> level) ** 4
            for level, (width, n, flag) in enumerate(zip(widths, blocks, flags))
            if flag
        )
        assert found["macs"] == macs + mixing


def test_descriptors_tell_what_a_tuner_sets_first(space):
    found = space.describe(space.decode("24-12-121-01-10012"))
    assert [found[name] for name in ("base_channels", "residual_blocks", "attention_levels")] == [24, 4, 1]


def test_attention_counts_as_published():
    assert sum(p.numel() for p in Attention(64).parameters()) == 16_768


@pytest.mark.parametrize("channels", [16, 24, 32, 40, 48, 72, 96, 120, 192])
def test_groups_divide_their_channels(channels):
    norm = group_norm(channels)
    assert channels % norm.num_groups == 0 and norm.num_groups <= 8 and channels // norm.num_groups >= 4


@pytest.mark.parametrize("gene", GENES)
def test_every_gene_changes_the_network(space, gene):
    index = list(GENES).index(gene)
    base = space.decode("16-12-111-11-00000")
    outputs = []
    for value in GENES[gene]:
        network = space.build((*base[:index], value, *base[index + 1 :]), numbered(0))
        outputs.append(space.batch(4, numbered(1)).call(network))
        assert outputs[-1].shape == (4, *space.image_shape) and bool(outputs[-1].isfinite().all())
    assert len({output.sum().item() for output in outputs}) == len(outputs)


def test_the_noise_level_is_told(space):
    network = space.build(space.decode("16-11-111-00-00000"), numbered(0))
    batch = space.batch(4, numbered(1))
    other = network(batch.inputs, batch.condition + 1)
    assert not torch.allclose(batch.call(network), other)


def test_trainings_begin_with_zero_ends(space):
    network = space.build(space.decode("16-12-121-11-10000"), numbered(0))
    batch = space.batch(8, numbered(1))
    assert batch.call(network).abs().max() > 0.1
    network.zero_ends_()
    assert batch.call(network).abs().max() == 0
    ends = [m for m in network.modules() if isinstance(m, (Block, Attention, UNet))]
    assert sum(bool((p == 0).all()) for p in network.parameters() if p.ndim == 4) == len(ends)


def test_a_batch_has_a_level_per_sample(space):
    batch = space.batch(20, numbered(0))
    levels = (4 * batch.condition).exp()
    assert len(batch) == 20 and levels[:8].tolist() == sorted(levels[:8].tolist())
    assert torch.equal(levels[:8], levels[8:16])
    assert space.loss(torch.zeros_like(batch.targets), batch).item() == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("32-22-111-01", "reads base channels - 2 multipliers"),
        ("20-22-111-01-10000", "base channels is one of 16, 24, 32, but here 20"),
        ("16-23-131-01-10000", "blocks of level 2 is one of 1, 2, but here 3"),
        ("16-23-111-01-10004", "up is one of 0, 1, 2, 3, but here 4"),
    ],
)
def test_codes_that_are_none(space, code, message):
    with pytest.raises(SpaceError, match=message):
        space.decode(code)


def test_resolutions():
    assert SEARCH_SPACES["unet"](resolution=32).image_shape == (3, 32, 32)
    for wrong in (6, 18):
        with pytest.raises(ConfigError, match="multiple of 4 pixels from 8 on"):
            SEARCH_SPACES["unet"](resolution=wrong)
