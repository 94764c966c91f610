"""What autoencoders share that learn by the evidence lower bound, whatever their network is: recipe and objective.

In: a network from images and noise, and a recipe. Out: an Objective whose subclasses say what a network makes of images
and how unlikely it takes them to be. Measured on held-out images: the bound, what codes say of an image, and how near
the reconstructions come.
Source: Kingma & Welling (2014); Higgins et al. (2017) for the weight of the divergence.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gpproxy.images.image_set import seen, to_unit
from gpproxy.seeds import numbered
from gpproxy.tasks.loss_objective import LossObjective, LossRecipe
from gpproxy.training.draw import draw

#: The measure that chooses the best check, in bits per dimension, lower is better; and its parts.
BOUND, DIVERGENCE, ERROR = "-ELBO", "KL", "MSE"
#: Columns of the picture, and its rows that are drawn; held-out images that are encoded at once.
SIDE, DRAWN, CHUNK = 8, 6, 250


@dataclass(frozen=True)
class BoundRecipe(LossRecipe):
    """How an autoencoder learns.

    Attributes:
        divergence: weight of the divergence of the codes from the prior, beta.
        rise: steps in which it rises from 0.
        held_out: images on which the bound is measured.
    """

    chosen_by_loss: ClassVar[bool] = True

    divergence: float = 1.0
    rise: int = 0
    held_out: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        self._least(divergence=0, rise=0, held_out=1)


class BoundObjective(LossObjective):
    """One network from images to images.

    Args:
        network: what is trained.
        images: what it learns from, uint8 `sample x channel x height x width`.
        held_out: what the bound is measured on, of the same shape.
        latent: shape of the noise of one image.
        recipe, seed, device: see LossObjective.
    """

    recipe: BoundRecipe
    loss_name = "bound"

    def __init__(
        self,
        network: nn.Module,
        images: Tensor,
        held_out: Tensor,
        latent: tuple[int, ...],
        recipe: BoundRecipe,
        *,
        seed: int,
        device: torch.device | str = "cpu",
    ):
        super().__init__(network, recipe, seed=seed, device=device)
        self.images, self._held_out, self.latent = images.to(self.device), held_out, latent
        self._weight = torch.zeros((), device=self.device)

    @abstractmethod
    def reconstruct(self, network: nn.Module, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """How unlikely the images are, nats per dimension, a mean over all; the divergence of each image's code from
        the prior, nats, `sample`; and the reconstructions."""

    def encoding(self) -> nn.Module:
        """The averaged network as it encodes images."""
        return self.average.network

    def drawing(self) -> nn.Module:
        """The averaged network as it draws from noise."""
        return self.measured()

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self._weight.fill_(self.recipe.divergence * min((index + 1) / max(self.recipe.rise, 1), 1.0))

    def loss(self) -> Tensor:
        """The bound of a batch, in nats per dimension, with the weight that the divergence has by now."""
        images = self.drawn_from(self.images)
        noise = torch.randn(len(images), *self.latent, device=self.device, generator=self.random)
        surprise, divergence, _ = self.reconstruct(self.generator, images, noise)
        return surprise + self._weight * divergence.mean() / images[0].numel()

    @torch.no_grad()
    def held_out_losses(self) -> Mapping[str, float]:
        """The bound in bits per dimension and its parts, of the averaged network, with one code per image."""
        network, images = self.encoding(), to_unit(self._held_out[: self.recipe.held_out])
        noises = torch.randn(len(images), *self.latent, generator=numbered(0))
        sums = [0.0] * 3
        for part, noise in zip(images.split(CHUNK), noises.split(CHUNK)):
            real = part.to(self.device)
            surprise, divergence, made = self.reconstruct(network, real, noise.to(self.device))
            found = (surprise, divergence.mean() / real[0].numel(), (made - real).square().mean())
            sums = [total + float(value) * len(part) for total, value in zip(sums, found)]
        likelihood, spent, error = (total / len(images) for total in sums)
        bits = math.log(2)
        return {BOUND: (likelihood + spent) / bits, DIVERGENCE: spent / bits, ERROR: error}

    def samples(self, count: int) -> Tensor:
        """See `Objective.samples`: images from plain noise."""
        return draw(self.drawing(), self.latent, count, self.seed, "samples")

    @torch.no_grad()
    def picture(self) -> Tensor:
        """See `Objective.picture`: held-out images, what is made of them, and images from plain noise."""
        true = to_unit(self._held_out[:SIDE])
        noise = torch.zeros(len(true), *self.latent, device=self.device)
        made = self.reconstruct(self.encoding(), true.to(self.device), noise)[2]
        drawn = draw(self.drawing(), self.latent, SIDE * DRAWN, self.seed, "picture")
        rows = torch.cat([seen(true), seen(made).cpu(), drawn])
        return rows.view(2 + DRAWN, SIDE, *rows.shape[1:])
