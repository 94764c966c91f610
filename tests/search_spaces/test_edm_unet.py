"""The published U-Nets of diffusion: parameter counts, codes, conditions."""

import itertools

import pytest
import torch

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.edm_unet import BASES, MULTIPLIERS, NAMES
from gpproxy.search_spaces.edm_unet_network import EDMUNet, Plan
from gpproxy.seeds import numbered
from gpproxy.training.architecture import code_of

#: Counted with the code of Karras et al. (2022); the last two are published sizes.
COUNTED = {
    Plan("ddpm++", 32, (1, 2, 2), 1, (8,), 16): 1_260_547,
    Plan("ddpm++", 32, (1, 2, 2), 2, (8,), 16): 1_754_147,
    Plan("adm", 32, (1, 2, 2), 1, (8,), 16): 1_371_107,
    Plan("adm", 32, (1, 2, 2), 1, (), 16): 1_320_803,
    Plan("ddpm++", 128, (2, 2, 2), 4, (16,), 32, augment=9): 55_733_891,
    Plan("adm", 192, (1, 2, 3, 4), 3, (32, 16, 8), 64, classes=1000): 295_899_267,
}


@pytest.mark.parametrize("plan", COUNTED, ids=str)
def test_parameters(plan):
    with torch.device("meta"):
        network = EDMUNet(plan)
    assert sum(parameter.numel() for parameter in network.parameters()) == COUNTED[plan]


def test_published_networks_go_by_name():
    space = SEARCH_SPACES["edm-unet"](resolution=32, augment=9)
    code = code_of(space, "edm-unet-cifar10")
    assert code == "ddpm++-128-222-4-16" and space.encode(space.decode(code)) == code
    network = space.build(space.decode(code), None)
    assert sum(parameter.numel() for parameter in network.parameters()) == 55_733_891
    large = SEARCH_SPACES["edm-unet"](resolution=64, classes=1000)
    assert code_of(large, "edm-unet-imagenet64") == "adm-192-1234-3-32.16.8"
    with pytest.raises(SpaceError, match="No tokens make"):
        large.to_tokens(large.published["imagenet64"])


@pytest.mark.parametrize("family", NAMES)
def test_every_choice_of_widths_can_be_normalised(family):
    for base, levels in itertools.product(BASES, MULTIPLIERS):
        with torch.device("meta"):
            EDMUNet(Plan(family, base, levels, 2, (8,), 16))(torch.zeros(2, 3, 16, 16), torch.zeros(2))


@pytest.mark.parametrize("code", ["ddpm++-16-12-1-8", "adm-16-12-1-8"])
def test_conditions_are_told_and_trainings_begin_with_zero_ends(code):
    space = SEARCH_SPACES["edm-unet"](classes=5, augment=3)
    batch = space.batch(4, numbered(0))
    level, classes = batch.condition
    assert classes.shape == (4, 5) and classes.sum(1).tolist() == [1] * 4
    network = space.build(space.decode(code), numbered(0))
    output = batch.call(network)
    assert output.shape == (4, 3, 16, 16)
    assert not torch.allclose(output, network(batch.inputs, level, classes.roll(1, 1)))
    assert not torch.allclose(output, network(batch.inputs, level, classes, torch.ones(4, 3)))
    assert not torch.allclose(output, network(batch.inputs, level + 1, classes))
    network.zero_ends_()
    assert batch.call(network).abs().max() == 0


def test_attention_at_sides_that_no_map_has_is_idle():
    space = SEARCH_SPACES["edm-unet"](resolution=16)
    one, other, third = (space.canonical(space.decode(f"adm-16-12-1-{sides}")) for sides in ("32.16.8", "16.8", "16"))
    assert one == other != third


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ddpm-16", "reads family - base channels"),
        ("ddpm-16-12-1-8", r"family is one of ddpm\+\+, adm, but here ddpm"),
        ("adm-128-222-4-16", "base channels is one of 16, 32, 64, but here 128"),
        ("adm-16-13-1-8", "multipliers is one of 1.2, 2.2, .*, but here 1.3"),
        ("adm-16-12-1-4", "attention is one of 0, 8, 16, 16.8, 32.16.8, but here 4"),
    ],
)
def test_codes_that_are_none(code, message):
    with pytest.raises(SpaceError, match=message):
        SEARCH_SPACES["edm-unet"]().decode(code)


def test_settings():
    for wrong, message in (({"resolution": 12}, "multiple of 8"), ({"classes": -1}, "classes must be at least 0")):
        with pytest.raises(ConfigError, match=message):
            SEARCH_SPACES["edm-unet"](**wrong)
