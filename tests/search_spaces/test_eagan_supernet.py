"""Shared weights of EAGAN: every architecture inside the supernet is the generator that is built alone."""

from __future__ import annotations

import torch

from gpproxy.search_spaces.eagan import EAGANGenerator
from gpproxy.search_spaces.eagan_networks import Generator
from gpproxy.search_spaces.eagan_supernet import SharedCell, Supernet
from gpproxy.seeds import numbered, python_random

SPACE = EAGANGenerator(width=4, latent=6, resolution=16)


def alone(supernet: Supernet, architecture: tuple[int, ...]) -> Generator:
    """The generator of an architecture with the weights of the supernet, module by module."""
    network = SPACE.build(architecture, numbered(0))
    assert isinstance(network, Generator)
    network.maps.load_state_dict(supernet.maps.state_dict())
    network.to_rgb.load_state_dict(supernet.to_rgb.state_dict())
    for genes, cell, shared in zip(SPACE.cells(SPACE.canonical(architecture)), network.cells, supernet.cells):
        assert isinstance(shared, SharedCell)
        for name, up in cell.ups.items():
            up.load_state_dict(shared.every[int(name)][genes[int(name)]].state_dict())
        if cell.hidden:
            cell.mix.load_state_dict(shared.mix.state_dict())
            for name, edge in cell.node2.edges.items():
                edge.load_state_dict(shared.node2.every[int(name)][str(genes[2 + int(name)])].state_dict())
        for name, edge in cell.node3.edges.items():
            edge.load_state_dict(shared.node3.every[int(name)][str(genes[4 + int(name)])].state_dict())
    return network


def test_each_architecture_is_the_generator_that_is_built_alone() -> None:
    supernet, rng, noise = SPACE.supernet(numbered(1)), python_random("supernet", 0), torch.randn(5, 6)
    assert isinstance(supernet, Supernet)
    for architecture in [*SPACE.published.values(), *(SPACE.sample(rng) for _ in range(20))]:
        supernet.choose(architecture)
        ours, theirs = supernet(noise), alone(supernet, architecture)(noise)
        assert torch.allclose(ours, theirs, atol=1e-6), SPACE.encode(architecture)


def test_it_holds_every_operation_of_every_edge() -> None:
    """By hand, at width w: 2 nodes with 3 ways up, 5 edges with kernels of 1, 9, 25, 9 and 25 weights."""
    w, latent, side = 8, 6, 2
    ups = 2 * (2 * (w * w + w) + (9 * w + w * w))
    edges = 5 * (69 * w * w + 5 * w)
    mixes = (0 + 1 + 2) * (w * w + w)
    maps = sum((latent // 3 + 1) * w * (side * 2**level) ** 2 for level in range(3))
    rgb = 2 * w + 27 * w + 3
    network = EAGANGenerator(width=w, latent=latent, resolution=16).supernet(None)
    assert sum(one.numel() for one in network.parameters()) == 3 * (ups + edges) + mixes + maps + rgb


def test_the_first_cells_alone_draw_smaller_images() -> None:
    supernet, whole = SPACE.supernet(numbered(1)), SPACE.published["best"]
    for genes, side in ((7, 4), (14, 8), (21, 16)):
        supernet.choose(whole[:genes])
        assert supernet(torch.randn(2, 6)).shape == (2, 3, side, side)
