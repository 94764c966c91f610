"""Images from a denoising network: Heun's method on the probability flow, deterministic but for where it begins.

In: a network F of `gpproxy.search_spaces.edm` and noise. Out: images.
Source: Karras et al. (2022), algorithm 1 without churn.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gpproxy.search_spaces.edm import denoised

#: The first and the last noise level, and how the steps thin out between them.
HIGHEST, LOWEST, RHO = 80.0, 0.002, 7


def noise_levels(steps: int) -> Tensor:
    """The levels at which a sampler of `steps` steps stands, falling, and 0 at the end: float64 `steps + 1`."""
    places = torch.linspace(0, 1, steps, dtype=torch.float64) if steps > 1 else torch.zeros(1, dtype=torch.float64)
    high, low = HIGHEST ** (1 / RHO), LOWEST ** (1 / RHO)
    return torch.cat([(high + places * (low - high)) ** RHO, torch.zeros(1, dtype=torch.float64)])


@torch.no_grad()
def sample(network: nn.Module, noise: Tensor, steps: int) -> Tensor:
    """Images of a denoising network, by 2 `steps` - 1 calls of it.

    Args:
        network: in the mode that it is in.
        noise: standard normal, `sample x channel x height x width`, on the device of the network.
        steps: at least 1.

    Returns:
        Images about [-1, 1], of the shape of the noise.
    """
    levels = noise_levels(steps).to(noise)
    images = noise * levels[0]
    for now, then in zip(levels[:-1], levels[1:]):
        slope = _slope(network, images, now)
        ahead = images + (then - now) * slope
        if then > 0:
            ahead = images + (then - now) * (slope + _slope(network, ahead, then)) / 2
        images = ahead
    return images


def _slope(network: nn.Module, images: Tensor, level: Tensor) -> Tensor:
    return (images - denoised(network, images, level.expand(len(images)))) / level
