"""The discriminator: published size, growth, spectral norms, and a fixed copy that is a pure function."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gpproxy.search_spaces.discriminator import (
    Discriminator,
    discriminator,
    fixed_discriminator,
    hinge_discriminator,
    hinge_generator,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=4, side=32, seed=0):
    return torch.rand(count, 3, side, side, generator=seeded(seed)) * 2 - 1


def weighted(network):
    return [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]


def spectral_norms(network):
    return torch.stack([torch.linalg.matrix_norm(m.weight.flatten(1), ord=2) for m in weighted(network)])


def test_size_is_the_published_one():
    assert sum(p.numel() for p in Discriminator(128).parameters()) == 1_053_824


def test_it_computes_the_published_blocks():
    network = discriminator(5, seeded()).eval()
    x = images()

    def conv(layer, value, padding=0):
        return F.conv2d(value, layer.weight, layer.bias, padding=padding)

    def block(part, value, down):
        main = conv(part.main[3], conv(part.main[1], value.relu(), 1).relu(), 1)
        return F.avg_pool2d(main + conv(part.shortcut[0], value), 2) if down else main + value

    first = network.first
    main = F.avg_pool2d(conv(first.main[2], conv(first.main[0], x, 1).relu(), 1), 2)
    start = main + conv(first.shortcut[1], F.avg_pool2d(x, 2))
    grown = block(network.grown[0], start, True)
    for stage, value in enumerate([start, grown, block(network.grown[1], grown, False)]):
        expected = (block(network.last, value, False).relu().sum((2, 3)) @ network.head.weight.T)[:, 0]
        torch.testing.assert_close(network(x, stage), expected)
    torch.testing.assert_close(network(x), network(x, 2))


@pytest.mark.parametrize(("stage", "side"), [(0, 8), (1, 16), (2, 32), (2, 48)])
def test_growth_uses_more_and_more_blocks(stage, side):
    network = discriminator(4, seeded())
    verdicts = network(images(side=side), stage)
    assert verdicts.shape == (4,)
    verdicts.sum().backward()
    used = [all(p.grad is not None for p in block.parameters()) for block in network.grown]
    assert used == [stage >= 1, stage >= 2]


def test_the_fixed_one_is_a_pure_function_of_the_images():
    network = fixed_discriminator(6)
    state = {k: v.clone() for k, v in network.state_dict().items()}
    x = images().requires_grad_(True)
    before = torch.get_rng_state()
    first = network(x)
    (gradient,) = torch.autograd.grad(first.sum(), x)
    assert torch.equal(network(x), first) and torch.equal(before, torch.get_rng_state())
    assert float(gradient.abs().max()) > 0
    assert not any(p.requires_grad for p in network.parameters()) and not network.training
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    fixed_discriminator.cache_clear()
    assert torch.equal(fixed_discriminator(6)(x), first)
    assert torch.allclose(fixed_discriminator(6, dtype=torch.float64)(x.double()), first.double(), atol=1e-5)


def test_the_fixed_one_has_spectral_norms_of_one():
    norms = spectral_norms(fixed_discriminator(8))
    assert len(norms) == 11 and torch.allclose(norms, torch.ones(11), atol=1e-5)


def test_power_iteration_of_the_trainable_one_leads_to_the_fixed_one():
    network = discriminator(8, seeded())  # the seed of the fixed one
    x = images()
    with torch.no_grad():
        for _ in range(150):
            network(x[:1, :, :8, :8])
        assert torch.allclose(spectral_norms(network.eval()), torch.ones(11), atol=1e-3)
        assert torch.allclose(network(x), fixed_discriminator(8)(x), rtol=5e-3, atol=5e-3)


def test_the_trainable_one_is_a_function_of_its_generator():
    before = torch.get_rng_state()
    one, same, other = (discriminator(4, seeded(s)) for s in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert one.training and all(p.requires_grad for p in one.parameters())
    state, twin, different = (n.state_dict() for n in (one, same, other))
    assert all(torch.equal(v, twin[k]) for k, v in state.items())
    assert any(not torch.equal(v, different[k]) for k, v in state.items())
    assert all(nn.utils.parametrize.is_parametrized(m, "weight") for m in weighted(one))


def test_it_learns_to_tell_two_kinds_of_images():
    network = discriminator(4, seeded())
    optimiser = torch.optim.Adam(network.parameters(), 2e-3, betas=(0.0, 0.9))
    real, fake = images(8, 16, 1) * 0.2 + 0.5, images(8, 16, 2) * 0.2 - 0.5
    losses = []
    for _ in range(30):
        loss = hinge_discriminator(network(real), network(fake))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_hinge_losses():
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0])
    assert float(hinge_discriminator(real, fake)) == 0.25 + 0.5
    assert float(hinge_generator(fake)) == 1.5
    assert float(hinge_discriminator(torch.zeros(3), torch.zeros(3))) == 2
