"""Preconditioned denoising: what a network is given at a noise level, and what it is compared with.

In: images and noise levels. Out: the inputs, the condition and the targets of a network F, or the denoised images that
F gives. With sigma_data = .5, D(y, sigma) = c_skip y + c_out F(c_in y, c_noise); the weighted loss of D is the plain
mean squared error of F against (x - c_skip y) / c_out, which has variance about 1 at every level, so that a network
without signal scores 1.
Source: Karras et al. (2022), table 1 and section 5.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import torch
from torch import Tensor, nn

from gpproxy.search_spaces.batch import Batch

#: Standard deviation of the images, and mean and deviation of the log of the noise levels of a training.
SIGMA_DATA, LOG_MEAN, LOG_DEVIATION = 0.5, -1.2, 1.2
#: Levels of the ladder.
LEVELS = 8


def ladder(count: int = LEVELS) -> Tensor:
    """The middles of `count` equally likely parts of the levels of a training, rising: .048, .104, ..., 1.90 of 8."""
    normal = NormalDist(LOG_MEAN, LOG_DEVIATION)
    return torch.tensor([math.exp(normal.inv_cdf((index + 0.5) / count)) for index in range(count)])


def drawn_levels(count: int, generator: torch.Generator) -> Tensor:
    """Noise levels as a training draws them: `sample`, on the device of the generator."""
    normal = torch.randn(count, generator=generator, device=generator.device)
    return (LOG_MEAN + LOG_DEVIATION * normal).exp()


def noisy_batch(images: Tensor, levels: Tensor, noise: Tensor) -> Batch:
    """What F is called with, and what it should give.

    Args:
        images: `sample x channel x height x width` in [-1, 1].
        levels: `sample`, standard deviations of the noise.
        noise: standard normal, of the shape of the images.
    """
    sigma = levels.view(-1, *[1] * (images.ndim - 1))
    noisy = images + sigma * noise
    skip, out, into = _coefficients(sigma)
    return Batch(into * noisy, (images - skip * noisy) / out, condition=levels.log() / 4)


def denoised(network: nn.Module, noisy: Tensor, levels: Tensor) -> Tensor:
    """D: the images that F takes `noisy` ones for, `sample x channel x height x width`."""
    skip, out, into = _coefficients(levels.view(-1, *[1] * (noisy.ndim - 1)))
    return skip * noisy + out * network(into * noisy, levels.log() / 4)


def _coefficients(sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """c_skip, c_out and c_in."""
    total = sigma**2 + SIGMA_DATA**2
    return SIGMA_DATA**2 / total, sigma * SIGMA_DATA / total.sqrt(), total.rsqrt()
