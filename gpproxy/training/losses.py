"""What a discriminator and a generator minimise, by name: pairs of functions of the discriminator's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.search_spaces.discriminator import hinge_discriminator, hinge_generator


class Loss(NamedTuple):
    """The two sides of an objective; every number is higher for more real.

    Attributes:
        discriminator: of its numbers for real and for generated images.
        generator: of the discriminator's numbers for generated images.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def vanilla_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy, 2 log 2 where it cannot tell (Goodfellow et al., 2014)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def vanilla_generator(fake: Tensor) -> Tensor:
    """Cross-entropy of taking the images for real, the non-saturating form (Goodfellow et al., 2014)."""
    return F.softplus(-fake).mean()


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Mean squared distance from 1 for real and 0 for generated images (Mao et al., 2017)."""
    return ((real - 1) ** 2).mean() + (fake**2).mean()


def least_squares_generator(fake: Tensor) -> Tensor:
    """Mean squared distance from 1 (Mao et al., 2017)."""
    return ((fake - 1) ** 2).mean()


#: By the names that a recipe takes.
LOSSES: dict[str, Loss] = {
    "hinge": Loss(hinge_discriminator, hinge_generator),
    "vanilla": Loss(vanilla_discriminator, vanilla_generator),
    "least-squares": Loss(least_squares_discriminator, least_squares_generator),
}


def loss(name: str) -> Loss:
    """The losses of a name. Raises ConfigError for an unknown one."""
    if name not in LOSSES:
        raise ConfigError(f"There is no loss '{name}'.{did_you_mean(name, LOSSES)} Known: {', '.join(LOSSES)}.")
    return LOSSES[name]
