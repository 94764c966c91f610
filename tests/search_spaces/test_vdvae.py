"""The space of very deep autoencoders: counts as published, codes, its bound against distributions of torch."""

from __future__ import annotations

import random

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.mixture import CHANNELS, mixture_surprise
from gpproxy.search_spaces.vdvae import VDVAESpace
from gpproxy.search_spaces.vdvae_network import HIGHEST, LOWEST, VDVAE, StochasticBlock
from gpproxy.seeds import numbered
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one

SMALL = "32-8-4_1x1.4m1.4x1.8m4.8x1.16m8.16x1"
TINY = "16-4-4_1x1.4m1.8m4.16m8"
#: Decoder and encoder as published (Child, 2021, hyper-parameters of CIFAR-10).
UP = "1x1,4m1,4x2,8m4,8x5,16m8,16x10,32m16,32x21"
DOWN = "32x11,32d2,16x6,16d2,8x6,8d2,4x3,4d4,1x3"


@pytest.fixture(scope="module")
def space() -> VDVAESpace:
    return SEARCH_SPACES["vdvae"]()


def count(*parts: torch.nn.Module) -> int:
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


def test_there_are_2160(space: VDVAESpace) -> None:
    assert space.count() == 2160 == len({space.encode(one) for one in space.enumerate()})
    assert space.tokens == ((3, 3, 2, 2, 3, 4, 5, 1, 1, 1, 1),)


def test_a_small_network_counts_as_known(space: VDVAESpace) -> None:
    network = space.build(space.decode(SMALL), None)
    assert count(network) == 62_916 and count(network.first, network.encoder) == 11_912
    assert len(network.decoder) == 7 and len(network.encoder) == 7


def test_the_published_network_counts_as_published() -> None:
    space = SEARCH_SPACES["vdvae"](resolution=32)
    architecture = space.decode(f"384-16-4_{UP}_{DOWN}")
    assert architecture == space.published["cifar10"] == space.decode(space.encode(architecture))
    network = space.build(architecture, None)
    assert count(network) == 39_145_700 and len(network.decoder) == 43


@pytest.mark.parametrize("resolution", [8, 16, 32, 64])
def test_codes_are_read_as_written(resolution: int) -> None:
    space, rng = SEARCH_SPACES["vdvae"](resolution=resolution), random.Random(0)
    for _ in range(50):
        architecture = space.sample(rng)
        code = space.encode(architecture)
        assert space.decode(code) == architecture == space.decode(code.replace(".", ","))
        assert space.decode(f"{code}_{space._plain}") == architecture


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("32-8-4", "reads channels - latent channels - divisor _ blocks of the decoder"),
        ("32-8-4_1x1.4m1.8m4.16m8.4x1", "stand in another order than 1x1.4m1.4x1.8m4"),
        ("32-8-4_1x1.8m4.16m8", "stand in another order"),
        ("32-8-4_1x1.4m1.2x1.8m4.16m8", "has blocks at 2 px, but maps of vdvae have sides of 1, 4, 8, 16 px"),
        ("32-8-4_1x1.4m1.4x9.8m4.16m8", "blocks of the decoder at 4 px is one of 0, 1, 2, but here 9"),
        ("24-8-4_1x1.4m1.8m4.16m8", "channels is one of 16, 32, 64, but here 24"),
        (f"384-16-4_{UP}_{DOWN}", "has blocks at 32 px"),
    ],
)
def test_codes_that_are_none(space: VDVAESpace, code: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        space.decode(code)


def test_resolutions() -> None:
    assert SEARCH_SPACES["vdvae"](resolution=64).input_shape == (3, 64, 64)
    with pytest.raises(ConfigError, match="resolution is one of 8, 16, 32, 64 pixels, but is 24"):
        SEARCH_SPACES["vdvae"](resolution=24)


@pytest.mark.parametrize("place", range(7))
def test_every_gene_changes_the_network(space: VDVAESpace, place: int) -> None:
    base = space.decode(TINY)
    batch, losses = space.batch(2, numbered(1)), []
    for value in space.choices[place]:
        network = space.build((*base[:place], value, *base[place + 1 :]), numbered(0))
        losses.append(space.loss(batch.call(network), batch).item())
    assert len(set(losses)) == len(losses)


def test_the_divergence_is_that_of_normal_distributions(space: VDVAESpace) -> None:
    network = space.build(space.decode(TINY), numbered(0))
    block: StochasticBlock = network.decoder[1]
    x, seen, noise = (torch.randn(3, width, 4, 4, generator=numbered(i)) for i, width in enumerate((16, 16, 4)))
    following, found = block(x, seen, noise)
    mean, deviation, known = block.prior(x).split((4, 4, 16), 1)
    own_mean, own_deviation = block.posterior(torch.cat([x, seen], 1)).chunk(2, 1)
    own = Normal(own_mean, own_deviation.clamp(LOWEST, HIGHEST).exp())
    expected = kl_divergence(own, Normal(mean, deviation.clamp(LOWEST, HIGHEST).exp())).sum(1, keepdim=True)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    codes = own.mean + own.stddev * noise
    torch.testing.assert_close(following, block.rest(x + known + block.told(codes)))


def test_the_loss_is_the_bound(space: VDVAESpace) -> None:
    network, batch = space.build(space.decode(TINY), numbered(0)), space.batch(4, numbered(1))
    spent: list[torch.Tensor] = []
    for block in network.decoder:
        block.register_forward_hook(lambda module, given, made: spent.append(made[1].sum((1, 2, 3))))
    outputs = batch.call(network)
    likelihood = mixture_surprise(batch.inputs, outputs[:, :CHANNELS]).sum((1, 2))
    bound = (likelihood + torch.stack(spent).sum(0)) / (3 * 16 * 16)
    torch.testing.assert_close(space.loss(outputs, batch), bound.mean(), rtol=1e-5, atol=1e-6)


def test_noise_moves_what_is_made(space: VDVAESpace) -> None:
    network, batch = space.build(space.decode(SMALL), numbered(0)), space.batch(2, numbered(1))
    size = network.noise_size
    assert size == 8 * (1 + 2 * 16 + 2 * 64 + 2 * 256) <= batch.condition.shape[1]
    other = batch.condition.clone()
    other[:, size:] += 1  # more than the network needs
    assert torch.equal(network(batch.inputs, other), batch.call(network))
    for place in (0, 8, size - 1):
        moved = batch.condition.clone()
        moved[:, place] += 3
        assert not torch.equal(network(batch.inputs, moved), batch.call(network))
    largest = max(space.build(one, None).noise_size for one in [tuple(max(v) for v in space.choices)])
    assert largest == batch.condition.shape[1]
    drawn = network.draw(batch.condition)
    assert drawn.shape == (2, 3, 16, 16) and drawn.abs().max() <= 1


def test_trainings_begin_with_zero_ends(space: VDVAESpace) -> None:
    network: VDVAE = space.build(space.decode(TINY), numbered(0))
    network.zero_ends_()
    x = torch.randn(2, 16, 8, 8, generator=numbered(1))
    assert all(not block.prior(x).any() for block in network.decoder)
    assert all(bool(block.rest.conv4.weight.any()) for block in network.decoder)


def test_maps_that_are_added_to_begin_smaller(space: VDVAESpace) -> None:
    network = space.build(space.decode(SMALL), numbered(0))
    bound = (1 / 8) ** 0.5  # of torch's own rule, 8 channels going in
    for layer, blocks in (
        (network.encoder[0].conv4, 7), (network.decoder[3].rest.conv4, 7), (network.decoder[3].posterior.conv4, 1),
    ):  # fmt: skip
        assert float(layer.weight.detach().abs().max()) == pytest.approx(bound * blocks**-0.5, rel=0.1)
        assert not layer.bias.any()


def test_a_look_has_nearly_everything(space: VDVAESpace) -> None:
    record = collect_one(space, TINY, Collection(samples=8, proxy_samples=4, proxies=("snip", "nwot", "jacov")))
    assert not record.dead and not record.note
    levels = {"path", "activation_by_noise", "gradient_by_noise", "identity_error", "identity_error_by_noise"}
    assert levels | {"agreement"} <= set(record.absent) <= levels | {"agreement", "ones_gradient", "layer_synflow"}
    assert all(torch.isfinite(torch.tensor(record.columns[name])) for name in ("snip", "nwot", "jacov"))
