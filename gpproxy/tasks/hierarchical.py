"""Autoencoding with networks that bring their own encoder, codes at every resolution and their own likelihood.

In: TrainingSettings of a space whose generators take images and noise. Out: the task `hierarchical-autoencoding` with
its recipe `vdvae-short`. What is measured is what `gpproxy.tasks.autoencoding` measures.
Source: Child (2021); Kingma & Welling (2014).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from gpproxy.search_spaces.mixture import CHANNELS, mixture_mean, mixture_surprise
from gpproxy.search_spaces.vdvae_network import VDVAE
from gpproxy.tasks.autoencoding import Autoencoding
from gpproxy.tasks.bound import BoundObjective, BoundRecipe
from gpproxy.tasks.registry import task
from gpproxy.training.architecture import untrained
from gpproxy.training.draw import draw


@dataclass(frozen=True)
class HierarchicalRecipe(BoundRecipe):
    """How a hierarchical autoencoder learns.

    Attributes:
        zero_ends: whether the last layer of every prior begins at 0.
    """

    zero_ends: bool = True


class Prior(nn.Module):
    """The network as it draws from noise."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, noise: Tensor) -> Tensor:
        return self.network.draw(noise)  # type: ignore[operator]


class HierarchicalObjective(BoundObjective):
    """A network of `gpproxy.search_spaces.vdvae_network`; see BoundObjective."""

    def reconstruct(self, network: nn.Module, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        made = network(images, noise)
        mixture, divergence = made[:, :CHANNELS], made[:, CHANNELS]
        return mixture_surprise(images, mixture).mean() / 3, divergence.flatten(1).sum(1), mixture_mean(mixture)

    def drawing(self) -> nn.Module:
        return Prior(self.measured())


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
        if recipe.zero_ends:
            network.zero_ends_()
        latent, device = (network.noise_size,), self.settings.device
        return HierarchicalObjective(network, images, held_out, latent, recipe, seed=seed, device=device)

    def outputs(self, generator: nn.Module, seed: int) -> Tensor:
        assert isinstance(generator, VDVAE)
        return draw(Prior(generator), (generator.noise_size,), self.samples, seed, "samples")
