"""The U-Net of pix2pix: published parameter numbers, levels, statistics."""

from __future__ import annotations

import random

import pytest
import torch

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces.pix2pix_unet import Pix2PixUNet
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one


@pytest.mark.parametrize(("levels", "millions"), [(8, 54.414), (7, 41.829)])
def test_parameters_are_the_published_ones(levels, millions):
    space = Pix2PixUNet(levels=levels, resolution=256)
    network = space.build((64,) * levels, None)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 3) == millions


def test_macs_of_a_small_net_by_hand():
    space = Pix2PixUNet(channels="channels-32", resolution=32, levels=2)
    # 3 -> 16 -> 48 -> 16 (beside 16) -> 3; halvings at their output, doublings at theirs; one norm of 16.
    by_hand = 16 * (3 * 16 * 128**2 + 16 * 48 * 64**2 + 48 * 16 * 128**2 + 32 * 3 * 256**2)
    assert space.macs((16, 24), norms=False) == by_hand
    assert space.macs((16, 24)) == by_hand + 16 * 128**2


def test_levels_set_the_length_of_a_code():
    space = Pix2PixUNet(channels="channels-32", levels=4)
    assert space.count() == 81 == len(set(space.enumerate()))
    assert space.decode("32_24_16_16") == (32, 24, 16, 16)
    with pytest.raises(SpaceError, match="4 channel numbers"):
        space.decode("32_24_16_16_16")


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="2 to 8"):
        Pix2PixUNet(levels=9)
    with pytest.raises(ConfigError, match="multiple of 2\\^levels = 128"):
        Pix2PixUNet(levels=7)


def test_shape_and_statistics():
    space = Pix2PixUNet(levels=5, resolution=32, channels="channels-32")
    architecture = space.sample(random.Random(0))
    network = space.build(architecture, torch.Generator().manual_seed(0))
    assert network(torch.zeros(2, 3, 64, 32)).shape == (2, 3, 64, 32)
    record = collect_one(space, space.encode(architecture), Collection(samples=4, proxies=("snip",)))
    assert not record.dead and len(record.values["macs"]) == 10
    assert record.columns["depth"] == 10
