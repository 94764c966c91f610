"""Recipes of generators that translate images: what they have beside a Recipe, and their presets.

`pix2pix` and `cyclegan` are the published ones (Isola et al., 2017, section 3.3 and 6.2; Zhu et al., 2017, section 4);
`pix2pix-short` and `cyclegan-short` are for many small trainings. Importing the package adds them to `RECIPES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gpproxy.errors import ConfigError
from gpproxy.training.recipe import RECIPES, Recipe

#: Halvings that a PatchGAN may have.
LAYERS = range(1, 5)


@dataclass(frozen=True)
class TranslationRecipe(Recipe):
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
        for name, only in (("critic_steps", 1), ("growth", ()), ("share", True)):
            if getattr(self, name) != only:
                raise ConfigError(
                    f"A translation recipe has one discriminator update per step on the images of the generator "
                    f"update, so {name} is {only}, but got {getattr(self, name)}. Leave it out."
                )
        if self.discriminator_width < 1:
            raise ConfigError(f"A translation recipe has discriminator_width >= 1, but got {self.discriminator_width}.")
        if self.discriminator_layers not in LAYERS:
            raise ConfigError(
                f"discriminator_layers of a recipe is {LAYERS[0]} to {LAYERS[-1]}, but got {self.discriminator_layers}."
            )


@dataclass(frozen=True)
class PairedRecipe(TranslationRecipe):
    """How a generator learns from pairs.

    Attributes:
        reconstruction: weight of the mean absolute difference from the target, beside the adversarial loss.
    """

    reconstruction: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _not_negative(self, "reconstruction")


@dataclass(frozen=True)
class CycleRecipe(TranslationRecipe):
    """How two generators, there and back, learn without pairs.

    Attributes:
        cycle: weight of the mean absolute difference between an image and its way there and back.
        identity: weight, times `cycle`, of what a generator changes in an image of the kind that it makes; 0 saves the
            pass.
        pool: generated images that are kept, so that the discriminator sees earlier ones too; 0 keeps none.
    """

    cycle: float = 10.0
    identity: float = 0.5
    pool: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        _not_negative(self, "cycle", "identity", "pool")


def _not_negative(recipe: Recipe, *names: str) -> None:
    for name in names:
        if getattr(recipe, name) < 0:
            raise ConfigError(f"{name} >= 0 must hold in a recipe, but got {name}={getattr(recipe, name)}.")


def _presets() -> dict[str, Recipe]:
    # A discriminator that has won leaves the other losses to learn from, so its loss ends no training.
    published: dict[str, Any] = {
        "batch": 1, "generator_rate": 2e-4, "discriminator_rate": 2e-4, "beta1": 0.5, "beta2": 0.999, "decay": "late",
        "average": 0.0, "augment": (), "discriminator_width": 64, "collapse_loss": 0.0, "collapse_spread": 0.001,
    }  # fmt: skip
    # Higher rates than published, because a small budget ends before low ones have changed much.
    short = {
        **published,
        **{"steps": 900, "batch": 2, "generator_rate": 1e-3, "discriminator_rate": 4e-4, "decay": "linear"},
        **{"average": 0.99, "discriminator_width": 16},
    }
    # 200 passes over the 400 pairs of facades, and over the 1,334 zebras of horse2zebra.
    return {
        "pix2pix": PairedRecipe(**{**published, "steps": 80_000, "loss": "vanilla"}),
        "pix2pix-short": PairedRecipe(**{**short, "loss": "hinge"}),
        "cyclegan": CycleRecipe(**{**published, "steps": 266_800, "loss": "least-squares", "recalibrate": 0}),
        "cyclegan-short": CycleRecipe(**{**short, "loss": "least-squares"}),
    }


RECIPES.update(_presets())
