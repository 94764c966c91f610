"""Shared weights: every architecture inside the supernet is the generator that is built alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gpproxy.errors import SpaceError
from gpproxy.search_spaces.autogan import AutoGAN, plans
from gpproxy.search_spaces.autogan_network import Generator
from gpproxy.search_spaces.autogan_supernet import Supernet
from gpproxy.search_spaces.check import make_space
from gpproxy.search_spaces.discriminator import Discriminator
from gpproxy.seeds import numbered, python_random

SPACE = AutoGAN(width=6, latent=8, resolution=16)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_published_numbers_of_parameters() -> None:
    assert count(AutoGAN(width=256).supernet(None)) == 14_315_267
    assert count(Discriminator(128)) == 1_053_824


def alone(supernet: Supernet, architecture: tuple[int, ...]) -> Generator:
    """The generator of an architecture with the weights of the supernet, layer by layer of equal kind."""
    network = SPACE.build(architecture, numbered(0))
    assert isinstance(network, Generator)
    network.linear.load_state_dict(supernet.linear.state_dict())
    network.to_rgb.load_state_dict(supernet.to_rgb.state_dict())
    for plan, cell, shared in zip(plans(architecture), network.cells, supernet.cells):
        order = "pre" if plan.pre else "post"
        for block, source in ((cell.first, shared.first[order]), (cell.second, shared.second[order])):
            for module in block.modules():
                if isinstance(module, nn.Conv2d):
                    module.load_state_dict(source.convolution.state_dict())
                elif isinstance(module, nn.BatchNorm2d):
                    module.load_state_dict(source.batch_norm.state_dict())
                elif isinstance(module, nn.ConvTranspose2d):
                    module.load_state_dict(source.deconvolution.state_dict())
        for source, mixed in cell.mix.items():
            mixed.load_state_dict(shared.mix[int(source)].state_dict())
        if plan.up == "deconvolution":
            for scale, enlarge in cell.enlarge.items():
                ours = [shared.twice] if scale == "2" else list(shared.fourfold)
                for module, other in zip(enlarge, ours, strict=True):
                    module.load_state_dict(other.state_dict())
        if cell.shortcut is not None:
            cell.shortcut[1].load_state_dict(shared.shortcut.state_dict())
            if plan.up == "deconvolution":
                cell.shortcut[0][0].load_state_dict(shared.shortcut_deconvolution.state_dict())
    return network


def test_each_architecture_is_the_generator_that_is_built_alone() -> None:
    supernet, rng, noise = SPACE.supernet(numbered(1)), python_random("supernet", 0), torch.randn(5, 8)
    for architecture in [SPACE.decode("1111-12211-02213"), *(SPACE.sample(rng) for _ in range(20))]:
        supernet.choose(architecture)
        ours, theirs = supernet(noise), alone(supernet, architecture)(noise)
        assert torch.allclose(ours, theirs, atol=1e-6), SPACE.encode(architecture)


def test_the_first_levels_alone_draw_smaller_images() -> None:
    supernet, whole = SPACE.supernet(numbered(1)), SPACE.decode("1111-12211-02213")
    for levels, side in ((4, 4), (9, 8), (14, 16)):
        supernet.choose(whole[:levels])
        assert supernet(torch.randn(2, 8)).shape == (2, 3, side, side)


def test_a_space_without_shared_weights_says_so() -> None:
    with pytest.raises(SpaceError, match="share no weights"):
        make_space("gancompression-cyclegan").supernet(None)
