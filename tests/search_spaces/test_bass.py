"""The space of super-resolution networks: codes, published counts, functional twins."""

import random

import pytest
import torch

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.bass import BASS, branches
from gpproxy.search_spaces.bass_network import OPERATIONS, SuperResolution
from gpproxy.seeds import numbered

#: Published spelling -> our code and the parameters in the authors' files.
PUBLISHED = {
    "1,7,4,3,7,4,4,7,3,0,6,1,2,7,7,4,7,5,2,2,4,5,7,1,2,1,3,4": ("32-703700730-612730712-201712130", 84_512),
    "7,7,5,4,7,1,5,6,7,1,0,7,5,7,5,1,7,2,5,7,7,6,7,4,3,7,0,5": ("64-710711631-031711721-732703701", 811_872),
}


@pytest.fixture(scope="module")
def space() -> BASS:
    return SEARCH_SPACES["sr-bass"](resolution=16)


@pytest.mark.parametrize("text", PUBLISHED)
def test_published_networks(space, text):
    code, parameters = PUBLISHED[text]
    architecture = space.decode(text)
    assert space.encode(architecture) == code and space.decode(code) == architecture
    assert space.decode(f"[{text}]") == architecture
    assert space.describe(architecture)["params"] == parameters


def test_it_doubles_the_side(space):
    assert space.count() == 4 * 128**9 and len(space.tokens[0]) == 28
    batch = space.batch(3, numbered(0))
    for seed in range(4):
        output = batch.call(space.build(space.sample(random.Random(seed)), numbered(seed)))
        assert output.shape == batch.targets.shape == (3, 3, 16, 16) and output.min() >= 0
    assert batch.visible.shape == (3, 3, 8, 8) and 0 <= batch.visible.min() and batch.visible.max() <= 1
    small = torch.nn.functional.avg_pool2d(batch.targets, 2)
    assert (small - batch.visible).abs().mean() < 0.1 * batch.targets.std()


def turned(network: SuperResolution) -> None:
    """Makes the transposed convolutions compute what convolutions with the same weights do."""
    for module in network.modules():
        if isinstance(module, torch.nn.ConvTranspose2d):
            module.weight.data = module.weight.data.transpose(0, 1).flip(2, 3).contiguous()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("16-700010011-700700700-700700700", "16-010732011-712700700-733700700"),  # identities move
        ("16-011700700-700700700-700700700", "16-010010700-700700700-700700700"),  # a repeat is the same twice
        ("16-100000300-700700700-700700700", "16-000200000-700700700-700700700"),  # dilation of a kernel of 1
        ("16-610700700-700700700-700700700", "16-010700700-700700700-700700700"),  # transposed, stride 1
    ],
)
def test_twins_compute_the_same(space, first, second):
    one, other = space.decode(first), space.decode(second)
    assert one != other and space.canonical(one) == space.canonical(other)
    networks = [space.build(architecture, numbered(0)) for architecture in (one, other)]
    turned(networks[0])
    weights = [list(network.parameters()) for network in networks]
    for mine, theirs in zip(*weights, strict=True):
        theirs.data.copy_(mine.data)
    batch = space.batch(2, numbered(1))
    assert torch.allclose(batch.call(space.build(one, numbered(0))), batch.call(networks[1]), atol=1e-6)


def test_branches_stand_in_any_order(space):
    one, other = space.decode("16-010700700-412700700-700700700"), space.decode("16-700700700-010700700-412700700")
    assert space.canonical(one) == space.canonical(other)
    different = space.decode("16-010700700-411700700-700700700")
    assert space.canonical(one) != space.canonical(different)


def test_operations_repeat_and_identities_vanish(space):
    steps = branches(space.decode("16-733521700-700700700-413003612"))
    assert steps == [[(5, 5)] * 2, [], [(4, 3)] * 4 + [(0, 1)] * 4 + [(6, 3)] * 3]
    assert len(OPERATIONS) == 8


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("32-703", "reads channels - 3 x 9 digits"),
        ("20-703700730-612730712-201712130", "channels is one of 16, 32, 48, 64, but here 20"),
        ("32-803700730-612730712-201712130", "operation 1 of branch 1 is one of 0, 1, 2, 3, 4, 5, 6, 7, but here 8"),
        ("32-703700730-642730712-201712130", "kernel 1 of branch 2 is one of 0, 1, 2, 3, but here 4"),
        ("1,2,3", "has 28 numbers of 0 to 7, but '1,2,3' has 3, up to 3"),
        (",".join(["8"] * 28), "has 28, up to 8"),
    ],
)
def test_codes_that_are_none(space, code, message):
    with pytest.raises(SpaceError, match=message):
        space.decode(code)


def test_resolutions_are_even():
    with pytest.raises(ConfigError, match="even number of pixels from 16 on"):
        SEARCH_SPACES["sr-bass"](resolution=33)
