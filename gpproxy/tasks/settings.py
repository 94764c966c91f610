"""Settings of a training, whoever asks for it: which generators, what they learn from, how, and what measures them.

In: values of fields. Out: TrainingSettings, which `train` and `benchmark build` inherit and a Task takes.
What a continued training may change is `free`; everything else decides what is computed. Imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gpproxy.execution.devices import check_device_name
from gpproxy.run.groups import Extensions
from gpproxy.run.settings import Settings, is_folder, parse_settings, setting

DIRECTIONS = ("left-to-right", "right-to-left")


@dataclass(frozen=True)
class Generator:
    """What is trained.

    Attributes:
        space: search space of the architectures; those of the generators.
        width: channels of the generators; 0 takes the recipe's, or the space's own.
        resolution: side of the images in pixels; 0 takes the space's own.
        space_settings: setting of the search space, such as resolution=128.
    """

    space: str = setting("autogan")
    width: int = setting(0, least=0)
    resolution: int = setting(0, least=0)
    space_settings: tuple[str, ...] = setting((), pairs=True)


@dataclass(frozen=True)
class Data:
    """What is learnt from.

    Attributes:
        data: what is learnt from in a training; cifar10, stl10 (train and unlabeled, 105,000 images), shapes, or a
            folder or zip file of images; for translations facades, or a folder or zip file of side-by-side images in
            train/ and test/, or of images in trainA/, trainB/, testA/ and testB/.
        direction: which half of a side-by-side image is the input: left-to-right or right-to-left.
        limit: train with the first so many images; 0 takes all.
        data_folder: where the data set is; empty looks in the usual places.
        download: fetch missing data and weights.
    """

    data: str = setting("cifar10", path=is_folder)
    direction: Literal["left-to-right", "right-to-left"] = setting(DIRECTIONS[0], known=DIRECTIONS)
    limit: int = setting(0, least=0)
    data_folder: str = setting("", free=True, path=True)
    download: bool = setting(False, free=True)


@dataclass(frozen=True)
class Training:
    """How it is trained.

    Attributes:
        recipe: preset of the training; short, for small budgets, or autogan, the published one with its 256 channels;
            for translations pix2pix, cyclegan, pix2pix-short or cyclegan-short; for denoising edm or edm-short; for
            super-resolution sr or sr-short; for autoencoding vae-short or
            vdvae-short; for generators that are told a class class-short.
        steps: generator updates; 0 takes the recipe's.
        batch: images per update; 0 takes the recipe's.
        recipe_settings: value of the recipe, such as critic_steps=2.
    """

    recipe: str = setting("short")
    steps: int = setting(0, least=0)
    batch: int = setting(0, least=0)
    recipe_settings: tuple[str, ...] = setting((), pairs=True)


@dataclass(frozen=True)
class Measures:
    """What measures it.

    Attributes:
        extractor: network whose features measure the images: cifar, inception, or none.
        extractor_weights: file with its weights, where they are not shipped.
        samples: images that are measured at each check.
        split: real images that they are compared with; of translations, the images that are translated.
    """

    extractor: str = setting("cifar")
    extractor_weights: str = setting("", free=True, path=True)
    samples: int = setting(5000, least=20)
    split: str = setting("test")


@dataclass(frozen=True)
class Device:
    """What computes it.

    Attributes:
        device: where everything is computed; cpu, cuda, cuda:1, ...
    """

    device: str = setting("cpu", free=True, rule=check_device_name)


@dataclass(frozen=True)
class TrainingSettings(Extensions, Device, Measures, Training, Data, Generator, Settings):
    """Trains generators and measures how good their images are."""

    @property
    def recipe_changes(self) -> dict[str, Any]:
        """What differs from the preset, as `Recipe.changed` takes it."""
        flags = {name: getattr(self, name) for name in ("steps", "batch") if getattr(self, name)}
        return {**parse_settings(self.recipe_settings, "recipe_settings"), **flags}

    @property
    def space_changes(self) -> dict[str, Any]:
        """What differs from the space's own settings."""
        flags = {name: getattr(self, name) for name in ("width", "resolution") if getattr(self, name)}
        return {**parse_settings(self.space_settings), **flags}
