"""Heun's sampler against the closed form of a network that knows its data."""

import pytest
import torch
from torch import nn

from gpproxy.search_spaces.edm import SIGMA_DATA
from gpproxy.seeds import numbered
from gpproxy.tasks.heun import noise_levels, sample


class Gaussian(nn.Module):
    """F of the best denoiser of images that are independent normal numbers: D = c y, so that F is 0."""

    calls = 0

    def forward(self, inputs, noise):
        self.calls += 1
        return torch.zeros_like(inputs)


def test_levels_fall_from_80_to_0():
    levels = noise_levels(18)
    assert levels[0].item() == pytest.approx(80) and levels[-2].item() == pytest.approx(0.002) and levels[-1] == 0
    assert (levels.diff() < 0).all()
    # Karras et al. (2022), equation 5, written out.
    by_hand = [(80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(18)]
    assert levels[:-1].tolist() == pytest.approx(by_hand)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_calls(steps):
    network = Gaussian()
    sample(network, torch.randn(2, 3, 4, 4, generator=numbered(0)), steps)
    assert network.calls == 2 * steps - 1


def test_the_flow_of_normal_data_is_a_scaling():
    """Exact solution: x(0) = x(T) sigma_data / sqrt(sigma_data^2 + T^2)."""
    noise = torch.randn(3, 3, 4, 4, generator=numbered(0), dtype=torch.float64)
    expected = 80 * noise * SIGMA_DATA / (SIGMA_DATA**2 + 80**2) ** 0.5
    errors = [(sample(Gaussian(), noise, steps) - expected).abs().max().item() for steps in (8, 16, 32, 64)]
    # Second order: half the step, a quarter of the error.
    assert errors[-1] < 0.01 and all(4.9 > a / b > 3.9 for a, b in zip(errors[1:], errors[2:]))
