"""Tiny generators with seeded weights for the tests of passes and proxies."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.passes import Passes

#: What only networks that are told a noise level have.
LEVELLED = ("path", "activation_by_noise", "gradient_by_noise", "identity_error", "identity_error_by_noise")


def seeded_(network: nn.Module, seed: int = 0, scale: float = 0.4) -> nn.Module:
    """Fills all weights and biases, but not those of norms, from a generator of its own."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if not isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                for parameter in module.parameters(recurse=False):
                    parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return network.train()


def with_norms(seed: int = 0) -> nn.Module:
    """Four layers, 3 x 8 x 8 to 3 x 8 x 8: every kind of layer that the passes treat apart."""
    layers = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
        nn.Sequential(nn.Conv2d(4, 5, 3, 1, 1), nn.BatchNorm2d(5), nn.LeakyReLU(0.2)),
        nn.Sequential(nn.ConvTranspose2d(5, 6, 3, 2, 1, output_padding=1), nn.BatchNorm2d(6), nn.ReLU()),
        nn.Conv2d(6, 3, 3, 1, 1),
        nn.Tanh(),
    )
    return seeded_(layers, seed)


def without_norms(seed: int = 0) -> nn.Module:
    """Three layers without norms: samples do not see each other."""
    return seeded_(
        nn.Sequential(
            nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 4, 2, 2), nn.LeakyReLU(0.1),
            nn.Conv2d(4, 3, 3, 1, 1), nn.Tanh(),
        ),
        seed,
    )  # fmt: skip


def mlp(seed: int = 0) -> nn.Module:
    """A generator from latent vectors to small images: linear layers, a norm, a transposed convolution."""
    return seeded_(
        nn.Sequential(
            nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 16), nn.Unflatten(1, (4, 2, 2)), nn.ReLU(),
            nn.ConvTranspose2d(4, 3, 4, 2, 1), nn.Tanh(),
        ),
        seed,
    )  # fmt: skip


def images(count: int = 6, seed: int = 9, shape: tuple[int, ...] = (3, 8, 8)) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed), device="cpu")


def squared(outputs: Tensor, batch: Batch | Tensor) -> Tensor:
    """Mean squared distance to the input, or to zero where the shapes differ."""
    inputs = batch.visible if isinstance(batch, Batch) else batch
    return ((outputs - inputs) if outputs.shape == inputs.shape else outputs).square().mean()


def look_at(network: nn.Module, inputs: Tensor | None = None, backward: bool = True) -> Passes:
    inputs = images() if inputs is None else inputs
    return Passes(network, Batch(inputs), squared, torch.Generator().manual_seed(5), backward)
