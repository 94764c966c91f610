"""Class-conditional generation: a generator that is told a class against a discriminator that is told it too.

In: TrainingSettings of a space whose generators take noise and classes, and a data set with labels. Out: the task
`class-conditional` with its recipe `class-short`. Images are measured as those of unconditional generators are, as many
of every class.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError
from gpproxy.images.image_set import in_colour, to_unit
from gpproxy.seeds import reseed
from gpproxy.tasks.discriminator import untrained_discriminator
from gpproxy.tasks.registry import task
from gpproxy.tasks.unconditional import SIDE, Adversarial, Unconditional, refuse_other_shapes
from gpproxy.training.architecture import untrained
from gpproxy.training.augment import augment, flip
from gpproxy.training.draw import draw
from gpproxy.training.recipe import AdversarialRecipe


class EveryClass(nn.Module):
    """A generator of classes as one of noise: image `i` of a batch is of class `i` modulo their number."""

    def __init__(self, network: nn.Module, classes: int):
        super().__init__()
        self.network, self.classes = network, classes

    def forward(self, noise: Tensor) -> Tensor:
        return self.network(noise, torch.arange(len(noise), device=noise.device) % self.classes)


class ClassAdversarial(Adversarial):
    """A generator and a discriminator that are told classes.

    Args:
        labels: class of every real image, int64 `sample`.
        classes: how many there are.
        others: those of Adversarial.
    """

    def __init__(self, *others: Any, labels: Tensor, classes: int, **more: Any):
        super().__init__(*others, **more)
        zero_ends_ = getattr(self.generator, "zero_ends_", None)
        if zero_ends_ is not None:
            zero_ends_()
            self.average.network.load_state_dict(self.generator.state_dict())
        self.labels, self.classes = labels.to(self.device), classes
        #: classes of the images that were drawn last, and of the real ones
        self._drawn = self._real = self.labels[:0]

    def _fakes(self, count: int) -> Tensor:
        noise = torch.randn(count, *self.shape, device=self.device, generator=self.random)
        self._drawn = torch.randint(self.classes, (count,), device=self.device, generator=self.random)
        return in_colour(self.generator(noise, self._drawn))

    def _reals(self, count: int) -> Tensor:
        chosen = torch.randint(len(self.images), (count,), device=self.device, generator=self.random)
        self._real = self.labels[chosen]
        images = self.images[chosen]
        return to_unit(flip(images, self.random) if self.recipe.flip else images)

    def _judged(self, images: Tensor, kind: str = "drawn") -> Tensor:
        told = {"drawn": self._drawn, "real": self._real, "both": torch.cat([self._real, self._drawn])}[kind]
        seen = augment(images, self.recipe.augment, self.random)
        return self.discriminator(seen.contiguous(memory_format=torch.channels_last), self.stage, told)

    def of_noise(self, network: nn.Module) -> nn.Module:
        return EveryClass(network, self.classes)

    def picture(self) -> Tensor:
        """A column for each of the first classes."""
        columns = min(self.classes, SIDE)
        network = EveryClass(self.measured(), columns)
        images = draw(network, self.shape, columns * SIDE, self.seed, "picture")
        return images.view(SIDE, columns, *images.shape[1:])


@task("class-conditional")
class ClassConditional(Unconditional):
    """From noise and a class to images like those of the class."""

    title = "class-conditional generation"
    takes = ("noise and classes",)
    pictured = "A column for each of the first classes."
    presets = {"class-short": AdversarialRecipe()}
    widths = {}

    @property
    def classes(self) -> int:
        """How many the generators of the space are told. Raises ConfigError where the data set has no such labels."""
        told, images = self.space.classes, self.images
        if images.labels is None:
            raise ConfigError(
                f"The generators of {self.space.name} are told classes, but {images.name}/{images.split} has no "
                "labels. Choose a data set with labels, such as cifar10."
            )
        highest = int(images.labels.max()) + 1
        if highest > told:
            raise ConfigError(
                f"{images.name} has {highest} classes, but the generators of {self.space.name} are told {told}. Set "
                f"--space-settings classes={highest}, or give a space of your own as many."
            )
        return told

    def objective(self, code: str, seed: int, times: int = 1) -> ClassAdversarial:
        recipe, images = self.recipe_of(times), self.images
        assert isinstance(recipe, AdversarialRecipe)
        classes = self.classes
        assert images.labels is not None
        generator = untrained(self.space, code, seed)
        refuse_other_shapes(self.space, code, generator, images)
        weights = reseed(torch.Generator(), seed, "discriminator")
        judge = untrained_discriminator(self.space, images, recipe, weights, classes)
        return ClassAdversarial(
            generator.train(),
            judge,
            images.images,
            recipe,
            noise=self.space.input_shape,
            seed=seed,
            device=self.settings.device,
            labels=images.labels,
            classes=classes,
        )

    def outputs(self, generator: nn.Module, seed: int) -> Tensor:
        return draw(EveryClass(generator, self.classes), self.space.input_shape, self.samples, seed, "samples")
