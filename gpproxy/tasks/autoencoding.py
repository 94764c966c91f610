"""Variational autoencoding: a generator of noise learns to draw images from the codes that an encoder gives them.

In: TrainingSettings of a space whose generators draw from noise: they are the decoders, as they are. Out: the task
`autoencoding` with its recipe `vae-short`. The encoder is a small convolutional one, the same for all of them.

The first measure is the negative evidence lower bound on held-out images in bits per dimension; how near the
reconstructions come and how much the codes say stand beside it, and so does the distance of images drawn from plain
noise, where features are compared. The two ask for different things, how well a decoder fits and how well it fits what
the prior sends it, and rank generators differently.
Source: Kingma & Welling (2014); Higgins et al. (2017) for the weight of the divergence.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError
from gpproxy.images.image_set import to_unit
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.mixture import logistic_surprise
from gpproxy.seeds import reseed
from gpproxy.tasks.bound import BOUND, DIVERGENCE, BoundObjective, BoundRecipe
from gpproxy.tasks.drawing import DrawingTask
from gpproxy.tasks.registry import task
from gpproxy.training.architecture import untrained
from gpproxy.training.draw import draw, noise_batches
from gpproxy.training.objective import Objective
from gpproxy.training.outcome import Outcome
from gpproxy.training.recalibrate import recalibrate
from gpproxy.training.recipe import one_of

#: Divergence in bits per dimension below which the codes say nothing: the posterior has collapsed.
COLLAPSED = 0.02
#: Log scale of the logistic at the start.
SCALE = -2.0
LIKELIHOODS = ("logistic", "gaussian")


@dataclass(frozen=True)
class AutoencodingRecipe(BoundRecipe):
    """How an encoder and a decoder learn together.

    Attributes:
        likelihood: logistic, discretised with a learned scale per channel (Kingma et al., 2016), or gaussian with the
            best variance of each batch.
        recalibrate: batches that set the BatchNorm statistics before anything is measured; 0 keeps the averaged ones.
    """

    likelihood: str = "logistic"
    rise: int = 100
    recalibrate: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        self._least(recalibrate=0)
        one_of("likelihood", self.likelihood, LIKELIHOODS)


class Autoencoder(nn.Module):
    """An encoder before a generator, and the scale of what the generator leaves open.

    Args:
        decoder: from codes, `sample x latent`, to images in [-1, 1].
        shape: of an image, `channel x height x width`, height and width multiples of 4.
        latent: size of a code.
    """

    def __init__(self, decoder: nn.Module, shape: tuple[int, ...], latent: int):
        super().__init__()
        channels, height, width = shape
        self.decoder = decoder
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(64, 64, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * (height // 4) * (width // 4), 2 * latent),
        )  # fmt: skip
        self.log_scale = nn.Parameter(torch.full((channels, 1, 1), SCALE))

    def initialise_(self, generator: torch.Generator) -> None:
        """See `gpproxy.search_spaces.initialise.materialise`."""
        nn.init.constant_(self.log_scale, SCALE)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the codes of images, both `sample x latent`."""
        mean, log_variance = self.encoder(images).chunk(2, 1)
        return mean, log_variance.clamp(-10, 5)

    def codes(self, images: Tensor, noise: Tensor) -> Tensor:
        """Codes of images, drawn by standard normal noise of their shape."""
        mean, log_variance = self.encode(images)
        return mean + (log_variance / 2).exp() * noise

    def forward(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstructions, and the divergence of each image's code from the prior in nats, `sample`."""
        mean, log_variance = self.encode(images)
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return self.decoder(mean + (log_variance / 2).exp() * noise), divergence

    def surprise(self, images: Tensor, made: Tensor, likelihood: str) -> Tensor:
        """Negative log likelihood of 8-bit images under what was made of them: nats per dimension, a mean over all."""
        if likelihood == "gaussian":
            # With the best shared variance, the mean squared error, in units of grey values.
            error = (made - images).square().mean().clamp_min(1e-10)
            return math.log(127.5) + 0.5 * (2 * math.pi * math.e * error).log()
        return logistic_surprise(images, made, self.log_scale).mean()


class VariationalObjective(BoundObjective):
    """An encoder and a decoder, an `Autoencoder`; see BoundObjective."""

    recipe: AutoencodingRecipe

    def reconstruct(self, network: nn.Module, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        made, divergence = network(images, noise)
        return network.surprise(images, made, self.recipe.likelihood), divergence, made  # type: ignore[operator]

    def encoding(self) -> nn.Module:
        return self._recalibrated("posterior")

    def measured(self) -> nn.Module:
        """The averaged decoder as it draws from noise."""
        return self._recalibrated("prior").decoder

    def _recalibrated(self, codes: str) -> Any:
        """A copy of the averaged networks, the decoder's BatchNorm statistics those of codes of either kind."""
        network, recipe = copy.deepcopy(self.average.network), self.recipe
        if recipe.recalibrate:
            count = recipe.recalibrate * recipe.batch
            noises = noise_batches(self.latent, count, self.seed, "recalibrate", batch=recipe.batch)
            recalibrate(network.decoder, self._codes(network, noises, codes))  # type: ignore[arg-type]
        return network

    def _codes(self, network: nn.Module, noises: Iterator[Tensor], codes: str) -> Iterator[Tensor]:
        for index, noise in enumerate(noises):
            noise = noise.to(self.device)
            if codes == "prior":
                yield noise
                continue
            places = torch.arange(index * len(noise), (index + 1) * len(noise)) % len(self.images)
            yield network.codes(to_unit(self.images[places.to(self.device)]), noise)  # type: ignore[operator]


@task("autoencoding")
class Autoencoding(DrawingTask):
    """From images to codes and back, and so from noise to images."""

    title = "autoencoding"
    takes = ("noise",)
    #: which the encoder halves twice
    smallest = 4
    pictured = "First row: held-out images; second: what is made of them; below: images from plain noise."
    presets = {"vae-short": AutoencodingRecipe(steps=300, batch=64, generator_rate=2e-3, average=0.98, clip=1.0)}

    @property
    def main(self) -> str:
        """The bound, whatever measures images beside it."""
        return BOUND

    def objective(self, code: str, seed: int, times: int = 1) -> Objective:
        recipe, space = self.recipe_of(times), self.space
        assert isinstance(recipe, AutoencodingRecipe)
        shape, (latent, *more) = space.image_shape, space.input_shape
        if more or shape[1] % 4 or shape[2] % 4:
            raise ConfigError(
                f"The decoders of an autoencoder draw images whose sides are multiples of 4 from vectors, but those of "
                f"{space.name} draw {' x '.join(map(str, shape))} from {' x '.join(map(str, space.input_shape))}. "
                "Choose another space or resolution."
            )
        with torch.device("meta"):
            frame = Autoencoder(nn.Identity(), shape, latent)
        network = materialise(frame, reseed(torch.Generator(), seed, "encoder"))
        assert isinstance(network, Autoencoder)
        network.decoder = untrained(space, code, seed)
        images, held_out = map(self.of_channels, (self.images, self.held_out))
        device = self.settings.device
        return VariationalObjective(network, images, held_out, space.input_shape, recipe, seed=seed, device=device)

    def outputs(self, generator: nn.Module, seed: int) -> Tensor:
        return draw(generator, self.space.input_shape, self.samples, seed, "samples")

    def remarks(self, found: Outcome) -> Iterator[str]:
        best = found.best
        if best is not None and best.measures.get(DIVERGENCE, math.inf) < COLLAPSED:
            yield (
                f"The posterior has collapsed: codes hold {best.measures[DIVERGENCE]:.3g} bits per dimension, under "
                f"{COLLAPSED:g}, so the decoder draws without them. Lower the divergence, or let it rise more slowly."
            )
