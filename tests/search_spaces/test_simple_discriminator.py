"""The simple discriminator: five layers for every side, spectral norm on the last one, statistics of the batch."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gpproxy.search_spaces.discriminator import Ungrown
from gpproxy.search_spaces.simple_discriminator import simple_discriminator
from gpproxy.seeds import numbered


@pytest.mark.parametrize("side", [16, 32, 48])
def test_five_convolutions_of_every_side(side: int) -> None:
    network = Ungrown(simple_discriminator(6, 3, side, numbered(0)), apart=True)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert [module.kernel_size for module in convolutions] == [(4, 4)] * 5
    images = torch.randn(4, 3, side, side)
    assert network(images, 0).shape == (4,)
    assert torch.equal(network(images), network.eval()(images))  # statistics of the batch in both
    (norm,) = [module for module in network.modules() if hasattr(module, "parametrizations")]
    assert torch.linalg.matrix_norm(norm.weight, ord=2).item() == pytest.approx(1.0, rel=1e-4)


def test_weights_are_a_function_of_the_generator() -> None:
    ours, theirs, other = (simple_discriminator(4, 3, 16, numbered(seed)) for seed in (1, 1, 2))
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(ours.eval()(images), theirs.eval()(images))
    assert not torch.equal(ours(images), other.eval()(images))
