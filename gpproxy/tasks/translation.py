"""The objective of a generator that translates images: pix2pix or CycleGAN, by its recipe.

In: a space, a code, a Translation, a recipe and a seed. Out: a Paired or a Cycle objective, untrained.
"""

from __future__ import annotations

import torch
from torch import nn

from gpproxy.errors import ConfigError
from gpproxy.images.paired import PairedSet
from gpproxy.images.translation import Translation
from gpproxy.images.unpaired import UnpairedSet
from gpproxy.search_spaces.space import SearchSpace
from gpproxy.seeds import numbered, reseed
from gpproxy.tasks.paired import Paired
from gpproxy.tasks.translation_recipe import CycleRecipe, PairedRecipe, TranslationRecipe
from gpproxy.tasks.unpaired import Cycle
from gpproxy.training.patch_discriminator import smallest_side


def takes_images(space: SearchSpace) -> bool:
    """Whether the generators of a space translate images; others draw from noise."""
    return space.inputs(2, numbered(0)).ndim == 4


def translation_objective(
    space: SearchSpace, code: str, data: Translation, recipe: TranslationRecipe, seed: int, device: str = "cpu"
) -> Paired | Cycle:
    """The untrained networks of an architecture, ready to train.

    Raises ConfigError: space, recipe and data do not fit each other. Raises SpaceError for a code of another space.
    """
    if not takes_images(space):
        raise ConfigError(f"The generators of {space.name} draw from noise. Choose a recipe for that, such as short.")
    shape = tuple(space.inputs(2, numbered(0)).shape[1:])
    if shape != tuple(data.learn.inputs.shape[1:]):
        raise ConfigError(
            f"The generators of {space.name} take images of {' x '.join(map(str, shape))} with these settings, but "
            f"{data.name} has 3 x {data.side} x {data.side}. Set the resolution of both to the same."
        )
    least = smallest_side(recipe.discriminator_layers)
    if data.side < least:
        raise ConfigError(
            f"A discriminator of {recipe.discriminator_layers} layers takes images of {least} pixels a side or more, "
            f"but {data.name} has {data.side}. Choose a larger resolution, or fewer discriminator_layers."
        )
    if data.paired != isinstance(recipe, PairedRecipe):
        wanted, given = ("pairs", "unpaired images") if not data.paired else ("unpaired images", "pairs")
        raise ConfigError(f"This recipe learns from {wanted}, but {data.name} was read as {given}.")

    def network(name: str) -> nn.Module:
        return space.build(space.decode(code), reseed(torch.Generator(), seed, name)).train()

    if isinstance(recipe, PairedRecipe):
        assert isinstance(data.learn, PairedSet) and isinstance(data.held_out, PairedSet)
        return Paired(network("generator"), data.learn, data.held_out, recipe, seed=seed, device=device)
    assert isinstance(recipe, CycleRecipe)
    assert isinstance(data.learn, UnpairedSet) and isinstance(data.held_out, UnpairedSet)
    both = network("generator"), network("generator back")
    return Cycle(*both, data.learn, data.held_out, recipe, seed=seed, device=device)
