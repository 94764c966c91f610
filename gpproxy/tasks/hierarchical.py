"""Autoencoding with networks that bring their own encoder, codes at every resolution and their own likelihood.

In: TrainingSettings of a space whose generators take images and noise. Out: the task `hierarchical-autoencoding` with
its recipe `vdvae-short`. What is measured is what `gpproxy.tasks.autoencoding` measures.
Source: Child (2021); Kingma & Welling (2014).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gpproxy.images.image_set import seen, to_unit
from gpproxy.search_spaces.mixture import CHANNELS, mixture_mean, mixture_surprise
from gpproxy.search_spaces.vdvae_network import VDVAE
from gpproxy.seeds import numbered
from gpproxy.tasks.autoencoding import BOUND, CHUNK, DIVERGENCE, DRAWN, ERROR, SIDE, Autoencoding
from gpproxy.tasks.loss_objective import LossObjective, LossRecipe
from gpproxy.tasks.registry import task
from gpproxy.training.architecture import untrained
from gpproxy.training.draw import draw


@dataclass(frozen=True)
class HierarchicalRecipe(LossRecipe):
    """How a hierarchical autoencoder learns.

    Attributes:
        divergence: weight of the divergence of the codes from the prior, beta.
        rise: steps in which it rises from 0.
        zero_ends: whether the last layer of every prior begins at 0.
        held_out: images on which the bound is measured.
    """

    chosen_by_loss: ClassVar[bool] = True

    divergence: float = 1.0
    rise: int = 0
    zero_ends: bool = True
    held_out: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        self._least(divergence=0, rise=0, held_out=1)


class Prior(nn.Module):
    """The network as it draws from noise."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, noise: Tensor) -> Tensor:
        return self.network.draw(noise)  # type: ignore[operator]


class HierarchicalObjective(LossObjective):
    """One network from images to images.

    Args:
        network: `gpproxy.search_spaces.vdvae_network`.
        images: what it learns from, uint8 `sample x 3 x height x width`.
        held_out: what the bound is measured on, of the same shape.
        recipe, seed, device: see LossObjective.
    """

    recipe: HierarchicalRecipe
    loss_name = "bound"

    def __init__(
        self,
        network: VDVAE,
        images: Tensor,
        held_out: Tensor,
        recipe: HierarchicalRecipe,
        *,
        seed: int,
        device: torch.device | str = "cpu",
    ):
        if recipe.zero_ends:
            network.zero_ends_()
        super().__init__(network, recipe, seed=seed, device=device)
        self.images, self._held_out, self._noise = images.to(self.device), held_out, network.noise_size
        self._weight = torch.zeros((), device=self.device)

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self._weight.fill_(self.recipe.divergence * min((index + 1) / max(self.recipe.rise, 1), 1.0))

    def loss(self) -> Tensor:
        """The bound of a batch, in nats per dimension, with the weight that the divergence has by now."""
        images = self.drawn_from(self.images)
        noise = torch.randn(len(images), self._noise, device=self.device, generator=self.random)
        surprise, divergence = self._parts(self.generator, images, noise)
        return surprise + self._weight * divergence

    def _parts(self, network: nn.Module, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Surprise and divergence in nats per dimension, means over all."""
        made = network(images, noise)
        return mixture_surprise(images, made[:, :CHANNELS]).mean() / 3, made[:, CHANNELS].mean() / 3

    @torch.no_grad()
    def held_out_losses(self) -> Mapping[str, float]:
        """The bound in bits per dimension and its parts, of the averaged network, with one code per image."""
        images, generator = to_unit(self._held_out[: self.recipe.held_out]), numbered(0)
        sums = [0.0] * 3
        for part in images.split(CHUNK):
            real, noise = part.to(self.device), torch.randn(len(part), self._noise, generator=generator)
            made = self.average.network(real, noise.to(self.device))
            found = (
                mixture_surprise(real, made[:, :CHANNELS]).mean() / 3,
                made[:, CHANNELS].mean() / 3,
                (mixture_mean(made[:, :CHANNELS]) - real).square().mean(),
            )
            sums = [total + float(value) * len(part) for total, value in zip(sums, found)]
        likelihood, divergence, error = (total / len(images) for total in sums)
        bits = math.log(2)
        return {BOUND: (likelihood + divergence) / bits, DIVERGENCE: divergence / bits, ERROR: error}

    def samples(self, count: int) -> Tensor:
        """See `Objective.samples`: mean images of codes from the prior."""
        return draw(Prior(self.measured()), (self._noise,), count, self.seed, "samples")

    @torch.no_grad()
    def picture(self) -> Tensor:
        """See `Objective.picture`: held-out images, what is made of them, and images from the prior."""
        true = to_unit(self._held_out[:SIDE])
        noise = torch.zeros(len(true), self._noise, device=self.device)
        made = mixture_mean(self.measured()(true.to(self.device), noise)[:, :CHANNELS])
        drawn = draw(Prior(self.measured()), (self._noise,), SIDE * DRAWN, self.seed, "picture")
        return torch.cat([seen(true), seen(made).cpu(), drawn]).view(2 + DRAWN, SIDE, *true.shape[1:])


@task("hierarchical-autoencoding")
class HierarchicalAutoencoding(Autoencoding):
    """From images to codes at every resolution and back, and so from noise to images."""

    title = "autoencoding"
    takes = ("images and noise",)
    smallest = 1
    presets = {
        "vdvae-short": HierarchicalRecipe(
            steps=300, batch=32, generator_rate=2e-3, average=0.98, warm_up=30, clip=1.0
        ),
    }  # fmt: skip

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of what a network is given: what it puts out are mixtures."""
        return self.space.input_shape

    def objective(self, code: str, seed: int, times: int = 1) -> HierarchicalObjective:
        recipe, network = self.recipe_of(times), untrained(self.space, code, seed)
        assert isinstance(recipe, HierarchicalRecipe) and isinstance(network, VDVAE)
        images, held_out = map(self.of_channels, (self.images, self.held_out))
        return HierarchicalObjective(network, images, held_out, recipe, seed=seed, device=self.settings.device)

    def outputs(self, generator: nn.Module, seed: int) -> Tensor:
        assert isinstance(generator, VDVAE)
        return draw(Prior(generator), (generator.noise_size,), self.samples, seed, "samples")
