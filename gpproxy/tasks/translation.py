"""What the tasks of generators that translate images share: recipes, data, measures.

In: TrainingSettings whose recipe is one for translations. Out: the base of the tasks `paired` and `unpaired`. Outputs
for held-out images are measured, against their targets too where there are any.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError
from gpproxy.images.image_set import CHANNELS, ImageSet, Size, pixels, seen, to_unit
from gpproxy.images.translation import Translation, load_translation
from gpproxy.quality.fidelity import fidelity
from gpproxy.quality.measure import Quality
from gpproxy.quality.translation import DISSIMILARITY, translation_measure
from gpproxy.search_spaces.space import SearchSpace
from gpproxy.tasks.task import Task
from gpproxy.training.dry_run import DryRun
from gpproxy.training.loop import Measure
from gpproxy.training.patch_discriminator import smallest_side
from gpproxy.training.recipe import AdversarialRecipe

#: Images that are translated at once where they are measured, and rows of the picture.
CHUNK, ROWS = 32, 6
#: Halvings that a PatchGAN may have.
LAYERS = range(1, 5)


@dataclass(frozen=True)
class TranslationRecipe(AdversarialRecipe):
    """How a generator of translations is trained: one discriminator update per step, on the images of that step.

    Attributes:
        discriminator_layers: halvings of the PatchGAN; three see patches of 70 pixels.
        jitter: enlarge images by an eighth and crop a random part of them.
    """

    discriminator_layers: int = 3
    jitter: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "critic_batch", self.batch)
        super().__post_init__()
        for name, only in (
            ("critic_steps", 1),
            ("growth", ()),
            ("share", True),
            ("gradient_penalty", 0.0),
            ("spectral_norm", True),
        ):
            if getattr(self, name) != only:
                raise ConfigError(
                    f"A translation recipe has one discriminator update per step, on the images of the generator "
                    f"update and without a penalty, so {name} is {only}, but got {getattr(self, name)}. Leave it out."
                )
        if self.loss in ("wasserstein", "relativistic"):
            raise ConfigError(
                f"A translation recipe has the loss hinge, vanilla or least-squares, but got loss={self.loss}."
            )
        if self.discriminator_width < 1:
            raise ConfigError(f"A translation recipe has discriminator_width >= 1, but got {self.discriminator_width}.")
        if self.discriminator_layers not in LAYERS:
            raise ConfigError(
                f"discriminator_layers of a recipe is {LAYERS[0]} to {LAYERS[-1]}, but got {self.discriminator_layers}."
            )


def not_negative(recipe: AdversarialRecipe, *names: str) -> None:
    """Raises ConfigError where a value of a recipe is below 0."""
    for name in names:
        if getattr(recipe, name) < 0:
            raise ConfigError(f"{name} >= 0 must hold in a recipe, but got {name}={getattr(recipe, name)}.")


#: What the published recipes have in common (Isola et al., 2017, sections 3.3 and 6.2; Zhu et al., 2017, section 4). A
#: discriminator that has won leaves the other losses to learn from, so its loss ends no training.
PUBLISHED: dict[str, Any] = {
    "batch": 1, "generator_rate": 2e-4, "discriminator_rate": 2e-4, "beta1": 0.5, "beta2": 0.999, "decay": "late",
    "average": 0.0, "augment": (), "discriminator_width": 64, "collapse_loss": 0.0, "collapse_spread": 0.001,
}  # fmt: skip
#: Higher rates than published, because a small budget ends before low ones have changed much.
SHORT: dict[str, Any] = {
    **PUBLISHED,
    **{"steps": 900, "batch": 2, "generator_rate": 1e-3, "discriminator_rate": 4e-4, "decay": "linear"},
    **{"average": 0.99, "discriminator_width": 16},
}


class TranslationTask(Task):
    """From images to images. The split of the settings is what is translated and measured."""

    #: whether targets belong to inputs
    paired: ClassVar[bool]

    @cached_property
    def images(self) -> Translation:
        """What is learnt from, and the held-out images, at the size of the space."""
        settings = self.settings
        check_shapes(self.space, self.paired)
        channels, height, width = self.space.image_shape
        return load_translation(
            settings.data,
            self.paired,
            split=settings.split,
            resolution=(height, width),
            folder=settings.data_folder or None,
            direction=settings.direction,
            limit=settings.limit or None,
            channels=(3 if self.space.takes == "labels" else self.space.input_shape[0], channels),
        )

    @cached_property
    def encode(self) -> Callable[[Tensor], Tensor]:
        """What makes the input of a generator of images, uint8 `sample x channel x height x width`, on any device."""
        return unit_of(self.space.input_shape[0])

    def real(self) -> ImageSet:
        return self.images.real()

    @property
    def samples(self) -> int:
        """Held-out images that are measured."""
        return min(self.settings.samples, len(self.images.held_out.inputs))

    @property
    def main(self) -> str:
        """The Fréchet distance, DSSIM without an extractor; empty where there are no targets either."""
        return self.distance or (DISSIMILARITY if self.paired else "")

    @cached_property
    def measure(self) -> Measure | None:
        if not self.main:
            return None
        return translation_measure(self.images, self.extractor, self.reference if self.extractor else None)

    @property
    def measured_on(self) -> str:
        return f"{self.images.name}/{self.images.held_out.split}"

    @property
    def words(self) -> dict[str, str]:
        known = super().words
        measured = f"measured on {self.samples} images of the {self.settings.split} split"
        return {**known, "data": f"{known['data']}, {measured}"}

    @torch.no_grad()
    def outputs(self, generator: nn.Module, seed: int) -> Tensor:
        parts = self.images.held_out.inputs[: self.samples].split(CHUNK)
        return torch.cat([seen(generator(self.encode(part.to(self.settings.device)))).cpu() for part in parts])

    def measured(self, images: Tensor) -> Quality:
        found = super().measured(images)
        if self.images.targets is not None:
            near = fidelity(images, self.images.targets[: self.samples])
            found = replace(found, values={**found.values, **near.values}, errors={**found.errors, **near.errors})
        return found

    def dry_run(self, code: str, seed: int = 0) -> DryRun:
        """As of every training; spaces may count MACs at their published resolution, here they are of this one."""
        found, made, described = super().dry_run(code, seed), self.space.image_shape, self.space.described_shape
        return replace(found, macs=found.macs * math.prod(made[1:]) / math.prod(described[1:]))


def check_shapes(space: SearchSpace, paired: bool) -> None:
    """Raises ConfigError for generators that do not translate images into images of the same size.

    Without pairs they have the same channels too, since one generator takes what the other makes.
    """
    made, taken = space.image_shape, space.input_shape
    for what, shape in (("make", made), ("take", taken)):
        channels = len(shape) == 3 and (shape[0] in CHANNELS or (space.takes == "labels" and what == "take"))
        if not channels:
            raise ConfigError(
                f"The generators of {space.name} {what} {' x '.join(map(str, shape))}, and a training of translations "
                "has images: channel x height x width, 1 channel for grey, 3 for RGB or 4 for RGBA. Let the space's "
                f"generators {what} such images."
            )
    if taken[1:] != made[1:] or (not paired and taken != made):
        rule = "both of one size" if paired else "both of one size and with the same channels"
        raise ConfigError(
            f"The generators of {space.name} take images of {' x '.join(map(str, taken))} and make images of "
            f"{' x '.join(map(str, made))}, but a training of {'pairs' if paired else 'translations without pairs'} "
            f"has inputs and outputs {rule}. Choose such a space."
        )


def check_size(size: Size, recipe: TranslationRecipe) -> None:
    """Raises ConfigError for images that are too small for the discriminator of a recipe."""
    least = smallest_side(recipe.discriminator_layers)
    if min(size) < least:
        raise ConfigError(
            f"A discriminator of {recipe.discriminator_layers} layers takes images of {least} pixels a side or more, "
            f"but these have {pixels(size)}. Choose a larger resolution, or fewer discriminator_layers."
        )


def unit_of(channels: int) -> Callable[[Tensor], Tensor]:
    """What makes images in [-1, 1] of so many channels out of bytes; of one for grey, which the bytes have in three."""
    return lambda images: to_unit(images[:, :channels])
