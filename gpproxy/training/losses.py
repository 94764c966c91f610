"""What a discriminator and a generator minimise, by name: pairs of functions of the discriminator's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.search_spaces.discriminator import hinge_discriminator, hinge_generator


class Loss(NamedTuple):
    """The two sides of an objective; every number is higher for more real.

    Attributes:
        discriminator: of its numbers for real and for generated images.
        generator: of the discriminator's numbers for generated images; of a relativistic loss for real ones, too, as
            many of them, in the second place.
        relativistic: whether it asks for these.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[..., Tensor]
    relativistic: bool = False


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


def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Difference of the means, which estimates a distance as far as the slope of the discriminator is bounded: give the
    recipe a `gradient_penalty` (Arjovsky et al., 2017; Gulrajani et al., 2017)."""
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """The mean with the other sign (Arjovsky et al., 2017)."""
    return -fake.mean()


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy of taking each real image for more real than a generated one (Jolicoeur-Martineau, 2019)."""
    return F.softplus(fake - real).mean()


def relativistic_generator(fake: Tensor, real: Tensor) -> Tensor:
    """Cross-entropy of taking each generated image for more real than a real one (Jolicoeur-Martineau, 2019)."""
    return F.softplus(real - fake).mean()


def gradient_penalty(score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
    """Mean squared difference from 1 of the norm of a discriminator's gradient, at random places between pairs of a
    real and a generated image, `sample x ...` (Gulrajani et al., 2017).

    Args:
        score: from images to one number each, differentiable twice.
        random: draws the places, on the device of the images.
    """
    share = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device, generator=random)
    between = (share * real + (1 - share) * fake).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(score(between).sum(), between, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


#: By the names that a recipe takes.
LOSSES: dict[str, Loss] = {
    "hinge": Loss(hinge_discriminator, hinge_generator),
    "vanilla": Loss(vanilla_discriminator, vanilla_generator),
    "least-squares": Loss(least_squares_discriminator, least_squares_generator),
    "wasserstein": Loss(wasserstein_discriminator, wasserstein_generator),
    "relativistic": Loss(relativistic_discriminator, relativistic_generator, relativistic=True),
}


def loss(name: str) -> Loss:
    """The losses of a name. Raises ConfigError for an unknown one."""
    if name not in LOSSES:
        raise ConfigError(f"There is no loss '{name}'.{did_you_mean(name, LOSSES)} Known: {', '.join(LOSSES)}.")
    return LOSSES[name]
