"""Preconditioned denoising: coefficients, ladder, what a network without signal scores."""

import math

import pytest
import torch
from scipy.stats import norm

from gpproxy.search_spaces.edm import SIGMA_DATA, denoised, drawn_levels, ladder, noisy_batch
from gpproxy.seeds import numbered

#: The ladder of eight as computed elsewhere, to three digits.
KNOWN = (0.048, 0.104, 0.167, 0.249, 0.364, 0.542, 0.874, 1.90)


def test_the_ladder_stands_at_the_middles_of_equally_likely_parts():
    levels = ladder()
    assert levels.tolist() == pytest.approx(KNOWN, rel=0.01)
    expected = [math.exp(-1.2 + 1.2 * norm.ppf((q + 0.5) / 8)) for q in range(8)]
    assert levels.tolist() == pytest.approx(expected, rel=1e-6)
    drawn = drawn_levels(20_000, numbered(0)).log()
    assert drawn.mean().item() == pytest.approx(-1.2, abs=0.03) and drawn.std().item() == pytest.approx(1.2, abs=0.03)


@pytest.mark.parametrize("level", [0.002, 0.05, 0.5, 5.0, 80.0])
def test_inputs_and_targets_have_variance_one_at_every_level(level):
    """Of images with the variance that the coefficients are made for (Karras et al., 2022, appendix B.6)."""
    generator = numbered(0)
    images = SIGMA_DATA * torch.randn(2000, 3, 4, 4, generator=generator)
    batch = noisy_batch(images, torch.full((2000,), level), torch.randn(images.shape, generator=generator))
    assert batch.visible.var().item() == pytest.approx(1, abs=0.03)
    assert batch.targets.var().item() == pytest.approx(1, abs=0.03)
    assert torch.equal(batch.condition, torch.full((2000,), level).log() / 4)


@pytest.mark.parametrize("level", [0.01, 0.5, 20.0])
def test_a_network_that_gives_the_targets_gives_the_images(level):
    generator = numbered(1)
    images, noise = (torch.randn(4, 3, 4, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    levels = torch.full((4,), level, dtype=torch.float64)
    batch = noisy_batch(images, levels, noise)
    noisy = images + level * noise

    def perfect(inputs, condition):
        assert torch.equal(inputs, batch.inputs) and torch.equal(condition, batch.condition)
        return batch.targets

    assert torch.allclose(denoised(perfect, noisy, levels), images)
