"""Trains one architecture of a space: from noise to images like those of a data set, or from images to images.

In: a space, a code, images or a translation, a recipe, a seed. Out: Progress, and a folder as `gpproxy.training.loop`
fills it. Equal arguments give equal weights.

    for progress in train(space, code, load("cifar10"), recipe("short"), seed=0, folder=Path("runs/a"), ...):
        print(progress.step, progress.losses)
    print(outcome("runs/a").value)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from gpproxy.errors import ConfigError
from gpproxy.execution.memory import keep_freed_memory
from gpproxy.images.image_set import ImageSet
from gpproxy.images.translation import Translation
from gpproxy.search_spaces.discriminator import discriminator
from gpproxy.search_spaces.space import SearchSpace
from gpproxy.seeds import numbered, reseed
from gpproxy.tasks.paired import Paired
from gpproxy.tasks.translation import translation_objective
from gpproxy.tasks.translation_recipe import TranslationRecipe
from gpproxy.tasks.unconditional import Adversarial
from gpproxy.tasks.unpaired import Cycle
from gpproxy.training.cuda_graph import Captured
from gpproxy.training.loop import Measure, train_loop
from gpproxy.training.objective import Objective
from gpproxy.training.outcome import Progress
from gpproxy.training.recipe import Recipe


def train(
    space: SearchSpace,
    architecture_code: str,
    images: ImageSet | Translation,
    recipe: Recipe,
    *,
    seed: int,
    folder: Path,
    device: str = "cpu",
    measure: Measure | None = None,
    samples: int = 5000,
    main: str = "",
    facts: Mapping[str, Any] | None = None,
    stop: Callable[[], bool] | None = None,
    captured: bool = True,
) -> Iterator[Progress]:
    """Trains an architecture, or goes on with the training in `folder`; see `loop.train_loop` for what is in there.

    Args:
        space: whose generators make images of the resolution of `images`.
        architecture_code: in the notation of the space.
        images: what is learnt from; a Translation with a recipe for translations.
        recipe: how.
        seed: of the weights, the noise and the order of the images.
        folder: of this training alone.
        device: cpu, cuda, cuda:1, ...
        measure: from generated images, uint8, to numbers; None measures nothing.
        samples: images that are measured at each check.
        main: the number that chooses the best check; lower is better.
        facts: what a measured number belongs to, see `loop.train_loop`.
        stop: asked after each step; true saves the state and ends the iteration.
        captured: on a CUDA device, run the steps as a graph on a stream of their own.

    Raises:
        SpaceError: the code is not one of the space.
        ConfigError: images and space have different resolutions, or space, recipe and images are not all for noise, or
            all for translations.
        RunError: the folder holds another training.
    """
    code = space.encode(space.decode(architecture_code))
    if torch.device(device).type == "cpu":
        keep_freed_memory()
    objective: Objective = new_objective(space, code, images, recipe, seed, device)
    if captured and torch.device(device).type == "cuda" and not isinstance(objective, Cycle):
        objective = Captured(objective)  # type: ignore[arg-type]
    about = about_training(space, code, images, recipe, seed, samples, main)
    yield from train_loop(
        objective,
        recipe,
        folder=folder,
        measure=measure,
        samples=samples,
        main=main,
        about=about,
        facts=facts or {},
        stop=stop,
    )


def new_objective(
    space: SearchSpace, code: str, images: ImageSet | Translation, recipe: Recipe, seed: int, device: str = "cpu"
) -> Adversarial | Paired | Cycle:
    """The untrained networks of an architecture, ready to train. Raises ConfigError and SpaceError, see `train`."""
    if isinstance(recipe, TranslationRecipe) and isinstance(images, Translation):
        return translation_objective(space, code, images, recipe, seed, device)
    if isinstance(recipe, TranslationRecipe) or isinstance(images, Translation):
        raise ConfigError(f"Recipes such as pix2pix take a Translation, and no other does; {images.name} does not fit.")
    noise = space.inputs(2, numbered(0))
    if noise.ndim != 2:
        raise ConfigError(
            f"The generators of {space.name} translate images, and this recipe draws from noise. Choose the recipe "
            "pix2pix or cyclegan."
        )
    generator = space.build(space.decode(code), reseed(torch.Generator(), seed, "generator"))
    with torch.no_grad():
        shape = tuple(generator.eval()(noise).shape[1:])
    if shape != tuple(images.images.shape[1:]):
        raise ConfigError(
            f"The generators of {space.name} draw images of {shape[-1]} pixels with these settings, but {images.name} "
            f"has {images.side}. Set the resolution of both to the same."
        )
    width = recipe.discriminator_width or int(getattr(space, "width", 64))
    judge = discriminator(width, reseed(torch.Generator(), seed, "discriminator"))
    return Adversarial(
        generator.train(), judge, images.images, recipe, noise=tuple(noise.shape[1:]), seed=seed, device=device
    )


def about_training(
    space: SearchSpace,
    code: str,
    images: ImageSet | Translation,
    recipe: Recipe,
    seed: int,
    samples: int,
    main: str,
) -> dict[str, Any]:
    """What decides a training, as JSON."""
    settings = {name: value for name, value in sorted(vars(space).items()) if not name.startswith("_")}
    return {
        "space": space.name,
        "space_settings": settings,
        "architecture": code,
        "images": images.name,
        "split": images.split,
        "images_digest": images.digest,
        "resolution": images.side,
        "recipe": recipe.to_json(),
        "seed": seed,
        "samples": samples,
        "main": main,
    }
