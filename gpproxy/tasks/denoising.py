"""Denoising: a network learns to take noise of every level off images, and draws images by doing so step by step.

In: TrainingSettings of a space whose generators take noisy images. Out: the task `denoising` with its recipes `edm`,
the published one for CIFAR-10 (Karras et al., 2022, table 7), and `edm-short`, for many small trainings.

The first measure is the weighted loss on held-out images at eight fixed levels, with the same noise for every network:
it needs no sampling and no feature network, and repeats much better than a distance between images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gpproxy.images.image_set import seen, to_unit
from gpproxy.search_spaces.edm import drawn_levels, ladder, noisy_batch
from gpproxy.seeds import numbered
from gpproxy.tasks.drawing import DrawingTask
from gpproxy.tasks.heun import sample
from gpproxy.tasks.loss_objective import LossObjective, LossRecipe
from gpproxy.tasks.registry import task
from gpproxy.training.architecture import untrained
from gpproxy.training.draw import noise_batches

#: The measure that chooses the best check; at one level it is called `denoising loss@0.048`.
LOSS = "denoising loss"
#: Rows and columns of the picture; held-out images that are denoised at once.
SIDE, CHUNK = 8, 128


@dataclass(frozen=True)
class DenoisingRecipe(LossRecipe):
    """How a denoising network is trained.

    Attributes:
        zero_ends: whether the last layer of every branch begins at 0.
        held_out: images on which the loss is measured, each at every level of the ladder.
        sampler_steps: of Heun's method where images are drawn; it calls the network twice as often, less one.
    """

    chosen_by_loss: ClassVar[bool] = True

    zero_ends: bool = True
    held_out: int = 256
    sampler_steps: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._least(held_out=1, sampler_steps=1)


class Denoiser(LossObjective):
    """One denoising network.

    Args:
        network: F of `gpproxy.search_spaces.edm`.
        images: what it learns from, uint8 `sample x channel x height x width`, with the channels of the network.
        held_out: what its loss is measured on, of the same shape.
        recipe: how to train.
        seed: of all that is random in the training; what is measured does not depend on it.
        device: where everything is computed and kept.
    """

    recipe: DenoisingRecipe
    loss_name = "denoising"

    def __init__(
        self,
        network: nn.Module,
        images: Tensor,
        held_out: Tensor,
        recipe: DenoisingRecipe,
        *,
        seed: int,
        device: torch.device | str = "cpu",
    ):
        zero_ends_ = getattr(network, "zero_ends_", None)
        if recipe.zero_ends and zero_ends_ is not None:
            zero_ends_()
        super().__init__(network, recipe, seed=seed, device=device)
        self.images, self._held_out = images.to(self.device), held_out

    def loss(self) -> Tensor:
        """The weighted loss of a batch of images at noise levels as they are drawn in a training."""
        real = self.drawn_from(self.images)
        noise = torch.randn(real.shape, device=self.device, generator=self.random)
        batch = noisy_batch(real, drawn_levels(len(real), self.random), noise)
        return (batch.call(self.generator) - batch.answers).square().mean()

    @torch.no_grad()
    def held_out_losses(self) -> Mapping[str, float]:
        """The loss of the averaged network on the held-out images, over all levels and at each of them."""
        generator = numbered(0)
        images = to_unit(self._held_out[: self.recipe.held_out])
        levels = ladder()
        sums = [0.0] * len(levels)
        for part in images.split(CHUNK):
            for index, level in enumerate(levels):
                noise = torch.randn(part.shape, generator=generator)
                batch = noisy_batch(part, level.expand(len(part)), noise).to(self.device)
                found = batch.call(self.average.network)
                sums[index] += float((found - batch.answers).square().mean((1, 2, 3)).sum())
        means = [total / len(images) for total in sums]
        told = {f"{LOSS}@{level:.3g}": mean for level, mean in zip(levels.tolist(), means)}
        return {LOSS: sum(means) / len(means), **told}

    def samples(self, count: int) -> Tensor:
        """See `Objective.samples`."""
        return drawn(self.measured(), self._shape, count, self.recipe.sampler_steps, self.seed, "samples")

    def picture(self) -> Tensor:
        """See `Objective.picture`."""
        count = SIDE * SIDE
        images = drawn(self.measured(), self._shape, count, self.recipe.sampler_steps, self.seed, "picture")
        return images.view(SIDE, SIDE, *images.shape[1:])

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(self.images.shape[1:])


def drawn(network: nn.Module, shape: tuple[int, ...], count: int, steps: int, *parts: object) -> Tensor:
    """Images of a denoising network: uint8 `sample x 3 x height x width`, on the CPU; see `draw`."""
    device = next(network.parameters()).device
    noises = noise_batches(shape, count, *parts)
    return torch.cat([seen(sample(network, noise.to(device), steps)).cpu() for noise in noises])


@task("denoising")
class Denoising(DrawingTask):
    """From noisy images to those without noise, and so from noise to images."""

    title = "denoising"
    takes = ("noisy images",)
    presets = {
        "edm-short": DenoisingRecipe(
            steps=200, batch=32, generator_rate=1e-3, average=0.98, warm_up=30, clip=1.0
        ),
        "edm": DenoisingRecipe(
            steps=390_625, batch=512, generator_rate=1e-3, average=0.9993, warm_up=19_531, held_out=2048,
            sampler_steps=18,
        ),
    }  # fmt: skip

    @property
    def main(self) -> str:
        """The loss, whatever measures images beside it."""
        return LOSS

    @cached_property
    def facts(self) -> dict[str, Any]:
        return {**super().facts, "noise_levels": [round(level, 4) for level in ladder().tolist()]}

    def objective(self, code: str, seed: int, times: int = 1) -> Denoiser:
        recipe = self.recipe_of(times)
        assert isinstance(recipe, DenoisingRecipe)
        network = untrained(self.space, code, seed)
        images, held_out = map(self.of_channels, (self.images, self.held_out))
        return Denoiser(network, images, held_out, recipe, seed=seed, device=self.settings.device)

    def outputs(self, generator: nn.Module, seed: int) -> Tensor:
        recipe = self.recipe
        assert isinstance(recipe, DenoisingRecipe)
        return drawn(generator, self.space.image_shape, self.samples, recipe.sampler_steps, seed, "samples")
