"""The space of class-conditional generators: counts, codes, what its genes do."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.conditional import Conditional
from gpproxy.search_spaces.conditional_network import (
    ClassNorm,
    ConditionalGenerator,
    Mapping,
    SelfAttention,
    StyledConvolution,
)
from gpproxy.search_spaces.discriminator import ProjectionDiscriminator
from gpproxy.search_spaces.initialise import materialise
from gpproxy.seeds import numbered

SMALL = {"width": 8, "latent": 6, "embedding": 5, "classes": 4, "resolution": 16, "discriminator_width": 8}


@pytest.fixture(scope="module")
def space() -> Conditional:
    return SEARCH_SPACES["conditional"](**SMALL)


def made(build):
    with torch.device("meta"):
        module = build()
    return materialise(module, numbered(0))


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parts_count_as_published(space):
    """Parameters as counted in the code of StudioGAN, SAGAN and StyleGAN2 (the last without its noise strength)."""
    assert space.count() == 1_119_744
    assert count(ClassNorm(32, 128)) == 8_192
    assert count(SelfAttention(32)) == 1_281 and count(SelfAttention(256)) == 81_921
    assert count(StyledConvolution(32, 32, 64)) == 11_329 - 1
    assert count(Mapping(64, 64)) == 8_320
    head = ProjectionDiscriminator(128, 3, 10)
    assert count(head.head) + count(head.vectors) == 1_409 - 1  # our head has no bias


def test_modulated_convolutions_are_convolutions_of_scaled_weights():
    module = made(lambda: StyledConvolution(3, 5, 4))
    x, style = torch.randn(2, 3, 6, 6, generator=numbered(1)), torch.randn(2, 4, generator=numbered(2))
    for image, one, found in zip(x, style, module(x, style)):
        scale = module.affine(one)
        weight = module.weight / (3 * 9) ** 0.5 * scale[None, :, None, None]
        weight = weight / weight.square().sum((1, 2, 3), keepdim=True).add(1e-8).sqrt()
        expected = F.leaky_relu(F.conv2d(image[None], weight, padding=1) + module.bias[:, None, None], 0.2) * 2**0.5
        assert torch.allclose(found[None], expected, atol=1e-5)


def test_a_class_norm_without_gains_is_a_batch_norm():
    module = made(lambda: ClassNorm(4, 3))
    x = torch.randn(6, 4, 5, 5, generator=numbered(0))
    assert torch.allclose(module(x, torch.zeros(6, 3)), F.batch_norm(x, None, None, training=True, eps=1e-4), atol=1e-6)


def test_attention_mixes_positions_by_their_likeness():
    module = made(lambda: SelfAttention(8))
    x = torch.randn(2, 8, 4, 4, generator=numbered(0))
    query, key, value = (layer(x) for layer in (module.query, module.key, module.value))
    key, value = F.max_pool2d(key, 2).flatten(2), F.max_pool2d(value, 2).flatten(2)
    weights = torch.einsum("bcn,bcm->bnm", query.flatten(2), key).softmax(2)
    mixed = torch.einsum("bnm,bcm->bcn", weights, value).view(2, 4, 4, 4)
    assert torch.allclose(module(x), x + module.projection(mixed), atol=1e-6)


GENES = {
    "block of cell 1": ("0101-0101-0101-0", "1101-0101-0101-0", "2101-0101-0101-0"),
    "norm of cell 2": tuple(f"0101-0{norm}01-0101-0" for norm in range(4)),
    "upsampling of cell 3": tuple(f"0101-0101-01{up}1-0" for up in range(3)),
    "shortcut of cell 1": ("0100-0101-0101-0", "0101-0101-0101-0"),
    "attention": tuple(f"0101-0101-0101-{cell}" for cell in range(3)),
}


@pytest.mark.parametrize("gene", GENES)
def test_every_gene_changes_the_network(space, gene):
    batch = space.batch(6, numbered(1))
    outputs = [batch.call(space.build(space.decode(code), numbered(0))) for code in GENES[gene]]
    assert all(output.shape == (6, 3, 16, 16) and bool(output.isfinite().all()) for output in outputs)
    assert len({output.sum().item() for output in outputs}) == len(outputs)
    assert len({space.canonical(space.decode(code)) for code in GENES[gene]}) == len(outputs)


@pytest.mark.parametrize("code", ["0001-0001-0001-0", "1301-1301-1301-2", "2001-2011-2000-1"])
def test_the_class_is_told(space, code):
    network = space.build(space.decode(code), numbered(0))
    batch = space.batch(8, numbered(1))
    assert batch.condition.min() >= 0 and batch.condition.max() < 4
    assert not torch.allclose(batch.call(network), network(batch.inputs, (batch.condition + 1) % 4))


def test_styled_blocks_have_no_norm(space):
    one, other = space.decode("2001-0101-0101-0"), space.decode("2301-0101-0101-0")
    assert one != other and space.canonical(one) == space.canonical(other)
    assert space.describe(one) == space.describe(other)


def test_attention_is_seen_by_a_look_and_absent_at_the_start_of_a_training(space):
    network = space.build(space.decode("0101-0101-0101-1"), numbered(0))
    assert isinstance(network, ConditionalGenerator)
    batch = space.batch(4, numbered(1))
    before = batch.call(network)
    network.zero_ends_()
    after = batch.call(network)
    assert not torch.equal(before, after)
    network.attention.clear()
    assert torch.equal(batch.call(network), after)


@pytest.mark.parametrize(
    ("code", "message"),
    [("0101", "has 3 cells of 4 digits and one more"), ("3101-0101-0101-0", "block of cell 1 is 0 to 2, but here 3")],
)
def test_codes_that_are_none(space, code, message):
    with pytest.raises(SpaceError, match=message):
        space.decode(code)


def test_settings():
    with pytest.raises(ConfigError, match="classes must be at least 1, but is 0"):
        SEARCH_SPACES["conditional"](classes=0)
