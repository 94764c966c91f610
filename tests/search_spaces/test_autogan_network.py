"""AutoGAN's generators against a plain second implementation; growth, sizes, first weights, derivatives."""

from __future__ import annotations

import math
import random

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import forward_ad

from gpproxy.search_spaces.autogan import PUBLISHED, AutoGAN, split

TINY = AutoGAN(width=4, latent=6, resolution=16, discriminator_width=4)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def architectures(count, seed=0):
    rng = random.Random(seed)
    return [TINY.sample(rng) for _ in range(count)]


def literal(network, architecture, noise):
    """The generator written down once more with functions and, as published, with skips added in place."""
    state = {k: v.detach() for k, v in network.state_dict().items()}

    def conv(name, x, padding=0):
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    def up(name, x, kind, scale):
        if kind < 2:
            size = (x.shape[2] * scale, x.shape[3] * scale)
            return F.interpolate(x, size=size, mode=("bilinear", "nearest")[kind])
        for i in range(scale // 2):
            x = F.conv_transpose2d(x, state[f"{name}.{i}.weight"], state[f"{name}.{i}.bias"], stride=2)
        return x

    def normal(x, kind):
        axes = {1: (0, 2, 3), 2: (2, 3)}.get(kind)
        if axes is None:
            return x
        variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
        return (x - mean) / (variance + 1e-5).sqrt()

    def block(name, x, genes, enlarge):
        pre, norm, kind = genes[:3]
        shift = bool(norm) + 1 if pre else 0
        if pre:
            x = normal(x, norm).clamp_min(0)
        if enlarge:
            x = up(f"{name}.{shift}", x, kind, 2)
        x = conv(f"{name}.{shift + enlarge}", x, padding=1)
        return x if pre else normal(x, norm).clamp_min(0)

    x = F.linear(noise, state["linear.weight"], state["linear.bias"]).view(-1, *network.shape)
    features = []
    for s, genes in enumerate(split(architecture)):
        h = block(f"cells.{s}.first", x, genes, True)
        skip_out = h
        for bit in range(s):
            if genes[4] >> bit & 1:
                source, scale = s - 1 - bit, 2 ** (bit + 1)
                h += conv(
                    f"cells.{s}.mix.{source}", up(f"cells.{s}.enlarge.{scale}", features[source], genes[2], scale)
                )
        out = block(f"cells.{s}.second", h, genes, False)
        if genes[3]:
            out += conv(f"cells.{s}.shortcut.1", up(f"cells.{s}.shortcut.0", x, genes[2], 2))
        features.append(skip_out)
        x = out
    return torch.tanh(conv("to_rgb.2", normal(x, 1).clamp_min(0), padding=1))


@pytest.mark.parametrize("architecture", [*PUBLISHED.values(), (0, 1, 2, 1, 0, 2, 2, 1, 1, 1, 2, 2, 1, 3)])
def test_networks_agree_with_a_literal_second_implementation(architecture):
    check_literal(architecture)


def test_random_networks_agree_with_a_literal_second_implementation():
    for architecture in architectures(40):
        check_literal(architecture)


def check_literal(architecture):
    network = TINY.build(architecture, seeded(1)).double()
    noise = TINY.batch(3, seeded(2)).visible.double()
    torch.testing.assert_close(network(noise), literal(network, architecture, noise))


def test_only_used_branches_are_built():
    for architecture in architectures(30, seed=3):
        network = TINY.build(architecture, seeded())
        network(TINY.batch(2, seeded()).visible).square().mean().backward()
        assert all(p.grad is not None for p in network.parameters())


def test_stages_grow_through_one_output_layer():
    network = AutoGAN(width=4).build(PUBLISHED["A"], seeded())
    noise = AutoGAN().batch(2, seeded()).visible
    assert [network(noise, stage).shape[-1] for stage in range(3)] == [8, 16, 32]
    assert torch.equal(network(noise, 2), network(noise))


@pytest.mark.parametrize("resolution", [16, 32, 48])
def test_output_size_is_a_setting(resolution):
    space = AutoGAN(width=4, resolution=resolution)
    network = space.build(PUBLISHED["B"], seeded())
    images = network(space.batch(2, seeded()).visible)
    assert images.shape == (2, 3, resolution, resolution)
    assert network.shape == (4, resolution // 8, resolution // 8)
    assert torch.isfinite(space.loss(images, space.batch(2, seeded())))


def test_convolutions_start_xavier_uniform():
    network = AutoGAN(width=32).build((0, 1, 2, 1, 0, 1, 2, 1, 1, 0, 1, 2, 1, 3), seeded())
    convolution, transposed = network.cells[0].first[1], network.cells[0].first[0][0]
    bound = math.sqrt(6 / (9 * 32 + 9 * 32))
    assert 0.98 * bound < float(convolution.weight.detach().abs().max()) <= bound
    default = 1 / math.sqrt(4 * 32)
    assert 0.98 * default < float(transposed.weight.detach().abs().max()) <= default


@pytest.mark.parametrize("code", ["1011-10011-10103", "0120-12210-01003", "1221-02111-12213", "0201-11201-02012"])
def test_forward_mode_derivatives_agree_with_differences(code):
    network = TINY.build(TINY.decode(code), seeded()).double()
    noise, direction = (TINY.batch(3, seeded(s)).visible.double() for s in (1, 2))
    with torch.no_grad(), forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(network(forward_ad.make_dual(noise, direction))).tangent
    with torch.no_grad():
        step = 1e-6
        difference = (network(noise + step * direction) - network(noise - step * direction)) / (2 * step)
    # Kinks of the ReLU inside the step are rare but possible.
    assert float((tangent - difference).norm() / difference.norm()) < 1e-3
