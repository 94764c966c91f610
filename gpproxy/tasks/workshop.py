"""What all trainings of a table share: the space, the images, the recipe, what measures, and where they lie.

In: a BuildConfig. Out: the training of any job. Opened as late as possible: nothing is loaded to list what is to do.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

import gpproxy
from gpproxy.benchmark.jobs import Job
from gpproxy.benchmark.settings import BuildConfig
from gpproxy.errors import ConfigError, RunError
from gpproxy.execution.devices import hardware
from gpproxy.images.image_set import ImageSet
from gpproxy.images.load import learnt_split, load
from gpproxy.registry import load_plugin
from gpproxy.search_spaces import SEARCH_SPACES, SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.tasks.gauge import Gauge, open_gauge
from gpproxy.tasks.train import train
from gpproxy.training.outcome import Progress
from gpproxy.training.recipe import RECIPES, Recipe, recipe

#: Facts that must stay as they are while a table grows.
FIXED = ("images_digest", "extractor_digest", "reference_digest")


class Workshop:
    """Trains the jobs of one table.

    Raises ConfigError for settings that the space or the recipe does not take.
    """

    def __init__(self, config: BuildConfig):
        self.config = config
        for plugin in config.plugins:
            load_plugin(plugin)
        self.recipe = recipe_of(config)
        self.space_settings = _space_settings(config)

    @cached_property
    def space(self) -> SearchSpace:
        return make_space(self.config.space, self.space_settings)

    @cached_property
    def images(self) -> ImageSet:
        """What is learnt from: the training split, of STL-10 with the unlabeled images."""
        config = self.config
        folder, split = config.data_folder or None, learnt_split(config.data)
        return load(config.data, split, resolution=config.resolution, folder=folder, download=config.download)

    @cached_property
    def gauge(self) -> Gauge:
        """What measures generated images."""
        return open_gauge(self.config)

    @property
    def samples(self) -> int:
        """Generated images per measurement."""
        return self.config.samples

    @property
    def words(self) -> Mapping[str, str]:
        """What the card says otherwise than that of a table of unconditional generators."""
        return {}

    def recipe_of(self, times: int) -> Recipe:
        """The recipe of trainings that take `times` as many steps."""
        return replace(self.recipe, steps=self.recipe.steps * times)

    def place(self, job: Job) -> Path:
        """The folder of a training."""
        return self.config.folder / "trainings" / job.name

    def train(self, job: Job, stop: Any) -> Iterator[Progress]:
        """Trains, or goes on; a training that is over has nothing to say."""
        yield from train(
            self.space,
            job.code,
            self.images,
            self.recipe_of(job.times),
            seed=job.seed,
            folder=self.place(job),
            device=self.config.device,
            measure=self.gauge.measure,
            samples=self.samples,
            main=self.gauge.main,
            facts=self.gauge.facts,
            stop=stop,
        )

    def facts(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Side numbers of the card.

        Args:
            before: those that the table has already; hardware is added to them.

        Raises RunError when the images or the extractor are not those of the table.
        """
        config = self.config
        here = hardware(config.device, config.workers)
        if config.device != "cpu":  # the seconds of a training are those beside the others
            here = f"{here}, {config.workers * config.together} trainings at once"
        places = [text for text in str(before.get("hardware", "")).split("; ") if text]
        now = {
            "images": len(self.images),
            "images_digest": self.images.digest,
            **self.gauge.facts,
            "samples": self.samples,
            "hardware": "; ".join(places if here in places else [*places, here]),
            "torch": torch.__version__,
            "gpproxy": gpproxy.__version__,
        }
        for name in FIXED:
            if name in before and before[name] != now.get(name):
                raise RunError(
                    f"{config.table} was measured with {name}={before[name]}, but here it is {now.get(name)}, so new "
                    "rows could not be compared with the old ones. Use the same data and extractor, or another --out."
                )
        return now


def recipe_of(config: BuildConfig) -> Recipe:
    """The preset with the settings' changes; a batch holds for the discriminator too where it shares the images."""
    changes: dict[str, Any] = _pairs(config.recipe_settings)
    if config.steps:
        changes["steps"] = config.steps
    if config.batch:
        changes["batch"] = config.batch
        if config.recipe in RECIPES and RECIPES[config.recipe].share:
            changes.setdefault("critic_batch", config.batch)
    return recipe(config.recipe, **changes)


def _space_settings(config: BuildConfig) -> dict[str, Any]:
    """What the space is opened with; spaces of channel numbers have no width."""
    taken = inspect.signature(SEARCH_SPACES[config.space]).parameters
    given: dict[str, Any] = {"width": config.width, "resolution": config.resolution}
    if "width" not in taken and config.width == BuildConfig.width:
        del given["width"]
    return {**given, **_pairs(config.space_settings)}


def _pairs(settings: tuple[str, ...]) -> dict[str, Any]:
    """`NAME=VALUE` texts as a mapping, numbers as numbers. Raises ConfigError for a text of another form."""
    found: dict[str, Any] = {}
    for pair in settings:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip().isidentifier():
            raise ConfigError(f"Settings are NAME=VALUE, such as critic_steps=2, but got '{pair}'.")
        text = value.strip()
        found[name.strip()] = int(text) if text.lstrip("-").isdigit() else text
    return found
