"""The discriminator that a recipe names: the one that grows, the simple one of EAGAN, or one of a space.

In: a space, real images, an adversarial recipe. Out: an untrained discriminator, ready to train.
"""

from __future__ import annotations

import torch

from gpproxy.errors import ConfigError
from gpproxy.images.image_set import ImageSet
from gpproxy.search_spaces.check import make_space
from gpproxy.search_spaces.discriminator import Discriminator, Ungrown, discriminator
from gpproxy.search_spaces.simple_discriminator import simple_discriminator
from gpproxy.search_spaces.space import SearchSpace
from gpproxy.training.architecture import code_of
from gpproxy.training.recipe import GROWN, SIMPLE, AdversarialRecipe

#: Where the other discriminators come from.
SPACE = "eagan-discriminator"


def untrained_discriminator(
    space: SearchSpace, images: ImageSet, recipe: AdversarialRecipe, generator: torch.Generator, classes: int = 0
) -> Discriminator | Ungrown:
    """The discriminator of a recipe for generators of a space, told so many classes.

    Args:
        generator: of all its randomness.

    Raises ConfigError for one that is not told classes or does not take such images, SpaceError for an unknown one.
    """
    channels, height, width = images.images.shape[1:]
    own = recipe.discriminator_width or space.matching_width
    if recipe.discriminator == GROWN:
        return discriminator(own, generator, channels, classes, normalised=recipe.spectral_norm)
    if classes or height != width:
        raise ConfigError(
            f"discriminator={recipe.discriminator} judges square images and is told no classes. Leave it at {GROWN}."
        )
    if recipe.discriminator == SIMPLE:
        return Ungrown(simple_discriminator(own, channels, height, generator), apart=True)
    if channels != 3:
        raise ConfigError(
            f"The discriminators of {SPACE} judge images of three channels, but these have {channels}. Leave "
            f"discriminator at {GROWN}."
        )
    known = make_space(SPACE, {"width": own, "resolution": height})
    return Ungrown(known.build(known.decode(code_of(known, recipe.discriminator)), generator))
